//! Tests of done callbacks: they run in the callback queue, in order, and never inside the caller.

use std::cell::Cell;

use super::*;

// TF-4
#[test]
fn done_callbacks_run_in_order_and_never_inside_the_caller() {
    on_workers(1, async {
        let log = Log::default();
        let task = create_task(async {});
        for note in ["first", "second", "third"] {
            let log = log.clone();
            task.add_done_callback(move |handle| {
                assert!(handle.done());
                log.note(note);
            });
        }
        until(|| task.done()).await;
        until(|| log.notes().len() == 3).await;
        let late = log.clone();
        task.add_done_callback(move |_| late.note("late"));
        assert_eq!(
            log.notes(),
            ["first", "second", "third"],
            "the callback must not run inside the call"
        );
        until(|| log.notes().len() == 4).await;
        assert_eq!(log.notes().last(), Some(&"late"));
    });
}

// TF-4
#[test]
fn callbacks_of_a_loop_never_run_two_at_once() {
    static INSIDE: AtomicUsize = AtomicUsize::new(0);
    from_many_threads(async |event_loop| {
        let (sender, receiver) = oneshot::channel();
        let task = event_loop.create_task(async {});
        task.add_done_callback(move |_| {
            assert_eq!(INSIDE.fetch_add(1, Ordering::SeqCst), 0);
            std::hint::spin_loop();
            assert_eq!(INSIDE.fetch_sub(1, Ordering::SeqCst), 1);
            sender.send(()).unwrap();
        });
        receiver.await.unwrap();
    });
}

// TF-4
#[test]
fn a_callback_of_a_cancelled_task_does_not_run_inside_cancel() {
    // Of this thread: a spare worker may take the place of a slow one, and run the callback.
    thread_local! { static INSIDE: Cell<bool> = const { Cell::new(false) } }
    on_workers(1, async {
        let (called, task) = (Flag::default(), begun(pending::<()>()).await);
        let flag = called.clone();
        task.add_done_callback(move |handle| {
            if handle.cancelled() && !INSIDE.get() {
                flag.set();
            }
        });
        INSIDE.set(true);
        assert!(task.cancel());
        INSIDE.set(false);
        until(|| called.is_set()).await;
    });
}

// TF-4
#[test]
fn callbacks_that_wait_when_main_ends_still_run() {
    for _ in 0..50 {
        let called = Flag::default();
        let flag = called.clone();
        on_workers(2, async move {
            let task = create_task(async {});
            task.add_done_callback(move |_| flag.set());
            task.await.unwrap();
        });
        assert!(called.is_set());
    }
}

// TF-5
#[test]
fn a_removed_callback_does_not_run() {
    on_workers(1, async {
        let log = Log::default();
        // It ends only after the removal, even if a spare worker takes the place of a slow one.
        let removal = Arc::new(asyncio::Event::new());
        let removed_now = Arc::clone(&removal);
        let task = create_task(async move { removed_now.wait().await });
        let (removed, kept) = (log.clone(), log.clone());
        let id = task.add_done_callback(move |_| removed.note("removed"));
        task.add_done_callback(move |_| kept.note("kept"));
        assert!(task.remove_done_callback(id));
        assert!(!task.remove_done_callback(id), "it was removed already");
        removal.set();
        until(|| !log.notes().is_empty()).await;
        assert_eq!(log.notes(), ["kept"]);
        assert!(!task.handle().remove_done_callback(id));
    });
}

// TF-5
#[test]
fn a_callback_runs_or_is_removed_and_never_both() {
    from_many_threads(async |event_loop| {
        let (called, flag) = (Flag::default(), Flag::default());
        let (set, dropped) = (called.clone(), flag.set_on_drop());
        let task = event_loop.create_task(async {});
        let id = task.add_done_callback(move |_| {
            set.set();
            drop(dropped);
        });
        let removed = task.remove_done_callback(id);
        until(|| flag.is_set()).await;
        assert_eq!(called.is_set(), !removed);
    });
}

// TF-6, reliability 55
#[test]
fn a_callback_that_panics_does_not_stop_the_others() {
    on_workers(1, async {
        let (called, task) = (Flag::default(), create_task(async {}));
        let flag = called.clone();
        task.add_done_callback(|_| panic!("in a callback"));
        task.add_done_callback(move |_| flag.set());
        until(|| called.is_set()).await;
        assert!(task.await.is_ok());
    });
}

// TF-4
#[test]
fn callbacks_that_come_while_their_task_ends_keep_their_order() {
    on_workers(2, async {
        for _ in 0..2000 {
            let (open, order) = (Flag::default(), Arc::new(Mutex::new(Vec::new())));
            let gate = open.clone();
            let task = create_task(async move {
                while !gate.is_set() {
                    checkpoint().await;
                }
            });
            let (handle, notes) = (task.handle(), Arc::clone(&order));
            let add = move |number: usize| {
                let notes = Arc::clone(&notes);
                handle.add_done_callback(move |_| notes.lock().unwrap().push(number));
            };
            (0..20).for_each(&add);
            let late = thread::spawn(move || {
                open.set();
                (20..60).for_each(&add);
            });
            until(|| order.lock().unwrap().len() == 60).await;
            late.join().unwrap();
            assert!(
                order.lock().unwrap().is_sorted(),
                "a callback ran too early"
            );
        }
    });
}
