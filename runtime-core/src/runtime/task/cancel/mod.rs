//! Cancellation: from the call that asks for it to the await that acts on it.
//!
//! The poll context, and how a request travels through a poll, is in `context`; the request that has
//! been claimed in `request`; the scopes that can cancel their own bodies in `scope`.

#[expect(
    unsafe_code,
    reason = "the current task stands in a thread-local as a pointer"
)]
pub(crate) mod context;

pub(crate) mod cancel_waker;
pub(crate) mod in_vain;
pub(crate) mod request;

pub(crate) mod passed_on;
pub(crate) mod raise;

pub(crate) mod own_end;
pub(crate) mod scope;

pub(crate) use cancel_waker::{CancelWaker, wake_foreign_wakers};
pub(crate) use context::{
    Entered, Origin, begin_handler, claim_for_root, current, current_pointer, delivering, depth,
    ending_with, ends_with, enter, enter_nobody, hidden, intercept, is_delivering, is_disturbed,
    newest_raise, shielded, wait_on, with_current,
};
pub(crate) use in_vain::InVain;
pub(crate) use own_end::{
    OwnEnd, own_end, own_end_with, own_part_of, own_part_to_come, own_part_with, shared_error,
};
pub(crate) use passed_on::{Edges, Passed, PassedOn};
pub(crate) use raise::Raise;
pub(crate) use request::{CancelClaim, Passing, asked_for, drop_handled, uncancel};
pub(crate) use scope::{Delivery, Scope, Verdict, delivered_requests, settled_requests};
