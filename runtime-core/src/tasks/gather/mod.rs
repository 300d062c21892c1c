//! Running several awaitables at once, and waiting for them together: `asyncio.gather`.
//!
//! Every element becomes a task at the call, so a gather does not drive its children: it waits for
//! them. Its future owns their handles, and needs to hear of two things only: that all have ended,
//! and that one has *failed*. So it does not listen to each child:
//!
//! 1. It waits for the children **one after the other**: it stands in the join place of the last that
//!    has not ended, and when that one ends, goes back to the next that has not. Over its life it
//!    passes each child once, and a child that ends out of turn wakes nobody. (The last, because
//!    children that have as much to do as one another end in the order in which they began.)
//! 2. Every child's future carries a **trip wire**: unless it returns a value, the wire trips when the
//!    future is dropped, whether that is for an error, a panic or a cancellation. The first wire
//!    to trip leaves its child's number in the **alarm**, and wakes the gather.
//! 3. The gather then waits for that child, which is about to end (its future is being dropped), takes
//!    its error, and lets the others go. With `return_exceptions` it never looks at the alarm.
//!
//! A list of ready children, as `FuturesUnordered` keeps it, would do as well, and cost an allocation
//! for each child and a wake of the gather for each end.
//!
//! **Cancellation.** A request that reaches the gather goes to every child. It then waits for all of
//! them, whatever they do with it, drops what they returned, and raises: so no child is still
//! cleaning up when the awaiter goes on.
//!
//! **What nobody sees.** A child that is let go is detached. If it panics, the engine reports it; if it
//! returns an error, that error is [`Unseen`](unseen::Unseen), which reports itself when it is dropped.

mod first_failure;
mod unseen;

mod child;

mod children;

mod future;

mod handles;

mod awaitables;

mod call;

pub use awaitables::{Awaitables, TryAwaitables};
pub use call::{gather, gather_all, try_gather};
pub use child::Child;
#[doc(hidden)]
pub use child::Spawner;
pub use children::Children;
pub use future::{Gather, ReturnExceptions};
