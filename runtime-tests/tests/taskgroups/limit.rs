//! Tests of `TaskGroup::limit`.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

/// Counts how many run, and how many have at most.
#[derive(Clone, Default)]
struct Running(Arc<(AtomicUsize, AtomicUsize)>);

impl Running {
    fn enter(&self) -> runtime_tests::OnDrop<impl FnOnce() + Send + use<>> {
        let now = self.0.0.fetch_add(1, Ordering::SeqCst) + 1;
        self.0.1.fetch_max(now, Ordering::SeqCst);
        let running = self.clone();
        runtime_tests::on_drop(move || {
            running.0.0.fetch_sub(1, Ordering::SeqCst);
        })
    }

    fn now(&self) -> usize {
        self.0.0.load(Ordering::SeqCst)
    }

    fn most(&self) -> usize {
        self.0.1.load(Ordering::SeqCst)
    }
}

#[test]
fn at_most_so_many_children_run() {
    for workers in 1..=3 {
        on_workers(workers, async {
            let running = Running::default();
            let outcome: Outcome<()> = task_group(async |tg| {
                tg.limit(3);
                for _ in 0..50 {
                    let running = running.clone();
                    tg.create_task(async move {
                        let _running = running.enter();
                        checkpoint().await;
                        checkpoint().await;
                        Ok(())
                    });
                }
                Ok(())
            })
            .await;
            outcome.unwrap();
            assert_eq!(running.now(), 0);
            assert!((1..=3).contains(&running.most()), "{}", running.most());
        });
    }
}

#[test]
fn the_others_wait_in_the_order_in_which_they_were_made() {
    on_workers(3, async {
        let order = Arc::new(std::sync::Mutex::new(Vec::new()));
        let outcome: Outcome<()> = task_group(async |tg| {
            tg.limit(1);
            for number in 0..20 {
                let order = order.clone();
                tg.create_task(async move {
                    order.lock().unwrap().push(number);
                    checkpoint().await;
                    Ok(())
                });
            }
            Ok(())
        })
        .await;
        outcome.unwrap();
        assert!(order.lock().unwrap().iter().copied().eq(0..20));
    });
}

#[test]
fn a_child_that_is_cancelled_while_it_waits_takes_nobody_s_turn() {
    on_workers(2, async {
        let outcome: Outcome<()> = task_group(async |tg| {
            tg.limit(1);
            let (go, wait) = oneshot::channel::<()>();
            tg.create_task(async move {
                wait.await.unwrap();
                Ok(())
            });
            let waiting: Task<()> =
                tg.create_task(async { unreachable!("it was cancelled before") });
            let last = tg.create_task(async { Ok(42) });
            waiting.cancel();
            let _never: Result<(), _> = waiting.await;
            assert!(!last.done());
            go.send(()).unwrap();
            assert_eq!(last.await.unwrap(), 42);
            Ok(())
        })
        .await;
        outcome.unwrap();
    });
}

#[test]
fn a_child_that_is_cancelled_with_its_turn_passes_it_on() {
    on_workers(2, async {
        let outcome: Outcome<()> = task_group(async |tg| {
            tg.limit(1);
            let first = tg.create_task(forever());
            let second = tg.create_task(forever());
            let third = tg.create_task(async { Ok(42) });
            first.cancel();
            second.cancel();
            assert_eq!(third.await.unwrap(), 42);
            Ok(())
        })
        .await;
        outcome.unwrap();
    });
}

#[test]
fn the_limit_may_be_raised_and_lowered() {
    on_workers(2, async {
        let running = Running::default();
        let outcome: Outcome<()> = task_group(async |tg| {
            let child = || {
                let running = running.clone();
                async move {
                    let _running = running.enter();
                    pending::<()>().await;
                    Ok(())
                }
            };
            tg.limit(2);
            (0..6).for_each(|_| drop(tg.create_task(child())));
            until(|| running.now() == 2).await;
            tg.limit(4);
            until(|| running.now() == 4).await;
            tg.limit(1);
            for _ in 0..10 {
                checkpoint().await;
            }
            assert_eq!(running.now(), 4, "those that run, run on");
            tg.cancel();
            Ok(())
        })
        .await;
        outcome.unwrap();
        assert_eq!(running.now(), 0);
        assert_eq!(running.most(), 4);
    });
}

#[test]
fn an_abort_ends_those_that_wait() {
    on_workers(2, async {
        let outcome: Outcome<()> = task_group(async |tg| {
            tg.limit(1);
            tg.create_task(fails(1));
            for _ in 0..10 {
                tg.start_soon(async { unreachable!("the first one has failed") });
            }
            Ok(())
        })
        .await;
        let _first = errors(outcome);
    });
}

// difference 21
#[test]
fn a_limit_of_none_is_refused_at_its_line() {
    on_workers(1, async {
        let outcome: Outcome<()> = task_group(async |tg| {
            let (line, panic) = (line!(), caught(|| tg.limit(0).clone()));
            assert!(panic.text.contains("limit"), "{}", panic.text);
            assert_eq!(panic.place, Some((file!().to_owned(), line)));
            Ok(())
        })
        .await;
        outcome.unwrap();
    });
}
