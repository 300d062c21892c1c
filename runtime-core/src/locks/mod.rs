//! Locks and other means to coordinate tasks: asyncio's `Lock`, `Event`, `Condition`, `Semaphore`
//! and `Barrier`; and a lock for readers and writers, a cell that is set once, and trio's limiter.
//!
//! All of these types may be used from any task, thread and loop, and from none: unlike asyncio's,
//! they belong to no loop. They are shared by an [`Arc`](std::sync::Arc), a `static`, or a plain
//! reference. A thread that is no worker waits with
//! [`EventLoop::block_on`](crate::EventLoop::block_on).
//!
//! **Order.** Waiters are served in the order in which they came, and no newcomer takes what a
//! waiter has been woken for.
//!
//! **Cancellation.** Every wait may be cancelled, timed out or dropped at any moment. What the
//! waiter had been given by then goes to the next in line: nothing is lost.
//!
//! **Futures that are not polled.** A task may start to wait for a lock, and then await something
//! else first; this happens easily with `select!`. With most other async locks everybody hangs if
//! such a future is given the lock. Here it is passed over: if its task is polled and does not poll
//! the future, the lock goes to the next in line, and the future keeps its place.

#[expect(
    unsafe_code,
    reason = "the value of a lock, whose permit its guards hold"
)]
mod cell;

mod barrier;
mod capacity_limiter;
mod event;
#[expect(unsafe_code, reason = "the guards of a lock reach its value")]
mod lock;
#[expect(unsafe_code, reason = "a value that is set is shared")]
mod once_cell;
#[expect(unsafe_code, reason = "the guards of a lock reach its value")]
mod rw_lock;
mod semaphore;

mod condition;

pub use barrier::{Barrier, BrokenBarrierError, WaitBarrier};
pub use capacity_limiter::{AcquireToken, BorrowedToken, Borrower, CapacityLimiter};
pub use condition::{Condition, HeldLock};
pub use event::{Event, WaitEvent};
pub use lock::{AcquireLock, Lock, LockGuard, OwnedLockGuard};
pub use once_cell::OnceCell;
pub use rw_lock::{
    AcquireRead, AcquireWrite, OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock,
    RwLockReadGuard, RwLockWriteGuard,
};
pub use semaphore::{
    AcquirePermit, BoundedSemaphore, OwnedPermit, Permit, ReleasedTooOften, Semaphore,
};
