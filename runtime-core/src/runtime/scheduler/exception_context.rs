//! The exception context: what a loop's exception handler receives.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;

use crate::exceptions::PanicError;
use crate::runtime::catch_panic::catch_panic;
use crate::runtime::task::callback::Handle;
use crate::runtime::task::context::Context;
use crate::runtime::task::handle::TaskHandle;

/// Describes an error that no caller receives: asyncio's exception context.
///
/// The keys of asyncio's dictionary are methods here. A method whose key does not apply returns
/// `None`. `Display` writes the line that the default handler writes.
///
/// ```
/// use asyncio::ExceptionContext;
/// # asyncio::run(async {
/// let error = std::io::Error::other("no more seats");
/// let context = ExceptionContext::new("the waiter gave up").with_exception(error);
/// assert_eq!(context.message(), "the waiter gave up");
/// assert_eq!(context.to_string(), "the waiter gave up: no more seats");
/// asyncio::get_running_loop().call_exception_handler(&context);
/// # });
/// ```
#[derive(Debug)]
pub struct ExceptionContext {
    message: Cow<'static, str>,
    task: Option<TaskHandle>,
    handle: Option<Handle>,
    exception: Option<Box<dyn Error + Send + Sync>>,
}

impl ExceptionContext {
    /// A context with a message and nothing else.
    #[must_use]
    pub fn new(message: impl Into<Cow<'static, str>>) -> ExceptionContext {
        ExceptionContext {
            message: message.into(),
            task: None,
            handle: None,
            exception: None,
        }
    }

    /// Adds the task that the error is about.
    #[must_use]
    pub fn with_task(mut self, task: TaskHandle) -> ExceptionContext {
        self.task = Some(task);
        self
    }

    /// Adds the callback that the error is about.
    #[must_use]
    pub fn with_handle(mut self, handle: Handle) -> ExceptionContext {
        self.handle = Some(handle);
        self
    }

    /// Adds the error: an error value or a text.
    #[must_use]
    pub fn with_exception(
        mut self,
        exception: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> ExceptionContext {
        self.exception = Some(exception.into());
        self
    }

    /// The message, for example "Task exception was never retrieved".
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The task that the error is about.
    #[must_use]
    pub fn task(&self) -> Option<&TaskHandle> {
        self.task.as_ref()
    }

    /// The callback that the error is about.
    #[must_use]
    pub fn handle(&self) -> Option<&Handle> {
        self.handle.as_ref()
    }

    /// The error. A panic is a [`PanicError`]: downcast it for its text.
    #[must_use]
    pub fn exception(&self) -> Option<&(dyn Error + Send + Sync + 'static)> {
        self.exception.as_deref()
    }

    /// Drops the context, and catches the panic of a destructor of a panic's payload.
    pub(crate) fn drop_catching(self) {
        catch_panic(|| drop(self));
    }

    /// The context variables of the task or callback that failed. The handler runs in them.
    pub(crate) fn variables(&self) -> Option<Context> {
        let task = self.task.as_ref().map(TaskHandle::get_context);
        task.or_else(|| self.handle.as_ref().map(Handle::context))
    }
}

impl fmt::Display for ExceptionContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        if let Some(task) = &self.task {
            write!(f, ": {}", task.reference().describe())?;
        }
        if let Some(handle) = &self.handle {
            write!(f, ": registered at {}", handle.location())?;
        }
        let Some(exception) = &self.exception else {
            return Ok(());
        };
        match exception.downcast_ref::<PanicError>() {
            // Its `Display` says "task panicked", which is wrong for a callback.
            Some(panic) => {
                let text = panic.message();
                write!(
                    f,
                    ": {}",
                    text.as_deref().unwrap_or("a panic that is no text")
                )
            }
            None => write!(f, ": {exception}"),
        }
    }
}
