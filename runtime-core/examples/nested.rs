//! Awaitables: a coroutine awaited as it is, and the same as a task.

async fn nested() -> i32 {
    42
}

#[asyncio::main]
async fn main() {
    // Schedule nested() to run soon concurrently with main().
    let task = asyncio::create_task(nested());

    // "task" can now be used to cancel "nested()", or can simply be awaited to wait until it is
    // complete:
    println!("{}", task.await.unwrap());

    // Let's do it differently now and await the coroutine itself:
    println!("{}", nested().await);
}
