//! The table for readers and the figures for programs.

use std::fmt::Write;
use std::fs;

use serde::Serialize;

use crate::cli::Options;
use crate::rounds::{Row, Series};
use crate::sample::Sample;
use crate::statistics::{Ratio, median};
use crate::workload::{Goal, Runtime, Subject, Workload};

/// Above this share of the machine for others, no ratio is believed.
const OTHERS_TOLERATED: f64 = 0.10;

/// Prints the names of the workloads and who runs them.
pub(crate) fn list(workloads: &[Workload]) {
    for workload in workloads {
        let who: Vec<_> = workload
            .runs
            .iter()
            .map(|(runtime, _)| runtime.name())
            .collect();
        println!(
            "{:<48} {:>9}  {}",
            workload.name,
            workload.size,
            who.join(" ")
        );
    }
}

/// Prints the table and writes the files that were asked for.
pub(crate) fn publish(rows: &[Row], options: &Options) -> Result<(), String> {
    let table = markdown(rows, options);
    println!("{table}");
    if let Some(path) = &options.markdown {
        fs::write(path, &table).map_err(|error| format!("{path}: {error}"))?;
    }
    if let Some(path) = &options.json {
        fs::write(path, json(rows, options)?).map_err(|error| format!("{path}: {error}"))?;
    }
    Ok(())
}

fn markdown(rows: &[Row], options: &Options) -> String {
    let measured = |who: Runtime| rows.iter().any(|row| figure(row, who).is_some());
    let rivals: Vec<Runtime> = Runtime::ALL
        .into_iter()
        .filter(|&who| who != Runtime::BASELINE && measured(who))
        .collect();
    let baseline = Runtime::BASELINE.name();
    let mut table = String::from("| workload | per |");
    let mut rule = String::from("|---|---|");
    let _ = write!(table, " {baseline} |");
    rule += "--:|";
    for rival in &rivals {
        let _ = write!(table, " {0} | {0}/{baseline} | best | CPU |", rival.name());
        rule += "--:|--:|--:|--:|";
    }
    table += " goal | met | others |\n";
    rule += "--:|---|--:|\n";
    table += &rule;
    for row in rows {
        table += &line(row, &rivals);
    }
    let _ = write!(
        table,
        "\n{} workers, {} rounds, scale {}. {LEGEND}",
        options.workers, options.rounds, options.scale
    );
    table
}

const LEGEND: &str = "\
Absolute figures are medians. Ratios are taken within a round: the median over the rounds \
(in brackets the smallest and the largest), beside it best against best and CPU time against \
CPU time. Below 1 is less than tokio. A ratio with a question mark is not to be believed: \
the three do not agree, or others used more than a tenth of the machine.\n";

fn line(row: &Row, rivals: &[Runtime]) -> String {
    let workload = row.workload;
    let mut line = format!("| {} | {} |", workload.name, workload.unit);
    let _ = write!(line, " {} |", absolute(row, Runtime::BASELINE));
    for &rival in rivals {
        let comparison = Comparison::of(row, rival);
        let _ = write!(line, " {} |", absolute(row, rival));
        let _ = match comparison {
            Some(comparison) => write!(line, "{comparison}"),
            None => write!(line, " – | – | – |"),
        };
    }
    let met = match goal_met(row) {
        Some(true) => "yes",
        Some(false) => "**no**",
        None => "–",
    };
    let _ = writeln!(
        line,
        " {} | {met} | {:.0} % |",
        goal(workload.goal),
        row.others * 100.0
    );
    line
}

/// The ratios of one cell.
struct Comparison {
    figure: Ratio,
    /// Not for rows about CPU time itself, nor for memory.
    cpu: Option<Ratio>,
    believed: bool,
}

impl Comparison {
    fn of(row: &Row, rival: Runtime) -> Option<Self> {
        let subject = row.workload.subject;
        let figure = ratio(row, rival, Runtime::BASELINE, |sample| subject.of(sample))?;
        let cpu = match subject {
            Subject::Time => ratio(row, rival, Runtime::BASELINE, |sample| sample.cpu_ns_per_op),
            Subject::Cpu | Subject::Bytes => None,
        };
        let agree = std::iter::once(figure.best)
            .chain(cpu.map(|cpu| cpu.median))
            .all(|other| (other < 1.0) == (figure.median < 1.0));
        Some(Self {
            figure,
            cpu,
            believed: agree && row.others <= OTHERS_TOLERATED,
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
        let doubt = if self.believed { "" } else { "?" };
        let cpu = self.cpu.map_or("–".into(), |cpu| two_digits(cpu.median));
        write!(
            formatter,
            " {}{doubt} ({}–{}) | {} | {cpu} |",
            two_digits(median),
            two_digits(least),
            two_digits(most),
            two_digits(best),
        )
    }
}

fn ratio(
    row: &Row,
    who: Runtime,
    against: Runtime,
    figure: impl Fn(&Sample) -> f64,
) -> Option<Ratio> {
    let ours = row.figures(who, &figure)?;
    let theirs = row.figures(against, &figure)?;
    Ratio::within_rounds(&ours, &theirs)
}

fn goal_met(row: &Row) -> Option<bool> {
    let Workload { goal, subject, .. } = row.workload;
    let ratio = ratio(row, Runtime::Asyncio, goal.against(), |sample| {
        subject.of(sample)
    });
    goal.is_met(
        figure(row, Runtime::Asyncio),
        ratio.map(|ratio| ratio.median),
    )
}

/// The median of what the row is about.
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
        Goal::Ratio(ratio) => format!("≤ {}", two_digits(ratio)),
        Goal::OfBare(ratio) => format!("≤ {} of bare", two_digits(ratio)),
        Goal::Nanoseconds(nanoseconds) => format!("≤ {}", duration(nanoseconds)),
        Goal::Bytes(bytes) => format!("≤ {bytes:.0} B"),
    }
}

/// In the unit that leaves one to three digits before the point.
fn duration(nanoseconds: f64) -> String {
    let (value, unit) = match nanoseconds {
        ns if ns < 1e3 => (ns, "ns"),
        ns if ns < 1e6 => (ns / 1e3, "µs"),
        ns if ns < 1e9 => (ns / 1e6, "ms"),
        ns => (ns / 1e9, "s"),
    };
    let places = if value < 10.0 {
        2
    } else {
        usize::from(value < 100.0)
    };
    format!("{value:.places$} {unit}")
}

/// Two digits after the point, and three where there would be one.
fn two_digits(ratio: f64) -> String {
    if ratio < 0.1 {
        format!("{ratio:.3}")
    } else {
        format!("{ratio:.2}")
    }
}

/// The file for programs.
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
    goal: Goal,
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
                goal: row.workload.goal,
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
    fn a_duration_is_written_in_its_own_unit() {
        assert_eq!(duration(7.25), "7.25 ns");
        assert_eq!(duration(442.0), "442 ns");
        assert_eq!(duration(15_400.0), "15.4 µs");
        assert_eq!(duration(150e6), "150 ms");
    }

    #[test]
    fn a_small_ratio_keeps_its_digits() {
        assert_eq!(two_digits(0.354), "0.35");
        assert_eq!(two_digits(0.0041), "0.004");
    }
}
