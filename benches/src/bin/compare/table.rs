//! The table: every row with its goals and its runtimes.

use benches::runtimes::{Asyncio, Flume, Kanal, Smol, Tokio};

use crate::workload::{Goal, Runtime, Subject, Workload};
use crate::workloads::{memory, python, sharing, tasks, threads, timers};

/// The runtimes of a workload that every runtime can run; with a script, Python too.
macro_rules! all {
    ($($run:ident)::+ $(, $script:path)?) => {
        &[
            (Runtime::Asyncio, $($run)::+::<Asyncio>),
            (Runtime::Tokio, $($run)::+::<Tokio>),
            (Runtime::Smol, $($run)::+::<Smol>),
            $((Runtime::Python, $script),)?
        ]
    };
}

/// The runtimes of a workload on queues: crates that have only queues too.
macro_rules! queues {
    ($($run:ident)::+ $(, $script:path)?) => {
        &[
            (Runtime::Asyncio, $($run)::+::<Asyncio>),
            (Runtime::Tokio, $($run)::+::<Tokio>),
            (Runtime::Smol, $($run)::+::<Smol>),
            (Runtime::Flume, $($run)::+::<Flume>),
            (Runtime::Kanal, $($run)::+::<Kanal>),
            $((Runtime::Python, $script),)?
        ]
    };
}

