//! A meeting point of a fixed number of tasks.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::runtime::{Locked, Resource, WaitQueue, Waiter};
use crate::sync::{Mutant, broken, const_fn};

/// A point at which a fixed number of tasks wait for each other: `asyncio.Barrier`.
///
/// When the last of them calls [`wait`](Barrier::wait), all go on, each with a number of its own,
/// and the barrier can be used again. If more tasks come, each group of that size goes on by
/// itself.
///
/// ```
/// # asyncio::run(async {
/// use std::sync::Arc;
///
/// let barrier = Arc::new(asyncio::Barrier::new(3));
/// let tasks = [1, 2, 3].map(|_| {
///     let barrier = Arc::clone(&barrier);
///     asyncio::create_task(async move { barrier.wait().await.unwrap() })
/// });
/// let mut places = Vec::new();
/// for task in tasks {
///     places.push(task.await.unwrap());
/// }
/// places.sort();
/// assert_eq!(places, [0, 1, 2]);
/// # });
/// ```
pub struct Barrier {
    parties: usize,
    queue: WaitQueue<Meeting>,
}

/// What the waiters of a barrier are told: the place of each among those that meet, [`BROKEN`] or
/// [`SENT_AWAY`].
struct Meeting {
    parties: usize,
    broken: bool,
    /// Whom to let go, while the lock is held.
    release: Release,
}

#[derive(Clone, Copy)]
enum Release {
    Nobody,
    /// Those of a complete group: the places from the first to before the second number.
    Group(usize, usize),
    /// Everybody, because the barrier is aborted or reset.
    SentAway,
}

/// The answer to a task that comes to a broken barrier.
const BROKEN: usize = usize::MAX;
/// The answer to a waiter whose barrier was aborted or reset.
const SENT_AWAY: usize = usize::MAX - 1;

impl Resource<1> for Meeting {
    type Shared = ();

    // Nobody goes without the others, so there is nothing that could be passed on.
    const TURNS: bool = false;

    fn arrive(&mut self, _line: usize, _units: usize, before: usize) -> Option<usize> {
        if self.broken {
            return Some(BROKEN);
        }
        let is_last = before + 1 == self.parties;
        is_last.then(|| {
            self.release = Release::Group(0, before);
            before
        })
    }

    fn reserve(&mut self, _line: usize, _units: usize) -> Option<usize> {
        match self.release {
            Release::Group(place, end) if place < end => {
                self.release = Release::Group(place + 1, end);
                Some(place)
            }
            Release::SentAway => Some(SENT_AWAY),
            Release::Nobody | Release::Group(..) => None,
        }
    }

    fn restore(&mut self, _line: usize, _units: usize, _answer: usize) {}

    fn at_release(&mut self) {
        self.release = match self.release {
            Release::Group(_, end) if broken(Mutant::GroupStays) => Release::Group(0, end),
            Release::SentAway if broken(Mutant::SendAwayLater) => Release::SentAway,
            _ => Release::Nobody,
        };
    }
}

impl Barrier {
    const_fn! {
        /// Makes a barrier for `parties` tasks.
        ///
        /// # Panics
        /// If `parties` is 0. (asyncio raises `ValueError`.)
        #[must_use]
        #[track_caller]
        pub fn new(parties: usize) -> Barrier {
            assert!(parties >= 1, "parties must be >= 1");
            let meeting = Meeting { parties, broken: false, release: Release::Nobody };
            Barrier { parties, queue: WaitQueue::new((), meeting) }
        }
    }

    /// Waits until as many tasks wait as the barrier has parties. Returns the place of this task
    /// among them, by the order in which they came: 0 for the first. The last does not yield.
    ///
    /// Unlike in asyncio, a task that comes before those of the last group have run joins the next
    /// group at once. And the places are given when the group is complete, so each is given once,
    /// even if a waiter was cancelled before.
    ///
    /// # Errors
    /// [`BrokenBarrierError`] if the barrier is broken, or is aborted or reset meanwhile.
    ///
    /// # Cancellation
    /// A wait that is cancelled or dropped no longer counts. The barrier is not broken. (Python's
    /// `threading.Barrier` differs.) Those whose group is complete go on without it.
    pub fn wait(&self) -> WaitBarrier<'_> {
        WaitBarrier {
            waiter: self.queue.wait(0, 1),
        }
    }

    /// Sends those who wait away with an error, and makes the barrier usable, if it was broken.
    ///
    /// As in asyncio, those who came while tasks of the last group had not run yet are not sent
    /// away: they wait for the next group.
    pub fn reset(&self) {
        let mut locked = self.queue.lock();
        locked.broken = false;
        if locked.reserved(0) == 0 {
            send_away(&mut locked);
        }
    }

    /// Breaks the barrier: those who wait, and all who come later, get an error, until it is
    /// [`reset`](Barrier::reset).
    ///
    /// A group that is complete is not affected.
    pub fn abort(&self) {
        let mut locked = self.queue.lock();
        if broken(Mutant::BreakInTwoSteps) {
            send_away(&mut locked);
            drop(locked);
            self.queue.lock().broken = true;
            return;
        }
        locked.broken = true;
        if !broken(Mutant::AbortSilently) {
            send_away(&mut locked);
        }
    }

    /// How many tasks meet.
    #[must_use]
    pub fn parties(&self) -> usize {
        self.parties
    }

    /// How many tasks wait for their group to be complete.
    ///
    /// As in asyncio, 0 as long as tasks of the last group have not run yet.
    #[must_use]
    pub fn n_waiting(&self) -> usize {
        let locked = self.queue.lock();
        match locked.reserved(0) {
            0 => locked.waiting(0),
            _ => 0,
        }
    }

    /// Whether the barrier is broken.
    #[must_use]
    pub fn broken(&self) -> bool {
        self.queue.lock().broken
    }
}

fn send_away(locked: &mut Locked<'_, Meeting>) {
    locked.release = Release::SentAway;
    locked.serve(0);
}

impl fmt::Debug for Barrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Barrier")
            .field("parties", &self.parties)
            .field("n_waiting", &self.n_waiting())
            .field("broken", &self.broken())
            .finish()
    }
}

pin_project! {
    /// Waits at a barrier: made by [`Barrier::wait`].
    #[must_use = "futures do nothing unless they are awaited"]
    pub struct WaitBarrier<'a> {
        #[pin]
        waiter: Waiter<'a, Meeting>,
    }
}

impl Future for WaitBarrier<'_> {
    type Output = Result<usize, BrokenBarrierError>;

    fn poll(self: Pin<&mut Self>, with: &mut Context<'_>) -> Poll<Self::Output> {
        self.project().waiter.poll(with).map(|(mut locked, place)| {
            // If this is the last of its group, the others go now.
            if !broken(Mutant::LastGoesAlone) {
                locked.serve(0);
            }
            match place {
                _ if locked.broken && broken(Mutant::BreakComplete) => {
                    Err(BrokenBarrierError { waited: true })
                }
                BROKEN => Err(BrokenBarrierError { waited: false }),
                SENT_AWAY => Err(BrokenBarrierError { waited: true }),
                place => Ok(place),
            }
        })
    }
}

impl fmt::Debug for WaitBarrier<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WaitBarrier").finish_non_exhaustive()
    }
}

/// A [`Barrier`] is broken, or was aborted or reset while a task waited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BrokenBarrierError {
    waited: bool,
}

impl fmt::Display for BrokenBarrierError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.waited {
            true => "Abort or reset of barrier",
            false => "Barrier aborted",
        })
    }
}

impl Error for BrokenBarrierError {}
