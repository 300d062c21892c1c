//! A consumer waits, with a lock released meanwhile, until the producer has something for it.

use std::collections::VecDeque;
use std::sync::Arc;

use asyncio::{Condition, Lock};

#[derive(Default)]
struct Shelf {
    items: Lock<VecDeque<u32>>,
    changed: Condition,
}

async fn consumer(shelf: Arc<Shelf>) {
    loop {
        let guard = shelf.items.acquire().await;
        let mut items = shelf
            .changed
            .wait_for(guard, |items| !items.is_empty())
            .await;
        let item = items.pop_front().unwrap();
        println!("consumed {item}");
        if item == 3 {
            return;
        }
        drop(items);
        shelf.changed.notify_all();
    }
}

#[asyncio::main]
async fn main() {
    let shelf = Arc::new(Shelf::default());
    let task = asyncio::create_task(consumer(Arc::clone(&shelf)));

    for item in 1..=3 {
        let guard = shelf.items.acquire().await;
        let mut items = shelf
            .changed
            .wait_for(guard, |items| items.is_empty())
            .await;
        println!("produced {item}");
        items.push_back(item);
        drop(items);
        shelf.changed.notify_all();
    }

    task.await.unwrap();
}
