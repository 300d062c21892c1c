//! Shows shield, wait_for, wait, as_completed, and a coroutine submitted from another thread.

use std::thread;
use std::time::{Duration, Instant};

use asyncio::{FIRST_COMPLETED, TaskError, create_task, sleep};
use futures::StreamExt;

/// A tenth of a second.
const STEP: Duration = Duration::from_millis(100);

fn main() {
    asyncio::run(async {
        protect().await;
        limit().await;
        wait_for_the_first().await;
        take_as_they_come().await;
        submit_from_a_thread().await;
    });
}

/// Protects a task from being cancelled together with its awaiter.
async fn protect() {
    let mut important = create_task(sleep(2 * STEP).with_result("finished"));
    let impatient = asyncio::wait_for(asyncio::shield(&mut important), STEP).await;
    println!("shield: the awaiter gave up ({})", impatient.unwrap_err());
    println!("shield: the task has {}", important.await.unwrap());
}

/// Limits the time of one await.
async fn limit() {
    let begin = Instant::now();
    match asyncio::wait_for(sleep(Duration::from_secs(3600)), 2 * STEP).await {
        Ok(()) => println!("wait_for: an hour has passed"),
        Err(error) => println!("wait_for: {error} after {:.1?}", begin.elapsed()),
    }
}

/// Waits until the first of several tasks has ended.
async fn wait_for_the_first() {
    let tasks = (1..=3).map(|n| create_task(sleep(n * STEP).with_result(n)));
    let (done, pending) = asyncio::wait(tasks)
        .timeout(Duration::from_secs(10))
        .return_when(FIRST_COMPLETED)
        .await;
    println!("wait: {} done, {} pending", done.len(), pending.len());
    for task in pending {
        task.cancel();
        assert!(matches!(task.await, Err(TaskError::Cancelled(_))));
    }
}

/// Takes results in the order of completion.
async fn take_as_they_come() {
    let tasks = [3, 1, 2].map(|n| create_task(sleep(n * STEP).with_result(n)));
    let mut results = asyncio::as_completed(tasks);
    while let Some(result) = results.next().await {
        println!("as_completed: {}", result.unwrap());
    }
}

/// Submits a coroutine to the loop from another thread.
async fn submit_from_a_thread() {
    let event_loop = asyncio::get_running_loop();
    let elsewhere = move || {
        // Create a coroutine
        let coro = sleep(STEP).with_result(3);
        // Submit the coroutine to a given loop
        let future = asyncio::run_coroutine_threadsafe(coro, &event_loop);
        // Wait for the result with an optional timeout argument
        assert_eq!(future.result(Duration::from_secs(2)).unwrap(), 3);
        println!("run_coroutine_threadsafe: 3");
    };
    let waiting = asyncio::to_thread(move || thread::spawn(elsewhere).join());
    waiting.await.unwrap().expect("the thread has not panicked");
}
