//! Tests of `wait`: asyncio's rules WA, as changed by the list of differences.

use std::future::{pending, ready};
use std::pin::pin;
use std::task::Context;
use std::time::{Duration, Instant};

use asyncio::{
    ALL_COMPLETED, FIRST_COMPLETED, FIRST_EXCEPTION, Task, TaskHandle, catch_cancelled, checkpoint,
    create_task, sleep, wait,
};
use futures::FutureExt;
use futures::channel::oneshot;
use futures::task::noop_waker;
use runtime_tests::{
    Flag, Polls, begun, caught, counting_polls, from_many_threads, on_workers, until, watched,
};

const HOUR: Duration = Duration::from_secs(3600);

/// Makes a task that returns the value that is sent to it.
fn gated<T: Send + 'static>() -> (oneshot::Sender<T>, Task<T>) {
    let (send, receive) = oneshot::channel();
    let task = create_task(async { receive.await.expect("the test sends a value") });
    (send, task)
}

async fn values<T>(tasks: Vec<Task<T>>) -> Vec<T> {
    let mut values = Vec::new();
    for task in tasks {
        values.push(task.await.unwrap());
    }
    values
}

// WA-1, difference 21
#[test]
fn a_wait_for_nothing_panics_at_the_callers_line() {
    watched(|| {
        let nothing = Vec::<Task<()>>::new();
        let line = line!() + 1;
        let panic = caught(|| drop(wait(nothing)));
        assert_eq!(panic.text, "Set of Tasks/Futures is empty.");
        let (file, place) = panic.place.unwrap();
        assert!(file.ends_with("wait.rs"), "{file}");
        assert_eq!(place, line);
    });
}

// WA-1
#[test]
fn any_iterator_of_tasks_will_do() {
    on_workers(2, async {
        let (done, pending) = wait((0..3).map(|number| create_task(ready(number)))).await;
        assert_eq!((values(done).await, pending.len()), (vec![0, 1, 2], 0));
        let (done, _) = wait(vec![create_task(ready(1))]).await;
        let (done, _) = wait(done).await;
        assert_eq!(values(done).await, [1]);
    });
}

#[test]
fn all_of_them_are_waited_for_by_default_and_come_back_in_order() {
    on_workers(2, async {
        let (gates, tasks): (Vec<_>, Vec<_>) = (0..3).map(|_| gated()).unzip();
        let waiter = begun(async { wait(tasks).return_when(ALL_COMPLETED).await }).await;
        for (number, gate) in gates.into_iter().enumerate().rev() {
            assert!(!waiter.done());
            gate.send(number).unwrap();
            checkpoint().await;
        }
        let (done, pending) = waiter.await.unwrap();
        assert!(pending.is_empty());
        assert_eq!(values(done).await, [0, 1, 2]);
    });
}

// TF-2
#[test]
fn a_wait_for_what_is_done_is_ready_at_once() {
    on_workers(2, async {
        let tasks = [create_task(ready(1)), create_task(ready(2))];
        until(|| tasks.iter().all(Task::done)).await;
        let (done, _) = wait(tasks).now_or_never().unwrap();
        let (done, _) = wait(done)
            .return_when(FIRST_COMPLETED)
            .now_or_never()
            .unwrap();
        let (done, _) = wait(done).timeout(Duration::ZERO).now_or_never().unwrap();
        assert_eq!(values(done).await, [1, 2]);
    });
}

// WA-3
#[test]
fn first_completed_gives_back_all_that_are_done_by_then() {
    on_workers(2, async {
        let ((send_first, first), (_send, second), (send_third, third)) =
            (gated(), gated(), gated());
        let handles = [&first, &third].map(Task::handle);
        let mut waiting = wait([first, second, third]).return_when(FIRST_COMPLETED);
        assert!((&mut waiting).now_or_never().is_none());
        send_first.send(1).unwrap();
        send_third.send(3).unwrap();
        until(|| handles.iter().all(TaskHandle::done)).await;
        let (done, pending) = waiting.await;
        assert_eq!(pending.len(), 1);
        assert_eq!(values(done).await, [1, 3]);
        pending[0].cancel();
    });
}

// WA-3: a task that was cancelled or has panicked counts as completed.
#[test]
fn first_completed_takes_a_cancellation_and_a_panic_for_an_end() {
    on_workers(2, async {
        let cancelled = create_task(pending::<()>());
        cancelled.cancel();
        let tasks = [create_task(pending()), cancelled];
        let (done, pending) = wait(tasks).return_when(FIRST_COMPLETED).await;
        assert!(done[0].cancelled());

        let panicking = create_task(async { std::panic::resume_unwind(Box::new("oh no")) });
        let tasks = pending.into_iter().chain([panicking]);
        let (mut done, pending) = wait(tasks).return_when(FIRST_COMPLETED).await;
        assert!(done[0].result().unwrap_err().is_panic());
        assert!(!pending[0].done() && pending[0].cancelling() == 0);
        pending[0].cancel();
    });
}

