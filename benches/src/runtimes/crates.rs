//! Crates that have a queue and no runtime: their queues on tokio's.

use std::future::Future;
use std::marker::PhantomData;

use super::{Channels, Queues, Tasks, Tokio, UnboundedChannels};

/// The crate flume.
pub type Flume = OnTokio<FlumeQueue>;

/// The crate kanal.
pub type Kanal = OnTokio<KanalQueue>;

/// A crate with a queue for many producers and consumers.
pub trait QueueCrate: 'static {
    /// The producer's end.
    type Sender: Clone + Send + Sync + 'static;

    /// The consumer's end.
    type Receiver: Clone + Send + Sync + 'static;

    /// A queue with room for `room` numbers.
    fn bounded(room: usize) -> (Self::Sender, Self::Receiver);

    /// A queue with room for any number of numbers.
    fn unbounded() -> (Self::Sender, Self::Receiver);

    /// Puts a number in; waits until there is room.
    fn send(sender: &Self::Sender, number: usize) -> impl Future<Output = ()> + Send;

    /// Takes a number out; waits until there is one.
    fn receive(receiver: &Self::Receiver) -> impl Future<Output = usize> + Send;
}

/// The queue of a crate, used by tokio's tasks.
#[derive(Debug)]
pub struct OnTokio<Q>(PhantomData<Q>);

impl<Q: QueueCrate> Tasks for OnTokio<Q> {
    type Task<T: Send + 'static> = <Tokio as Tasks>::Task<T>;
    type Spawner = <Tokio as Tasks>::Spawner;

    fn run<F: Future>(workers: usize, main: F) -> F::Output {
        Tokio::run(workers, main)
    }

    fn spawn<F>(future: F) -> Self::Task<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        Tokio::spawn(future)
    }

    fn join<T: Send + 'static>(task: Self::Task<T>) -> impl Future<Output = T> + Send {
        Tokio::join(task)
    }

    fn detach<T: Send + 'static>(task: Self::Task<T>) {
        Tokio::detach(task);
    }

    fn yield_now() -> impl Future<Output = ()> + Send {
        Tokio::yield_now()
    }

    fn spawner() -> Self::Spawner {
        Tokio::spawner()
    }

    fn spawn_from<F>(spawner: &Self::Spawner, future: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        Tokio::spawn_from(spawner, future);
    }
}

impl<Q: QueueCrate> Channels for OnTokio<Q> {
    type Sender = Q::Sender;
    type Receiver = Q::Receiver;

    fn channel(room: usize) -> (Self::Sender, Self::Receiver) {
        Q::bounded(room)
    }

    fn send(sender: &Self::Sender, number: usize) -> impl Future<Output = ()> + Send {
        Q::send(sender, number)
    }

    fn receive(receiver: &mut Self::Receiver) -> impl Future<Output = usize> + Send {
        Q::receive(receiver)
    }
}

impl<Q: QueueCrate> UnboundedChannels for OnTokio<Q> {
    type Unbounded = Q::Sender;
    type UnboundedReceiver = Q::Receiver;

    fn unbounded() -> (Self::Unbounded, Self::UnboundedReceiver) {
        Q::unbounded()
    }

    fn push(sender: &Self::Unbounded, number: usize) -> impl Future<Output = ()> + Send {
        Q::send(sender, number)
    }

    fn pull(receiver: &mut Self::UnboundedReceiver) -> impl Future<Output = usize> + Send {
        Q::receive(receiver)
    }
}

impl<Q: QueueCrate> Queues for OnTokio<Q> {
    type Queue = (Q::Sender, Q::Receiver);

    fn queue(room: usize) -> Self::Queue {
        Q::bounded(room)
    }

    fn put((sender, _): &Self::Queue, number: usize) -> impl Future<Output = ()> + Send {
        Q::send(sender, number)
    }

    fn get((_, receiver): &Self::Queue) -> impl Future<Output = usize> + Send {
        Q::receive(receiver)
    }
}

/// flume's channel.
#[derive(Debug)]
pub struct FlumeQueue;

impl QueueCrate for FlumeQueue {
    type Sender = flume::Sender<usize>;
    type Receiver = flume::Receiver<usize>;

    fn bounded(room: usize) -> (Self::Sender, Self::Receiver) {
        flume::bounded(room)
    }

    fn unbounded() -> (Self::Sender, Self::Receiver) {
        flume::unbounded()
    }

    async fn send(sender: &Self::Sender, number: usize) {
        let sent = sender.send_async(number).await;
        sent.expect("the receiver exists");
    }

    async fn receive(receiver: &Self::Receiver) -> usize {
        receiver.recv_async().await.expect("a sender exists")
    }
}

/// kanal's channel.
#[derive(Debug)]
pub struct KanalQueue;

impl QueueCrate for KanalQueue {
    type Sender = kanal::AsyncSender<usize>;
    type Receiver = kanal::AsyncReceiver<usize>;

    fn bounded(room: usize) -> (Self::Sender, Self::Receiver) {
        kanal::bounded_async(room)
    }

    fn unbounded() -> (Self::Sender, Self::Receiver) {
        kanal::unbounded_async()
    }

    async fn send(sender: &Self::Sender, number: usize) {
        sender.send(number).await.expect("the receiver exists");
    }

    async fn receive(receiver: &Self::Receiver) -> usize {
        receiver.recv().await.expect("a sender exists")
    }
}
