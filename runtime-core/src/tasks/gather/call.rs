//! The public functions: `gather`, `gather_all` and `try_gather`.

use std::future::Future;
use std::panic::Location;

use super::all::GatherAll;
use super::awaitables::{Awaitables, TryAwaitables};
use super::children::Spawner;
use super::failure::FirstFailure;
use super::future::Gather;
use crate::runtime::{no_running_loop, try_get_running_loop};

/// Runs awaitables concurrently and waits for all of them: `asyncio.gather`.
///
/// It takes a tuple of up to twelve futures, an array, or a `Vec`, and returns their values in the
/// same shape and order; [`gather_all`] takes any iterator. Each future becomes a task at the call,
/// so they run even if the gather is not awaited. Unlike in asyncio, an `Err` that a future returns
/// is a value like any other: to stop at the first `Err`, use [`try_gather`]. A
/// [`Task`](crate::Task) among the futures gives a `Result<T, TaskError>`.
///
/// A gather of nothing (`()`, an empty array or `Vec`), or of tasks that have ended, is ready at
/// once.
///
/// # Errors
/// The first child, in order of time, that panics or is cancelled (other than through this gather)
/// ends the gather at once. The other children are not cancelled and keep running. Unlike in
/// asyncio, their later panics are reported to the loop's exception handler. With
/// [`return_exceptions`](Gather::return_exceptions), the gather waits for all children.
///
/// # Cancellation
/// Cancelling the awaiter cancels all children. Unlike in asyncio, the gather then waits until all
/// of them have ended, in both modes, and raises the cancellation even if all of them returned
/// values. Dropping a gather detaches its children.
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

/// Like [`gather`], for the futures of an iterator: `asyncio.gather(*awaitables)`.
///
/// Unlike [`gather`], it makes the children when it is polled first: with a
/// [`limit`](GatherAll::limit), it takes each future from the iterator when that may run.
///
/// # Errors, Cancellation
/// The same as [`gather`]. Futures that have not been taken from the iterator by then are dropped
/// with it.
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
pub fn gather_all<I>(awaitables: I) -> GatherAll<I::IntoIter>
where
    I: IntoIterator,
    I::Item: Future + Send + 'static,
    <I::Item as Future>::Output: Send + 'static,
{
    demand_loop();
    GatherAll::new(awaitables.into_iter(), Location::caller())
}

/// Like [`gather`], for futures that return a `Result`: the first `Err` ends the gather at once.
///
/// All futures have the same error type. If a child panics or is cancelled, its
/// [`TaskError`](crate::TaskError) is converted into that type. For tasks the type is `TaskError`
/// itself: that is asyncio's gather of tasks. The other children keep running. Unlike in asyncio,
/// their later errors are reported to the loop's exception handler.
///
/// # Errors
/// The first error, in order of time. With [`return_exceptions`](Gather::return_exceptions), the
/// gather waits for all children.
///
/// # Cancellation, Panics
/// The same as [`gather`].
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

/// Panics if no loop is running, even if there is nothing to gather. It does so here, where the
/// caller's location is known.
#[track_caller]
fn demand_loop() {
    if try_get_running_loop().is_err() {
        no_running_loop();
    }
}
