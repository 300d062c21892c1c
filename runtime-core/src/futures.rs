//! A result that somebody will set later: asyncio's `Future`, which is not Rust's trait of that name.
//!
//! Every handle of a [`Future`] shares one place. Two things in it are shared between threads:
//!
//! * the **outcome**, written once, by whoever is first to set a result or to cancel;
//! * the **audience**: callbacks and waiters in the order in which they came. How nobody is left
//!   behind, whoever comes while the outcome is written, is told there.
//!
//! Wakers are cloned, woken and dropped outside every lock, and so are values:
//! all of that is user code, which may come back to the same future.

use std::borrow::Cow;
use std::fmt;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use crate::exceptions::{CancelledError, InvalidStateError, TaskError};
use crate::runtime::{
    CallbackId, EventLoop, Handle, InVain, OwnEnd, Raise, Unnested, WaitList, drop_unnested,
    inherited_context, no_running_loop, own_end, requested, wait_on,
};
use crate::sync::{Arc, OnceLock};

/// A result that is set later, by anybody: asyncio's low-level `Future`.
///
/// It is a handle: clones stand for the same future. Any number of tasks may await it, each through
/// a clone, and each gets a clone of the result. Awaiting one that is done does not yield. It
/// belongs to no loop, except for its callbacks; every method may be called from any thread.
///
/// What asyncio calls its *exception* is an `Err` here: `Future<Result<T, E>>` has
/// [`set_exception`](Future::set_exception). It is a value like any other: nobody is told of one that
/// is never retrieved.
///
/// # Cancellation
/// Unlike asyncio's, cancelling a task that awaits a `Future` leaves the `Future` alone: others may
/// wait for it too. A future that was cancelled is seen as `Err(TaskError::Cancelled(_))`, except by a
/// task that is being cancelled at that moment: that goes on outward.
///
/// ```
/// # asyncio::run(async {
/// let future = asyncio::Future::new();
/// let setter = future.clone();
/// asyncio::create_task(async move { setter.set_result("... world") });
/// assert_eq!(future.await.unwrap(), "... world");
/// # });
/// ```
pub struct Future<T> {
    shared: Arc<Shared<T>>,
    /// This handle's place among the audience.
    waiter: Option<u64>,
    /// The future has been cancelled, and whoever awaits it through this handle is being so.
    raise: Option<Box<Raise>>,
    in_vain: InVain,
}

struct Shared<T> {
    /// A value may own the next future, whose value owns one, and so on.
    outcome: OnceLock<Result<Unnested<T>, CancelledError>>,
    wait_list: WaitList<Callback<T>>,
    /// Where the callbacks run; none for a future that was made outside a loop.
    event_loop: Option<EventLoop>,
    location: &'static Location<'static>,
}

/// What the user gives. Boxed by the public call that takes it, before anything else: it may be big.
type DoneCallback<T> = Box<dyn FnOnce(&Future<T>) + Send>;

/// A callback before there is a result. It does not hold its future, which would hold it.
struct Callback<T> {
    event_loop: EventLoop,
    bind: Box<dyn FnOnce(Future<T>) -> Handle + Send>,
}

impl<T> Future<T> {
    /// A future without a result. Its callbacks run on the running loop, if there is one.
    #[must_use]
    #[track_caller]
    pub fn new() -> Future<T> {
        Future::on(EventLoop::current())
    }

    #[track_caller]
    fn on(event_loop: Option<EventLoop>) -> Future<T> {
        let shared = Shared {
            outcome: OnceLock::new(),
            wait_list: WaitList::default(),
            event_loop,
            location: Location::caller(),
        };
        Future {
            shared: Arc::new(shared),
            waiter: None,
            raise: None,
            in_vain: InVain::default(),
        }
    }

    /// Sets the result, and tells everybody who waits for it.
    ///
    /// # Errors
    /// If the future is done already; `result` has been dropped.
    pub fn set_result(&self, result: T) -> Result<(), InvalidStateError>
    where
        T: 'static,
    {
        self.complete(Ok(Unnested::new(result)))
    }

    /// Cancels the future. Returns `false` if it is done already.
    #[track_caller]
    pub fn cancel(&self) -> bool {
        self.complete(Err(requested())).is_ok()
    }

