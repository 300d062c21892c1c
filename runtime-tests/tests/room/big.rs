//! Tests of big futures on small stacks.
//!
//! All other tests use small futures, so they did not show that a future was copied a dozen times
//! on its way into a task. These tests are for the debug build, which makes every copy that the
//! source asks for.

use super::*;
use asyncio::TaskError;

/// The stack of a test, in KiB.
const STACK: usize = 2048;
/// The size of a future that fits on the stack twice: the caller's, and the one copy that a call by
/// value makes.
const MOST: usize = 960 * 1024;
/// The same for a call that also makes a loop and ends it.
const MOST_WITH_LOOP: usize = 900 * 1024;
/// The size of a future that fits on the stack several times: the caller of a combinator collects
/// futures, and the combinator moves them on.
const SOME: usize = 256 * 1024;

#[test]
fn every_call_that_makes_a_task_takes_a_future_of_half_the_stack() {
    on_stack(STACK, || async {
        assert_eq!(asyncio::create_task(big::<MOST>()).await.unwrap(), 7);
    });
    on_stack(STACK, || async {
        assert_eq!(asyncio::create_local_task(big::<MOST>()).await.unwrap(), 7);
    });
    on_stack(STACK, || async {
        assert_eq!(asyncio::ensure_future(big::<MOST>()).await.unwrap(), 7);
    });
    on_stack(STACK, || async {
        let builder = asyncio::task::Builder::new().name("big");
        assert_eq!(builder.create_task(big::<MOST>()).await.unwrap(), 7);
    });
    on_stack(STACK, || async {
        let builder = asyncio::task::Builder::new().eager_start(true);
        assert_eq!(builder.create_task(big::<MOST>()).await.unwrap(), 7);
    });
    on_stack(STACK, || async {
        let builder = asyncio::task::Builder::new();
        assert_eq!(builder.create_local_task(big::<MOST>()).await.unwrap(), 7);
    });
}

#[test]
fn every_call_of_a_loop_takes_a_future_of_half_the_stack() {
    on_stack(STACK, || async {
        let event_loop = asyncio::get_running_loop();
        assert_eq!(event_loop.create_task(big::<MOST>()).await.unwrap(), 7);
    });
    on_stack(STACK, || async {
        let event_loop = asyncio::get_running_loop();
        let task = event_loop.try_create_task(big::<MOST>()).unwrap();
        assert_eq!(task.await.unwrap(), 7);
    });
    on_stack(STACK, || async {
        let event_loop = asyncio::get_running_loop();
        let future = asyncio::run_coroutine_threadsafe(big::<MOST>(), &event_loop);
        assert_eq!(future.await.unwrap(), 7);
    });
    let runner = asyncio::Runner::builder().workers(2).build().unwrap();
    let event_loop = runner.get_loop().clone();
    with_stack(STACK, move || {
        assert_eq!(event_loop.block_on(big::<MOST>()), Ok(7));
    });
}

#[test]
fn every_way_to_run_takes_a_future_of_nearly_half_the_stack() {
    with_stack(STACK, || {
        assert_eq!(asyncio::run(big::<MOST_WITH_LOOP>()), 7);
    });
    with_stack(STACK, || {
        assert_eq!(asyncio::try_run(big::<MOST_WITH_LOOP>()), Ok(7));
    });
    with_stack(STACK, || {
        let mut runner = asyncio::Runner::builder().workers(1).build().unwrap();
        assert_eq!(runner.run(big::<MOST_WITH_LOOP>()), 7);
    });
    with_stack(STACK, || {
        let mut runner = asyncio::Runner::builder().workers(1).build().unwrap();
        assert_eq!(runner.try_run(big::<MOST_WITH_LOOP>()), Ok(7));
    });
    with_stack(STACK, attributed);
}

/// Checks the expansion of the attribute. The test harness gives it a stack of 2 MiB as well.
#[asyncio::main(workers = 1)]
async fn attributed() {
    let buffer = [7u8; MOST_WITH_LOOP];
    asyncio::checkpoint().await;
    assert_eq!(black_box(&buffer)[3], 7);
}

