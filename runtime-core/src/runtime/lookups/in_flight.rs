//! The look-ups that are under way, each shared by all who ask the same.
//!
//! ```text
//!        join: not there          begin: somebody waits          end
//!   (none) ───────────▶ Queued ─────────────────────▶ Running ─────────▶ Answered
//!                         │                                               not in the table
//!                         └── begin: nobody waits ──▶ removed
//! ```
//!
//! The table is locked before a look-up in it. A thread decides under both locks whether anybody
//! waits, and removes the look-up from the table if not; who asks later finds none, and begins
//! another. So nobody waits for a look-up that is not made. An answer is stored after the look-up
//! has left the table: it is for those who asked before it came.

use std::collections::{BTreeMap, HashMap};
use std::future::Future;
use std::io;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use super::question::Question;
use crate::runtime::blocking::{Function, Job};
use crate::sync::{Mutex, StdArc};

/// The look-ups of one kind that are under way.
pub(crate) struct InFlight<Q: Question> {
    lookups: Mutex<HashMap<Q, StdArc<Lookup<Q>>>>,
}

/// One look-up.
pub(crate) struct Lookup<Q: Question> {
    question: Q,
    table: StdArc<InFlight<Q>>,
    state: Mutex<State<Q::Answer>>,
    location: &'static Location<'static>,
}

struct State<A> {
    outcome: Option<Result<A, Failure>>,
    /// How many wait, with or without a waker.
    waiting: usize,
    /// The key of the next waiter.
    next: u64,
    /// In the order in which they came.
    wakers: BTreeMap<u64, Waker>,
}

/// An error that can be given to many.
#[derive(Clone, Debug)]
struct Failure {
    kind: io::ErrorKind,
    text: StdArc<str>,
}

/// Waits for the answer of a look-up. Dropping it ends the waiting, not the look-up.
pub(crate) struct Waiter<Q: Question> {
    lookup: StdArc<Lookup<Q>>,
    key: u64,
}

impl<Q: Question> InFlight<Q> {
    pub(crate) fn new() -> StdArc<InFlight<Q>> {
        StdArc::new(InFlight {
            lookups: Mutex::default(),
        })
    }

    /// Waits for the look-up of `question` that is under way. If there is none, begins one, whose
    /// job the caller must submit or refuse.
    pub(crate) fn join(
        self: &StdArc<Self>,
        question: Q,
        location: &'static Location<'static>,
    ) -> (Waiter<Q>, Option<Job>) {
        let mut lookups = self.lookups.lock();
        if let Some(lookup) = lookups.get(&question) {
            return (Waiter::of(lookup), None);
        }
        let lookup = StdArc::new(Lookup {
            question: question.clone(),
            table: StdArc::clone(self),
            state: Mutex::new(State {
                outcome: None,
                waiting: 0,
                next: 0,
                wakers: BTreeMap::new(),
            }),
            location,
        });
        lookups.insert(question, StdArc::clone(&lookup));
        let waiter = Waiter::of(&lookup);
        drop(lookups);
        (waiter, Some(Job::new(lookup)))
    }

    /// Whether no look-up is under way.
    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        self.lookups.lock().is_empty()
    }
}

impl<Q: Question> Lookup<Q> {
    /// Whether anybody waits. If not, nobody will: the look-up leaves the table.
    fn begin(&self) -> bool {
        let mut lookups = self.table.lookups.lock();
        let wanted = self.state.lock().waiting > 0;
        let removed = (!wanted).then(|| lookups.remove(&self.question));
        drop(lookups);
        drop(removed);
        wanted
    }

    fn end(&self, outcome: Result<Q::Answer, Failure>) {
        let removed = self.table.lookups.lock().remove(&self.question);
        let wakers = {
            let mut state = self.state.lock();
            state.outcome = Some(outcome);
            std::mem::take(&mut state.wakers)
        };
        drop(removed);
        wakers.into_values().for_each(Waker::wake);
    }
}

impl<Q: Question> Function for Lookup<Q> {
    fn call(&self) {
        if !self.begin() {
            return;
        }
        let asked = catch_unwind(AssertUnwindSafe(|| self.question.ask()));
        self.end(match asked {
            Ok(outcome) => outcome.map_err(|error| Failure::of(&error)),
            Err(_panic) => Err(Failure::other("the look-up panicked")),
        });
    }

    fn refuse(&self, why: String) {
        self.end(Err(Failure::other(&why)));
    }

    fn location(&self) -> &'static Location<'static> {
        self.location
    }
}

impl Failure {
    fn of(error: &io::Error) -> Failure {
        Failure {
            kind: error.kind(),
            text: error.to_string().into(),
        }
    }

    fn other(text: &str) -> Failure {
        Failure {
            kind: io::ErrorKind::Other,
            text: text.into(),
        }
    }
}

impl<Q: Question> Waiter<Q> {
    fn of(lookup: &StdArc<Lookup<Q>>) -> Waiter<Q> {
        let mut state = lookup.state.lock();
        state.waiting += 1;
        state.next += 1;
        Waiter {
            lookup: StdArc::clone(lookup),
            key: state.next,
        }
    }
}

impl<Q: Question> Future for Waiter<Q> {
    type Output = io::Result<Q::Answer>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<Q::Answer>> {
        // Cloned before the lock is taken, and the old one dropped after it is released: both may
        // run foreign code.
        let new = cx.waker().clone();
        let _old;
        let mut state = self.lookup.state.lock();
        match state.outcome.clone() {
            None => {
                _old = state.wakers.insert(self.key, new);
                drop(state);
                Poll::Pending
            }
            Some(outcome) => {
                drop(state);
                Poll::Ready(outcome.map_err(|failure| io::Error::new(failure.kind, &*failure.text)))
            }
        }
    }
}

impl<Q: Question> Drop for Waiter<Q> {
    fn drop(&mut self) {
        let waker = {
            let mut state = self.lookup.state.lock();
            state.waiting -= 1;
            state.wakers.remove(&self.key)
        };
        drop(waker);
    }
}
