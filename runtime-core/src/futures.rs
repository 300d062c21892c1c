//! A result that is set later: asyncio's class `Future`, which is not Rust's trait of that name.
//!
//! All handles of a [`Future`] share one allocation. It has two parts that several threads use:
//!
//! * the **outcome**, written once, by the first call that sets a result or cancels;
//! * the **wait list**: callbacks and waiters in the order in which they were registered. Its
//!   module explains why no entry is missed that is registered while the outcome is being written.
//!
//! Wakers are cloned, woken and dropped outside every lock, and so are values: all of these run
//! user code, which may use the same future again.

use std::borrow::Cow;
use std::fmt;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use crate::exceptions::{CancelledError, InvalidStateError, TaskError};
use crate::runtime::{
    CallbackId, EventLoop, ForeignPolls, Handle, Propagation, Raise, Unnested, WaitList,
    drop_unnested, inherited_context, no_running_loop, propagation, requested, wait_on,
};
use crate::sync::{Arc, OnceLock};

/// A result that is set later, by any code that has a handle: `asyncio.Future`.
///
/// The value is a handle: clones refer to the same future. Any number of tasks may await it, each
/// through its own clone, and each gets a clone of the result. Awaiting a future that is done does
/// not yield. It belongs to no loop, except for its callbacks; every method may be called from any
/// thread.
///
/// asyncio's *exception* is an `Err` here: `Future<Result<T, E>>` has
/// [`set_exception`](Future::set_exception). Unlike in asyncio, an `Err` that is never retrieved is
/// not reported.
///
/// # Cancellation
/// Unlike in asyncio, cancelling a task that awaits a `Future` does not cancel the `Future`: other
/// tasks may wait for it too. Awaiting a cancelled future returns `Err(TaskError::Cancelled(_))`,
/// unless the awaiting task is being cancelled itself, by its own request or by the shutdown of the
/// future's loop: then that cancellation is raised at the await.
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
    /// The key of this handle's waiter in the wait list.
    waiter: Option<u64>,
    /// Set when the future was cancelled and the task that awaits this handle is being cancelled
    /// too.
    raise: Option<Box<Raise>>,
    foreign_polls: ForeignPolls,
}

struct Shared<T> {
    /// `Unnested`, because a value may own the next future, whose value owns one, and so on.
    outcome: OnceLock<Result<Unnested<T>, CancelledError>>,
    wait_list: WaitList<Callback<T>>,
    /// The loop that runs the callbacks; `None` for a future that was made outside a loop.
    event_loop: Option<EventLoop>,
    location: &'static Location<'static>,
}

/// The user's callback. The public method that takes it boxes it first, because it may be big.
type DoneCallback<T> = Box<dyn FnOnce(&Future<T>) + Send>;

/// A callback that waits for the result. It has no handle of its future: that would be a reference
/// cycle.
struct Callback<T> {
    event_loop: EventLoop,
    bind: Box<dyn FnOnce(Future<T>) -> Handle + Send>,
}

