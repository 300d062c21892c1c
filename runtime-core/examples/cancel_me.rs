//! Cancels a task that catches the cancellation, cleans up, and passes it on.

use std::time::Duration;

use asyncio::{TaskError, catch_cancelled, finally};

async fn cancel_me() {
    println!("cancel_me(): before sleep");

    finally(
        async {
            // Wait for 1 hour
            let slept = catch_cancelled(asyncio::sleep(Duration::from_secs(3600))).await;
            if let Err(cancelled) = slept {
                println!("cancel_me(): cancel sleep");
                cancelled.raise().await;
            }
        },
        async { println!("cancel_me(): after sleep") },
    )
    .await;
}

#[asyncio::main]
async fn main() {
    // Create a "cancel_me" Task
    let task = asyncio::create_task(cancel_me());

    // Wait for 1 second
    asyncio::sleep(Duration::from_secs(1)).await;

    task.cancel();
    match task.await {
        Err(TaskError::Cancelled(_)) => println!("main(): cancel_me is cancelled now"),
        other => println!("main(): {other:?}"),
    }
}
