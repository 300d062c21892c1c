//! Tests that the engine holds no lock while user code runs: the user code of these tests calls the
//! loop from wakers, callbacks and destructors.
//!
//! The table lists every lock of the library, the user values behind it, and the test that attacks
//! it. (In a debug build each lock counts as a critical section, and so does the poller role. Code
//! that is about to run user code asserts that its thread is in no critical section, so a strike
//! inside one ends in a panic. In a release build it ends in a deadlock, which the watchdog ends.)
//!
//! | lock | user values behind it | attacked by |
//! |---|---|---|
//! | `time/timers.rs` a wheel, its cancelled keys | wakers | `…_timers…`, `…_closed` |
//! | `time/clock_inhibitor.rs` the paused clock | wakers of advances | `…_advance` |
//! | `scheduler/callback_timers.rs` `call_at` | callbacks, their contexts | `…_callbacks…` |
//! | `scheduler/callback_queue.rs` `call_soon` | the same | `…_callbacks…` |
//! | `scheduler/driver.rs` kernel timer; `scheduler/role.rs` | wakers of timers | `…_timers…` |
//! | `task/callback.rs` a handle's body | a callback | `…_callbacks…` |
//! | `task/wait_list.rs` a wait list | wakers, callbacks | `…_future`, strikes at a wait |
//! | `task/side.rs` a task's side, `task/foreign_waker.rs` | wakers of catches | strikes: a catch |
//! | `task/cancel` requests | wakers | strikes at a shield, a cleanup |
//! | `task/context.rs` a context | values | `…_variables` |
//! | `handover.rs` a concurrent future | wakers, callbacks, values | `…_concurrent_future` |
//! | `offload.rs` pool functions, `blocking/pool.rs` | functions, values, wakers | `…_pool` |
//! | `scheduler/shared.rs` the handler | the handler | `…_handler` |
//! | `scheduler/context.rs` the default loop | a loop, with all that is left in it | |
//! | `timeouts/control.rs`, `timeouts/cancel_scope.rs` | wakers | `…_limits` |
//! | `exceptions.rs` a panic's payload | the payload | `…_payload` |
//! | `run_queue/injector.rs`, `scheduler/inbox.rs`, `task/registry/` | moved tasks | all of them |
//! | `scheduler/{idle,parker,stand_ins,threads}.rs` | nothing | |
//!
//! Borrows of a thread's own cells are the same problem: `scheduler/local_queue.rs` (local tasks),
//! `scheduler/core.rs` (the slot writer), `task/current_context.rs` (contexts),
//! `task/cancel/raise.rs` (marks) and `task/cancel/frames.rs` (the scope stack).

use std::sync::atomic::AtomicBool;
use std::thread;
use std::time::Instant;

use asyncio::{
    EventLoop, Future as LoopFuture, Runner, context_var, create_local_task,
    run_coroutine_threadsafe, timeout, to_thread, wait_for,
};
use runtime_tests::watched;

use super::*;

const HOUR: Duration = Duration::from_secs(3600);

thread_local! { static BUSY: Cell<bool> = const { Cell::new(false) } }

/// Calls the loop in each way that takes one of its locks. Does nothing in a nested call.
fn use_loop(event_loop: &EventLoop) {
    if BUSY.replace(true) {
        return;
    }
    event_loop.call_later(HOUR, || ()).cancel();
    event_loop.call_later(Duration::from_micros(50), || ());
    event_loop.call_soon(|| ()).cancel();
    event_loop.call_soon(|| ());
    drop(event_loop.create_task(async {}).handle().get_name());
    let _metrics = event_loop.metrics();
    if !event_loop.is_closed() {
        let _guard = event_loop.enter();
        let mut nap = sleep(HOUR);
        let polled = nap.poll_unpin(&mut Context::from_waker(Waker::noop()));
        assert!(polled.is_pending() || event_loop.is_closed());
        drop(run_coroutine_threadsafe(async {}, event_loop));
    }
    BUSY.set(false);
}

/// Uses the loop when it is dropped.
#[derive(Clone, Debug)]
struct Bomb(EventLoop);

