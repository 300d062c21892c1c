//! Who serves in the place of workers that are inside `blocking`.
//!
//! A worker that goes into `blocking` leaves the crew, as one that stops does: what it has is everybody's.
//! A *stand-in* comes in its place, a worker on a seat of its own; when the other is back, one stand-in
//! is dismissed. There are seats for so many as the pool for blocking functions may have threads.
//!
//! ```text
//!              start                 dismiss              arrives, having left the crew
//!   UNUSED ─────────────▶ SERVING ─────────────▶ LEAVING ───────────────────▶ RESTING
//!     ▲                     │ ▲ ▲                   │                          │  │
//!     │            go away  │ │ └──── recall ───────┘                          │  │
//!     │   (into `blocking`) ▼ │ come back                                      │  │
//!     │                    AWAY          ▲                                     │  │
//!     │                                  └──────────── recall ─────────────────┘  │
//!     └────────────────── the keep-alive is over, or the loop stops ──────────────┘
//! ```
//!
//! Every arrow is taken under one lock, by whoever causes it, for the other thread too. So a thread that
//! was dismissed asks, when it has left the crew, whether it has been recalled meanwhile; and one that
//! rests asks again under the lock before it goes. The word of a recall is the parker's token.
//!
//! **The count.** Each worker that is away has somebody in its place, or counts as *missing*, because
//! there was no seat or no thread. Who comes back fills a gap if there is one, and else one stand-in is
//! too many: itself, if it is one. So there are `away - missing` that serve, and an original worker that
//! comes back while nobody is missing finds one to dismiss.

use std::ops::Range;

use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::{Mutant, Mutex, broken};

/// The stand-ins of a loop, by the numbers of their seats.
#[derive(Debug)]
pub(crate) struct StandIns {
    state: Mutex<State>,
    first: usize,
    /// Written under the lock; a thread looks at its own between turns.
    dismissed: Box<[AtomicBool]>,
}

#[derive(Debug)]
struct State {
    /// Seats without a thread.
    unused: Vec<usize>,
    serving: Vec<usize>,
    leaving: Vec<usize>,
    resting: Vec<usize>,
    missing: usize,
}

/// How a worker has gone away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "who has gone away comes back"]
pub(crate) enum Absence {
    /// It is replaced, or missing.
    Counted,
    /// It is a stand-in that is one too many.
    Dismissed,
}

/// What the caller is to do for a worker that has gone away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Replacement {
    /// Wake the thread that rests on this seat.
    Recall(usize),
    /// Start a thread for this seat.
    Start(usize),
    Nobody,
}

impl StandIns {
    /// With these seats, and no thread yet.
    pub(crate) fn new(remotes: Range<usize>) -> StandIns {
        StandIns {
            first: remotes.start,
            dismissed: remotes.clone().map(|_| AtomicBool::new(false)).collect(),
            state: Mutex::new(State {
                unused: remotes.rev().collect(),
                serving: Vec::new(),
                leaving: Vec::new(),
                resting: Vec::new(),
                missing: 0,
            }),
        }
    }

    /// The worker on `remote` goes away.
    pub(crate) fn go_away(&self, remote: usize) -> (Absence, Replacement) {
        let mut state = self.state.lock();
        if remove(&mut state.leaving, remote) {
            return (Absence::Dismissed, Replacement::Nobody);
        }
        remove(&mut state.serving, remote);
        // One that leaves comes last: it may be inside a long poll.
        let replacement = if let Some(next) = state.resting.pop() {
            Replacement::Recall(next)
        } else if let Some(next) = state.unused.pop() {
            Replacement::Start(next)
        } else if let Some(next) = state.leaving.pop() {
            Replacement::Recall(next)
        } else {
            Replacement::Nobody
        };
        match replacement {
            Replacement::Recall(next) | Replacement::Start(next) => {
                self.set_dismissed(next, false);
                state.serving.push(next);
            }
            Replacement::Nobody => state.missing += 1,
        }
        (Absence::Counted, replacement)
    }

    /// No thread could be started for `remote`. Whoever came back meanwhile may have dismissed it: then
    /// it is missed by nobody.
    pub(crate) fn fail(&self, remote: usize) {
        let mut state = self.state.lock();
        if remove(&mut state.serving, remote) {
            state.missing += 1;
        } else {
            remove(&mut state.leaving, remote);
        }
        state.unused.push(remote);
    }

    /// The worker on `remote` is back. Returns the stand-in that is too many now, to be woken.
    #[must_use]
    pub(crate) fn come_back(&self, remote: usize, absence: Absence) -> Option<usize> {
        let mut state = self.state.lock();
        if absence == Absence::Dismissed {
            state.leaving.push(remote);
            return None;
        }
        let is_stand_in = remote >= self.first;
        if state.missing > 0 {
            state.missing -= 1;
            state.serving.extend(is_stand_in.then_some(remote));
            return None;
        }
        let goes = if is_stand_in {
            remote
        } else {
            state.serving.pop()?
        };
        self.set_dismissed(goes, true);
        state.leaving.push(goes);
        (goes != remote).then_some(goes)
    }

    /// Whether the stand-in on `remote` is to leave the crew.
    pub(crate) fn is_dismissed(&self, remote: usize) -> bool {
        // Acquire: pairs with `set_dismissed`, beside the parker's exchange that wakes a sleeper for it.
        self.dismissed[remote - self.first].load(Ordering::Acquire)
    }

    /// The stand-in on `remote` has left the crew. False if it has been recalled.
    #[must_use]
    pub(crate) fn begin_rest(&self, remote: usize) -> bool {
        let mut state = self.state.lock();
        let leaves = remove(&mut state.leaving, remote);
        if leaves || broken(Mutant::RestUnasked) {
            state.resting.push(remote);
        }
        leaves || broken(Mutant::RestUnasked)
    }

    /// Whether the stand-in on `remote` still rests. Otherwise it has been recalled.
    #[must_use]
    pub(crate) fn rests(&self, remote: usize) -> bool {
        self.state.lock().resting.contains(&remote)
    }

    /// The thread on `remote` ends. False if it has been recalled.
    #[must_use]
    pub(crate) fn end(&self, remote: usize) -> bool {
        let mut state = self.state.lock();
        let rests = remove(&mut state.resting, remote);
        if rests {
            state.unused.push(remote);
        }
        rests
    }

    fn set_dismissed(&self, remote: usize, dismissed: bool) {
        self.dismissed[remote - self.first].store(dismissed, Ordering::Release);
    }
}

fn remove(remotes: &mut Vec<usize>, remote: usize) -> bool {
    let index = remotes.iter().position(|other| *other == remote);
    index.map(|index| remotes.swap_remove(index)).is_some()
}

#[cfg(all(test, not(asyncio_loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_thread_that_does_not_start_is_missed_by_nobody_if_it_was_dismissed_before() {
        let stand_ins = StandIns::new(2..4);
        let (first, _) = stand_ins.go_away(0);
        let (second, start) = stand_ins.go_away(1);
        let Replacement::Start(remote) = start else {
            panic!("{start:?}")
        };
        assert_eq!(stand_ins.come_back(0, first), Some(remote));
        stand_ins.fail(remote);
        let dismissed = stand_ins.come_back(1, second);
        assert!(
            dismissed.is_some_and(|other| other != remote),
            "{stand_ins:?}"
        );
        let state = stand_ins.state.lock();
        assert_eq!((state.missing, state.leaving.len()), (0, 1), "{state:?}");
    }
}
