//! Tests of timeouts around, beside and inside combinators that have foreign wakers.

use super::*;
use asyncio::gather;
use futures::StreamExt;
use futures::future::{Either, join, join_all, select, select_all};
use futures::stream::FuturesUnordered;
use std::pin::pin;

#[test]
fn a_task_awaited_inside_a_set_of_futures_is_cancelled_at_the_limit() {
    on_workers(2, async {
        let mut handles = Vec::new();
        let outcome = timeout(3 * TICK, async |_| {
            let mut set = FuturesUnordered::new();
            for _ in 0..20 {
                let task = create_task(finally(pending::<()>(), checkpoint()));
                handles.push(task.handle());
                set.push(task);
            }
            while let Some(ended) = set.next().await {
                drop(ended);
            }
        });
        assert_eq!(outcome.await, timed_out());
        // The timeout waited for the task that claimed the request. The other tasks were detached
        // when the set was dropped.
        let cancelled = handles.iter().filter(|task| task.cancelling() > 0).count();
        assert!(cancelled > 0, "no task was cancelled");
        checkpoint().await;
        assert_eq!(cancelling(), 0);
    });
}

#[test]
fn a_cleanup_inside_a_set_of_futures_runs_at_the_limit() {
    on_workers(1, async {
        let log = Log::default();
        let outcome = timeout(3 * TICK, async |_| {
            let body = finally(pending::<()>(), async {
                sleep(TICK).await;
                log.note("cleaned up");
            });
            let mut set: FuturesUnordered<_> = std::iter::once(body).collect();
            set.next().await
        });
        assert_eq!(outcome.await, timed_out());
        assert_eq!(log.notes(), ["cleaned up"]);
    });
}

#[test]
fn timeouts_inside_a_set_of_futures_expire_one_by_one() {
    on_workers(1, async {
        let delays = [3, 1, 5, 2, 4];
        let mut set: FuturesUnordered<_> = delays
            .iter()
            .map(|n| async move {
                let limited = timeout(TICK * *n * 3, async |_| pending::<()>().await);
                (*n, limited.await)
            })
            .collect();
        let mut order = Vec::new();
        while let Some((n, outcome)) = set.next().await {
            assert_eq!(outcome, timed_out());
            order.push(n);
        }
        order.sort_unstable();
        assert_eq!(order, [1, 2, 3, 4, 5], "each timeout expires once");
        assert_eq!(cancelling(), 0);
    });
}

#[test]
fn a_timeout_inside_a_set_can_be_moved_from_outside_it() {
    on_workers(1, async {
        let (send, scope) = oneshot::channel::<Timeout>();
        let limited = timeout(HOUR, async move |scope: &Timeout| {
            send.send(scope.clone()).unwrap();
            pending::<()>().await;
        });
        let mut set: FuturesUnordered<_> = std::iter::once(limited).collect();
        let mover = async {
            let scope = scope.await.unwrap();
            sleep(TICK).await;
            scope.reschedule(Some(Instant::now())).unwrap();
        };
        let (outcome, ()) = join(set.next(), mover).await;
        assert_eq!(outcome, Some(timed_out()));
    });
}

#[test]
fn the_limit_of_one_branch_leaves_the_others_of_a_join_alone() {
    on_workers(1, async {
        let log = Log::default();
        let innocent = async {
            catch_cancelled(sleep(6 * TICK))
                .await
                .expect("this branch must not be cancelled");
            log.note("undisturbed");
        };
        let limited = |delay| timeout(delay, async |_| pending::<()>().await);
        let ((first, ()), second) =
            join(join(limited(2 * TICK), innocent), limited(2 * TICK)).await;
        assert_eq!((first, second), (timed_out(), timed_out()));
        assert_eq!(log.notes(), ["undisturbed"]);
    });
}

