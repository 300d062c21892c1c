//! Tests of `as_completed`: asyncio's rules AC, as changed by the list of differences.

use std::future::{pending, ready};
use std::time::{Duration, Instant};

use asyncio::{Task, TaskError, as_completed, catch_cancelled, checkpoint, create_task, sleep};
use futures::channel::oneshot;
use futures::stream::FusedStream;
use futures::{FutureExt, Stream, StreamExt};
use runtime_tests::{Polls, begun, counting_polls, from_many_threads, on_workers, until};

const HOUR: Duration = Duration::from_secs(3600);

/// Makes a task that returns the value that is sent to it.
fn gated<T: Send + 'static>() -> (oneshot::Sender<T>, Task<T>) {
    let (send, receive) = oneshot::channel();
    let task = create_task(async { receive.await.expect("the test sends a value") });
    (send, task)
}

// AC-1
#[test]
fn results_come_in_the_order_in_which_tasks_end() {
    on_workers(2, async {
        let (gates, tasks): (Vec<_>, Vec<_>) = (0..4).map(|_| gated()).unzip();
        let handles: Vec<_> = tasks.iter().map(Task::handle).collect();
        let mut results = as_completed(tasks);
        assert!(results.next().now_or_never().is_none());
        let mut gates: Vec<_> = gates.into_iter().map(Some).collect();
        let order = [2, 0, 3, 1];
        for number in order {
            gates[number].take().unwrap().send(number).unwrap();
            handles[number].wait().await;
        }
        for number in order {
            assert_eq!(results.next().await.unwrap().unwrap(), number);
        }
        assert!(results.next().await.is_none());
    });
}

// AC-1, AC-2: the failure of a task is in its own result.
#[test]
fn a_failure_is_one_result_among_others() {
    on_workers(2, async {
        let cancelled = create_task(pending::<i32>());
        cancelled.cancel_with("enough");
        let panicking = create_task(async { std::panic::resume_unwind(Box::new("oh no")) });
        let results: Vec<_> = as_completed([cancelled, panicking, create_task(ready(3))])
            .collect()
            .await;
        let count = |kind: fn(&TaskError) -> bool| {
            let errors = results.iter().filter_map(|result| result.as_ref().err());
            errors.filter(|error| kind(error)).count()
        };
        assert_eq!(results.iter().flatten().collect::<Vec<_>>(), [&3]);
        assert_eq!(
            (count(TaskError::is_cancelled), count(TaskError::is_panic)),
            (1, 1)
        );
    });
}

// AC-3
#[test]
fn on_timeout_there_is_one_error_and_then_the_end() {
    on_workers(2, async {
        let tasks = [
            create_task(sleep(HOUR)),
            create_task(ready(())),
            create_task(sleep(HOUR)),
        ];
        let handles = tasks.each_ref().map(Task::handle);
        let begin = Instant::now();
        let mut results = as_completed(tasks).timeout(Duration::from_millis(20));
        assert!(results.next().await.unwrap().is_ok());
        assert!(results.next().await.unwrap().unwrap_err().is_timeout());
        assert!(begin.elapsed() >= Duration::from_millis(20));
        assert!(results.is_terminated());
        for _ in 0..2 {
            assert!(results.next().await.is_none());
        }
        // AC-3: the tasks are not cancelled.
        for index in [0, 2] {
            assert!(!handles[index].done() && handles[index].cancelling() == 0);
            handles[index].cancel();
        }
    });
}

// AC-3
#[test]
fn what_is_ready_comes_before_the_timeout() {
    on_workers(2, async {
        let tasks: Vec<_> = (0..3).map(|number| create_task(ready(number))).collect();
        let endless = create_task(pending());
        until(|| tasks.iter().all(Task::done)).await;
        let tasks = tasks.into_iter().chain([endless]);
        let results = as_completed(tasks).timeout(Duration::ZERO);
        let results: Vec<_> = results.collect().await;
        let values: Vec<_> = results[..3].iter().flatten().collect();
        assert_eq!(values, [&0, &1, &2]);
        assert!(matches!(results[3], Err(TaskError::TimedOut(_))));
        assert_eq!(results.len(), 4);
    });
}

