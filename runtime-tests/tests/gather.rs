//! Tests of `gather`: asyncio's rules GA, as changed by the list of differences.

use std::future::{pending, ready};
use std::panic::Location;
use std::sync::{Arc, Mutex};

use asyncio::{
    TaskError, TaskHandle, all_tasks, create_task, current_task, gather, gather_all, sleep,
    try_gather,
};
use futures::FutureExt;
use futures::channel::oneshot;
use runtime_tests::{Flag, begun, caught, on_workers, until, watched};

#[path = "gather/cancelled.rs"]
mod cancelled;
#[path = "gather/limited.rs"]
mod limited;
#[path = "gather/many.rs"]
mod many;
#[path = "gather/reports.rs"]
mod reports;

/// A place in which a child leaves its handle for other tasks.
#[derive(Clone, Default)]
struct Post(Arc<Mutex<Option<TaskHandle>>>);

impl Post {
    /// Leaves the current task's handle.
    fn leave(&self) {
        *self.0.lock().unwrap() = current_task();
    }

    fn handle(&self) -> Option<TaskHandle> {
        self.0.lock().unwrap().clone()
    }

    async fn wait(&self) -> TaskHandle {
        until(|| self.handle().is_some()).await;
        self.handle().unwrap()
    }
}

// GA-1
#[test]
fn results_come_in_the_order_of_the_arguments() {
    on_workers(2, async {
        let (first, wait_for_second) = oneshot::channel();
        let slow = async move { wait_for_second.await.unwrap() };
        let quick = async move {
            first.send(1).unwrap();
            "quick"
        };
        assert_eq!(gather((slow, quick)).await.unwrap(), (1, "quick"));
    });
}

// GA-1
#[test]
fn tuples_up_to_twelve_arrays_vectors_and_iterators_keep_their_shape() {
    on_workers(1, async {
        assert_eq!(gather((ready(1),)).await.unwrap(), (1,));
        let twelve = gather((
            ready(1u8),
            ready("2"),
            ready(3),
            ready('4'),
            ready(5),
            ready(6.0),
            ready(7),
            ready(()),
            ready(9),
            ready([10]),
            ready(11),
            ready(Box::new(12)),
        ));
        let values = twelve.await.unwrap();
        assert_eq!((values.0, values.1, values.3), (1, "2", '4'));
        assert_eq!((values.9, *values.11), ([10], 12));

        let array: [i32; 3] = gather([1, 2, 3].map(ready)).await.unwrap();
        assert_eq!(array, [1, 2, 3]);
        let vector: Vec<i32> = gather(vec![ready(1), ready(2)]).await.unwrap();
        assert_eq!(vector, [1, 2]);
        let iterator: Vec<i32> = gather_all((1..4).map(ready)).await.unwrap();
        assert_eq!(iterator, [1, 2, 3]);
    });
}

// GA-1
#[test]
fn the_children_run_without_an_await() {
    on_workers(1, async {
        let flags = [Flag::default(), Flag::default()];
        let [one, two] = flags.clone();
        let gathered = gather((async move { one.set() }, async move { two.set() }));
        assert!(!flags[0].is_set(), "a child must not begin inside the call");
        until(|| flags.iter().all(Flag::is_set)).await;
        gathered.await.unwrap();
    });
}

// GA-1
#[test]
fn a_gather_of_nothing_is_ready_at_once() {
    on_workers(1, async {
        let nothing = Vec::<std::future::Ready<()>>::new();
        assert_eq!(gather(nothing).now_or_never().unwrap().unwrap(), []);
        let nothing: [std::future::Ready<()>; 0] = [];
        assert_eq!(gather(nothing).now_or_never().unwrap().unwrap(), []);
        let nothing = std::iter::empty::<std::future::Ready<()>>();
        let results = gather_all(nothing).return_exceptions().now_or_never();
        assert!(results.unwrap().is_empty());
    });
}