#[test]
fn branches_of_a_join_that_expire_in_one_poll_each_have_their_timeout() {
    on_workers(1, async {
        let task = begun(async {
            let limited = (0..10).map(|_| timeout(2 * TICK, async |_| pending::<()>().await));
            join_all(limited).await
        })
        .await;
        thread::sleep(4 * TICK);
        let outcomes = task.await.unwrap();
        assert!(outcomes.iter().all(|outcome| *outcome == timed_out()));
    });
}

#[test]
fn the_loser_of_a_select_is_a_timeout_that_never_expires() {
    on_workers(1, async {
        let mut kept = None;
        {
            let limited = timeout(2 * TICK, async |scope| {
                kept = Some(scope.clone());
                pending::<()>().await;
            });
            let Either::Right(_) = select(pin!(limited), pin!(checkpoint())).await else {
                panic!("the timeout won although its limit was not reached");
            };
        }
        sleep(4 * TICK).await;
        assert!(!kept.unwrap().expired());
        assert_eq!(cancelling(), 0);
    });
}

#[test]
fn a_timeout_that_is_winding_down_may_lose_a_select() {
    on_workers(1, async {
        let dropped = Flag::default();
        let mut kept = None;
        {
            let limited = timeout(TICK, async |scope| {
                kept = Some(scope.clone());
                let _probe = dropped.set_on_drop();
                finally(pending::<()>(), pending::<()>()).await;
            });
            let Either::Right(_) = select(pin!(limited), pin!(sleep(5 * TICK))).await else {
                panic!("the timeout won although its cleanup never ends");
            };
        }
        assert!(dropped.is_set());
        assert!(kept.unwrap().expired());
        checkpoint().await;
        assert_eq!(cancelling(), 0);
    });
}

#[test]
fn a_select_inside_a_timeout_is_dropped_whole() {
    on_workers(1, async {
        let [first, second] = [Flag::default(), Flag::default()];
        let body = |flag: Flag| {
            Box::pin(async move {
                let _probe = flag.set_on_drop();
                pending::<()>().await;
            })
        };
        let all = select_all([body(first.clone()), body(second.clone())]);
        assert!(wait_for(all, 2 * TICK).await.is_err());
        assert!(first.is_set() && second.is_set());
    });
}

#[test]
fn a_cancellation_from_outside_reaches_a_timeout_inside_a_set() {
    from_many_threads(async |event_loop| {
        let (cleaned, started) = (Flag::default(), Flag::default());
        let (clean, start) = (cleaned.clone(), started.clone());
        let task = event_loop.create_task(async move {
            let limited = timeout(HOUR, async |_| {
                let cleanup = async { clean.set() };
                let body = async {
                    start.set();
                    pending::<()>().await;
                };
                finally(body, cleanup).await;
            });
            let mut set: FuturesUnordered<_> = std::iter::once(limited).collect();
            set.next().await
        });
        until(|| started.is_set()).await;
        task.cancel();
        assert!(task.await.unwrap_err().is_cancelled());
        assert!(cleaned.is_set());
    });
}

// GA-5, with TO-1
#[test]
fn a_gather_inside_a_timeout_has_its_children_cancelled_and_waited_for() {
    on_workers(2, async {
        let log = Log::default();
        let child = || {
            let log = log.clone();
            finally(pending::<()>(), async move {
                sleep(2 * TICK).await;
                log.note("a child");
            })
        };
        let (first, second) = (child(), child());
        let outcome = timeout(60 * TICK, async |_| gather((first, second)).await.unwrap());
        assert_eq!(outcome.await, timed_out());
        assert_eq!(log.notes(), ["a child", "a child"]);
    });
}

// GA-2, with a timeout as a child
#[test]
fn a_child_of_a_gather_that_times_out_is_a_value() {
    on_workers(2, async {
        let slow = wait_for(pending::<()>(), TICK);
        let (slow, quick) = gather((slow, async { 3 })).await.unwrap();
        assert_eq!((slow, quick), (timed_out(), 3));
    });
}
