//! Cancellation: one request, from the call that makes it to the await that acts on it.
//!
//! A request is made by a task's `cancel`, by an awaiter that passes its own on, by a shutdown, or
//! by a scope whose time has come (`timeout`, `wait_for`, `move_on_after`). Its **owner** is the
//! task or the scope: what is not acted on goes back there.
//!
//! ```text
//!  TaskRef::cancel, forward, cancel_for_shutdown       a deadline, CancelScope::cancel
//!                   │                                             │
//!                   ▼                                             ▼
//!             ┌───────────────────────────────────────────────────────────┐
//!  ◀───────── │                           made                            │ ◀──┐
//!   uncancel  └─────┬───────────────────────────────────────────────┬─────┘    │
//!                   │ begin_delivery                 Scope::deliver │          │
//!                   ▼                                               ▼          │
//!             ┌───────────────────────────────────────────────────────────┐    │ drop:
//!  ◀───────── │                         offered                           │    │ give_back
//!   uncancel, └─────┬─────────────────────┬─────────────────────────┬─────┘    │
//!   take_back       │ claim               │ claim_for_root          │ unclaimed
//!                   ▼                     ▼                         ▼          │
//!             ┌───────────┐       the task drops            the scope drops    │
//!             │  claimed  │         its future                 its body        │
//!             └──┬─────┬──┘                                                    │
//!    acknowledge │     └───────────────────────────────────────────────────────┘
//!                ▼
//!           acknowledged
//! ```
//!
//! | State | The task's own request | A scope's request |
//! |---|---|---|
//! | made | CANCEL in the state word, the error in the side allocation | due: deadline or handle |
//! | offered | `offered_owner` is `OwnerId::TASK` | it is the address of the `ScopeRequest` |
//! | claimed | a `CancelRequest` | a `CancelRequest` |
//! | acknowledged | a stamp in the side allocation | the stage of the scope |
//! | given back | CANCEL once more, counted before | a flag of its `ScopeRequest`, and a wake |
//!
//! # The protocol
//!
//! 1. `cancel` counts the request, notes its error, sets CANCEL and schedules the task. A scope
//!    makes its own when it is polled and finds itself due.
//! 2. The worker, about to poll, moves CANCEL into the poll context of this thread: the request is
//!    **offered**. A scope does the same to its body, for one poll. A task that was never polled is
//!    dropped unpolled.
//! 3. The poll goes down as always. What has become ready in the meantime is returned: the request
//!    waits for an await that really suspends, and a task that ends first keeps its value.
//! 4. On the way back up, each *aware* awaitable whose inner future answered `Pending` looks at the
//!    poll context. The first one **claims** the request, so that no awaitable further out sees it,
//!    and acts: `catch_cancelled` returns it, `finally` runs its cleanup, a `Task` forwards it to
//!    the task that it awaits and waits for the end of that.
//! 5. A claim ends in one of two ways. **Acknowledged**, it has arrived. Dropped, it is **given
//!    back**: its owner delivers it again at the next await that suspends.
//! 6. A request that no awaitable claims ends its owner: the scope drops its body, the task its
//!    future.
//!
//! **Raising.** A raiser leaves a *mark* with the next serial and is pending for ever. The mark has
//! the claims that it is raised for. A scope claims the marks that are newer than the serial that
//! it noted before it polled its inner future, so a sibling in a `join!` cannot take one, and a
//! stale one cannot hide a new one. Dropping the raiser takes its mark back: otherwise the loser of
//! a `select` that raised would tear down an innocent scope. Marks live no longer than the poll in
//! which they were left: at its end the root claims what is left.
//!
//! **Foreign wakers.** A combinator with wakers of its own (`FuturesUnordered`) polls only the
//! children that were woken, so a request could not travel down through it: see `cancel_waker`.
//!
//! **Shields.** Behind a shield the poll context shows no request. The shield claims what the body
//! has not seen, and gives it back when it goes down.
//!
//! # The races
//!
//! * *`cancel` and `uncancel`.* Count and CANCEL stand in one word, so one exchange withdraws the
//!   last request together with its delivery (model a5).
//! * *Two requests at once.* The error is noted and the request counted under one lock, and the
//!   error is set aside when its delivery begins: what comes after that is another request (a9).
//! * *A request and the poll that sees it.* The exchange that sets CANCEL releases, `start`
//!   acquires: the poll that meets a request sees what was done before it was made (a10).
//! * *Giving back and polling the scope, on two threads.* The giver stores the flag (Release), then
//!   takes the waker under its lock. The scope stores its waker under the same lock, then loads the
//!   flag (Acquire). If the giver's lock comes second, it finds the waker and wakes. If it comes
//!   first, its store happened before the scope's load, which sees it (a8).
//! * *Passing on while the task begins to handle another request.* Both take moments under the lock
//!   of the side allocation. One that was asked for before the handler's moment is a part of what
//!   it handles; a later one is delivered (a16). What the task has acknowledged by then is a
//!   moment, too, so the awaiter knows whether its own was part of it (a7).
//! * *Tasks that await each other.* Each adds its edge to the graph before it passes the request
//!   on, so the last one finds the cycle closed (a15).
//!
//! Everything else happens on the thread that polls the task, and needs no ordering.

#[expect(
    unsafe_code,
    reason = "the current task stands in a thread-local as a pointer"
)]
mod context;

mod cancel_waker;
mod foreign_polls;
mod reason;
pub(crate) mod scope_request;

mod frames;

mod request;

mod abort;
mod forwarded;
mod passing;
mod raise;

mod handler;
mod propagation;
mod scope;

pub(crate) use abort::{Abort, in_body_of};
pub(crate) use cancel_waker::{CancelWaker, wake_foreign_wakers};
pub(crate) use context::{
    Entered, OwnerId, Serial, current, current_of_waiter, current_pointer, depth, ending_with,
    ends_with, enter, enter_no_task, has_had_its_share, hidden, is_disturbed, is_request_offered,
    newest_raise, offered_owner, shielded, wait_on, with_current,
};
pub(crate) use foreign_polls::ForeignPolls;
pub(crate) use forwarded::{Edges, Forwarded, Forwarding};
pub(crate) use handler::{begin_handler, claim_and_acknowledge, claim_for_root, drop_handled};
pub(crate) use passing::Passing;
pub(crate) use propagation::{
    Propagation, propagation, propagation_from, propagation_to_waiter, propagation_to_waiter_from,
    propagation_to_waiter_of, shared_error,
};
pub(crate) use raise::{Raise, end_marks};
pub(crate) use reason::{reason_at, requested};
pub(crate) use request::{CancelRequest, asked_for, deliver_error_again, uncancel};
pub(crate) use scope::{Delivery, Scope, Verdict, delivered_requests, settled_requests};
