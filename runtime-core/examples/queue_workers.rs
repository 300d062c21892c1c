//! Three workers take their work out of one queue; main waits until all of it is done.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::Arc;
use std::time::{Duration, Instant};

use asyncio::Queue;

async fn worker(name: String, queue: Arc<Queue<f64>>) {
    loop {
        // Get a "work item" out of the queue.
        let sleep_for = queue.get().await.unwrap();

        // Sleep for the "sleep_for" seconds.
        asyncio::sleep(Duration::from_secs_f64(sleep_for)).await;

        // Notify the queue that the "work item" has been processed.
        queue.task_done().unwrap();

        println!("{name} has slept for {sleep_for:.2} seconds");
    }
}

#[asyncio::main]
async fn main() {
    // Create a queue that we will use to store our "workload".
    let queue = Arc::new(Queue::new(0));

    // Generate random timings and put them into the queue.
    let mut total_sleep_time = 0.0;
    for _ in 0..20 {
        let sleep_for = uniform(0.05, 1.0);
        total_sleep_time += sleep_for;
        queue.put_nowait(sleep_for).unwrap();
    }

    // Create three worker tasks to process the queue concurrently.
    let mut tasks = Vec::new();
    for i in 0..3 {
        let worker = worker(format!("worker-{i}"), Arc::clone(&queue));
        tasks.push(asyncio::create_task(worker));
    }

    // Wait until the queue is fully processed.
    let started_at = Instant::now();
    queue.join().await;
    let total_slept_for = started_at.elapsed().as_secs_f64();

    // Cancel our worker tasks.
    for task in &tasks {
        task.cancel();
    }
    // Wait until all worker tasks are cancelled.
    asyncio::gather(tasks).return_exceptions().await;

    println!("====");
    println!("3 workers slept in parallel for {total_slept_for:.2} seconds");
    println!("total expected sleep time: {total_sleep_time:.2} seconds");
}

/// A random number in this range.
fn uniform(low: f64, high: f64) -> f64 {
    let random = RandomState::new().build_hasher().finish();
    low + (high - low) * (random as f64 / u64::MAX as f64)
}
