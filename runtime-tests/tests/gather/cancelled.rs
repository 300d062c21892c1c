//! Tests of a cancellation of the awaiter of a gather.

use std::future::{pending, ready};
use std::pin::pin;
use std::time::Duration;

use asyncio::{
    Task, TaskError, TaskHandle, catch_cancelled, checkpoint, create_task, current_task, finally,
    gather, shield, sleep, try_gather, wait_for,
};
use futures::channel::oneshot;
use futures::stream::{FuturesUnordered, StreamExt};
use futures::{FutureExt, future};
use runtime_tests::{Flag, Log, begun, on_workers, until};

use super::{Error, Post};

/// Observes and ends a child whose cleanup awaits until [`Cleaner::end`] is called.
struct Cleaner {
    begun: Flag,
    cleaning: Flag,
    cleaned: Flag,
    end: Option<oneshot::Sender<()>>,
}

fn cleaner() -> (Cleaner, impl Future<Output = ()>) {
    let (end, wait) = oneshot::channel::<()>();
    let cleaner = Cleaner {
        begun: Flag::default(),
        cleaning: Flag::default(),
        cleaned: Flag::default(),
        end: Some(end),
    };
    let [begun, cleaning, cleaned] =
        [&cleaner.begun, &cleaner.cleaning, &cleaner.cleaned].map(Flag::clone);
    let body = async move {
        begun.set();
        pending().await
    };
    let cleanup = async move {
        cleaning.set();
        checkpoint().await;
        wait.await.unwrap();
        cleaned.set();
    };
    (cleaner, finally(body, cleanup))
}

impl Cleaner {
    fn end(&mut self) {
        self.end.take().unwrap().send(()).unwrap();
    }
}

/// Cancels `awaiter`, which awaits a gather of two cleaners, and checks that it ends after both.
async fn check_that_it_waits<T>(awaiter: Task<T>, mut cleaners: [Cleaner; 2]) {
    until(|| cleaners.iter().all(|cleaner| cleaner.begun.is_set())).await;
    assert!(awaiter.cancel_with("enough"));
    until(|| cleaners.iter().all(|cleaner| cleaner.cleaning.is_set())).await;
    for index in [1, 0] {
        assert!(!awaiter.done());
        cleaners[index].end();
        until(|| cleaners[index].cleaned.is_set()).await;
    }
    let Err(TaskError::Cancelled(error)) = awaiter.await else {
        panic!("it was cancelled");
    };
    assert_eq!(error.message(), Some("enough"));
}

// GA-5, GA-6, difference 5
#[test]
fn cancelling_the_awaiter_cancels_all_and_waits_for_all() {
    on_workers(2, async {
        let ((first, one), (second, two)) = (cleaner(), cleaner());
        let awaiter = begun(gather((one, two))).await;
        check_that_it_waits(awaiter, [first, second]).await;
    });
}

// GA-6
#[test]
fn with_return_exceptions_it_waits_for_all_as_well_and_returns_nothing() {
    on_workers(2, async {
        let ((first, one), (second, two)) = (cleaner(), cleaner());
        let awaiter = begun(gather([one, two]).return_exceptions()).await;
        check_that_it_waits(awaiter, [first, second]).await;
    });
}

// GA-6
#[test]
fn a_cancelled_try_gather_waits_for_all_even_if_one_fails_on_the_way() {
    on_workers(2, async {
        let ((first, one), (second, two)) = (cleaner(), cleaner());
        let failing = async {
            let _ = catch_cancelled(pending::<()>()).await;
            Err::<(), _>(Error::Own(0))
        };
        let [one, two] = [one.boxed(), two.boxed()].map(|child| child.map(Ok::<(), Error>));
        let awaiter = begun(try_gather((one, failing, two))).await;
        check_that_it_waits(awaiter, [first, second]).await;
    });
}

// GA-5, CA-14
#[test]
fn every_child_hears_the_message() {
    on_workers(2, async {
        let log = Log::default();
        let flags = [Flag::default(), Flag::default(), Flag::default()];
        let children = flags.clone().map(|flag| {
            let log = log.clone();
            async move {
                let body = async {
                    flag.set();
                    pending::<()>().await
                };
                let error = catch_cancelled(body).await.unwrap_err();
                if error.message() == Some("enough") {
                    log.note("received");
                }
                error.raise().await
            }
        });
        let awaiter = begun(async { gather(children).await.map(drop) }).await;
        until(|| flags.iter().all(Flag::is_set)).await;
        awaiter.cancel_with("enough");
        assert!(awaiter.await.unwrap_err().is_cancelled());
        assert_eq!(log.notes(), ["received"; 3]);
    });
}

