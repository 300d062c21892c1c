//! Tests of `race`: the first to end wins; the others are cancelled and waited for.

use std::future::{Ready, pending, ready};
use std::panic::resume_unwind;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use asyncio::{
    CancelSource, TaskError, all_tasks, catch_cancelled, checkpoint, context_var, create_task,
    current_task, finally, get_running_loop, race, timeout,
};
use futures::channel::oneshot;
use futures::future::{Either, select};
use futures::stream::{FuturesUnordered, StreamExt};
use futures::{FutureExt, pin_mut};
use runtime_tests::{Flag, Log, begun, caught, from_many_threads, on_workers, until};

const TICK: Duration = Duration::from_millis(1);

/// A racer that waits for ever, and notes its cleanup, which awaits.
fn loser(log: &Log, begun: &Flag) -> impl Future<Output = u32> + Send + use<> {
    let (log, begun) = (log.clone(), begun.clone());
    let body = async move {
        begun.set();
        pending().await
    };
    let cleanup = async move {
        checkpoint().await;
        log.note("cleaned up");
    };
    finally(body, cleanup)
}

/// A racer that waits until the flags are set.
fn winner(flags: &[Flag], value: u32) -> impl Future<Output = u32> + Send + use<> {
    let flags = flags.to_vec();
    async move {
        until(|| flags.iter().all(Flag::is_set)).await;
        value
    }
}

#[test]
fn the_first_to_end_wins_and_the_losers_have_cleaned_up() {
    on_workers(2, async {
        let (log, flags) = (Log::default(), [Flag::default(), Flag::default()]);
        let [one, two] = [0, 1].map(|n| loser(&log, &flags[n]));
        assert_eq!(race((one, winner(&flags, 7), two)).await.unwrap(), 7);
        assert_eq!(log.notes(), ["cleaned up", "cleaned up"]);
        assert_eq!(all_tasks().len(), 1);
    });
}

#[test]
fn tuples_arrays_and_vectors_race() {
    on_workers(2, async {
        assert_eq!(race((ready(1),)).await.unwrap(), 1);
        assert_eq!(race([ready(2)]).await.unwrap(), 2);
        assert_eq!(race(vec![ready(3)]).await.unwrap(), 3);
        let forever = pending::<u32>;
        let twelve = race((
            forever(),
            forever(),
            forever(),
            forever(),
            forever(),
            forever(),
            forever(),
            forever(),
            forever(),
            forever(),
            forever(),
            async { 12 },
        ));
        assert_eq!(twelve.await.unwrap(), 12);
        let many = race(
            (0..100)
                .map(|number| async move {
                    if number != 42 {
                        pending::<()>().await;
                    }
                    number
                })
                .collect::<Vec<_>>(),
        );
        assert_eq!(many.await.unwrap(), 42);
    });
}

#[test]
fn the_losers_hear_that_they_lost_a_race() {
    on_workers(2, async {
        let (begun, heard) = (Flag::default(), Log::default());
        let (beginning, hear) = (begun.clone(), heard.clone());
        let listens = async move {
            let wait = async {
                beginning.set();
                pending::<()>().await
            };
            let caught = catch_cancelled(wait).await.unwrap_err();
            assert_eq!(caught.reason().source(), CancelSource::Race);
            assert_eq!(caught.reason().at().unwrap().file(), file!());
            hear.note("heard");
            0
        };
        assert_eq!(race((listens, winner(&[begun], 1))).await.unwrap(), 1);
        assert_eq!(heard.notes(), ["heard"]);
    });
}

#[test]
fn a_winner_that_panics_gives_its_panic() {
    on_workers(2, async {
        let panics = async { resume_unwind(Box::new("oh no")) };
        let error = race((pending::<()>(), panics)).await.unwrap_err();
        assert_eq!(*error.into_panic().downcast::<&str>().unwrap(), "oh no");
    });
}

#[test]
fn a_racer_that_another_task_cancels_has_ended() {
    on_workers(2, async {
        let cancels_itself = async {
            current_task().unwrap().cancel();
            checkpoint().await;
        };
        let error = race((pending::<()>(), cancels_itself)).await.unwrap_err();
        assert!(error.is_cancelled());
    });
}

