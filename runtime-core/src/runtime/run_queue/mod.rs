//! Run queues: one for each worker, and the injector for all other threads.
//!
//! The queues are generic over their values: a queue never looks inside a task, and the models run
//! these queues on numbers.
//!
//! * [`Injector`]: a locked queue that any thread fills and that workers drain in batches. A batch
//!   costs one lock for up to `BATCH` tasks; crossbeam's own `Injector` measured slower per task.
//! * [`RunQueue`]: a worker's own queue. It is crossbeam's FIFO deque, with a LIFO slot before it
//!   for the task that was just woken. The slot keeps a hand-over between two tasks on one core and
//!   in its cache. While many tasks wait, new ones go to a stack beside it (`stack.rs`).
//! * [`Stealable`]: the other end of a worker's queue, for thieves. They take from the deque and
//!   from the old end of the stack. They leave the slot alone unless its worker is stuck; otherwise
//!   every ping-pong would change cores.

mod injector;
#[expect(unsafe_code, reason = "a slot of one word, taken by exchange")]
mod slot;
mod stack;

pub(crate) use injector::Injector;
pub(crate) use slot::Word;
pub(crate) use stack::BACKLOG;

mod queue;

pub(crate) use queue::{Order, RunQueue, Stealable, make_lazy_statics};
