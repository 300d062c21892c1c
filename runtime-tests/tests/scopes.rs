//! Tests of limits, shields and requests that meet: in every order, each request is delivered once,
//! to the task or scope that it is for.

use std::future::{Future, pending, poll_fn, ready};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, mpsc};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use asyncio::{
    CancelScope, CancelSource, Task, TaskError, Timeout, TimeoutError, catch_cancelled, checkpoint,
    create_task, current_task, finally, gather, get_running_loop, move_on_after,
    run_coroutine_threadsafe, shield, sleep, sleep_until, task, task_group, timeout, timeout_at,
    wait, wait_for,
};
use futures::FutureExt;
use futures::channel::oneshot;
use futures::future::{join, select};
use futures::stream::{FuturesUnordered, StreamExt};
use futures::task::{ArcWake, waker};
use runtime_tests::{caught, watched};

#[path = "scopes/claims.rs"]
mod claims;
#[path = "scopes/moves.rs"]
mod moves;
#[path = "scopes/raised.rs"]
mod raised;
#[path = "scopes/shields.rs"]
mod shields;
#[path = "scopes/siblings.rs"]
mod siblings;

const TICK: Duration = Duration::from_millis(1);
const HOUR: Duration = Duration::from_secs(3600);

fn now() -> Instant {
    get_running_loop().time()
}

/// The outcome of a task; `None` if it has not ended after an hour of the paused clock.
async fn end<T: Send + 'static>(task: Task<T>) -> Option<Result<T, TaskError>> {
    let (mut done, _pending) = wait(vec![task]).timeout(HOUR).await;
    Some(done.pop()?.await)
}

/// Cancels the current task, and catches the request, which stays in the count as an old one.
async fn met_a_request() {
    current_task().unwrap().cancel();
    catch_cancelled(pending::<()>()).await.unwrap_err();
}

/// Polls a future once.
async fn begun<F: Future + Unpin>(future: &mut F) {
    let mut future = Pin::new(future);
    let polled = poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx).is_pending())).await;
    assert!(polled, "the future must not be ready yet");
}
