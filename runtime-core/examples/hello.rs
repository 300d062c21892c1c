//! The hello world of asyncio's documentation: `asyncio.run`.

use std::time::Duration;

fn main() {
    asyncio::run(async {
        println!("hello");
        asyncio::sleep(Duration::from_secs(1)).await;
        println!("world");
    });
}