    /// As [`cancel`](Future::cancel), with a message for who awaits it.
    #[track_caller]
    pub fn cancel_with(&self, message: impl Into<Cow<'static, str>>) -> bool {
        let error = requested().saying(message);
        self.complete(Err(error)).is_ok()
    }

    /// Whether the future has a result, or has been cancelled.
    #[must_use]
    pub fn done(&self) -> bool {
        self.shared.outcome.get().is_some()
    }

    /// Whether the future has been cancelled.
    #[must_use]
    pub fn cancelled(&self) -> bool {
        matches!(self.shared.outcome.get(), Some(Err(_)))
    }

    /// The loop on which the callbacks run, unless the future was made outside a loop.
    #[must_use]
    pub fn get_loop(&self) -> Option<EventLoop> {
        self.shared.event_loop.clone()
    }

    /// The result.
    ///
    /// # Errors
    /// [`TaskError::InvalidState`] while there is none; [`TaskError::Cancelled`] if there will be none.
    pub fn result(&self) -> Result<T, TaskError>
    where
        T: Clone,
    {
        Ok(self.outcome()?.clone())
    }

    fn outcome(&self) -> Result<&T, TaskError> {
        match self.shared.outcome.get() {
            Some(Ok(value)) => Ok(value.get()),
            Some(Err(cancelled)) => Err(cancelled.clone().into()),
            None => Err(InvalidStateError::new("Result is not set.").into()),
        }
    }

    /// Runs `callback` once the future is done: never inside the caller, and never two callbacks of a
    /// loop at once. It runs on the future's loop, or if it has none on the running one, in a copy of
    /// the caller's context.
    ///
    /// # Panics
    /// If there is neither.
    ///
    /// ```
    /// # asyncio::run(async {
    /// let future = asyncio::Future::new();
    /// let (sender, receiver) = std::sync::mpsc::channel();
    /// future.add_done_callback(move |future| sender.send(future.result().unwrap()).unwrap());
    /// future.set_result(42).unwrap();
    /// # asyncio::sleep(std::time::Duration::from_millis(1)).await;
    /// assert_eq!(receiver.recv().unwrap(), 42);
    /// # });
    /// ```
    #[track_caller]
    pub fn add_done_callback(
        &self,
        callback: impl FnOnce(&Future<T>) + Send + 'static,
    ) -> CallbackId
    where
        T: Send + Sync + 'static,
    {
        self.add_callback(Box::new(callback))
    }

    #[track_caller]
    fn add_callback(&self, callback: DoneCallback<T>) -> CallbackId
    where
        T: Send + Sync + 'static,
    {
        let event_loop = self.get_loop().or_else(EventLoop::current);
        let Some(event_loop) = event_loop else {
            no_running_loop()
        };
        let (context, location) = (inherited_context(), Location::caller());
        let callback = Unnested::new(callback);
        let bind = move |future| {
            let call = Box::new(move || (callback.into_inner())(&future));
            Handle::new(call, context, location)
        };
        let callback = Callback {
            event_loop,
            bind: Box::new(bind),
        };
        let key = self.shared.wait_list.add_callback(callback);
        if self.done() {
            self.notify();
        }
        CallbackId::new(key)
    }

    /// Removes a callback. Returns `false` if it has run, is about to, or was removed already.
    pub fn remove_done_callback(&self, id: CallbackId) -> bool {
        self.shared.wait_list.remove_callback(id.key()).is_some()
    }

    fn complete(
        &self,
        outcome: Result<Unnested<T>, CancelledError>,
    ) -> Result<(), InvalidStateError> {
        if self.shared.outcome.set(outcome).is_err() {
            return Err(InvalidStateError::new("The future is done already."));
        }
        self.notify();
        Ok(())
    }

    fn notify(&self) {
        let wait_list = &self.shared.wait_list;
        wait_list.notify(|callback| callback.call_soon(self));
    }

