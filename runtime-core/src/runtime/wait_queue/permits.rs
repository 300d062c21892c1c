//! A number of permits, and tasks that wait for some of them.
//!
//! **The word.** As long as nobody waits, the number of free permits stands in one word, and
//! acquiring or releasing is one read-modify-write. The lock of the queue takes the permits out of
//! the word and leaves [`QUEUED`] there; so whoever finds that bit goes through the lock. When the
//! lock is released and nobody waits, the permits go back into the word. While the bit is set, only
//! the holder of the lock writes the word. It stays set while a waiter has a turn: so a turn is
//! passed on without the word, which may have been moved away with the rest of the [`Permits`].

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use super::queue::WaitQueue;
use super::resource::Resource;
use super::waiter::Waiter;
use crate::sync::atomic::{AtomicUsize, Ordering};
use crate::sync::{Mutant, broken, const_fn, ordered};

/// Somebody waits, or holds the lock: the permits are behind the lock.
const QUEUED: usize = 1;
/// One permit, in the word.
const ONE: usize = 2;

/// Permits that are free, and a line for those that want some.
#[derive(Debug)]
pub(crate) struct Permits {
    queue: WaitQueue<Free>,
}

/// The free permits, while they are not in the word.
#[derive(Debug)]
pub(crate) struct Free(usize);

impl Resource<1> for Free {
    type Shared = AtomicUsize;

    fn reserve(&mut self, _line: usize, units: usize) -> Option<usize> {
        self.0 = self.0.checked_sub(units)?;
        Some(0)
    }

    fn restore(&mut self, _line: usize, units: usize, _answer: usize) {
        self.0 += match broken(Mutant::RestoreOne) {
            true => 1,
            false => units,
        };
    }

    fn begin(&mut self, word: &AtomicUsize) {
        // Acquire: pairs with the Release of who put the permits there; what was done under them
        // is passed on with them.
        let acquire = ordered(Ordering::Acquire, Mutant::TakeOutRelaxed);
        let free = word.swap(QUEUED, acquire);
        if free & QUEUED == 0 {
            self.0 = free / ONE;
        }
    }

    fn end(&mut self, word: &AtomicUsize, waiting: [usize; 1]) {
        if waiting == [0] {
            // Release: pairs with the Acquire in `try_take`. A store suffices, because nobody else
            // writes the word while QUEUED is set.
            let release = ordered(Ordering::Release, Mutant::PutBackRelaxed);
            word.store(self.0 * ONE, release);
        }
    }
}

impl Permits {
    /// The most permits that there can be.
    pub(crate) const MAX: usize = usize::MAX / ONE / 2;

    const_fn! {
        /// `free` must not be greater than [`MAX`](Permits::MAX).
        pub(crate) fn new(free: usize) -> Permits {
            Permits {
                queue: WaitQueue::new(AtomicUsize::new(free * ONE), Free(0)),
            }
        }
    }

    /// Takes permits if they are free and nobody waits for them. One read-modify-write if nobody
    /// waits.
    #[inline]
    pub(crate) fn try_acquire(&self, units: usize) -> bool {
        match self.try_take(units) {
            Take::Taken => true,
            Take::TooFew => false,
            Take::Queued => self.try_acquire_queued(units),
        }
    }

    #[cold]
    fn try_acquire_queued(&self, units: usize) -> bool {
        let mut locked = self.queue.lock();
        locked.waiting(0) == 0 && locked.reserve(0, units).is_some()
    }

    /// Waits for permits. They are the caller's when the future ends.
    pub(crate) fn acquire(&self, units: usize) -> Acquire<'_> {
        Acquire {
            permits: self,
            units,
            wait: self.queue.wait(0, units),
            queued: false,
        }
    }

    /// Gives permits back, or adds new ones. Returns false, and does nothing, if there would be
    /// more than `most` then that nobody has taken. (`most` is not greater than
    /// [`MAX`](Permits::MAX).)
    #[inline]
    pub(crate) fn release(&self, units: usize, most: usize) -> bool {
        let word = self.queue.shared();
        // Relaxed: the exchange orders.
        let mut free = word.load(Ordering::Relaxed);
        while free & QUEUED == 0 {
            let Some(after) = sum_up_to(most, [free / ONE, 0, units]) else {
                return false;
            };
            // Release: pairs with the Acquire in `try_take` and `begin`.
            let release = ordered(Ordering::Release, Mutant::ReleasePermitsRelaxed);
            if broken(Mutant::ReleaseInTwoSteps) {
                word.store(after * ONE, release);
                return true;
            }
            match word.compare_exchange_weak(free, after * ONE, release, Ordering::Relaxed) {
                Ok(_) => return true,
                Err(now) => free = now,
            }
        }
        self.release_queued(units, most)
    }

    #[cold]
    fn release_queued(&self, units: usize, most: usize) -> bool {
        let mut locked = self.queue.lock();
        let fits = sum_up_to(most, [locked.0, locked.reserved(0), units]).is_some();
        if fits {
            locked.0 += units;
            locked.serve(0);
        }
        fits
    }

    #[inline]
    fn try_take(&self, units: usize) -> Take {
        let word = self.queue.shared();
        // Relaxed: the exchange orders.
        let mut free = word.load(Ordering::Relaxed);
        while free & QUEUED == 0 {
            let Some(after) = (free / ONE).checked_sub(units) else {
                return Take::TooFew;
            };
            // Acquire: pairs with the Release in `release` and `end`: who gets permits sees what
            // was done under them.
            match word.compare_exchange_weak(
                free,
                after * ONE,
                Ordering::Acquire,
                Ordering::Relaxed,
            ) {
                Ok(_) => return Take::Taken,
                Err(now) => free = now,
            }
        }
        Take::Queued
    }

    /// How many permits are free, how many are reserved for waiters that have been woken, and how
    /// many tasks wait.
    pub(crate) fn look(&self) -> Look {
        let locked = self.queue.lock();
        Look {
            free: locked.0,
            reserved: locked.reserved(0),
            waiting: locked.waiting(0),
        }
    }
}

/// The sum, if it is not greater than `most`.
fn sum_up_to(most: usize, numbers: [usize; 3]) -> Option<usize> {
    let add = |sum: usize, number| sum.checked_add(number);
    let sum = numbers.into_iter().try_fold(0, add)?;
    (sum <= most).then_some(sum)
}

/// A moment of [`Permits`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look {
    pub(crate) free: usize,
    pub(crate) reserved: usize,
    pub(crate) waiting: usize,
}

/// What one try to take permits without the lock came to.
enum Take {
    Taken,
    TooFew,
    Queued,
}

pin_project! {
    /// Waits for permits. Dropped, it gives back what it was granted and has not taken.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless they are awaited"]
    pub(crate) struct Acquire<'a> {
        permits: &'a Permits,
        units: usize,
        queued: bool,
        #[pin]
        wait: Waiter<'a, Free>,
    }
}

impl Future for Acquire<'_> {
    type Output = ();

    #[inline]
    fn poll(self: Pin<&mut Self>, with: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        if !*this.queued && matches!(this.permits.try_take(*this.units), Take::Taken) {
            return Poll::Ready(());
        }
        *this.queued = true;
        let mut locked = this.permits.queue.lock();
        let polled = this.wait.poll_under(&mut locked, with);
        *this.queued = polled.is_pending();
        polled.map(drop)
    }
}
