//! Compares the wheel with the two common alternatives: a `BTreeMap` ordered by deadline, and a
//! `BinaryHeap` that marks cancelled entries and removes them in a sweep when they are the majority
//! (as Python's asyncio does). Times are per timer.
//!
//! What would distort the numbers:
//!
//! * An empty structure, or one whose other timers are all far away: sorting is nearly free then,
//!   and a tree is only ever changed at one end. Here the measured timers fall among a small
//!   and among a large population with the same random delays, between one tick and 2²⁰.
//! * Deadlines in ascending order: they are a heap's best case.
//! * A heap whose cancelled entries are never removed. The sweep is inside the measurement.
//! * Warm memory: the benchmark does nothing else, so its data stay in the caches, all of them with
//!   the small population. In a program with other work the operations take longer. This is not
//!   avoided here.
//! * Other load on the machine. Compare rows of one run, never rows of two.
//!
//! `cargo bench -p runtime-timer`; one row: `cargo bench -p runtime-timer -- insert_cancel/wheel`.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};
use std::hint::black_box;
use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Criterion, Throughput};
use runtime_timer::{Key, Tick, Wheel};

const POPULATIONS: [u64; 2] = [1_000, 100_000];
const BATCH: u64 = 100;
const LONGEST_DELAY: u64 = 1 << 20;

/// The common interface of the three structures. The values are numbers, in place of wakers.
trait Timers: Default {
    type Key: Copy;
    fn insert(&mut self, when: u64, value: u64) -> Self::Key;
    fn cancel(&mut self, key: Self::Key) -> Option<u64>;
    fn pop_expired(&mut self, to: u64) -> Option<u64>;
}

struct TheWheel(Wheel<u64>);

impl Default for TheWheel {
    fn default() -> Self {
        Self(Wheel::new(Tick::ZERO))
    }
}

impl Timers for TheWheel {
    type Key = Key;

    fn insert(&mut self, when: u64, value: u64) -> Key {
        self.0.insert(Tick(when), value)
    }

    fn cancel(&mut self, key: Key) -> Option<u64> {
        self.0.cancel(key)
    }

    fn pop_expired(&mut self, to: u64) -> Option<u64> {
        self.0.pop_expired(Tick(to))
    }
}

#[derive(Default)]
struct Map {
    waiting: BTreeMap<(u64, u64), u64>,
    arrivals: u64,
}

impl Timers for Map {
    type Key = (u64, u64);

    fn insert(&mut self, when: u64, value: u64) -> (u64, u64) {
        let key = (when, self.arrivals);
        self.arrivals += 1;
        self.waiting.insert(key, value);
        key
    }

    fn cancel(&mut self, key: (u64, u64)) -> Option<u64> {
        self.waiting.remove(&key)
    }

    fn pop_expired(&mut self, to: u64) -> Option<u64> {
        let first = self.waiting.first_entry()?;
        (first.key().0 <= to).then(|| first.remove())
    }
}

#[derive(Default)]
struct Heap {
    /// Deadline, order of arrival, and the index of the timer's cell in `values`.
    waiting: BinaryHeap<Reverse<(u64, u64, usize)>>,
    /// Order of arrival and value; `None` if the timer was cancelled but its heap entry is still
    /// there.
    values: Vec<Option<(u64, u64)>>,
    vacant: Vec<usize>,
    arrivals: u64,
    cancelled: usize,
}

impl Heap {
    fn sweep(&mut self) {
        let (values, vacant) = (&self.values, &mut self.vacant);
        self.waiting.retain(|Reverse((_, _, cell))| {
            let waits = values[*cell].is_some();
            if !waits {
                vacant.push(*cell);
            }
            waits
        });
        self.cancelled = 0;
    }
}

impl Timers for Heap {
    type Key = (usize, u64);

    fn insert(&mut self, when: u64, value: u64) -> (usize, u64) {
        let cell = self.vacant.pop().unwrap_or_else(|| {
            self.values.push(None);
            self.values.len() - 1
        });
        let arrival = self.arrivals;
        self.arrivals += 1;
        self.values[cell] = Some((arrival, value));
        self.waiting.push(Reverse((when, arrival, cell)));
        (cell, arrival)
    }