    /// Whether the future is done; if not, `waker` is woken when it is.
    fn is_done_or_wakes(&mut self, waker: &Waker) -> bool {
        let wait_list = &self.shared.wait_list;
        let is_there = |key| wait_list.has_waiter(key, waker);
        if !self.done() && !self.waiter.is_some_and(is_there) {
            let (key, _before) = wait_list.put_waiter(self.waiter, waker.clone());
            self.waiter = Some(key);
        }
        // After that: else the end might fall in between, with nobody to be told.
        let done = self.done();
        if done {
            self.leave_wait_list();
        }
        done
    }

    fn leave_wait_list(&mut self) {
        if let Some(key) = self.waiter.take() {
            // User code: outside the lock, which is given back by now.
            let waker = self.shared.wait_list.remove_waiter(key);
            waker.into_iter().for_each(drop_unnested);
        }
    }
}

impl<T, E> Future<Result<T, E>> {
    /// Sets an error as the result.
    ///
    /// # Errors
    /// If the future is done already; `exception` has been dropped.
    pub fn set_exception(&self, exception: E) -> Result<(), InvalidStateError>
    where
        T: 'static,
        E: 'static,
    {
        self.set_result(Err(exception))
    }

    /// The error that was set as the result, or `None` if it is a value.
    ///
    /// # Errors
    /// As [`result`](Future::result).
    pub fn exception(&self) -> Result<Option<E>, TaskError>
    where
        E: Clone,
    {
        Ok(self.outcome()?.as_ref().err().cloned())
    }
}

impl EventLoop {
    /// A future whose callbacks run on this loop: `loop.create_future`.
    ///
    /// ```
    /// # asyncio::run(async {
    /// let future = asyncio::get_running_loop().create_future::<u32>();
    /// future.set_result(42).unwrap();
    /// assert_eq!(future.await.unwrap(), 42);
    /// # });
    /// ```
    #[must_use]
    #[track_caller]
    pub fn create_future<T>(&self) -> Future<T> {
        Future::on(Some(self.clone()))
    }
}

impl<T> Callback<T> {
    fn call_soon(self, future: &Future<T>) {
        let call = (self.bind)(future.clone());
        self.event_loop.run_calls(vec![call]);
    }
}

impl<T: Clone> std::future::Future for Future<T> {
    type Output = Result<T, TaskError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if self.is_done_or_wakes(cx.waker()) {
            return self.end(cx.waker());
        }
        wait_on(self.shared.location);
        Poll::Pending
    }
}

impl<T: Clone> Future<T> {
    #[inline]
    fn end(&mut self, waker: &Waker) -> Poll<Result<T, TaskError>> {
        if self.cancelled() && self.ends_awaiter(waker) {
            return Poll::Pending;
        }
        Poll::Ready(self.result())
    }
}

impl<T> Future<T> {
    /// It was cancelled: whether the awaiter, which is being cancelled itself, is to go on with that.
    #[cold]
    fn ends_awaiter(&mut self, waker: &Waker) -> bool {
        let raised = self.raise.as_mut().map(|raise| raise.poll_once(waker));
        if let Some(raised) = raised {
            return raised.is_pending();
        }
        let Some(Err(error)) = self.shared.outcome.get() else {
            return false;
        };
        let address = self
            .shared
            .event_loop
            .as_ref()
            .map_or(0, EventLoop::address);
        match own_end(address, error) {
            OwnEnd::Now(mut raise) => {
                let _pending = raise.poll_once(waker);
                self.raise = Some(Box::new(raise));
                true
            }
            OwnEnd::Comes => self.in_vain.try_again(waker),
            OwnEnd::No => false,
        }
    }
}

impl<T> Clone for Future<T> {
    fn clone(&self) -> Future<T> {
        Future {
            shared: Arc::clone(&self.shared),
            waiter: None,
            raise: None,
            in_vain: InVain::default(),
        }
    }
}

impl<T> Drop for Future<T> {
    fn drop(&mut self) {
        self.leave_wait_list();
    }
}

impl<T> Default for Future<T> {
    #[track_caller]
    fn default() -> Future<T> {
        Future::new()
    }
}

impl<T> fmt::Debug for Future<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.shared.outcome.get() {
            None => "pending",
            Some(Ok(_)) => "finished",
            Some(Err(_)) => "cancelled",
        };
        f.debug_struct("Future")
            .field("state", &state)
            .field("created_at", &format_args!("{}", self.shared.location))
            .finish()
    }
}
