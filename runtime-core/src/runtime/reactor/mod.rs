//! The reactor: from an event of the poller to the waker of the task that waits for it.
//!
//! A descriptor is registered **once**, for both directions, edge-triggered. Nothing is ever
//! re-armed: a re-arm is a system call per wait, on a lock that all threads share. So the kernel
//! reports only *changes*, and what it has reported must be remembered. That is the readiness word
//! of the descriptor's [`Source`](source::Source).
//!
//! ```text
//!   kernel ──event──▶ poller (holder of the role) ──key──▶ Sources ──▶ Source
//!                                                                      │ add bits, tick + 1
//!                                                                      │ take the wakers
//!                                          due wakers, after the role ◀┘
//! ```
//!
//! # The readiness word
//!
//! Four bits and a tick. READ and WRITE: an operation may succeed. READ_CLOSED and WRITE_CLOSED:
//! the end of the direction has been reported, and no other edge will come for it. Each event adds
//! its bits and increments the tick, in one exchange.
//!
//! An operation is always tried first. Only what it answers clears a bit:
//!
//! 1. It loads the word. If the bit is not set, it waits.
//! 2. It makes the system call.
//! 3. If the call would block, it clears the bit, **provided the tick is still that of step 1**.
//!    With another tick an event came in between, perhaps after the call: the bit stays, and the
//!    operation is tried again (model f2).
//!
//! A call that moved fewer bytes than it was given room for has emptied the buffer of the kernel
//! (or filled it): the bit is cleared just as well, which saves the call that would block. Not if
//! an end has been reported: that was the last edge, and nothing would set the bit again.
//!
//! # Waiting
//!
//! * A waiter looks at the word *under the lock* of the waiters, and adds its waker under the same
//!   lock if the bit is not set.
//! * An event changes the word, and *then* takes the lock, and the wakers.
//!
//! If the event's lock comes second, it finds the waker. If it comes first, its change of the word
//! happened before the waiter's look, which sees it. Neither order loses the wake-up (model f1).
//!
//! A waiter is a **future** with a key, which removes its waker when it is dropped, or a **poll**
//! without one (`AsyncRead::poll_read`). Wakers of polls that wake the same task are kept once. A
//! poll cannot take its waker back; so that the wakers of tasks that have ended do not pile up on a
//! descriptor that is never ready, all of them are woken when there are many. Those that still wait
//! come back.
//!
//! **A task's share.** A task whose descriptor is always ready would never suspend: nobody else
//! would run on its worker, and no cancellation could reach it. So after 128 operations in one poll
//! the next one suspends, and wakes the task at once.
//!
//! # Keys
//!
//! The kernel gives back a key, never a pointer: an index into the slots of [`Sources`], and the
//! generation of that slot, which changes whenever a source leaves it. An event that was taken from
//! the kernel before a descriptor was deregistered, and is dispatched after that, finds another
//! generation, and is dropped: the slot, and the number of the descriptor, may be another's by then
//! (model f3). The top bits are the index of the poller. There is one poller now.
//!
//! # Who dispatches
//!
//! The holder of the poller role, before it gives the role back; it only moves wakers into its list
//! of what is due. It wakes them afterwards, without the role and without any lock, as it wakes
//! those of timers. So the tasks go to the queue of the thread that polled, which serves them.

mod key;
mod readiness;
mod waiters;

mod source;
mod watch_list;

mod sources;

pub(crate) use key::Key;
pub(crate) use readiness::{Direction, Seen};
pub(crate) use source::Source;
pub(crate) use sources::Sources;
pub(crate) use waiters::{WaiterKey, Waiters};
pub(crate) use watch_list::{Watch, WatchList};
