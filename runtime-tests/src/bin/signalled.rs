//! A program that is sent signals by a test. Its argument says what it does; it writes "ready" when
//! the signals may come.

use std::io::Write;
use std::time::Duration;

use asyncio::signals::{SIGINT, SIGUSR1};
use asyncio::{Runner, catch_cancelled, finally, get_running_loop, sleep, to_thread};
use futures::StreamExt;

const LONG: Duration = Duration::from_secs(60);

fn say(text: &str) {
    println!("{text}");
    std::io::stdout().flush().expect("somebody reads");
}

fn main() {
    match std::env::args().nth(1).as_deref() {
        Some("cleanup") => asyncio::run(cleanup()),
        Some("suppress") => say(&format!("returned {}", asyncio::run(suppress()))),
        Some("twice") => asyncio::run(finally(cleanup(), sleep(LONG))),
        Some("stuck") => asyncio::run(async {
            say("ready");
            std::thread::sleep(LONG);
        }),
        Some("thread") => asyncio::run(in_thread()),
        Some("try_run") => {
            let error = asyncio::try_run(cleanup()).expect_err("it is cancelled");
            say(&format!("by {:?}", error.by_signal()));
        }
        Some("own_handler") => asyncio::run(own_handler()),
        Some("after") => {
            asyncio::run(async {});
            say("ready");
            std::thread::sleep(LONG);
        }
        Some("terminate") => {
            let runner = Runner::builder().handle_sigterm(true).build();
            runner.expect("threads can be started").run(cleanup());
        }
        Some("not_handled") => {
            let runner = Runner::builder().handle_sigint(false).build();
            runner.expect("threads can be started").run(cleanup());
        }
        Some("other_thread") => std::thread::spawn(|| asyncio::run(cleanup()))
            .join()
            .expect("no panic"),
        Some("by_code") => {
            let error = asyncio::try_run(by_code()).expect_err("it is cancelled");
            say(&format!("by {:?}", error.by_signal()));
        }
        Some("storm") => asyncio::run(storm()),
        Some("again") => again(),
        Some("own_handler_later") => asyncio::run(own_handler_later()),
        other => panic!("there is no scenario {other:?}"),
    }
    say("end");
}

async fn cleanup() {
    let waited = async {
        say("ready");
        sleep(LONG).await;
    };
    let cleanup = async {
        sleep(Duration::from_millis(1)).await;
        say("cleanup");
    };
    finally(waited, cleanup).await;
}

async fn suppress() -> u32 {
    say("ready");
    let error = catch_cancelled(sleep(LONG))
        .await
        .expect_err("it is cancelled");
    say(&format!("by {:?}", error.by_signal()));
    42
}

async fn in_thread() {
    let function = || {
        say("ready");
        std::thread::sleep(Duration::from_millis(300));
        say("function");
    };
    let waited = async {
        let _returned = to_thread(function).await;
    };
    finally(waited, async { say("cancelled") }).await;
}

async fn own_handler() {
    let event_loop = get_running_loop();
    let mut interrupts = event_loop.signal(SIGINT).expect("it can be handled");
    say("ready");
    for number in 1..=3 {
        interrupts.next().await;
        say(&format!("interrupt {number}"));
    }
}

async fn by_code() {
    let main = asyncio::current_task().expect("main is a task");
    main.cancel();
    say("ready");
    // The signal comes while the cancellation is on its way. This blocks: otherwise that would be
    // delivered first.
    while main.cancelling() < 2 {
        std::thread::sleep(Duration::from_millis(1));
    }
    sleep(LONG).await;
}

/// Both kinds of signals come in great numbers. The last of each is seen.
async fn storm() {
    let event_loop = get_running_loop();
    let mut first = event_loop.signal(SIGUSR1).expect("it can be handled");
    let (seen, come) = std::sync::mpsc::channel();
    event_loop
        .add_signal_handler(asyncio::signals::SIGUSR2, move || {
            let _gone = seen.send(());
        })
        .expect("it can be handled");
    say("ready");
    let mut count = 0_usize;
    let quiet = Duration::from_millis(300);
    while asyncio::wait_for(first.next(), quiet).await.is_ok() {
        count += 1;
    }
    let others = come.try_iter().count();
    say(&format!("some {} {}", count > 0, others > 0));
}

/// Each of many runs of a runner is interrupted, and the next begins at once.
fn again() {
    let runner = Runner::builder().workers(2).build();
    let mut runner = runner.expect("threads can be started");
    for _ in 0..1000 {
        runner.run(async {
            say("ready");
            let slept = catch_cancelled(sleep(LONG)).await;
            slept.expect_err("it is cancelled");
        });
    }
}

/// Handles interrupts in its own way after the first, for a while.
async fn own_handler_later() {
    suppress().await;
    let mut interrupts = get_running_loop()
        .signal(SIGINT)
        .expect("it can be handled");
    say("handles");
    for number in 2..=3 {
        interrupts.next().await;
        say(&format!("interrupt {number}"));
    }
    drop(interrupts);
    say("does not");
    sleep(LONG).await;
}
