//! Runs a command again and again: when a time has passed, and at once when SIGHUP comes.
//!
//! `watch 2 'df -h /'` runs it every two seconds, until Ctrl-C. Without arguments the program runs
//! a command three times, and sends itself the signal once.

use std::io;
use std::time::Duration;

use asyncio::signals::SIGHUP;
use asyncio::{create_subprocess_shell, get_running_loop, wait_for};
use futures::StreamExt;
use rustix::process::{Signal, getpid, kill_process};

/// Runs a command `runs` times. `ready` is called once the signal is awaited.
async fn watch(
    command: &str,
    every: Duration,
    runs: usize,
    ready: impl FnOnce() -> io::Result<()>,
) -> io::Result<()> {
    let mut hangups = get_running_loop().signal(SIGHUP)?;
    ready()?;
    let mut cause = "the start";
    for run in 1..=runs {
        println!("run {run}, by {cause}:");
        // With Ctrl-C the command ends as this program does.
        let process = create_subprocess_shell(command).kill_on_drop(true).await?;
        let status = process.wait().await?;
        if status != 0 {
            println!("exit status {status}");
        }
        if run < runs {
            // A signal that has come while the command ran counts, too.
            let hangup = wait_for(hangups.next(), every).await;
            cause = if hangup.is_ok() {
                "SIGHUP"
            } else {
                "the timer"
            };
        }
    }
    Ok(())
}

#[asyncio::main]
async fn main() -> io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [seconds, command] = &arguments[..] {
        let seconds = seconds.parse().map_err(io::Error::other)?;
        let every = Duration::try_from_secs_f64(seconds).map_err(io::Error::other)?;
        return watch(command, every, usize::MAX, || Ok(())).await;
    }
    let send = || Ok(kill_process(getpid(), Signal::HUP)?);
    watch("echo hello", Duration::from_millis(300), 3, send).await
}
