//! Tests of `gather`, `gather_all`, `return_exceptions` and `try_gather` under many schedules.

use std::panic::resume_unwind;
use std::sync::{Arc, Mutex};

use asyncio::{TaskError, gather, gather_all, try_gather};
use futures::future::BoxFuture;
use futures::{FutureExt, future};
use runtime_tests::until;

use super::*;

#[derive(Debug, PartialEq)]
enum Error {
    Own(usize),
    Task,
}

impl From<TaskError> for Error {
    fn from(_: TaskError) -> Error {
        Error::Task
    }
}

/// Makes children that yield a few times, and return their numbers.
fn children(dice: &mut Dice, census: &Census) -> Vec<BoxFuture<'static, usize>> {
    let child = |number| {
        let (work, cleanup) = (dice.below(5), dice.below(3));
        let body = steps(work).map(move |()| number);
        census.of(body, cleanup).boxed()
    };
    (0..4).map(child).collect()
}

// GA-1
#[asyncio::test(seeds = 300, workers = 3)]
async fn results_come_in_the_order_of_the_arguments() {
    let mut dice = Dice::thrown().await;
    let census = Census::default();
    let list = gather(children(&mut dice, &census));
    let all = gather_all(children(&mut dice, &census));
    let [first, second, third] = [0, 1, 2].map(|number| (dice.below(5), number));
    let child = |(count, number)| steps(count).map(move |()| number);
    let third = child(third).map(|number| number.to_string());
    let tuple = gather((child(first), child(second), third));
    let (list, all, tuple) = future::join3(list, all, tuple).await;
    assert_eq!(list.unwrap(), [0, 1, 2, 3]);
    assert_eq!(all.unwrap(), [0, 1, 2, 3]);
    assert_eq!(tuple.unwrap(), (0, 1, "2".to_owned()));
    census.assert_over(1);
}

// GA-5, GA-6, GA-7, difference 5
#[asyncio::test(seeds = 300, workers = 3)]
async fn who_is_cancelled_in_a_gather_goes_on_after_the_last_child() {
    let mut dice = Dice::thrown().await;
    let census = Census::default();
    let children = children(&mut dice, &census);
    let seen = census.clone();
    let awaiter = create_task(async move {
        let outcome = catch_cancelled(gather_all(children)).await;
        seen.assert_over(2);
        outcome
    });
    let cancel = cancelled_after(&awaiter, 0, dice.below(10));
    match awaiter.await {
        Ok(Ok(values)) => assert_eq!(values.unwrap(), [0, 1, 2, 3], "a child was cancelled"),
        Ok(Err(_)) => assert!(cancel.await.unwrap()),
        Err(error) => assert!(error.is_cancelled() && census.begun() == 0, "never begun"),
    }
    census.assert_over(1);
}

// GA-6, GA-7: children that suppress the request and return a value change nothing.
#[asyncio::test(seeds = 300, workers = 2)]
async fn with_return_exceptions_it_is_the_same_even_if_the_children_swallow_it() {
    let mut dice = Dice::thrown().await;
    let census = Census::default();
    let stubborn = children(&mut dice, &census).into_iter().map(|child| {
        let after = steps(dice.below(4));
        let kept = census.of(after, 1);
        async move {
            let value = catch_cancelled(child).await;
            kept.await;
            value.is_ok()
        }
    });
    let stubborn: Vec<_> = stubborn.collect();
    let seen = census.clone();
    let awaiter = create_task(async move {
        let outcome = catch_cancelled(gather(stubborn).return_exceptions()).await;
        seen.assert_over(2);
        outcome
    });
    let cancel = cancelled_after(&awaiter, 0, dice.below(12));
    match awaiter.await {
        Ok(Ok(results)) => assert!(results.into_iter().all(|result| result.unwrap())),
        Ok(Err(_)) => assert!(cancel.await.unwrap()),
        Err(error) => assert!(error.is_cancelled() && census.begun() == 0, "never begun"),
    }
    census.assert_over(1);
}

