//! The timer that the futures above the engine use: waits for an instant on the current loop.

use std::fmt;
use std::panic::Location;
use std::task::{Context as PollWith, Poll, Waker};
use std::time::Instant;

use super::scheduler::context::{self, worker_index};
use super::scheduler::loop_ref::LoopRef;
use super::task::cancel;
use super::time::{Stamp, Tick, TimerKey, TimerStatus};
use crate::exceptions::{LoopClosed, NoRunningLoop};
use crate::sync::StdArc;

/// How exactly a timer fires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Precision {
    /// Late by at most the loop's slack, so that timers share wake-ups.
    Shared,
    /// As exactly as the kernel can.
    Exact,
}

/// Why there is no timer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoTimer {
    /// This thread has no loop.
    NoRunningLoop,
    /// The loop that the timer was bound to, or would be bound to, is closed: its timers no longer
    /// fire.
    LoopClosed,
}

impl fmt::Display for NoTimer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NoTimer::NoRunningLoop => NoRunningLoop.fmt(f),
            NoTimer::LoopClosed => LoopClosed.fmt(f),
        }
    }
}

/// Waits for an instant. The first poll binds it to a loop; dropping it removes it from that loop.
///
/// If the loop is closed first, the closing wakes the timer, and the next poll binds it to the loop
/// that polls it then. If that loop is the closed one, or there is none, the poll returns an error.
///
/// **Whether the waker must be replaced** is decided by comparing the waker of the poll with the
/// clone on the wheel, by data and vtable, as `will_wake` does. That needs no lock. (The comparison
/// is not with the waker that was cloned: its clone may have other data, and its address may have
/// been freed and used again.) While the clone is on the wheel, its address cannot be used again.
/// It leaves the wheel in two cases, and `poll` rules both out before it compares:
///
/// * the timer fires: then the clock has reached the deadline, because a timer is never early;
/// * the loop is closed: then the closed flag is set. It was set before the clone was taken off the
///   wheel, so a thread that made a waker at the same address after that sees the flag.
#[derive(Debug)]
pub(crate) struct Timer {
    state: State,
}

#[derive(Debug)]
enum State {
    /// Not on a wheel: never polled, or cancelled.
    New,
    /// On a wheel of the loop, unless it has fired or the loop has been closed.
    Waiting {
        loop_ref: StdArc<LoopRef>,
        when: Tick,
        key: TimerKey,
        /// The data and the vtable of the clone on the wheel.
        waker: (usize, usize),
    },
    /// The deadline has passed.
    Done,
}

impl Timer {
    pub(crate) const fn new() -> Timer {
        Timer { state: State::New }
    }

    /// Whether the timer is on no wheel: it has never been polled, or has been cancelled.
    pub(crate) fn is_new(&self) -> bool {
        matches!(self.state, State::New)
    }

    /// Returns ready if `when` has passed. Otherwise the waker of `cx` will be woken then. `None`
    /// as `when` means never.
    ///
    /// # Errors
    /// If this thread has no loop at the first poll, or the loop is closed.
    #[inline]
    pub(crate) fn poll(
        &mut self,
        when: Option<Instant>,
        precision: Precision,
        location: &'static Location<'static>,
        cx: &mut PollWith<'_>,
    ) -> Poll<Result<(), NoTimer>> {
        match &mut self.state {
            State::New => self.arm(None, when, precision, location, cx),
            State::Waiting {
                loop_ref,
                when: tick,
                key,
                waker,
            } => {
                let driver = &loop_ref.shared.driver;
                if driver.clock.tick() >= *tick {
                    return self.finish();
                }
                if driver.is_closed() {
                    return self.move_on(when, precision, location, cx);
                }
                if *waker != identity(cx.waker()) {
                    let new = cx.waker().clone();
                    *waker = identity(&new);
                    match driver.set_waker(*key, new) {
                        TimerStatus::Pending => {}
                        // The old waker has just been woken. The next poll sees it by the clock.
                        TimerStatus::Fired => cx.waker().wake_by_ref(),
                        TimerStatus::Closed => return self.move_on(when, precision, location, cx),
                    }
                }
                note_wait(location);
                Poll::Pending
            }
            State::Done => Poll::Ready(Ok(())),
        }
    }

