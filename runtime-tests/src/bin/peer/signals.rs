//! `signals.py` in Rust.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use asyncio::signals::{SIGHUP, SIGKILL, SIGSTOP, SIGTERM, SIGUSR1, SIGUSR2, SIGWINCH};
use asyncio::{Queue, create_subprocess_exec, get_running_loop, sleep};
use rustix::process::{Signal, getpid, kill_process};

use super::say;

fn send(number: i32) {
    let signal = Signal::from_named_raw(number).expect("it is a signal");
    kill_process(getpid(), signal).expect("it can be sent");
}

/// Python's spelling.
fn word(value: bool) -> &'static str {
    if value { "True" } else { "False" }
}

fn add(come: &Arc<Queue<String>>, number: i32, words: &str) {
    let (queue, words) = (Arc::clone(come), words.to_owned());
    let put = move || queue.put_nowait(words.clone()).expect("it has no bound");
    if get_running_loop().add_signal_handler(number, put).is_err() {
        say(&format!("refused {number}"));
    }
}

fn remove(number: i32) {
    let removed = get_running_loop().remove_signal_handler(number);
    say(&format!("removed {}", word(removed)));
}

async fn next(come: &Queue<String>) -> String {
    come.get().await.expect("it is not shut down")
}

pub(crate) async fn main() -> io::Result<()> {
    let come = Arc::new(Queue::new(0));
    for number in [SIGUSR1, SIGUSR2, SIGHUP, SIGTERM] {
        add(&come, number, &format!("handler of {number}"));
    }
    for number in [SIGUSR2, SIGHUP, SIGUSR1, SIGTERM].repeat(3) {
        send(number);
        say(&next(&come).await);
    }

    // Several at once: each is seen, in whatever order.
    for number in [SIGHUP, SIGTERM, SIGUSR1, SIGUSR2] {
        send(number);
    }
    let mut all = Vec::new();
    for _ in 0..4 {
        all.push(next(&come).await);
    }
    all.sort();
    say(&all.join(" "));

    // A handler takes the place of another.
    add(&come, SIGUSR1, "another handler");
    send(SIGUSR1);
    say(&next(&come).await);

    // One that is removed is not called, nor are the others affected.
    remove(SIGUSR1);
    remove(SIGUSR1);
    remove(SIGWINCH);
    send(SIGUSR2);
    let words = next(&come).await;
    say(&format!("{words} {}", word(come.empty())));

    removals(&come).await?;

    for number in [SIGKILL, SIGSTOP, 0, -1, 4000] {
        add(&come, number, "never");
    }

    // Without a handler this one ends the process.
    remove(SIGTERM);
    send(SIGTERM);
    sleep(Duration::from_secs(10)).await;
    say("not ended");
    Ok(())
}

async fn removals(come: &Arc<Queue<String>>) -> io::Result<()> {
    // The default of this one is to do nothing.
    add(come, SIGWINCH, "the window");
    send(SIGWINCH);
    say(&next(come).await);
    remove(SIGWINCH);
    send(SIGWINCH);
    sleep(Duration::from_millis(20)).await;
    say(&format!("ignored {}", word(come.empty())));

    // A handler that was removed can be added again.
    add(come, SIGUSR1, "again");
    send(SIGUSR1);
    say(&next(come).await);

    // A child ends, and is reaped, while its signal has a handler.
    let child = create_subprocess_exec("sleep").arg("1000").await?;
    child.send_signal(SIGUSR1)?;
    let status = child.wait().await?;
    say(&format!("child {status} {}", word(come.empty())));

    // A handler removes itself while it is called.
    let (queue, event_loop) = (Arc::clone(come), get_running_loop());
    let once = move || {
        let removed = event_loop.remove_signal_handler(SIGHUP);
        let put = queue.put_nowait(format!("once {}", word(removed)));
        put.expect("it has no bound");
    };
    get_running_loop().add_signal_handler(SIGHUP, once)?;
    send(SIGHUP);
    say(&next(come).await);
    Ok(())
}
