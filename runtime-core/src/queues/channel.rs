//! Channels: a queue with two kinds of ends, which knows when one kind is gone.

use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use ::futures::future::{FutureExt, TryFutureExt};
use ::futures::sink::Sink;
use ::futures::stream::{FusedStream, Stream};

use super::base::{get, get_nowait, put, put_nowait};
use super::contents::{Answer, Contents, GETTERS, Items, PUTTERS, Steps};
use super::errors::{QueueShutDown, SendError, TryRecvError, TrySendError};
use crate::runtime::OwnedWaiter;
use crate::sync::{Mutant, StdArc, broken};

type Fifo<T> = VecDeque<T>;
type Shared<T> = StdArc<Items<Fifo<T>>>;
type Wait<T> = Pin<Box<OwnedWaiter<Contents<Fifo<T>>, 3>>>;

/// Makes a channel for at most `capacity` values, or for any number if that is 0.
///
/// It is a [`Queue`](crate::Queue) with two ends. Both can be cloned, and a value goes to one
/// receiver. When the last [`Sender`] is gone, receivers take what is left, and then learn that it
/// is over. When the last [`Receiver`] is gone, sending fails, and what nobody has received is
/// dropped.
///
/// ```
/// # asyncio::run(async {
/// let (sender, receiver) = asyncio::channel(10);
/// asyncio::create_task(async move {
///     for number in 0..3 {
///         sender.send(number).await.unwrap();
///     }
/// });
/// while let Some(number) = receiver.recv().await {
///     println!("{number}");
/// }
/// # });
/// ```
///
/// A thread that is no worker blocks with
/// [`EventLoop::block_on`](crate::EventLoop::block_on):
///
/// ```
/// # asyncio::run(async {
/// let (sender, receiver) = asyncio::channel(1);
/// let event_loop = asyncio::get_running_loop();
/// std::thread::spawn(move || {
///     for number in 0..3 {
///         event_loop.block_on(sender.send(number)).unwrap().unwrap();
///     }
/// });
/// assert_eq!(receiver.recv().await, Some(0));
/// # });
/// ```
#[must_use]
pub fn channel<T>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    let contents = Contents::new(VecDeque::new(), capacity);
    let items = StdArc::new(Items::new((), contents));
    let sender = Sender {
        end: StdArc::new(SenderEnd(StdArc::clone(&items))),
        items: StdArc::clone(&items),
        wait: None,
        has_slot: false,
    };
    let receiver = Receiver {
        end: StdArc::new(ReceiverEnd(StdArc::clone(&items))),
        items,
        wait: None,
    };
    (sender, receiver)
}

/// What all senders of a channel share: dropped with the last of them.
struct SenderEnd<T>(Shared<T>);

impl<T> Drop for SenderEnd<T> {
    fn drop(&mut self) {
        close(&self.0, false);
    }
}

/// What all receivers of a channel share: dropped with the last of them.
struct ReceiverEnd<T>(Shared<T>);

impl<T> Drop for ReceiverEnd<T> {
    fn drop(&mut self) {
        close(&self.0, true);
    }
}

fn close<T>(items: &Items<Fifo<T>>, immediate: bool) {
    let dropped = items.lock().shut_down(immediate);
    // The lock has been released.
    drop(dropped);
}

/// The end of a [`channel`] that sends values. It is also a [`Sink`].
pub struct Sender<T> {
    items: Shared<T>,
    end: StdArc<SenderEnd<T>>,
    /// How it waits as a sink: made when it waits first.
    wait: Option<Wait<T>>,
    /// As a sink it is ready: a slot is reserved for it.
    has_slot: bool,
}

impl<T> Sender<T> {
    /// Sends a value; waits while the channel is full.
    ///
    /// # Errors
    /// [`SendError`] with the value, if the channel is closed, or no receiver is left.
    ///
    /// # Cancellation
    /// A `send` that is cancelled or dropped has not sent its value, which is dropped with it.
    pub fn send(&self, value: T) -> impl Future<Output = Result<(), SendError<T>>> {
        put(&self.items, value).map_err(|QueueShutDown(value)| SendError(value))
    }

    /// Sends a value, if there is room and nobody waits for it.
    ///
    /// # Errors
    /// [`TrySendError`] with the value.
    pub fn try_send(&self, value: T) -> Result<(), TrySendError<T>> {
        Ok(put_nowait(&mut self.items.lock(), value)?)
    }

    /// Closes the channel: nothing more can be sent, by any sender. Receivers take what is left.
    pub fn close(&self) {
        close(&self.items, false);
    }

