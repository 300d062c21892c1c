//! `gather_all`: the children come from an iterator, as many at once as may live.

use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use super::awaitables::{is_handle, plain};
use super::children::{Child, Spawner};
use super::failure::FirstFailure;
use super::future::{Gather, ReturnExceptions};
use crate::exceptions::TaskError;
use crate::runtime::{CancelWaker, is_big, is_request_offered};
use crate::sync::Arc;
use crate::sync::atomic::{AtomicUsize, Ordering};
use ::futures::task::AtomicWaker;

/// The future of [`gather_all`](super::gather_all): the values of all children, in the order of the
/// iterator, or the first error.
///
/// Unlike a [`gather`](super::gather()), it makes its children when it is polled first. Dropping it
/// detaches those that it has made.
#[must_use = "futures do nothing unless polled"]
pub struct GatherAll<I: Iterator<Item: Future>> {
    pulled: Pulled<I>,
}

/// The future of [`GatherAll::return_exceptions`]: how each of the children ended.
#[must_use = "futures do nothing unless polled"]
pub struct GatherAllExceptions<I: Iterator<Item: Future>> {
    pulled: Pulled<I>,
    joined: Option<ReturnExceptions<Children<I>>>,
}

type Output<I> = <<I as Iterator>::Item as Future>::Output;
type Children<I> = Vec<Child<Output<I>, TaskError>>;

impl<I> GatherAll<I>
where
    I: Iterator,
    I::Item: Future + Send + 'static,
    Output<I>: Send + 'static,
{
    pub(super) fn new(futures: I, location: &'static Location<'static>) -> GatherAll<I> {
        GatherAll {
            pulled: Pulled::new(futures, location),
        }
    }

    /// At most `limit` children are alive at once. Each is made when it may run: the iterator is
    /// asked for it then, in the awaiter's own task.
    ///
    /// asyncio has a semaphore for this, which each child acquires: there all children exist from
    /// the start.
    ///
    /// # Panics
    /// If the limit is 0.
    ///
    /// ```
    /// # async fn fetch(page: u32) -> u32 { page }
    /// # asyncio::run(async {
    /// let pages = asyncio::gather_all((1..=1000).map(fetch)).limit(8);
    /// assert_eq!(pages.await.unwrap().len(), 1000);
    /// # });
    /// ```
    #[track_caller]
    pub fn limit(mut self, limit: usize) -> GatherAll<I> {
        self.pulled.set_limit(limit);
        self
    }

    /// Waits for all children, and gives how each of them ended: `return_exceptions=True`.
    pub fn return_exceptions(self) -> GatherAllExceptions<I> {
        GatherAllExceptions {
            pulled: self.pulled,
            joined: None,
        }
    }
}

impl<I> GatherAllExceptions<I>
where
    I: Iterator,
    I::Item: Future + Send + 'static,
    Output<I>: Send + 'static,
{
    /// As [`GatherAll::limit`].
    ///
    /// # Panics
    /// If the limit is 0.
    #[track_caller]
    pub fn limit(mut self, limit: usize) -> GatherAllExceptions<I> {
        self.pulled.set_limit(limit);
        self
    }
}

impl<I> Future for GatherAll<I>
where
    I: Iterator,
    I::Item: Future + Send + 'static,
    Output<I>: Send + 'static,
{
    type Output = Result<Vec<Output<I>>, TaskError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.pulled.poll(true, cx) {
            Some(gather) => Pin::new(gather).poll(cx),
            None => Poll::Pending,
        }
    }
}

impl<I> Future for GatherAllExceptions<I>
where
    I: Iterator,
    I::Item: Future + Send + 'static,
    Output<I>: Send + 'static,
{
    type Output = Vec<Result<Output<I>, TaskError>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        if this.joined.is_none() {
            if this.pulled.poll(false, cx).is_none() {
                return Poll::Pending;
            }
            this.joined = this.pulled.take().map(Gather::return_exceptions);
        }
        match &mut this.joined {
            Some(joined) => Pin::new(joined).poll(cx),
            None => unreachable!("all are made now"),
        }
    }
}

// Nothing is pinned: the iterator is called, and its futures are in tasks.
impl<I: Iterator<Item: Future>> Unpin for GatherAll<I> {}
impl<I: Iterator<Item: Future>> Unpin for GatherAllExceptions<I> {}

/// The children that have been made so far, and the iterator that has the others.
struct Pulled<I: Iterator<Item: Future>> {
    /// `None` once all have been made. In a box, because it may contain all the futures: the room
    /// for them is not kept until the gather is dropped.
    futures: Option<Box<I>>,
    children: Children<I>,
    /// Waits for them, once all have been made.
    gather: Option<Gather<Children<I>>>,
    first_failure: Arc<FirstFailure>,
    living: Arc<Living>,
    limit: usize,
    location: &'static Location<'static>,
    cancel_waker: CancelWaker,
}

