//! The handle of a timeout: to look at its deadline, and to move it.

use std::fmt;
use std::task::Waker;
use std::time::Instant;

use crate::exceptions::InvalidStateError;
use crate::runtime::{Delivery, Tick};
use crate::scopes::{Control, Lease, Part, ScopeHandle, ScopeStage, View};

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
    handle: ScopeHandle<Expiry>,
}

/// The delivery of a timeout, which may be taken back.
#[derive(Default)]
pub(super) struct Expiry {
    /// The last delivery of the request.
    delivery: Option<Delivery>,
    /// The body is polled with that on its way.
    is_offered: bool,
}

impl Timeout {
    pub(super) fn new(when: Option<Instant>) -> Timeout {
        Timeout {
            handle: ScopeHandle::new(when, Expiry::default()),
        }
    }

    pub(super) fn lease(&self) -> Lease<Expiry> {
        Lease(self.handle.clone())
    }

    /// The deadline; none: there is no limit.
    #[must_use]
    pub fn when(&self) -> Option<Instant> {
        self.handle.with(|state| state.deadline)
    }

    /// Moves the deadline, from any task or thread; none: takes the limit away. A deadline that is
    /// past cancels the body at its next await that suspends. A body that runs on past its
    /// deadline, because something was ready, may still move it before such an await.
    ///
    /// # Errors
    /// If the timeout has expired, or has ended.
    pub fn reschedule(&self, when: Option<Instant>) -> Result<(), InvalidStateError> {
        let moved = self.handle.change(|state| {
            if state.stage == ScopeStage::Expiring && state.part.takes_back() {
                state.part.is_offered = false;
                state.stage = ScopeStage::Active;
            }
            match state.stage {
                ScopeStage::Active => {
                    state.deadline = when;
                    Ok(())
                }
                ScopeStage::Expiring => Err("Cannot change state of expiring Timeout"),
                ScopeStage::Expired | ScopeStage::Caught => {
                    Err("Cannot change state of expired Timeout")
                }
                ScopeStage::Finished => Err("Cannot change state of finished Timeout"),
            }
        });
        moved.map_err(InvalidStateError::new)
    }

    /// Whether the limit has cancelled the body, whatever the body made of it. Not yet while the
    /// body runs on past its deadline, because something was ready.
    #[must_use]
    pub fn expired(&self) -> bool {
        self.handle.with(|state| match state.stage {
            ScopeStage::Active | ScopeStage::Finished => false,
            ScopeStage::Expiring => !state.part.is_on_its_way(),
            ScopeStage::Expired | ScopeStage::Caught => true,
        })
    }
}

impl Control for Lease<Expiry> {
    type Moment = Instant;

    fn look(&mut self, _: Option<Tick>, waker: &Waker) -> View<Instant> {
        let deadline = self.0.register_waker(waker, |state| state.deadline);
        View {
            deadline,
            ..View::default()
        }
    }

    fn begin_delivery(&self, deadline: Option<Instant>, delivery: Delivery) -> Option<Delivery> {
        let earlier = self.0.with(|state| {
            if state.deadline != deadline {
                return None;
            }
            state.stage = ScopeStage::Expiring;
            state.part.is_offered = true;
            Some(state.part.delivery.replace(delivery.clone()))
        });
        // The earlier one may own the last reference to its waker: user code, after the lock.
        earlier.map(|_earlier| delivery)
    }

    fn end_delivery(&self) -> bool {
        self.0.with(|state| {
            state.part.is_offered = false;
            state.stage == ScopeStage::Active
        })
    }

    fn reopen(&self) {
        self.0.with(|state| state.stage = ScopeStage::Active);
    }

    fn end(&self, stage: ScopeStage) {
        self.0.end(stage);
    }
}

impl Part for Expiry {
    type Rest = Expiry;

    fn end(&mut self) -> Expiry {
        std::mem::take(self)
    }
}

impl Expiry {
    /// Takes the request back, if it is on its way still, or has been given back by a shield.
    fn takes_back(&self) -> bool {
        self.delivery.as_ref().is_some_and(|delivery| {
            (self.is_offered && delivery.take_back()) || delivery.is_given_back()
        })
    }

    /// Whether that would succeed, here.
    fn is_on_its_way(&self) -> bool {
        self.delivery.as_ref().is_some_and(|delivery| {
            (self.is_offered && delivery.can_take_back()) || delivery.is_given_back()
        })
    }
}

impl fmt::Debug for Timeout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (stage, when) = self.handle.with(|state| (state.stage, state.deadline));
        f.debug_struct("Timeout")
            .field("state", &stage)
            .field("when", &when)
            .finish()
    }
}