// AC-3
#[test]
fn all_in_time_there_is_no_timeout() {
    on_workers(2, async {
        let tasks = [create_task(ready(1)), create_task(ready(1))];
        let results = as_completed(tasks)
            .timeout(HOUR)
            .timeout(None)
            .timeout(HOUR);
        let results: Vec<_> = results.collect().await;
        assert!(results.len() == 2 && results.iter().all(Result::is_ok));
    });
}

// AC-4
#[test]
fn of_nothing_there_is_nothing() {
    on_workers(1, async {
        let mut results = as_completed(Vec::<Task<()>>::new()).timeout(Duration::ZERO);
        assert!(results.is_terminated());
        assert!(results.next().now_or_never().unwrap().is_none());
    });
}

// AC-4
#[test]
fn a_stream_can_be_taken_up_again() {
    on_workers(2, async {
        let mut results = as_completed((0..6).map(|number| create_task(ready(number))));
        let mut seen = Vec::new();
        while let Some(result) = results.next().await {
            seen.push(result.unwrap());
            if seen.len() == 2 {
                break;
            }
        }
        assert_eq!(results.size_hint(), (4, Some(4)));
        seen.extend(
            results
                .by_ref()
                .map(Result::unwrap)
                .collect::<Vec<_>>()
                .await,
        );
        seen.sort_unstable();
        assert_eq!(seen, [0, 1, 2, 3, 4, 5]);
    });
}

// AC-5
#[test]
fn cancelling_the_consumer_leaves_the_tasks_running() {
    on_workers(2, async {
        let (go, task) = gated::<()>();
        let handle = task.handle();
        let consumer = begun(async {
            let mut results = as_completed([task]);
            catch_cancelled(results.next()).await.unwrap_err();
            // The stream goes on after the cancellation.
            results.next().await.unwrap().is_ok()
        });
        let consumer = consumer.await;
        consumer.cancel();
        for _ in 0..10 {
            checkpoint().await;
        }
        assert!(!handle.done() && handle.cancelling() == 0);
        go.send(()).unwrap();
        assert!(consumer.await.unwrap());
    });
}

// AC-5
#[test]
fn dropping_the_stream_leaves_the_tasks_running() {
    on_workers(2, async {
        let (go, task) = gated::<()>();
        let handle = task.handle();
        let mut results = as_completed([task]);
        assert!(results.next().now_or_never().is_none());
        drop(results);
        go.send(()).unwrap();
        handle.wait().await;
        assert!(!handle.cancelled());
    });
}

#[test]
fn ten_thousand_tasks_are_polled_as_often_as_they_end() {
    on_workers(2, async {
        let polls = Polls::default();
        let task = |number: u32| async move {
            for _ in 0..number * 7919 % 13 {
                checkpoint().await;
            }
            number
        };
        let results = as_completed((0..10_000).map(|number| create_task(task(number))));
        let all = results.map(Result::unwrap).collect::<Vec<_>>();
        let mut values = counting_polls(&polls, all).await;
        values.sort_unstable();
        assert!(values.into_iter().eq(0..10_000));
        assert!(polls.count() <= 20_000, "{} polls", polls.count());
    });
}

#[test]
fn streams_on_many_threads_at_once() {
    from_many_threads(async |event_loop| {
        let tasks = (0..8).map(|number| {
            event_loop.create_task(async move {
                if number % 2 == 0 {
                    checkpoint().await;
                }
                number
            })
        });
        let results = as_completed(tasks).timeout(Duration::from_secs(10));
        let mut values: Vec<_> = results.map(Result::unwrap).collect().await;
        values.sort_unstable();
        assert!(values.into_iter().eq(0..8));
    });
}
