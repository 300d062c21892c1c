//! Waiting, with a lock released meanwhile, until somebody tells that the locked value has
//! changed.

use std::fmt;
use std::future::poll_fn;
use std::ops::DerefMut;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use super::lock::{Lock, LockGuard, OwnedLockGuard};
use crate::runtime::{Acquire, Resource, WaitQueue, Waiter};
use crate::sync::{Mutant, StdArc, broken, const_fn};

/// Waits for a notification, with a [`Lock`] released meanwhile: `asyncio.Condition`.
///
/// Unlike asyncio's, it does not contain a lock: [`wait`](Condition::wait) takes a guard and gives
/// one back. So several conditions can be used with one lock. [`notify`](Condition::notify) does
/// not need the lock; whoever notifies after it has released the lock spares the waiters a wait.
///
/// ```
/// # asyncio::run(async {
/// use std::sync::Arc;
/// use asyncio::{Condition, Lock};
///
/// let items = Arc::new((Lock::new(Vec::new()), Condition::new()));
/// let consumer = asyncio::create_task({
///     let items = Arc::clone(&items);
///     async move {
///         let (items, added) = &*items;
///         let guard = items.acquire().await;
///         let mut guard = added.wait_for(guard, |items| !items.is_empty()).await;
///         guard.pop()
///     }
/// });
/// items.0.acquire().await.push(1);
/// items.1.notify(1);
/// assert_eq!(consumer.await.unwrap(), Some(1));
/// # });
/// ```
pub struct Condition {
    queue: WaitQueue<Notifications>,
}

/// The notifications that are being given to waiters. There are none when the lock is released.
struct Notifications(usize);

impl Resource<1> for Notifications {
    type Shared = ();

    // Nobody who comes later gets them.
    const LASTS: bool = false;

    fn arrive(&mut self, _line: usize, _units: usize, _before: usize) -> Option<usize> {
        None
    }

    fn reserve(&mut self, _line: usize, _units: usize) -> Option<usize> {
        self.0 = self.0.checked_sub(1)?;
        Some(0)
    }

    fn restore(&mut self, _line: usize, _units: usize, _answer: usize) {
        self.0 = self.0.saturating_add(1);
    }

    fn at_release(&mut self) {
        self.0 = 0;
    }
}

impl Condition {
    const_fn! {
        /// Makes a condition.
        #[must_use]
        pub fn new() -> Condition {
            Condition { queue: WaitQueue::new((), Notifications(0)) }
        }
    }

    /// Releases the lock, waits for a notification, and acquires the lock again.
    ///
    /// The wait begins before the lock is released, so that no notification is missed that comes
    /// after. Waiters are notified in the order in which they came.
    ///
    /// The condition that the waiter waits for need not hold afterwards: somebody else may have
    /// had the lock first. [`wait_for`](Condition::wait_for) checks it.
    ///
    /// # Cancellation
    /// A wait that is cancelled or dropped leaves the lock released. (asyncio's acquires it again
    /// before it raises `CancelledError`.) If it had been notified, also if it was about to
    /// acquire the lock, the next waiter is notified in its place.
    pub async fn wait<G: HeldLock>(&self, guard: G) -> G {
        let mut waiter = pin!(self.queue.wait(0, 1));
        // Enters the line: nobody is notified before.
        poll_fn(|with| Poll::Ready(waiter.as_mut().hold(with).is_ready())).await;
        let released = guard.release();
        {
            let mut acquire = pin!(None);
            let try_again = || G::acquire(&released);
            poll_fn(|with| poll_wait(waiter.as_mut(), acquire.as_mut(), try_again, with)).await;
        }
        G::held(released)
    }

    /// Waits until `condition` holds for the locked value. It is checked at once, and after each
    /// notification.
    ///
    /// # Cancellation
    /// As for [`wait`](Condition::wait).
    ///
    /// # Panics
    /// A panic of `condition` is passed on, and releases the lock.
    pub async fn wait_for<G: HeldLock>(
        &self,
        mut guard: G,
        mut condition: impl FnMut(&mut G::Target) -> bool,
    ) -> G {
        while !condition(&mut guard) {
            guard = self.wait(guard).await;
        }
        guard
    }