    fn finish(&mut self) -> Poll<Result<(), NoTimer>> {
        self.cancel();
        self.state = State::Done;
        Poll::Ready(Ok(()))
    }

    /// Binds the timer, whose loop is closed, to the loop that polls it now.
    #[cold]
    fn move_on(
        &mut self,
        when: Option<Instant>,
        precision: Precision,
        location: &'static Location<'static>,
        cx: &mut PollWith<'_>,
    ) -> Poll<Result<(), NoTimer>> {
        self.state = State::New;
        match self.arm(None, when, precision, location, cx) {
            Poll::Ready(Err(_)) => Poll::Ready(Err(NoTimer::LoopClosed)),
            poll => poll,
        }
    }

    /// As [`poll`](Timer::poll), where the caller has just read the clock: reading it again would
    /// cost as much as the rest of arming a timer.
    #[inline]
    pub(crate) fn poll_from(
        &mut self,
        now: Instant,
        when: Instant,
        precision: Precision,
        location: &'static Location<'static>,
        cx: &mut PollWith<'_>,
    ) -> Poll<Result<(), NoTimer>> {
        match self.state {
            State::New => self.arm(Some(now), Some(when), precision, location, cx),
            _ => self.poll(Some(when), precision, location, cx),
        }
    }

    fn arm(
        &mut self,
        now: Option<Instant>,
        when: Option<Instant>,
        precision: Precision,
        location: &'static Location<'static>,
        cx: &mut PollWith<'_>,
    ) -> Poll<Result<(), NoTimer>> {
        let Some(loop_ref) = context::loop_ref() else {
            return Poll::Ready(Err(NoTimer::NoRunningLoop));
        };
        let driver = &loop_ref.shared.driver;
        let now = now.map_or_else(|| driver.clock.tick(), |now| driver.clock.to_tick(now));
        // A deadline beyond the range of ticks is also put on the wheel, so that closing the loop
        // wakes it.
        let when = when.map_or(Tick::NEVER, |when| driver.clock.to_tick(when));
        if when <= now {
            self.state = State::Done;
            return Poll::Ready(Ok(()));
        }
        let fires = match precision {
            Precision::Shared => driver.fires_at(now, when),
            Precision::Exact => when,
        };
        let clone = cx.waker().clone();
        let waker = identity(&clone);
        let Some(key) = driver.insert(worker_index(&loop_ref.shared), fires, clone) else {
            return Poll::Ready(Err(NoTimer::LoopClosed));
        };
        self.state = State::Waiting {
            loop_ref,
            when,
            key,
            waker,
        };
        note_wait(location);
        Poll::Pending
    }

    /// Removes the timer from its loop. Polled again, it starts over.
    pub(crate) fn cancel(&mut self) {
        let state = std::mem::replace(&mut self.state, State::New);
        if let State::Waiting { loop_ref, key, .. } = state {
            loop_ref.shared.driver.cancel(key);
        }
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        self.cancel();
    }
}

fn identity(waker: &Waker) -> (usize, usize) {
    (
        waker.data().addr(),
        std::ptr::from_ref(waker.vtable()).addr(),
    )
}

/// Notes, for reports, where the current task waits.
fn note_wait(location: &'static Location<'static>) {
    cancel::wait_on(location);
}

/// The time of the current loop's clock; without a current loop, that of the system.
pub(crate) fn loop_time() -> Instant {
    context::with(|entry| entry.map(|entry| entry.shared.driver.clock.now()))
        .unwrap_or_else(Instant::now)
}

/// The stamp of the moment at which a deadline, which has passed, was reached, by the clock of the
/// current loop.
pub(crate) fn stamp_of(deadline: Instant) -> Stamp {
    let stamp = context::with(|entry| Some(entry?.shared.driver.clock.stamp_of(deadline)));
    stamp.unwrap_or_else(|| Stamp::of(deadline))
}
