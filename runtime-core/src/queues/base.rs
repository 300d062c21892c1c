//! What queues whose items are under the lock have in common: they differ in their buffer.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use super::buffer::Buffer;
use super::contents::{
    Answer, Contents, GETTERS, Items, JOINERS, LockedItems, Look, PUTTERS, Steps,
};
use super::errors::{GetError, PutError, QueueShutDown, TaskDoneTooOften};
use crate::runtime::Waiter;
use crate::sync::const_fn;

/// A queue with some buffer.
#[derive(Debug)]
pub(super) struct Base<B: Buffer> {
    items: Items<B>,
}

impl<B: Buffer> Base<B> {
    const_fn! {
        pub(super) fn new(buffer: B, maxsize: usize) -> Base<B> {
            Base { items: Items::new((), Contents::new(buffer, maxsize)) }
        }
    }

    pub(super) fn items(&self) -> &Items<B> {
        &self.items
    }

    pub(super) fn put(&self, item: B::Item) -> Put<'_, B> {
        put(&self.items, item)
    }

    pub(super) fn get(&self) -> Get<'_, B> {
        get(&self.items)
    }

    pub(super) fn join(&self) -> Join<'_, B> {
        Join {
            wait: self.items.wait(JOINERS, 1),
        }
    }

    pub(super) fn put_nowait(&self, item: B::Item) -> Result<(), PutError<B::Item>> {
        put_nowait(&mut self.items.lock(), item)
    }

    pub(super) fn get_nowait(&self) -> Result<B::Item, GetError> {
        get_nowait(&mut self.items.lock())
    }

    pub(super) fn task_done(&self) -> Result<(), TaskDoneTooOften> {
        self.items.lock().task_done()
    }

    pub(super) fn shutdown(&self, immediate: bool) {
        let dropped = self.items.lock().shut_down(immediate);
        // The lock has been released.
        drop(dropped);
    }

    pub(super) fn look(&self) -> Look {
        self.items.lock().look()
    }

    pub(super) fn show(&self, name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.look().show(name, f)
    }
}

impl Look {
    pub(super) fn maxsize(self) -> usize {
        match self.maxsize {
            usize::MAX => 0,
            maxsize => maxsize,
        }
    }

    pub(super) fn is_full(self) -> bool {
        self.size >= self.maxsize
    }

    /// For an end of a channel: its queue has no `task_done`.
    pub(super) fn show_channel(self, name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(name)
            .field("capacity", &self.maxsize())
            .field("len", &self.size)
            .field("closed", &self.is_shut)
            .finish_non_exhaustive()
    }

    pub(super) fn show(self, name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(name)
            .field("maxsize", &self.maxsize())
            .field("qsize", &self.size)
            .field("unfinished_tasks", &self.unfinished)
            .field("shut_down", &self.is_shut)
            .finish_non_exhaustive()
    }
}

#[inline]
pub(super) fn put<B: Buffer>(items: &Items<B>, item: B::Item) -> Put<'_, B> {
    Put {
        items,
        item: Some(item),
        wait: None,
    }
}

#[inline]
pub(super) fn get<B: Buffer>(items: &Items<B>) -> Get<'_, B> {
    Get { items, wait: None }
}

#[inline]
pub(super) fn put_nowait<B: Buffer>(
    locked: &mut LockedItems<'_, B>,
    item: B::Item,
) -> Result<(), PutError<B::Item>> {
    match locked.promise_slot() {
        Ok(()) => locked.fill_slot(item).map_err(PutError::ShutDown),
        Err(error) => Err(error.map(|()| item)),
    }
}

#[inline]
pub(super) fn get_nowait<B: Buffer>(locked: &mut LockedItems<'_, B>) -> Result<B::Item, GetError> {
    locked.promise_item()?;
    locked.take_promised().ok_or(GetError::ShutDown)
}

pin_project! {
    /// Puts an item. Dropped before its end, it drops the item, which has not been put.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless they are awaited"]
    pub(super) struct Put<'a, B: Buffer> {
        items: &'a Items<B>,
        item: Option<B::Item>,
        // `None` until it has to wait: mostly it need not.
        #[pin]
        wait: Option<Waiter<'a, Contents<B>, 3>>,
    }
}

impl<B: Buffer> Future for Put<'_, B> {
    type Output = Result<(), QueueShutDown<B::Item>>;

    #[inline]
    fn poll(self: Pin<&mut Self>, with: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        assert!(this.item.is_some(), "`put` is polled after it has ended");
        let mut locked = this.items.lock();
        let promise = |locked: &mut LockedItems<'_, B>| locked.promise_slot().is_ok();
        let polled = poll_wait(&mut locked, this.items, PUTTERS, this.wait, with, promise);
        let answer = ready!(polled);
        let Some(item) = this.item.take() else {
            unreachable!("checked above");
        };
        let put = match answer {
            Answer::Promised => locked.fill_slot(item),
            Answer::ShutDown => Err(item),
        };
        drop(locked);
        Poll::Ready(put.map_err(QueueShutDown))
    }
}

pin_project! {
    /// Gets an item.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless they are awaited"]
    pub(super) struct Get<'a, B: Buffer> {
        items: &'a Items<B>,
        // `None` until it has to wait.
        #[pin]
        wait: Option<Waiter<'a, Contents<B>, 3>>,
    }
}

impl<B: Buffer> Future for Get<'_, B> {
    type Output = Result<B::Item, QueueShutDown>;

    #[inline]
    fn poll(self: Pin<&mut Self>, with: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let mut locked = this.items.lock();
        let promise = |locked: &mut LockedItems<'_, B>| locked.promise_item().is_ok();
        let polled = poll_wait(&mut locked, this.items, GETTERS, this.wait, with, promise);
        let item = match ready!(polled) {
            Answer::Promised => locked.take_promised(),
            Answer::ShutDown => None,
        };
        Poll::Ready(item.ok_or(QueueShutDown(())))
    }
}

/// Polls a future that waits in `line` of `items`, which are locked. Only if `promise` fails, which
/// tries to get it without waiting, a waiter is made.
#[inline]
fn poll_wait<'a, B: Buffer>(
    locked: &mut LockedItems<'_, B>,
    items: &'a Items<B>,
    line: usize,
    mut wait: Pin<&mut Option<Waiter<'a, Contents<B>, 3>>>,
    with: &mut Context<'_>,
    promise: impl FnOnce(&mut LockedItems<'_, B>) -> bool,
) -> Poll<Answer> {
    if wait.is_none() {
        if promise(locked) {
            return Poll::Ready(Answer::Promised);
        }
        wait.set(Some(items.wait(line, 1)));
    }
    let waiter = wait.as_pin_mut().expect("there is one");
    waiter.poll_under(locked, with).map(Answer::from)
}

pin_project! {
    /// Waits until all items have been worked off.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless they are awaited"]
    pub(super) struct Join<'a, B: Buffer> {
        #[pin]
        wait: Waiter<'a, Contents<B>, 3>,
    }
}

impl<B: Buffer> Future for Join<'_, B> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, with: &mut Context<'_>) -> Poll<()> {
        self.project().wait.poll(with).map(drop)
    }
}
