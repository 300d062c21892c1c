//! One sample: a meter that times laps, and its result.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::machine;

/// Laps within this time warm up caches, allocator and threads, and are not counted.
const WARM_UP: Duration = Duration::from_millis(30);

/// Laps are repeated until together they have taken this long.
const BUDGET: Duration = Duration::from_millis(200);

/// The result of one process.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Sample {
    /// Wall time per operation, or the time that the workload measures instead.
    pub(crate) ns_per_op: f64,
    /// CPU time of all threads per operation.
    pub(crate) cpu_ns_per_op: f64,
    /// Memory per operation, if the workload measures that.
    #[serde(default)]
    pub(crate) bytes_per_op: f64,
    /// The number of operations.
    pub(crate) ops: usize,
}

/// A stopwatch for wall time and CPU time, which decides when there are enough laps.
#[derive(Debug)]
pub(crate) struct Meter {
    created: Instant,
    warm: bool,
    wall: Duration,
    cpu: Duration,
    ops: usize,
    lap: Option<(Instant, Duration)>,
}

impl Meter {
    /// A meter that does not count the first laps.
    pub(crate) fn new() -> Self {
        Self {
            warm: false,
            ..Self::warm()
        }
    }

    /// A meter that counts every lap, for workloads that warm up by themselves.
    pub(crate) fn warm() -> Self {
        Self {
            created: Instant::now(),
            warm: true,
            wall: Duration::ZERO,
            cpu: Duration::ZERO,
            ops: 0,
            lap: None,
        }
    }

    /// Whether another lap is needed.
    pub(crate) fn wants_more(&self) -> bool {
        self.wall < BUDGET
    }

    /// Begins a lap.
    pub(crate) fn start(&mut self) {
        self.lap = Some((Instant::now(), machine::process_cpu()));
    }

    /// Ends the lap, which had `ops` operations.
    pub(crate) fn stop(&mut self, ops: usize) {
        let now = Instant::now();
        let (begin, cpu) = self.lap.take().expect("a lap begins before it ends");
        self.add(now - begin, machine::process_cpu() - cpu, ops);
    }

    /// Adds a lap that was timed elsewhere.
    pub(crate) fn add(&mut self, wall: Duration, cpu: Duration, ops: usize) {
        if self.warm {
            self.wall += wall;
            self.cpu += cpu;
            self.ops += ops;
        }
        self.warm |= self.created.elapsed() >= WARM_UP;
    }

    /// The means over all counted laps.
    pub(crate) fn sample(&self) -> Sample {
        let ops = self.ops.max(1) as f64;
        Sample {
            ns_per_op: self.wall.as_nanos() as f64 / ops,
            cpu_ns_per_op: self.cpu.as_nanos() as f64 / ops,
            bytes_per_op: 0.0,
            ops: self.ops,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_is_the_mean_of_its_laps() {
        let mut meter = Meter::warm();
        meter.add(Duration::from_nanos(100), Duration::from_nanos(300), 1);
        meter.add(Duration::from_nanos(200), Duration::from_nanos(300), 2);
        let sample = meter.sample();
        assert_eq!(
            (sample.ns_per_op, sample.cpu_ns_per_op, sample.ops),
            (100.0, 200.0, 3)
        );
    }

    #[test]
    fn the_first_lap_of_a_cold_meter_is_not_counted() {
        let mut meter = Meter::new();
        meter.add(Duration::from_secs(1), Duration::ZERO, 1);
        assert!(meter.wants_more());
        assert_eq!(meter.sample().ops, 0);
    }
}
