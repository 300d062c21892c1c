//! Hostile wakers: their clone, wake and drop use the very lock that they wait for. No lock of the
//! library is held while they run, or these tests would hang, or panic in a debug build.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::{Context, Waker};
use std::thread;

use asyncio::{Barrier, CapacityLimiter, Condition, Event, Lock, OnceCell, RwLock, Semaphore};
use futures::FutureExt;
use futures::future::BoxFuture;

use super::*;

#[expect(
    unsafe_code,
    reason = "a raw vtable is the only way to see a waker's clone"
)]
#[path = "../hostile_waker/raw.rs"]
mod raw;

thread_local! { static BUSY: Cell<bool> = const { Cell::new(false) } }

/// A waker that calls `strike` in its clone, wake and drop, but not inside another strike.
fn hostile(strike: impl Fn() + Send + Sync + 'static, failed: &Flag) -> Waker {
    let failed = failed.clone();
    raw::waker(move |_event| {
        if BUSY.replace(true) {
            return;
        }
        if catch_unwind(AssertUnwindSafe(&strike)).is_err() {
            failed.set();
        }
        BUSY.set(false);
    })
}

/// Lets several threads wait by `wait`, with wakers that call `act`, which is also what makes the
/// waiters go on.
fn strike_at<P: Send + Sync + 'static>(
    target: P,
    wait: impl Fn(&'static P) -> BoxFuture<'static, ()> + Sync,
    act: impl Fn(&'static P) + Copy + Send + Sync + 'static,
) {
    let target: &'static P = Box::leak(Box::new(target));
    let (failed, wait) = (Flag::default(), &wait);
    watched(|| {
        thread::scope(|scope| {
            for side in 0..3 {
                let failed = failed.clone();
                scope.spawn(move || {
                    for round in 0..300 {
                        let mut waits: Vec<_> = (0..3).map(|_| wait(target)).collect();
                        for wait in &mut waits {
                            for _ in 0..=round % 2 {
                                let waker = hostile(move || act(target), &failed);
                                let mut with = Context::from_waker(&waker);
                                if wait.as_mut().poll(&mut with).is_ready() {
                                    break;
                                }
                            }
                        }
                        if (round + side) % 3 == 0 {
                            waits.pop();
                        }
                        act(target);
                        drop(waits.remove(0));
                        act(target);
                    }
                });
            }
        });
    });
    assert!(!failed.is_set(), "a strike has panicked");
}

/// Polls a wait once, with a waker that does nothing, and drops it.
fn try_wait(future: impl Future) {
    let _done = future.now_or_never();
}

#[test]
fn hostile_wakers_strike_at_a_lock() {
    strike_at(
        Lock::new(()),
        |lock| {
            let held = async {
                let _guard = lock.acquire().await;
                std::future::poll_fn(|_| Poll::<()>::Pending).await;
            };
            held.boxed()
        },
        |lock| {
            drop(lock.try_acquire());
            try_wait(lock.acquire());
            let _shown = (lock.locked(), format!("{lock:?}"));
        },
    );
}

#[test]
fn hostile_wakers_strike_at_a_semaphore() {
    strike_at(
        Semaphore::new(2),
        |semaphore| {
            semaphore
                .acquire_many(2)
                .map(|permit| permit.forget())
                .boxed()
        },
        |semaphore| {
            try_wait(semaphore.acquire());
            if semaphore.available_permits() < 100 {
                semaphore.release();
            }
            let _shown = (semaphore.locked(), format!("{semaphore:?}"));
        },
    );
}

#[test]
fn hostile_wakers_strike_at_an_event() {
    strike_at(
        Event::new(),
        |event| event.wait().boxed(),
        |event| {
            event.set();
            event.clear();
            try_wait(event.wait());
            let _shown = (event.is_set(), format!("{event:?}"));
        },
    );
}

#[test]
fn hostile_wakers_strike_at_a_condition() {
    strike_at(
        (Lock::new(()), Condition::new()),
        |(lock, condition)| {
            let waited = async {
                let guard = lock.acquire().await;
                drop(condition.wait(guard).await);
            };
            waited.boxed()
        },
        |(lock, condition)| {
            condition.notify(1);
            if let Some(guard) = lock.try_acquire() {
                try_wait(condition.wait(guard));
            }
            condition.notify_all();
        },
    );
}

#[test]
fn hostile_wakers_strike_at_a_barrier() {
    strike_at(
        Barrier::new(4),
        |barrier| barrier.wait().map(drop).boxed(),
        |barrier| {
            try_wait(barrier.wait());
            match barrier.n_waiting() {
                3 => barrier.abort(),
                2 => barrier.reset(),
                _ => {}
            }
            let _shown = format!("{barrier:?}");
        },
    );
}

#[test]
fn hostile_wakers_strike_at_a_lock_for_readers_and_a_writer() {
    strike_at(
        RwLock::new(()),
        |lock| {
            let held = async {
                drop(lock.write().await);
                let _guard = lock.read().await;
                std::future::poll_fn(|_| Poll::<()>::Pending).await;
            };
            held.boxed()
        },
        |lock| {
            drop((lock.try_read(), lock.try_write()));
            try_wait(lock.write());
            try_wait(lock.read());
            let _shown = format!("{lock:?}");
        },
    );
}

#[test]
fn hostile_wakers_strike_at_a_cell() {
    strike_at(
        OnceCell::<u8>::new(),
        |cell| cell.get_or_init(std::future::pending).map(drop).boxed(),
        |cell| {
            try_wait(cell.get_or_try_init(async || Err::<u8, ()>(())));
            let _shown = (cell.get(), format!("{cell:?}"));
        },
    );
}

#[test]
fn hostile_wakers_strike_at_a_limiter() {
    static LAST: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
    let next = || LAST.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    strike_at(
        CapacityLimiter::new(1),
        move |limiter| limiter.acquire_on_behalf_of(next()).map(drop).boxed(),
        move |limiter| {
            drop(limiter.try_acquire_on_behalf_of(next()));
            try_wait(limiter.acquire_on_behalf_of(next()));
            limiter.set_total_tokens(limiter.borrowed_tokens());
            limiter.set_total_tokens(1);
            let _shown = format!("{limiter:?}");
        },
    );
}
