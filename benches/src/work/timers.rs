//! Workloads for the timers: timers that fire, timers that are dropped, and late wake-ups.

use std::future::{Future, poll_fn};
use std::iter;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use super::dice::Dice;
use crate::runtimes::{Timeouts, Timers};

/// After this number of timers in one poll, the task yields: tokio's timers count against its
/// budget of 128 operations per poll, and do nothing once that is spent.
const TIMERS_PER_POLL: usize = 64;

/// Delays so long that no timer of a lap fires, but as short as real timeouts.
const SHORTEST_TIMEOUT: Duration = Duration::from_secs(30);
const LONGEST_TIMEOUT: Duration = Duration::from_secs(90);

/// Starts `count` tasks that each sleep once, from one millisecond up to `longest`, and awaits all
/// of them.
pub async fn sleeps<R: Timers>(count: usize, longest: Duration) {
    let mut dice = Dice::new(count as u64);
    sleep_all::<R>((0..count).map(|_| dice.delay(Duration::from_millis(1), longest))).await;
}

/// Starts `count` tasks that each sleep once for `delay`, and awaits all of them.
pub async fn sleeps_alike<R: Timers>(count: usize, delay: Duration) {
    sleep_all::<R>(iter::repeat_n(delay, count)).await;
}

async fn sleep_all<R: Timers>(delays: impl Iterator<Item = Duration>) {
    let tasks: Vec<_> = delays
        .map(|delay| {
            R::spawn(async move {
                R::sleep(delay).await;
            })
        })
        .collect();
    for task in tasks {
        R::join(task).await;
    }
}

/// Sleeps `count` times in a row for zero seconds.
pub async fn sleep_zero<R: Timers>(count: usize) {
    for _ in 0..count {
        R::sleep(Duration::ZERO).await;
    }
}

/// Registers a timer and drops it, `count` times: a timeout that does not expire.
pub async fn register_and_drop<R: Timers>(count: usize) {
    let mut dice = Dice::new(count as u64);
    for index in 0..count {
        let delay = dice.delay(SHORTEST_TIMEOUT, LONGEST_TIMEOUT);
        poll_fn(|context| {
            poll_pending(pin!(R::sleep(delay)), context);
            Poll::Ready(())
        })
        .await;
        if index % TIMERS_PER_POLL == 0 {
            R::yield_now().await;
        }
    }
}

/// Awaits, with a timeout, a future that is ready after one yield; `count` times.
pub async fn timeout_unneeded<R: Timeouts>(count: usize) {
    for _ in 0..count {
        let answer = R::timeout(SHORTEST_TIMEOUT, R::yield_now()).await;
        assert!(
            answer.is_some(),
            "the future is ready long before the timeout"
        );
    }
}

fn poll_pending<F: Future>(sleep: Pin<&mut F>, context: &mut Context<'_>) {
    assert!(
        sleep.poll(context).is_pending(),
        "no timer of this lap is due"
    );
}

/// Registers `count` timers on each of `workers` workers at the same time.
///
/// Returns the time from the moment when all workers were ready until the last one was done. Making
/// the futures before, and dropping them after, is not timed.
pub async fn insert_from_all<R: Timers>(workers: usize, count: usize) -> Duration {
    let gate = Arc::new(AtomicUsize::new(workers));
    let tasks: Vec<_> = (0..workers)
        .map(|seed| R::spawn(insert_many::<R>(seed, count, Arc::clone(&gate))))
        .collect();
    let mut times = Vec::new();
    for task in tasks {
        times.push(R::join(task).await);
    }
    let begin = times
        .iter()
        .map(|time| time.0)
        .min()
        .expect("at least one worker");
    let end = times
        .iter()
        .map(|time| time.1)
        .max()
        .expect("at least one worker");
    end - begin
}

async fn insert_many<R: Timers>(
    seed: usize,
    count: usize,
    gate: Arc<AtomicUsize>,
) -> (Instant, Instant) {
    let mut dice = Dice::new(seed as u64);
    let mut sleeps: Vec<_> = (0..count)
        .map(|_| Box::pin(R::sleep(dice.delay(SHORTEST_TIMEOUT, LONGEST_TIMEOUT))))
        .collect();
    pass_together(&gate);
    let begin = Instant::now();
    for batch in sleeps.chunks_mut(TIMERS_PER_POLL) {
        poll_fn(|context| {
            batch
                .iter_mut()
                .for_each(|sleep| poll_pending(sleep.as_mut(), context));
            Poll::Ready(())
        })
        .await;
        R::yield_now().await;
    }
    (begin, Instant::now())
}

/// Blocks this worker until all others have arrived too. This ensures that the tasks are on
/// different workers.
fn pass_together(gate: &AtomicUsize) {
    gate.fetch_sub(1, Ordering::AcqRel);
    let deadline = Instant::now() + Duration::from_secs(5);
    while gate.load(Ordering::Acquire) > 0 {
        assert!(
            Instant::now() < deadline,
            "two of the tasks are on one worker"
        );
        std::hint::spin_loop();
    }
}

