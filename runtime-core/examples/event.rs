//! A task waits until an event is set.

use std::sync::Arc;
use std::time::Duration;

use asyncio::Event;

async fn waiter(event: Arc<Event>) {
    println!("waiting for it ...");
    event.wait().await;
    println!("... got it!");
}

#[asyncio::main]
async fn main() {
    // Create an Event object.
    let event = Arc::new(Event::new());

    // Spawn a Task to wait until 'event' is set.
    let waiter_task = asyncio::create_task(waiter(Arc::clone(&event)));

    // Sleep for 1 second and set the event.
    asyncio::sleep(Duration::from_secs(1)).await;
    event.set();

    // Wait until the waiter is finished.
    waiter_task.await.unwrap();
}
