//! The cell that is set once.

use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use asyncio::{OnceCell, checkpoint, wait_for};
use futures::FutureExt;

use super::*;

#[test]
fn the_value_is_made_once() {
    everywhere(async || {
        let (cell, made) = (Arc::new(OnceCell::new()), Arc::new(AtomicUsize::new(0)));
        let tasks: Vec<_> = (0..6)
            .map(|place| {
                let (cell, made) = (Arc::clone(&cell), Arc::clone(&made));
                create_task(async move {
                    let value = cell.get_or_init(async || {
                        checkpoint().await;
                        made.fetch_add(1, Ordering::Relaxed);
                        format!("{place}")
                    });
                    value.await.clone()
                })
            })
            .collect();
        let mut values = Vec::new();
        for task in tasks {
            values.push(task.await.unwrap());
        }
        values.dedup();
        assert_eq!((values.len(), made.load(Ordering::Relaxed)), (1, 1));
        assert_eq!(cell.get(), Some(&values[0]));
    });
}

/// An initialiser that fails, panics, is cancelled, timed out or dropped lets the next one try.
#[test]
fn after_a_failure_the_next_one_tries() {
    everywhere(async || {
        let cell = Arc::new(OnceCell::new());
        let failed = cell.get_or_try_init(async || Err::<u32, _>("no")).await;
        assert_eq!(failed, Err("no"));
        let panics = cell.get_or_init(async || std::panic::resume_unwind(Box::new(1)));
        assert!(AssertUnwindSafe(panics).catch_unwind().await.is_err());
        let endless = cell.get_or_init(async || std::future::pending().await);
        assert!(wait_for(endless, Duration::from_micros(10)).await.is_err());
        let stuck = in_line({
            let cell = Arc::clone(&cell);
            async move {
                *cell
                    .get_or_init(async || std::future::pending().await)
                    .await
            }
        })
        .await;
        assert_eq!(cell.set(1), Err(1), "somebody is at it");
        let waits = in_line({
            let cell = Arc::clone(&cell);
            async move { *cell.get_or_init(async || 7).await }
        })
        .await;
        assert_eq!(cell.get(), None);
        stuck.cancel();
        assert_eq!(waits.await.unwrap(), 7);
        assert!(stuck.await.unwrap_err().is_cancelled());
        assert_eq!(cell.get(), Some(&7));
    });
}

#[test]
fn all_who_wait_go_on_when_the_value_is_there() {
    everywhere(async || {
        let cell = Arc::new(OnceCell::new());
        let (open, opened) = futures::channel::oneshot::channel::<u32>();
        let first = in_line({
            let cell = Arc::clone(&cell);
            async move { *cell.get_or_init(async || opened.await.unwrap()).await }
        })
        .await;
        let mut waiters = vec![first];
        for _ in 0..5 {
            let cell = Arc::clone(&cell);
            let waiter = async move { *cell.get_or_init(async || unreachable!()).await };
            waiters.push(in_line(waiter).await);
        }
        // One that nobody polls again holds nobody up.
        let mut kept = Box::pin(cell.get_or_init(async || unreachable!()));
        assert!(poll_once(&mut kept).await.is_pending());
        open.send(3).unwrap();
        for waiter in waiters {
            assert_eq!(waiter.await.unwrap(), 3);
        }
        assert_eq!(*kept.await, 3);
    });
}

#[test]
fn it_has_what_is_expected_of_a_cell() {
    let mut cell = OnceCell::new();
    assert_eq!(format!("{cell:?}"), "OnceCell(<uninit>)");
    assert_eq!(cell.get_mut(), None);
    assert_eq!(cell.set(1), Ok(()));
    assert_eq!(cell.set(2), Err(2));
    assert_eq!(cell.get_or_init(async || 3).now_or_never(), Some(&1));
    *cell.get_mut().unwrap() += 1;
    assert_eq!(format!("{cell:?}"), "OnceCell(2)");
    let copy = cell.clone();
    assert_eq!((cell.take(), cell.get()), (Some(2), None));
    assert_eq!(cell.set(5), Ok(()));
    assert_eq!((cell.into_inner(), copy.into_inner()), (Some(5), Some(2)));
    assert_eq!(OnceCell::from(4).into_inner(), Some(4));
    assert_eq!(OnceCell::<u8>::default().into_inner(), None);
}
