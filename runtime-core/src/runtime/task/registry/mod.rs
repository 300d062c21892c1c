//! Who is alive: a slot array per worker, and one for births on other threads.
//!
//! A global lock here would be touched by every spawn and every end. Instead:
//!
//! 1. *Birth* is a store into a free slot of the worker's own array. Only the owner of the array
//!    ([`SlotWriter`]) stores pointers into it, so it finds a free slot with plain loads.
//! 2. *Death* is one exchange of the pointer for null, by whoever completes the task, while the
//!    loop's reference is still held.
//! 3. A *reader* sets the slot's low bit, takes a reference, and clears it. Death waits for that
//!    bit, so the reader's reference is taken while the loop's is held: the count never rises
//!    from zero.
//!
//! **A death comes after the telling.** A task that ends publishes DONE, wakes its waiters, puts its
//! callbacks on the lane, and only then leaves its slot. So "nobody is registered" is the one fact
//! that a shutdown has to wait for: every end has been told to everybody. Whoever registers a
//! callback so late that it finds DONE tells of the end itself, and then of what it finds on the
//! list besides, which the completer leaves to it; it is counted as a *teller* from before it takes
//! the list until it has told, and the registry does not close meanwhile. (The joiner alone, who is
//! woken by the completer, may be woken after the death: it is a task, which is registered, or a
//! foreign thread, for which the lane does nothing.)
//!
//! **Closing.** The registry closes when nobody is alive and nobody can be born. A task is born by
//! a live task or under the lock of the foreign array. With that lock held, the closer sums the
//! birth counters, finds every slot empty, and sums them again. Had a child been born into an array
//! already scanned by a parent in an array scanned later, then the parent's death, which the
//! scan saw, comes after the counter's increment, and the second sum sees it. The counter is
//! raised after the slot is filled, so that the first sum counts nobody whom the scan may miss: a
//! child in both sums and in no slot.

mod slots;

pub(crate) use slots::SlotWriter;

mod shards;

pub(crate) use shards::{Closed, Registry, SlotIndex, Who};