// GA-7
#[test]
fn the_cancellation_goes_on_even_if_all_children_return_values() {
    on_workers(2, async {
        let stubborn = |flag: Flag| async move {
            let caught = catch_cancelled(async {
                flag.set();
                pending::<()>().await;
            });
            caught.await.unwrap_err();
            1
        };
        let flags = [Flag::default(), Flag::default()];
        let children = flags.clone().map(stubborn);
        let plain = create_task(async { gather(children).await });
        until(|| flags.iter().all(Flag::is_set)).await;
        plain.cancel();
        assert!(plain.await.unwrap_err().is_cancelled());

        let flags = [Flag::default(), Flag::default()];
        let children = flags.clone().map(stubborn);
        let all = create_task(async { gather(children).return_exceptions().await });
        until(|| flags.iter().all(Flag::is_set)).await;
        all.cancel();
        assert!(all.await.unwrap_err().is_cancelled());
    });
}

// GA-7
#[test]
fn the_awaiter_can_catch_it_once_all_have_ended() {
    on_workers(2, async {
        let (mut cleaner, child) = cleaner();
        let log = Log::default();
        let noted = log.clone();
        let awaiter = create_task(async move {
            let error = catch_cancelled(gather((child, ready(()))))
                .await
                .unwrap_err();
            noted.note("caught");
            checkpoint().await;
            assert_eq!(error.message(), Some("enough"));
            7
        });
        until(|| cleaner.begun.is_set()).await;
        awaiter.cancel_with("enough");
        until(|| cleaner.cleaning.is_set()).await;
        assert!(log.notes().is_empty());
        cleaner.end();
        assert_eq!(awaiter.await.unwrap(), 7);
        assert!(cleaner.cleaned.is_set());
    });
}

// GA-3
#[test]
fn after_the_first_failure_a_cancellation_reaches_no_sibling() {
    on_workers(2, async {
        let sibling = Post::default();
        let post = sibling.clone();
        let endless = async move {
            post.leave();
            pending::<Result<(), Error>>().await
        };
        let failed = Flag::default();
        let flag = failed.clone();
        let awaiter = create_task(async move {
            let failing = ready(Err::<(), _>(Error::Own(1)));
            let mut gathered = try_gather((endless, failing));
            (&mut gathered).await.unwrap_err();
            flag.set();
            pending::<()>().await;
        });
        until(|| failed.is_set()).await;
        awaiter.cancel();
        assert!(awaiter.await.unwrap_err().is_cancelled());
        let sibling = sibling.wait().await;
        assert!(!sibling.done() && sibling.cancelling() == 0);
        sibling.cancel();
    });
}

// GA-10, difference 3
#[test]
fn if_all_children_have_ended_their_values_are_not_lost() {
    on_workers(2, async {
        let before = asyncio::all_tasks().len();
        let gathered = gather((ready(1), ready(2)));
        until(|| asyncio::all_tasks().len() == before).await;
        let awaiter = create_task(async move {
            current_task().unwrap().cancel();
            let values = gathered.await.unwrap();
            let caught = catch_cancelled(pending::<()>()).await;
            (values, caught.is_err())
        });
        assert_eq!(awaiter.await.unwrap(), ((1, 2), true));
    });
}

// CA-8
#[test]
fn a_second_request_interrupts_the_cleanup_of_the_children() {
    on_workers(2, async {
        let (cleaner, child) = cleaner();
        let awaiter = create_task(async { gather((child,)).await });
        until(|| cleaner.begun.is_set()).await;
        awaiter.cancel_with("first");
        until(|| cleaner.cleaning.is_set()).await;
        assert!(!awaiter.done());
        awaiter.cancel_with("second");
        assert!(awaiter.await.unwrap_err().is_cancelled());
        assert!(!cleaner.cleaned.is_set());
    });
}

// CA-6
#[test]
fn a_gather_that_was_never_polled_is_merely_dropped() {
    on_workers(1, async {
        let (mut cleaner, child) = cleaner();
        let gathered = gather((child,));
        let awaiter = create_task(gathered);
        awaiter.cancel();
        assert!(awaiter.await.unwrap_err().is_cancelled());
        // The child is detached and runs on.
        until(|| cleaner.begun.is_set()).await;
        assert!(!cleaner.cleaning.is_set());
        cleaner.end();
    });
}

// CA-4
#[test]
fn a_request_goes_through_gathers_in_gathers() {
    on_workers(2, async {
        let ((first, one), (second, two)) = (cleaner(), cleaner());
        let awaiter = create_task(async {
            let inner = gather((gather((one,)), ready(1)));
            gather((inner, two)).await.map(drop)
        });
        check_that_it_waits(awaiter, [first, second]).await;
    });
}

