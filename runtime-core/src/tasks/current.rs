//! `current_task` and `all_tasks`: introspection of the running loop.

pub use crate::runtime::current_task;
use crate::runtime::{TaskHandle, get_running_loop};

/// The tasks of the running loop that have not ended, ordered by id: `asyncio.all_tasks`.
///
/// Unlike asyncio's, it is a list and not a set.
///
/// # Panics
/// If no loop is running here; [`EventLoop::all_tasks`](crate::EventLoop::all_tasks) can be called
/// from any thread.
///
/// ```
/// # asyncio::run(async {
/// let task = asyncio::create_task(std::future::pending::<()>());
/// let tasks = asyncio::all_tasks();
/// assert!(tasks.contains(&task.handle()));
/// assert!(tasks.contains(&asyncio::current_task().unwrap()));
/// # });
/// ```
#[track_caller]
#[must_use]
pub fn all_tasks() -> Vec<TaskHandle> {
    get_running_loop().all_tasks()
}
