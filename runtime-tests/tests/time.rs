//! Tests of time: sleeps and their precision, a thread that sleeps in the poller, stuck workers,
//! and the cost of waiting.
//!
//! Other programs share the machine, so the kernel may delay any thread for any time. A test of
//! lateness therefore compares with the lateness of a bare thread, or passes if one of a few
//! attempts passes: an engine that is late by design is late in all of them.

use std::future::{pending, poll_fn};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::{Duration, Instant};

use asyncio::{
    EventLoop, Runner, create_local_task, create_task, get_running_loop, sleep, sleep_until,
    timeout, wait, wait_for,
};
use runtime_tests::{
    Flag, Polls, alone, begun, blocking_wait, caught, counting_polls, on_workers, until, watched,
};

#[path = "time/sleeping.rs"]
mod sleeping;

#[path = "time/closed.rs"]
mod closed;

#[path = "time/extremes.rs"]
mod extremes;

#[path = "time/poller.rs"]
mod poller;

#[path = "time/residue.rs"]
mod residue;

#[path = "time/fairness.rs"]
mod fairness;

#[path = "time/stuck.rs"]
mod stuck;

#[cfg(target_os = "linux")]
#[path = "time/idle.rs"]
mod idle;

const TICK: Duration = Duration::from_millis(1);
const HOUR: Duration = Duration::from_secs(3600);

/// How often a test of lateness is tried.
const ATTEMPTS: usize = 6;

/// Repeats `attempt` until it succeeds, at most [`ATTEMPTS`] times: the machine may be busy, but
/// hardly every time.
#[track_caller]
fn in_a_quiet_moment(mut attempt: impl FnMut() -> Result<(), String>) {
    let mut failures = Vec::new();
    while failures.len() < ATTEMPTS {
        match attempt() {
            Ok(()) => return,
            Err(failure) => failures.push(failure),
        }
    }
    panic!("{failures:#?}");
}

/// Lets this thread sleep for `delay`, without a loop, and returns how much later it wakes up.
fn lateness_of_a_thread(delay: Duration) -> Duration {
    let before = Instant::now();
    thread::sleep(delay);
    before.elapsed().saturating_sub(delay)
}

/// The median of some durations.
fn median(mut durations: Vec<Duration>) -> Duration {
    durations.sort_unstable();
    durations[durations.len() / 2]
}

/// A small pseudo-random generator: every run of a test makes the same choices, though not with the
/// same timing.
struct Dice(u64);

impl Dice {
    fn micros(&mut self, below: u64) -> Duration {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        Duration::from_micros((self.0 >> 32) % below)
    }
}

/// A waker that records when it is woken first. Its reference count shows how many wakers of it are
/// registered.
#[derive(Default)]
struct Alarm(Mutex<Option<Instant>>);

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        self.0.lock().unwrap().get_or_insert_with(Instant::now);
    }
}

impl Alarm {
    fn rang(&self) -> Option<Instant> {
        *self.0.lock().unwrap()
    }
}

/// Polls `future` once, with `waker`.
fn poll_once<F: Future + Unpin>(future: &mut F, waker: &Waker) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(waker))
}