// GA-4: the outcome of each child is at the index of that child.
#[asyncio::test(seeds = 300, workers = 3)]
async fn with_return_exceptions_every_end_stands_in_its_place() {
    let mut dice = Dice::thrown().await;
    let census = Census::default();
    let mut children = children(&mut dice, &census);
    let (quits, fails) = (dice.below(4) as usize, dice.below(4) as usize);
    let count = dice.below(4);
    let panics = async move {
        steps(count).await;
        resume_unwind(Box::new("oh no"))
    };
    children[fails] = census.of(panics, 1).boxed();
    if quits != fails {
        let cancels_itself = async {
            asyncio::current_task().unwrap().cancel();
            future::pending().await
        };
        children[quits] = census.of(cancels_itself, 1).boxed();
    }
    let results = gather(children).return_exceptions().await;
    for (number, result) in results.into_iter().enumerate() {
        match result {
            Ok(value) => assert_eq!(value, number),
            Err(error) if number == fails => assert!(error.is_panic()),
            Err(error) => assert!(number == quits && error.is_cancelled()),
        }
    }
    census.assert_over(1);
}

// GA-2, difference 5: the first error is returned at once, the siblings run on, and the late error
// is reported once.
#[asyncio::test(seeds = 300, workers = 3)]
async fn the_first_error_is_the_answer_and_the_siblings_run_on() {
    let mut dice = Dice::thrown().await;
    let census = Census::default();
    let reports = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&reports);
    get_running_loop().set_exception_handler(move |_, _| {
        counted.fetch_add(1, Ordering::Relaxed);
    });
    let failed = Arc::new(Mutex::new(Vec::new()));
    let child = |number: usize| {
        let (count, failed) = (dice.below(6), Arc::clone(&failed));
        let body = census.of(steps(count), 0);
        async move {
            body.await;
            if number % 2 == 0 {
                return Ok(number);
            }
            failed.lock().unwrap().push(number);
            Err(Error::Own(number))
        }
    };
    let children: Vec<_> = (0..4).map(child).collect();
    let error = try_gather(children).await.unwrap_err();
    assert_eq!(error, Error::Own(failed.lock().unwrap()[0]));
    until(|| census.ended() == 4 && reports.load(Ordering::Relaxed) == 1).await;
    steps(5).await;
    assert_eq!(reports.load(Ordering::Relaxed), 1);
    assert_eq!(failed.lock().unwrap().len(), 2);
    census.assert_over(1);
}

// GA-3, GA-5: a `try_gather` that is cancelled before the first error waits for all children; after
// it, no child is cancelled.
#[asyncio::test(seeds = 300, workers = 2)]
async fn a_cancelled_try_gather_waits_for_all_or_lets_all_go() {
    let mut dice = Dice::thrown().await;
    let census = Census::default();
    get_running_loop().set_exception_handler(|_, _| {});
    let whole = Arc::new(AtomicUsize::new(0));
    let child = |number: usize| {
        let (count, whole) = (dice.below(6), Arc::clone(&whole));
        let body = async move {
            steps(count).await;
            whole.fetch_add(1, Ordering::Relaxed);
            if number == 1 {
                return Err(Error::Own(number));
            }
            Ok(number)
        };
        census.of(body, 1)
    };
    let children: Vec<_> = (0..4).map(child).collect();
    let seen = census.clone();
    let awaiter = create_task(async move {
        let outcome = catch_cancelled(try_gather(children)).await;
        if outcome.is_err() {
            seen.assert_over(2);
        }
        outcome
    });
    let _cancel = cancelled_after(&awaiter, 0, dice.below(10));
    match awaiter.await {
        Ok(Ok(result)) => {
            assert_eq!(result, Err(Error::Own(1)));
            until(|| census.ended() == 4).await;
            assert_eq!(whole.load(Ordering::Relaxed), 4, "a child was cancelled");
            steps(3).await;
        }
        Ok(Err(_)) => {}
        Err(error) => assert!(error.is_cancelled() && census.begun() == 0, "never begun"),
    }
    census.assert_over(1);
}