// GA-1: tasks that have already ended.
#[test]
fn a_gather_of_tasks_that_have_ended_is_ready_at_once() {
    on_workers(2, async {
        let tasks = || [1, 2].map(|number| create_task(ready(number)));
        let (one, two) = (tasks(), tasks());
        until(|| one.iter().chain(&two).all(asyncio::Task::done)).await;
        let values = try_gather(one).now_or_never().unwrap().unwrap();
        assert_eq!(values, [1, 2]);
        let none: [std::future::Ready<()>; 0] = [];
        let gathered = gather((gather(two), gather(none)));
        let (values, nothing) = gathered.now_or_never().unwrap().unwrap();
        assert!(values.unwrap().into_iter().map(Result::unwrap).eq([1, 2]));
        assert_eq!(nothing.unwrap(), []);
    });
}

// GA-1, TF-2
#[test]
fn a_gather_whose_children_have_ended_is_ready_at_once() {
    on_workers(2, async {
        let before = all_tasks().len();
        let gathered = gather((ready(1), ready(2)));
        until(|| all_tasks().len() == before).await;
        assert_eq!(gathered.now_or_never().unwrap().unwrap(), (1, 2));
    });
}

// GA-1, GA-9
#[test]
fn each_child_is_a_task_made_at_the_line_of_the_call() {
    on_workers(1, async {
        async fn place() -> (&'static Location<'static>, bool) {
            let task = current_task().unwrap();
            (task.location(), all_tasks().contains(&task))
        }
        let (line, gathered) = (line!(), gather((place(), place())));
        let (one, two) = gathered.await.unwrap();
        let all = gather_all([place()]).await.unwrap()[0];
        assert_eq!((one.0.line(), two.0.line()), (line, line));
        assert_eq!(all.0.line(), line + 2);
        assert!(one.0.file().ends_with("gather.rs") && one.1 && two.1);
    });
}

// GA-9
#[test]
fn without_a_loop_the_panic_names_the_callers_line() {
    watched(|| {
        let line = line!();
        let panics = [
            caught(|| drop(gather((ready(1),)))),
            caught(|| drop(gather_all([ready(1)]))),
            caught(|| drop(try_gather([ready(Ok::<_, Error>(1))]))),
        ];
        for (index, panic) in (2..).zip(panics) {
            assert!(panic.text.starts_with("no running event loop"), "{panic:?}");
            let (file, place) = panic.place.unwrap();
            assert!(file.ends_with("gather.rs"), "{file}");
            assert_eq!(place, line + index);
        }
    });
}

// GA-1, TF-17: a task is a future too.
#[test]
fn a_task_among_the_elements_gives_its_result() {
    on_workers(2, async {
        let fine = create_task(ready(1));
        let cancelled = create_task(pending::<()>());
        cancelled.cancel();
        let (fine, cancelled, plain) = gather((fine, cancelled, ready(3))).await.unwrap();
        assert_eq!((fine.unwrap(), plain), (1, 3));
        assert!(cancelled.unwrap_err().is_cancelled());
    });
}

// GA-2
#[test]
fn the_first_failure_in_time_ends_the_gather_and_the_siblings_run_on() {
    on_workers(2, async {
        let (go, wait) = oneshot::channel::<()>();
        let (ended, sibling) = (Flag::default(), Post::default());
        let (flag, post) = (ended.clone(), sibling.clone());
        let slow = async move {
            post.leave();
            wait.await.unwrap();
            flag.set();
        };
        let failing = async { std::panic::resume_unwind(Box::new("second")) };
        let error = gather((slow, failing))
            .await
            .map(|((), ())| ())
            .unwrap_err();
        assert_eq!(*error.into_panic().downcast::<&str>().unwrap(), "second");

        let sibling = sibling.wait().await;
        assert!(!ended.is_set() && !sibling.done());
        assert_eq!(sibling.cancelling(), 0);
        go.send(()).unwrap();
        sibling.wait().await;
        assert!(ended.is_set());
    });
}

