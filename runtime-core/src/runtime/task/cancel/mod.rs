//! Cancellation: from the call that asks for it to the await that acts on it.
//!
//! The poll context, and how a request travels through a poll, is in `context`; the request that has
//! been claimed in `request`; the scopes that can cancel their own bodies in `scope`.

#[expect(
    unsafe_code,
    reason = "the current task stands in a thread-local as a pointer"
)]
mod context;

mod cancel_waker;
mod in_vain;
mod reason;
pub(crate) mod scope_request;

mod frames;

mod request;

mod passed_on;
mod passing;
mod raise;

mod handler;
mod own_end;
mod scope;

pub(crate) use cancel_waker::{CancelWaker, wake_foreign_wakers};
pub(crate) use context::{
    Entered, Origin, current, current_pointer, delivering, depth, ending_with, ends_with, enter,
    enter_nobody, hidden, is_delivering, is_disturbed, newest_raise, shielded, wait_on,
    with_current,
};
pub(crate) use handler::{begin_handler, claim_for_root, drop_handled, intercept};
pub(crate) use in_vain::InVain;
pub(crate) use own_end::{
    OwnEnd, own_end, own_end_with, own_part_of, own_part_to_come, own_part_with, shared_error,
};
pub(crate) use passed_on::{Edges, Passed, PassedOn};
pub(crate) use passing::Passing;
pub(crate) use raise::{Raise, end_marks};
pub(crate) use reason::{reason_at, requested};
pub(crate) use request::{CancelRequest, asked_for, uncancel};
pub(crate) use scope::{Delivery, Scope, Verdict, delivered_requests, settled_requests};
