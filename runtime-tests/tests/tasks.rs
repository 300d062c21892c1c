//! Tests of tasks: asyncio's rules TF, as changed by the list of differences.

use std::future::{pending, ready};
use std::panic::panic_any;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use asyncio::{Runner, TaskError, checkpoint, create_local_task, create_task, current_task, task};
use futures::FutureExt;
use futures::channel::oneshot;
use futures::future::join_all;
use runtime_tests::{
    Flag, Log, Polls, begun, blocking_wait, counting_polls, from_many_threads, on_drop, on_workers,
    until, watched,
};

#[path = "tasks/callbacks.rs"]
mod callbacks;
#[path = "tasks/cancel_and_wait.rs"]
mod cancel_and_wait;
#[path = "tasks/depth_first.rs"]
mod depth_first;

// TF-1
#[test]
fn create_task_never_runs_the_coroutine_inside_the_call() {
    on_workers(1, async {
        let ran = Flag::default();
        let flag = ran.clone();
        let task = create_task(async move { flag.set() });
        assert!(!ran.is_set() && !task.done());
        task.await.unwrap();
        assert!(ran.is_set());
    });
}

// TF-1
#[test]
fn tasks_made_on_many_threads_all_run() {
    from_many_threads(async |event_loop| {
        let tasks: Vec<_> = (0..8)
            .map(|number| event_loop.create_task(async move { number }))
            .collect();
        let values: Vec<_> = join_all(tasks)
            .await
            .into_iter()
            .map(Result::unwrap)
            .collect();
        assert_eq!(values, (0..8).collect::<Vec<_>>());
    });
}

// TF-2
#[test]
fn awaiting_what_is_done_does_not_yield() {
    on_workers(1, async {
        let task = create_task(async { 1 });
        until(|| task.done()).await;
        assert_eq!(task.handle().wait().now_or_never(), Some(()));
        assert_eq!(task.now_or_never().unwrap().unwrap(), 1);
        assert_eq!(
            asyncio::finally(ready(2), ready(())).now_or_never(),
            Some(2)
        );
        assert_eq!(
            asyncio::catch_cancelled(ready(3)).now_or_never(),
            Some(Ok(3))
        );
        assert_eq!(async { 4 }.now_or_never(), Some(4));
    });
}

// TF-2
#[test]
fn awaiting_a_fresh_task_yields() {
    on_workers(1, async {
        let mut task = create_task(async { 1 });
        assert!((&mut task).now_or_never().is_none());
        assert_eq!(task.await.unwrap(), 1);
    });
}

// TF-3
#[test]
fn a_sleep_of_nothing_yields_exactly_once() {
    on_workers(1, async {
        let polls = Polls::default();
        counting_polls(&polls, asyncio::sleep(Duration::ZERO)).await;
        assert_eq!(polls.count(), 2);
        counting_polls(
            &polls,
            asyncio::sleep_until(Instant::now() - Duration::from_secs(1)),
        )
        .await;
        assert_eq!(polls.count(), 4);
        counting_polls(&polls, checkpoint()).await;
        assert_eq!(polls.count(), 6);
        assert_eq!(
            asyncio::sleep(Duration::ZERO).with_result("late").await,
            "late"
        );
    });
}

// TF-3
#[test]
fn a_sleep_of_nothing_lets_others_run() {
    on_workers(1, async {
        let ran = Flag::default();
        let flag = ran.clone();
        let _task = create_task(async move { flag.set() });
        asyncio::sleep(Duration::ZERO).await;
        assert!(ran.is_set());
    });
}

// TF-3
#[test]
fn a_sleep_returns_its_result_and_not_early() {
    from_many_threads(async |_| {
        let before = Instant::now();
        let delay = Duration::from_millis(1);
        assert_eq!(asyncio::sleep(delay).with_result(7).await, 7);
        assert!(before.elapsed() >= delay);
    });
}

