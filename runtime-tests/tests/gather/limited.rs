//! Tests of `gather_all` with a limit.

use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};

use asyncio::{catch_cancelled, checkpoint};

use super::*;

/// Counts how many children have been taken from the iterator, and how many live.
#[derive(Clone, Default)]
struct Counts(Arc<[AtomicUsize; 3]>);

impl Counts {
    fn made(&self) -> usize {
        self.0[0].load(Ordering::SeqCst)
    }

    fn living(&self) -> usize {
        self.0[1].load(Ordering::SeqCst)
    }

    fn most(&self) -> usize {
        self.0[2].load(Ordering::SeqCst)
    }

    /// A child that lives until it is dropped.
    fn child<F: Future>(&self, body: F) -> impl Future<Output = F::Output> + use<F> {
        self.0[0].fetch_add(1, Ordering::SeqCst);
        let living = self.0[1].fetch_add(1, Ordering::SeqCst) + 1;
        self.0[2].fetch_max(living, Ordering::SeqCst);
        let counts = self.clone();
        let guard = runtime_tests::on_drop(move || {
            counts.0[1].fetch_sub(1, Ordering::SeqCst);
        });
        async move {
            let _guard = guard;
            body.await
        }
    }
}

#[test]
fn at_most_so_many_live_and_the_values_are_in_order() {
    for workers in 1..=3 {
        on_workers(workers, async {
            let counts = Counts::default();
            let futures = (0..50).map(|number| {
                counts.child(async move {
                    for _ in 0..number % 4 {
                        checkpoint().await;
                    }
                    number
                })
            });
            let values = gather_all(futures).limit(3).await.unwrap();
            assert!(values.into_iter().eq(0..50));
            assert!((1..=3).contains(&counts.most()), "{}", counts.most());
            assert_eq!((counts.made(), counts.living()), (50, 0));
        });
    }
}

#[test]
fn the_iterator_is_asked_only_when_a_child_may_run() {
    on_workers(2, async {
        let counts = Counts::default();
        let counted = counts.clone();
        let futures = (0..10).map(move |_| counted.child(pending::<()>()));
        let gathered = begun(gather_all(futures).limit(2)).await;
        until(|| counts.made() == 2).await;
        for _ in 0..10 {
            checkpoint().await;
        }
        assert_eq!(counts.made(), 2);
        gathered.cancel();
        assert!(gathered.await.unwrap_err().is_cancelled());
        assert_eq!((counts.made(), counts.living()), (2, 0));
    });
}

// GA-2
#[test]
fn the_first_panic_ends_it_and_no_more_are_made() {
    on_workers(2, async {
        let counts = Counts::default();
        let futures = (0..10).map(|number| {
            counts.child(async move {
                if number == 2 {
                    resume_unwind(Box::new("oh no"));
                }
                checkpoint().await;
            })
        });
        let error = gather_all(futures).limit(1).await.unwrap_err();
        assert!(error.is_panic());
        assert_eq!(counts.made(), 3);
    });
}

#[test]
fn with_return_exceptions_all_are_made() {
    on_workers(2, async {
        let futures = || {
            (0..10).map(|number| async move {
                if number == 2 {
                    resume_unwind(Box::new("oh no"));
                }
                number
            })
        };
        let one = gather_all(futures()).limit(2).return_exceptions().await;
        let other = gather_all(futures()).return_exceptions().limit(2).await;
        for results in [one, other] {
            assert_eq!(results.len(), 10);
            let failed = results.iter().position(Result::is_err);
            assert_eq!(failed, Some(2));
            assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 9);
        }
    });
}

// GA-5, GA-7
#[test]
fn a_cancelled_one_waits_for_those_that_live_and_raises() {
    on_workers(2, async {
        let counts = Counts::default();
        let counted = counts.clone();
        let stubborn = (0..10).map(move |_| {
            counted.child(async {
                drop(catch_cancelled(pending::<()>()).await);
                checkpoint().await;
            })
        });
        let gathered = begun(gather_all(stubborn).limit(3)).await;
        until(|| counts.living() == 3).await;
        gathered.cancel();
        assert!(gathered.await.unwrap_err().is_cancelled());
        assert_eq!((counts.made(), counts.living()), (3, 0));
    });
}

#[test]
fn a_dropped_one_detaches_those_that_live() {
    on_workers(2, async {
        let counts = Counts::default();
        let counted = counts.clone();
        let (go, wait) = oneshot::channel::<()>();
        let wait = wait.shared();
        let futures = (0..10).map(move |_| counted.child(wait.clone()));
        let mut gathered = Box::pin(gather_all(futures).limit(2));
        assert!(gathered.as_mut().now_or_never().is_none());
        drop(gathered);
        assert_eq!((counts.made(), counts.living()), (2, 2));
        go.send(()).unwrap();
        until(|| counts.living() == 0).await;
        assert_eq!(counts.made(), 2);
    });
}

#[test]
fn a_limit_of_more_than_there_are_changes_nothing() {
    on_workers(2, async {
        let values = gather_all((0..5).map(ready)).limit(100).await.unwrap();
        assert_eq!(values, [0, 1, 2, 3, 4]);
        let nothing = gather_all(Vec::<std::future::Ready<()>>::new()).limit(1);
        assert_eq!(nothing.now_or_never().unwrap().unwrap(), []);
    });
}

// difference 21
#[test]
fn a_limit_of_none_is_refused_at_its_line() {
    on_workers(1, async {
        let all = gather_all([ready(1)]);
        let (line, panic) = (line!(), caught(|| drop(all.limit(0))));
        assert!(panic.text.contains("limit"), "{}", panic.text);
        assert_eq!(panic.place, Some((file!().to_owned(), line)));
    });
}
