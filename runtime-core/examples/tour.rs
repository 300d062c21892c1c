//! Runs every example program, one after the other, and then a burst of a million tasks. (All but
//! `http_get`, which needs the feature `tls` and a server of the Internet.)

use std::env;
use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::process::{Command, ExitStatus, Stdio};
use std::time::Instant;

/// The example programs, mostly in the order of asyncio's documentation, and the others. (One
/// of the commands that `ci_runner` shows fails, and so does it.)
const PROGRAMS: [&str; 33] = [
    "hello",
    "say_after",
    "nested",
    "create_task",
    "display_date",
    "factorial",
    "some_apis",
    "run_coroutine_threadsafe",
    "introspection",
    "cancel_me",
    "event",
    "barrier",
    "condition",
    "rate_limit",
    "queue_workers",
    "pipeline",
    "crawler",
    "tcp_echo_client",
    "tcp_echo_server",
    "http_headers",
    "register_socket",
    "unix_socket",
    "udp_ping",
    "tcp_proxy",
    "port_scan",
    "echo_server",
    "line_server",
    "chat_server",
    "get_date",
    "subprocess_shell",
    "ci_runner",
    "watch",
    "grep_many",
];
const BURST: u64 = 1_000_000;

fn main() {
    build();
    for program in PROGRAMS {
        println!("--- {program}");
        match show(program) {
            Ok(status) if status.success() => {}
            Ok(status) => println!("{program} ended with {status}"),
            Err(error) => println!("{program} could not be started: {error}"),
        }
    }
    burst();
}

/// Builds all programs in one call, which is faster than one by one. A build that fails here fails
/// again in `show`, which prints the error.
fn build() {
    let mut command = cargo("build");
    for program in PROGRAMS {
        command.args(["--example", program]);
    }
    if let Err(error) = command.status() {
        println!("cargo could not be started: {error}");
    }
}

/// Runs one program with `cargo run`, and prints each line as soon as it is there.
fn show(program: &str) -> std::io::Result<ExitStatus> {
    let mut command = cargo("run");
    command.args(["--quiet", "--example", program]);
    let mut child = command.stdout(Stdio::piped()).spawn()?;
    let mut is_silent = true;
    let lines = child
        .stdout
        .take()
        .map(|output| BufReader::new(output).lines());
    for line in lines.into_iter().flatten() {
        println!("{}", line?);
        is_silent = false;
    }
    if is_silent {
        println!("(it prints nothing)");
    }
    child.wait()
}

/// Returns a cargo command for this package, in the profile of this program.
fn cargo(subcommand: &str) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo")));
    command.args([subcommand, "-p", "runtime-core"]);
    if !cfg!(debug_assertions) {
        command.arg("--release");
    }
    command
}

/// Creates a million tasks from ten tasks, and awaits them all.
fn burst() {
    println!("--- a burst of {BURST} tasks");
    let mut runner = asyncio::Runner::new();
    let begin = Instant::now();
    let sum: u64 = runner.run(async {
        let share = BURST / 10;
        let spawners: Vec<_> = (0..10)
            .map(|part| asyncio::create_task(spawn_share(part * share, share)))
            .collect();
        let mut sum = 0;
        for spawner in spawners {
            sum += spawner.await.unwrap();
        }
        sum
    });
    let elapsed = begin.elapsed();
    assert_eq!(sum, BURST * (BURST - 1) / 2, "every task has run once");
    let metrics = runner.get_loop().metrics();
    println!(
        "{:.2} million tasks per second ({:.0} ns each), {} steals, {} parks, {} workers",
        BURST as f64 / elapsed.as_secs_f64() / 1e6,
        elapsed.as_nanos() as f64 / BURST as f64,
        metrics.steals,
        metrics.parks,
        metrics.workers,
    );
}

async fn spawn_share(first: u64, count: u64) -> u64 {
    let tasks: Vec<_> = (first..first + count)
        .map(|n| asyncio::create_task(async move { n }))
        .collect();
    let mut sum = 0;
    for task in tasks {
        sum += task.await.unwrap();
    }
    sum
}
