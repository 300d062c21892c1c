//! The lock itself.

use std::sync::Arc;

use asyncio::Lock;

/// LK-3: exactly one holder at all times, under real parallelism: the counter is no atomic.
#[asyncio::test(workers = 4)]
async fn a_million_locks_by_a_hundred_tasks_count_exactly() {
    let counter = Arc::new(Lock::new(0_u64));
    let tasks = (0..100).map(|_| {
        let counter = Arc::clone(&counter);
        asyncio::create_task(async move {
            for round in 0..10_000_u32 {
                let mut guard = counter.acquire().await;
                let before = *guard;
                if round % 1_000 == 0 {
                    asyncio::checkpoint().await;
                }
                *guard = before + 1;
            }
        })
    });
    let tasks: Vec<_> = tasks.collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(*counter.acquire().await, 1_000_000);
}
