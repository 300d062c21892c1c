//! A channel whose receivers all get every value.

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use ::futures::stream::{FusedStream, Stream};

use super::errors::{BroadcastError, SendError, TryBroadcastError};
use crate::runtime::{OwnedWaiter, Resource, WaitQueue};
use crate::sync::{Mutant, StdArc, broken};

type Shared<T> = StdArc<WaitQueue<Values<T>>>;
type Wait<T> = Pin<Box<OwnedWaiter<Values<T>>>>;

/// The values that some receiver has not had yet, under the lock. They are numbered in the order in
/// which they were sent.
struct Values<T> {
    values: VecDeque<Value<T>>,
    /// The number of the first value.
    first: usize,
    capacity: usize,
    senders: usize,
    receivers: usize,
}

struct Value<T> {
    /// Shared with those who copy it, so that it is copied without the lock.
    value: StdArc<T>,
    /// How many receivers have not had it.
    unread: usize,
}

impl<T> Resource<1> for Values<T> {
    type Shared = ();

    /// A value takes nothing from anybody.
    const TURNS: bool = false;

    fn reserve(&mut self, _line: usize, next: usize) -> Option<usize> {
        (next < self.end_of_values() || self.senders == 0).then_some(0)
    }

    #[inline]
    fn arrive(&mut self, line: usize, next: usize, _before: usize) -> Option<usize> {
        match broken(Mutant::ReceiveWithoutLook) {
            true => None,
            false => self.reserve(line, next),
        }
    }

    fn restore(&mut self, _line: usize, _units: usize, _answer: usize) {}
}

impl<T> Values<T> {
    /// The number of the value that is sent next.
    fn end_of_values(&self) -> usize {
        self.first + self.values.len()
    }

    /// Takes away the values at the beginning that every receiver has had. They are to be dropped
    /// without the lock.
    fn take_read(&mut self) -> VecDeque<Value<T>> {
        let mut rest = self.values.iter().position(|value| value.unread > 0);
        let read = *rest.get_or_insert(self.values.len());
        self.first += read;
        let unread = self.values.split_off(read);
        std::mem::replace(&mut self.values, unread)
    }
}

/// Makes a channel that keeps the last `capacity` values for every receiver.
///
/// Every receiver gets every value that is sent after it was made. Sending never waits: a receiver
/// that is more than `capacity` values behind loses the oldest ones, and is told how many. A value
/// is dropped when every receiver has had it.
///
/// # Panics
/// If `capacity` is 0.
///
/// ```
/// # asyncio::run(async {
/// use asyncio::BroadcastError::{Closed, Lagged};
///
/// let (sender, mut receiver) = asyncio::broadcast(2);
/// for number in 1..=3 {
///     sender.send(number).unwrap();
/// }
/// drop(sender);
/// assert_eq!(receiver.recv().await, Err(Lagged(1)));
/// assert_eq!(receiver.recv().await, Ok(2));
/// assert_eq!(receiver.recv().await, Ok(3));
/// assert_eq!(receiver.recv().await, Err(Closed));
/// # });
/// ```
#[must_use]
#[track_caller]
pub fn broadcast<T>(capacity: usize) -> (BroadcastSender<T>, BroadcastReceiver<T>) {
    assert!(capacity > 0, "a broadcast channel keeps at least one value");
    let values = Values {
        values: VecDeque::new(),
        first: 0,
        capacity,
        senders: 1,
        receivers: 1,
    };
    let values = StdArc::new(WaitQueue::new((), values));
    let receiver = BroadcastReceiver {
        values: StdArc::clone(&values),
        next: 0,
        wait: None,
    };
    (BroadcastSender { values }, receiver)
}

/// Sends values to all receivers of a [`broadcast`].
pub struct BroadcastSender<T> {
    values: Shared<T>,
}

impl<T> BroadcastSender<T> {
    /// Sends a value to all receivers. Returns how many there are.
    ///
    /// # Errors
    /// [`SendError`] with the value, if there is no receiver.
    pub fn send(&self, value: T) -> Result<usize, SendError<T>> {
        let value = StdArc::new(value);
        let mut locked = self.values.lock();
        let unread = locked.receivers;
        if unread == 0 {
            drop(locked);
            let value = StdArc::into_inner(value).expect("nobody else has it");
            return Err(SendError(value));
        }
        let is_full = locked.values.len() == locked.capacity;
        let oldest = is_full.then(|| locked.values.pop_front());
        locked.first += usize::from(is_full);
        locked.values.push_back(Value { value, unread });
        if !broken(Mutant::BroadcastSilently) {
            locked.serve(0);
        }
        drop(locked);
        drop(oldest);
        Ok(unread)
    }

    /// Makes a receiver, which gets what is sent from now on.
    #[must_use]
    pub fn subscribe(&self) -> BroadcastReceiver<T> {
        subscribe(&self.values)
    }

    /// How many receivers there are.
    #[must_use]
    pub fn receiver_count(&self) -> usize {
        self.values.lock().receivers
    }

    /// How many values are kept for receivers that have not had them.
    #[must_use]
    pub fn len(&self) -> usize {
        self.values.lock().values.len()
    }

