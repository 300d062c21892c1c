//! A callback that waits for its turn on the lane, and the handle that cancels it.

use std::fmt;
use std::panic::Location;

use super::context::Context;
use crate::runtime::unnest::Unnested;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::{Arc, Mutex, assert_outside};

/// What a callback does.
pub(crate) type Body = Box<dyn FnOnce() + Send>;

/// What `call_soon` returns: asyncio's `Handle`.
///
/// Clones are handles of the same callback. Dropping a handle leaves the callback to run.
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
    /// Taken by whoever runs the callback, or cancels it.
    body: Mutex<Option<Unnested<Body>>>,
    cancelled: AtomicBool,
    /// What the callback runs in; `None` for one that is empty.
    context: Option<Context>,
    location: &'static Location<'static>,
}

impl Handle {
    /// A callback that was registered at `location`, to run in `context`.
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

    /// Cancels the callback: it is dropped here, and never runs. One that has begun runs on.
    ///
    /// Any thread may call this, and more than once.
    pub fn cancel(&self) {
        let body = {
            let mut body = self.call.body.lock();
            // Release, although under the lock: `cancelled` does not take it.
            self.call.cancelled.store(true, Ordering::Release);
            body.take()
        };
        // User code: its destructor runs outside the lock.
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

    /// Takes the callback to run it, unless it has run or has been cancelled.
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
