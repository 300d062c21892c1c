//! The scopes that poll their bodies on this thread, the innermost last.
//!
//! A frame answers which scope has made a request, and whether a call comes from that scope's body.
//! It also collects events for its scope: a scope that left the answer to a request from further
//! out has to deliver its own again when that request is given back.

use std::cell::RefCell;

use super::context::{self, OwnerId};
use super::scope_request::ScopeRequest;
use crate::exceptions::Cause;
use crate::sync::{StdArc, lasting};

lasting! { static FRAMES: RefCell<Vec<Frame>> = RefCell::new(Vec::new()) }

struct Frame {
    /// The scope's own request, if it has made one.
    request: Option<StdArc<ScopeRequest>>,
    /// The nesting of polls. A scope and its frame belong to one task, and each nested poll is of
    /// another task.
    depth: u32,
    events: FrameEvents,
}

impl Frame {
    fn has_made(&self, owner: OwnerId, depth: u32) -> bool {
        let request = self.request.as_ref();
        self.depth == depth && request.is_some_and(|request| request.owner_id() == owner)
    }
}

/// The requests from further out that were given back, or withdrawn, during a poll.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct FrameEvents {
    /// A request of the task.
    pub(super) of_task: bool,
    /// How many requests of scopes.
    pub(super) of_scopes: u32,
}

/// A frame on the list, for as long as its scope polls its body.
pub(super) struct FrameGuard {
    index: usize,
}

impl FrameGuard {
    pub(super) fn begin(request: Option<&StdArc<ScopeRequest>>) -> FrameGuard {
        let frame = Frame {
            request: request.cloned(),
            depth: context::depth(),
            events: FrameEvents::default(),
        };
        FRAMES.with(|frames| {
            let mut frames = frames.borrow_mut();
            let index = frames.len();
            frames.push(frame);
            FrameGuard { index }
        })
    }

    pub(super) fn end(self) -> FrameEvents {
        FRAMES.with(|frames| frames.borrow()[self.index].events)
    }
}

impl Drop for FrameGuard {
    fn drop(&mut self) {
        // The frames further in are gone: they are dropped before, also by a panic. A frame may own
        // the last reference to a request, with its waker: user code, dropped after the borrow.
        let _gone = FRAMES.with(|frames| {
            let mut frames = frames.borrow_mut();
            frames.drain(self.index..).collect::<Vec<_>>()
        });
    }
}

/// How many frames there are.
pub(super) fn count() -> usize {
    FRAMES.with(|frames| frames.borrow().len())
}

/// The request of the scope that has made `owner`, if this is called from that scope's body.
pub(super) fn request_of(owner: OwnerId) -> Option<StdArc<ScopeRequest>> {
    find(owner, |frame| frame.request.clone()).flatten()
}

/// Whether a scope around this call has made a request for this `cause`.
pub(super) fn is_for_scope_around(cause: Cause) -> bool {
    request_for(cause).is_some()
}

/// The request for this `cause` of a scope around this call, if there is one.
pub(super) fn request_for(cause: Cause) -> Option<StdArc<ScopeRequest>> {
    let is_it = |request: &&StdArc<ScopeRequest>| request.error().cause() == cause;
    let depth = context::depth();
    FRAMES.with(|frames| {
        let frames = frames.borrow();
        let here = frames.iter().rev().filter(|frame| frame.depth == depth);
        here.filter_map(|frame| frame.request.as_ref())
            .find(is_it)
            .cloned()
    })
}

/// Whether this is called from the body of the scope that has made `request`.
pub(super) fn is_in_body_of(request: &ScopeRequest) -> bool {
    find(request.owner_id(), |_| ()).is_some()
}

fn find<R>(owner: OwnerId, look: impl FnOnce(&Frame) -> R) -> Option<R> {
    let depth = context::depth();
    FRAMES.with(|frames| {
        let frames = frames.borrow();
        let mut innermost_first = frames.iter().rev();
        innermost_first
            .find(|frame| frame.has_made(owner, depth))
            .map(look)
    })
}

/// Notes, in the frames further in than `owner`, that its request has been given back.
pub(super) fn notify_inside(owner: OwnerId) {
    let depth = context::depth();
    FRAMES.with(|frames| {
        let mut frames = frames.borrow_mut();
        let own = |frame: &Frame| frame.has_made(owner, depth);
        let further_in = match frames.iter().rposition(own) {
            Some(index) => index + 1,
            None if owner == OwnerId::TASK => 0,
            None => return,
        };
        notify(&mut frames[further_in..], owner);
    });
}

/// The same in the frames from `index` on.
pub(super) fn notify_from(index: usize, owner: OwnerId) {
    FRAMES.with(|frames| notify(&mut frames.borrow_mut()[index..], owner));
}

fn notify(frames: &mut [Frame], owner: OwnerId) {
    let depth = context::depth();
    let frames = frames.iter_mut();
    for frame in frames.filter(|frame| frame.depth == depth) {
        match owner {
            OwnerId::TASK => frame.events.of_task = true,
            _scope => frame.events.of_scopes += 1,
        }
    }
}
