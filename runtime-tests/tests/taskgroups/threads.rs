//! Tests of groups that several threads use at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use runtime_tests::from_many_threads;

use super::*;

// TG-1, TG-7
#[test]
fn handles_on_other_threads_add_children_while_the_body_ends() {
    from_many_threads(async |_| {
        let (made, ran) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let mut adder = None;
        let outcome: Outcome<()> = task_group(async |tg| {
            let (group, made, ran) = (tg.clone(), made.clone(), ran.clone());
            adder = Some(create_task(async move {
                for _ in 0..10 {
                    let ran = ran.clone();
                    let child = group.create_task(async move {
                        ran.fetch_add(1, Ordering::SeqCst);
                        Ok(())
                    });
                    // A refused child is done from the start, and cancelled.
                    if !child.cancelled() {
                        made.fetch_add(1, Ordering::SeqCst);
                    }
                }
            }));
            checkpoint().await;
            Ok(())
        })
        .await;
        outcome.unwrap();
        let at_the_end = ran.load(Ordering::SeqCst);
        adder.unwrap().await.unwrap();
        let (made, ran) = (made.load(Ordering::SeqCst), ran.load(Ordering::SeqCst));
        assert_eq!(made, ran);
        assert_eq!(at_the_end, ran, "a child ran after the end of its group");
    });
}

// TG-2
#[test]
fn every_child_is_cancelled_once_however_many_fail() {
    from_many_threads(async |_| {
        let outcome: Outcome<Vec<Task<()>>> = task_group(async |tg| {
            let waiting = || async {
                let _caught = catch_cancelled(pending::<()>()).await;
                // A second request would be delivered here.
                checkpoint().await;
                checkpoint().await;
                Ok(())
            };
            let mut children: Vec<_> = (0..3).map(|_| tg.create_task(waiting())).collect();
            for number in 0..3 {
                tg.create_task(fails(number));
                children.push(tg.create_task(waiting()));
            }
            let _caught = catch_cancelled(pending::<()>()).await;
            for child in &children {
                until(|| child.done() || child.cancelling() > 0).await;
                assert!(child.cancelling() <= 1);
            }
            Ok(children)
        })
        .await;
        let failed = sorted(outcome);
        assert!((1..=3).contains(&failed.len()), "{failed:?}");
        checkpoint().await;
    });
}

// TG-5, TG-22
#[test]
fn a_cancellation_against_an_abort_is_never_lost() {
    from_many_threads(async |_| {
        let parent = create_task(async {
            let outcome: Outcome<()> = task_group(async |tg| {
                tg.create_task(fails(1));
                tg.create_task(forever());
                pending().await
            })
            .await;
            let _failed_or = outcome;
            pending::<()>().await;
        });
        let handle = parent.handle();
        checkpoint().await;
        handle.cancel();
        assert!(parent.await.unwrap_err().is_cancelled());
    });
}

// Plain threads, which run nothing for the loop.
#[test]
fn threads_outside_of_the_loop_make_children() {
    on_workers(2, async {
        let ran = Arc::new(AtomicUsize::new(0));
        let outcome: Outcome<()> = task_group(async |tg| {
            let threads: Vec<_> = (0..3)
                .map(|_| {
                    let (group, ran) = (tg.clone(), ran.clone());
                    thread::spawn(move || {
                        for _ in 0..100 {
                            let ran = ran.clone();
                            group.start_soon(async move {
                                ran.fetch_add(1, Ordering::SeqCst);
                            });
                        }
                    })
                })
                .collect();
            until(|| threads.iter().all(thread::JoinHandle::is_finished)).await;
            Ok(())
        })
        .await;
        outcome.unwrap();
        assert_eq!(ran.load(Ordering::SeqCst), 300);
    });
}

#[test]
fn cancel_from_many_threads_at_once() {
    from_many_threads(async |event_loop| {
        let outcome: Outcome<()> = task_group(async |tg| {
            for _ in 0..3 {
                tg.create_task(forever());
                let group = tg.clone();
                event_loop.create_task(async move { group.cancel() });
            }
            pending().await
        })
        .await;
        assert!(outcome.unwrap_err().is_cancelled());
        assert_eq!(cancelling(), 0);
    });
}

#[test]
fn a_group_with_a_limit_is_used_from_many_threads() {
    from_many_threads(async |_| {
        let ran = Arc::new(AtomicUsize::new(0));
        let outcome: Outcome<()> = task_group(async |tg| {
            tg.limit(2);
            for _ in 0..3 {
                let (group, ran) = (tg.clone(), ran.clone());
                // It has a turn itself, and waits for none of those that it makes.
                tg.create_task(async move {
                    for _ in 0..5 {
                        let ran = ran.clone();
                        group.start_soon(async move {
                            checkpoint().await;
                            ran.fetch_add(1, Ordering::SeqCst);
                        });
                    }
                    Ok(())
                });
            }
            Ok(())
        })
        .await;
        outcome.unwrap();
        assert_eq!(ran.load(Ordering::SeqCst), 15);
    });
}
