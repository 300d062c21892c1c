//! Measures a row at several sizes, with several numbers of workers.

use std::time::{Duration, Instant};

use crate::cli::Options;
use crate::rounds;
use crate::statistics::best;
use crate::workload::{Runtime, Workload};

/// The numbers of workers.
pub(super) const WORKERS: [usize; 3] = [1, 2, 4];

/// The runtimes, the last of which is drawn on top.
pub(super) const RUNTIMES: [Runtime; 2] = [Runtime::Tokio, Runtime::Asyncio];

/// The sizes, as multiples of the row's own, or of a tenth of it.
const SCALES: [f64; 3] = [0.1, 1.0, 10.0];

/// Parts of the names of the rows whose size is not work but a number of trials.
const TRIALS: [&str; 2] = ["lateness", "stall"];

/// Parts of the names of the rows whose own size is the largest: ten times as much would take more
/// memory, descriptors or processes than a machine has to have, or too much time.
const LARGE: [&str; 11] = [
    "skynet",
    "memory of",
    "100,000 sleeps",
    "echo with",
    "both ends",
    "accept",
    "datagrams",
    "streams:",
    "tls:",
    "at once",
    "through cat",
];

/// How the names of the rows begin that differ in the number of connections: together they are one
/// strip, whose size is that number.
const BY_CONNECTIONS: &str = "sockets: echo over ";

/// A round that took longer is not repeated: what lasts is steady.
const LONG_ROUND: Duration = Duration::from_secs(2);

/// A step to ten times the size that makes an operation so many times dearer is named.
const NAMED: f64 = 1.25;

/// The curve of one runtime with one number of workers: sizes, and the best figure at each.
#[derive(Debug)]
pub(super) struct Curve {
    pub(super) runtime: Runtime,
    pub(super) workers: usize,
    pub(super) points: Vec<(f64, f64)>,
}

impl Curve {
    /// How many times dearer the operation is at the largest size than at the one before.
    /// (The smallest size is the one that fixed costs make dearer.)
    pub(super) fn growth(&self) -> Option<f64> {
        match self.points.as_slice() {
            [.., before, last] => Some(last.1 / before.1),
            _ => None,
        }
    }

    /// Whether the cost grows so much that it is named.
    pub(super) fn rises(&self) -> bool {
        self.growth().is_some_and(|growth| growth > NAMED)
    }
}

/// All curves of one row.
#[derive(Debug)]
pub(super) struct Strip {
    pub(super) title: String,
    pub(super) workload: &'static Workload,
    pub(super) curves: Vec<Curve>,
    /// The largest share of the machine that others used meanwhile.
    pub(super) others: f64,
    /// How many samples failed.
    pub(super) failures: usize,
}

/// Measures the rows that have a size that can grow, and that both runtimes run.
pub(super) fn strips(workloads: &[&'static Workload], options: &Options) -> Vec<Strip> {
    let mut strips: Vec<Strip> = Vec::new();
    for &workload in workloads.iter().filter(|workload| grows(workload)) {
        eprintln!("{}", workload.name);
        let Some(connections) = connections(workload) else {
            let mut strip = Strip::of(workload, workload.name.into());
            for scale in SCALES {
                let scale = options.scale * unit(workload) * scale;
                let size = rounds::size(workload, &options.at(1, scale, &RUNTIMES));
                strip.measure(workload, options, scale, size as f64);
            }
            strips.push(strip);
            continue;
        };
        let title = format!("{BY_CONNECTIONS}so many connections");
        let known = strips.iter().position(|strip| strip.title == title);
        let place = known.unwrap_or_else(|| {
            strips.push(Strip::of(workload, title));
            strips.len() - 1
        });
        strips[place].measure(workload, options, options.scale, connections);
    }
    strips
}

fn grows(workload: &Workload) -> bool {
    let runs = |&runtime| workload.run(runtime).is_some();
    !has(workload, &TRIALS) && RUNTIMES.iter().all(runs)
}

fn has(workload: &Workload, parts: &[&str]) -> bool {
    parts.iter().any(|part| workload.name.contains(part))
}

/// What the scales are multiples of.
fn unit(workload: &Workload) -> f64 {
    if has(workload, &LARGE) { 0.1 } else { 1.0 }
}

/// The number of connections of a row of which there are several, by that number.
fn connections(workload: &Workload) -> Option<f64> {
    let rest = workload.name.strip_prefix(BY_CONNECTIONS)?;
    let number = rest.split(' ').next()?;
    number.replace(',', "").parse().ok()
}

impl Strip {
    fn of(workload: &'static Workload, title: String) -> Self {
        let curves = WORKERS.into_iter().flat_map(|workers| {
            RUNTIMES.map(|runtime| Curve {
                runtime,
                workers,
                points: Vec::new(),
            })
        });
        Self {
            title,
            workload,
            curves: curves.collect(),
            others: 0.0,
            failures: 0,
        }
    }

    /// Adds a point at `size` to each curve: the best of the rounds, the one with the least
    /// disturbance.
    fn measure(&mut self, workload: &'static Workload, options: &Options, scale: f64, size: f64) {
        for workers in WORKERS {
            let at = options.at(workers, scale, &RUNTIMES);
            let mut figures = RUNTIMES.map(|_| Vec::new());
            for _ in 0..options.rounds {
                let begin = Instant::now();
                let row = rounds::measure(workload, &at, None);
                self.others = self.others.max(row.others);
                self.failures += row.failures.len();
                for (figures, runtime) in figures.iter_mut().zip(RUNTIMES) {
                    let found = row.figures(runtime, |sample| workload.subject.of(sample));
                    figures.extend(found.into_iter().flatten().flatten());
                }
                if begin.elapsed() > LONG_ROUND {
                    break;
                }
            }
            let curves = self.curves.iter_mut();
            for curve in curves.filter(|curve| curve.workers == workers) {
                let place = RUNTIMES.iter().position(|known| *known == curve.runtime);
                let figure = place.and_then(|place| best(&figures[place]));
                // Memory that is too little to be seen has no place on a logarithmic axis.
                let figure = figure.filter(|figure| *figure > 0.0);
                curve.points.extend(figure.map(|figure| (size, figure)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::WORKLOADS;

    #[test]
    fn only_trials_do_not_grow() {
        let stay = WORKLOADS.iter().filter(|workload| !grows(workload));
        let names: Vec<_> = stay.map(|workload| workload.name).collect();
        assert_eq!(names.len(), 6, "{names:?}");
    }

    #[test]
    fn the_rows_by_connections_are_known() {
        let all = WORKLOADS.iter().filter_map(connections);
        assert_eq!(all.collect::<Vec<_>>(), [1.0, 50.0, 500.0, 1_000.0]);
    }

    #[test]
    fn every_large_row_exists() {
        for part in LARGE {
            let mut rows = WORKLOADS.iter();
            assert!(rows.any(|workload| workload.name.contains(part)), "{part}");
        }
    }

    #[test]
    fn growth_is_that_of_the_last_step() {
        let mut curve = Curve {
            runtime: Runtime::Asyncio,
            workers: 1,
            points: vec![(1.0, 50.0)],
        };
        assert_eq!(curve.growth(), None);
        curve.points.extend([(10.0, 10.0), (100.0, 15.0)]);
        assert_eq!(curve.growth(), Some(1.5));
    }
}
