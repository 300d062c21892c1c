//! A wait allocates nothing: the waiter's place in line is in its future.
//!
//! This is a test of its own because it counts what its process allocates.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use asyncio::{Barrier, CapacityLimiter, Condition, Event, Lock, OnceCell, RwLock, Semaphore};

#[expect(unsafe_code, reason = "an allocator that counts")]
#[path = "locks_memory/counting.rs"]
mod counting;

const ROUNDS: usize = 100;

/// Begins a wait, lets it go on by `release`, and ends it: over and over, in a task. Asserts that
/// this thread allocates nothing meanwhile, but for the first times.
fn allocates_nothing<'a, F: Future>(wait: impl Fn() -> F + 'a, release: impl Fn() + 'a) {
    asyncio::Runner::builder()
        .workers(1)
        .build()
        .unwrap()
        .run(async {
            let mut before = 0;
            for round in 0..ROUNDS {
                if round == ROUNDS / 2 {
                    before = counting::allocations();
                }
                let mut wait = pin!(wait());
                let first = poll_fn(|with| Poll::Ready(wait.as_mut().poll(with).is_pending()));
                assert!(first.await, "it waits");
                release();
                wait.await;
            }
            assert_eq!(counting::allocations(), before);
        });
}

#[test]
fn what_is_allocated_is_counted() {
    let before = counting::allocations();
    drop(std::hint::black_box(Box::new(1)));
    assert_eq!(counting::allocations(), before + 1);
}

/// The task keeps a reference to the queue of the last turn that it used, and to no other.
#[test]
fn a_lock_that_has_been_waited_for_leaves_nothing() {
    let mut runner = asyncio::Runner::builder().workers(1).build().unwrap();
    runner.run(async {
        let mut before = 0;
        for round in 0..ROUNDS {
            if round == ROUNDS / 2 {
                before = counting::allocated();
            }
            let lock = Lock::new(());
            let guard = lock.try_acquire();
            let mut wait = pin!(lock.acquire());
            let first = poll_fn(|with| Poll::Ready(wait.as_mut().poll(with).is_pending()));
            assert!(first.await, "it waits");
            drop(guard);
            drop(wait.await);
        }
        assert_eq!(counting::allocated(), before);
    });
}

#[test]
fn waiting_for_a_lock() {
    let lock = Lock::new(());
    let guard = std::cell::Cell::new(lock.try_acquire());
    allocates_nothing(
        || async { guard.set(Some(lock.acquire().await)) },
        || drop(guard.take()),
    );
}

#[test]
fn waiting_for_a_semaphore() {
    let semaphore = Semaphore::new(0);
    allocates_nothing(
        || async { semaphore.acquire_many(2).await.forget() },
        || semaphore.release_many(2),
    );
}

#[test]
fn waiting_for_an_event() {
    let event = Event::new();
    allocates_nothing(
        || event.wait(),
        || {
            event.set();
            event.clear();
        },
    );
}

#[test]
fn waiting_for_a_notification() {
    let (lock, condition) = (Lock::new(()), Condition::new());
    allocates_nothing(
        || async { drop(condition.wait(lock.acquire().await).await) },
        || condition.notify(1),
    );
}

#[test]
fn waiting_at_a_barrier() {
    let barrier = Barrier::new(2);
    allocates_nothing(
        || barrier.wait(),
        || {
            let mut with = Context::from_waker(Waker::noop());
            assert!(pin!(barrier.wait()).poll(&mut with).is_ready());
        },
    );
}

#[test]
fn waiting_to_read_or_write() {
    let lock = RwLock::new(());
    let writer = std::cell::Cell::new(lock.try_write());
    allocates_nothing(
        || async {
            drop(lock.read().await);
            writer.set(Some(lock.write().await));
        },
        || drop(writer.take()),
    );
}

#[test]
fn a_value_that_is_there() {
    let (cell, event) = (OnceCell::with_value(1), Event::new());
    allocates_nothing(
        || async {
            event.wait().await;
            assert_eq!(*cell.get_or_init(async || 2).await, 1);
        },
        || {
            event.set();
            event.clear();
        },
    );
}

#[test]
fn waiting_for_a_token() {
    let limiter = CapacityLimiter::new(0);
    allocates_nothing(
        || async {
            let _token = limiter.acquire_on_behalf_of(1).await;
            limiter.set_total_tokens(0);
        },
        || limiter.set_total_tokens(1),
    );
}
