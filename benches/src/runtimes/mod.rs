//! The runtimes, each behind the same traits.
//!
//! An adapter adds nothing of its own: each method is the call that a user of
//! that runtime would write. A runtime implements only the traits whose
//! functions it has; a workload asks for the traits it needs.

mod asyncio;
mod smol;
mod tokio;

pub use self::asyncio::Asyncio;
pub use self::smol::Smol;
pub use self::tokio::Tokio;

use std::future::Future;
use std::time::Duration;

/// A runtime that starts, awaits and schedules tasks.
pub trait Tasks: 'static {
    /// What the runtime gives back for a task that was started.
    type Task<T: Send + 'static>: Send + 'static;

    /// What starts tasks from a thread that the runtime does not know.
    type Spawner: Send + 'static;

    /// Runs `main` on this thread, with `workers` workers for the tasks.
    fn run<F: Future>(workers: usize, main: F) -> F::Output;

    /// Starts a task from inside.
    fn spawn<F>(future: F) -> Self::Task<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static;

    /// Waits for a task and gives its value; panics if there is none.
    fn join<T: Send + 'static>(task: Self::Task<T>) -> impl Future<Output = T> + Send;

    /// Lets a task run on with nobody to await it.
    fn detach<T: Send + 'static>(task: Self::Task<T>);

    /// Lets every other task that is ready run once.
    fn yield_now() -> impl Future<Output = ()> + Send;

    /// A way into the running runtime for other threads.
    fn spawner() -> Self::Spawner;

    /// Starts a task from any thread and detaches it.
    fn spawn_from<F>(spawner: &Self::Spawner, future: F)
    where
        F: Future<Output = ()> + Send + 'static;
}

/// A runtime that waits for many futures at once, each in a task of its own.
pub trait Gathers: Tasks {
    /// Starts a task for each future, and gives their values in order.
    fn gather<I>(futures: I) -> impl Future<Output = Vec<<I::Item as Future>::Output>> + Send
    where
        I: Iterator<Item: Future<Output: Send + 'static> + Send + 'static> + Send;
}

/// A runtime whose tasks can wait for time to pass.
pub trait Timers: Tasks {
    /// Waits for `delay`, counted from this call.
    fn sleep(delay: Duration) -> impl Future<Output: Send> + Send + 'static;
}

/// A runtime that gives up waiting after a time.
pub trait Timeouts: Timers {
    /// Waits for `future` within `limit`; `None` if that has passed.
    fn timeout<F>(limit: Duration, future: F) -> impl Future<Output = Option<F::Output>> + Send
    where
        F: Future<Output: Send> + Send;
}

/// A runtime with a lock that may be held while its holder waits.
pub trait Locks: Tasks {
    /// A lock around a number.
    type Lock: Send + Sync + 'static;

    /// An open lock around zero.
    fn lock() -> Self::Lock;

    /// Counts one up under the lock, and holds it until `meanwhile` is done.
    fn count_under<F>(lock: &Self::Lock, meanwhile: F) -> impl Future<Output = usize> + Send
    where
        F: Future<Output = ()> + Send;
}

/// A runtime with a bounded queue of its own, for one consumer at least.
pub trait Channels: Tasks {
    /// The producer's end.
    type Sender: Clone + Send + 'static;

    /// The consumer's end.
    type Receiver: Send + 'static;

    /// A queue with room for so many numbers.
    fn channel(room: usize) -> (Self::Sender, Self::Receiver);

    /// Puts a number in, and waits for room.
    fn send(sender: &Self::Sender, number: usize) -> impl Future<Output = ()> + Send;

    /// Takes a number out, and waits for one.
    fn receive(receiver: &mut Self::Receiver) -> impl Future<Output = usize> + Send;
}

/// A runtime with a bounded queue for many consumers, its own or the one that
/// its users take.
pub trait Queues: Tasks {
    /// The queue, for producers and consumers.
    type Queue: Clone + Send + 'static;

    /// A queue with room for so many numbers.
    fn queue(room: usize) -> Self::Queue;

    /// Puts a number in, and waits for room.
    fn put(queue: &Self::Queue, number: usize) -> impl Future<Output = ()> + Send;

    /// Takes a number out, and waits for one.
    fn get(queue: &Self::Queue) -> impl Future<Output = usize> + Send;
}

/// A runtime that has threads for functions that block.
pub trait Blocking: Tasks {
    /// Hands `function` to such a thread, at the call and not at the first
    /// poll; the future gives its value.
    fn to_thread<F, T>(function: F) -> impl Future<Output = T> + Send
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static;
}
