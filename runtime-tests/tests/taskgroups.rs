//! Tests of `task_group`: asyncio's rules TG, as changed by the list of differences.

use std::cell::Cell;
use std::future::pending;
use std::time::Duration;

use asyncio::{
    CancelSource, ExceptionGroup, Task, TaskError, TaskGroup, all_tasks, catch_cancelled,
    checkpoint, create_task, current_task, finally, sleep, task_group,
};
use futures::FutureExt;
use futures::channel::oneshot;
use runtime_tests::{Flag, Log, Polls, blocking_wait, caught, counting_polls, on_workers, until};

#[path = "taskgroups/aborted.rs"]
mod aborted;
#[path = "taskgroups/cancelled.rs"]
mod cancelled;
#[path = "taskgroups/dropped.rs"]
mod dropped;
#[path = "taskgroups/ended.rs"]
mod ended;
#[path = "taskgroups/limit.rs"]
mod limit;
#[path = "taskgroups/panics.rs"]
mod panics;
#[path = "taskgroups/start.rs"]
mod start;
#[path = "taskgroups/threads.rs"]
mod threads;

const TICK: Duration = Duration::from_millis(1);

/// An error of a child or a body, by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Oops(u32);

type Outcome<T> = Result<T, ExceptionGroup<Oops>>;

/// The numbers of the errors, in their order.
#[track_caller]
fn errors<T: std::fmt::Debug>(outcome: Outcome<T>) -> Vec<u32> {
    let group = outcome.expect_err("nothing has failed");
    group
        .into_errors()
        .into_iter()
        .map(|Oops(number)| number)
        .collect()
}

/// The same, sorted: children on several workers fail in any order.
#[track_caller]
fn sorted<T: std::fmt::Debug>(outcome: Outcome<T>) -> Vec<u32> {
    let mut numbers = errors(outcome);
    numbers.sort_unstable();
    numbers
}

/// The number of requests that the current task has counted.
fn cancelling() -> u32 {
    current_task().unwrap().cancelling()
}

/// A child that waits for ever, and notes that it has begun and that it has cleaned up.
fn waiter(log: &Log, begun: &Flag) -> impl Future<Output = Result<(), Oops>> + Send + use<> {
    let (log, begun) = (log.clone(), begun.clone());
    async move {
        let body = async {
            begun.set();
            pending().await
        };
        let cleanup = async move {
            checkpoint().await;
            log.note("cleaned up");
        };
        finally(body, cleanup).await
    }
}

/// A child that waits for ever.
async fn forever() -> Result<(), Oops> {
    pending().await
}

/// A child that fails after a few yields.
async fn fails(number: u32) -> Result<(), Oops> {
    checkpoint().await;
    Err(Oops(number))
}

// TG-1
#[test]
fn a_group_waits_for_all_children() {
    on_workers(2, async {
        let (first, second) = (Flag::default(), Flag::default());
        let (one, two) = (first.clone(), second.clone());
        let outcome: Outcome<()> = task_group(async |tg| {
            tg.create_task(async move {
                sleep(5 * TICK).await;
                one.set();
                Ok(())
            });
            tg.start_soon(async move {
                sleep(TICK).await;
                two.set();
            });
            Ok(())
        })
        .await;
        outcome.unwrap();
        assert!(first.is_set() && second.is_set());
    });
}

// TG-1
#[test]
fn children_add_children_while_the_group_waits() {
    fn hydra(tg: &TaskGroup<Oops>, log: &Log, depth: u32) {
        let (group, log) = (tg.clone(), log.clone());
        tg.create_task(async move {
            checkpoint().await;
            log.note("ran");
            if depth > 0 {
                hydra(&group, &log, depth - 1);
                hydra(&group, &log, depth - 1);
            }
            Ok(())
        });
    }
    for workers in 1..=3 {
        on_workers(workers, async {
            let log = Log::default();
            let outcome: Outcome<()> = task_group(async |tg| {
                hydra(tg, &log, 6);
                Ok(())
            })
            .await;
            outcome.unwrap();
            assert_eq!(log.notes().len(), (1 << 7) - 1);
            assert_eq!(all_tasks().len(), 1);
        });
    }
}

// TG-1: whoever awaits the group finds the children done.
#[test]
fn the_children_of_a_group_that_has_ended_are_done() {
    on_workers(3, async {
        for _ in 0..500 {
            let children: Outcome<Vec<Task<u32>>> = task_group(async |tg| {
                Ok((0..5)
                    .map(|n| tg.create_task(async move { Ok(n) }))
                    .collect())
            })
            .await;
            let children = children.unwrap();
            assert!(children.iter().all(Task::done));
            for (number, mut child) in (0..).zip(children) {
                assert_eq!(child.result().unwrap(), number);
            }
        }
    });
}

// TF-2
#[test]
fn a_group_with_nothing_to_wait_for_does_not_yield() {
    on_workers(1, async {
        let polls = Polls::default();
        let group = counting_polls(&polls, task_group(async |_| Ok::<_, Oops>(3)));
        assert_eq!(group.await, Ok(3));
        assert_eq!(polls.count(), 1);
    });
}

