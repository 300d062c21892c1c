//! One outcome, on its way from a coroutine to whoever waits for it.
//!
//! ```text
//!              complete(Ok or a panic)                 take
//!   Pending ───────────────────────────▶ Ended ─────────────────▶ Taken
//!      │
//!      └───────────────────────────────▶ Cancelled      (read any number of times)
//!         cancel, complete(cancelled)
//! ```
//!
//! Three may act at the same time: the coroutine completes, a thread's time limit ends its wait, and
//! somebody cancels. **There is one winner**, because every step is taken under one lock, and is decided
//! by the stage that it finds there:
//!
//! 1. `complete` and `cancel` leave `Pending`, once. The loser is told: a value that comes too
//!    late goes back to the coroutine's side, which drops it.
//! 2. `take` leaves `Ended`, once, so no value is seen twice. A wait that gives up is no step at
//!    all: it leaves the value for the next one, and it looks at the stage once more after its
//!    time is over, so a value that was there in time is not lost.
//! 3. Whoever waits is told by the winner, after the lock: sleepers all look again, the task's waker
//!    is woken, callbacks go to the caller, who knows where they run.

use std::fmt;
use std::task::{Poll, Waker};
use std::time::Instant;

use super::unnest::{drop_unnested, unnested};
use crate::exceptions::{CancelledError, InvalidStateError, TaskError};
use crate::sync::{Condvar, Mutant, Mutex, broken};

/// Runs once the outcome is there.
pub(crate) type Callback = Box<dyn FnOnce() + Send>;

pub(crate) struct Handover<T> {
    state: Mutex<State<T>>,
    ended: Condvar,
}

struct State<T> {
    stage: HandoverState<T>,
    waker: Option<Waker>,
    callbacks: Vec<Callback>,
}

enum HandoverState<T> {
    Pending,
    /// Boxed, so that a big value keeps no room here once it has been taken.
    Ended(Box<Result<T, TaskError>>),
    Cancelled(CancelledError),
    Taken,
}

/// What `complete` came to.
#[must_use]
pub(crate) enum Completion<T> {
    /// The outcome is there; these callbacks are to be run.
    First(Vec<Callback>),
    /// It was cancelled before: the outcome is not wanted.
    TooLate(Result<T, TaskError>),
}

/// What `cancel` came to.
#[must_use]
pub(crate) enum Cancellation {
    /// It is cancelled now; these callbacks are to be run.
    First(Vec<Callback>),
    /// It was cancelled before.
    Already,
    /// There is an outcome, or was.
    TooLate,
}

impl<T> Handover<T> {
    pub(crate) fn new() -> Handover<T> {
        Handover {
            state: Mutex::new(State {
                stage: HandoverState::Pending,
                waker: None,
                callbacks: Vec::new(),
            }),
            ended: Condvar::new(),
        }
    }

    /// Stores the outcome, unless somebody was faster.
    pub(crate) fn complete(&self, outcome: Result<T, TaskError>) -> Completion<T> {
        let mut state = self.state.lock();
        if !matches!(state.stage, HandoverState::Pending) {
            return Completion::TooLate(outcome);
        }
        if broken(Mutant::CompleteUnlocked) {
            drop(state);
            state = self.state.lock();
        }
        state.stage = match outcome {
            Err(TaskError::Cancelled(error)) => HandoverState::Cancelled(error),
            outcome => HandoverState::Ended(Box::new(outcome)),
        };
        let (waker, callbacks) = state.told();
        drop(state);
        self.notify(waker);
        Completion::First(callbacks)
    }

    /// Ends the wait of everybody, unless there is an outcome.
    pub(crate) fn cancel(&self, error: CancelledError) -> Cancellation {
        let mut state = self.state.lock();
        match state.stage {
            HandoverState::Pending => state.stage = HandoverState::Cancelled(error),
            HandoverState::Cancelled(_) => return Cancellation::Already,
            HandoverState::Ended(_) | HandoverState::Taken => return Cancellation::TooLate,
        }
        let (waker, callbacks) = state.told();
        drop(state);
        self.notify(waker);
        Cancellation::First(callbacks)
    }

