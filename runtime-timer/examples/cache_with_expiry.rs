//! A cache whose entries expire when they have not been read for some time.
//!
//! Each hit postpones the expiry, so deadlines change all the time and are rarely reached: the load
//! for which a timing wheel is made. The cache shows three techniques:
//!
//! * The wheel stores keys of the map, and the map stores keys of the wheel, so that each finds the
//!   other's entry in constant time. Code that removes one entry removes both.
//! * The wheel has no clock. The cache passes it the time, and gets the time from its own caller:
//!   this program simulates an hour without waiting, and always prints the same.
//! * A deadline is rounded up to a tick and the clock is rounded down. So no entry expires early,
//!   and every entry expires less than a tick late.
//!
//! Run it with `cargo run -p runtime-timer --example cache_with_expiry`.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::Duration;

use runtime_timer::{Key, Tick, Wheel};

/// The unit of the wheel's time: much shorter than any lifetime, and no shorter than useful.
const TICK: Duration = Duration::from_millis(100);

/// Stores values, each for `lifetime` after it was last read.
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

    /// Stores `value` under `key`, and returns the previous value.
    fn insert(&mut self, key: K, value: V, now: Duration) -> Option<V> {
        let previous = self.remove(&key);
        let deadline = tick_not_before(now + self.lifetime);
        let expiry = self.expiries.insert(deadline, key.clone());
        self.entries.insert(key, Entry { value, expiry });
        previous
    }

    /// The value of `key`, whose lifetime begins again.
    fn read(&mut self, key: &K, now: Duration) -> Option<&V> {
        // An expiry that is due must not be postponed, even if `expire` has not been called yet.
        self.expire(now);
        let entry = self.entries.get(key)?;
        let deadline = tick_not_before(now + self.lifetime);
        self.expiries.reschedule(entry.expiry, deadline);
        Some(&entry.value)
    }

    /// Removes `key` and its expiry.
    fn remove(&mut self, key: &K) -> Option<V> {
        let entry = self.entries.remove(key)?;
        self.expiries.cancel(entry.expiry);
        Some(entry.value)
    }

    /// Removes the entries that have expired, and returns their number.
    fn expire(&mut self, now: Duration) -> usize {
        let mut expired = 0;
        for key in self.expiries.advance(tick_reached(now)) {
            self.entries.remove(&key);
            expired += 1;
        }
        expired
    }

    /// The time of the next expiry: a housekeeping thread could sleep until then, and call
    /// [`Cache::expire`].
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
    println!("0:08  python.org is at {address:?}; its expiry is postponed to 0:18");
    assert_eq!(address, Some("192.0.2.7"));

    let expired = cache.expire(minutes(11));
    println!("0:11  {expired} entry has expired");
    assert_eq!(expired, 1);
    assert_eq!(cache.read(&"rust-lang.org", minutes(11)), None);

    cache.insert("python.org", "192.0.2.9", minutes(12));
    println!(
        "0:12  python.org has moved; next expiry at {:?}",
        cache.next_expiry()
    );
    assert_eq!(cache.next_expiry(), Some(minutes(22)));

    let expired = cache.expire(minutes(60));
    println!(
        "1:00  {expired} entry has expired, {} are left",
        cache.entries.len()
    );
    assert_eq!((expired, cache.entries.len()), (1, 0));
}
