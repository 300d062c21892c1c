//! Where what is ready to run waits: a queue per worker, and one for everybody else.
//!
//! Generic over what it holds: a queue never looks inside a task, and the models run it on
//! numbers.
//!
//! * [`Injector`]: a locked list that anybody fills and workers drain in batches. A batch costs one
//!   lock for up to a hundred tasks; crossbeam's own `Injector` measured slower per task.
//! * [`RunQueue`]: a worker's own: crossbeam's FIFO deque, with a LIFO slot before it for what was
//!   just woken. The slot keeps a hand-over between two tasks on one core and in its cache.
//! * [`Stealable`]: the far end of a worker's queue, for thieves. They take from the deque; the slot
//!   they leave alone unless its worker is stuck, or every ping-pong would change cores.

mod injector;
#[expect(unsafe_code, reason = "a slot of one word, taken by exchange")]
mod slot;

pub(crate) use injector::Injector;
pub(crate) use slot::Word;

mod local;

pub(crate) use local::{RunQueue, Stealable};