    fn cancel(&mut self, (cell, arrival): (usize, u64)) -> Option<u64> {
        let (_, value) = self.values[cell].take_if(|waiting| waiting.0 == arrival)?;
        self.cancelled += 1;
        if self.cancelled > 100 && self.cancelled > self.waiting.len() / 2 {
            self.sweep();
        }
        Some(value)
    }

    fn pop_expired(&mut self, to: u64) -> Option<u64> {
        loop {
            let &Reverse((when, _, cell)) = self.waiting.peek()?;
            if when > to {
                return None;
            }
            self.waiting.pop();
            self.vacant.push(cell);
            match self.values[cell].take() {
                Some((_, value)) => return Some(value),
                None => self.cancelled -= 1,
            }
        }
    }
}

/// Marsaglia's xorshift: random enough for delays, and so cheap that it does not affect the
/// results.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn delay(&mut self) -> u64 {
        1 + self.next() % LONGEST_DELAY
    }
}

/// Inserts a timeout and cancels it at once, at a fixed time.
fn insert_cancel<T: Timers>(group: &mut BenchmarkGroup<'_, WallTime>, name: &str, others: u64) {
    let mut random = Random(0x5EED);
    let mut timers = T::default();
    for value in 0..others {
        timers.insert(random.delay(), value);
    }
    group.throughput(Throughput::Elements(1));
    group.bench_function(BenchmarkId::new(name, others), |bencher| {
        bencher.iter(|| {
            let key = timers.insert(random.delay(), black_box(1));
            timers.cancel(black_box(key))
        });
    });
}

/// Timers that all fire and are inserted again, as time advances in strides of 2¹⁰ ticks.
fn insert_fire<T: Timers>(group: &mut BenchmarkGroup<'_, WallTime>, name: &str, others: u64) {
    let mut random = Random(0x5EED);
    let mut timers = T::default();
    for value in 0..others {
        timers.insert(random.delay(), value);
    }
    let mut now = 0;
    group.throughput(Throughput::Elements(BATCH));
    group.bench_function(BenchmarkId::new(name, others), |bencher| {
        bencher.iter(|| {
            let mut fired = 0;
            while fired < BATCH {
                if let Some(value) = timers.pop_expired(now) {
                    timers.insert(now + random.delay(), black_box(value));
                    fired += 1;
                } else {
                    now += 1 << 10;
                }
            }
        });
    });
}

/// Timeouts that are cancelled in the order in which they were inserted, except that one in a
/// hundred fires before its turn.
fn mixed<T: Timers>(group: &mut BenchmarkGroup<'_, WallTime>, name: &str, others: u64) {
    let mut random = Random(0x5EED);
    let mut timers = T::default();
    let mut keys: VecDeque<_> = (0..others)
        .map(|value| timers.insert(random.delay(), value))
        .collect();
    let stride = LONGEST_DELAY * BATCH / (100 * others);
    let mut now = 0;
    group.throughput(Throughput::Elements(BATCH));
    group.bench_function(BenchmarkId::new(name, others), |bencher| {
        bencher.iter(|| {
            for value in 0..BATCH {
                black_box(keys.pop_front().and_then(|key| timers.cancel(key)));
                keys.push_back(timers.insert(now + random.delay(), value));
            }
            now += stride;
            while let Some(value) = timers.pop_expired(now) {
                black_box(value);
            }
        });
    });
}

type Workload = fn(&mut BenchmarkGroup<'_, WallTime>, &str, u64);

fn compare(criterion: &mut Criterion, subject: &str, workloads: [(&str, Workload); 3]) {
    let mut group = criterion.benchmark_group(subject);
    for others in POPULATIONS {
        for (name, workload) in workloads {
            workload(&mut group, name, others);
        }
    }
    group.finish();
}

macro_rules! for_each_structure {
    ($workload:ident) => {
        [
            ("wheel", $workload::<TheWheel> as Workload),
            ("btree_map", $workload::<Map>),
            ("binary_heap", $workload::<Heap>),
        ]
    };
}

fn main() {
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .configure_from_args();
    compare(
        &mut criterion,
        "insert_cancel",
        for_each_structure!(insert_cancel),
    );
    compare(
        &mut criterion,
        "insert_fire",
        for_each_structure!(insert_fire),
    );
    compare(&mut criterion, "mixed", for_each_structure!(mixed));
    criterion.final_summary();
}
