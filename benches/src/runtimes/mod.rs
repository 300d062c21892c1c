//! The runtimes behind common traits.
//!
//! An adapter adds nothing of its own: each method is the call that a user of that runtime would
//! write. A runtime implements only the traits whose functions it has; a workload requires the
//! traits that it needs.

mod asyncio;
#[cfg(feature = "others")]
mod smol;
#[cfg(feature = "others")]
mod tokio;

#[cfg(feature = "others")]
mod crates;
#[cfg(feature = "others")]
mod secure;

pub use self::asyncio::Asyncio;
#[cfg(feature = "others")]
pub use self::crates::{Flume, FlumeQueue, Kanal, KanalQueue, OnTokio, QueueCrate};
#[cfg(feature = "others")]
pub use self::smol::Smol;
#[cfg(feature = "others")]
pub use self::tokio::{Tokio, TokioReader};

use std::future::Future;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

/// Any free port of this machine.
const ANY_PORT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// A runtime that starts, awaits and schedules tasks.
pub trait Tasks: 'static {
    /// The handle of a task.
    type Task<T: Send + 'static>: Send + 'static;

    /// A handle that starts tasks from any thread.
    type Spawner: Send + 'static;

    /// Runs `main` on this thread, with `workers` workers for its tasks.
    fn run<F: Future>(workers: usize, main: F) -> F::Output;

    /// Starts a task; called inside the runtime.
    fn spawn<F>(future: F) -> Self::Task<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static;

    /// Awaits a task and returns its value; panics if there is none.
    fn join<T: Send + 'static>(task: Self::Task<T>) -> impl Future<Output = T> + Send;

    /// Drops the handle of a task, which keeps running.
    fn detach<T: Send + 'static>(task: Self::Task<T>);

    /// Lets every other task that is ready run once.
    fn yield_now() -> impl Future<Output = ()> + Send;

    /// The spawner of the current runtime.
    fn spawner() -> Self::Spawner;

    /// Starts a task from any thread and detaches it.
    fn spawn_from<F>(spawner: &Self::Spawner, future: F)
    where
        F: Future<Output = ()> + Send + 'static;
}

/// A runtime that can await many futures at once, each in its own task.
pub trait Gathers: Tasks {
    /// Starts a task for each future, and returns their values in order.
    fn gather<I>(futures: I) -> impl Future<Output = Vec<<I::Item as Future>::Output>> + Send
    where
        I: Iterator<Item: Future<Output: Send + 'static> + Send + 'static> + Send;
}

/// A runtime with a group of tasks, which is waited for as a whole, and cancelled when it is
/// dropped.
pub trait Groups: Tasks {
    /// Starts a task for each future in one group, and waits for all of them.
    fn group<I>(futures: I) -> impl Future<Output = ()> + Send
    where
        I: Iterator<Item: Future<Output = ()> + Send + 'static> + Send;
}

/// A runtime whose tasks can sleep.
pub trait Timers: Tasks {
    /// Sleeps for `delay`.
    fn sleep(delay: Duration) -> impl Future<Output: Send> + Send + 'static;
}

/// A runtime with timeouts.
pub trait Timeouts: Timers {
    /// Awaits `future` for at most `limit`; `None` if the limit has passed first.
    fn timeout<F>(limit: Duration, future: F) -> impl Future<Output = Option<F::Output>> + Send
    where
        F: Future<Output: Send> + Send;
}

/// A runtime with TCP sockets.
pub trait Sockets: Timeouts {
    /// A connection.
    type Stream: Send + 'static;

    /// A listener.
    type Listener: Send + 'static;

    /// Listens on any free port of this machine.
    fn listen() -> impl Future<Output = (Self::Listener, SocketAddr)> + Send;

    /// Accepts a connection.
    fn accept(listener: &Self::Listener) -> impl Future<Output = Self::Stream> + Send;

    /// Connects.
    fn connect(address: SocketAddr) -> impl Future<Output = Self::Stream> + Send;

    /// Reads what there is; 0 at the end.
    fn read(stream: &mut Self::Stream, buffer: &mut [u8]) -> impl Future<Output = usize> + Send;

    /// Writes all of it.
    fn write_all(stream: &mut Self::Stream, data: &[u8]) -> impl Future<Output = ()> + Send;
}

/// A runtime with buffered streams, as its users usually make them.
pub trait Streams: Sockets {
    /// The half that reads, with a buffer.
    type Reader: Send + 'static;

    /// The half that writes, with a buffer.
    type Writer: Send + 'static;

    /// Serves connections for ever, each by `handler` in a task of its own. Returns the address.
    fn serve<H, F>(handler: H) -> impl Future<Output = SocketAddr> + Send
    where
        H: Fn(Self::Reader, Self::Writer) -> F + Send + Sync + 'static,
        F: Future<Output = ()> + Send + 'static;

    /// What was read.
    type Read<'a>: AsRef<[u8]> + Send;

    /// Reads a line, with its end; an empty one at the end of the stream.
    fn read_line(reader: &mut Self::Reader) -> impl Future<Output = Self::Read<'_>> + Send;

    /// Reads so many bytes; none at the end of the stream.
    fn read_exactly(
        reader: &mut Self::Reader,
        count: usize,
    ) -> impl Future<Output = Self::Read<'_>> + Send;

