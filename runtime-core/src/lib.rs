//! asyncio for Rust: a multi-threaded, work-stealing async runtime with Python asyncio's high-level
//! API. As in asyncio, a cancellation can be caught, and the code that catches it can clean up.
//!
//! ```
//! use std::time::Duration;
//!
//! #[asyncio::main]
//! async fn main() {
//!     let task = asyncio::create_task(async {
//!         asyncio::sleep(Duration::from_millis(1)).await;
//!         42
//!     });
//!     assert_eq!(task.await.unwrap(), 42);
//! }
//! ```
//!
//! | To … | use |
//! |---|---|
//! | run a program | [`run`], [`Runner`], [`main`](macro@main), [`test`](macro@test) |
//! | run code concurrently | [`create_task`], [`gather`], [`wait`], [`as_completed`] |
//! | bind tasks together | [`task_group`], [`TaskGroup`], [`race`] |
//! | wait for time | [`sleep`], [`wait_for`], [`timeout`], [`interval`], [`move_on_after`] |
//! | clean up | [`catch_cancelled`], [`finally`], [`shield`] |
//! | coordinate tasks | [`Lock`], [`RwLock`], [`Event`], [`Condition`], [`Barrier`], [`OnceCell`] |
//! | limit what runs at a time | [`Semaphore`], [`BoundedSemaphore`], [`CapacityLimiter`] |
//! | hand values on | [`Queue`], [`PriorityQueue`], [`channel`], [`broadcast`], [`watch()`] |
//! | talk over connections | [`open_connection`], [`start_server`], [`streams`] |
//! | use sockets and pipes | [`net`], [`io`] |
//! | use the loop from other threads | [`EventLoop`], [`run_coroutine_threadsafe`] |
//! | call blocking code | [`to_thread`], [`blocking`] |
//! | test | `#[asyncio::test(start_paused = true)]`, `#[asyncio::test(seeds = 1000)]` |
//!
//! **Cancellation.** [`Task::cancel`] delivers a request to the innermost await of the task that
//! handles cancellation. The code there can catch the request, clean up with further awaits,
//! suppress it, or pass it on with [`CancelledError::raise`]. A result that is ready is returned,
//! not lost. A future that does not handle cancellation is dropped.
//!
//! **Threads.** Every type is `Send` and `Sync` if its contents are, except guards and the
//! [`Runner`], and every function may be called from any thread. The thread that calls [`run`] is
//! the first worker.
//!
//! Unlike in asyncio, the loop owns its tasks: dropping a [`Task`] detaches it, and it keeps
//! running.

#[cfg_attr(
    asyncio_loom,
    expect(
        dead_code,
        unused_imports,
        reason = "a loom model waits without the platform layer"
    )
)]
mod sys;

mod sync;

mod cancel_reason;

pub mod exceptions;

mod runtime;

pub mod contextvars;
pub mod events;
pub mod futures;
pub mod locks;
pub mod queues;
pub mod tasks;

mod prepared;
mod scopes;

pub mod concurrent;
pub mod taskgroups;
pub mod threads;
pub mod timeouts;

pub mod net;

pub mod io;
pub mod signals;

pub mod streams;

#[cfg(asyncio_loom)]
#[doc(hidden)]
pub mod models;

mod environment;

pub mod runners;
pub mod subprocess;

#[doc(hidden)]
pub mod seeds;

