//! Three parties meet at a barrier.

use std::sync::Arc;

use asyncio::Barrier;

#[asyncio::main]
async fn main() {
    // barrier with 3 parties
    let b = Arc::new(Barrier::new(3));

    // create 2 new waiting tasks
    let tasks = [1, 2].map(|_| {
        let b = Arc::clone(&b);
        asyncio::create_task(async move { b.wait().await })
    });

    // they may run on other workers
    while b.n_waiting() < 2 {
        asyncio::checkpoint().await;
    }
    println!("{b:?}");

    // The third .wait() call passes the barrier
    b.wait().await.unwrap();
    println!("barrier passed");

    for task in tasks {
        task.await.unwrap().unwrap();
    }
    println!("{b:?}");
}