// CA-4
#[test]
fn a_request_goes_through_a_gather_to_the_tasks_in_it() {
    on_workers(2, async {
        let ((first, one), (second, two)) = (cleaner(), cleaner());
        let tasks = (create_task(one), create_task(two));
        let awaiter = begun(try_gather(tasks)).await;
        check_that_it_waits(awaiter, [first, second]).await;
    });
}

// GA-5: the request reaches the tasks even if no child has been polled yet.
#[test]
fn cancelled_at_once_a_gather_of_handles_cancels_what_they_stand_for() {
    on_workers(1, async {
        let endless = || create_task(pending::<()>());
        for started in [false, true] {
            let tasks = [endless(), endless(), endless()];
            if started {
                checkpoint().await;
            }
            let handles = tasks.each_ref().map(Task::handle);
            let [one, two, three] = tasks;
            let mut all = pin!(gather((
                one,
                gather([two]),
                gather([three]).return_exceptions()
            )));
            let caught = catch_cancelled(async {
                current_task().unwrap().cancel();
                all.as_mut().await.map(drop)
            });
            assert!(caught.await.is_err());
            assert!(handles.iter().all(TaskHandle::cancelled));
        }
    });
}

// SH-5
#[test]
fn what_is_shielded_in_a_gather_runs_on() {
    on_workers(2, async {
        let inner = create_task(pending::<()>());
        let handle = inner.handle();
        let awaiter = begun(gather((shield(inner), pending::<()>()))).await;
        awaiter.cancel();
        assert!(awaiter.await.unwrap_err().is_cancelled());
        assert!(!handle.done() && handle.cancelling() == 0);
        handle.cancel();
    });
}

// SH-5
#[test]
fn a_gather_behind_a_shield_runs_on() {
    on_workers(2, async {
        let (go, wait) = oneshot::channel::<()>();
        let gathered = gather((async move { wait.await.unwrap() }, ready(2)));
        let mut inner = create_task(gathered);
        let caught = Flag::default();
        let flag = caught.clone();
        let awaiter = begun(async move {
            let error = catch_cancelled(shield(&mut inner)).await;
            error.unwrap_err();
            flag.set();
            inner.await.unwrap().unwrap()
        });
        let awaiter = awaiter.await;
        awaiter.cancel();
        until(|| caught.is_set()).await;
        go.send(()).unwrap();
        assert_eq!(awaiter.await.unwrap(), ((), 2));
    });
}

// Rule 7 of the protocol: foreign wakers.
#[test]
fn a_request_reaches_a_gather_behind_foreign_wakers() {
    on_workers(2, async {
        let ((first, one), (second, two)) = (cleaner(), cleaner());
        let awaiter = create_task(async {
            let mut gathers = FuturesUnordered::new();
            gathers.push(gather((one, two)));
            gathers.next().await
        });
        check_that_it_waits(awaiter, [first, second]).await;
    });
}

#[test]
fn the_loser_of_a_select_detaches_its_children() {
    on_workers(2, async {
        let (mut cleaner, child) = cleaner();
        let gathered = gather((child,));
        until(|| cleaner.begun.is_set()).await;
        let winner = pin!(async { checkpoint().await });
        future::select(gathered, winner).await;
        assert!(!cleaner.cleaning.is_set());
        cleaner.end();
    });
}

// WF
#[test]
fn a_timeout_cancels_the_children_and_waits_for_their_cleanup() {
    on_workers(2, async {
        let log = Log::default();
        let child = |log: Log| {
            finally(pending::<()>(), async move {
                checkpoint().await;
                sleep(Duration::from_millis(5)).await;
                log.note("cleaned");
            })
        };
        let gathered = gather((child(log.clone()), child(log.clone())));
        let ended = wait_for(gathered, Duration::from_millis(5)).await;
        assert!(ended.is_err());
        assert_eq!(log.notes(), ["cleaned", "cleaned"]);
        assert_eq!(current_task().unwrap().cancelling(), 0);
        checkpoint().await;
    });
}

#[test]
fn the_loops_end_cancels_a_gather_as_any_task() {
    let log = Log::default();
    let noted = log.clone();
    on_workers(2, async move {
        let begun = Flag::default();
        let flag = begun.clone();
        let child = finally(
            async move {
                flag.set();
                pending::<()>().await;
            },
            async move {
                checkpoint().await;
                noted.note("cleaned");
            },
        );
        create_task(gather((child, pending::<()>())));
        until(|| begun.is_set()).await;
    });
    assert_eq!(log.notes(), ["cleaned"]);
}
