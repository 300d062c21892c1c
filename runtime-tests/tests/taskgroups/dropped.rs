//! Tests of a group whose future is dropped, leaked, or moved, in the midst of its work.

use std::pin::pin;
use std::sync::{Arc, Mutex};

use asyncio::get_running_loop;
use futures::future::{Either, select};

use super::*;

/// Polls a group once and then drops it. Its body has made a child that waits.
async fn lost(log: &Log, begun: &Flag, body_waits: bool) {
    let group = task_group(async |tg| {
        tg.create_task(waiter(log, begun));
        until(|| begun.is_set()).await;
        if body_waits {
            pending::<()>().await;
        }
        Ok::<_, Oops>(())
    });
    let won = async {
        until(|| begun.is_set()).await;
        sleep(TICK).await;
    };
    let Either::Right(_) = select(pin!(group), pin!(won)).await else {
        panic!("the group has ended")
    };
}

#[test]
fn the_loser_of_a_select_cancels_its_children() {
    on_workers(2, async {
        for body_waits in [true, false] {
            let (log, begun) = (Log::default(), Flag::default());
            lost(&log, &begun, body_waits).await;
            until(|| log.notes() == ["cleaned up"]).await;
            until(|| all_tasks().len() == 1).await;
            assert_eq!(cancelling(), 0);
            checkpoint().await;
        }
    });
}

#[test]
fn the_handle_of_a_dropped_group_takes_no_child() {
    on_workers(2, async {
        let mut kept = None;
        {
            let group = task_group(async |tg| {
                kept = Some(tg.clone());
                pending::<()>().await;
                Ok::<_, Oops>(())
            });
            assert!(pin!(group).now_or_never().is_none());
        }
        assert!(kept.unwrap().create_task(async { Ok(()) }).cancelled());
    });
}

#[test]
fn what_the_children_of_a_dropped_group_fail_with_is_reported() {
    on_workers(2, async {
        let reports: Arc<Mutex<Vec<String>>> = Arc::default();
        let to = reports.clone();
        get_running_loop().set_exception_handler(move |_, context| {
            to.lock()
                .unwrap()
                .push(context.exception().unwrap().to_string());
        });
        let begun = Flag::default();
        {
            let beginning = begun.clone();
            let mut group = pin!(task_group(async |tg| {
                tg.create_task(async move {
                    let wait = async {
                        beginning.set();
                        pending::<()>().await
                    };
                    let _caught = catch_cancelled(wait).await;
                    Err::<(), _>(Oops(1))
                });
                pending::<()>().await;
                Ok(())
            }));
            assert!(group.as_mut().now_or_never().is_none());
            until(|| begun.is_set()).await;
        }
        until(|| *reports.lock().unwrap() == ["Oops(1)"]).await;
    });
}

#[test]
fn a_group_that_is_never_polled_makes_nothing() {
    on_workers(1, async {
        let dropped = Flag::default();
        let guard = dropped.set_on_drop();
        drop(task_group(async move |_| {
            let _guard = guard;
            Ok::<_, Oops>(())
        }));
        assert!(dropped.is_set());
    });
}

#[test]
fn the_children_of_a_leaked_group_run_on() {
    on_workers(2, async {
        let (done, go) = (Flag::default(), Flag::default());
        let (doing, going) = (done.clone(), go.clone());
        let mut group = Box::pin(task_group(async move |tg| {
            tg.create_task(async move {
                until(|| going.is_set()).await;
                doing.set();
                Ok(())
            });
            pending::<()>().await;
            Ok::<_, Oops>(())
        }));
        assert!(group.as_mut().now_or_never().is_none());
        std::mem::forget(group);
        go.set();
        until(|| done.is_set()).await;
    });
}

// The group's future may move between tasks, as that of a `select` that is polled again.
#[test]
fn a_group_may_be_finished_by_another_task() {
    on_workers(2, async {
        let (log, begun) = (Log::default(), Flag::default());
        let (seen, beginning) = (log.clone(), begun.clone());
        let mut group = Box::pin(task_group(async move |tg| {
            tg.create_task(waiter(&seen, &beginning));
            until(|| beginning.is_set()).await;
            tg.create_task(fails(1));
            pending::<()>().await;
            Ok::<_, Oops>(())
        }));
        assert!(group.as_mut().now_or_never().is_none());
        let outcome = create_task(group).await.unwrap();
        assert_eq!(errors(outcome), [1]);
        assert_eq!(log.notes(), ["cleaned up"]);
    });
}

#[test]
fn a_long_lived_group_keeps_nothing_of_its_children() {
    on_workers(2, async {
        let alive = Arc::new(());
        let outcome: Outcome<()> = task_group(async |tg| {
            for _ in 0..100 {
                for _ in 0..100 {
                    let value = Arc::clone(&alive);
                    tg.create_task(async move {
                        drop(value);
                        Ok(())
                    });
                }
                until(|| Arc::strong_count(&alive) == 1).await;
            }
            Ok(())
        })
        .await;
        outcome.unwrap();
    });
}

#[test]
fn a_handle_that_is_kept_keeps_no_child() {
    on_workers(2, async {
        let value = Arc::new(());
        let weak = Arc::downgrade(&value);
        let mut kept = None;
        let outcome: Outcome<()> = task_group(async |tg| {
            kept = Some(tg.clone());
            tg.start_soon(async move { drop(value) });
            Ok(())
        })
        .await;
        outcome.unwrap();
        assert!(weak.upgrade().is_none());
        drop(kept);
    });
}
