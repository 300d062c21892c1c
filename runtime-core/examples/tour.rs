//! The tour: every program of the seed, one after the other, and then a burst of a million tasks.

use std::env;
use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

/// The seed's programs, in its order.
const PROGRAMS: [&str; 5] = ["hello", "say_after", "nested", "create_task", "cancel_me"];
const BURST: u64 = 1_000_000;

fn main() {
    for program in PROGRAMS {
        show(program);
    }
    burst();
}

/// Builds and runs one example, as a reader would.
fn show(program: &str) {
    println!("--- {program}");
    let cargo = env::var_os("CARGO").map_or_else(|| PathBuf::from("cargo"), PathBuf::from);
    let mut command = Command::new(cargo);
    command.args(["run", "--quiet", "-p", "runtime-core", "--example", program]);
    if !cfg!(debug_assertions) {
        command.arg("--release");
    }
    match command.status() {
        Ok(status) if status.success() => {}
        Ok(status) => println!("{program} ended with {status}"),
        Err(error) => println!("{program} could not be started: {error}"),
    }
}

/// Spawns a million tasks from ten tasks, and awaits them all.
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