// WA-4
#[test]
fn first_exception_ends_at_an_err_which_its_task_still_has() {
    on_workers(2, async {
        let ((send_first, first), (send_second, second), (_send, third)) =
            (gated(), gated(), gated());
        let mut waiting = wait([first, second, third]).return_when(FIRST_EXCEPTION);
        assert!((&mut waiting).now_or_never().is_none());
        send_first.send(Ok(1)).unwrap();
        for _ in 0..10 {
            checkpoint().await;
            assert!((&mut waiting).now_or_never().is_none());
        }
        send_second.send(Err(String::from("oh no"))).unwrap();
        let (done, pending) = waiting.await;
        assert_eq!(values(done).await, [Ok(1), Err(String::from("oh no"))]);
        assert_eq!(pending.len(), 1);
        pending[0].cancel();
    });
}

// WA-4
#[test]
fn first_exception_ends_at_a_panic() {
    on_workers(2, async {
        let endless = create_task(pending::<Result<(), ()>>());
        let panicking = create_task(async { std::panic::resume_unwind(Box::new("oh no")) });
        let tasks = [endless, panicking];
        let (mut done, pending) = wait(tasks).return_when(FIRST_EXCEPTION).await;
        assert!(done[0].result().unwrap_err().is_panic());
        pending[0].cancel();
    });
}

// WA-4
#[test]
fn first_exception_does_not_end_at_a_cancellation() {
    on_workers(2, async {
        let (go, last) = gated::<Result<i32, ()>>();
        let cancelled = create_task(pending());
        let handle = cancelled.handle();
        let mut waiting = wait([cancelled, last]).return_when(FIRST_EXCEPTION);
        assert!((&mut waiting).now_or_never().is_none());
        handle.cancel();
        handle.wait().await;
        assert!((&mut waiting).now_or_never().is_none());
        go.send(Ok(1)).unwrap();
        let (mut done, pending) = waiting.await;
        assert!(pending.is_empty() && done[0].cancelled());
        assert_eq!(done[1].result().unwrap(), Ok(1));
    });
}

// WA-4
#[test]
fn without_an_exception_first_exception_waits_for_all() {
    on_workers(2, async {
        let tasks = [1, 2].map(|number| create_task(ready(Ok::<_, ()>(number))));
        let (done, pending) = wait(tasks).return_when(FIRST_EXCEPTION).await;
        assert_eq!((values(done).await, pending.len()), (vec![Ok(1), Ok(2)], 0));
    });
}

// WA-2
#[test]
fn a_timeout_raises_nothing_and_cancels_nothing() {
    on_workers(2, async {
        let tasks = [create_task(sleep(HOUR)), create_task(sleep(Duration::ZERO))];
        let begin = Instant::now();
        let (done, pending) = wait(tasks).timeout(Duration::from_millis(20)).await;
        assert!(begin.elapsed() >= Duration::from_millis(20));
        assert_eq!((done.len(), pending.len()), (1, 1));
        assert!(!pending[0].done() && pending[0].cancelling() == 0);

        let tasks = done.into_iter().chain(pending);
        let (done, pending) = wait(tasks).timeout(Duration::from_millis(1)).await;
        assert_eq!((done.len(), pending.len()), (1, 1), "in any order");
        pending[0].cancel();
    });
}

// WA-2: like `sleep(0)`, a timeout of zero yields once, to the back of the queue.
#[test]
fn a_timeout_of_zero_gives_the_tasks_one_turn() {
    on_workers(1, async {
        let waiter = create_task(async {
            let tasks = [create_task(ready(())), create_task(pending())];
            wait(tasks).timeout(Duration::ZERO).await
        });
        let (done, pending) = waiter.await.unwrap();
        assert_eq!((done.len(), pending.len()), (1, 1));
        pending[0].cancel();
    });
}

// WA-2
#[test]
fn no_timeout_is_for_ever() {
    on_workers(2, async {
        let (go, task) = gated();
        let waiting = wait([task]).timeout(Duration::ZERO).timeout(None);
        let waiter = begun(waiting).await;
        for _ in 0..10 {
            checkpoint().await;
        }
        assert!(!waiter.done());
        go.send(1).unwrap();
        assert_eq!(values(waiter.await.unwrap().0).await, [1]);

        let (done, _) = wait([create_task(ready(2))]).timeout(Duration::MAX).await;
        assert_eq!(values(done).await, [2]);
    });
}

