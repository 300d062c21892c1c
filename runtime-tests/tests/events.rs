//! Tests of the loop's callbacks: asyncio's rules LH-1, LH-2, TF-15, TF-16 and TS-6.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use asyncio::{
    EventLoop, Future, Runner, context_var, create_task, current_task, get_running_loop,
};
use runtime_tests::{Flag, Log, alone, from_many_threads, on_workers, until, watched};

#[path = "events/debug.rs"]
mod debug;
#[path = "events/handler.rs"]
mod handler;
#[path = "events/timers.rs"]
mod timers;

context_var! { static WHO: &'static str = "default" }

/// Waits until every callback registered so far has run.
async fn drained(event_loop: &EventLoop) {
    let future = Future::new();
    let last = future.clone();
    event_loop.call_soon(move || last.set_result(()).unwrap());
    future.await.unwrap();
}

// LH-1, TS-6
#[test]
fn callbacks_run_one_at_a_time_in_the_order_of_their_registration() {
    on_workers(3, async {
        let event_loop = get_running_loop();
        let inside = Arc::new(AtomicBool::new(false));
        let ran: [Arc<AtomicUsize>; 4] = Default::default();
        thread::scope(|scope| {
            for ran in &ran {
                let (event_loop, inside) = (&event_loop, &inside);
                scope.spawn(move || {
                    for n in 0..1000 {
                        let (ran, inside) = (Arc::clone(ran), Arc::clone(inside));
                        event_loop.call_soon_threadsafe(move || {
                            assert!(!inside.swap(true, Ordering::SeqCst), "two at once");
                            assert_eq!(ran.fetch_add(1, Ordering::SeqCst), n, "out of order");
                            inside.store(false, Ordering::SeqCst);
                        });
                    }
                });
            }
        });
        drained(&event_loop).await;
        for ran in ran {
            assert_eq!(ran.load(Ordering::SeqCst), 1000);
        }
    });
}

// LH-1
#[test]
fn a_callback_of_a_callback_runs_behind_those_that_wait() {
    on_workers(2, async {
        let event_loop = get_running_loop();
        let log = Log::default();
        let (first, second, inner) = (log.clone(), log.clone(), log.clone());
        let again = event_loop.clone();
        event_loop.call_soon(move || {
            first.note("first");
            again.call_soon(move || inner.note("inner"));
            first.note("end of first");
        });
        event_loop.call_soon(move || second.note("second"));
        until(|| log.notes().len() == 4).await;
        let notes = log.notes();
        let place = |what| notes.iter().position(|note| *note == what).unwrap();
        assert_eq!(place("end of first"), 1, "never inside the caller");
        assert!(place("inner") > place("end of first"));
    });
}

#[test]
fn on_one_worker_the_order_is_asyncios() {
    on_workers(1, async {
        let event_loop = get_running_loop();
        let log = Log::default();
        let (first, second, inner) = (log.clone(), log.clone(), log.clone());
        let again = event_loop.clone();
        event_loop.call_soon(move || {
            first.note("first");
            again.call_soon(move || inner.note("inner"));
        });
        event_loop.call_soon(move || second.note("second"));
        assert_eq!(log.notes().len(), 0, "never inside the caller");
        drained(&event_loop).await;
        drained(&event_loop).await;
        assert_eq!(log.notes(), ["first", "second", "inner"]);
    });
}

// TF-16
#[test]
fn in_a_callback_there_is_a_running_loop_and_no_current_task() {
    on_workers(2, async {
        let event_loop = get_running_loop();
        let found = Future::new();
        let finding = found.clone();
        event_loop.call_soon(move || {
            assert_eq!(current_task(), None);
            let name = thread::current().name().unwrap_or_default().to_owned();
            let child = create_task(async { 42 });
            finding
                .set_result((get_running_loop(), name, Arc::new(Mutex::new(Some(child)))))
                .unwrap();
        });
        let (found, thread, child) = found.await.unwrap();
        assert_eq!(found, event_loop);
        assert!(!thread.ends_with("monitor"), "{thread}");
        let child = child.lock().unwrap().take().unwrap();
        assert_eq!(child.await.unwrap(), 42);
    });
}

// TF-15
#[test]
fn a_callback_runs_in_a_copy_of_its_registrars_context() {
    on_workers(2, async {
        let event_loop = get_running_loop();
        let _token = WHO.set("registrar");
        let seen = Future::new();
        let (soon, of_task) = (seen.clone(), Future::new());
        event_loop.call_soon(move || {
            soon.set_result(WHO.get()).unwrap();
            let _token = WHO.set("callback");
        });
        let task = create_task(async { WHO.set("task") });
        let done = of_task.clone();
        task.add_done_callback(move |_task| done.set_result(WHO.get()).unwrap());
        let _token = WHO.set("later");
        assert_eq!(seen.await.unwrap(), "registrar");
        assert_eq!(of_task.await.unwrap(), "registrar");
        assert_eq!(WHO.get(), "later");
    });
}

// TF-15
#[test]
fn without_variables_a_callback_has_a_context_of_its_own() {
    watched(|| {
        let mut runner = Runner::new();
        let event_loop = runner.get_loop().clone();
        let seen: Future<(&str, &str)> = event_loop.create_future();
        let seeing = seen.clone();
        // This registration is outside every context.
        event_loop.call_soon(move || {
            let before = WHO.get();
            let _token = WHO.set("callback");
            seeing.set_result((before, WHO.get())).unwrap();
        });
        assert_eq!(runner.run(seen).unwrap(), ("default", "callback"));
    });
}

// LH-1
#[test]
fn a_cancelled_callback_is_dropped_at_once_and_never_runs() {
    on_workers(1, async {
        let event_loop = get_running_loop();
        let (dropped, ran) = (Flag::default(), Flag::default());
        let (on_drop, run) = (dropped.set_on_drop(), ran.clone());
        let handle = event_loop.call_soon(move || {
            let _on_drop = on_drop;
            run.set();
        });
        assert!(!handle.cancelled());
        handle.cancel();
        assert!(handle.cancelled() && dropped.is_set());
        handle.cancel();
        assert!(handle.clone().cancelled());
        drained(&event_loop).await;
        assert!(!ran.is_set());
    });
}

#[test]
fn cancelling_a_callback_that_has_run_does_nothing_more() {
    on_workers(2, async {
        let event_loop = get_running_loop();
        let ran = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&ran);
        let handle = event_loop.call_soon(move || {
            count.fetch_add(1, Ordering::SeqCst);
        });
        drained(&event_loop).await;
        assert!(!handle.cancelled());
        handle.cancel();
        assert!(handle.cancelled(), "in asyncio it is cancelled as well");
        drained(&event_loop).await;
        assert_eq!(ran.load(Ordering::SeqCst), 1);
    });
}

