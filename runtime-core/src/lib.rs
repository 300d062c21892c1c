//! asyncio for Rust: a multi-threaded, work-stealing async runtime with Python asyncio's high-level
//! API, and cancellation that can be caught and cleaned up after.

mod sync;

pub mod exceptions;
mod sys;

mod runtime;

#[cfg(asyncio_loom)]
#[doc(hidden)]
pub mod models;

pub mod contextvars;
pub mod tasks;

pub mod timeouts;

pub mod runners;

pub use contextvars::{ContextVar, Token, copy_context};
pub use exceptions::{
    CancelledError, FailedError, InvalidStateError, LoopClosed, NoRunningLoop, PanicError,
    ShutdownTimeout, TaskError, TimeoutError,
};
pub use runners::{Runner, run, try_run};
#[doc(hidden)]
pub use runtime::Tuning;
pub use runtime::{
    Context, EnterGuard, EventLoop, Metrics, get_running_loop, try_get_running_loop,
};
pub use runtime_macros::{main, test};
pub use tasks::{
    CallbackId, Task, TaskHandle, TaskId, all_tasks, catch_cancelled, checkpoint,
    create_local_task, create_task, current_task, ensure_future, finally, shield, sleep,
    sleep_until,
};

pub use timeouts::{Timeout, timeout, timeout_at, wait_for};

/// [`tasks`] under another name.
pub mod task {
    pub use crate::tasks::*;
}