/// Sleeps `count` times in a row, 0.1 to 3 ms each; returns how late each sleep ended.
pub async fn lateness<R: Timers>(count: usize) -> Vec<Duration> {
    let mut late = Vec::with_capacity(count);
    for delay in short_delays(count) {
        let begin = Instant::now();
        R::sleep(delay).await;
        late.push(begin.elapsed().saturating_sub(delay));
    }
    late
}

/// The delays of `lateness`.
pub fn short_delays(count: usize) -> impl Iterator<Item = Duration> + Send {
    let mut dice = Dice::new(count as u64);
    (0..count).map(move |_| dice.delay(Duration::from_micros(100), Duration::from_millis(3)))
}

/// Tasks that each wake once a second, until this is dropped.
#[derive(Debug)]
pub struct Heartbeats {
    stop: Arc<AtomicBool>,
    beats: Arc<AtomicU64>,
}

impl Heartbeats {
    /// Starts `tasks` tasks, whose wake-ups are spread over the second.
    pub fn start<R: Timers>(tasks: usize) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let beats = Arc::new(AtomicU64::new(0));
        let mut dice = Dice::new(tasks as u64);
        for _ in 0..tasks {
            let phase = dice.delay(Duration::ZERO, Duration::from_secs(1));
            let (stop, beats) = (Arc::clone(&stop), Arc::clone(&beats));
            R::detach(R::spawn(async move {
                R::sleep(phase).await;
                // Relaxed: a flag and a count, which publish nothing else.
                while !stop.load(Ordering::Relaxed) {
                    beats.fetch_add(1, Ordering::Relaxed);
                    R::sleep(Duration::from_secs(1)).await;
                }
            }));
        }
        Self { stop, beats }
    }

    /// The number of wake-ups of all tasks so far.
    pub fn beats(&self) -> u64 {
        self.beats.load(Ordering::Relaxed)
    }
}

impl Drop for Heartbeats {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

/// How long a hog blocks its worker.
pub const HOG: Duration = Duration::from_millis(150);

/// Blocks `hogs` workers for [`HOG`] while ten tasks repeatedly sleep for a millisecond; returns
/// the greatest lateness of a sleep.
pub async fn stall<R: Timers>(hogs: usize) -> Duration {
    let stop = Arc::new(AtomicBool::new(false));
    let sleepers: Vec<_> = (0..10)
        .map(|_| R::spawn(longest_oversleep::<R>(Arc::clone(&stop))))
        .collect();
    let hogs: Vec<_> = (0..hogs).map(|_| R::spawn(hog_a_worker::<R>())).collect();
    for hog in hogs {
        R::join(hog).await;
    }
    stop.store(true, Ordering::Relaxed);
    let mut longest = Duration::ZERO;
    for sleeper in sleepers {
        longest = longest.max(R::join(sleeper).await);
    }
    longest
}

/// The task is woken by a timer, as in real programs: so the worker that it blocks is the one that
/// served the timers.
pub(super) async fn hog_a_worker<R: Timers>() {
    R::sleep(Duration::from_millis(20)).await;
    let begin = Instant::now();
    while begin.elapsed() < HOG {
        std::hint::spin_loop();
    }
}

async fn longest_oversleep<R: Timers>(stop: Arc<AtomicBool>) -> Duration {
    let delay = Duration::from_millis(1);
    let mut longest = Duration::ZERO;
    while !stop.load(Ordering::Relaxed) {
        let begin = Instant::now();
        R::sleep(delay).await;
        longest = longest.max(begin.elapsed().saturating_sub(delay));
    }
    longest
}

#[cfg(all(test, feature = "others"))]
mod tests {
    use super::*;
    use crate::runtimes::{Asyncio, Smol, Tokio};

    fn every_kind_of_work_ends<R: Timeouts>() {
        R::run(2, async {
            sleeps::<R>(10, Duration::from_millis(3)).await;
            sleeps_alike::<R>(10, Duration::from_millis(1)).await;
            sleep_zero::<R>(3).await;
            register_and_drop::<R>(200).await;
            timeout_unneeded::<R>(200).await;
            insert_from_all::<R>(2, 200).await;
            assert_eq!(lateness::<R>(3).await.len(), 3);
        });
    }

    #[test]
    fn every_kind_of_work_ends_on_asyncio() {
        every_kind_of_work_ends::<Asyncio>();
    }

    #[test]
    fn every_kind_of_work_ends_on_tokio() {
        every_kind_of_work_ends::<Tokio>();
    }

    #[test]
    fn every_kind_of_work_ends_on_smol() {
        every_kind_of_work_ends::<Smol>();
    }
}
