//! A cache that forgets what nobody has asked for in a while.
//!
//! Each hit puts the expiry off, so that deadlines change all the time and hardly ever arrive:
//! the load that a timing wheel is made for. The cache shows three habits worth copying:
//!
//! * The wheel holds keys of the map and the map holds keys of the wheel, so that each finds the
//!   other's entry in constant time. Whoever removes one side removes both.
//! * The wheel has no clock. It is told the time by its owner, who can be told it in turn: this
//!   program plays an hour in no time and always prints the same.
//! * A deadline is rounded up to a tick and the clock is rounded down. So nothing expires early,
//!   and everything expires less than a tick late.
//!
//! Run it with `cargo run -p runtime-timer --example cache_with_expiry`.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::Duration;

use runtime_timer::{Key, Tick, Wheel};

/// How fine the wheel's time is: much finer than any lifetime, and no finer than useful.
const TICK: Duration = Duration::from_millis(100);

/// Remembers values, each of them for `lifetime` after it was last asked for.
///
/// Time is given as the duration since the cache was made. With a real clock, keep an
/// `Instant` and pass `made.elapsed()`.
struct Cache<K, V> {
    entries: HashMap<K, Entry<V>>,
    expiries: Wheel<K>,
    lifetime: Duration,
}

struct Entry<V> {
    value: V,
    expiry: Key,
}

impl<K: Hash + Eq + Clone, V> Cache<K, V> {
    fn new(lifetime: Duration) -> Self {
        Self {
            entries: HashMap::new(),
            expiries: Wheel::new(Tick::ZERO),
            lifetime,
        }
    }

    /// Remembers `value` and returns what was known under `key` before.
    fn insert(&mut self, key: K, value: V, now: Duration) -> Option<V> {
        let previous = self.remove(&key);
        let deadline = tick_not_before(now + self.lifetime);
        let expiry = self.expiries.insert(deadline, key.clone());
        self.entries.insert(key, Entry { value, expiry });
        previous
    }

    /// The value known under `key`, whose lifetime begins again.
    fn read(&mut self, key: &K, now: Duration) -> Option<&V> {
        // An expiry that has come must not be put off, even if nobody has called `expire` yet.
        self.expire(now);
        let entry = self.entries.get(key)?;
        let deadline = tick_not_before(now + self.lifetime);
        self.expiries.reschedule(entry.expiry, deadline);
        Some(&entry.value)
    }

    /// Forgets `key`, and its expiry with it.
    fn remove(&mut self, key: &K) -> Option<V> {
        let entry = self.entries.remove(key)?;
        self.expiries.cancel(entry.expiry);
        Some(entry.value)
    }

    /// Forgets what has expired and returns how much that was.
    fn expire(&mut self, now: Duration) -> usize {
        let mut forgotten = 0;
        for key in self.expiries.advance(tick_reached(now)) {
            self.entries.remove(&key);
            forgotten += 1;
        }
        forgotten
    }

    /// How long a housekeeping thread could sleep before it calls [`Cache::expire`] again.
    fn next_expiry(&self) -> Option<Duration> {
        let tick = self.expiries.next_deadline()?;
        Some(TICK * u32::try_from(tick.0).expect("the program ends within 13 years"))
    }
}

/// The first tick that is not before `time`: for deadlines.
fn tick_not_before(time: Duration) -> Tick {
    Tick(ticks(time.as_millis().div_ceil(TICK.as_millis())))
}

/// The last tick that is not after `time`: for readings of the clock.
fn tick_reached(time: Duration) -> Tick {
    Tick(ticks(time.as_millis() / TICK.as_millis()))
}

fn ticks(count: u128) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

fn main() {
    let minutes = |n: u64| Duration::from_secs(60 * n);
    let mut cache = Cache::new(minutes(10));

    cache.insert("python.org", "192.0.2.7", minutes(0));
    cache.insert("rust-lang.org", "192.0.2.8", minutes(1));
    println!("0:01  first expiry at {:?}", cache.next_expiry());
    assert_eq!(cache.next_expiry(), Some(minutes(10)));

    let address = cache.read(&"python.org", minutes(8)).copied();
    println!("0:08  python.org is at {address:?}, which puts its expiry off to 0:18");
    assert_eq!(address, Some("192.0.2.7"));

    let forgotten = cache.expire(minutes(11));
    println!("0:11  {forgotten} entry has expired");
    assert_eq!(forgotten, 1);
    assert_eq!(cache.read(&"rust-lang.org", minutes(11)), None);

    cache.insert("python.org", "192.0.2.9", minutes(12));
    println!(
        "0:12  python.org has moved; next expiry at {:?}",
        cache.next_expiry()
    );
    assert_eq!(cache.next_expiry(), Some(minutes(22)));

    let forgotten = cache.expire(minutes(60));
    println!(
        "1:00  {forgotten} entry has expired, {} are left",
        cache.entries.len()
    );
    assert_eq!((forgotten, cache.entries.len()), (1, 0));
}
