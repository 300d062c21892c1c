//! Runs the rounds: in each, every runtime takes one sample in a process of its own.

use std::env;
use std::io::Read;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use serde::Serialize;

use crate::cli::Options;
use crate::interpreter::{self, Interpreter};
use crate::machine::CpuTicks;
use crate::sample::Sample;
use crate::table;
use crate::workload::{Order, Runtime, Setup, Workload};

/// The time limit of a sample.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(120);

/// All samples of one workload.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) workload: &'static Workload,
    pub(crate) series: Vec<Series>,
    /// The share of the machine that others used during the row, from 0 to 1.
    pub(crate) others: f64,
    pub(crate) failures: Vec<String>,
}

/// The samples of one runtime, by round; `None` if a sample failed.
#[derive(Debug, Serialize)]
pub(crate) struct Series {
    pub(crate) runtime: Runtime,
    pub(crate) samples: Vec<Option<Sample>>,
}

impl Row {
    /// The figures of this runtime by round; `None` if it does not run the workload.
    pub(crate) fn figures(
        &self,
        runtime: Runtime,
        figure: impl Fn(&Sample) -> f64,
    ) -> Option<Vec<Option<f64>>> {
        let series = self
            .series
            .iter()
            .find(|series| series.runtime == runtime)?;
        Some(
            series
                .samples
                .iter()
                .map(|sample| sample.as_ref().map(&figure))
                .collect(),
        )
    }
}

/// Measures one row, without what the interpreter does not run; without one, without Python.
pub(crate) fn measure(
    workload: &'static Workload,
    options: &Options,
    python: Option<&Interpreter>,
) -> Row {
    let runs = |runtime: &Runtime| {
        let has_what_it_needs = || match runtime.is_python() {
            true => python.is_some_and(|python| python.runs(*runtime)),
            false => true,
        };
        workload.run(*runtime).is_some() && has_what_it_needs()
    };
    let runtimes: Vec<Runtime> = options.runtimes.iter().copied().filter(runs).collect();
    let mut series: Vec<Series> = runtimes
        .iter()
        .map(|&runtime| Series {
            runtime,
            samples: Vec::new(),
        })
        .collect();
    let mut failures = Vec::new();
    let before = CpuTicks::read();
    for round in 0..options.rounds {
        for place in turns(series.len(), round) {
            let order = order(workload, series[place].runtime, options);
            let sample = take(&order, python).inspect_err(|failure| eprintln!("  {failure}"));
            series[place].samples.push(sample.as_ref().ok().copied());
            failures.extend(sample.err());
        }
    }
    Row {
        workload,
        series,
        others: CpuTicks::read().others_since(before),
        failures,
    }
}

/// The order of the runtimes in a round. The first one and the direction change from round to
/// round, so that the effects of a process on the next one (heat, caches, memory) are spread over
/// all runtimes.
fn turns(count: usize, round: usize) -> Vec<usize> {
    let mut turns: Vec<usize> = (0..count).collect();
    turns.rotate_left(round % count.max(1));
    if round % 2 == 1 {
        turns.reverse();
    }
    turns
}

/// The amount of work at the scale of the options.
pub(crate) fn size(workload: &Workload, options: &Options) -> usize {
    (workload.size as f64 * options.scale).round().max(1.0) as usize
}

fn order(workload: &Workload, runtime: Runtime, options: &Options) -> Order {
    Order {
        runtime,
        workload: workload.name.into(),
        size: size(workload, options),
        workers: options.workers,
    }
}

/// Takes a sample in a child process, which runs this program again.
fn take(order: &Order, python: Option<&Interpreter>) -> Result<Sample, String> {
    let failed = |why: String| format!("{} failed: {why}", order.runtime.name());
    let program = env::current_exe().map_err(|error| failed(error.to_string()))?;
    let mut child = Command::new(program)
        .args(["--sample", order.runtime.name(), &order.workload])
        .args([order.size.to_string(), order.workers.to_string()])
        .envs(python.map(|python| (interpreter::VARIABLE, &python.path)))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| failed(error.to_string()))?;
    let mut output = child.stdout.take().expect("it is piped");
    let (sender, line) = mpsc::channel();
    let reader = thread::spawn(move || {
        let mut line = String::new();
        // A read error needs no handling: an incomplete line is not valid JSON.
        let _ = output.read_to_string(&mut line);
        // After the time limit, the receiver no longer waits.
        let _ = sender.send(line);
    });
    let line = line.recv_timeout(ANSWER_TIMEOUT);
    if line.is_err() {
        let _ = child.kill();
    }
    let status = child.wait().map_err(|error| failed(error.to_string()))?;
    let _ = reader.join();
    match line {
        Err(_) => Err(failed(format!(
            "no answer within {} s",
            ANSWER_TIMEOUT.as_secs()
        ))),
        Ok(_) if !status.success() => Err(failed(status.to_string())),
        Ok(line) => serde_json::from_str(&line).map_err(|error| failed(error.to_string())),
    }
}

/// Takes the sample in this process, the child, and prints it as one line.
pub(crate) fn answer(order: &Order) -> Result<(), String> {
    let workload = named(&order.workload)?;
    let run = workload
        .run(order.runtime)
        .ok_or_else(|| format!("{} does not run that workload", order.runtime.name()))?;
    let sample = run(Setup {
        size: order.size,
        workers: order.workers,
    });
    println!(
        "{}",
        serde_json::to_string(&sample).map_err(|error| error.to_string())?
    );
    Ok(())
}

/// The workload of this name, or else the first whose name contains `name`, to make `--sample`
/// easier to use by hand.
fn named(name: &str) -> Result<&'static Workload, String> {
    let all = table::WORKLOADS.iter();
    let exact = all.clone().find(|workload| workload.name == name);
    let similar = || all.clone().find(|workload| workload.name.contains(name));
    exact
        .or_else(similar)
        .ok_or_else(|| format!("no such workload: {name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_runtime_is_first_and_last_once() {
        let rounds: Vec<_> = (0..6).map(|round| turns(3, round)).collect();
        for runtime in 0..3 {
            assert!(rounds.iter().any(|turns| turns[0] == runtime));
            assert!(rounds.iter().any(|turns| turns[2] == runtime));
        }
    }
}
