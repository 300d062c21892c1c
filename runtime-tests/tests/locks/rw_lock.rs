//! The lock for readers and a writer.

use std::time::Duration;

use asyncio::{OwnedRwLockWriteGuard, RwLock, RwLockWriteGuard, checkpoint, wait_for};
use futures::FutureExt;

use super::*;

#[test]
fn many_read_or_one_writes() {
    everywhere(async || {
        let lock = Arc::new(RwLock::new(1));
        let readers = (lock.read().await, lock.try_read().unwrap());
        let owned = Arc::clone(&lock).read_owned().await;
        assert_eq!(*readers.0 + *readers.1 + *owned, 3);
        assert!(lock.try_write().is_none());
        drop((readers, owned));
        let mut writer = lock.write().now_or_never().expect("it is free");
        *writer = 2;
        assert!(lock.try_read().is_none() && lock.try_write().is_none());
        drop(writer);
        let writer = Arc::clone(&lock).try_write_owned().unwrap();
        let mut reader = Box::pin(Arc::clone(&lock).read_owned());
        assert!(poll_once(&mut reader).await.is_pending());
        drop(writer);
        assert_eq!(*reader.await, 2);
    });
}

/// LK-1: first come, first served: a reader does not overtake a writer.
#[test]
fn a_reader_waits_behind_a_writer() {
    everywhere(async || {
        let lock = RwLock::new(0);
        let reading = lock.read().await;
        let mut writer = Box::pin(lock.write());
        assert!(poll_once(&mut writer).await.is_pending());
        assert!(lock.try_read().is_none());
        let mut late = Box::pin(lock.read());
        assert!(poll_once(&mut late).await.is_pending());
        drop(reading);
        assert!(poll_once(&mut late).await.is_pending());
        *writer.await += 1;
        assert_eq!(*late.await, 1);
    });
}

/// LK-3: a writer that gives up lets the readers behind it go on.
#[test]
fn readers_go_on_when_the_writer_before_them_gives_up() {
    everywhere(async || {
        let lock = Arc::new(RwLock::new(0));
        let reading = lock.read().await;
        let mut writer = Box::pin(lock.write());
        assert!(poll_once(&mut writer).await.is_pending());
        let late = in_line({
            let lock = Arc::clone(&lock);
            async move { *lock.read().await }
        })
        .await;
        drop(writer);
        assert_eq!(late.await.unwrap(), 0);
        drop(reading);
    });
}

#[test]
fn a_writer_becomes_a_reader_and_nobody_writes_in_between() {
    everywhere(async || {
        let lock = Arc::new(RwLock::new(0));
        let mut writer = lock.write().await;
        *writer = 1;
        let writes = in_line({
            let lock = Arc::clone(&lock);
            async move { *lock.write().await = 2 }
        })
        .await;
        let reader = RwLockWriteGuard::downgrade(writer);
        assert_eq!(*reader, 1);
        drop(reader);
        writes.await.unwrap();
        let writer = Arc::clone(&lock).write_owned().await;
        let reader = OwnedRwLockWriteGuard::downgrade(writer);
        assert!(lock.try_write().is_none());
        assert_eq!((*reader, lock.try_read().map(|value| *value)), (2, Some(2)));
        drop(reader);
        assert!(lock.try_write().is_some());
    });
}

/// LK-3: what is written is whole for every reader, whoever gives up.
#[test]
fn no_reader_sees_half_of_a_write() {
    everywhere(async || {
        let lock = Arc::new(RwLock::new((0, 0)));
        let tasks: Vec<_> = (0..12_u64)
            .map(|place| {
                let lock = Arc::clone(&lock);
                create_task(async move {
                    if place % 3 == 0 {
                        let mut value = lock.write().await;
                        value.0 += 1;
                        checkpoint().await;
                        value.1 += 1;
                    } else {
                        let limit = Duration::from_micros(place);
                        drop(wait_for(lock.write(), limit).await);
                        let value = lock.read().await;
                        assert_eq!(value.0, value.1);
                        checkpoint().await;
                        assert_eq!(value.0, value.1);
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(*lock.read().await, (4, 4));
        assert!(lock.try_write().is_some());
    });
}

#[test]
fn it_has_what_is_expected_of_a_lock() {
    let mut lock = RwLock::from(3);
    *lock.get_mut() += 1;
    assert_eq!(format!("{lock:?}"), "RwLock { value: 4 }");
    let writer = lock.try_write().unwrap();
    assert_eq!(
        format!("{lock:?} {writer:?}"),
        "RwLock { value: <locked> } 4"
    );
    drop(writer);
    assert_eq!(lock.into_inner(), 4);
    assert_eq!(RwLock::<u8>::default().into_inner(), 0);
    static SHARED: RwLock<[u8; 2]> = RwLock::new([1, 2]);
    let slice: &RwLock<[u8]> = &SHARED;
    assert_eq!(slice.try_read().unwrap().len(), 2);
}
