//! The semaphores.

use std::time::Duration;

use asyncio::{BoundedSemaphore, Semaphore, checkpoint, wait_for};
use futures::FutureExt;

use super::*;

/// SE-1: a semaphore may be released more often than it was acquired, a bounded one refuses that
/// before anything changes.
#[test]
fn only_a_bounded_semaphore_is_released_too_often() {
    everywhere(async || {
        let semaphore = Semaphore::new(0);
        assert!(semaphore.locked());
        semaphore.release();
        semaphore.release_many(2);
        assert_eq!(semaphore.available_permits(), 3);
        let bounded = BoundedSemaphore::new(2);
        let permit = bounded.acquire().await;
        permit.forget();
        assert!(bounded.release().is_ok());
        let error = bounded.release().unwrap_err();
        assert_eq!(
            error.to_string(),
            "BoundedSemaphore released too many times"
        );
        assert_eq!(bounded.available_permits(), 2);
        let all = bounded.acquire_many(2).await;
        assert!(bounded.locked() && bounded.try_acquire().is_none());
        drop(all);
    });
}

/// SE-2: first come, first served; a release goes to a waiter, and no newcomer gets it.
#[test]
fn permits_go_to_the_waiters_in_order() {
    everywhere(async || {
        let (semaphore, notes) = (Arc::new(Semaphore::new(1)), Notes::default());
        let permit = semaphore.acquire().await;
        let mut tasks = Vec::new();
        for place in 0..5 {
            let (semaphore, notes) = (Arc::clone(&semaphore), notes.clone());
            let waiter = async move {
                let permit = semaphore.acquire().await;
                notes.add(place);
                checkpoint().await;
                drop(permit);
            };
            tasks.push(in_line(waiter).await);
        }
        drop(permit);
        assert!(semaphore.try_acquire().is_none() || notes.taken().len() == 5);
        for task in tasks {
            task.await.unwrap();
        }
        assert!([vec![], vec![0, 1, 2, 3, 4]].contains(&notes.taken()));
    });
}

/// SE-2: it is locked as long as somebody waits, even for more permits than are free.
#[test]
fn a_semaphore_is_locked_while_somebody_waits() {
    everywhere(async || {
        let semaphore = Semaphore::new(2);
        assert!(!semaphore.locked());
        let one = semaphore.acquire().await;
        assert!(!semaphore.locked());
        let mut both = Box::pin(semaphore.acquire_many(2));
        assert!(poll_once(&mut both).await.is_pending());
        assert!(semaphore.locked() && semaphore.try_acquire().is_none());
        assert_eq!(semaphore.available_permits(), 1);
        let mut late = Box::pin(semaphore.acquire());
        assert!(
            poll_once(&mut late).await.is_pending(),
            "it waits behind the other"
        );
        drop(both);
        drop(late.await);
        assert!(!semaphore.locked());
        drop(one);
        assert_eq!(semaphore.available_permits(), 2);
    });
}

/// SE-3: a waiter that is cancelled after it was given a permit gives it to the next.
#[test]
fn a_waiter_that_is_cancelled_when_it_was_woken_passes_the_permit_on() {
    everywhere(async || {
        let semaphore = Arc::new(Semaphore::new(0));
        let first = in_line(Arc::clone(&semaphore).acquire_owned()).await;
        let second = in_line(Arc::clone(&semaphore).acquire_owned()).await;
        semaphore.release();
        first.cancel();
        // If the first was faster than the request, it gives the permit back when it is dropped.
        drop(first.await);
        drop(second.await.unwrap());
        assert_eq!(semaphore.available_permits(), 1);
    });
}

/// SE-3: as many waiters go on as there are releases.
#[test]
fn each_release_lets_one_waiter_go_on() {
    everywhere(async || {
        let (semaphore, notes) = (Arc::new(Semaphore::new(0)), Notes::default());
        let mut tasks = Vec::new();
        for place in 0..4 {
            let (semaphore, notes) = (Arc::clone(&semaphore), notes.clone());
            let waiter = async move {
                semaphore.acquire().await.forget();
                notes.add(place);
            };
            tasks.push(in_line(waiter).await);
        }
        semaphore.release();
        semaphore.release();
        let mut tasks = tasks.into_iter();
        for task in tasks.by_ref().take(2) {
            task.await.unwrap();
        }
        for _ in 0..3 {
            checkpoint().await;
        }
        assert_eq!(notes.taken().len(), 2);
        assert_eq!(semaphore.available_permits(), 0);
        semaphore.release_many(2);
        for task in tasks {
            task.await.unwrap();
        }
    });
}

/// SE-3: no permit is lost or doubled, whatever the waiters do.
#[test]
fn the_permits_are_all_there_in_the_end() {
    everywhere(async || {
        let semaphore = Arc::new(Semaphore::new(3));
        let tasks: Vec<_> = (0..12_usize)
            .map(|place| {
                let semaphore = Arc::clone(&semaphore);
                create_task(async move {
                    let limit = Duration::from_micros(place as u64 % 4);
                    let permits = semaphore.acquire_many(1 + place % 3);
                    if let Ok(permits) = wait_for(permits, limit).await {
                        checkpoint().await;
                        drop(permits);
                    }
                    let _permit = semaphore.acquire().await;
                    checkpoint().await;
                })
            })
            .collect();
        for task in tasks.iter().step_by(4) {
            checkpoint().await;
            task.cancel();
        }
        for task in tasks {
            let ended = task.await;
            assert!(ended.is_ok() || ended.unwrap_err().is_cancelled());
        }
        assert_eq!(semaphore.available_permits(), 3);
        assert!(semaphore.acquire_many(3).now_or_never().is_some());
    });
}
