//! What a row of the table is.

use std::str::FromStr;

use serde::Serialize;

use crate::sample::Sample;

/// Who can be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Runtime {
    Asyncio,
    Tokio,
    Smol,
    /// No runtime: the system calls alone, as the bound of what is possible.
    Bare,
    /// Python's own asyncio, where there is a Python.
    Python,
}

impl Runtime {
    pub(crate) const ALL: [Self; 5] = [
        Self::Asyncio,
        Self::Tokio,
        Self::Smol,
        Self::Bare,
        Self::Python,
    ];

    /// Whom the ratios are taken against.
    pub(crate) const BASELINE: Self = Self::Tokio;

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Asyncio => "asyncio",
            Self::Tokio => "tokio",
            Self::Smol => "smol",
            Self::Bare => "bare",
            Self::Python => "python",
        }
    }
}

impl FromStr for Runtime {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|runtime| runtime.name() == name);
        known.ok_or_else(|| format!("no such runtime: {name}"))
    }
}

/// How large a sample is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setup {
    pub(crate) size: usize,
    pub(crate) workers: usize,
}

/// Takes one sample in this process.
pub(crate) type Run = fn(Setup) -> Sample;

/// What of a sample the row is about.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Subject {
    /// Time that passed, or was lost.
    Time,
    /// CPU time: for work that is mostly waiting.
    Cpu,
    /// Memory.
    Bytes,
}

impl Subject {
    /// The figure of the sample that counts.
    pub(crate) fn of(self, sample: &Sample) -> f64 {
        match self {
            Self::Time => sample.ns_per_op,
            Self::Cpu => sample.cpu_ns_per_op,
            Self::Bytes => sample.bytes_per_op,
        }
    }
}

/// What the row must reach.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Goal {
    /// So much of what the baseline takes.
    Ratio(f64),
    /// So much of what the bare system calls take.
    OfBare(f64),
    /// So many nanoseconds, whatever the baseline takes.
    Nanoseconds(f64),
    /// So many bytes, whatever the baseline takes.
    Bytes(f64),
    /// So many times faster than Python.
    FasterThanPython(f64),
}

impl Goal {
    /// Whose figure is divided by whose for it.
    pub(crate) fn ratio(self) -> (Runtime, Runtime) {
        match self {
            Self::OfBare(_) => (Runtime::Asyncio, Runtime::Bare),
            Self::FasterThanPython(_) => (Runtime::Python, Runtime::Asyncio),
            Self::Ratio(_) | Self::Nanoseconds(_) | Self::Bytes(_) => {
                (Runtime::Asyncio, Runtime::BASELINE)
            }
        }
    }

    /// Whether asyncio's figure, and the ratio that [`Self::ratio`] names,
    /// reach the goal; `None` if that cannot be said.
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
    /// How much of it at scale 1.
    pub(crate) size: usize,
    /// None where there is nothing to hold it to yet.
    pub(crate) goals: &'static [Goal],
    /// Who runs it, and how. Who has no such function is left out.
    pub(crate) runs: &'static [(Runtime, Run)],
}

impl Workload {
    /// How this runtime runs it, if it does.
    pub(crate) fn run(&self, runtime: Runtime) -> Option<Run> {
        self.runs
            .iter()
            .find(|(who, _)| *who == runtime)
            .map(|(_, run)| *run)
    }
}

/// What the parent asks a child process to measure.
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
