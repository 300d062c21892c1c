//! Tasks: one allocation each, and every transition of a task.
//!
//! A task is a [`header`](Header) with a state word, the scheduler as the task sees it, and one
//! place for its future and then its output. Three kinds of owners hold references to it:
//!
//! * the **loop** holds one reference from the making of the task until it has left the registry.
//!   It covers the registry's slot, every queue entry and the poll itself, so that waking, queueing
//!   and polling change no count;
//! * the **`Task`** handle, which owns the output, and any number of `TaskHandle`s;
//! * **wakers**.
//!
//! From spawn to join the state word of a task that never suspends sees four read-modify-writes:
//! `start`, the registration of the join waker, `complete`, and the release of the loop's
//! reference. The awaiter is woken after that release: its reference is then the last one, and it
//! frees the task after a plain load.
//!
//! ```text
//!   allocate ─▶ insert ─▶ schedule ─▶ run: start ─▶ poll ─┬─▶ Pending ─▶ idle ─▶ (a wake)
//!            (registry)       ▲                           │
//!                             └────── Rescheduled ◀───────┤
//!                                                         │
//!                                                         │ Ready, claimed by the root, panicked
//!                                                         ▼
//!   free ◀─ last reference ◀─ wake the awaiter ◀─ unregister ◀─ notify ◀─ complete
//!                                                 (registry)  (wait list)
//! ```
//!
//! Each protocol is described in its file: the state word in `state`, cancellation in `cancel`, the
//! registry in `registry`. The invariants H1–H6 that unsafe code cites are in `header`.

#[expect(unsafe_code, reason = "a context behind one word of the header")]
pub(crate) mod context;
pub(crate) mod cycles;
pub(crate) mod memory;
pub(crate) mod parent;
pub(crate) mod registry;
pub(crate) mod room;
pub(crate) mod transitions;

pub(crate) mod state;

pub(crate) mod callback;
pub(crate) mod foreign_waker;
pub(crate) mod wait_list;

pub(crate) mod side;

pub(crate) mod dyn_schedule;

#[expect(
    unsafe_code,
    reason = "side allocation and context behind one pointer-sized word each"
)]
pub(crate) mod header;

#[expect(unsafe_code, reason = "a counted pointer to a header")]
pub(crate) mod reference;

#[expect(unsafe_code, reason = "a waker's vtable")]
pub(crate) mod waker;

pub(crate) mod cancel;

pub(crate) mod current_context;

#[expect(unsafe_code, reason = "the right to run permits the poll")]
pub(crate) mod runnable;

pub(crate) mod schedule;

#[expect(unsafe_code, reason = "the allocation and its typed access")]
pub(crate) mod raw;

pub(crate) mod handle;

#[expect(unsafe_code, reason = "the place of the awaiter's waker")]
mod joiner;

#[expect(unsafe_code, reason = "taking what the handle owns")]
mod join_state;

#[expect(unsafe_code, reason = "taking the output that the handle owns")]
pub(crate) mod join;

#[expect(
    unsafe_code,
    reason = "the types of futures and schedulers guarantee what allocation requires"
)]
pub(crate) mod spawn;