impl Drop for Bomb {
    fn drop(&mut self) {
        use_loop(&self.0);
    }
}

/// Returns a callback that uses the loop when it is called or dropped.
fn go_off_later(event_loop: &EventLoop) -> impl FnOnce() + Send + 'static {
    let bomb = Bomb(event_loop.clone());
    move || drop(bomb)
}

/// Returns a waker that uses the loop in its clone, wake and drop.
fn hostile(event_loop: &EventLoop) -> Waker {
    let event_loop = event_loop.clone();
    raw::waker(move |_event| {
        // The loop may be closed between two of the calls: then a new timer panics.
        let used = std::panic::AssertUnwindSafe(|| use_loop(&event_loop));
        if let Err(payload) = std::panic::catch_unwind(used) {
            BUSY.set(false);
            let text = panic_text(&*payload);
            assert!(text.contains("Event loop is closed"), "{text}");
        }
    })
}

fn panic_text(payload: &(dyn std::any::Any + Send)) -> String {
    let text = payload.downcast_ref::<String>().cloned();
    text.or_else(|| payload.downcast_ref::<&str>().map(ToString::to_string))
        .unwrap_or_default()
}

fn poll_with<F: Future + Unpin>(future: &mut F, waker: &Waker) -> bool {
    future
        .poll_unpin(&mut Context::from_waker(waker))
        .is_ready()
}

/// How often each thread strikes at most: the loop has to work off what the strikes leave behind.
const STRIKES_AT_MOST: usize = 2_000;

/// Runs `strike` over and over on `threads` foreign threads against one loop, while that loop runs
/// a main that sleeps.
fn strike_from(threads: usize, strike: impl Fn(usize, &EventLoop) + Sync) {
    watched(|| {
        for workers in [1, 2] {
            let mut runner = Runner::builder().workers(workers).build().unwrap();
            let event_loop = runner.get_loop().clone();
            let over = AtomicBool::new(false);
            thread::scope(|scope| {
                for side in 0..threads {
                    let (event_loop, strike, over) = (&event_loop, &strike, &over);
                    scope.spawn(move || {
                        let _guard = event_loop.enter();
                        for _ in 0..STRIKES_AT_MOST {
                            if over.load(Ordering::Relaxed) {
                                break;
                            }
                            strike(side, event_loop);
                        }
                    });
                }
                runner.run(async {
                    let end = Instant::now() + Duration::from_millis(700);
                    while Instant::now() < end {
                        sleep(Duration::from_micros(100)).await;
                    }
                });
                over.store(true, Ordering::Relaxed);
            });
        }
    });
}

#[test]
fn hostile_wakers_meet_the_locks_of_the_timers_and_callbacks() {
    strike_from(4, |side, event_loop| match side % 4 {
        // Dropped before it fires.
        0 => {
            let mut nap = sleep(HOUR);
            assert!(!poll_with(&mut nap, &hostile(event_loop)));
            assert!(!poll_with(&mut nap, &hostile(event_loop)));
        }
        // Fires, or is dropped at that moment.
        1 => {
            let mut naps = [10, 40, 70].map(|micros| sleep(Duration::from_micros(micros)));
            let waker = hostile(event_loop);
            for nap in &mut naps {
                let _ready = poll_with(nap, &waker);
            }
            thread::sleep(Duration::from_micros(50));
        }
        2 => event_loop.call_later(HOUR, || ()).cancel(),
        _ => {
            event_loop.call_later(Duration::from_micros(20), || ());
            event_loop
                .call_later(Duration::from_micros(60), || ())
                .cancel();
        }
    });
}

/// A cancel that finds a wheel locked leaves the waker there. The next thread that visits the wheel
/// drops it: one that adds a callback, under the lock of all callbacks, or one that polls, in the
/// poller role.
#[test]
fn a_hostile_waker_is_given_up_while_others_change_the_callbacks() {
    watched(|| {
        let runner = Runner::builder().workers(1).build().unwrap();
        let event_loop = runner.get_loop().clone();
        let end = Instant::now() + Duration::from_secs(3);
        thread::scope(|scope| {
            for side in 0..4 {
                let event_loop = event_loop.clone();
                scope.spawn(move || {
                    let _guard = event_loop.enter();
                    while Instant::now() < end {
                        if side % 2 == 0 {
                            let mut nap = sleep(HOUR);
                            let bomb = Arc::new(OnDropped(event_loop.clone()));
                            assert!(!poll_with(&mut nap, &Waker::from(bomb)));
                        } else {
                            event_loop.call_later(HOUR, || ()).cancel();
                        }
                    }
                });
            }
        });
    });
}

