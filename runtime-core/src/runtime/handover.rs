//! Passes one outcome from a coroutine to the threads, tasks and callbacks that wait for it.
//!
//! ```text
//!              complete(Ok or a panic)                 take
//!   Pending ───────────────────────────▶ Ended ─────────────────▶ Taken
//!      │
//!      └───────────────────────────────▶ Cancelled      (read any number of times)
//!         cancel, complete(cancelled)
//! ```
//!
//! Three events may race: the coroutine completes, a waiting thread times out, and a caller
//! cancels. **There is one winner**, because every step is taken under one lock and decided by the
//! stage it finds there:
//!
//! 1. Only one of `complete` and `cancel` leaves `Pending`. The loser learns it from the return
//!    value: an outcome that comes too late is returned to the completing side, which drops it.
//! 2. `take` leaves `Ended` once, so no value is returned twice. A wait that times out is no step:
//!    it leaves the value for the next one. It checks the stage once more after its time is over,
//!    so that a value that was there in time is returned.
//! 3. The winner notifies the waiters after it has released the lock: all sleeping threads check
//!    again, the task's waker is woken, and the callbacks are returned to the caller, which knows
//!    where to run them.

use std::fmt;
use std::task::{Poll, Waker};
use std::time::Instant;

use super::unnest::{drop_unnested, unnested};
use crate::exceptions::{CancelledError, InvalidStateError, TaskError};
use crate::sync::{Condvar, Mutant, Mutex, broken};

/// A function that is run once the outcome is there.
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
    /// There is no outcome yet.
    Pending,
    /// The outcome is there and has not been taken. Boxed, so that a big value uses no space here
    /// once it has been taken.
    Ended(Box<Result<T, TaskError>>),
    /// Cancelled, by `cancel` or by the outcome. Final: every `take` returns the error again.
    Cancelled(CancelledError),
    /// The outcome has been taken. Final: every further `take` returns `InvalidStateError`.
    Taken,
}

/// The result of `complete`.
#[must_use]
pub(crate) enum Completion<T> {
    /// The outcome has been stored. The caller must run these callbacks.
    First(Vec<Callback>),
    /// There was an outcome or a cancellation already. The caller gets its outcome back.
    TooLate(Result<T, TaskError>),
}

/// The result of `cancel`.
#[must_use]
pub(crate) enum Cancellation {
    /// It is cancelled now. The caller must run these callbacks.
    First(Vec<Callback>),
    /// It was cancelled before.
    Already,
    /// There is an outcome, or it has been taken.
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

    /// Stores the outcome and notifies the waiters, unless the stage is no longer `Pending`.
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
        let (waker, callbacks) = state.take_waiters();
        drop(state);
        self.notify(waker);
        Completion::First(callbacks)
    }

    /// Cancels and notifies the waiters, unless there is or was an outcome.
    pub(crate) fn cancel(&self, error: CancelledError) -> Cancellation {
        let mut state = self.state.lock();
        match state.stage {
            HandoverState::Pending => state.stage = HandoverState::Cancelled(error),
            HandoverState::Cancelled(_) => return Cancellation::Already,
            HandoverState::Ended(_) | HandoverState::Taken => return Cancellation::TooLate,
        }
        let (waker, callbacks) = state.take_waiters();
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
        // Unnested: a foreign waker may cancel another future, whose waker cancels the next one,
        // and so on.
        waker
            .into_iter()
            .for_each(|waker| unnested(|| waker.wake()));
    }

    /// Takes the outcome. `None` if it is not there yet.
    pub(crate) fn take(&self) -> Option<Result<T, TaskError>> {
        self.state.lock().take()
    }

    /// Blocks this thread until the outcome is there, and takes it. Returns `None` at the deadline.
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
                // Check once more: the outcome may have been stored in time.
                return state.take().filter(|_| !broken(Mutant::GiveUpUnseen));
            }
        }
    }

    /// Takes the outcome, or stores `waker` to be woken when it is there.
    pub(crate) fn poll(&self, waker: &Waker) -> Poll<Result<T, TaskError>> {
        // Cloned before the lock is taken, and the old one dropped after it is released: both may
        // run foreign code.
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

    /// Adds `callback`, to be run once the outcome is there.
    ///
    /// # Errors
    /// Returns `callback` if the outcome is there already: the caller must run it.
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

    /// Whether there is or was an outcome, a cancellation included.
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
        // Unnested: a foreign waker may own another handover, which has a waker too, and so on.
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

    /// Takes the waker and the callbacks, to be notified outside the lock.
    fn take_waiters(&mut self) -> (Option<Waker>, Vec<Callback>) {
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