pub use bytes::Bytes;
pub use concurrent::run_coroutine_threadsafe;
pub use contextvars::{ContextVar, Token, copy_context};
pub use events::{ExceptionContext, Handle, TimerHandle};
pub use exceptions::{
    CancelReason, CancelSource, CancelledError, FailedError, InvalidStateError, LoopClosed,
    NoRunningLoop, PanicError, ShutdownTimeout, TaskError, TimeoutError,
};
pub use futures::Future;
pub use io::{stderr, stdin, stdout};
pub use locks::{
    Barrier, BorrowedToken, Borrower, BoundedSemaphore, BrokenBarrierError, CapacityLimiter,
    Condition, Event, Lock, LockGuard, OnceCell, OwnedLockGuard, OwnedPermit, OwnedRwLockReadGuard,
    OwnedRwLockWriteGuard, Permit, ReleasedTooOften, RwLock, RwLockReadGuard, RwLockWriteGuard,
    Semaphore,
};
pub use net::create_datagram_endpoint;
pub use queues::{
    BroadcastError, BroadcastReceiver, BroadcastSender, GetError, LifoQueue, PriorityQueue,
    PutError, Queue, QueueShutDown, Receiver, SendError, Sender, TaskDoneTooOften,
    TryBroadcastError, TryRecvError, TrySendError, WatchClosed, WatchReceiver, WatchRef,
    WatchSender, broadcast, channel, watch,
};
pub use runners::{Runner, run, try_run};
#[doc(hidden)]
pub use runtime::Tuning;
pub use runtime::{
    Context, EnterGuard, EventLoop, Metrics, get_running_loop, try_get_running_loop,
};
pub use runtime_macros::{main, test};
pub use streams::{
    IncompleteReadError, LimitOverrunError, ReadUntilError, Server, StreamReader, StreamWriter,
    connect_read_pipe, connect_write_pipe, open_connection, open_unix_connection, start_server,
    start_unix_server,
};
pub use subprocess::{
    DEVNULL, PIPE, Process, STDOUT, create_subprocess_exec, create_subprocess_shell,
};
pub use tasks::{
    ALL_COMPLETED, CallbackId, FIRST_COMPLETED, FIRST_EXCEPTION, Gather, Race, Shield, Sleep, Task,
    TaskHandle, TaskId, all_tasks, as_completed, catch_cancelled, checkpoint, create_local_task,
    create_task, current_task, ensure_future, finally, gather, gather_all, race, shield, sleep,
    sleep_until, try_gather, wait,
};

pub use taskgroups::{ExceptionGroup, NotStarted, TaskGroup, TaskStatus, task_group};
pub use threads::{ThreadPoolExecutor, blocking, to_thread};
pub use timeouts::{
    CancelScope, Interval, MissedTickBehavior, TimeGuard, Timeout, interval, interval_at,
    move_on_after, timeout, timeout_at, wait_for,
};

/// Another name for the module [`tasks`].
pub mod task {
    pub use crate::tasks::*;
}

/// The names that most programs import.
///
/// It leaves out names that would be ambiguous (`test` and `futures`) and names that would hide
/// others (`main`, `Future`).
///
/// ```
/// use asyncio::prelude::*;
///
/// run(async {
///     let task = create_task(async { 42 });
///     assert_eq!(task.await.unwrap(), 42);
/// });
/// ```
pub mod prelude {
    pub use crate::{
        ALL_COMPLETED, Barrier, BorrowedToken, Borrower, BoundedSemaphore, BroadcastError,
        BroadcastReceiver, BroadcastSender, BrokenBarrierError, Bytes, CallbackId, CancelReason,
        CancelScope, CancelSource, CancelledError, CapacityLimiter, Condition, Context, ContextVar,
        DEVNULL, EnterGuard, Event, EventLoop, ExceptionContext, ExceptionGroup, FIRST_COMPLETED,
        FIRST_EXCEPTION, FailedError, Gather, GetError, Handle, IncompleteReadError, Interval,
        InvalidStateError, LifoQueue, LimitOverrunError, Lock, LockGuard, LoopClosed, Metrics,
        MissedTickBehavior, NoRunningLoop, NotStarted, OnceCell, OwnedLockGuard, OwnedPermit,
        OwnedRwLockReadGuard, OwnedRwLockWriteGuard, PIPE, PanicError, Permit, PriorityQueue,
        Process, PutError, Queue, QueueShutDown, ReadUntilError, Receiver, ReleasedTooOften,
        Runner, RwLock, RwLockReadGuard, RwLockWriteGuard, STDOUT, Semaphore, SendError, Sender,
        Server, Shield, ShutdownTimeout, Sleep, StreamReader, StreamWriter, Task, TaskDoneTooOften,
        TaskError, TaskGroup, TaskHandle, TaskId, TaskStatus, ThreadPoolExecutor, TimeGuard,
        Timeout, TimeoutError, TimerHandle, Token, TryBroadcastError, TryRecvError, TrySendError,
        WatchClosed, WatchReceiver, WatchRef, WatchSender, all_tasks, as_completed, blocking,
        broadcast, catch_cancelled, channel, checkpoint, concurrent, connect_read_pipe,
        connect_write_pipe, context_var, copy_context, create_datagram_endpoint, create_local_task,
        create_subprocess_exec, create_subprocess_shell, create_task, current_task, ensure_future,
        finally, gather, gather_all, get_running_loop, interval, interval_at, move_on_after,
        open_connection, open_unix_connection, race, run, run_coroutine_threadsafe, shield, sleep,
        sleep_until, start_server, start_unix_server, task, task_group, timeout, timeout_at,
        to_thread, try_gather, try_get_running_loop, try_run, wait, wait_for, watch,
    };
}
