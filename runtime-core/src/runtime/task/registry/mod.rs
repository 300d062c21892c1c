//! The registry of a loop's tasks: one slot array for each worker, and one for tasks made on other
//! threads.
//!
//! A global lock would be taken by every spawn and every end. Instead:
//!
//! 1. *Insert* is a store into a free slot of the worker's own array. Only the array's
//!    [`SlotWriter`] stores pointers into it, so it finds a free slot with plain loads.
//! 2. *Remove* is one exchange of the pointer for null, by the thread that completes the task,
//!    while the loop's reference is still held.
//! 3. A *reader* sets the slot's low bit, takes a reference, and clears the bit. Remove waits for
//!    that bit, so the reader's reference is taken while the loop's is held: the count never rises
//!    from zero.
//!
//! **Removal comes after notification.** A task that ends publishes DONE, wakes its waiters, adds
//! its callbacks to the callback queue, and only then leaves its slot. So a shutdown has to wait
//! for one fact only, an empty registry: then every end has been notified. A thread that registers
//! a callback so late that it finds DONE does the notification itself, including other entries on
//! the wait list, which the completer leaves to it. It is counted as a *notifier* from before it
//! takes the list until it is through, and the registry does not close meanwhile. (Only the joiner,
//! which the completer wakes, may be woken after the removal: it is either a task, which is
//! registered itself, or a foreign thread, for which the callback queue does nothing.)
//!
//! **Closing.** The registry closes when it is empty and nothing can be inserted any more. A task
//! is inserted by a registered task, or under the lock of the foreign array. With that lock held,
//! the closer sums the insert counters, finds every slot empty, and sums them again. Suppose a
//! child was inserted into an array already scanned, by a parent in an array scanned later. Then
//! the removal of the parent, which the scan saw, comes after the increment of the counter, and the
//! second sum sees that. The counter is raised after the slot is filled, so that the first sum does
//! not count a child whose slot the scan might not see filled: such a child would be in both sums
//! and in no slot.

mod slots;

pub(crate) use slots::SlotWriter;

mod shards;

pub(crate) use shards::{Closed, Registry, SlotIndex, TaskKind};