#[test]
fn a_panic_in_the_cleanup_of_a_loser_is_reported() {
    on_workers(2, async {
        let reports: Arc<Mutex<Vec<String>>> = Arc::default();
        let to = reports.clone();
        get_running_loop().set_exception_handler(move |_, context| {
            to.lock()
                .unwrap()
                .push(context.exception().unwrap().to_string());
        });
        let begun = Flag::default();
        let beginning = begun.clone();
        let panics_later = async move {
            let wait = async {
                beginning.set();
                pending::<()>().await
            };
            let _caught = catch_cancelled(wait).await;
            resume_unwind(Box::new("in the cleanup"))
        };
        assert_eq!(race((winner(&[begun], 1), panics_later)).await.unwrap(), 1);
        until(|| reports.lock().unwrap().len() == 1).await;
        assert!(reports.lock().unwrap()[0].contains("in the cleanup"));
    });
}

// CA-4
#[test]
fn cancelling_the_awaiter_cancels_all_and_waits_for_all() {
    on_workers(2, async {
        let (log, flags) = (Log::default(), [Flag::default(), Flag::default()]);
        let racers = [0, 1].map(|n| loser(&log, &flags[n]));
        let awaiter = begun(race(racers)).await;
        until(|| flags.iter().all(Flag::is_set)).await;
        awaiter.cancel_with("enough");
        let Err(TaskError::Cancelled(error)) = awaiter.await else {
            panic!("it is not cancelled")
        };
        assert_eq!(error.message(), Some("enough"));
        assert_eq!(log.notes(), ["cleaned up", "cleaned up"]);
    });
}

// GA-7: racers that swallow the request do not win.
#[test]
fn a_cancelled_race_has_no_winner() {
    on_workers(2, async {
        let begun_flag = Flag::default();
        let beginning = begun_flag.clone();
        let stubborn = async move {
            let wait = async {
                beginning.set();
                pending::<()>().await
            };
            drop(catch_cancelled(wait).await);
        };
        let awaiter = begun(race((stubborn, pending()))).await;
        until(|| begun_flag.is_set()).await;
        awaiter.cancel();
        assert!(awaiter.await.unwrap_err().is_cancelled());
    });
}

// difference 3
#[test]
fn a_request_while_the_losers_clean_up_waits_for_the_next_await() {
    on_workers(2, async {
        let (go, wait) = oneshot::channel::<()>();
        let (cleaning, begun_flag, log) = (Flag::default(), Flag::default(), Log::default());
        let (beginning, clean, seen) = (begun_flag.clone(), cleaning.clone(), log.clone());
        let slow = finally(
            async move {
                beginning.set();
                pending::<u32>().await
            },
            async move {
                clean.set();
                wait.await.unwrap();
            },
        );
        let awaiter = create_task(async move {
            assert_eq!(race((winner(&[begun_flag], 1), slow)).await.unwrap(), 1);
            seen.note("won");
            checkpoint().await;
            unreachable!("it arrives here")
        });
        until(|| cleaning.is_set()).await;
        awaiter.cancel();
        for _ in 0..5 {
            checkpoint().await;
        }
        assert!(log.notes().is_empty(), "it has not waited");
        go.send(()).unwrap();
        let ended: Result<(), _> = awaiter.await;
        assert!(ended.unwrap_err().is_cancelled());
        assert_eq!(log.notes(), ["won"]);
    });
}

// TO-1
#[test]
fn a_limit_around_a_race_cancels_all_and_waits() {
    on_workers(2, async {
        let (log, flags) = (Log::default(), [Flag::default(), Flag::default()]);
        let racers = [0, 1].map(|n| loser(&log, &flags[n]));
        let outcome = timeout(5 * TICK, async |_| race(racers).await);
        assert!(outcome.await.is_err());
        let begun = flags.iter().filter(|flag| flag.is_set()).count();
        assert_eq!(log.notes().len(), begun);
    });
}