    /// Notifies the `n` tasks that have waited longest. If fewer wait, the rest of the
    /// notifications is not kept.
    ///
    /// Unlike in asyncio, the lock need not be held.
    pub fn notify(&self, n: usize) {
        let mut locked = self.queue.lock();
        locked.0 = n;
        locked.serve(0);
    }

    /// Notifies all tasks that wait.
    pub fn notify_all(&self) {
        self.notify(usize::MAX);
    }
}

/// One poll of a wait whose lock is released.
///
/// The notification is taken together with the lock. Until then it is a turn, like that of any
/// other waiter in line: if this future is not polled, the notification goes to the next.
fn poll_wait<'a>(
    mut waiter: Pin<&mut Waiter<'_, Notifications>>,
    mut acquire: Pin<&mut Option<Acquire<'a>>>,
    acquire_again: impl FnOnce() -> Acquire<'a>,
    with: &mut Context<'_>,
) -> Poll<()> {
    if waiter.as_mut().hold(with).is_pending() {
        // Perhaps the notification has gone to the next: then the lock is left to it as well.
        acquire.set(None);
        return Poll::Pending;
    }
    if acquire.is_none() {
        acquire.set(Some(acquire_again()));
    }
    let Some(acquiring) = acquire.as_pin_mut() else {
        unreachable!("it has just been set");
    };
    let acquired = acquiring.poll(with);
    if acquired.is_ready() && !broken(Mutant::KeepNotification) {
        // If the notification has gone to another in this moment, two go on, which is allowed.
        let _taken = waiter.poll(with);
    }
    acquired
}

/// A guard that [`Condition::wait`] takes and gives back: a [`LockGuard`] or an
/// [`OwnedLockGuard`]. Not for other types.
pub trait HeldLock: DerefMut + sealed::Guard {}

impl<T: ?Sized> HeldLock for LockGuard<'_, T> {}
impl<T: ?Sized> HeldLock for OwnedLockGuard<T> {}

mod sealed {
    use crate::runtime::Acquire;

    #[expect(unnameable_types, reason = "nobody outside may implement it")]
    pub trait Guard: Sized {
        /// The lock, not held.
        type Released;
        /// Gives the lock back.
        fn release(self) -> Self::Released;
        /// Acquires the permit of the lock.
        #[expect(private_interfaces, reason = "nobody outside can name this trait")]
        fn acquire(lock: &Self::Released) -> Acquire<'_>;
        /// For the lock's permit, which the caller has acquired.
        fn held(lock: Self::Released) -> Self;
    }
}

impl<'a, T: ?Sized> sealed::Guard for LockGuard<'a, T> {
    type Released = &'a Lock<T>;

    fn release(self) -> &'a Lock<T> {
        LockGuard::lock(&self)
    }

    #[expect(private_interfaces, reason = "nobody outside can name this trait")]
    fn acquire<'b>(lock: &'b &'a Lock<T>) -> Acquire<'b> {
        lock.acquire_permit()
    }

    fn held(lock: &'a Lock<T>) -> LockGuard<'a, T> {
        LockGuard::of(lock)
    }
}

impl<T: ?Sized> sealed::Guard for OwnedLockGuard<T> {
    type Released = StdArc<Lock<T>>;

    fn release(self) -> StdArc<Lock<T>> {
        StdArc::clone(OwnedLockGuard::lock(&self))
    }

    #[expect(private_interfaces, reason = "nobody outside can name this trait")]
    fn acquire(lock: &StdArc<Lock<T>>) -> Acquire<'_> {
        lock.acquire_permit()
    }

    fn held(lock: StdArc<Lock<T>>) -> OwnedLockGuard<T> {
        OwnedLockGuard::of(lock)
    }
}

impl Default for Condition {
    fn default() -> Condition {
        Condition::new()
    }
}

impl fmt::Debug for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Condition").finish_non_exhaustive()
    }
}