// GA-2: the first failure in time is returned, not the first argument, even if both children have
// failed when the gather is polled.
#[test]
fn of_two_failures_the_earlier_one_counts() {
    on_workers(1, async {
        for later in [0, 1] {
            let gates = [oneshot::channel::<()>(), oneshot::channel::<()>()];
            let [(one, first), (two, second)] = gates;
            let mut gates = [Some(one), Some(two)];
            let fails = |gate: oneshot::Receiver<()>, name| async move {
                gate.await.unwrap();
                Err::<(), _>(Error::Own(name))
            };
            let gathered = try_gather((fails(first, 0), fails(second, 1)));
            for index in [1 - later, later] {
                let running = all_tasks().len();
                gates[index].take().unwrap().send(()).unwrap();
                until(|| all_tasks().len() < running).await;
            }
            let error = gathered.now_or_never().unwrap().unwrap_err();
            assert_eq!(error, Error::Own(1 - later));
        }
    });
}

/// The error type of these tests.
#[derive(Debug, PartialEq)]
enum Error {
    Own(usize),
    Cancelled,
    Panicked,
}

impl From<TaskError> for Error {
    fn from(error: TaskError) -> Error {
        if error.is_cancelled() {
            Error::Cancelled
        } else {
            Error::Panicked
        }
    }
}

// GA-2
#[test]
fn try_gather_gives_the_values_or_the_first_err() {
    on_workers(2, async {
        let fine = || ready(Ok::<_, Error>(1));
        assert_eq!(try_gather((fine(), fine())).await, Ok((1, 1)));
        assert_eq!(try_gather([fine(), fine()]).await, Ok([1, 1]));
        assert_eq!(try_gather(vec![fine(), fine()]).await, Ok(vec![1, 1]));

        let failing = ready(Err::<i32, _>(Error::Own(7)));
        let endless = pending::<Result<(), Error>>();
        let ended = try_gather((fine(), endless, failing)).await;
        assert_eq!(ended, Err(Error::Own(7)));

        let panicking = async { std::panic::resume_unwind(Box::new("oh no")) };
        let ended: Result<((), i32), Error> = try_gather((panicking, fine())).await;
        assert_eq!(ended, Err(Error::Panicked));
    });
}

// GA-2: asyncio's own gather of tasks.
#[test]
fn try_gather_of_tasks_gives_their_values_or_the_first_error() {
    on_workers(2, async {
        let tasks = [1, 2, 3].map(|number| create_task(ready(number)));
        assert_eq!(try_gather(tasks).await.unwrap(), [1, 2, 3]);

        let cancelled = create_task(pending::<i32>());
        cancelled.cancel_with("not needed");
        let gathered = try_gather((create_task(pending::<()>()), cancelled));
        let TaskError::Cancelled(error) = gathered.await.unwrap_err() else {
            panic!("it was cancelled");
        };
        assert_eq!(error.message(), Some("not needed"));
    });
}

// GA-2
#[test]
fn return_exceptions_waits_for_all_and_tells_how_each_has_ended() {
    on_workers(2, async {
        let (go, wait) = oneshot::channel::<()>();
        let panicking = async { std::panic::resume_unwind(Box::new("oh no")) };
        let slow = async move { wait.await.unwrap() };
        let before = all_tasks().len();
        let mut gathered = gather((panicking, slow, ready(3))).return_exceptions();
        until(|| all_tasks().len() == before + 1).await;
        assert!((&mut gathered).now_or_never().is_none());
        go.send(()).unwrap();
        let (one, two, three): (Result<(), _>, _, _) = gathered.await;
        assert!(one.unwrap_err().is_panic());
        assert_eq!((two.unwrap(), three.unwrap()), ((), 3));

        let results = try_gather([Ok(1), Err(Error::Own(2))].map(ready));
        let results: [Result<i32, Error>; 2] = results.return_exceptions().await;
        assert_eq!(results, [Ok(1), Err(Error::Own(2))]);
        let results = gather_all([ready(1)]).return_exceptions().await;
        assert!(matches!(results[..], [Ok(1)]));
    });
}

