//! Tasks: one allocation each, and everything that may happen to it.
//!
//! A task is a [`header`](Header) with a state word, the scheduler's face, and one room for its
//! future and then its output. Three kinds of hands hold it:
//!
//! * the **loop**, by one reference from birth to completion. It covers the registry's slot, every
//!   queue entry and the poll itself, so that waking, queueing and polling count nothing;
//! * the **`Task`** handle, to which the output belongs; and any number of `TaskHandle`s;
//! * **wakers**.
//!
//! From spawn to join a task's word sees four read-modify-writes: `start`, the joiner's
//! registration, `complete`, and the loop's release; the joiner, woken after that release, finds
//! itself alone and frees the task with a plain load.
//!
//! ```text
//!   allocate ─▶ born (registry) ─▶ schedule ─▶ run: start ─▶ poll ─┬─▶ Pending ─▶ idle ─▶ (a wake)
//!                                    ▲                             │
//!                                    └──────── Again ◀─────────────┤
//!                                                                  └─▶ Ready / claimed by the root /
//!   freed ◀─ last reference ◀─ died ◀─ told: waiters, callbacks ◀─ complete ◀─────── panicked
//! ```
//!
//! The protocols have their essays where they live: the state word in `state`, cancellation in
//! `cancel`, the registry in `registry`. The invariants H1–H5 that unsafe code cites are in
//! `header`.

pub(crate) mod catch_panic;
pub(crate) mod circles;
#[expect(unsafe_code, reason = "a context behind one word of the header")]
pub(crate) mod context;
pub(crate) mod registry;
pub(crate) mod room;
pub(crate) mod transitions;

pub(crate) mod state;

pub(crate) mod callback;
pub(crate) mod foreign_waker;
pub(crate) mod wait_list;

pub(crate) mod side;

pub(crate) mod schedule_face;

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

pub(crate) mod entered;

#[expect(unsafe_code, reason = "polling by the right to run")]
pub(crate) mod runnable;

pub(crate) mod inherit;

pub(crate) mod schedule;

#[expect(unsafe_code, reason = "the allocation and its typed access")]
pub(crate) mod raw;

pub(crate) mod handle;

#[expect(unsafe_code, reason = "taking the output that the handle owns")]
pub(crate) mod join;

#[expect(
    unsafe_code,
    reason = "where the promises of allocation are made by the types"
)]
pub(crate) mod spawn;