impl<I> Pulled<I>
where
    I: Iterator,
    I::Item: Future + Send + 'static,
    Output<I>: Send + 'static,
{
    fn new(futures: I, location: &'static Location<'static>) -> Pulled<I> {
        Pulled {
            futures: Some(Box::new(futures)),
            children: Vec::new(),
            gather: None,
            first_failure: FirstFailure::new(),
            living: Arc::default(),
            limit: usize::MAX,
            location,
            cancel_waker: CancelWaker::default(),
        }
    }

    #[track_caller]
    fn set_limit(&mut self, limit: usize) {
        assert!(limit > 0, "the limit of a gather must be at least 1");
        self.limit = limit;
    }

    /// Makes as many children as may live. Once there is nothing more to make, returns the gather
    /// of all of them.
    fn poll(
        &mut self,
        stops_at_failure: bool,
        cx: &mut Context<'_>,
    ) -> Option<&mut Gather<Children<I>>> {
        while self.futures.is_some() {
            self.pull(stops_at_failure);
            if self.futures.is_none() || !self.living.is_full(self.limit, cx.waker()) {
                continue;
            }
            self.cancel_waker.register_waker(cx.waker());
            let failed = stops_at_failure && self.first_failure.poll(cx.waker()).is_some();
            if failed {
                self.futures = None;
            } else if is_request_offered() {
                // What has been made is cancelled and waited for; the rest is never made.
                self.futures = None;
                self.join().cancel(cx);
            } else {
                return None;
            }
        }
        Some(self.join())
    }

    /// Makes children until as many live as may, or there are no more.
    fn pull(&mut self, stops_at_failure: bool) {
        let Some(futures) = &mut self.futures else {
            return;
        };
        let mut spawner = Spawner::at(&self.first_failure, self.location, self.children.len());
        if self.limit == usize::MAX {
            self.children.reserve(futures.size_hint().0);
            // A big future is boxed first: without optimisation, every closure that takes it copies
            // it.
            if const { is_big::<I::Item>() } {
                let boxed = futures.map(Box::pin);
                self.children
                    .extend(boxed.map(|future| plain(future, &mut spawner)));
            } else {
                self.children
                    .extend(futures.map(|future| plain(future, &mut spawner)));
            }
            self.futures = None;
            return;
        }
        while self.living.count() < self.limit {
            if stops_at_failure && self.first_failure.first().is_some() {
                self.futures = None;
                return;
            }
            let child = if const { is_big::<I::Item>() } {
                let next = futures.next().map(Box::pin);
                next.map(|future| Living::start::<I, _>(&self.living, future, &mut spawner))
            } else {
                let next = futures.next();
                next.map(|future| Living::start::<I, _>(&self.living, future, &mut spawner))
            };
            match child {
                Some(child) => self.children.push(child),
                None => {
                    self.futures = None;
                    return;
                }
            }
        }
    }

    /// The gather of all that have been made.
    fn join(&mut self) -> &mut Gather<Children<I>> {
        let (children, first_failure) = (&mut self.children, &self.first_failure);
        self.gather.get_or_insert_with(|| {
            let children = std::mem::take(children);
            Gather::new(children, Arc::clone(first_failure), self.location)
        })
    }

    fn take(&mut self) -> Option<Gather<Children<I>>> {
        self.gather.take()
    }
}

/// How many children of a limited gather live.
#[derive(Debug)]
struct Living {
    count: AtomicUsize,
    /// Woken when one has ended.
    waker: AtomicWaker,
}

impl Default for Living {
    fn default() -> Living {
        Living {
            count: AtomicUsize::new(0),
            waker: AtomicWaker::new(),
        }
    }
}

impl Living {
    /// Makes a child that lives from now on.
    fn start<I, F>(
        living: &Arc<Living>,
        future: F,
        spawner: &mut Spawner,
    ) -> Child<F::Output, TaskError>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
        I: Iterator,
    {
        let life = Living::begin(living);
        Child::start_with(future, Ok, life, is_handle::<I::Item>(), spawner)
    }

    fn begin(living: &Arc<Living>) -> Life {
        // Relaxed: only the awaiter counts up, and looks.
        living.count.fetch_add(1, Ordering::Relaxed);
        Life(Arc::clone(living))
    }

    fn count(&self) -> usize {
        // Acquire: pairs with the Release in `drop`: what a child did comes before the next one.
        self.count.load(Ordering::Acquire)
    }

    /// Whether as many live as may. If so, registers `waker` to be woken when one has ended.
    fn is_full(&self, limit: usize, waker: &Waker) -> bool {
        if self.count() < limit {
            return false;
        }
        self.waker.register(waker);
        // Read again: one that ended before the registration has woken nobody.
        self.count() >= limit
    }
}

/// One child lives, from its making to the drop of its future. A failure has been reported before.
struct Life(Arc<Living>);

impl Drop for Life {
    fn drop(&mut self) {
        // Release: pairs with the Acquire in `count`. The `AtomicWaker` orders `wake` and
        // `register`: one of the two threads sees the other.
        self.0.count.fetch_sub(1, Ordering::AcqRel);
        self.0.waker.wake();
    }
}

impl<I: Iterator<Item: Future>> fmt::Debug for GatherAll<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GatherAll").finish_non_exhaustive()
    }
}

impl<I: Iterator<Item: Future>> fmt::Debug for GatherAllExceptions<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GatherAllExceptions")
            .finish_non_exhaustive()
    }
}