impl<T> Future<T> {
    /// Makes a future that has no result yet. Its callbacks run on the running loop, if there is
    /// one.
    ///
    /// ```
    /// let future = asyncio::Future::new();
    /// assert!(!future.done());
    /// future.set_result(42).unwrap();
    /// assert_eq!(future.result().unwrap(), 42);
    /// ```
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
            foreign_polls: ForeignPolls::default(),
        }
    }

    /// Sets the result, wakes the tasks that await it and schedules the callbacks.
    ///
    /// # Errors
    /// [`InvalidStateError`] if the future is already done; `result` has been dropped.
    pub fn set_result(&self, result: T) -> Result<(), InvalidStateError>
    where
        T: 'static,
    {
        self.complete(Ok(Unnested::new(result)))
    }

    /// Cancels the future. Returns `false` if it is already done.
    ///
    /// ```
    /// # asyncio::run(async {
    /// let future = asyncio::Future::<u32>::new();
    /// assert!(future.cancel());
    /// assert!(!future.cancel());
    /// assert!(future.await.unwrap_err().is_cancelled());
    /// # });
    /// ```
    #[track_caller]
    pub fn cancel(&self) -> bool {
        self.complete(Err(requested())).is_ok()
    }

    /// Cancels the future like [`cancel`](Future::cancel), with a message for the tasks that await
    /// it.
    ///
    /// They read it with [`CancelledError::message`].
    #[track_caller]
    pub fn cancel_with(&self, message: impl Into<Cow<'static, str>>) -> bool {
        let error = requested().saying(message);
        self.complete(Err(error)).is_ok()
    }

    /// Whether the future has a result or was cancelled.
    #[must_use]
    pub fn done(&self) -> bool {
        self.shared.outcome.get().is_some()
    }

    /// Whether the future was cancelled.
    #[must_use]
    pub fn cancelled(&self) -> bool {
        matches!(self.shared.outcome.get(), Some(Err(_)))
    }

    /// The loop that runs the callbacks; `None` if the future was made outside a loop.
    #[must_use]
    pub fn get_loop(&self) -> Option<EventLoop> {
        self.shared.event_loop.clone()
    }

    /// A clone of the result, without waiting.
    ///
    /// # Errors
    /// * [`TaskError::InvalidState`] if the result is not set yet;
    /// * [`TaskError::Cancelled`] if the future was cancelled.
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

    /// Schedules `callback` to run when the future is done.
    ///
    /// It never runs inside this call, and a loop never runs two callbacks at once. It runs on the
    /// future's loop or, if the future has none, on the running loop, in a copy of the caller's
    /// context.
    ///
    /// # Panics
    /// If the future has no loop and no loop is running here.
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

    /// Removes a callback. Returns `false` if it has run, is about to run, or was already removed.
    ///
    /// Unlike in asyncio, a callback is identified by the [`CallbackId`] of its registration.
    ///
    /// ```
    /// # asyncio::run(async {
    /// let future = asyncio::Future::<u32>::new();
    /// let id = future.add_done_callback(|_| unreachable!());
    /// assert!(future.remove_done_callback(id));
    /// future.set_result(42).unwrap();
    /// # });
    /// ```
    pub fn remove_done_callback(&self, id: CallbackId) -> bool {
        self.shared.wait_list.remove_callback(id.key()).is_some()
    }

    fn complete(
        &self,
        outcome: Result<Unnested<T>, CancelledError>,
    ) -> Result<(), InvalidStateError> {
        if self.shared.outcome.set(outcome).is_err() {
            return Err(InvalidStateError::new("The future is already done."));
        }
        self.notify();
        Ok(())
    }

    fn notify(&self) {
        let wait_list = &self.shared.wait_list;
        wait_list.notify(|callback| callback.call_soon(self));
    }

    /// Returns whether the future is done. If not, registers `waker` to be woken when it is.
    fn is_done_or_wakes(&mut self, waker: &Waker) -> bool {
        let wait_list = &self.shared.wait_list;
        let is_there = |key| wait_list.has_waiter(key, waker);
        if !self.done() && !self.waiter.is_some_and(is_there) {
            let (key, _before) = wait_list.put_waiter(self.waiter, waker.clone());
            self.waiter = Some(key);
        }
        // Checked after the registration: an end between the check and the registration would wake
        // no waiter.
        let done = self.done();
        if done {
            self.leave_wait_list();
        }
        done
    }

    fn leave_wait_list(&mut self) {
        if let Some(key) = self.waiter.take() {
            // Dropping a waker runs user code: the lock has been released by now.
            let waker = self.shared.wait_list.remove_waiter(key);
            waker.into_iter().for_each(drop_unnested);
        }
    }
}

impl<T, E> Future<Result<T, E>> {
    /// Sets an error as the result: the same as `set_result(Err(exception))`.
    ///
    /// # Errors
    /// [`InvalidStateError`] if the future is already done; `exception` has been dropped.
    ///
    /// ```
    /// # asyncio::run(async {
    /// let future = asyncio::Future::<Result<u32, &str>>::new();
    /// future.set_exception("oh no").unwrap();
    /// assert_eq!(future.exception().unwrap(), Some("oh no"));
    /// assert_eq!(future.await.unwrap(), Err("oh no"));
    /// # });
    /// ```
    pub fn set_exception(&self, exception: E) -> Result<(), InvalidStateError>
    where
        T: 'static,
        E: 'static,
    {
        self.set_result(Err(exception))
    }

    /// A clone of the error that was set as the result, or `None` if the result is a value.
    ///
    /// # Errors
    /// The same as [`result`](Future::result).
    pub fn exception(&self) -> Result<Option<E>, TaskError>
    where
        E: Clone,
    {
        Ok(self.outcome()?.as_ref().err().cloned())
    }
}

impl EventLoop {
    /// Makes a future whose callbacks run on this loop: `loop.create_future`.
    ///
    /// Any thread may call this.
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
    /// For a future that was cancelled: returns true if the await stays pending, because the
    /// awaiter is being cancelled itself and its own cancellation is to be raised.
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
        match propagation(address, error) {
            Propagation::Raise(mut raise) => {
                let _pending = raise.poll_once(waker);
                self.raise = Some(Box::new(raise));
                true
            }
            Propagation::RequestComes => self.foreign_polls.try_again(waker),
            Propagation::None => false,
        }
    }
}

impl<T> Clone for Future<T> {
    fn clone(&self) -> Future<T> {
        Future {
            shared: Arc::clone(&self.shared),
            waiter: None,
            raise: None,
            foreign_polls: ForeignPolls::default(),
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