pub(crate) static WORKLOADS: [Workload; 33] = [
    Workload {
        name: "spawn and await one, from a task",
        unit: "task",
        subject: Subject::Time,
        size: 10_000,
        goals: &[Goal::Ratio(0.35), Goal::FasterThanPython(25.0)],
        runs: all!(tasks::spawn_and_await, python::spawn_and_await),
    },
    Workload {
        name: "spawn 10,000, await all, from a task",
        unit: "task",
        subject: Subject::Time,
        size: 10_000,
        goals: &[Goal::Ratio(0.30)],
        runs: all!(tasks::spawn_many, python::spawn_many),
    },
    Workload {
        name: "gather 10,000, each ready after one yield",
        unit: "future",
        subject: Subject::Time,
        size: 10_000,
        goals: &[],
        runs: all!(tasks::gather, python::gather),
    },
    Workload {
        name: "groups of 1,000 children",
        unit: "child",
        subject: Subject::Time,
        size: 10_000,
        goals: &[Goal::Ratio(0.50)],
        runs: &[
            (Runtime::Asyncio, tasks::group::<Asyncio>),
            (Runtime::Tokio, tasks::group::<Tokio>),
            (Runtime::Python, python::group),
        ],
    },
    Workload {
        name: "spawn 10,000 from a foreign thread, idle loop",
        unit: "task",
        subject: Subject::Time,
        size: 10_000,
        goals: &[Goal::Ratio(0.50)],
        runs: all!(threads::spawn_into_idle),
    },
    Workload {
        name: "spawn 10,000 from a foreign thread, busy loop",
        unit: "task",
        subject: Subject::Time,
        size: 10_000,
        goals: &[Goal::Ratio(0.01)],
        runs: all!(threads::spawn_into_busy),
    },
    Workload {
        name: "yield, 1,000 tasks × 1,000",
        unit: "yield",
        subject: Subject::Time,
        size: 1_000,
        goals: &[Goal::Ratio(0.60), Goal::FasterThanPython(40.0)],
        runs: all!(tasks::yields, python::yields),
    },
    Workload {
        name: "ping-pong by oneshot",
        unit: "round trip",
        subject: Subject::Time,
        size: 10_000,
        goals: &[Goal::Ratio(0.45)],
        runs: all!(tasks::ping_pong),
    },
    Workload {
        name: "ping-pong by channel of 1",
        unit: "round trip",
        subject: Subject::Time,
        size: 10_000,
        goals: &[Goal::Ratio(0.55), Goal::FasterThanPython(10.0)],
        runs: queues!(sharing::channel_ping_pong, python::queue_ping_pong),
    },
    Workload {
        name: "ping-pong by channel of 1, 100 pairs",
        unit: "round trip",
        subject: Subject::Time,
        size: 100_000,
        goals: &[Goal::Ratio(0.75)],
        runs: queues!(sharing::channel_ping_pong_pairs),
    },
    Workload {
        name: "chained spawn",
        unit: "task",
        subject: Subject::Time,
        size: 10_000,
        goals: &[Goal::Ratio(0.20)],
        runs: all!(tasks::chain),
    },
    Workload {
        name: "skynet, 1,000,000 leaves",
        unit: "task",
        subject: Subject::Time,
        size: 1_000_000,
        goals: &[Goal::Ratio(0.30)],
        runs: all!(tasks::skynet),
    },
    Workload {
        name: "lock held across a yield, 100 tasks",
        unit: "lock",
        subject: Subject::Time,
        size: 10_000,
        goals: &[Goal::Ratio(0.40)],
        runs: all!(sharing::lock_across_yield),
    },
    Workload {
        name: "lock, uncontended",
        unit: "lock",
        subject: Subject::Time,
        size: 100_000,
        goals: &[Goal::Ratio(0.60)],
        runs: all!(sharing::lock_alone),
    },
    Workload {
        name: "lock, contended",
        unit: "lock",
        subject: Subject::Time,
        size: 100_000,
        goals: &[Goal::Ratio(0.60)],
        runs: all!(sharing::lock_wanted),
    },
    Workload {
        name: "semaphore of 10, held across a yield, 100 tasks",
        unit: "permit",
        subject: Subject::Time,
        size: 20_000,
        goals: &[],
        runs: all!(sharing::semaphore_across_yield),
    },
    Workload {
        name: "event with 1,000 waiters",
        unit: "waiter",
        subject: Subject::Time,
        size: 1_000,
        goals: &[],
        // smol has no event; its users take another crate for it.
        runs: &[
            (Runtime::Asyncio, sharing::event_for_all::<Asyncio>),
            (Runtime::Tokio, sharing::event_for_all::<Tokio>),
        ],
    },
    Workload {
        name: "queue, four to four",
        unit: "item",
        subject: Subject::Time,
        size: 100_000,
        goals: &[Goal::Ratio(0.90)],
        runs: queues!(sharing::queue_four_to_four, python::queue_four_to_four),
    },
    Workload {
        name: "queue, one to one, with room for 128",
        unit: "item",
        subject: Subject::Time,
        size: 100_000,
        goals: &[],
        runs: queues!(sharing::channel_one_to_one),
    },
    Workload {
        name: "queue, one to one, without a bound",
        unit: "item",
        subject: Subject::Time,
        size: 100_000,
        goals: &[],
        runs: queues!(sharing::unbounded_one_to_one),
    },
    Workload {
        name: "main ↔ task hand-overs from run",
        unit: "task",
        subject: Subject::Time,
        size: 10_000,
        goals: &[Goal::Ratio(0.15)],
        runs: all!(tasks::main_hand_overs, python::spawn_and_await),
    },
    Workload {
        name: "blocking pool, 10,000 trivial jobs",
        unit: "job",
        subject: Subject::Time,
        size: 10_000,
        goals: &[Goal::Ratio(0.35)],
        runs: all!(threads::blocking_jobs),
    },
    Workload {
        name: "timers: 100,000 sleeps of 1–1000 ms",
        unit: "sleep",
        subject: Subject::Cpu,
        size: 100_000,
        goals: &[Goal::Ratio(0.35)],
        runs: all!(timers::sleeps, python::sleeps),
    },
    Workload {
        name: "timer registered and dropped",
        unit: "timer",
        subject: Subject::Time,
        size: 10_000,
        goals: &[Goal::Ratio(0.12)],
        runs: all!(timers::register_and_drop, python::register_and_drop),
    },
    Workload {
        name: "timeout around a future ready after one yield",
        unit: "timeout",
        subject: Subject::Time,
        size: 10_000,
        goals: &[Goal::Ratio(0.20)],
        runs: all!(timers::timeout_unneeded, python::timeout_unneeded),
    },
    Workload {
        name: "timers inserted by all workers at once",
        unit: "timer",
        subject: Subject::Time,
        size: 10_000,
        goals: &[Goal::Ratio(0.35)],
        runs: all!(timers::insert_from_all),
    },
    Workload {
        name: "timers: lateness of sleeps of 0.1–3 ms, p50",
        unit: "sleep",
        subject: Subject::Time,
        size: 300,
        goals: &[Goal::Ratio(0.06)],
        runs: &[
            (Runtime::Asyncio, timers::lateness_median::<Asyncio>),
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
        goals: &[Goal::OfBare(2.0)],
        runs: &[
            (Runtime::Asyncio, timers::lateness_tail::<Asyncio>),
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
        goals: &[Goal::Ratio(0.50)],
        runs: all!(timers::heartbeats),
    },
    Workload {
        name: "timers: stall while one worker is hogged",
        unit: "longest",
        subject: Subject::Time,
        size: 10,
        goals: &[Goal::Nanoseconds(10e6)],
        runs: all!(timers::stall_by_one),
    },
    Workload {
        name: "timers: stall while every worker is hogged",
        unit: "longest",
        subject: Subject::Time,
        size: 10,
        goals: &[Goal::Nanoseconds(20e6)],
        runs: all!(timers::stall_by_all),
    },
    Workload {
        name: "memory of a pending task",
        unit: "task",
        subject: Subject::Bytes,
        size: 1_000_000,
        goals: &[Goal::Bytes(128.0)],
        runs: all!(memory::pending),
    },
    Workload {
        name: "memory of a sleeping task",
        unit: "task",
        subject: Subject::Bytes,
        size: 1_000_000,
        goals: &[Goal::Bytes(224.0)],
        runs: all!(memory::sleeping),
    },
];
