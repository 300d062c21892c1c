//! A callback for the callback queue, and the handle that cancels it.

use std::fmt;
use std::panic::Location;

use super::context::Context;
use crate::runtime::unnest::Unnested;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::{Arc, Mutex, assert_outside};

/// The function of a callback.
pub(crate) type Body = Box<dyn FnOnce() + Send>;

/// The handle of a callback, returned by `call_soon`: asyncio's `Handle`.
///
/// Clones are handles of the same callback. Dropping a handle does not cancel the callback.
///
/// ```
/// # asyncio::run(async {
/// let handle = asyncio::get_running_loop().call_soon(|| unreachable!());
/// handle.cancel();
/// assert!(handle.cancelled());
/// # });
/// ```
#[derive(Clone)]
pub struct Handle {
    call: Arc<Call>,
}

struct Call {
    /// Taken by the thread that runs the callback, or by one that cancels it.
    body: Mutex<Option<Unnested<Body>>>,
    cancelled: AtomicBool,
    /// The context in which the callback runs; `None` for an empty one.
    context: Option<Context>,
    location: &'static Location<'static>,
}

impl Handle {
    /// Makes a callback that was registered at `location`, to run in `context`.
    pub(crate) fn new(
        body: Body,
        context: Option<Context>,
        location: &'static Location<'static>,
    ) -> Handle {
        let call = Call {
            body: Mutex::new(Some(Unnested::new(body))),
            cancelled: AtomicBool::new(false),
            context,
            location,
        };
        Handle {
            call: Arc::new(call),
        }
    }

    /// Cancels the callback: it is dropped by this call, and never runs. A callback that has begun
    /// continues to its end.
    ///
    /// May be called from any thread, and repeatedly.
    pub fn cancel(&self) {
        let body = {
            let mut body = self.call.body.lock();
            // Release, although under the lock: `cancelled` does not take the lock.
            self.call.cancelled.store(true, Ordering::Release);
            body.take()
        };
        // The callback's destructor is user code: it runs outside the lock.
        assert_outside();
        drop(body);
    }

    /// Whether [`cancel`](Handle::cancel) has been called, or the loop was closed first.
    #[must_use]
    pub fn cancelled(&self) -> bool {
        self.call.cancelled.load(Ordering::Acquire)
    }

    /// Where the callback was registered.
    #[must_use]
    pub fn location(&self) -> &'static Location<'static> {
        self.call.location
    }

    /// Takes the callback's function, to run it. `None` if it has run or has been cancelled.
    pub(crate) fn take(&self) -> Option<Body> {
        let body = self.call.body.lock().take();
        body.map(Unnested::into_inner)
    }

    /// The context in which the callback runs.
    pub(crate) fn context(&self) -> Context {
        self.call.context.clone().unwrap_or_default()
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle")
            .field("created_at", &format_args!("{}", self.location()))
            .field("cancelled", &self.cancelled())
            .finish()
    }
}
