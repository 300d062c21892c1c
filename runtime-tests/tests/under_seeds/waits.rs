//! Tests of `wait`, `as_completed` and `shield` under many schedules.

use std::sync::{Arc, Mutex};

use asyncio::{
    ALL_COMPLETED, FIRST_COMPLETED, FIRST_EXCEPTION, TaskError, as_completed, shield, wait,
};
use futures::{FutureExt, StreamExt};

use super::*;

/// Makes tasks that yield a few times, and return their numbers.
fn numbered(dice: &mut Dice, census: &Census) -> Vec<Task<usize>> {
    let task = |number| {
        let (work, cleanup) = (dice.below(6), dice.below(2));
        let body = steps(work).map(move |()| number);
        create_task(census.of(body, cleanup))
    };
    (0..4).map(task).collect()
}

/// The sorted results of the tasks of `first` and `then`.
async fn values(first: Vec<Task<usize>>, then: Vec<Task<usize>>) -> Vec<usize> {
    let mut values = Vec::new();
    for task in first.into_iter().chain(then) {
        values.push(task.await.unwrap());
    }
    values.sort_unstable();
    values
}

/// Whether the tasks are in the order of their numbers.
async fn in_order(tasks: Vec<Task<usize>>) -> bool {
    let mut values = Vec::new();
    for task in tasks {
        values.push(task.await.unwrap());
    }
    values.is_sorted()
}

// WA-1, WA-3
#[asyncio::test(seeds = 300, workers = 3)]
async fn nothing_is_lost_between_done_and_pending() {
    let mut dice = Dice::thrown().await;
    let census = Census::default();
    let tasks = numbered(&mut dice, &census);
    let (done, pending) = wait(tasks).return_when(FIRST_COMPLETED).await;
    assert!(!done.is_empty() && done.iter().all(Task::done));
    assert_eq!(values(done, pending).await, [0, 1, 2, 3]);

    let tasks = numbered(&mut dice, &census);
    let (done, pending) = wait(tasks).return_when(ALL_COMPLETED).await;
    assert!(pending.is_empty() && done.iter().all(Task::done));
    assert!(in_order(done).await);
    census.assert_over(1);
}

// WA-4: a cancelled task does not count as an exception.
#[asyncio::test(seeds = 300, workers = 3)]
async fn the_first_exception_ends_the_wait_and_a_cancelled_task_does_not() {
    let mut dice = Dice::thrown().await;
    let fails = dice.below(6) as usize;
    let task = |number: usize| {
        let count = dice.below(6);
        create_task(async move {
            steps(count).await;
            if number == fails {
                Err(number)
            } else {
                Ok(number)
            }
        })
    };
    let tasks: Vec<_> = (0..4).map(task).collect();
    let cancel = cancelled_after(&tasks[0], 0, dice.below(6));
    let (mut done, pending) = wait(tasks).return_when(FIRST_EXCEPTION).await;
    let mut failed = false;
    for task in &mut done {
        match task.await {
            Ok(result) => failed |= result.is_err(),
            Err(error) => assert!(error.is_cancelled()),
        }
    }
    assert!(failed || pending.is_empty());
    let total = done.len() + pending.len();
    assert_eq!(total, 4);
    drop(wait(done.into_iter().chain(pending)).await);
    cancel.await.unwrap();
}

