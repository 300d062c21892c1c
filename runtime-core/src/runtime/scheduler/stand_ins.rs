//! Stand-ins: replace workers that are inside `blocking`.
//!
//! A worker that goes into `blocking` leaves the worker set, like one that stops: its queue moves
//! to the injector. A *stand-in* takes its place, a worker with a remote of its own. When the first
//! worker comes back, one stand-in is dismissed. There are as many remotes for stand-ins as the
//! pool for blocking functions may have threads.
//!
//! ```text
//!              start                 dismiss              has left the worker set
//!   UNUSED ─────────────▶ SERVING ─────────────▶ LEAVING ───────────────────▶ RESTING
//!     ▲                     │ ▲ ▲                   │                          │  │
//!     │            go away  │ │ └──── recall ───────┘                          │  │
//!     │   (into `blocking`) ▼ │ come back                                      │  │
//!     │                    AWAY          ▲                                     │  │
//!     │                                  └──────────── recall ─────────────────┘  │
//!     └────────────────── the keep-alive is over, or the loop stops ──────────────┘
//! ```
//!
//! Every transition is made under one lock, by the thread that causes it, also on behalf of the
//! other thread. So a thread that was dismissed asks, after it has left the worker set, whether it
//! has been recalled meanwhile; and a thread that rests asks again under the lock before it ends. A
//! recall is signalled by the parker's token.
//!
//! **The count.** Each worker that is away has a stand-in in its place, or counts as *missing*,
//! because there was no remote or no thread for one. A worker that comes back fills the gap if one
//! is missing. Otherwise one stand-in is too many: the worker itself, if it is a stand-in. So the
//! number of serving stand-ins is `away - missing`, and an original worker that comes back while
//! none is missing finds one to dismiss.

use std::ops::Range;

use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::{Mutant, Mutex, broken};

/// The stand-ins of a loop, named by the indices of their remotes.
#[derive(Debug)]
pub(crate) struct StandIns {
    state: Mutex<State>,
    first: usize,
    /// Written under the lock. A thread reads its own flag between turns.
    dismissed: Box<[AtomicBool]>,
}

#[derive(Debug)]
struct State {
    /// Remotes without a thread.
    unused: Vec<usize>,
    /// Stand-ins that run tasks, or will as soon as their thread has started.
    serving: Vec<usize>,
    /// Stand-ins that have been dismissed, and have not left the worker set yet.
    leaving: Vec<usize>,
    /// Stand-ins that have left the worker set, and whose threads wait to be recalled.
    resting: Vec<usize>,
    /// How many workers are away without a stand-in in their place.
    missing: usize,
}

/// How a worker has gone away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a worker that has gone away comes back"]
pub(crate) enum Absence {
    /// It is replaced, or counted as missing.
    Counted,
    /// It is a dismissed stand-in, and needs no replacement.
    Dismissed,
}

/// What the caller must do for a worker that has gone away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Replacement {
    /// Wake the thread that rests on this remote.
    Recall(usize),
    /// Start a thread for this remote.
    Start(usize),
    /// Nothing: no replacement is needed, or none is to be had.
    None,
}

impl StandIns {
    /// The stand-ins with these remotes, without any thread yet.
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
            return (Absence::Dismissed, Replacement::None);
        }
        remove(&mut state.serving, remote);
        // A thread that is leaving is the last choice: it may be inside a long poll.
        let replacement = if let Some(next) = state.resting.pop() {
            Replacement::Recall(next)
        } else if let Some(next) = state.unused.pop() {
            Replacement::Start(next)
        } else if let Some(next) = state.leaving.pop() {
            Replacement::Recall(next)
        } else {
            Replacement::None
        };
        match replacement {
            Replacement::Recall(next) | Replacement::Start(next) => {
                self.set_dismissed(next, false);
                state.serving.push(next);
            }
            Replacement::None => state.missing += 1,
        }
        (Absence::Counted, replacement)
    }

    /// Notes that no thread could be started for `remote`. A worker that came back meanwhile may
    /// have dismissed that stand-in: then none is missing.
    pub(crate) fn fail(&self, remote: usize) {
        let mut state = self.state.lock();
        if remove(&mut state.serving, remote) {
            state.missing += 1;
        } else {
            remove(&mut state.leaving, remote);
        }
        state.unused.push(remote);
    }

    /// The worker on `remote` is back. Returns the stand-in that is dismissed for it, to be woken.
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

    /// Whether the stand-in on `remote` must leave the worker set.
    pub(crate) fn is_dismissed(&self, remote: usize) -> bool {
        // Acquire: pairs with `set_dismissed`, in addition to the parker's exchange that wakes a
        // sleeping stand-in for it.
        self.dismissed[remote - self.first].load(Ordering::Acquire)
    }

    /// The stand-in on `remote` has left the worker set, and rests from now on. False if it has
    /// been recalled.
    #[must_use]
    pub(crate) fn begin_rest(&self, remote: usize) -> bool {
        let mut state = self.state.lock();
        let leaves = remove(&mut state.leaving, remote);
        if leaves || broken(Mutant::RestUnasked) {
            state.resting.push(remote);
        }
        leaves || broken(Mutant::RestUnasked)
    }

    /// Whether the stand-in on `remote` still rests. If not, it has been recalled.
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
    fn a_thread_that_does_not_start_leaves_none_missing_if_it_was_dismissed_before() {
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
