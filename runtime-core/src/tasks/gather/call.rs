//! The calls: what a user writes.

use std::future::Future;
use std::panic::Location;

use super::awaitables::{Awaitables, Each, TryAwaitables};
use super::child::{Child, Spawner};
use super::first_failure::FirstFailure;
use super::future::Gather;
use crate::exceptions::TaskError;
use crate::runtime::{no_running_loop, try_get_running_loop};

/// Runs awaitables concurrently, and waits for all of them: `asyncio.gather`.
///
/// It takes a tuple of up to twelve futures, an array, or a `Vec`, and gives their values in the same
/// shape and order; [`gather_all`] takes any iterator. Each becomes a task at the call, so
/// they run even if the gather is not awaited. The values are whatever the futures return: to stop at
/// the first `Err`, use [`try_gather`]. A task among them gives its `Result<T, TaskError>`.
///
/// With nothing to wait for, of nothing (`()`, an empty array or `Vec`) or of tasks that have ended, it is
/// ready at once.
///
/// # Errors
/// The first child that panics, or that somebody else cancels, ends the gather at once, in order of
/// time. Its siblings are not cancelled and run on; unlike asyncio's, their late panics go to the
/// loop's exception handler. With [`return_exceptions`](Gather::return_exceptions), all are waited for.
///
/// # Cancellation
/// Cancelling the awaiter cancels all children. Unlike asyncio's, the gather then waits until all of
/// them have ended, in both modes; then the cancellation goes on, even if all of them returned values.
/// Dropping a gather detaches its children.
///
/// # Panics
/// If no loop is running here.
///
/// ```
/// # asyncio::run(async {
/// let (number, text) = asyncio::gather((async { 42 }, async { "text" })).await.unwrap();
/// assert_eq!((number, text), (42, "text"));
///
/// let squares = asyncio::gather([1, 2, 3].map(|n| async move { n * n }));
/// assert_eq!(squares.await.unwrap(), [1, 4, 9]);
/// # });
/// ```
#[track_caller]
pub fn gather<G: Awaitables>(awaitables: G) -> Gather<G::Children> {
    demand_loop();
    let first_failure = FirstFailure::new();
    let children = awaitables.start(&mut Spawner::new(&first_failure));
    Gather::new(children, first_failure, Location::caller())
}

/// As [`gather`], for what an iterator gives: `asyncio.gather(*awaitables)`.
///
/// # Panics
/// If no loop is running here.
///
/// ```
/// # asyncio::run(async {
/// let squares = asyncio::gather_all((1..4).map(|n| async move { n * n }));
/// assert_eq!(squares.await.unwrap(), [1, 4, 9]);
/// # });
/// ```
#[track_caller]
pub fn gather_all<I>(awaitables: I) -> Gather<Vec<Child<<I::Item as Future>::Output, TaskError>>>
where
    I: IntoIterator,
    I::Item: Future + Send + 'static,
    <I::Item as Future>::Output: Send + 'static,
{
    gather(Each(awaitables))
}

/// As [`gather`], for futures that return a `Result`: the first `Err` ends it at once.
///
/// All have one type of error, which is made of a [`TaskError`] where a child panics or is cancelled.
/// For tasks it is `TaskError` itself: this is asyncio's own gather of tasks. The siblings run on;
/// unlike asyncio's, their late errors go to the loop's exception handler.
///
/// # Errors
/// The first error, in order of time. With [`return_exceptions`](Gather::return_exceptions), all are
/// waited for.
///
/// # Cancellation, Panics
/// As [`gather`].
///
/// ```
/// # use asyncio::TaskError;
/// #[derive(Debug, PartialEq)]
/// enum Error { Odd(u32), Task }
///
/// impl From<TaskError> for Error {
///     fn from(_: TaskError) -> Error { Error::Task }
/// }
///
/// async fn half(n: u32) -> Result<u32, Error> {
///     if n % 2 == 0 { Ok(n / 2) } else { Err(Error::Odd(n)) }
/// }
///
/// # asyncio::run(async {
/// assert_eq!(asyncio::try_gather((half(2), half(4))).await, Ok((1, 2)));
/// assert_eq!(asyncio::try_gather(vec![half(2), half(3)]).await, Err(Error::Odd(3)));
///
/// let tasks = [1, 2].map(|n| asyncio::create_task(async move { n }));
/// assert_eq!(asyncio::try_gather(tasks).await.unwrap(), [1, 2]);
/// # });
/// ```
#[track_caller]
pub fn try_gather<G: TryAwaitables>(awaitables: G) -> Gather<G::Children> {
    demand_loop();
    let first_failure = FirstFailure::new();
    let children = awaitables.start(&mut Spawner::new(&first_failure));
    Gather::new(children, first_failure, Location::caller())
}

/// Panics without a running loop, here where the caller is known; even if there is nothing to gather.
#[track_caller]
fn demand_loop() {
    if try_get_running_loop().is_err() {
        no_running_loop();
    }
}