// WA-2, AC-3: a limit cancels no task and loses no result.
#[asyncio::test(seeds = 300, workers = 3)]
async fn a_limit_of_a_wait_cancels_nobody() {
    let mut dice = Dice::thrown().await;
    let census = Census::default();
    let mut slow = || {
        let task = |number: usize| {
            let (ticks, count) = (dice.below(4), dice.below(3));
            let body = async move {
                sleep(TICK * ticks).await;
                steps(count).await;
                number
            };
            create_task(census.of(body, 0))
        };
        (0..4).map(task).collect::<Vec<_>>()
    };
    let (tasks, others) = (slow(), slow());
    let (done, pending) = wait(tasks).timeout(2 * TICK).await;
    assert!(done.iter().all(Task::done));
    assert_eq!(values(done, pending).await, [0, 1, 2, 3]);

    let handles: Vec<_> = others.iter().map(Task::handle).collect();
    let results: Vec<_> = as_completed(others).timeout(TICK).collect().await;
    let timed_out = results.iter().filter(|result| result.is_err()).count();
    assert!(timed_out == 1 || timed_out == 0 && results.len() == 4);
    if timed_out == 1 {
        assert!(matches!(results.last(), Some(Err(TaskError::TimedOut(_)))));
    }
    for handle in handles {
        handle.wait().await;
        assert!(!handle.cancelled());
    }
    assert_eq!(census.ended(), 8, "they ran on to their ends");
    census.assert_over(1);
}

// WA-6, AC-5: a cancel of the awaiter does not cancel the tasks.
#[asyncio::test(seeds = 300, workers = 3)]
async fn cancelling_who_waits_leaves_the_tasks_running() {
    let mut dice = Dice::thrown().await;
    let census = Census::default();
    let (tasks, others) = (numbered(&mut dice, &census), numbered(&mut dice, &census));
    let handles: Vec<_> = tasks.iter().chain(&others).map(Task::handle).collect();
    let waiter = create_task(async { drop(wait(tasks).await) });
    let consumer = create_task(async { drop(as_completed(others).collect::<Vec<_>>().await) });
    let cancels = [&waiter, &consumer].map(|task| cancelled_after(task, 0, dice.below(9)));
    drop((waiter.await, consumer.await));
    for handle in handles {
        handle.wait().await;
        assert!(!handle.cancelled());
    }
    assert_eq!(census.ended(), 8, "they ran on to their ends");
    census.assert_over(1);
    for cancel in cancels {
        cancel.await.unwrap();
    }
}

// AC-1
#[asyncio::test(seeds = 300, workers = 3)]
async fn results_come_in_the_order_of_the_ends() {
    let mut dice = Dice::thrown().await;
    let ends = Arc::new(Mutex::new(Vec::new()));
    let task = |number: usize| {
        let (count, ends) = (dice.below(8), Arc::clone(&ends));
        create_task(async move {
            steps(count).await;
            ends.lock().unwrap().push(number);
            number
        })
    };
    let tasks: Vec<_> = (0..6).map(task).collect();
    let results: Vec<_> = as_completed(tasks).map(Result::unwrap).collect().await;
    assert_eq!(results, *ends.lock().unwrap());
}

// SH-1, SH-3: the awaiter is cancelled; the shielded task runs on and keeps its value.
#[asyncio::test(seeds = 300, workers = 3)]
async fn a_shielded_task_keeps_its_value() {
    let mut dice = Dice::thrown().await;
    let census = Census::default();
    let inner = create_task(census.of(steps(dice.below(5)).map(|()| 7), 1));
    let detached = create_task(census.of(steps(dice.below(5)), 1));
    let handle = detached.handle();
    let awaiter = create_task(async move {
        let mut inner = inner;
        let first = catch_cancelled(shield(&mut inner)).await;
        let cancelled = first.is_err();
        let value = match first {
            Ok(value) => value.unwrap(),
            Err(_) => inner.await.unwrap(),
        };
        assert_eq!(value, 7);
        drop(shield(detached).await);
        cancelled
    });
    let cancel = cancelled_after(&awaiter, 0, dice.below(9));
    match awaiter.await {
        Ok(caught) => assert!(cancel.await.unwrap() || !caught),
        Err(error) => assert!(error.is_cancelled() && cancel.await.unwrap()),
    }
    handle.wait().await;
    assert!(!handle.cancelled());
    // If its awaiter never began, the first task runs on detached.
    runtime_tests::until(|| census.ended() == 2).await;
    steps(2).await;
    census.assert_over(1);
}
