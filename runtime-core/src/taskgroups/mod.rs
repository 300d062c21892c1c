//! Task groups: asyncio's structured concurrency. A group does not end before all of its children
//! have ended.
//!
//! The group's future polls its body, in the caller's own task, and then waits. The children are
//! ordinary tasks, which any worker runs. So the body, any child, and any other task or thread that
//! has a handle of the group may add a child or abort the group at the same time.
//!
//! ```text
//!          body returns a value                 no child is left
//!   body ──────────────────────────▶ waiting ──────────────────────▶ over: value, errors, or raise
//!    │    the body fails, is ended,      │
//!    │    or is cancelled: abort         │ cancelled: abort, and keep the request
//!    └──────────────▶───────────────────▶┘
//! ```
//!
//! # Who knows what
//!
//! | What | Where | Touched by |
//! |---|---|---|
//! | how many children there are, whether more may come | `word`: one atomic word | all |
//! | the children; their end, once there is one | `children`, a lock | who adds or aborts |
//! | errors, the first panic | `member`, a lock | completers, the group's future |
//! | the body's scope, the future's waker | `scope`, a lock | who aborts, the last child |
//! | the cause of the abort | `Abort` in the engine | who aborts, every member |
//! | who waits until it may run | `limit`, a lock | who adds a child, a child that ends |
//!
//! No user code runs under any of these locks: wakers, errors and tasks are taken out first.
//!
//! # The protocol
//!
//! 1. *Adding.* A child **enters**: one exchange of the word counts it, or finds that the group is
//!    aborted or over. Then its task is made, and may run at once. Then it is put on the list. If
//!    the children have been cancelled meanwhile, it is cancelled by the thread that adds it.
//! 2. *Ending.* The child's task has the group as its `Parent`. That
//!    takes an error, or the payload of a panic, before the task is done. When the task is done and
//!    has left the registry, one that has failed aborts the group; then it **leaves**: one
//!    subtraction. So whoever finds the group over finds every child done.
//! 3. *Aborting.* The first cause wins, by one exchange of `Abort`. Its thread sets `aborted` in
//!    the word, makes the body's scope due (which wakes the group's future), and takes the list,
//!    leaving there what the children are cancelled with. Then it passes the request on to each.
//! 4. *Waiting.* The body has ended. The group's future registers its waker, and then sets
//!    `exiting`. If no child is left then, the group is over. Otherwise the last child finds it
//!    over when it leaves, and wakes. A request of the parent is claimed and kept.
//! 5. *Over.* Errors come first; the kept requests are given back then, to be delivered at the next
//!    await. Without errors a kept request, or what the body raised, goes on outward. Else the
//!    body's value is the answer, or, if the group's own request has ended the body, a group
//!    without errors.
//!
//! # The races
//!
//! * *A child is added while another thread aborts* (model g2). The aborter takes the list, and
//!   leaves the error, under the lock under which children are added. A child is on the list when
//!   it is taken, or its adder finds the error: each is cancelled by exactly one thread. One that
//!   enters after `aborted` was set does not come to be.
//! * *A child is added while the last one leaves* (g3). Count and `exiting` stand in one word, so
//!   either the new one is counted first, and the group goes on, or the group is over, and it is
//!   refused.
//! * *The last child leaves while the group's future begins to wait* (g1). The future's waker is
//!   registered before `exiting` is set, both by operations that the leaving child's follow if it
//!   sees them: either the child sees `exiting` and finds the waker, or the future sees no child.
//!   The subtraction releases what the child did, the look acquires it.
//! * *A member finds another one ended, before its own request has come.* It waits for that instead
//!   of going on with an error: see `runtime/task/cancel/abort.rs`.
//!
//! **What it costs.** A child costs its task, three read-modify-writes on lines of the group (the
//! counted reference, the word, the lock of the list) and as many at its end. It is taken off the
//! list only now and then, when that has doubled, so ending takes no lock. Only an abort looks at
//! every child.

mod error;
mod scope;
mod word;

mod limit;

mod children;

mod member;
mod start;

mod group;

mod future;

pub use error::ExceptionGroup;
pub use future::task_group;
pub use group::TaskGroup;
pub use start::{NotStarted, Start, TaskStatus};

/// What the models of the group's protocol are built on. Nothing else may use it.
#[allow(unused_imports, reason = "the models exist under their own cfg only")]
pub(crate) mod modelled {
    pub(crate) use super::children::Children;
    pub(crate) use super::word::{Leave, Word};
}