    /// Whether every receiver has had every value.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

fn subscribe<T>(values: &Shared<T>) -> BroadcastReceiver<T> {
    let mut locked = values.lock();
    locked.receivers += 1;
    BroadcastReceiver {
        next: locked.end_of_values(),
        values: StdArc::clone(values),
        wait: None,
    }
}

impl<T> Clone for BroadcastSender<T> {
    fn clone(&self) -> BroadcastSender<T> {
        self.values.lock().senders += 1;
        BroadcastSender {
            values: StdArc::clone(&self.values),
        }
    }
}

impl<T> Drop for BroadcastSender<T> {
    fn drop(&mut self) {
        let mut locked = self.values.lock();
        locked.senders -= 1;
        if !broken(Mutant::LastSenderSilent) {
            locked.serve(0);
        }
    }
}

/// Gets every value of a [`broadcast`]. It is also a [`Stream`], which ends when the channel is
/// closed.
pub struct BroadcastReceiver<T> {
    values: Shared<T>,
    /// The number of the value that it gets next.
    next: usize,
    /// How it waits as a stream.
    wait: Option<Wait<T>>,
}

impl<T> BroadcastReceiver<T> {
    /// Makes a receiver, which gets what is sent from now on.
    #[must_use]
    pub fn resubscribe(&self) -> BroadcastReceiver<T> {
        subscribe(&self.values)
    }

    /// How many values there are that it has not had.
    #[must_use]
    pub fn len(&self) -> usize {
        let locked = self.values.lock();
        locked.end_of_values() - self.next.max(locked.first)
    }

    /// Whether it has had every value.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<T: Clone> BroadcastReceiver<T> {
    /// Receives the next value; waits while there is none.
    ///
    /// # Errors
    /// [`BroadcastError`] if values were lost, or there will be none.
    ///
    /// # Cancellation
    /// A `recv` that is cancelled or dropped has taken nothing.
    pub async fn recv(&mut self) -> Result<T, BroadcastError> {
        loop {
            match self.try_recv() {
                Ok(value) => return Ok(value),
                Err(TryBroadcastError::Empty) => {}
                Err(TryBroadcastError::Lagged(missed)) => {
                    return Err(BroadcastError::Lagged(missed));
                }
                Err(TryBroadcastError::Closed) => return Err(BroadcastError::Closed),
            }
            let mut wait = std::pin::pin!(self.values.wait(0, self.next));
            std::future::poll_fn(|with| wait.as_mut().poll(with).map(drop)).await;
        }
    }

    /// Receives the next value, if there is one.
    ///
    /// # Errors
    /// [`TryBroadcastError`] if there is none, or there will be none, or values were lost.
    pub fn try_recv(&mut self) -> Result<T, TryBroadcastError> {
        let mut locked = self.values.lock();
        let Some(index) = self.next.checked_sub(locked.first) else {
            let missed = locked.first - self.next;
            if broken(Mutant::LagInTwoSteps) {
                drop(locked);
                locked = self.values.lock();
            }
            self.next = locked.first;
            return Err(TryBroadcastError::Lagged(missed as u64));
        };
        let Some(next) = locked.values.get_mut(index) else {
            return Err(match locked.senders {
                0 => TryBroadcastError::Closed,
                _ => TryBroadcastError::Empty,
            });
        };
        next.unread -= 1;
        let value = StdArc::clone(&next.value);
        let read = (index == 0 && next.unread == 0).then(|| locked.take_read());
        self.next += 1;
        drop(locked);
        drop(read);
        Ok(StdArc::try_unwrap(value).unwrap_or_else(|value| T::clone(&value)))
    }
}

impl<T> Drop for BroadcastReceiver<T> {
    fn drop(&mut self) {
        let mut locked = self.values.lock();
        locked.receivers -= 1;
        if broken(Mutant::UnsubscribeInTwoSteps) {
            drop(locked);
            locked = self.values.lock();
        }
        let index = self.next.saturating_sub(locked.first);
        let unread = locked.values.iter_mut().skip(index);
        unread.for_each(|value| value.unread -= 1);
        let read = locked.take_read();
        drop(locked);
        drop(read);
    }
}

impl<T: Clone> Stream for BroadcastReceiver<T> {
    type Item = Result<T, BroadcastError>;

    fn poll_next(self: Pin<&mut Self>, with: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        loop {
            if let Some(wait) = &mut this.wait {
                ready!(wait.as_mut().poll(with).map(drop));
                this.wait = None;
            }
            match this.try_recv() {
                Ok(value) => return Poll::Ready(Some(Ok(value))),
                Err(TryBroadcastError::Lagged(missed)) => {
                    return Poll::Ready(Some(Err(BroadcastError::Lagged(missed))));
                }
                Err(TryBroadcastError::Closed) => return Poll::Ready(None),
                Err(TryBroadcastError::Empty) => {}
            }
            let wait = OwnedWaiter::new(StdArc::clone(&this.values), 0, this.next);
            this.wait = Some(Box::pin(wait));
        }
    }
}

impl<T: Clone> FusedStream for BroadcastReceiver<T> {
    fn is_terminated(&self) -> bool {
        let locked = self.values.lock();
        locked.senders == 0 && self.next == locked.end_of_values()
    }
}

impl<T> fmt::Debug for BroadcastSender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("BroadcastSender");
        shown.field("len", &self.len()).finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for BroadcastReceiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("BroadcastReceiver");
        shown.field("len", &self.len()).finish_non_exhaustive()
    }
}
