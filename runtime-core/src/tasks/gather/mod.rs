//! `gather`: runs several awaitables concurrently and waits for all of them: `asyncio.gather`.
//!
//! Every element becomes a task at the call, so a gather does not poll its children: it waits for
//! them. The gather's future owns their handles. It needs a wake-up for two events only: all
//! children have ended, or one has *failed*. So it does not register its waker with every child:
//!
//! 1. It waits for the children **one after the other**: it registers with the last child that has
//!    not ended and, when that one has ended, with the last of the rest. In total it visits each
//!    child once, and a child that ends out of turn wakes no task. (It begins with the last,
//!    because children that have the same amount of work end in the order in which they started.)
//! 2. Every child's future contains a [`FailureGuard`](first_failure::FailureGuard). Unless the
//!    child returns a value, the guard reports a failure when the future is dropped, whether
//!    because of an error, a panic or a cancellation. The first report stores the child's index in
//!    [`FirstFailure`](first_failure::FirstFailure) and wakes the gather.
//! 3. The gather then waits for that child, which is about to end (its future is being dropped),
//!    takes its error, and detaches the others. With `return_exceptions` it does not wait for a
//!    failure: it reads the first failure only after all children have ended, to check whether the
//!    cause that cancelled a child cancels the awaiter too.
//!
//! A list of ready children, as `FuturesUnordered` has it, would work too, but it would cost one
//! allocation for each child and one wake of the gather for each end.
//!
//! **Cancellation.** A request that reaches the gather is passed on to every child. The gather then
//! waits until all of them have ended, whatever they do with the request, drops their results, and
//! raises: so no child is still cleaning up when the awaiter continues.
//!
//! **Unseen errors.** If a detached child panics, the engine reports the panic. If it returns an
//! error, that error is wrapped in [`Unseen`](failure::Unseen), which reports it when it is
//! dropped.

mod failure;

mod children;

mod future;

mod awaitables;

mod all;

mod call;

pub use all::{GatherAll, GatherAllExceptions};
pub(super) use awaitables::is_handle;
pub use awaitables::{Awaitables, TryAwaitables};
pub use call::{gather, gather_all, try_gather};
#[doc(hidden)]
pub use children::Spawner;
pub use children::{Child, Children};
pub(super) use failure::{FailureGuard, FirstFailure};
pub use future::{Gather, ReturnExceptions};
