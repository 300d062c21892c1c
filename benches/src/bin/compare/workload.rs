//! The definition of a row of the table: its workload, its runtimes and its goals.

use std::str::FromStr;

use serde::Serialize;

use crate::sample::Sample;

/// The runtimes that can be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Runtime {
    Asyncio,
    Tokio,
    Smol,
    /// The queue of the crate flume, on tokio.
    Flume,
    /// The queue of the crate kanal, on tokio.
    Kanal,
    /// No runtime: only the system calls, as a lower bound.
    Bare,
    /// Python's own asyncio, if a Python interpreter is found.
    Python,
    /// The same on uvloop, if the interpreter has that.
    Uvloop,
}

impl Runtime {
    pub(crate) const ALL: [Self; 8] = [
        Self::Asyncio,
        Self::Tokio,
        Self::Smol,
        Self::Flume,
        Self::Kanal,
        Self::Bare,
        Self::Python,
        Self::Uvloop,
    ];

    /// The runtime to which the ratios are taken.
    pub(crate) const BASELINE: Self = Self::Tokio;

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Asyncio => "asyncio",
            Self::Tokio => "tokio",
            Self::Smol => "smol",
            Self::Flume => "flume",
            Self::Kanal => "kanal",
            Self::Bare => "bare",
            Self::Python => "python",
            Self::Uvloop => "uvloop",
        }
    }

    /// Whether it needs an interpreter.
    pub(crate) fn is_python(self) -> bool {
        matches!(self, Self::Python | Self::Uvloop)
    }
}

impl FromStr for Runtime {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|runtime| runtime.name() == name);
        known.ok_or_else(|| format!("no such runtime: {name}"))
    }
}

/// The amount of work and the number of workers of a sample.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setup {
    pub(crate) size: usize,
    pub(crate) workers: usize,
}

/// Takes one sample in this process.
pub(crate) type Run = fn(Setup) -> Sample;

/// The figure of a sample that the row is about.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Subject {
    /// Elapsed time, or lateness.
    Time,
    /// CPU time, for workloads that mostly wait.
    Cpu,
    /// Memory.
    Bytes,
}

impl Subject {
    /// This figure of the sample.
    pub(crate) fn of(self, sample: &Sample) -> f64 {
        match self {
            Self::Time => sample.ns_per_op,
            Self::Cpu => sample.cpu_ns_per_op,
            Self::Bytes => sample.bytes_per_op,
        }
    }
}

/// A target of a row.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Goal {
    /// At most this ratio to the baseline.
    Ratio(f64),
    /// At most this ratio to the bare system calls.
    OfBare(f64),
    /// At most this number of nanoseconds, independent of the baseline.
    Nanoseconds(f64),
    /// At most this number of bytes, independent of the baseline.
    Bytes(f64),
    /// At least this many times faster than Python.
    FasterThanPython(f64),
}

impl Goal {
    /// The two runtimes whose figures are divided for the goal: dividend and divisor.
    pub(crate) fn ratio(self) -> (Runtime, Runtime) {
        match self {
            Self::OfBare(_) => (Runtime::Asyncio, Runtime::Bare),
            Self::FasterThanPython(_) => (Runtime::Python, Runtime::Asyncio),
            Self::Ratio(_) | Self::Nanoseconds(_) | Self::Bytes(_) => {
                (Runtime::Asyncio, Runtime::BASELINE)
            }
        }
    }

    /// Whether the goal is reached, by asyncio's `figure` or by the `ratio` of the runtimes of
    /// [`Self::ratio`]; `None` if the needed one is missing.
    pub(crate) fn is_met(self, figure: Option<f64>, ratio: Option<f64>) -> Option<bool> {
        match self {
            Self::Ratio(goal) | Self::OfBare(goal) => Some(ratio? <= goal),
            Self::Nanoseconds(goal) | Self::Bytes(goal) => Some(figure? <= goal),
            Self::FasterThanPython(goal) => Some(ratio? >= goal),
        }
    }
}

/// A row of the table.
#[derive(Debug)]
pub(crate) struct Workload {
    pub(crate) name: &'static str,
    /// One operation, as in "per task".
    pub(crate) unit: &'static str,
    pub(crate) subject: Subject,
    /// The amount of work at scale 1.
    pub(crate) size: usize,
    /// Empty if no goal is set yet.
    pub(crate) goals: &'static [Goal],
    /// The runtimes that run it, and how. Runtimes without the needed functions are left out.
    pub(crate) runs: &'static [(Runtime, Run)],
}

impl Workload {
    /// The function that runs it on this runtime; `None` if the runtime does not run it.
    pub(crate) fn run(&self, runtime: Runtime) -> Option<Run> {
        self.runs
            .iter()
            .find(|(candidate, _)| *candidate == runtime)
            .map(|(_, run)| *run)
    }
}

/// The sample that the parent requests from a child process.
#[derive(Debug)]
pub(crate) struct Order {
    pub(crate) runtime: Runtime,
    pub(crate) workload: String,
    pub(crate) size: usize,
    pub(crate) workers: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_goal_without_its_figure_is_neither_met_nor_missed() {
        assert_eq!(Goal::Ratio(0.5).is_met(Some(1.0), None), None);
        assert_eq!(Goal::Ratio(0.5).is_met(Some(9.0), Some(0.5)), Some(true));
        assert_eq!(Goal::Bytes(96.0).is_met(Some(97.0), Some(0.1)), Some(false));
    }

    #[test]
    fn more_times_faster_than_python_is_better() {
        let goal = Goal::FasterThanPython(25.0);
        assert_eq!(goal.is_met(Some(1.0), Some(24.0)), Some(false));
        assert_eq!(goal.is_met(Some(1.0), Some(25.0)), Some(true));
    }
}
