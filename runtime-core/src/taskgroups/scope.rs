//! The scope of a group's body: due when the group is aborted.

use std::panic::Location;
use std::task::Waker;
use std::time::Instant;

use crate::exceptions::CancelledError;
use crate::runtime::{Abort, Stamp, Tick, in_body_of};
use crate::scopes::{Control, Lease, Part, ScopeHandle, ScopeStage, View};
use crate::sync::StdArc;

/// The scope, as the group's future and its children see it.
#[derive(Debug)]
pub(crate) struct GroupScope {
    handle: ScopeHandle<Request>,
    abort: StdArc<Abort>,
}

/// The request of the scope, once the group is aborted.
#[derive(Debug, Default)]
pub(crate) struct Request(Option<CancelledError>);

impl GroupScope {
    pub(crate) fn new(abort: StdArc<Abort>) -> GroupScope {
        GroupScope {
            handle: ScopeHandle::new(None, Request::default()),
            abort,
        }
    }

    /// What controls the future of the body.
    pub(crate) fn control(&self) -> GroupControl {
        GroupControl {
            handle: Lease(self.handle.clone()),
            abort: StdArc::clone(&self.abort),
        }
    }

    /// Cancels the body with `error`, if it still runs.
    pub(crate) fn cancel(&self, error: &CancelledError) {
        let error = error.clone();
        let _ended = self.handle.change(|state| {
            if state.stage.has_ended() {
                return Err(error);
            }
            state.part.0 = Some(error);
            Ok(())
        });
    }

    /// Wakes the group's future.
    pub(crate) fn wake(&self) {
        let _woken = self.handle.change(|_| Ok::<(), ()>(()));
    }

    pub(crate) fn register_waker(&self, waker: &Waker) {
        self.handle.register_waker(waker, |_| ());
    }
}

/// The scope, as the future of the body has it.
pub(crate) struct GroupControl {
    handle: Lease<Request>,
    abort: StdArc<Abort>,
}

impl Control for GroupControl {
    type Moment = Instant;

    fn look(&mut self, _: Option<Tick>, waker: &Waker) -> View<Instant> {
        let cancelled = self.handle.0.register_waker(waker, |state| {
            let error = state.part.0.as_ref();
            error.map(|error| Stamp(error.cause().stamp()))
        });
        View {
            cancelled,
            ..View::default()
        }
    }

    fn error(&self, _: &'static Location<'static>) -> CancelledError {
        self.handle
            .0
            .with(|state| state.part.0.clone())
            .unwrap_or_default()
    }

    fn around<R>(&self, view: &View<Instant>, poll: impl FnOnce() -> R) -> R {
        match view.cancelled {
            None => in_body_of(&self.abort, poll),
            Some(_) => poll(),
        }
    }

    fn end(&self, stage: ScopeStage) {
        self.handle.0.end(stage);
    }
}

impl Part for Request {
    type Rest = Option<CancelledError>;

    fn end(&mut self) -> Option<CancelledError> {
        self.0.take()
    }
}
