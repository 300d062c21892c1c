//! A flag that tasks wait for.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::runtime::{Resource, WaitQueue, Waiter};
use crate::sync::atomic::{AtomicUsize, Ordering};
use crate::sync::{Mutant, broken, const_fn, ordered};

/// The event is set.
const SET: usize = 1;
/// Somebody waits, or holds the lock of the queue: the event is set under that lock only.
const QUEUED: usize = 2;

/// A flag that tasks wait for: `asyncio.Event`.
///
/// Everybody who waits when the event is set goes on, in the order in which they came, even if it
/// is cleared at once. What was done before [`set`](Event::set) is visible to those who see that
/// the event is set.
///
/// ```
/// # asyncio::run(async {
/// use std::sync::Arc;
///
/// let ready = Arc::new(asyncio::Event::new());
/// let waiter = asyncio::create_task({
///     let ready = Arc::clone(&ready);
///     async move { ready.wait().await }
/// });
/// ready.set();
/// waiter.await.unwrap();
/// # });
/// ```
pub struct Event {
    queue: WaitQueue<Notice>,
}

/// The event, as the queue sees it.
struct Notice {
    /// Whether the event was set when the lock was taken, or has been set under it.
    set: bool,
}

impl Resource<1> for Notice {
    type Shared = AtomicUsize;

    // Who is let through takes nothing from anybody.
    const TURNS: bool = false;

    fn reserve(&mut self, _line: usize, _units: usize) -> Option<usize> {
        self.set.then_some(0)
    }

    fn restore(&mut self, _line: usize, _units: usize, _answer: usize) {}

    fn begin(&mut self, word: &AtomicUsize) {
        // Acquire: pairs with the Release in `set`, as in `is_set`. If the event is set later, who
        // sets it finds QUEUED and comes for this lock.
        self.set = word.fetch_or(QUEUED, Ordering::Acquire) & SET != 0;
    }

    fn end(&mut self, word: &AtomicUsize, waiting: [usize; 1]) {
        if waiting == [0] {
            // Relaxed: the bit publishes nothing, and a read-modify-write keeps what `set` has
            // published.
            word.fetch_and(!QUEUED, Ordering::Relaxed);
        }
    }
}

impl Event {
    const_fn! {
        /// Makes an event that is not set.
        #[must_use]
        pub fn new() -> Event {
            Event { queue: WaitQueue::new(AtomicUsize::new(0), Notice { set: false }) }
        }
    }

    /// Sets the event, and lets all who wait go on.
    ///
    /// One read-modify-write if nobody waits. Setting an event that is set changes nothing, but
    /// publishes what was done before.
    #[inline]
    pub fn set(&self) {
        let word = self.queue.shared();
        // Relaxed: the exchange orders.
        let mut now = word.load(Ordering::Relaxed);
        while now & QUEUED == 0 || broken(Mutant::SetBesideQueue) {
            // Release: pairs with the Acquire in `is_set`, `clear` and `begin`.
            let release = ordered(Ordering::Release, Mutant::SetRelaxed);
            match word.compare_exchange_weak(now, now | SET, release, Ordering::Relaxed) {
                Ok(_) => return,
                Err(other) => now = other,
            }
        }
        self.set_queued();
    }

    /// Sets the event under the lock, so that nobody begins to wait between the two steps: a
    /// waiter that came after a `clear` would be let through by the `set` before it.
    #[cold]
    fn set_queued(&self) {
        let mut locked = self.queue.lock();
        // Release: as in `set`.
        self.queue.shared().fetch_or(SET, Ordering::Release);
        locked.set = !broken(Mutant::ServeIfStillSet) || self.is_set();
        locked.serve(0);
    }

    /// Takes the event back: from now on [`wait`](Event::wait) waits.
    ///
    /// Who calls this sees what was done before the calls of [`set`](Event::set) that it takes
    /// back. So work that is announced by `set` is not missed by one who clears the event first
    /// and looks for work then.
    #[inline]
    pub fn clear(&self) {
        // Acquire: pairs with the Release in `set`. Release: who sees that the event is not set
        // sees what was done before it was cleared.
        self.queue.shared().fetch_and(!SET, Ordering::AcqRel);
    }

    /// Whether the event is set.
    #[inline]
    #[must_use]
    pub fn is_set(&self) -> bool {
        // Acquire: pairs with the Release in `set` and `clear`.
        self.queue.shared().load(Ordering::Acquire) & SET != 0
    }

    /// Waits until the event is set. Does not yield if it is set already.
    ///
    /// Unlike asyncio's, it returns nothing: asyncio returns `True`, always.
    ///
    /// # Cancellation
    /// May be cancelled or dropped at any time: the event and the other waiters do not notice.
    #[inline]
    pub fn wait(&self) -> WaitEvent<'_> {
        WaitEvent {
            event: self,
            waits: false,
            waiter: self.queue.wait(0, 1),
        }
    }
}

impl Default for Event {
    fn default() -> Event {
        Event::new()
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event")
            .field("set", &self.is_set())
            .finish()
    }
}

pin_project! {
    /// Waits for an event: made by [`Event::wait`].
    #[must_use = "futures do nothing unless they are awaited"]
    pub struct WaitEvent<'a> {
        event: &'a Event,
        // The waiter has been polled: what it has been granted counts, and not what is now.
        waits: bool,
        #[pin]
        waiter: Waiter<'a, Notice>,
    }
}

impl Future for WaitEvent<'_> {
    type Output = ();

    #[inline]
    fn poll(self: Pin<&mut Self>, with: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        if !*this.waits && this.event.is_set() {
            return Poll::Ready(());
        }
        *this.waits = true;
        let polled = this.waiter.poll(with);
        *this.waits = polled.is_pending();
        polled.map(drop)
    }
}

impl fmt::Debug for WaitEvent<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WaitEvent").finish_non_exhaustive()
    }
}