// GA-4
#[test]
fn a_child_that_somebody_else_cancels_is_an_error_and_not_a_cancellation() {
    on_workers(2, async {
        let child = Post::default();
        let post = child.clone();
        let cancelled = async move {
            post.leave();
            pending::<()>().await;
        };
        let gathered = gather((cancelled, pending::<()>()));
        child.wait().await.cancel_with("by the test");
        let Err(TaskError::Cancelled(error)) = gathered.await else {
            panic!("it was cancelled");
        };
        assert_eq!(error.message(), Some("by the test"));
        assert_eq!(current_task().unwrap().cancelling(), 0);

        let child = Post::default();
        let post = child.clone();
        let cancelled = async move {
            post.leave();
            pending::<()>().await;
        };
        let gathered = gather((cancelled, ready(2))).return_exceptions();
        child.wait().await.cancel();
        let (one, two) = gathered.await;
        assert!(one.unwrap_err().is_cancelled());
        assert_eq!(two.unwrap(), 2);
    });
}

// GA-4: the body of a child that is cancelled before its first poll never runs, and the gather gets
// its cancellation all the same.
#[test]
fn a_child_cancelled_before_it_began_ends_the_gather() {
    on_workers(1, async {
        let others = all_tasks();
        let gathered = gather((pending::<()>(), pending::<()>()));
        let children = all_tasks();
        let child = children.iter().find(|task| !others.contains(task)).unwrap();
        child.cancel();
        assert!(gathered.await.unwrap_err().is_cancelled());
    });
}

// AC-5 for gather: "dropping a gather detaches its children".
#[test]
fn dropping_a_gather_leaves_its_children_running() {
    on_workers(2, async {
        let (go, wait) = oneshot::channel::<()>();
        let (ended, child) = (Flag::default(), Post::default());
        let (flag, post) = (ended.clone(), child.clone());
        drop(gather((async move {
            post.leave();
            wait.await.unwrap();
            flag.set();
        },)));
        let child = child.wait().await;
        assert_eq!(child.cancelling(), 0);
        go.send(()).unwrap();
        child.wait().await;
        assert!(ended.is_set());
    });
}

#[test]
fn a_gather_may_go_from_task_to_task() {
    on_workers(2, async {
        let (go, wait) = oneshot::channel::<()>();
        let mut gathered = gather((async move { wait.await.unwrap() }, ready(2)));
        assert!((&mut gathered).now_or_never().is_none());
        let moved = begun(async move {
            assert!((&mut gathered).now_or_never().is_none());
            (gathered,)
        });
        let (mut gathered,) = moved.await.await.unwrap();
        assert!((&mut gathered).now_or_never().is_none());
        let awaiter = begun(gathered).await;
        go.send(()).unwrap();
        assert_eq!(awaiter.await.unwrap().unwrap(), ((), 2));
    });
}

#[test]
fn a_gather_in_a_gather() {
    on_workers(2, async {
        let inner = || gather_all((0..3).map(ready));
        let (one, two) = gather((inner(), inner())).await.unwrap();
        assert_eq!((one.unwrap(), two.unwrap()), (vec![0, 1, 2], vec![0, 1, 2]));
    });
}

#[test]
fn a_gather_of_no_tuple_is_ready_at_once() {
    on_workers(1, async {
        assert_eq!(gather(()).now_or_never().unwrap().unwrap(), ());
        assert_eq!(gather(()).return_exceptions().now_or_never(), Some(()));
        assert!(matches!(try_gather(()).now_or_never(), Some(Ok(()))));
        assert_eq!(try_gather(()).return_exceptions().now_or_never(), Some(()));
    });
}

#[test]
#[should_panic(expected = "was polled after its end")]
fn a_gather_is_not_polled_after_its_end() {
    on_workers(1, async {
        let mut gathered = gather((ready(1),));
        (&mut gathered).await.unwrap();
        let _ = gathered.await;
    });
}

#[test]
fn a_gather_says_how_it_stands() {
    on_workers(1, async {
        let mut gathered = gather((sleep(std::time::Duration::ZERO),));
        assert!(format!("{gathered:?}").contains("waiting"));
        (&mut gathered).await.unwrap();
        assert!(format!("{gathered:?}").contains("done"));
    });
}