// TF-3
#[test]
fn a_cancelled_sleep_does_not_keep_the_loop() {
    let before = Instant::now();
    on_workers(2, async {
        let task = begun(asyncio::sleep(Duration::from_secs(3600))).await;
        assert!(task.cancel());
        assert!(task.await.unwrap_err().is_cancelled());
    });
    assert!(before.elapsed() < Duration::from_secs(5));
}

// TF-7
#[test]
fn the_result_is_there_once_and_only_when_the_task_is_done() {
    on_workers(1, async {
        let mut task = create_task(async { 1 });
        assert!(matches!(task.result(), Err(TaskError::InvalidState(_))));
        until(|| task.done()).await;
        assert_eq!(task.result().unwrap(), 1);
        assert!(matches!(task.result(), Err(TaskError::InvalidState(_))));
        assert!(
            !task.cancel(),
            "a cancel of a task that is done must return false"
        );
        let mut cancelled = begun(pending::<()>()).await;
        cancelled.cancel();
        until(|| cancelled.done()).await;
        assert!(cancelled.result().unwrap_err().is_cancelled());
    });
}

// TF-10
#[test]
fn any_number_may_wait_for_the_end_of_a_task() {
    from_many_threads(async |event_loop| {
        let (open, opened) = oneshot::channel::<()>();
        let task = event_loop.create_task(opened);
        let waits: Vec<_> = (0..4)
            .map(|_| event_loop.create_task(task.handle().wait()))
            .collect();
        open.send(()).unwrap();
        task.handle().wait().await;
        assert!(task.done());
        join_all(waits).await.into_iter().for_each(Result::unwrap);
        task.await.unwrap().unwrap();
    });
}

// TF-10
#[test]
fn a_task_can_be_awaited_by_reference_and_from_a_foreign_executor() {
    watched(|| {
        let mut runner = Runner::builder().workers(2).build().unwrap();
        let (open, opened) = oneshot::channel::<u32>();
        let mut task = runner.get_loop().create_task(opened);
        assert!((&mut task).now_or_never().is_none());
        open.send(5).unwrap();
        assert_eq!(blocking_wait(&mut task).unwrap(), Ok(5));
        blocking_wait(task.handle().wait());
        runner.close();
    });
}

// TF-12, difference 1
#[test]
fn a_dropped_handle_detaches_the_task() {
    from_many_threads(async |event_loop| {
        let (done, (open, opened)) = (Flag::default(), oneshot::channel::<()>());
        let flag = done.clone();
        drop(event_loop.create_task(async move {
            opened.await.unwrap();
            checkpoint().await;
            flag.set();
        }));
        open.send(()).unwrap();
        until(|| done.is_set()).await;
    });
}

// TF-14
#[test]
fn tasks_have_names() {
    on_workers(1, async {
        let (one, two) = (create_task(async {}), create_task(async {}));
        assert!(one.get_name().starts_with("Task-"));
        assert_ne!(one.get_name(), two.get_name());
        assert_ne!(one.id(), two.id());
        one.set_name("renamed");
        assert_eq!(one.handle().get_name(), "renamed");
        let named = task::Builder::new()
            .name("built")
            .create_task(async { current_task().unwrap().get_name() });
        assert_eq!(named.get_name(), "built");
        assert_eq!(named.await.unwrap(), "built");
    });
}

// TF-14, difference 18
#[test]
fn default_names_are_unique_over_all_threads() {
    let (sender, receiver) = mpsc::channel();
    from_many_threads(async |event_loop| {
        let task = event_loop.create_task(async { current_task().unwrap().get_name() });
        sender.send(task.get_name()).unwrap();
        assert_eq!(task.get_name(), task.await.unwrap());
    });
    drop(sender);
    let mut names: Vec<String> = receiver.iter().collect();
    let count = names.len();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), count);
}

#[test]
fn a_task_knows_where_it_was_made() {
    on_workers(1, async {
        let (line, task) = (line!(), create_task(async {}));
        assert_eq!(
            (task.location().file(), task.location().line()),
            (file!(), line)
        );
        let (line, task) = (line!(), create_local_task(async {}));
        assert_eq!(
            (task.location().file(), task.location().line()),
            (file!(), line)
        );
        let (line, task) = (line!(), task::Builder::new().create_task(async {}));
        assert_eq!(
            (task.location().file(), task.location().line()),
            (file!(), line)
        );
        let (line, task) = (line!(), asyncio::get_running_loop().create_task(async {}));
        assert_eq!(
            (task.location().file(), task.location().line()),
            (file!(), line)
        );
    });
}