    /// Writes all of it, with flow control, so that it goes out.
    fn write(writer: &mut Self::Writer, data: &[u8]) -> impl Future<Output = ()> + Send;
}

/// A runtime with UDP sockets.
pub trait Datagrams: Tasks {
    /// A socket.
    type Socket: Send + Sync + 'static;

    /// A socket on any free port of this machine.
    fn bind() -> impl Future<Output = (Self::Socket, SocketAddr)> + Send;

    /// Receives a datagram: its length and its sender.
    fn receive_from(
        socket: &Self::Socket,
        buffer: &mut [u8],
    ) -> impl Future<Output = (usize, SocketAddr)> + Send;

    /// Sends a datagram.
    fn send_to(
        socket: &Self::Socket,
        data: &[u8],
        address: SocketAddr,
    ) -> impl Future<Output = ()> + Send;
}

/// A runtime with TLS, by its own streams or by the crate that its users usually take.
#[cfg(feature = "others")]
pub trait Secure: Sockets {
    /// Serves an echo of blocks of so many bytes for ever. Returns the address.
    fn serve_secure(
        config: std::sync::Arc<rustls::ServerConfig>,
        block: usize,
    ) -> impl Future<Output = SocketAddr> + Send;
}

/// A runtime with child processes.
pub trait Processes: Tasks {
    /// Starts `true`, and waits for its end.
    fn run_true() -> impl Future<Output = ()> + Send + 'static;

    /// Starts `cat`, writes `data` to it, and reads what comes back at the same time. Returns how
    /// much that is.
    fn through_cat(data: &[u8]) -> impl Future<Output = usize> + Send;
}

/// A runtime with a lock that a task may keep locked across an await.
pub trait Locks: Tasks {
    /// A lock around a number.
    type Lock: Send + Sync + 'static;

    /// An unlocked lock around zero.
    fn lock() -> Self::Lock;

    /// Increments the number under the lock, and unlocks it when `inside` is done.
    fn count_under<F>(lock: &Self::Lock, inside: F) -> impl Future<Output = usize> + Send
    where
        F: Future<Output = ()> + Send;
}

/// A runtime with a semaphore.
pub trait Semaphores: Tasks {
    /// A number of permits.
    type Semaphore: Send + Sync + 'static;

    /// A semaphore with `permits` permits.
    fn semaphore(permits: usize) -> Self::Semaphore;

    /// Takes a permit, and gives it back when `inside` is done.
    fn with_permit<F>(semaphore: &Self::Semaphore, inside: F) -> impl Future<Output = ()> + Send
    where
        F: Future<Output = ()> + Send;
}

/// A runtime with an event that, once set, lets everybody through.
pub trait Events: Tasks {
    /// An event.
    type Event: Send + Sync + 'static;

    /// An event that is not set.
    fn event() -> Self::Event;

    /// Sets it.
    fn set(event: &Self::Event);

    /// Waits until it is set.
    fn wait(event: &Self::Event) -> impl Future<Output = ()> + Send;
}

/// A runtime with a bounded queue of its own, for at least one consumer.
pub trait Channels: Tasks {
    /// The producer's end.
    type Sender: Clone + Send + 'static;

    /// The consumer's end.
    type Receiver: Send + 'static;

    /// A queue with room for `room` numbers.
    fn channel(room: usize) -> (Self::Sender, Self::Receiver);

    /// Puts a number in; waits until there is room.
    fn send(sender: &Self::Sender, number: usize) -> impl Future<Output = ()> + Send;

    /// Takes a number out; waits until there is one.
    fn receive(receiver: &mut Self::Receiver) -> impl Future<Output = usize> + Send;
}

/// A runtime with a queue without a bound, for at least one consumer.
pub trait UnboundedChannels: Tasks {
    /// The producer's end.
    type Unbounded: Clone + Send + 'static;

    /// The consumer's end.
    type UnboundedReceiver: Send + 'static;

    /// A queue with room for any number of numbers.
    fn unbounded() -> (Self::Unbounded, Self::UnboundedReceiver);

    /// Puts a number in, with the call that users write: a plain one where there is one.
    fn push(sender: &Self::Unbounded, number: usize) -> impl Future<Output = ()> + Send;

    /// Takes a number out; waits until there is one.
    fn pull(receiver: &mut Self::UnboundedReceiver) -> impl Future<Output = usize> + Send;
}

/// A runtime with a bounded queue for many consumers: its own, or the one that its users usually
/// use.
pub trait Queues: Tasks {
    /// A handle of the queue, for producers and consumers.
    type Queue: Clone + Send + 'static;

    /// A queue with room for `room` numbers.
    fn queue(room: usize) -> Self::Queue;

    /// Puts a number in; waits until there is room.
    fn put(queue: &Self::Queue, number: usize) -> impl Future<Output = ()> + Send;

    /// Takes a number out; waits until there is one.
    fn get(queue: &Self::Queue) -> impl Future<Output = usize> + Send;
}

/// A runtime with threads for blocking functions.
pub trait Blocking: Tasks {
    /// Submits `function` to such a thread, at the call and not at the first poll; the future
    /// returns its value.
    fn to_thread<F, T>(function: F) -> impl Future<Output = T> + Send
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static;
}
