//! Measures the runtimes in turns and writes the table of ratios.
//!
//! On a shared machine an absolute time means little, and two figures that were taken a minute
//! apart cannot be compared. So every sample is a process of its own, the runtimes take turns, a
//! ratio is taken only within one round, and the median over the rounds is reported. Two other
//! ratios are reported too: the best samples, and the CPU time. Linux only: it reads `/proc`.

#![forbid(unsafe_code)]

mod machine;
mod statistics;
mod units;

mod runs;
mod sample;

mod workload;

mod interpreter;

mod cli;
mod workloads;

mod table;

mod rounds;

mod growth;
mod report;

use std::process::ExitCode;

use crate::cli::{Command, Options};
use crate::interpreter::Interpreter;
use crate::workload::Workload;

fn main() -> ExitCode {
    match cli::parse(std::env::args().skip(1)).and_then(run) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("compare: {message}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<(), String> {
    match command {
        Command::Help => println!("{}", cli::HELP),
        Command::List => report::list(&table::WORKLOADS),
        Command::Sample(order) => rounds::answer(&order)?,
        Command::Compare(options) => match &options.growth {
            Some(folder) => growth::run(&chosen(&options)?, &options, folder)?,
            None => compare(&options)?,
        },
    }
    Ok(())
}

/// The workloads that the options select.
fn chosen(options: &Options) -> Result<Vec<&'static Workload>, String> {
    let all = table::WORKLOADS.iter();
    let chosen: Vec<_> = all
        .filter(|workload| options.chooses(workload.name))
        .collect();
    match chosen.is_empty() {
        true => Err("no workload has such a name; see --list".into()),
        false => Ok(chosen),
    }
}

fn compare(options: &Options) -> Result<(), String> {
    let chosen = chosen(options)?;
    let python = look_for_python(options);
    let interpreter = python.as_ref().and_then(|python| python.as_ref().ok());
    let mut rows = Vec::new();
    for workload in chosen {
        eprintln!("{}", workload.name);
        rows.push(rounds::measure(workload, options, interpreter));
    }
    report::publish(&rows, options, python.as_ref())?;
    match rows.iter().filter(|row| !row.failures.is_empty()).count() {
        0 => Ok(()),
        failed => Err(format!(
            "{failed} of {} rows have samples that failed",
            rows.len()
        )),
    }
}

/// Looks for a Python interpreter and prints the result before the rows begin; `None` if the
/// options do not include Python.
fn look_for_python(options: &Options) -> Option<Result<Interpreter, String>> {
    let wanted = options.runtimes.iter().any(|runtime| runtime.is_python());
    let found = wanted.then(Interpreter::find)?;
    match &found {
        Ok(python) => eprintln!("python is {python}"),
        Err(missing) => eprintln!("python is left out: {missing}"),
    }
    Some(found)
}
