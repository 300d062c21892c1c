//! Runs a coroutine as a task, concurrently with the main coroutine.

async fn nested() -> i32 {
    42
}

#[asyncio::main]
async fn main() {
    // Schedule nested() to run soon concurrently with "main()".
    let task = asyncio::create_task(nested());

    // "task" can now be used to cancel "nested()", or can simply be awaited to wait until it is
    // complete:
    let value = task.await.unwrap();
    assert_eq!(value, 42);
}
