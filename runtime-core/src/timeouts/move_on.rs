//! Running a body in a scope that can be cancelled by itself: trio's `move_on_after`.

use std::future::Future;
use std::panic::Location;
use std::time::Duration;

use super::cancel_scope::CancelScope;
use crate::runtime::{current_task, loop_time};
use crate::scopes::{Once, Scoped};

/// Runs `body` for so long at most, and then goes on without it: `trio.move_on_after`. `None` sets
/// no limit; the body can still be ended, through its [`CancelScope`].
///
/// Gives what the body returns, or `None` if the scope has cancelled it. It is cancelled as by
/// [`timeout`](crate::timeout): at an await that suspends, it may clean up, and if it returns a
/// value all the same, that is the answer. With a delay of zero it is polled once. It runs in the
/// caller's own task, and may borrow from it.
///
/// # Cancellation
/// Goes to the body, unless it is [shielded](CancelScope::set_shield).
///
/// # Panics
/// Outside a task.
///
/// ```
/// use std::time::Duration;
/// # asyncio::run(async {
/// let hour = Duration::from_secs(3600);
/// let late = asyncio::move_on_after(Duration::from_millis(1), async |_scope| {
///     asyncio::sleep(hour).await;
/// });
/// assert_eq!(late.await, None);
///
/// let ended = asyncio::move_on_after(None, async |scope| {
///     let scope = scope.clone(); // any task or thread may hold it
///     asyncio::create_task(async move { scope.cancel() });
///     asyncio::sleep(hour).await;
/// });
/// assert_eq!(ended.await, None);
/// # });
/// ```
#[track_caller]
pub fn move_on_after<T, F>(
    delay: impl Into<Option<Duration>>,
    body: F,
) -> impl Future<Output = Option<T>>
where
    F: AsyncFnOnce(&CancelScope) -> T,
{
    let (delay, location) = (delay.into(), Location::caller());
    let future = async move {
        assert!(
            current_task().is_some(),
            "move_on_after() should be used inside a task: the one at {location} is not"
        );
        // A delay beyond what an `Instant` can say is no limit.
        let deadline = delay.and_then(|delay| loop_time().checked_add(delay));
        let scope = CancelScope::new(deadline);
        Scoped::new(body(&scope), scope.control(), location).await
    };
    Once::new("move_on_after", location, future)
}
