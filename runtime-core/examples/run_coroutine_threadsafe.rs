//! Submits a coroutine to a loop from a thread that does not belong to the loop.

use std::time::Duration;

use asyncio::EventLoop;

fn submit(event_loop: &EventLoop) {
    // Create a coroutine
    let coro = asyncio::sleep(Duration::from_secs(1)).with_result(3);

    // Submit the coroutine to a given loop
    let future = asyncio::run_coroutine_threadsafe(coro, event_loop);

    // Wait for the result with an optional timeout argument
    let timeout = Duration::from_secs(2);
    assert_eq!(future.result(timeout).unwrap(), 3);
}

#[asyncio::main]
async fn main() {
    let event_loop = asyncio::get_running_loop();
    asyncio::to_thread(move || submit(&event_loop))
        .await
        .unwrap();
}
