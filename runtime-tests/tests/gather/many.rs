//! Tests of gathers of many children, and on many threads at once.

use std::future::{pending, ready};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use asyncio::{catch_cancelled, checkpoint, create_task, finally, gather, gather_all, try_gather};
use futures::FutureExt;
use futures::channel::oneshot;
use runtime_tests::{Flag, Polls, begun, counting_polls, from_many_threads, on_workers, until};

use super::Error;

#[test]
fn ten_thousand_children_wake_the_gather_a_handful_of_times() {
    on_workers(1, async {
        let polls = Polls::default();
        let children = (0..10_000).map(|number| async move {
            checkpoint().await;
            number
        });
        let values = counting_polls(&polls, gather_all(children)).await.unwrap();
        assert!(values.into_iter().eq(0..10_000));
        assert!(polls.count() < 20, "{} polls", polls.count());
    });
}

#[test]
fn ten_thousand_children_may_end_in_any_order() {
    on_workers(2, async {
        for order in [|_| 1, |number| number, |number| number * 7919 % 10_000] {
            let (gates, waits): (Vec<_>, Vec<_>) =
                (0..10_000).map(|_| oneshot::channel::<usize>()).unzip();
            let children = waits.into_iter().map(|wait| async { wait.await.unwrap() });
            let gathered = begun(gather_all(children)).await;
            let mut gates: Vec<_> = gates.into_iter().map(Some).collect();
            for number in (0..10_000).rev() {
                // The first child from the index `order(number)` on that has not ended.
                let index = (order(number)..).find(|index| gates[index % 10_000].is_some());
                let index = index.unwrap() % 10_000;
                gates[index].take().unwrap().send(index).unwrap();
                if number % 512 == 0 {
                    checkpoint().await;
                }
            }
            let values = gathered.await.unwrap().unwrap();
            assert!(values.into_iter().eq(0..10_000));
        }
    });
}

#[test]
fn the_last_failure_of_ten_thousand_ends_the_gather() {
    on_workers(2, async {
        for failing in [0, 5_000, 9_999] {
            let children = (0..10_000).map(|number| async move {
                if number == failing {
                    return Err(Error::Own(number));
                }
                pending().await
            });
            let gathered: Result<Vec<()>, _> = try_gather(children.collect::<Vec<_>>()).await;
            assert_eq!(gathered, Err(Error::Own(failing)));
        }
    });
}

#[test]
fn gathers_on_many_threads_at_once() {
    from_many_threads(async |_| {
        let children = (0..16).map(|number| async move {
            if number % 3 == 0 {
                checkpoint().await;
            }
            number
        });
        assert!(gather_all(children).await.unwrap().into_iter().eq(0..16));
        let children = (0..8).map(|number| async move {
            checkpoint().await;
            if number >= 6 {
                Err(Error::Own(number))
            } else {
                Ok(())
            }
        });
        let error = try_gather(children.collect::<Vec<_>>()).await.unwrap_err();
        assert!(matches!(error, Error::Own(6 | 7)));
    });
}

#[test]
fn ten_thousand_children_are_cancelled_and_clean_up() {
    on_workers(2, async {
        let cleaned = Arc::new(AtomicUsize::new(0));
        let order = Ordering::SeqCst;
        let began = Arc::clone(&cleaned);
        let child = move |_| {
            let (began, cleaned) = (began.clone(), began.clone());
            let body = async move {
                began.fetch_add(1, order);
                pending::<()>().await;
            };
            finally(body, async move {
                checkpoint().await;
                cleaned.fetch_add(1, order);
            })
        };
        let awaiter = begun(gather_all((0..10_000).map(child))).await;
        until(|| cleaned.load(order) == 10_000).await;
        awaiter.cancel();
        assert!(awaiter.await.unwrap_err().is_cancelled());
        assert_eq!(cleaned.load(order), 20_000);
    });
}

// GA-2, GA-3 against GA-5
#[test]
fn cancelling_while_a_child_fails() {
    from_many_threads(async |_| {
        let awaiter = create_task(async {
            let failing = async {
                checkpoint().await;
                Err::<(), _>(Error::Own(1))
            };
            let endless = catch_cancelled(pending::<()>()).map(|_| Ok::<_, Error>(()));
            try_gather((endless, failing)).await
        });
        checkpoint().await;
        awaiter.cancel();
        match awaiter.await {
            Ok(values) => assert_eq!(values, Err(Error::Own(1))),
            Err(error) => assert!(error.is_cancelled()),
        }
    });
}

// GA-5, GA-7, GA-10: whether the request or the last end comes first, the awaiter ends and gets
// either all values or a cancellation.
#[test]
fn cancelling_while_the_children_end() {
    from_many_threads(async |_| {
        let ended = Flag::default();
        let flag = ended.clone();
        let awaiter = create_task(async move {
            let last = async move {
                checkpoint().await;
                checkpoint().await;
                flag.set();
                3
            };
            gather((ready(1), async { checkpoint().await }, last)).await
        });
        checkpoint().await;
        let accepted = awaiter.cancel();
        match awaiter.await {
            Ok(values) => assert_eq!(values.unwrap(), (1, (), 3)),
            Err(error) => assert!(error.is_cancelled() && accepted),
        }
    });
}
