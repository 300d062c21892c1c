//! Counts the instructions of operations, and holds them against those that are written down.
//!
//! A count repeats to a few in a hundred thousand, on a busy machine too: so it shows a change of a
//! few in a hundred that a time would hide. It says nothing of caches, of system calls, or of what
//! cores do to one another.
//!
//! Each row runs under valgrind with one worker, twice, with different numbers of operations. The
//! counted program has a clock of its own (`clock.rs`), and is built like a user's (the profile
//! `counts`).

mod rows;

mod baseline;
mod valgrind;

mod verdict;

#[cfg(not(test))]
#[expect(unsafe_code, reason = "it stands in for a function of C")]
mod clock;

use std::fs;
use std::process::ExitCode;

use crate::baseline::Baseline;
use crate::rows::{ROWS, Row, Runtime};

const BASELINE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/counts.txt");

const HELP: &str = "\
Counts the instructions of operations with one worker, under valgrind.

usage: counts [options] [NAME…]
  NAME               only rows whose name contains NAME
  --tokio            counts tokio instead, and compares nothing
  --renew            writes the counts of all rows to benches/counts.txt
  --baseline FILE    takes, or writes, FILE instead of benches/counts.txt
  --run RUNTIME ROW OPS
                     does so many operations in this process; used for the
                     child processes, and under other tools";

#[derive(Debug)]
struct Options {
    runtime: Runtime,
    renew: bool,
    baseline: String,
    names: Vec<String>,
}

fn main() -> ExitCode {
    match run(std::env::args().skip(1)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(message) => {
            eprintln!("counts: {message}");
            ExitCode::FAILURE
        }
    }
}

/// Returns whether the check passes.
fn run(mut arguments: impl Iterator<Item = String>) -> Result<bool, String> {
    let mut options = Options {
        runtime: Runtime::Asyncio,
        renew: false,
        baseline: BASELINE.into(),
        names: Vec::new(),
    };
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--help" | "-h" => {
                println!("{HELP}");
                return Ok(true);
            }
            "--run" => return run_row(arguments),
            "--tokio" => options.runtime = Runtime::Tokio,
            "--renew" => options.renew = true,
            "--baseline" => options.baseline = arguments.next().ok_or("--baseline needs a file")?,
            _ if argument.starts_with('-') => {
                return Err(format!("no such option: {argument}\n\n{HELP}"));
            }
            _ => options.names.push(argument),
        }
    }
    count(&options)
}

fn run_row(arguments: impl Iterator<Item = String>) -> Result<bool, String> {
    let words: Vec<String> = arguments.collect();
    let [runtime, name, ops] = words.as_slice() else {
        return Err(HELP.into());
    };
    let runtimes = [Runtime::Asyncio, Runtime::Tokio];
    let runtime = runtimes.into_iter().find(|known| known.name() == runtime);
    let run = rows::named(name)
        .zip(runtime)
        .and_then(|(row, runtime)| row.run(runtime));
    let ops = ops.parse().ok();
    let (run, ops) = run.zip(ops).ok_or("no such run")?;
    run(ops);
    Ok(true)
}

fn count(options: &Options) -> Result<bool, String> {
    if !valgrind::exists() {
        println!("SKIPPED: there is no valgrind");
        return Ok(true);
    }
    let chosen = |row: &&Row| {
        let mut names = options.names.iter();
        options.names.is_empty() || names.any(|name| row.name.contains(name.as_str()))
    };
    let rows: Vec<&Row> = ROWS.iter().filter(chosen).collect();
    let counts = valgrind::count_all(&rows, options.runtime)?;
    let with = baseline::here()?;
    if options.renew {
        return renew(options, &rows, &counts, with);
    }
    let baseline = match options.runtime {
        Runtime::Asyncio => Some(read(&options.baseline)?),
        Runtime::Tokio => None,
    };
    let verdict = verdict::compare(&rows, &counts, &with, baseline.as_ref());
    print!("{}", verdict.table);
    Ok(verdict.passes)
}

fn read(path: &str) -> Result<Baseline, String> {
    let text = fs::read_to_string(path).map_err(|error| format!("{path}: {error}"))?;
    Baseline::parse(&text).map_err(|error| format!("{path}: {error}"))
}

fn renew(options: &Options, rows: &[&Row], counts: &[u64], with: String) -> Result<bool, String> {
    if rows.len() != ROWS.len() || options.runtime != Runtime::Asyncio {
        return Err("the baseline has asyncio's counts of all rows".into());
    }
    let counts = counts.iter().zip(rows);
    let baseline = Baseline {
        taken_with: with,
        counts: counts
            .map(|(&count, row)| (count, row.name.into()))
            .collect(),
    };
    print!("{baseline}");
    let path = &options.baseline;
    fs::write(path, baseline.to_string()).map_err(|error| format!("{path}: {error}"))?;
    Ok(true)
}