/// A waker of which only the destructor uses the loop, and only briefly, so that most of the time
/// is spent in the engine.
struct OnDropped(EventLoop);

impl std::task::Wake for OnDropped {
    fn wake(self: Arc<Self>) {}
}

impl Drop for OnDropped {
    fn drop(&mut self) {
        self.0.call_later(HOUR, || ()).cancel();
    }
}

#[test]
fn hostile_destructors_of_callbacks_meet_their_locks() {
    strike_from(3, |side, event_loop| match side % 3 {
        0 => event_loop
            .call_later(HOUR, go_off_later(event_loop))
            .cancel(),
        1 => {
            event_loop.call_soon(go_off_later(event_loop));
            event_loop.call_soon(go_off_later(event_loop)).cancel();
        }
        _ => {
            let soon = Duration::from_micros(30);
            event_loop.call_later(soon, go_off_later(event_loop));
            event_loop
                .call_later(2 * soon, go_off_later(event_loop))
                .cancel();
        }
    });
}

#[test]
fn hostile_wakers_and_callbacks_wait_on_a_loop_that_is_closed() {
    watched(|| {
        for round in 0..20 {
            let runner = Runner::builder().workers(1 + round % 2).build().unwrap();
            let event_loop = runner.get_loop().clone();
            let mut naps: Vec<_> = (0..20).map(|_| sleep(HOUR)).collect();
            {
                let _guard = event_loop.enter();
                let waker = hostile(&event_loop);
                for nap in &mut naps {
                    assert!(!poll_with(nap, &waker));
                }
            }
            let _used_after_the_close = Bomb(event_loop.clone());
            for _ in 0..20 {
                event_loop.call_later(HOUR, go_off_later(&event_loop));
            }
            drop(runner);
            drop(naps);
        }
    });
}

#[test]
fn a_hostile_waker_waits_for_an_advance() {
    watched(|| {
        for _ in 0..20 {
            let mut runner = Runner::builder()
                .workers(1)
                .start_paused(true)
                .build()
                .unwrap();
            let event_loop = runner.get_loop().clone();
            let mut advances = [1, 2, 3].map(|secs| {
                let advance = event_loop.advance(Duration::from_secs(secs));
                advance.boxed()
            });
            for advance in &mut advances {
                assert!(!poll_with(advance, &hostile(&event_loop)));
                assert!(!poll_with(advance, &hostile(&event_loop)));
            }
            let [over, given_up, _closed] = advances;
            drop(given_up);
            runner.run(over);
        }
    });
}

#[test]
fn hostile_wakers_and_values_meet_the_locks_of_a_future() {
    strike_from(2, |_, event_loop| {
        let future = LoopFuture::<Arc<Bomb>>::new();
        let mut waiters: Vec<_> = (0..3).map(|_| future.clone()).collect();
        for waiter in &mut waiters {
            assert!(!poll_with(waiter, &hostile(event_loop)));
            assert!(!poll_with(waiter, &hostile(event_loop)));
        }
        let bomb = Arc::new(Bomb(event_loop.clone()));
        let id = future.add_done_callback({
            let bomb = Arc::clone(&bomb);
            move |_| drop(bomb)
        });
        future.remove_done_callback(id);
        drop(waiters.pop());
        future.set_result(Arc::clone(&bomb)).unwrap();
        let refused = future.set_result(bomb);
        assert!(refused.is_err());
    });
}