    /// Whether sending fails: the channel is closed, or no receiver is left.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.items.lock().look().is_shut
    }

    /// How many values are in the channel.
    #[must_use]
    pub fn len(&self) -> usize {
        self.items.lock().look().size
    }

    /// Whether no value is in the channel.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many values may be in the channel; 0 if any number.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.items.lock().look().maxsize()
    }

    /// Gives back the slot that is reserved for it as a sink.
    fn give_slot_back(&mut self) {
        if std::mem::take(&mut self.has_slot) && !broken(Mutant::KeepSinkSlot) {
            self.items.lock().give_slot_back();
        }
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Sender<T> {
        Sender {
            items: StdArc::clone(&self.items),
            end: StdArc::clone(&self.end),
            wait: None,
            has_slot: false,
        }
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        self.give_slot_back();
    }
}

/// A sender that is ready has a slot of its own in the channel, until it sends or is dropped.
///
/// Closing it drops it as a sender: receivers learn that it is over when the others are gone too.
impl<T> Sink<T> for Sender<T> {
    type Error = SendError<()>;

    fn poll_ready(self: Pin<&mut Self>, with: &mut Context<'_>) -> Poll<Result<(), SendError<()>>> {
        let this = self.get_mut();
        if this.has_slot {
            return Poll::Ready(Ok(()));
        }
        let items = &this.items;
        let new = || Box::pin(OwnedWaiter::new(StdArc::clone(items), PUTTERS, 1));
        let wait = this.wait.get_or_insert_with(new);
        let (locked, answer) = ready!(wait.as_mut().poll(with));
        drop(locked);
        this.has_slot = Answer::from(answer) == Answer::Promised;
        Poll::Ready(this.has_slot.then_some(()).ok_or(SendError(())))
    }

    fn start_send(self: Pin<&mut Self>, value: T) -> Result<(), SendError<()>> {
        let this = self.get_mut();
        assert!(this.has_slot, "start_send needs a poll_ready before it");
        this.has_slot = false;
        let refused = this.items.lock().fill_slot(value);
        // Dropped without the lock.
        refused.map_err(|value| {
            drop(value);
            SendError(())
        })
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), SendError<()>>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), SendError<()>>> {
        let this = self.get_mut();
        // It becomes the only sender of a channel that is closed.
        if !broken(Mutant::CloseSinkSilently) {
            *this = channel(0).0;
        }
        Poll::Ready(Ok(()))
    }
}

/// The end of a [`channel`] that receives values. It is also a [`Stream`].
pub struct Receiver<T> {
    items: Shared<T>,
    end: StdArc<ReceiverEnd<T>>,
    /// How it waits as a stream: made when it waits first.
    wait: Option<Wait<T>>,
}

impl<T> Receiver<T> {
    /// Receives a value; waits while there is none. Returns `None` when the channel is closed, or
    /// no sender is left, and all values have been received.
    ///
    /// # Cancellation
    /// A `recv` that is cancelled or dropped has taken nothing.
    pub fn recv(&self) -> impl Future<Output = Option<T>> {
        get(&self.items).map(Result::ok)
    }

    /// Receives a value, if there is one that nobody waits for.
    ///
    /// # Errors
    /// [`TryRecvError`] if there is none, or there will be none.
    pub fn try_recv(&self) -> Result<T, TryRecvError> {
        Ok(get_nowait(&mut self.items.lock())?)
    }

    /// Closes the channel: nothing more can be sent. Receivers take what is left.
    pub fn close(&self) {
        close(&self.items, false);
    }

    /// Whether nothing more can be sent: the channel is closed, or no sender is left. There may be
    /// values to be received.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.items.lock().look().is_shut
    }

    /// How many values are in the channel.
    #[must_use]
    pub fn len(&self) -> usize {
        self.items.lock().look().size
    }

    /// Whether no value is in the channel.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many values may be in the channel; 0 if any number.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.items.lock().look().maxsize()
    }
}

impl<T> Clone for Receiver<T> {
    fn clone(&self) -> Receiver<T> {
        Receiver {
            items: StdArc::clone(&self.items),
            end: StdArc::clone(&self.end),
            wait: None,
        }
    }
}

impl<T> Stream for Receiver<T> {
    type Item = T;

    fn poll_next(self: Pin<&mut Self>, with: &mut Context<'_>) -> Poll<Option<T>> {
        let this = self.get_mut();
        if this.wait.is_none() {
            match this.try_recv() {
                Ok(value) => return Poll::Ready(Some(value)),
                Err(TryRecvError::Disconnected) => return Poll::Ready(None),
                Err(TryRecvError::Empty) => {}
            }
        }
        let items = &this.items;
        let new = || Box::pin(OwnedWaiter::new(StdArc::clone(items), GETTERS, 1));
        let wait = this.wait.get_or_insert_with(new);
        let (mut locked, answer) = ready!(wait.as_mut().poll(with));
        Poll::Ready(match Answer::from(answer) {
            Answer::Promised => locked.take_promised(),
            Answer::ShutDown => None,
        })
    }
}

impl<T> FusedStream for Receiver<T> {
    fn is_terminated(&self) -> bool {
        let look = self.items.lock().look();
        look.is_shut && look.size == 0
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.items.lock().look().show_channel("Sender", f)
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.items.lock().look().show_channel("Receiver", f)
    }
}