// TF-16
#[test]
fn all_tasks_are_those_that_have_not_ended() {
    on_workers(1, async {
        let own = current_task().unwrap();
        assert_eq!(asyncio::all_tasks(), std::slice::from_ref(&own));
        let task = create_task(pending::<()>());
        let tasks = asyncio::all_tasks();
        assert!(tasks.contains(&own) && tasks.contains(&task.handle()) && tasks.len() == 2);
        task.cancel();
        until(|| task.done()).await;
        assert_eq!(asyncio::all_tasks(), [own]);
    });
}

// TF-16
#[test]
fn a_callback_has_no_current_task() {
    on_workers(1, async {
        let (sender, receiver) = oneshot::channel();
        create_task(async {}).add_done_callback(move |_| {
            sender
                .send((current_task(), asyncio::try_get_running_loop().is_ok()))
                .unwrap();
        });
        assert_eq!(receiver.await.unwrap(), (None, true));
        assert!(current_task().is_some());
    });
}

// TF-16
#[test]
fn the_current_task_is_the_one_that_runs() {
    from_many_threads(async |event_loop| {
        let own = current_task().unwrap();
        let task = event_loop.create_task(async {
            let before = current_task();
            checkpoint().await;
            assert_eq!(before, current_task());
            before
        });
        let handle = task.handle();
        assert_eq!(task.await.unwrap(), Some(handle));
        assert_eq!(current_task(), Some(own));
    });
}

// TF-18
#[test]
fn an_eager_task_runs_to_its_first_suspension_inside_the_call() {
    on_workers(1, async {
        let (own, log) = (current_task(), Log::default());
        let (inner, eager) = (log.clone(), task::Builder::new().eager_start(true));
        let task = eager.clone().create_task(async move {
            inner.note("begun");
            let here = current_task().unwrap();
            assert!(asyncio::all_tasks().contains(&here));
            checkpoint().await;
            inner.note("ended");
            here
        });
        assert_eq!(log.notes(), ["begun"]);
        assert_eq!(current_task(), own);
        let handle = task.handle();
        assert_eq!(task.await.unwrap(), handle);
        let mut done = eager.clone().create_task(async { 5 });
        assert!(done.done() && !done.cancel());
        assert_eq!(done.result().unwrap(), 5);
        let panicked = eager.create_task(async { panic!("stored, not thrown") });
        assert!(panicked.await.unwrap_err().is_panic());
    });
}

// TF-18
#[test]
fn eager_tasks_nest() {
    fn nest(depth: u32) -> u32 {
        let own = current_task();
        let eager = task::Builder::new().eager_start(true);
        let mut task =
            eager.create_task(async move { if depth == 0 { 0 } else { nest(depth - 1) + 1 } });
        assert_eq!(current_task(), own);
        task.result().unwrap()
    }
    from_many_threads(async |event_loop| {
        assert_eq!(nest(5), 5);
        assert_eq!(event_loop.create_task(async { nest(5) }).await.unwrap(), 5);
    });
}

// TF-19, difference 12
#[test]
fn a_task_of_another_loop_can_be_awaited() {
    watched(|| {
        let mut other = Runner::builder().workers(2).build().unwrap();
        let theirs = other.get_loop().clone();
        let (task, owner) = (
            theirs.create_task(async {
                checkpoint().await;
                3
            }),
            theirs.clone(),
        );
        assert_eq!(
            asyncio::run(async move {
                assert!(task.get_loop() == owner && task.get_loop() != asyncio::get_running_loop());
                task.await.unwrap()
            }),
            3
        );
        other.close();
    });
}

