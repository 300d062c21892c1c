//! Writes the results: the table in Markdown, and all samples in JSON.

use std::fmt::Write;
use std::fs;

use serde::Serialize;

use crate::cli::Options;
use crate::interpreter::Interpreter;
use crate::rounds::{Row, Series};
use crate::sample::Sample;
use crate::statistics::{Ratio, median};
use crate::units::{digits, duration};
use crate::workload::{Goal, Runtime, Subject, Workload};

/// If others use more than this share of the machine, the ratios are marked as unreliable.
const OTHERS_TOLERATED: f64 = 0.10;

/// Prints the names of the workloads and their runtimes.
pub(crate) fn list(workloads: &[Workload]) {
    for workload in workloads {
        let runtimes: Vec<_> = workload
            .runs
            .iter()
            .map(|(runtime, _)| runtime.name())
            .collect();
        println!(
            "{:<48} {:>9}  {}",
            workload.name,
            workload.size,
            runtimes.join(" ")
        );
    }
}

/// The result of the search for Python; `None` if the options do not include Python.
pub(crate) type Python<'a> = Option<&'a Result<Interpreter, String>>;

/// Prints the table and writes the files that the options name.
pub(crate) fn publish(rows: &[Row], options: &Options, python: Python<'_>) -> Result<(), String> {
    let table = markdown(rows, options, python);
    println!("{table}");
    if let Some(path) = &options.markdown {
        fs::write(path, &table).map_err(|error| format!("{path}: {error}"))?;
    }
    if let Some(path) = &options.json {
        fs::write(path, json(rows, options)?).map_err(|error| format!("{path}: {error}"))?;
    }
    Ok(())
}

fn markdown(rows: &[Row], options: &Options, python: Python<'_>) -> String {
    let measured = |runtime: Runtime| rows.iter().any(|row| figure(row, runtime).is_some());
    let pairs: Vec<Pair> = Runtime::ALL
        .into_iter()
        .filter(|&runtime| runtime != Runtime::BASELINE && measured(runtime))
        .map(Pair::of)
        .collect();
    let baseline = Runtime::BASELINE.name();
    let mut table = String::from("| workload | per |");
    let mut rule = String::from("|---|---|");
    let _ = write!(table, " {baseline} |");
    rule += "--:|";
    for pair in &pairs {
        let (runtime, ratio) = (pair.runtime.name(), pair.heading());
        let _ = write!(table, " {runtime} | {ratio} | best | CPU |");
        rule += "--:|--:|--:|--:|";
    }
    table += " goal | met | others |\n";
    rule += "--:|---|--:|\n";
    table += &rule;
    for row in rows {
        table += &line(row, &pairs);
    }
    let _ = write!(
        table,
        "\n{} workers, {} rounds, scale {}. {LEGEND}",
        options.workers, options.rounds, options.scale
    );
    match python {
        Some(Ok(python)) => {
            let _ = writeln!(table, "\npython is {python}. {PYTHON_LEGEND}");
        }
        Some(Err(missing)) => {
            let _ = writeln!(table, "\npython is left out: {missing}.");
        }
        None => {}
    }
    table
}

/// A runtime and the one to which its ratio is taken: asyncio for Python, the baseline for all
/// others.
#[derive(Clone, Copy)]
struct Pair {
    runtime: Runtime,
    against: Runtime,
}

impl Pair {
    fn of(runtime: Runtime) -> Self {
        let against = match runtime {
            Runtime::Python | Runtime::Uvloop => Runtime::Asyncio,
            _ => Runtime::BASELINE,
        };
        Self { runtime, against }
    }

    fn heading(self) -> String {
        match self.runtime {
            Runtime::Python | Runtime::Uvloop => "× faster".into(),
            runtime => format!("{}/{}", runtime.name(), self.against.name()),
        }
    }
}

const PYTHON_LEGEND: &str = "\
Its ratios are inverted: how many times faster asyncio is than python or uvloop, and how many \
times less CPU time it takes. Python runs everything on one thread.";

const LEGEND: &str = "\
Absolute figures are medians. Ratios are taken within a round: the median over the rounds \
(in brackets the smallest and the largest), then the ratio of the best samples, and that of the \
CPU times. Below 1 is less than tokio. A ratio with a question mark is unreliable: \
the three do not agree, or others used more than a tenth of the machine.\n";

fn line(row: &Row, pairs: &[Pair]) -> String {
    let workload = row.workload;
    let mut line = format!("| {} | {} |", workload.name, workload.unit);
    let _ = write!(line, " {} |", absolute(row, Runtime::BASELINE));
    for &pair in pairs {
        let comparison = Comparison::of(row, pair);
        let _ = write!(line, " {} |", absolute(row, pair.runtime));
        let _ = match comparison {
            Some(comparison) => write!(line, "{comparison}"),
            None => write!(line, " – | – | – |"),
        };
    }
    let (goals, met) = goals(row);
    let others = row.others * 100.0;
    let _ = writeln!(line, " {goals} | {met} | {others:.0} % |");
    line
}