#[test]
fn a_callback_may_cancel_itself_and_drop_what_reenters_the_loop() {
    on_workers(2, async {
        let event_loop = get_running_loop();
        let own = Arc::new(Mutex::new(None::<asyncio::Handle>));
        let (inside, again) = (Arc::clone(&own), event_loop.clone());
        let reenter = Flag::default();
        let reentered = reenter.clone();
        let bomb = runtime_tests::on_drop(move || {
            again.call_soon(move || reentered.set());
        });
        // The lock keeps the callback waiting until its own handle has been stored.
        {
            let mut gate = own.lock().unwrap();
            *gate = Some(event_loop.call_soon(move || {
                let _bomb = bomb;
                let handle = inside.lock().unwrap().clone().unwrap();
                handle.cancel();
                handle.cancel();
            }));
        }
        until(|| reenter.is_set()).await;
    });
}

#[test]
fn running_and_cancelling_race_to_one_end() {
    from_many_threads(async |event_loop| {
        let (ran, dropped) = (Flag::default(), Flag::default());
        let (run, on_drop) = (ran.clone(), dropped.set_on_drop());
        let handle = event_loop.call_soon_threadsafe(move || {
            let _on_drop = on_drop;
            run.set();
        });
        let canceller = handle.clone();
        let cancelling = create_task(async move { canceller.cancel() });
        cancelling.await.unwrap();
        drained(event_loop).await;
        assert!(handle.cancelled());
        until(|| dropped.is_set()).await;
    });
}

// LH-2
#[test]
fn a_closed_loop_drops_the_callback_and_gives_a_cancelled_handle() {
    watched(|| {
        let mut runner = Runner::builder().workers(2).build().unwrap();
        let event_loop = runner.get_loop().clone();
        runner.close();
        runner.close();
        let dropped = [Flag::default(), Flag::default(), Flag::default()];
        let [soon, safe, later] = dropped.each_ref().map(Flag::set_on_drop);
        assert!(event_loop.call_soon(move || drop(soon)).cancelled());
        assert!(
            event_loop
                .call_soon_threadsafe(move || drop(safe))
                .cancelled()
        );
        let now = event_loop.time();
        assert!(event_loop.call_at(now, move || drop(later)).cancelled());
        assert!(dropped.iter().all(Flag::is_set));
    });
}

#[test]
fn the_done_callbacks_of_the_last_tasks_still_run() {
    watched(|| {
        let ran = Flag::default();
        let run = ran.clone();
        asyncio::run(async move {
            let last = create_task(std::future::pending::<()>());
            last.add_done_callback(move |task| {
                assert!(task.cancelled());
                get_running_loop().call_soon(move || run.set());
            });
        });
        assert!(ran.is_set());
    });
}

#[test]
fn callbacks_that_call_others_for_ever_do_not_keep_the_loop() {
    fn again(event_loop: &EventLoop, rounds: &Arc<AtomicUsize>) {
        rounds.fetch_add(1, Ordering::SeqCst);
        let (own, rounds) = (event_loop.clone(), Arc::clone(rounds));
        event_loop.call_soon(move || again(&own, &rounds));
    }
    for workers in [1, 3] {
        on_workers(workers, async {
            let rounds = Arc::default();
            again(&get_running_loop(), &rounds);
            until(|| rounds.load(Ordering::SeqCst) > 1000).await;
        });
    }
}

#[test]
fn the_default_loop_serves_threads_without_one() {
    alone(|| {
        let mut runner = Runner::builder().workers(2).build().unwrap();
        let event_loop = runner.get_loop().clone();
        assert!(asyncio::try_get_running_loop().is_err());
        EventLoop::set_default(&event_loop);
        thread::scope(|scope| {
            let found = scope.spawn(|| {
                assert_eq!(get_running_loop(), event_loop);
                assert!(!event_loop.is_current());
                let task = create_task(async { get_running_loop() });
                event_loop.block_on(task).unwrap().unwrap()
            });
            assert_eq!(found.join().unwrap(), event_loop);
        });
        // The running loop has priority over the default loop.
        asyncio::run(async {
            assert!(get_running_loop() != event_loop);
        });
        runner.close();
        assert!(create_task(async {}).cancelled());
    });
}