#[test]
fn a_gather_takes_big_futures_in_every_shape() {
    on_stack(STACK, || async {
        assert_eq!(asyncio::gather((big::<SOME>(),)).await.unwrap(), (7,));
    });
    on_stack(STACK, || async {
        let futures: Vec<_> = std::iter::once_with(big::<SOME>).collect();
        assert_eq!(asyncio::gather(futures).await.unwrap(), [7]);
    });
    on_stack(STACK, || async {
        let futures = std::iter::repeat_with(big::<SOME>).take(3);
        assert_eq!(asyncio::gather_all(futures).await.unwrap(), [7, 7, 7]);
    });
    on_stack(STACK, || async {
        let futures = [big::<{ SOME / 2 }>()];
        assert_eq!(asyncio::gather(futures).await.unwrap(), [7]);
    });
    on_stack(STACK, || async {
        let futures = (trying::<SOME>(),);
        assert_eq!(asyncio::try_gather(futures).await.unwrap(), (7,));
    });
}

async fn trying<const N: usize>() -> Result<u8, TaskError> {
    Ok(big::<N>().await)
}

#[test]
fn what_holds_a_future_in_place_takes_big_ones() {
    on_stack(STACK, || async {
        let limited = asyncio::wait_for(big::<{ SOME / 2 }>(), SECOND);
        assert_eq!(limited.await, Ok(7));
    });
    on_stack(STACK, || async {
        let limited = asyncio::timeout(SECOND, async |_| big::<{ SOME / 2 }>().await);
        assert_eq!(limited.await, Ok(7));
    });
    on_stack(STACK, || async {
        let limited = asyncio::move_on_after(SECOND, async |_| big::<{ SOME / 2 }>().await);
        assert_eq!(limited.await, Some(7));
    });
    on_stack(STACK, || async {
        let both = asyncio::finally(big::<{ SOME / 2 }>(), async {});
        assert_eq!(both.await, 7);
    });
    on_stack(STACK, || async {
        assert_eq!(asyncio::catch_cancelled(big::<SOME>()).await, Ok(7));
    });
}

#[test]
fn functions_and_callbacks_may_be_big() {
    const SIZE: usize = 192 * 1024;
    on_stack(STACK, || async {
        let buffer = [7u8; SIZE];
        let task = asyncio::to_thread(move || black_box(&buffer)[3]);
        assert_eq!(task.await.unwrap(), 7);
    });
    on_stack(STACK, || async {
        let buffer = [7u8; SIZE];
        let event_loop = asyncio::get_running_loop();
        let task = event_loop.run_in_executor(None, move || black_box(&buffer)[3]);
        assert_eq!(task.await.unwrap(), 7);
    });
    on_stack(STACK, || async {
        let (done, buffer) = (asyncio::Future::new(), [7u8; SIZE]);
        let set = done.clone();
        let event_loop = asyncio::get_running_loop();
        event_loop.call_soon(move || set.set_result(black_box(&buffer)[3]).unwrap());
        assert_eq!(done.await.unwrap(), 7);
    });
    on_stack(STACK, || async {
        let (done, buffer) = (asyncio::Future::new(), [7u8; SIZE]);
        let set = done.clone();
        let task = asyncio::create_task(async {});
        task.add_done_callback(move |_| set.set_result(black_box(&buffer)[3]).unwrap());
        assert_eq!(done.await.unwrap(), 7);
    });
    on_stack(STACK, || async {
        let (done, buffer) = (asyncio::Future::new(), [7u8; SIZE]);
        let (set, first) = (done.clone(), asyncio::Future::new());
        first.add_done_callback(move |_| set.set_result(black_box(&buffer)[3]).unwrap());
        first.set_result(()).unwrap();
        assert_eq!(done.await.unwrap(), 7);
    });
}
