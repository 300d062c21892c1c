//! The turns of waiters that no task polls: another executor does, or a thread by hand.
//!
//! No end of a poll shows that such a waiter has not used its turn. So it has its turn for ten
//! milliseconds. A thread watches over these turns; it is started for the first of them, and ends
//! when there have been none for a second. The wakers of those that go next are called on it, so a
//! waker that blocks delays all turns of this kind.

use std::time::{Duration, Instant};

use crate::runtime::catch_panic::catch_panic;
use crate::runtime::turns::{Gives, TurnKey, TurnList};
use crate::sync::{IS_MODEL, Mutex, StdOnceLock, global, thread};

/// How long a turn lasts.
const TURN: Duration = Duration::from_millis(10);
/// How often the thread looks.
const LOOK: Duration = Duration::from_millis(5);
/// After how many looks without turns the thread ends.
const LOOKS_BEFORE_END: u32 = 200;

global! { static TURNS: TurnList = TurnList::new() }

// The process in which turns are watched over: the thread does not live on in a fork.
global! { static WATCHED: Mutex<Option<u32>> = Mutex::new(None) }

/// The list of these turns.
pub(super) fn turn_list() -> &'static TurnList {
    &TURNS
}

/// Enters a turn that is given now, or counts as given earlier, and returns its key. The caller
/// calls [`watch`] when it has released the queue.
pub(super) fn enter(given: Option<u64>, queue: &impl Gives, ticket: u64) -> TurnKey {
    let key = TURNS.enter(Some(given.unwrap_or_else(now)), queue, ticket);
    key.expect("this list is never closed")
}

/// Makes sure that turns are passed on that are not used.
pub(super) fn watch() {
    if IS_MODEL {
        return;
    }
    let process = std::process::id();
    if WATCHED.lock().replace(process) == Some(process) {
        return;
    }
    let builder = thread::Builder::new().name("asyncio-turns".to_owned());
    if builder.spawn(run).is_err() {
        // Without a thread no waiter may hold others up at all. Those that are served meanwhile
        // are passed over by the same loop, since the turns count as watched.
        loop {
            TURNS.settle(u64::MAX);
            if end() {
                return;
            }
        }
    }
}

fn run() {
    let mut quiet = 0;
    loop {
        thread::park_timeout(LOOK);
        let before = now().saturating_sub(TURN.as_nanos() as u64);
        // Wakers are user code; a panic of one has been printed.
        catch_panic(|| TURNS.settle(before));
        quiet = if TURNS.is_empty() { quiet + 1 } else { 0 };
        if quiet >= LOOKS_BEFORE_END && end() {
            return;
        }
    }
}

/// Ends the watch, unless a turn has come. It came before `watch` was called, so either it is seen
/// here, or `watch` sees that there is none.
fn end() -> bool {
    let mut watched = WATCHED.lock();
    let ends = TURNS.is_empty();
    if ends {
        *watched = None;
    }
    ends
}

/// Nanoseconds since the first call.
pub(super) fn now() -> u64 {
    static START: StdOnceLock<Instant> = StdOnceLock::new();
    let start = START.get_or_init(Instant::now);
    start.elapsed().as_nanos() as u64
}