#[test]
fn hostile_wakers_and_values_meet_the_lock_of_a_concurrent_future() {
    strike_from(2, |side, event_loop| {
        let bomb = Bomb(event_loop.clone());
        let mut future = run_coroutine_threadsafe(async move { bomb }, event_loop);
        let _ready = poll_with(&mut future, &hostile(event_loop));
        future.add_done_callback(|_| ());
        if side % 2 == 0 {
            future.cancel();
        } else {
            thread::sleep(Duration::from_micros(100));
        }
    });
}

#[test]
fn hostile_functions_and_values_meet_the_locks_of_the_pool() {
    strike_from(2, |side, event_loop| {
        let (held, kept) = (Bomb(event_loop.clone()), Bomb(event_loop.clone()));
        let call = to_thread(move || {
            drop(held);
            kept
        });
        let handle = call.handle();
        if side % 2 == 0 {
            handle.cancel();
        }
        thread::sleep(Duration::from_micros(200));
        drop(call);
    });
}

context_var! {
    static VALUE: Option<Arc<Bomb>> = None
}

#[test]
fn hostile_values_are_bound_to_context_variables() {
    on_workers(2, async {
        for _ in 0..10 {
            let tasks = (0..4).map(|_| {
                create_task(async {
                    let event_loop = asyncio::get_running_loop();
                    for _ in 0..40 {
                        let bomb = || Some(Arc::new(Bomb(event_loop.clone())));
                        let token = VALUE.set(bomb());
                        VALUE.reset(token);
                        let _left = VALUE.set(bomb());
                    }
                    drop(asyncio::copy_context());
                })
            });
            for task in tasks.collect::<Vec<_>>() {
                task.await.unwrap();
            }
        }
    });
}

#[test]
fn hostile_outputs_futures_and_local_tasks_are_dropped() {
    on_workers(2, async {
        let event_loop = asyncio::get_running_loop();
        for round in 0..200 {
            let bomb = || Bomb(event_loop.clone());
            let (output, held, local) = (bomb(), bomb(), bomb());
            let ended = create_task(async move { output });
            let pending = create_task(async move {
                let _held = held;
                pending::<()>().await;
            });
            let local = create_local_task(async move { local });
            if round % 2 == 0 {
                checkpoint().await;
            }
            pending.cancel();
            drop((ended, pending, local));
            checkpoint().await;
        }
    });
}

#[test]
fn a_hostile_handler_is_replaced() {
    strike_from(2, |_, event_loop| {
        let bomb = Bomb(event_loop.clone());
        event_loop.set_exception_handler(move |_, _| {
            let _held = &bomb;
        });
        event_loop.reset_exception_handler();
    });
}

#[test]
fn hostile_wakers_meet_the_locks_of_limits() {
    on_workers(2, async {
        let event_loop = asyncio::get_running_loop();
        for _ in 0..100 {
            let waker = hostile(&event_loop);
            let (send, receive) = std::sync::mpsc::channel();
            let mut limited = Box::pin(timeout(HOUR, async move |limit: &asyncio::Timeout| {
                send.send(limit.clone()).unwrap();
                pending::<()>().await;
            }));
            let mut waited = Box::pin(wait_for(pending::<()>(), HOUR));
            let mut moved = Box::pin(asyncio::move_on_after(HOUR, async |_| {
                pending::<()>().await
            }));
            for _ in 0..2 {
                let other = hostile(&event_loop);
                for waker in [&waker, &other] {
                    assert!(!poll_with(&mut limited, waker));
                    assert!(!poll_with(&mut waited, waker));
                    assert!(!poll_with(&mut moved, waker));
                }
            }
            let limit = receive.recv().unwrap();
            limit.reschedule(None).unwrap();
        }
    });
}

#[test]
fn a_hostile_payload_is_thrown_and_dropped() {
    on_workers(2, async {
        let event_loop = asyncio::get_running_loop();
        event_loop.set_exception_handler(|_, _| ());
        for round in 0..50 {
            let bomb = Bomb(event_loop.clone());
            let task = create_task(async move { std::panic::resume_unwind(Box::new(bomb)) });
            if round % 2 == 0 {
                let ended: Result<(), _> = task.await;
                assert!(ended.is_err());
            } else {
                checkpoint().await;
            }
        }
    });
}
