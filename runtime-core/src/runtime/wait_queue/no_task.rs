//! The turns of waiters that no task polls: another executor does, or a thread by hand.
//!
//! No end of a poll shows that such a waiter has not used its turn. So it has its turn for ten
//! milliseconds. A thread watches over these turns; it is started for the first of them, and ends
//! when there have been none for a second.

use std::ptr::NonNull;
use std::time::{Duration, Instant};

use crate::runtime::catch_panic::catch_panic;
use crate::runtime::turns::{TryPassOn, TurnList};
use crate::sync::{IS_MODEL, Mutex, StdOnceLock, global, thread};

/// How long a turn lasts.
const TURN: Duration = Duration::from_millis(10);
/// How often the thread looks.
const LOOK: Duration = Duration::from_millis(5);
/// After how many looks without turns the thread ends.
const LOOKS_BEFORE_END: u32 = 200;

global! { static TURNS: TurnList = TurnList::new() }

// Whether the thread runs.
global! { static WATCHED: Mutex<bool> = Mutex::new(false) }

/// Enters a turn that is given now. The caller calls [`watch`] when it has released the queue.
///
/// # Safety
/// As for [`TurnList::enter`].
pub(super) unsafe fn enter(
    queue: NonNull<()>,
    waiter: NonNull<()>,
    try_pass_on: TryPassOn,
) -> &'static TurnList {
    // SAFETY: the caller's promise.
    let entered = unsafe { TURNS.enter_at(now(), queue, waiter, try_pass_on) };
    debug_assert!(entered, "this list is never closed");
    &TURNS
}

/// Makes sure that turns are passed on that are not used.
pub(super) fn watch() {
    if IS_MODEL {
        return;
    }
    let mut watched = WATCHED.lock();
    if *watched {
        return;
    }
    let builder = thread::Builder::new().name("asyncio-turns".to_owned());
    *watched = builder.spawn(run).is_ok();
    let failed = !*watched;
    drop(watched);
    if failed {
        // Without a thread no waiter may hold others up at all.
        TURNS.settle(u64::MAX);
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

/// Ends the thread, unless a turn has come. It came before `watch` was called, so either it is seen
/// here, or `watch` sees that no thread runs.
fn end() -> bool {
    let mut watched = WATCHED.lock();
    *watched = !TURNS.is_empty();
    !*watched
}

/// Nanoseconds since the first call.
fn now() -> u64 {
    static START: StdOnceLock<Instant> = StdOnceLock::new();
    let start = START.get_or_init(Instant::now);
    start.elapsed().as_nanos() as u64
}
