//! The rows about timers.

use std::fs::File;
use std::io::Read;
use std::time::{Duration, Instant};

use benches::runtimes::{Timeouts, Timers};
use benches::work::timers::{self as work, Heartbeats};
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};

use super::laps::in_a_task;
use crate::machine::process_cpu;
use crate::sample::{Meter, Sample};
use crate::statistics::quantile;
use crate::workload::Setup;

/// How long the wake-ups are counted.
const HEARTBEATS_SPAN: Duration = Duration::from_secs(2);

/// Many tasks that sleep once, for up to a second: the CPU time of such a task and its timer.
///
/// Misleading about the timer alone: starting the task is included. A lap before it, with sleeps of
/// a tenth of the length, pays for new memory.
pub(crate) fn sleeps<R: Timers>(setup: Setup) -> Sample {
    R::run(setup.workers, async move {
        R::join(R::spawn(async move {
            work::sleeps::<R>(setup.size, Duration::from_millis(100)).await;
            let mut meter = Meter::warm();
            meter.start();
            work::sleeps::<R>(setup.size, Duration::from_secs(1)).await;
            meter.stop(setup.size);
            meter.sample()
        }))
        .await
    })
}

/// A timer is registered by its first poll and dropped: a timeout that does not expire, as most do
/// not.
///
/// Misleading if a poll does not register the timer: tokio's timers do nothing once the task's
/// budget is spent, so the task yields in between.
pub(crate) fn register_and_drop<R: Timers>(setup: Setup) -> Sample {
    in_a_task::<R, _, _>(setup.workers, setup.size, move || {
        work::register_and_drop::<R>(setup.size)
    })
}

/// A timeout around a future that is ready after one yield: the usual case of a timeout, with one
/// pass through the run queue.
///
/// Misleading about timeouts alone: the yield is included, on every runtime.
pub(crate) fn timeout_unneeded<R: Timeouts>(setup: Setup) -> Sample {
    in_a_task::<R, _, _>(setup.workers, setup.size, move || {
        work::timeout_unneeded::<R>(setup.size)
    })
}

/// Every worker registers timers at the same time: do they block one another?
///
/// Misleading on a machine with fewer idle cores than workers. It would also be misleading if two
/// of the tasks were on one worker, but they wait for each other by spinning, so they cannot be.
/// The CPU time covers the whole lap, including making and dropping the futures.
pub(crate) fn insert_from_all<R: Timers>(setup: Setup) -> Sample {
    let each = (setup.size / setup.workers).max(1);
    R::run(setup.workers, async move {
        R::join(R::spawn(async move {
            let mut meter = Meter::new();
            while meter.wants_more() {
                let cpu = process_cpu();
                let time = work::insert_from_all::<R>(setup.workers, each).await;
                meter.add(time, process_cpu() - cpu, each * setup.workers);
            }
            meter.sample()
        }))
        .await
    })
}

/// How late a sleep of 0.1 to 3 ms ends: the median.
///
/// Misleading on a machine that others keep busy: every wake-up waits for a CPU. The column of the
/// bare timer shows the lateness of the kernel alone.
pub(crate) fn lateness_median<R: Timers>(setup: Setup) -> Sample {
    lateness::<R>(setup, 0.5)
}

/// How late a sleep of 0.1 to 3 ms ends: the 99th percentile.
///
/// More easily misleading than the median: a single other process can disturb it.
pub(crate) fn lateness_tail<R: Timers>(setup: Setup) -> Sample {
    lateness::<R>(setup, 0.99)
}

fn lateness<R: Timers>(setup: Setup, part: f64) -> Sample {
    R::run(setup.workers, async move {
        R::join(R::spawn(async move {
            work::lateness::<R>(setup.size / 10 + 1).await;
            let cpu = process_cpu();
            let late = work::lateness::<R>(setup.size).await;
            late_sample(&late, part, process_cpu() - cpu)
        }))
        .await
    })
}

/// The median with only a timer of the kernel.
pub(crate) fn bare_lateness_median(setup: Setup) -> Sample {
    bare_lateness(setup, 0.5)
}

/// The 99th percentile with only a timer of the kernel.
pub(crate) fn bare_lateness_tail(setup: Setup) -> Sample {
    bare_lateness(setup, 0.99)
}

fn bare_lateness(setup: Setup, part: f64) -> Sample {
    let timer = timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::CLOEXEC)
        .expect("the kernel gives a timer");
    let mut timer = File::from(timer);
    let cpu = process_cpu();
    let late: Vec<Duration> = work::short_delays(setup.size)
        .map(|delay| {
            let begin = Instant::now();
            let never = Timespec {
                tv_sec: 0,
                tv_nsec: 0,
            };
            let once = Timespec {
                tv_sec: 0,
                tv_nsec: delay.subsec_nanos().into(),
            };
            let setting = Itimerspec {
                it_interval: never,
                it_value: once,
            };
            timerfd_settime(&timer, TimerfdTimerFlags::empty(), &setting).expect("it can be set");
            timer.read_exact(&mut [0; 8]).expect("it can be waited for");
            begin.elapsed().saturating_sub(delay)
        })
        .collect();
    late_sample(&late, part, process_cpu() - cpu)
}

pub(super) fn late_sample(late: &[Duration], part: f64, cpu: Duration) -> Sample {
    let nanoseconds: Vec<f64> = late.iter().map(|time| time.as_nanos() as f64).collect();
    Sample {
        ns_per_op: quantile(&nanoseconds, part).expect("at least one sleep"),
        cpu_ns_per_op: cpu.as_nanos() as f64 / late.len() as f64,
        ops: late.len(),
        ..Sample::default()
    }
}

/// Tasks that wake once a second, like the pings of clients and the clean-ups of caches: CPU time
/// per wake-up. A hundred thousand wake-ups are ten seconds of ten thousand tasks.
///
/// Misleading if the wake-ups coincide, so their phases are spread over the second.
pub(crate) fn heartbeats<R: Timers>(setup: Setup) -> Sample {
    R::run(setup.workers, async move {
        R::join(R::spawn(async move {
            let heartbeats = Heartbeats::start::<R>(setup.size);
            R::sleep(Duration::from_millis(1_500)).await;
            let mut meter = Meter::warm();
            let before = heartbeats.beats();
            meter.start();
            R::sleep(HEARTBEATS_SPAN).await;
            meter.stop(usize::try_from(heartbeats.beats() - before).expect("so many fit"));
            meter.sample()
        }))
        .await
    })
}

/// A task blocks one worker: the greatest lateness of ten sleeping tasks, over all trials of the
/// sample.
///
/// Misleading if the task blocks a worker that does not serve the timers, so it is woken by a timer
/// itself. A trial on a busy machine measures the machine.
pub(crate) fn stall_by_one<R: Timers>(setup: Setup) -> Sample {
    stall::<R>(setup, 1)
}

/// The same with every worker blocked.
///
/// Misleading if one worker gets two of the blocking tasks: then it is blocked for twice as long,
/// and another worker is free. The result is still a stall.
pub(crate) fn stall_by_all<R: Timers>(setup: Setup) -> Sample {
    stall::<R>(setup, setup.workers)
}

fn stall<R: Timers>(setup: Setup, hogs: usize) -> Sample {
    R::run(setup.workers, async move {
        R::join(R::spawn(async move {
            let cpu = process_cpu();
            let mut longest = Duration::ZERO;
            for _ in 0..setup.size {
                longest = longest.max(work::stall::<R>(hogs).await);
            }
            late_sample(&[longest], 1.0, process_cpu() - cpu)
        }))
        .await
    })
}