    fn notify(&self, waker: Option<Waker>) {
        if broken(Mutant::NotifyOneSleeper) {
            self.ended.notify_one();
        } else if !broken(Mutant::NotifyNoSleeper) {
            self.ended.notify_all();
        }
        // A foreign waker may cancel the next future, and wake another in turn.
        waker
            .into_iter()
            .for_each(|waker| unnested(|| waker.wake()));
    }

    /// Takes the outcome, if it is there.
    pub(crate) fn take(&self) -> Option<Result<T, TaskError>> {
        self.state.lock().take()
    }

    /// Blocks this thread until the outcome is there, and takes it. `None` at the deadline.
    pub(crate) fn wait(&self, deadline: Option<Instant>) -> Option<Result<T, TaskError>> {
        let mut state = self.state.lock();
        loop {
            let outcome = state.take();
            if outcome.is_some() {
                return outcome;
            }
            let Some(deadline) = deadline else {
                state = self.ended.wait(state);
                continue;
            };
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return None;
            }
            let over;
            (state, over) = self.ended.wait_timeout(state, left);
            if over {
                // Once more: the outcome may have been there in time.
                return state.take().filter(|_| !broken(Mutant::GiveUpUnseen));
            }
        }
    }

    /// Takes the outcome, or has `waker` woken when it is there.
    pub(crate) fn poll(&self, waker: &Waker) -> Poll<Result<T, TaskError>> {
        // Cloned before the lock, and dropped after it: both may be foreign code.
        let new = waker.clone();
        let _old;
        let mut state = self.state.lock();
        match state.take() {
            Some(outcome) => Poll::Ready(outcome),
            None => {
                _old = state.waker.replace(new);
                Poll::Pending
            }
        }
    }

    /// Has `callback` run once the outcome is there.
    ///
    /// # Errors
    /// Gives it back if that is now.
    pub(crate) fn add_callback(&self, callback: Callback) -> Result<(), Callback> {
        let mut state = self.state.lock();
        if !matches!(state.stage, HandoverState::Pending) {
            return Err(callback);
        }
        if broken(Mutant::AddCallbackUnlocked) {
            drop(state);
            state = self.state.lock();
        }
        state.callbacks.push(callback);
        Ok(())
    }

    /// Whether it has ended, in whichever way.
    pub(crate) fn is_done(&self) -> bool {
        !matches!(self.state.lock().stage, HandoverState::Pending)
    }

    /// Whether it ended cancelled.
    pub(crate) fn is_cancelled(&self) -> bool {
        matches!(self.state.lock().stage, HandoverState::Cancelled(_))
    }
}

impl<T> Drop for Handover<T> {
    fn drop(&mut self) {
        // A foreign waker may own the next future, which has one as well.
        let waker = self.state.lock().waker.take();
        waker.into_iter().for_each(drop_unnested);
    }
}

impl<T> State<T> {
    fn take(&mut self) -> Option<Result<T, TaskError>> {
        match std::mem::replace(&mut self.stage, HandoverState::Taken) {
            HandoverState::Pending => {
                self.stage = HandoverState::Pending;
                None
            }
            HandoverState::Ended(outcome) => Some(*outcome),
            HandoverState::Cancelled(error) => {
                self.stage = HandoverState::Cancelled(error.clone());
                Some(Err(error.into()))
            }
            HandoverState::Taken => Some(Err(InvalidStateError::new(
                "Result has been taken already.",
            )
            .into())),
        }
    }

    /// Who is to be told of the end.
    fn told(&mut self) -> (Option<Waker>, Vec<Callback>) {
        (self.waker.take(), std::mem::take(&mut self.callbacks))
    }
}

impl<T> fmt::Debug for Handover<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.state.lock().stage {
            HandoverState::Pending => "pending",
            HandoverState::Ended(_) => "finished",
            HandoverState::Cancelled(_) => "cancelled",
            HandoverState::Taken => "taken",
        })
    }
}