// TF-11, reliability 49
#[test]
fn a_panic_is_the_result_of_its_task_and_the_worker_lives() {
    from_many_threads(async |event_loop| {
        let error = event_loop
            .create_task(async { panic_any(17_u32) })
            .await
            .unwrap_err();
        assert!(error.is_panic() && !error.is_cancelled());
        assert_eq!(error.into_panic().downcast_ref(), Some(&17_u32));
    });
}

// Reliability 50
#[test]
fn a_destructor_that_panics_behind_a_value_loses_only_the_panic() {
    on_workers(2, async {
        let bomb = on_drop(|| panic!("in a destructor"));
        let task = create_task(std::future::poll_fn(move |_| {
            let _owned = &bomb;
            std::task::Poll::Ready(1)
        }));
        assert_eq!(task.await.unwrap(), 1);
    });
}

// Reliability 51
#[test]
fn an_output_whose_destructor_panics_leaves_the_loop_alive() {
    from_many_threads(async |event_loop| {
        let task = event_loop.create_task(async { on_drop(|| panic!("in the output")) });
        drop(task);
        let task = event_loop.create_task(async { on_drop(|| panic!("in the output")) });
        task.handle().wait().await;
        drop(task);
        let task =
            event_loop.create_task(async { panic_any(on_drop(|| panic!("in the payload"))) });
        drop(task);
        assert_eq!(event_loop.create_task(async { 1 }).await.unwrap(), 1);
    });
}

// Reliability 50
#[test]
fn the_future_is_dropped_before_anybody_is_told_of_the_end() {
    let counter = Arc::new(AtomicUsize::new(0));
    from_many_threads(async |event_loop| {
        let probe = Arc::new(());
        let (inside, count) = (Arc::clone(&probe), Arc::clone(&counter));
        let task = event_loop.create_task(async move {
            checkpoint().await;
            count.fetch_add(Arc::strong_count(&inside) - 1, Ordering::Relaxed);
        });
        task.await.unwrap();
        assert_eq!(Arc::strong_count(&probe), 1);
    });
    assert!(counter.load(Ordering::Relaxed) > 0);
}

// Earlier tests of task numbers had only one loop.
#[test]
fn the_number_of_a_task_is_unique_in_the_whole_process() {
    watched(|| {
        let ids = |seed: Option<u64>| {
            let builder = Runner::builder().workers(2);
            let builder = seed
                .into_iter()
                .fold(builder, asyncio::runners::Builder::deterministic);
            let mut runner = builder.build().unwrap();
            let event_loop = runner.get_loop().clone();
            runner.run(async move {
                let mut ids = vec![current_task().unwrap().id()];
                ids.extend((0..300).map(|_| create_task(async {}).id()));
                let foreign = thread::spawn(move || event_loop.create_task(async {}).id());
                ids.push(foreign.join().unwrap());
                ids
            })
        };
        let threads: Vec<_> = [None, Some(1), None, Some(1)]
            .map(|seed| thread::spawn(move || ids(seed)))
            .into_iter()
            .collect();
        let ids: Vec<_> = threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap())
            .collect();
        let different: std::collections::HashSet<_> = ids.iter().collect();
        assert_eq!(different.len(), ids.len());
    });
}

#[test]
fn the_error_of_a_task_says_everything_once() {
    on_workers(1, async {
        let panicked = create_task(async { panic!("oh no") }).await.unwrap_err();
        let endless = create_task(pending::<()>());
        endless.cancel_with("too slow");
        let cancelled = endless.await.unwrap_err();
        let timed_out = TaskError::from(asyncio::TimeoutError);
        let mut taken = create_task(async {});
        (&mut taken).await.unwrap();
        let taken = taken.result().unwrap_err();
        for (error, text) in [
            (panicked, "task panicked: oh no"),
            (cancelled, "cancelled: too slow"),
            (timed_out, "timed out"),
            (taken, "Result has been taken already."),
        ] {
            let first: &dyn std::error::Error = &error;
            let chain = std::iter::successors(Some(first), |error| error.source());
            let texts: Vec<_> = chain.map(ToString::to_string).collect();
            assert_eq!(texts, [text]);
        }
    });
}
