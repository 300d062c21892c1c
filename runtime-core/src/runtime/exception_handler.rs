//! The loop's exception handler: receives errors that no caller can receive.

use std::borrow::Borrow;

use super::event_loop::EventLoop;
use super::scheduler::exception_context::ExceptionContext;
use super::scheduler::shared::{Handler, Shared, default_handler};
use crate::sync::{Arc, StdArc};

impl EventLoop {
    /// Reports an error that no caller can receive to the exception handler.
    pub(crate) fn report(&self, message: &'static str, exception: String) {
        let context = ExceptionContext::new(message).with_exception(exception);
        Shared::report(self.shared(), &context);
    }

    /// Sets `handler` as the receiver of errors that no caller can receive: a callback that
    /// panicked, or the panic of a task that was never retrieved.
    ///
    /// The handler is called on the thread that detects the error, in the context of the task or
    /// callback that failed, possibly by several threads at once. If it panics, its panic and the
    /// original error go to
    /// [`default_exception_handler`](EventLoop::default_exception_handler).
    ///
    /// Unlike asyncio's, the handler is dropped when the loop has been closed, so that a handler
    /// that holds the loop does not keep it alive for ever; later errors go to the default handler.
    /// On a closed loop the handler is dropped at once.
    ///
    /// ```
    /// # asyncio::run(async {
    /// let event_loop = asyncio::get_running_loop();
    /// let (sender, receiver) = std::sync::mpsc::channel();
    /// event_loop.set_exception_handler(move |_event_loop, context| {
    ///     let _ = sender.send(context.message().to_owned());
    /// });
    /// event_loop.call_soon(|| panic!("oh no"));
    /// # asyncio::sleep(std::time::Duration::from_millis(1)).await;
    /// assert_eq!(receiver.recv().unwrap(), "Exception in callback");
    /// # });
    /// ```
    pub fn set_exception_handler(
        &self,
        handler: impl Fn(&EventLoop, &ExceptionContext) + Send + Sync + 'static,
    ) {
        // The loop is passed with each call, so that a handler need not hold it.
        let call = move |shared: &Arc<Shared>, context: &ExceptionContext| {
            handler(&EventLoop::new(Arc::clone(shared)), context);
        };
        self.replace_handler(Some(StdArc::new(call)));
    }

    /// Restores the default handler: asyncio's `set_exception_handler(None)`.
    pub fn reset_exception_handler(&self) {
        self.replace_handler(None);
    }

    fn replace_handler(&self, handler: Option<Handler>) {
        // Dropped after the lock is released: the handler's destructor is user code.
        drop(self.shared().replace_handler(handler));
    }

    /// Calls the handler that was set, or the default one.
    pub fn call_exception_handler(&self, context: impl Borrow<ExceptionContext>) {
        Shared::report(self.shared(), context.borrow());
    }

    /// Writes the context to standard error: the behaviour while no handler is set.
    pub fn default_exception_handler(&self, context: &ExceptionContext) {
        default_handler(context);
    }
}
