//! Queues and channels: asyncio's `Queue`, `LifoQueue` and `PriorityQueue`, and a few more.
//!
//! All of these types may be used from any task, thread and loop, and from none: unlike asyncio's,
//! they belong to no loop. A thread that is no worker waits with
//! [`EventLoop::block_on`](crate::EventLoop::block_on).
//!
//! | | one receiver gets it | all receivers get it |
//! |---|---|---|
//! | **every value** | [`Queue`], [`LifoQueue`], [`PriorityQueue`], [`channel`] | [`broadcast`] |
//! | **the newest value** | | [`watch`] |
//!
//! A [`Queue`] is shared by all that use it, has [`join`](Queue::join), and is closed by
//! [`shutdown`](Queue::shutdown). A [`channel`] has two ends, and closes when one kind is gone.
//!
//! **Order.** Those that wait, for an item or for room, are served in the order in which they came,
//! and no newcomer takes what a waiter has been woken for.
//!
//! **Cancellation.** Every wait may be cancelled, timed out or dropped at any moment. A `get` that
//! ends so has taken nothing, and a `put` has put nothing. What the waiter had been given by then
//! goes to the next in line: no item is lost, and none comes twice.
//!
//! **Futures that are not polled.** A `get` that its task keeps and does not poll holds nobody up:
//! an item that it was given goes to the next in line, and the future keeps its place.
//!
//! # Inside
//!
//! A queue is one `WaitQueue` with three lines: getters, putters, and
//! those that wait in `join`. The items, the number of unfinished ones and whether it is shut down
//! are under its lock (`contents.rs`). While nobody waits, a put or a get takes that lock once and
//! allocates nothing.
//!
//! A put promises its item to the first getter that waits, and wakes it: one item wakes one getter,
//! and none if nobody waits. The item stays in the buffer until the getter takes it, so that it
//! stays there if the getter goes away. Room that becomes free is promised to putters in the same
//! way; a putter keeps its item until then.
//!
//! Items are dropped and wakers are called without the lock. Comparisons of a [`PriorityQueue`] are
//! a user's code as well: see there.

mod errors;

mod buffer;
mod heap;
mod user_lock;

mod contents;

mod base;

mod queue;

mod broadcast;
mod channel;
mod lifo_queue;
mod priority_queue;
mod watch;

pub use broadcast::{BroadcastReceiver, BroadcastSender, broadcast};
pub use channel::{Receiver, Sender, channel};
pub use errors::{
    BroadcastError, GetError, PutError, QueueShutDown, SendError, TaskDoneTooOften,
    TryBroadcastError, TryRecvError, TrySendError, WatchClosed,
};
pub use lifo_queue::LifoQueue;
pub use priority_queue::PriorityQueue;
pub use queue::Queue;
pub use watch::{WatchReceiver, WatchRef, WatchSender, watch};
