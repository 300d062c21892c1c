//! The timer that the futures above the engine use: waits for an instant on the current loop.

use std::fmt;
use std::panic::Location;
use std::task::{Context as PollWith, Poll, Waker};
use std::time::{Duration, Instant};

use super::scheduler::context;
use super::scheduler::loop_ref::LoopRef;
use super::task::cancel;
use super::time::{Clock, Stamp, Tick, TimerKey, TimerStatus};
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

    /// Returns ready if `when` has passed. Otherwise the waker of `cx` will be woken then.
    ///
    /// # Errors
    /// If this thread has no loop at the first poll, or the loop is closed.
    #[inline]
    pub(crate) fn poll(
        &mut self,
        when: impl Moment,
        precision: Precision,
        location: &'static Location<'static>,
        cx: &mut PollWith<'_>,
    ) -> Poll<Result<(), NoTimer>> {
        match self.state {
            State::New => self.arm(None, when.here(), precision, location, cx),
            _ => self.poll_again(precision, location, cx),
        }
    }

    /// Polls a timer that is not new.
    #[inline]
    pub(crate) fn poll_again(
        &mut self,
        precision: Precision,
        location: &'static Location<'static>,
        cx: &mut PollWith<'_>,
    ) -> Poll<Result<(), NoTimer>> {
        let State::Waiting {
            loop_ref,
            when,
            waker,
            ..
        } = &self.state
        else {
            return Poll::Ready(Ok(()));
        };
        let driver = &loop_ref.shared.driver;
        if driver.clock.tick() >= *when {
            self.cancel();
            self.state = State::Done;
            return Poll::Ready(Ok(()));
        }
        if driver.is_closed() || *waker != identity(cx.waker()) {
            return self.renew(precision, location, cx);
        }
        note_wait(location);
        Poll::Pending
    }

    /// Gives a timer that is not due the waker of `cx`, or binds it to the loop that polls it now,
    /// if its own is closed.
    #[cold]
    fn renew(
        &mut self,
        precision: Precision,
        location: &'static Location<'static>,
        cx: &mut PollWith<'_>,
    ) -> Poll<Result<(), NoTimer>> {
        let State::Waiting {
            loop_ref,
            key,
            waker,
            when,
        } = &mut self.state
        else {
            return Poll::Ready(Ok(()));
        };
        let (driver, when) = (&loop_ref.shared.driver, *when);
        let mut closed = driver.is_closed();
        if !closed {
            let new = cx.waker().clone();
            *waker = identity(&new);
            match driver.set_waker(*key, new) {
                TimerStatus::Pending => {}
                // The old waker has just been woken. The next poll sees it by the clock.
                TimerStatus::Fired => cx.waker().wake_by_ref(),
                TimerStatus::Closed => closed = true,
            }
        }
        if closed {
            // The other loop may have another clock.
            let when = driver.clock.instant(when).map_or(Tick::NEVER, Moment::here);
            // If there is no other loop, the timer stays with the closed one.
            return match self.arm(None, when, precision, location, cx) {
                Poll::Ready(Err(_)) => Poll::Ready(Err(NoTimer::LoopClosed)),
                poll => poll,
            };
        }
        note_wait(location);
        Poll::Pending
    }

    /// Puts a new timer on the wheel, unless `when` has passed. `now` is for a caller that has just
    /// read the clock: reading it again would cost as much as the rest.
    #[inline(never)]
    pub(crate) fn arm(
        &mut self,
        now: Option<Tick>,
        when: Tick,
        precision: Precision,
        location: &'static Location<'static>,
        cx: &mut PollWith<'_>,
    ) -> Poll<Result<(), NoTimer>> {
        let Some(current) = context::loop_ref_and_worker() else {
            return Poll::Ready(Err(NoTimer::NoRunningLoop));
        };
        let now = now.unwrap_or_else(|| current.0.shared.driver.clock.tick());
        self.arm_here(current, now, when, precision, location, cx)
    }

    /// The same for a delay that begins now. One that is beyond the range of ticks never ends.
    #[inline(never)]
    pub(crate) fn arm_after(
        &mut self,
        delay: Duration,
        precision: Precision,
        location: &'static Location<'static>,
        cx: &mut PollWith<'_>,
    ) -> Poll<Result<(), NoTimer>> {
        let Some(current) = context::loop_ref_and_worker() else {
            return Poll::Ready(Err(NoTimer::NoRunningLoop));
        };
        let now = current.0.shared.driver.clock.tick();
        let when = now.checked_add(delay).unwrap_or(Tick::NEVER);
        self.arm_here(current, now, when, precision, location, cx)
    }

    #[inline(always)]
    fn arm_here(
        &mut self,
        (loop_ref, worker): (StdArc<LoopRef>, Option<usize>),
        now: Tick,
        when: Tick,
        precision: Precision,
        location: &'static Location<'static>,
        cx: &mut PollWith<'_>,
    ) -> Poll<Result<(), NoTimer>> {
        if when <= now {
            self.state = State::Done;
            return Poll::Ready(Ok(()));
        }
        let driver = &loop_ref.shared.driver;
        let fires = match precision {
            Precision::Shared => driver.fires_at(now, when),
            Precision::Exact => when,
        };
        let clone = cx.waker().clone();
        let waker = identity(&clone);
        // A timer that never fires is also put on the wheel, so that closing the loop wakes it.
        let Some(key) = driver.insert(worker, fires, clone) else {
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
        self.remove();
        self.state = State::New;
    }

    #[inline]
    fn remove(&self) {
        if let State::Waiting { loop_ref, key, .. } = &self.state {
            loop_ref.shared.driver.cancel(*key);
        }
    }
}

impl Drop for Timer {
    #[inline]
    fn drop(&mut self) {
        self.remove();
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

/// What a timer waits for.
pub(crate) trait Moment: Copy {
    /// The tick of that moment by the clock of the current loop.
    fn here(self) -> Tick;
}

impl Moment for Tick {
    #[inline]
    fn here(self) -> Tick {
        self
    }
}

impl Moment for Instant {
    fn here(self) -> Tick {
        with_clock(|clock| clock.to_tick(self))
    }
}

/// The time of the current loop's clock; without a current loop, that of the system.
pub(crate) fn loop_time() -> Instant {
    context::with(|entry| entry.map(|entry| entry.shared.driver.clock.now()))
        .unwrap_or_else(Instant::now)
}

/// The same as a tick.
#[inline]
pub(crate) fn loop_tick() -> Tick {
    with_clock(Clock::tick)
}

/// The stamp of the moment at which a deadline, which has passed, was reached, by the clock of the
/// current loop.
pub(crate) fn stamp_of(deadline: impl Moment) -> Stamp {
    let deadline = deadline.here();
    with_clock(|clock| clock.stamp_of(deadline))
}

/// The clock of the current loop, or else of the process's default one; without either, one that
/// runs.
#[inline]
fn with_clock<R>(look: impl Fn(&Clock) -> R) -> R {
    let looked = context::with(|entry| entry.map(|entry| look(&entry.shared.driver.clock)));
    looked.unwrap_or_else(|| with_other_clock(look))
}

#[cold]
fn with_other_clock<R>(look: impl Fn(&Clock) -> R) -> R {
    match context::current() {
        Some(shared) => look(&shared.driver.clock),
        None => look(&Clock::new(false)),
    }
}
