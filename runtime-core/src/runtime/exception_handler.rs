//! The loop's exception handler: who is told of what nobody else will ever hear of.

use std::borrow::Borrow;

use super::event_loop::EventLoop;
use super::scheduler::exception_context::ExceptionContext;
use super::scheduler::shared::{Handler, Shared, default_handler};
use crate::sync::{Arc, StdArc};

impl EventLoop {
    /// Has `handler` told of what nobody else will hear of: a callback that panicked, a task's panic
    /// that nobody retrieved.
    ///
    /// It is called on whatever thread finds out, in the context of the task or callback that failed,
    /// and by several threads at once if it must be. If it panics, that and what it was told are
    /// left to [`default_exception_handler`](EventLoop::default_exception_handler).
    ///
    /// Unlike asyncio's, it is dropped when the loop has been closed, so that a handler that holds the
    /// loop does not keep it for ever; what is reported after that goes to the default one. On a loop
    /// that is closed it is dropped at once.
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
        // The loop is handed over with each call, so that a handler need not hold it.
        let call = move |shared: &Arc<Shared>, context: &ExceptionContext| {
            handler(&EventLoop::new(Arc::clone(shared)), context);
        };
        self.replace_handler(Some(StdArc::new(call)));
    }

    /// Goes back to the default handler: asyncio's `set_exception_handler(None)`.
    pub fn reset_exception_handler(&self) {
        self.replace_handler(None);
    }

    fn replace_handler(&self, handler: Option<Handler>) {
        // After the lock: its destructor is user code.
        drop(self.shared().replace_handler(handler));
    }

    /// Calls the exception handler: the one that was set, or the default one.
    pub fn call_exception_handler(&self, context: impl Borrow<ExceptionContext>) {
        Shared::report(self.shared(), context.borrow());
    }

    /// Writes the context to standard error, which is what happens where no handler has been set.
    pub fn default_exception_handler(&self, context: &ExceptionContext) {
        default_handler(context);
    }
}
