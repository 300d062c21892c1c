//! Gathers three concurrent computations: takes about three seconds, not six.

use std::time::Duration;

async fn factorial(name: &str, number: u32) -> u32 {
    let mut f = 1;
    for i in 2..=number {
        println!("Task {name}: Compute factorial({i})...");
        asyncio::sleep(Duration::from_secs(1)).await;
        f *= i;
    }
    println!("Task {name}: factorial({number}) = {f}");
    f
}

#[asyncio::main]
async fn main() {
    // Schedule three calls *concurrently*:
    asyncio::gather((factorial("A", 2), factorial("B", 3), factorial("C", 4)))
        .await
        .unwrap();
}
