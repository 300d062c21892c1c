//! Creates tasks, by both of asyncio's names.

async fn coro() {}

#[asyncio::main]
async fn main() {
    // In Python 3.7+
    let task1 = asyncio::create_task(coro());

    // This works in all Python versions but is less readable
    let task2 = asyncio::ensure_future(coro());

    task1.await.unwrap();
    task2.await.unwrap();
}
