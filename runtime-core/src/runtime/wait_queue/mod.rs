//! What every lock, semaphore and queue waits on: waiters in line, under one lock, that are granted
//! what they wait for in the order in which they came.
//!
//! A [`WaitQueue`] has a [`Resource`]: permits, items, notifications. A waiter asks for a number of
//! units in one of its lines; when they are there, they are **reserved** for it (a *grant*), and it
//! is woken to take them. So no newcomer takes what a waiter has been woken for.
//!
//! ```text
//!            poll, nothing free: enqueue
//!   idle ───────────────────────────────▶ waiting ◀─────────────┐
//!    ▲ │                                   │   ▲                │ poll, nothing free:
//!    │ └──▶ (free, nobody before it:       │   │                │ back to its place
//!    │       taken without waiting)  serve │   │                │
//!    │                                     ▼   │                │
//!    │◀──────────── poll: taken ───────── granted ────────▶ passed over
//!    │                                                pass_on   │
//!    └────────────── poll, free: taken ─────────────────────────┘
//! ```
//!
//! A waiter may be dropped in each state; if it was granted something, that goes back to the
//! resource, which serves the next in line.
//!
//! # The protocol
//!
//! 1. A waiter that is polled takes the queue's lock. If it has a grant, it uses it. If the units
//!    are free and nobody waits before it, it takes them. Else it enters the line, with its waker.
//! 2. Who gives units back, takes the lock, adds them, and *serves* the line: as long as the
//!    resource can reserve what the first waiter asks for, that waiter leaves the line with a
//!    grant.
//! 3. Wakers are taken under the lock and woken after it; wakers that are replaced are dropped
//!    after it. [`Locked`] does both when it is dropped, so no caller can get it wrong.
//! 4. A grant is a *turn* (`runtime::turns`): if the task that polled the waiter last ends a poll
//!    without polling it, the grant is passed on. Without a task, that happens ten milliseconds
//!    after the grant (`no_task`).
//!
//! **A grant is neither lost nor doubled.** The state of a waiter changes only under the queue's
//! lock, and units move in the same critical section: from the resource to the waiter (serve), from
//! the waiter to its owner (poll), or back to the resource (drop, pass on). Each of these looks at
//! the state first.
//!
//! **No wake-up is lost.** The waiter's waker is stored under the lock under which it finds nothing
//! free; who frees units does so under the same lock, and finds the waker.
//!
//! **First come, first served.** Each waiter has a ticket from the moment it first enters the line.
//! A waiter that was passed over and is polled again enters at the place of its ticket.
//!
//! # Invariants of the unsafe code
//!
//! * **W1** A [`Node`](list::Node) is touched only under the lock of its queue. It is pinned, and
//!   its destructor takes it out of the lists of the queue. If a waiter is leaked instead, its node
//!   stays in the lists, and its memory is never used for anything else.
//! * **W2** A node names the turn list of a task only as long as that list exists. The end of the
//!   task takes all turns off its list and passes each of them on, under the queue's lock, which
//!   makes the node forget the list; only then may the task be freed. (If the queue has been
//!   dropped, its leaked nodes are never looked at again.) The other turn list is a static.
//! * **W3** What turns refer to is an allocation of its own: a queue may be moved or forgotten
//!   while a waiter of it that has been leaked has a turn. Passing on may happen at any time and on
//!   any thread, even when the values in the resource are no longer valid. So it touches none of
//!   them: the functions of a [`Resource`] only count. The resource is dropped with its queue, and
//!   not with the last turn; a queue that is forgotten keeps it.
//!
//!   A turn list keeps the reference of the turn that was used last, until another one is entered,
//!   or its task ends: so turns of one queue that follow each other count no references. Of a queue
//!   that has been dropped that keeps the memory, and no value.

mod no_task;
mod resource;

mod held;
mod wakes;

#[expect(unsafe_code, reason = "an intrusive list of pinned nodes")]
mod list;

mod granted;

#[expect(unsafe_code, reason = "a queue's lists are sent with it")]
mod queue;

#[expect(
    unsafe_code,
    reason = "the nodes of pinned waiters, under their queue's lock"
)]
mod serving;

#[expect(unsafe_code, reason = "a node is pinned with its waiter")]
mod waiter;

mod permits;

pub(crate) use permits::{Acquire, Permits};
pub(crate) use queue::{Locked, WaitQueue};
pub(crate) use resource::Resource;
pub(crate) use waiter::{OwnedWaiter, Waiter};
