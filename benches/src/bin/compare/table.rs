//! The table: every row, its goal, and who runs it.

use benches::runtimes::{Smol, Tokio};

use crate::workload::{Goal, Runtime, Subject, Workload};
use crate::workloads::{memory, tasks, threads, timers};

/// The rivals' runs of a workload.
macro_rules! rivals {
    ($($run:ident)::+) => {
        &[(Runtime::Tokio, $($run)::+::<Tokio>), (Runtime::Smol, $($run)::+::<Smol>)]
    };
}

pub(crate) static WORKLOADS: [Workload; 20] = [
    Workload {
        name: "spawn and await one, from a task",
        unit: "task",
        subject: Subject::Time,
        size: 10_000,
        goal: Goal::Ratio(0.35),
        runs: rivals!(tasks::spawn_and_await),
    },
    Workload {
        name: "spawn 10,000, await all, from a task",
        unit: "task",
        subject: Subject::Time,
        size: 10_000,
        goal: Goal::Ratio(0.30),
        runs: rivals!(tasks::spawn_many),
    },
    Workload {
        name: "spawn 10,000 from a foreign thread, idle loop",
        unit: "task",
        subject: Subject::Time,
        size: 10_000,
        goal: Goal::Ratio(0.50),
        runs: rivals!(threads::spawn_into_idle),
    },
    Workload {
        name: "spawn 10,000 from a foreign thread, busy loop",
        unit: "task",
        subject: Subject::Time,
        size: 10_000,
        goal: Goal::Ratio(0.01),
        runs: rivals!(threads::spawn_into_busy),
    },
    Workload {
        name: "yield, 1,000 tasks × 1,000",
        unit: "yield",
        subject: Subject::Time,
        size: 1_000,
        goal: Goal::Ratio(0.60),
        runs: rivals!(tasks::yields),
    },
    Workload {
        name: "ping-pong by oneshot",
        unit: "round trip",
        subject: Subject::Time,
        size: 10_000,
        goal: Goal::Ratio(0.45),
        runs: rivals!(tasks::ping_pong),
    },
    Workload {
        name: "chained spawn",
        unit: "task",
        subject: Subject::Time,
        size: 10_000,
        goal: Goal::Ratio(0.20),
        runs: rivals!(tasks::chain),
    },
    Workload {
        name: "skynet, 1,000,000 leaves",
        unit: "task",
        subject: Subject::Time,
        size: 1_000_000,
        goal: Goal::Ratio(0.30),
        runs: rivals!(tasks::skynet),
    },
    Workload {
        name: "main ↔ task hand-overs from run",
        unit: "task",
        subject: Subject::Time,
        size: 10_000,
        goal: Goal::Ratio(0.15),
        runs: rivals!(tasks::main_hand_overs),
    },
    Workload {
        name: "blocking pool, 10,000 trivial jobs",
        unit: "job",
        subject: Subject::Time,
        size: 10_000,
        goal: Goal::Ratio(0.35),
        runs: rivals!(threads::blocking_jobs),
    },
    Workload {
        name: "timers: 100,000 sleeps of 1–1000 ms",
        unit: "sleep",
        subject: Subject::Cpu,
        size: 100_000,
        goal: Goal::Ratio(0.35),
        runs: rivals!(timers::sleeps),
    },
    Workload {
        name: "timer registered and dropped",
        unit: "timer",
        subject: Subject::Time,
        size: 10_000,
        goal: Goal::Ratio(0.12),
        runs: rivals!(timers::register_and_drop),
    },
    Workload {
        name: "timers inserted by all workers at once",
        unit: "timer",
        subject: Subject::Time,
        size: 10_000,
        goal: Goal::Ratio(0.35),
        runs: rivals!(timers::insert_from_all),
    },
    Workload {
        name: "timers: lateness of sleeps of 0.1–3 ms, p50",
        unit: "sleep",
        subject: Subject::Time,
        size: 300,
        goal: Goal::Ratio(0.06),
        runs: &[
            (Runtime::Tokio, timers::lateness_median::<Tokio>),
            (Runtime::Smol, timers::lateness_median::<Smol>),
            (Runtime::Bare, timers::bare_lateness_median),
        ],
    },
    Workload {
        name: "timers: lateness of sleeps of 0.1–3 ms, p99",
        unit: "sleep",
        subject: Subject::Time,
        size: 300,
        goal: Goal::Ratio(0.06),
        runs: &[
            (Runtime::Tokio, timers::lateness_tail::<Tokio>),
            (Runtime::Smol, timers::lateness_tail::<Smol>),
            (Runtime::Bare, timers::bare_lateness_tail),
        ],
    },
    Workload {
        name: "timers: 10,000 tasks at 1 Hz",
        unit: "wake-up",
        subject: Subject::Cpu,
        size: 10_000,
        goal: Goal::Ratio(0.50),
        runs: rivals!(timers::heartbeats),
    },
    Workload {
        name: "timers: stall while one worker is hogged",
        unit: "longest",
        subject: Subject::Time,
        size: 10,
        goal: Goal::Nanoseconds(10e6),
        runs: rivals!(timers::stall_by_one),
    },
    Workload {
        name: "timers: stall while every worker is hogged",
        unit: "longest",
        subject: Subject::Time,
        size: 10,
        goal: Goal::Nanoseconds(20e6),
        runs: rivals!(timers::stall_by_all),
    },
    Workload {
        name: "memory of a pending task",
        unit: "task",
        subject: Subject::Bytes,
        size: 1_000_000,
        goal: Goal::Bytes(128.0),
        runs: rivals!(memory::pending),
    },
    Workload {
        name: "memory of a sleeping task",
        unit: "task",
        subject: Subject::Bytes,
        size: 1_000_000,
        goal: Goal::Bytes(224.0),
        runs: rivals!(memory::sleeping),
    },
];
