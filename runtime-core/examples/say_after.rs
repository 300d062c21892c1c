//! Runs two tasks concurrently: takes about two seconds, not three.

use std::time::Duration;

mod support;

async fn say_after(delay: u64, what: &str) -> u64 {
    asyncio::sleep(Duration::from_secs(delay)).await;
    println!("{what}");
    delay
}

#[asyncio::main]
async fn main() {
    let task1 = asyncio::create_task(say_after(1, "hello"));

    let task2 = asyncio::create_task(say_after(2, "world"));

    println!("started at {}", support::time_of_day());

    // Wait until both tasks are completed (should take around 2 seconds.)
    let ret = task1.await.unwrap();
    println!("task1 result is: {ret}");
    task2.await.unwrap();

    println!("finished at {}", support::time_of_day());
}