// WA-5
#[test]
fn what_the_tasks_raise_stays_with_them() {
    on_workers(2, async {
        let panicking = create_task(async { std::panic::resume_unwind(Box::new("oh no")) });
        let failing = create_task(ready(Err::<(), _>("oh no")));
        let (mut done, _) = wait([panicking, failing]).await;
        assert!(done[0].result().unwrap_err().is_panic());
        assert_eq!(done[1].result().unwrap(), Err("oh no"));
    });
}

// WA-6
#[test]
fn cancelling_the_waiter_leaves_the_tasks_running() {
    on_workers(2, async {
        let ended = Flag::default();
        let flag = ended.clone();
        let (go, opened) = oneshot::channel::<()>();
        let task = create_task(async move {
            opened.await.unwrap();
            flag.set();
        });
        let handle = task.handle();
        let waiter = begun(async { catch_cancelled(wait([task])).await.is_err() }).await;
        waiter.cancel();
        assert!(
            waiter.await.unwrap(),
            "the awaiter catches its cancellation"
        );
        assert!(!handle.done() && handle.cancelling() == 0);
        go.send(()).unwrap();
        handle.wait().await;
        assert!(ended.is_set());
    });
}

// WA-6
#[test]
fn dropping_a_wait_leaves_the_tasks_running() {
    on_workers(2, async {
        let (go, task) = gated::<()>();
        let handle = task.handle();
        let mut waiting = wait([task]);
        assert!((&mut waiting).now_or_never().is_none());
        drop(waiting);
        go.send(()).unwrap();
        handle.wait().await;
        assert!(!handle.cancelled());
    });
}

#[test]
fn a_pending_task_can_be_awaited_after_the_wait() {
    on_workers(2, async {
        let (go, task) = gated();
        let tasks = [create_task(ready(1)), task];
        let (_, mut pending) = wait(tasks).return_when(FIRST_COMPLETED).await;
        if let Some(task) = pending.iter().position(|task| !task.done()) {
            let awaiter = begun(pending.swap_remove(task)).await;
            go.send(2).unwrap();
            assert_eq!(awaiter.await.unwrap().unwrap(), 2);
        }
    });
}

#[test]
fn a_wait_may_be_polled_with_one_waker_after_another() {
    on_workers(2, async {
        let (go, task) = gated();
        let mut waiting = wait([create_task(ready(1)), task]);
        let waker = noop_waker();
        assert!(
            waiting
                .poll_unpin(&mut Context::from_waker(&waker))
                .is_pending()
        );
        let waiter = begun(waiting).await;
        go.send(2).unwrap();
        assert_eq!(values(waiter.await.unwrap().0).await, [1, 2]);
    });
}

#[test]
fn until_none_is_left_one_after_the_other() {
    on_workers(2, async {
        let mut tasks: Vec<_> = (0..200)
            .map(|number| {
                create_task(async move {
                    for _ in 0..number * 7 % 31 {
                        checkpoint().await;
                    }
                    number
                })
            })
            .collect();
        let mut seen = Vec::new();
        while !tasks.is_empty() {
            let (done, pending) = wait(tasks).return_when(FIRST_COMPLETED).await;
            assert!(!done.is_empty());
            seen.extend(values(done).await);
            tasks = pending;
        }
        seen.sort_unstable();
        assert!(seen.into_iter().eq(0..200));
    });
}

#[test]
fn ten_thousand_tasks_with_an_exception_at_the_end() {
    on_workers(2, async {
        let polls = Polls::default();
        let task = |number| async move {
            checkpoint().await;
            if number == 9_999 {
                Err(number)
            } else {
                Ok(number)
            }
        };
        let tasks = (0..10_000).map(|number| create_task(task(number)));
        let waiting = pin!(wait(tasks).return_when(FIRST_EXCEPTION));
        let (done, pending) = counting_polls(&polls, waiting).await;
        assert_eq!(done.len() + pending.len(), 10_000);
        assert!(values(done).await.contains(&Err(9_999)));
    });
}

#[test]
fn waits_on_many_threads_at_once() {
    from_many_threads(async |event_loop| {
        let tasks = (0..8).map(|number| {
            event_loop.create_task(async move {
                if number % 2 == 0 {
                    checkpoint().await;
                }
                if number == 6 { Err(number) } else { Ok(number) }
            })
        });
        let (done, pending) = wait(tasks).return_when(FIRST_EXCEPTION).await;
        assert!(done.iter().all(Task::done));
        assert_eq!(done.len() + pending.len(), 8);
        assert!(values(done).await.contains(&Err(6)));
        if !pending.is_empty() {
            let (done, pending) = wait(pending).await;
            assert!(pending.is_empty());
            assert!(values(done).await.iter().all(Result::is_ok));
        }
    });
}
