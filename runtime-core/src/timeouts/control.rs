//! The handle of a timeout: to look at its deadline, and to move it.

use std::fmt;
use std::task::Waker;
use std::time::Instant;

use crate::exceptions::InvalidStateError;
use crate::runtime::Delivery;
use crate::sync::{Arc, Mutex};

/// A timeout, as its body and any other task see it: `asyncio.Timeout`.
///
/// Clones are handles of the same timeout; it can be looked at after it has ended.
///
/// ```
/// use std::time::{Duration, Instant};
/// # asyncio::run(async {
/// let outcome = asyncio::timeout(Duration::from_millis(1), async |scope| {
///     scope.reschedule(Some(Instant::now() + Duration::from_secs(60))).unwrap();
///     asyncio::sleep(Duration::from_millis(5)).await;
///     scope.clone()
/// });
/// assert!(!outcome.await.unwrap().expired());
/// # });
/// ```
#[derive(Clone)]
pub struct Timeout {
    shared: Arc<Mutex<State>>,
}

struct State {
    when: Option<Instant>,
    stage: TimeoutState,
    /// The last delivery of the request.
    delivery: Option<Delivery>,
    /// The body is polled with that on its way.
    delivering: bool,
    /// Woken when the deadline is moved.
    waker: Option<Waker>,
}

/// asyncio's states, but for "created": the body sees it entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TimeoutState {
    Active,
    Expiring,
    Expired,
    Finished,
}

impl Timeout {
    pub(super) fn new(when: Option<Instant>) -> Timeout {
        let state = State {
            when,
            stage: TimeoutState::Active,
            delivery: None,
            delivering: false,
            waker: None,
        };
        Timeout {
            shared: Arc::new(Mutex::new(state)),
        }
    }

    /// The deadline; none: there is no limit.
    #[must_use]
    pub fn when(&self) -> Option<Instant> {
        self.shared.lock().when
    }

    /// Moves the deadline, from any task or thread; none: takes the limit away. A deadline that is
    /// past cancels the body at its next await that suspends. A body that runs on past its deadline,
    /// because something was ready, may still move it before such an await.
    ///
    /// # Errors
    /// If the timeout has expired, or has ended.
    pub fn reschedule(&self, when: Option<Instant>) -> Result<(), InvalidStateError> {
        let mut state = self.shared.lock();
        if state.stage == TimeoutState::Expiring && state.takes_back() {
            state.delivering = false;
            state.stage = TimeoutState::Active;
        }
        let message = match state.stage {
            TimeoutState::Active => {
                state.when = when;
                let waker = state.waker.take();
                drop(state);
                waker.into_iter().for_each(Waker::wake);
                return Ok(());
            }
            TimeoutState::Expiring => "Cannot change state of expiring Timeout",
            TimeoutState::Expired => "Cannot change state of expired Timeout",
            TimeoutState::Finished => "Cannot change state of finished Timeout",
        };
        Err(InvalidStateError::new(message))
    }

    /// Whether the limit has cancelled the body, whatever the body made of it. Not yet while the body
    /// runs on past its deadline, because something was ready.
    #[must_use]
    pub fn expired(&self) -> bool {
        let state = self.shared.lock();
        match state.stage {
            TimeoutState::Active | TimeoutState::Finished => false,
            TimeoutState::Expiring => !state.is_on_its_way(),
            TimeoutState::Expired => true,
        }
    }

    /// Registers who is to hear of a move, and returns the deadline.
    pub(super) fn register_waker(&self, waker: &Waker) -> Option<Instant> {
        let state = self.shared.lock();
        let known = state.waker.as_ref();
        if known.is_some_and(|known| known.will_wake(waker)) {
            return state.when;
        }
        drop(state);
        // A waker's clone and its destructor are user code: outside the lock.
        let new = waker.clone();
        let mut state = self.shared.lock();
        let old = state.waker.replace(new);
        // Read under the same lock: whoever moves it from now on finds the waker.
        let when = state.when;
        drop(state);
        drop(old);
        when
    }

    /// The body is about to be polled with the request on its way. False if the deadline is not
    /// `when` any more: somebody has just moved it.
    #[must_use]
    pub(super) fn begin_expiry(&self, when: Instant, delivery: Delivery) -> bool {
        let mut state = self.shared.lock();
        if state.when != Some(when) {
            return false;
        }
        state.stage = TimeoutState::Expiring;
        let earlier = state.delivery.replace(delivery);
        state.delivering = true;
        drop(state);
        // Perhaps the last to know of it, with a waker: user code, after the lock.
        drop(earlier);
        true
    }

    /// That poll has ended. True if the body has been given more time in it.
    pub(super) fn end_delivery(&self) -> bool {
        let mut state = self.shared.lock();
        state.delivering = false;
        state.stage == TimeoutState::Active
    }

    /// The limit is dropped before its end: by a cancellation from outside, or a panic of the body.
    pub(super) fn abandon(&self) {
        let expires = matches!(
            self.shared.lock().stage,
            TimeoutState::Expiring | TimeoutState::Expired
        );
        self.set_stage(if expires {
            TimeoutState::Expired
        } else {
            TimeoutState::Finished
        });
    }

    pub(super) fn set_stage(&self, stage: TimeoutState) {
        let mut state = self.shared.lock();
        state.stage = stage;
        // A handle may be kept long after the end: it keeps nothing of the task.
        let ended = match stage {
            TimeoutState::Active | TimeoutState::Expiring => None,
            TimeoutState::Expired | TimeoutState::Finished => {
                Some((state.waker.take(), state.delivery.take()))
            }
        };
        drop(state);
        drop(ended);
    }
}

impl State {
    /// Takes the request back, if it is on its way still, or a shield has held it.
    fn takes_back(&self) -> bool {
        self.delivery.as_ref().is_some_and(|delivery| {
            (self.delivering && delivery.take_back()) || delivery.is_given_back()
        })
    }

    /// Whether that would succeed, here.
    fn is_on_its_way(&self) -> bool {
        self.delivery.as_ref().is_some_and(|delivery| {
            (self.delivering && delivery.can_take_back()) || delivery.is_given_back()
        })
    }
}

impl fmt::Debug for Timeout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.shared.lock();
        f.debug_struct("Timeout")
            .field("state", &state.stage)
            .field("when", &state.when)
            .finish()
    }
}