#[test]
fn a_race_that_is_dropped_cancels_its_racers() {
    on_workers(2, async {
        let (log, flags) = (Log::default(), [Flag::default(), Flag::default()]);
        {
            let lost = race([0, 1].map(|n| loser(&log, &flags[n])));
            let wins = winner(&flags, 0);
            pin_mut!(wins);
            let Either::Right(_) = select(lost, wins).await else {
                panic!("the race has ended")
            };
        }
        until(|| log.notes().len() == 2).await;
        until(|| all_tasks().len() == 1).await;
    });
}

#[test]
fn the_racers_of_a_leaked_race_run_on() {
    on_workers(2, async {
        let ran = Flag::default();
        let runs = ran.clone();
        std::mem::forget(race((async move { runs.set() }, pending())));
        until(|| ran.is_set()).await;
    });
}

#[test]
fn tasks_that_race_are_cancelled_and_waited_for() {
    on_workers(2, async {
        let (log, begun) = (Log::default(), Flag::default());
        let task = create_task(loser(&log, &begun));
        let handle = task.handle();
        let other = create_task(winner(&[begun], 5));
        assert_eq!(race((task, other)).await.unwrap().unwrap(), 5);
        assert!(handle.done());
        assert_eq!(log.notes(), ["cleaned up"]);
    });
}

// difference 21
#[test]
fn a_race_of_nobody_is_refused_at_its_line() {
    on_workers(1, async {
        let nobody = Vec::<Ready<()>>::new();
        let (line, panic) = (line!(), caught(|| drop(race(nobody))));
        assert!(panic.text.contains("race"), "{}", panic.text);
        assert_eq!(panic.place, Some((file!().to_owned(), line)));
    });
}

#[test]
fn a_race_that_is_polled_after_its_end_names_its_line() {
    on_workers(1, async {
        let mut won = race((ready(1),));
        (&mut won).await.unwrap();
        let again = caught(|| drop(won.now_or_never()));
        assert!(again.text.contains("the race made at"), "{}", again.text);
    });
}

#[test]
fn a_race_behind_a_foreign_waker_is_reached() {
    on_workers(2, async {
        let (log, flags) = (Log::default(), [Flag::default(), Flag::default()]);
        let racers = [0, 1].map(|n| loser(&log, &flags[n]));
        let awaiter = create_task(async move {
            let mut races: FuturesUnordered<_> = std::iter::once(race(racers)).collect();
            races.next().await
        });
        until(|| flags.iter().all(Flag::is_set)).await;
        awaiter.cancel();
        assert!(awaiter.await.unwrap_err().is_cancelled());
        until(|| log.notes().len() == 2).await;
    });
}

context_var! { static NAME: &'static str = "nobody" }

// TF-15
#[test]
fn the_racers_carry_the_context() {
    on_workers(2, async {
        drop(NAME.set("the creator"));
        assert_eq!(race((async { NAME.get() },)).await.unwrap(), "the creator");
    });
}

#[test]
fn races_on_many_threads() {
    from_many_threads(async |_| {
        let log = Log::default();
        let flags = [Flag::default(), Flag::default()];
        let [one, two] = [0, 1].map(|n| loser(&log, &flags[n]));
        let first = race((one, winner(&flags[..1], 1), two, winner(&flags[1..], 2)));
        let first = first.await.unwrap();
        assert!(first == 1 || first == 2);
        let begun = flags.iter().filter(|flag| flag.is_set()).count();
        assert_eq!(log.notes().len(), begun);
    });
}

// A cancellation at any moment is seen by the race or by the next await, never by nobody.
#[test]
fn a_cancellation_against_the_end_of_a_race_is_never_lost() {
    from_many_threads(async |_| {
        let awaiter = create_task(async {
            let _won = race((async { checkpoint().await }, pending())).await;
            pending::<()>().await;
        });
        let handle = awaiter.handle();
        checkpoint().await;
        handle.cancel();
        assert!(awaiter.await.unwrap_err().is_cancelled());
    });
}
