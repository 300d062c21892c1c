//! One measurement: laps that are timed, and what comes of them.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::machine;

/// Laps before this much time has passed warm up caches, allocator and threads.
const WARM_UP: Duration = Duration::from_millis(30);

/// Laps are repeated until they have taken so long together.
const BUDGET: Duration = Duration::from_millis(200);

/// What one process measured.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Sample {
    /// Wall time per operation; or the time that the workload is about.
    pub(crate) ns_per_op: f64,
    /// CPU time of all threads per operation.
    pub(crate) cpu_ns_per_op: f64,
    /// Memory per operation, if that is what the workload is about.
    #[serde(default)]
    pub(crate) bytes_per_op: f64,
    /// How many operations were measured.
    pub(crate) ops: usize,
}

/// A stopwatch for the wall and the CPU, which knows when it has seen enough.
#[derive(Debug)]
pub(crate) struct Meter {
    born: Instant,
    warm: bool,
    wall: Duration,
    cpu: Duration,
    ops: usize,
    lap: Option<(Instant, Duration)>,
}

impl Meter {
    /// Its first laps are not counted.
    pub(crate) fn new() -> Self {
        Self {
            warm: false,
            ..Self::warm()
        }
    }

    /// Every lap counts: for workloads that warm up by themselves.
    pub(crate) fn warm() -> Self {
        Self {
            born: Instant::now(),
            warm: true,
            wall: Duration::ZERO,
            cpu: Duration::ZERO,
            ops: 0,
            lap: None,
        }
    }

    /// Whether another lap is worth its time.
    pub(crate) fn wants_more(&self) -> bool {
        self.wall < BUDGET
    }

    /// Begins a lap.
    pub(crate) fn start(&mut self) {
        self.lap = Some((Instant::now(), machine::process_cpu()));
    }

    /// Ends the lap, in which so many operations were done.
    pub(crate) fn stop(&mut self, ops: usize) {
        let now = Instant::now();
        let (begin, cpu) = self.lap.take().expect("a lap is begun before it ends");
        self.add(now - begin, machine::process_cpu() - cpu, ops);
    }

    /// Counts a lap that was timed elsewhere.
    pub(crate) fn add(&mut self, wall: Duration, cpu: Duration, ops: usize) {
        if self.warm {
            self.wall += wall;
            self.cpu += cpu;
            self.ops += ops;
        }
        self.warm |= self.born.elapsed() >= WARM_UP;
    }

    /// The means over all laps that count.
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
