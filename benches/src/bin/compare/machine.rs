//! Reads from the kernel what this process and the whole machine use.

use std::fs;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// The CPU time of all threads of this process, including those that have ended.
pub(crate) fn process_cpu() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(
        time.tv_sec.unsigned_abs(),
        time.tv_nsec.unsigned_abs() as u32,
    )
}

/// The resident memory of this process, in bytes.
///
/// It is read from `smaps_rollup`, which walks the pages: the counters of `statm` are per CPU and
/// lag behind.
pub(crate) fn resident_bytes() -> u64 {
    let rollup = fs::read_to_string("/proc/self/smaps_rollup").expect("Linux has this file");
    let line = rollup
        .lines()
        .find(|line| line.starts_with("Rss:"))
        .expect("it has the line Rss");
    let kilobytes = line
        .split_whitespace()
        .nth(1)
        .and_then(|word| word.parse::<u64>().ok());
    kilobytes.expect("Rss is a number") * 1024
}

/// The CPU time of the machine and of this process, in the kernel's clock ticks since boot.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct CpuTicks {
    total: u64,
    busy: u64,
    own: u64,
}

impl CpuTicks {
    /// Reads the present values.
    pub(crate) fn read() -> Self {
        let stat = fs::read_to_string("/proc/stat").expect("Linux has this file");
        let (total, busy) = machine_ticks(stat.lines().next().expect("the first line is the sum"));
        let stat = fs::read_to_string("/proc/self/stat").expect("Linux has this file");
        Self {
            total,
            busy,
            own: own_ticks(&stat),
        }
    }

    /// The share of the machine, from 0 to 1, that others used since `earlier`:
    /// other processes, and other machines on the same host.
    pub(crate) fn others_since(self, earlier: Self) -> f64 {
        let busy = self.busy - earlier.busy;
        let own = self.own - earlier.own;
        busy.saturating_sub(own) as f64 / (self.total - earlier.total).max(1) as f64
    }
}

/// All ticks and the busy ones, from the line `cpu` of `/proc/stat`: user, nice, system, idle,
/// iowait, irq, softirq, steal; the guests' ticks are included in user.
fn machine_ticks(line: &str) -> (u64, u64) {
    let ticks: Vec<u64> = line
        .split_whitespace()
        .skip(1)
        .take(8)
        .map(|word| word.parse().unwrap_or(0))
        .collect();
    let total = ticks.iter().sum();
    let idle: u64 = ticks.iter().skip(3).take(2).sum();
    (total, total - idle)
}

/// The ticks of this process and of its children that have ended: the fields 14 to 17 of
/// `/proc/self/stat`, counted after the name, which may contain any characters.
fn own_ticks(stat: &str) -> u64 {
    let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let fields = after_name.split_whitespace().skip(11).take(4);
    fields.map(|word| word.parse::<u64>().unwrap_or(0)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn idle_and_waiting_are_not_busy() {
        assert_eq!(machine_ticks("cpu  1 2 3 40 50 6 7 8 0 0"), (117, 27));
    }

    #[test]
    fn a_name_with_brackets_does_not_shift_the_fields() {
        let stat = "7 (a) b) S 1 2 3 4 5 6 7 8 9 10 100 20 3 4 20 0";
        assert_eq!(own_ticks(stat), 127);
    }

    #[test]
    fn others_are_what_is_busy_and_not_ours() {
        let earlier = CpuTicks {
            total: 100,
            busy: 10,
            own: 5,
        };
        let later = CpuTicks {
            total: 300,
            busy: 110,
            own: 65,
        };
        assert!((later.others_since(earlier) - 0.2).abs() < 1e-9);
    }

    #[test]
    fn time_spent_here_is_counted() {
        let before = process_cpu();
        std::hint::black_box((0..1_000_000_u64).fold(0, |sum, next| sum ^ (next * next)));
        assert!(process_cpu() > before);
        assert!(resident_bytes() > 0);
    }
}