// TG-12
#[test]
fn an_early_return_waits_for_the_children_and_keeps_its_value() {
    async fn first_even(numbers: &[u32], done: &Flag) -> Outcome<Option<u32>> {
        task_group(async |tg| {
            let done = done.clone();
            tg.create_task(async move {
                sleep(TICK).await;
                done.set();
                Ok(())
            });
            for number in numbers {
                if number % 2 == 0 {
                    return Ok(Some(*number));
                }
            }
            Ok(None)
        })
        .await
    }
    on_workers(2, async {
        let done = Flag::default();
        assert_eq!(first_even(&[1, 3, 4, 5], &done).await, Ok(Some(4)));
        assert!(done.is_set());
    });
}

#[test]
fn the_body_may_borrow_from_its_caller() {
    on_workers(2, async {
        let (mut sum, text) = (0, String::from("borrowed"));
        let outcome: Outcome<usize> = task_group(async |tg| {
            let child = tg.create_task(async { Ok(40) });
            sum += child.await.unwrap();
            sum += 2;
            Ok(text.len())
        })
        .await;
        assert_eq!((outcome, sum), (Ok(8), 42));
    });
}

#[test]
fn the_future_of_a_group_is_send_where_its_body_is() {
    fn is_send<T: Send>(value: T) -> T {
        value
    }
    fn is_shared<T: Clone + Send + Sync + 'static>() {}
    is_shared::<TaskGroup<Oops>>();
    on_workers(2, async {
        let text = String::from("text");
        let task = create_task(is_send(async move {
            task_group(async |tg| {
                let child = tg.create_task(async { Ok::<_, Oops>(1) });
                checkpoint().await;
                Ok(child.await.unwrap() + text.len())
            })
            .await
        }));
        assert_eq!(task.await.unwrap(), Ok(5));
        // A body that is not `Send` needs a caller that is not.
        let local = Cell::new(1);
        let outcome: Outcome<()> = task_group(async |_| {
            checkpoint().await;
            local.set(2);
            Ok(())
        })
        .await;
        assert_eq!((outcome, local.get()), (Ok(()), 2));
    });
}

#[test]
fn awaiting_a_child_gives_its_value() {
    on_workers(2, async {
        let outcome: Outcome<(u32, &str)> = task_group(async |tg| {
            let number = tg.create_task(async { Ok(42) });
            let text = tg.create_task(async { Ok("text") });
            Ok((number.await.unwrap(), text.await.unwrap()))
        })
        .await;
        assert_eq!(outcome, Ok((42, "text")));
    });
}

#[test]
fn awaiting_a_child_that_failed_says_so() {
    on_workers(2, async {
        let outcome: Outcome<()> = task_group(async |tg| {
            let child = tg.create_task(async { Err::<(), _>(Oops(1)) });
            until(|| child.done()).await;
            assert!(!child.cancelled());
            // What is ready is returned, although the body is being cancelled.
            assert!(matches!(child.await, Err(TaskError::Failed(_))));
            checkpoint().await;
            unreachable!("the group is aborted")
        })
        .await;
        assert_eq!(errors(outcome), [1]);
    });
}

// TG-8: the group is made with its body, so it can neither be entered twice nor never.
#[test]
fn a_group_outside_a_task_is_refused_at_its_line() {
    let group = || task_group(async |_| Ok::<_, Oops>(()));
    let panic = caught(|| blocking_wait(group()));
    assert!(
        panic.text.contains("cannot determine the parent task"),
        "{}",
        panic.text
    );
    assert!(panic.text.contains(file!()), "{}", panic.text);
}

#[test]
fn a_group_that_is_polled_after_its_end_names_its_line() {
    on_workers(1, async {
        let mut group = Box::pin(task_group(async |_| Ok::<_, Oops>(())));
        group.as_mut().await.unwrap();
        let again = caught(|| drop(group.as_mut().now_or_never()));
        assert!(again.text.contains("task group made at"), "{}", again.text);
    });
}

#[test]
fn an_exception_group_has_its_errors_and_splits() {
    on_workers(1, async {
        let outcome: Outcome<()> = task_group(async |tg| {
            for number in 1..=3 {
                tg.create_task(async move { Err::<(), _>(Oops(number)) });
            }
            Err(Oops(4))
        })
        .await;
        let group = outcome.unwrap_err();
        assert!(!group.is_cancelled());
        assert_eq!(group.to_string(), "unhandled errors in a TaskGroup");
        let _as_any_error: &dyn std::error::Error = &group;
        assert_eq!(group.errors(), [Oops(4)]);
        let (small, large) = group.clone().split(|Oops(number)| *number < 4);
        assert_eq!((small, large), (None, Some(group)));
    });
}

// difference 11: made on a loop that has been closed.
#[test]
fn a_child_of_a_group_whose_loop_is_closed_is_cancelled() {
    let mut kept = None;
    on_workers(1, async {
        let outcome = task_group(async |tg| {
            kept = Some(tg.clone());
            Ok::<_, Oops>(())
        });
        outcome.await.unwrap();
    });
    let task = kept.unwrap().create_task(async { Ok(()) });
    assert!(task.cancelled());
}

/// Makes a child that cannot end before `go` is sent, and ignores its cancellation until then.
fn stubborn(
    log: &Log,
) -> (
    oneshot::Sender<()>,
    impl Future<Output = Result<u32, Oops>> + use<>,
) {
    let (go, wait) = oneshot::channel::<()>();
    let log = log.clone();
    let child = async move {
        let caught = catch_cancelled(pending::<()>()).await.unwrap_err();
        log.note("caught");
        if caught.reason().source() == CancelSource::TaskGroup {
            log.note("by the group");
        }
        let _sent = wait.await;
        Ok(7)
    };
    (go, child)
}