/// The row's goals, and which of them are met; the goal for Python only if Python was measured.
fn goals(row: &Row) -> (String, String) {
    let shown = row.workload.goals.iter().filter(|goal| {
        !matches!(goal, Goal::FasterThanPython(_)) || figure(row, Runtime::Python).is_some()
    });
    let (goals, met): (Vec<_>, Vec<_>) = shown
        .map(|&one| {
            let met = match is_met(row, one) {
                Some(true) => "yes",
                Some(false) => "**no**",
                None => "–",
            };
            (goal(one), met)
        })
        .unzip();
    match goals.len() {
        0 => ("–".into(), "–".into()),
        _ => (goals.join(", "), met.join(", ")),
    }
}

/// The ratios of one cell.
struct Comparison {
    figure: Ratio,
    /// `None` for rows about CPU time itself, and for memory.
    cpu: Option<Ratio>,
    reliable: bool,
}

impl Comparison {
    fn of(row: &Row, Pair { runtime, against }: Pair) -> Option<Self> {
        let subject = row.workload.subject;
        let figure = ratio(row, runtime, against, |sample| subject.of(sample))?;
        let cpu = match subject {
            Subject::Time => ratio(row, runtime, against, |sample| sample.cpu_ns_per_op),
            Subject::Cpu | Subject::Bytes => None,
        };
        let agree = std::iter::once(figure.best)
            .chain(cpu.map(|cpu| cpu.median))
            .all(|other| (other < 1.0) == (figure.median < 1.0));
        Some(Self {
            figure,
            cpu,
            reliable: agree && row.others <= OTHERS_TOLERATED,
        })
    }
}

impl std::fmt::Display for Comparison {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Ratio {
            median,
            range: (least, most),
            best,
        } = self.figure;
        let doubt = if self.reliable { "" } else { "?" };
        let cpu = self.cpu.map_or("–".into(), |cpu| digits(cpu.median));
        write!(
            formatter,
            " {}{doubt} ({}–{}) | {} | {cpu} |",
            digits(median),
            digits(least),
            digits(most),
            digits(best),
        )
    }
}

fn ratio(
    row: &Row,
    runtime: Runtime,
    against: Runtime,
    figure: impl Fn(&Sample) -> f64,
) -> Option<Ratio> {
    let ours = row.figures(runtime, &figure)?;
    let theirs = row.figures(against, &figure)?;
    Ratio::within_rounds(&ours, &theirs)
}

fn is_met(row: &Row, goal: Goal) -> Option<bool> {
    let (runtime, against) = goal.ratio();
    let ratio = ratio(row, runtime, against, |sample| {
        row.workload.subject.of(sample)
    });
    goal.is_met(
        figure(row, Runtime::Asyncio),
        ratio.map(|ratio| ratio.median),
    )
}

/// The median of the figure that the row is about.
fn figure(row: &Row, runtime: Runtime) -> Option<f64> {
    let figures = row.figures(runtime, |sample| row.workload.subject.of(sample))?;
    median(&figures.into_iter().flatten().collect::<Vec<_>>())
}

fn absolute(row: &Row, runtime: Runtime) -> String {
    match (figure(row, runtime), row.workload.subject) {
        (None, _) => "–".into(),
        (Some(bytes), Subject::Bytes) => format!("{bytes:.0} B"),
        (Some(nanoseconds), _) => duration(nanoseconds),
    }
}

fn goal(goal: Goal) -> String {
    match goal {
        Goal::Ratio(ratio) => format!("≤ {}", digits(ratio)),
        Goal::OfBare(ratio) => format!("≤ {} of bare", digits(ratio)),
        Goal::Nanoseconds(nanoseconds) => format!("≤ {}", duration(nanoseconds)),
        Goal::Bytes(bytes) => format!("≤ {bytes:.0} B"),
        Goal::FasterThanPython(times) => format!("≥ {times:.0} × faster"),
    }
}

/// The content of the JSON file.
#[derive(Serialize)]
struct Report<'a> {
    workers: usize,
    rounds: usize,
    scale: f64,
    rows: Vec<ReportRow<'a>>,
}

#[derive(Serialize)]
struct ReportRow<'a> {
    workload: &'a str,
    unit: &'a str,
    subject: Subject,
    goals: &'a [Goal],
    others: f64,
    series: &'a [Series],
    failures: &'a [String],
}

fn json(rows: &[Row], options: &Options) -> Result<String, String> {
    let report = Report {
        workers: options.workers,
        rounds: options.rounds,
        scale: options.scale,
        rows: rows
            .iter()
            .map(|row| ReportRow {
                workload: row.workload.name,
                unit: row.workload.unit,
                subject: row.workload.subject,
                goals: row.workload.goals,
                others: row.others,
                series: &row.series,
                failures: &row.failures,
            })
            .collect(),
    };
    serde_json::to_string_pretty(&report).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn python_is_compared_with_asyncio_and_the_others_with_tokio() {
        assert_eq!(Pair::of(Runtime::Python).against, Runtime::Asyncio);
        assert_eq!(Pair::of(Runtime::Smol).heading(), "smol/tokio");
    }
}
