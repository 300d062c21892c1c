//! Making tasks, by both of asyncio's names.

async fn coro() -> &'static str {
    "done"
}

#[asyncio::main]
async fn main() {
    // In Python 3.7+
    let task1 = asyncio::create_task(coro());

    // This works in all Python versions but is less readable
    let task2 = asyncio::ensure_future(coro());

    println!("task1: {}", task1.await.unwrap());
    println!("task2: {}", task2.await.unwrap());
}
