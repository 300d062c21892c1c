//! Introspection: the current task, and all tasks of the loop.

use std::time::Duration;

use asyncio::task;

async fn worker() {
    let own = asyncio::current_task().expect("a task runs this coroutine");
    println!("{} runs", own.get_name());
    asyncio::sleep(Duration::from_secs(1)).await;
}

#[asyncio::main]
async fn main() {
    let main = asyncio::current_task().expect("the main coroutine is a task, too");
    println!("main is {main:?}");

    let workers = ["a", "b", "c"].map(|name| {
        let builder = task::Builder::new().name(format!("worker {name}"));
        builder.create_task(worker())
    });

    let tasks = asyncio::all_tasks();
    println!("{} tasks have not ended:", tasks.len());
    for task in &tasks {
        println!("  {}, created at {}", task.get_name(), task.location());
    }

    // In a callback there is a running loop, but no current task.
    let event_loop = asyncio::get_running_loop();
    let answer = event_loop.create_future();
    let ask = answer.clone();
    event_loop.call_soon(move || {
        ask.set_result(asyncio::current_task().is_none())
            .expect("it is set once");
    });
    println!("a callback has no current task: {}", answer.await.unwrap());

    for worker in workers {
        worker.await.unwrap();
    }
    println!("{} is left", asyncio::all_tasks().len());
}
