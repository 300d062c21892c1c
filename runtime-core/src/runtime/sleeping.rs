//! The timer that the futures above the engine use: waits for an instant on the current loop.

use std::fmt;
use std::panic::Location;
use std::task::{Context as PollWith, Poll};
use std::time::{Duration, Instant};

use super::scheduler::context;
use super::scheduler::loop_ref::LoopRef;
use super::task::cancel;
use super::task::waker::{task_address, wakes_task};
use super::time::{Clock, Stamp, Tick, TimerKey, TimerStatus};
use crate::exceptions::{LoopClosed, NoRunningLoop};
use crate::sync::{IS_MODEL, StdArc};

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

/// A timer on a wheel of a loop. Dropping it removes it from there.
///
/// If the loop is closed first, the closing wakes the timer, and the next poll binds it to the loop
/// that polls it then. If that loop is the closed one, or there is none, the poll returns an error.
///
/// **Whether the waker must be replaced** is decided by comparing the waker of the poll with the
/// clone on the wheel. If both are a task's own, their tasks are compared, by address: that needs
/// no lock, and one word. While the clone is on the wheel, it keeps its task, so the address cannot
/// be used again. It leaves the wheel in two cases, and `poll` rules both out before it compares:
///
/// * the timer fires: then the clock has reached the deadline, because a timer is never early;
/// * the loop is closed: then the closed flag is set. It was set before the clone was taken off the
///   wheel, so a thread that made a task at the same address after that sees the flag.
///
/// Any other waker is compared with the clone itself, by `will_wake`, under the lock of the wheel.
#[derive(Debug)]
pub(crate) struct Timer {
    loop_ref: StdArc<LoopRef>,
    when: Tick,
    /// The task whose waker is on the wheel; 0 if it is not a task's own.
    task: usize,
    key: TimerKey,
    /// A byte of which most values are free: an enum with a timer in it needs no tag of its own.
    precision: Precision,
}

// A future that waits for a timer has one of these in it, and most timers are waited for by a task.
const _: () = assert!(IS_MODEL || size_of::<Option<Timer>>() <= 40);

impl Timer {
    /// Puts a timer on a wheel of the current loop: the waker of `cx` will be woken at `when`.
    /// Passes the timer to `keep`, which is cheaper than to return it. Returns ready if `when` has
    /// passed: then there is no timer. `now` is for a caller that has just read the clock: reading
    /// it again would cost as much as the rest.
    ///
    /// # Errors
    /// If this thread has no loop, or the loop is closed.
    #[inline(never)]
    pub(crate) fn arm(
        now: Option<Tick>,
        when: Tick,
        precision: Precision,
        location: &'static Location<'static>,
        cx: &mut PollWith<'_>,
        keep: impl FnOnce(Timer),
    ) -> Poll<Result<(), NoTimer>> {
        let Some(current) = context::loop_ref_and_worker() else {
            return Poll::Ready(Err(NoTimer::NoRunningLoop));
        };
        let now = now.unwrap_or_else(|| current.0.shared.driver.clock.tick());
        Timer::arm_here(current, now, when, precision, location, cx, keep)
    }

    /// The same for a delay that begins now. One that is beyond the range of ticks never ends.
    #[inline(never)]
    pub(crate) fn arm_after(
        delay: Duration,
        precision: Precision,
        location: &'static Location<'static>,
        cx: &mut PollWith<'_>,
        keep: impl FnOnce(Timer),
    ) -> Poll<Result<(), NoTimer>> {
        let Some(current) = context::loop_ref_and_worker() else {
            return Poll::Ready(Err(NoTimer::NoRunningLoop));
        };
        let now = current.0.shared.driver.clock.tick();
        let when = now.checked_add(delay).unwrap_or(Tick::NEVER);
        Timer::arm_here(current, now, when, precision, location, cx, keep)
    }

    #[inline(always)]
    fn arm_here(
        (loop_ref, worker): (StdArc<LoopRef>, Option<usize>),
        now: Tick,
        when: Tick,
        precision: Precision,
        location: &'static Location<'static>,
        cx: &mut PollWith<'_>,
        keep: impl FnOnce(Timer),
    ) -> Poll<Result<(), NoTimer>> {
        if when <= now {
            return Poll::Ready(Ok(()));
        }
        let driver = &loop_ref.shared.driver;
        let fires = match precision {
            Precision::Shared => driver.fires_at(now, when),
            Precision::Exact => when,
        };
        let clone = cx.waker().clone();
        let task = task_address(&clone);
        // A timer that never fires is also put on the wheel, so that closing the loop wakes it.
        let Some(key) = driver.insert(worker, fires, clone) else {
            return Poll::Ready(Err(NoTimer::LoopClosed));
        };
        keep(Timer {
            loop_ref,
            when,
            task,
            key,
            precision,
        });
        note_wait(location);
        Poll::Pending
    }

    /// Returns ready if the deadline has passed. Otherwise the waker of `cx` will be woken then.
    ///
    /// # Errors
    /// If the loop is closed.
    #[inline]
    pub(crate) fn poll(
        &mut self,
        location: &'static Location<'static>,
        cx: &mut PollWith<'_>,
    ) -> Poll<Result<(), NoTimer>> {
        let driver = &self.loop_ref.shared.driver;
        if driver.clock.tick() >= self.when {
            return Poll::Ready(Ok(()));
        }
        if driver.is_closed() || !wakes_task(cx.waker(), self.task) {
            return self.renew(location, cx);
        }
        note_wait(location);
        Poll::Pending
    }

    /// Gives a timer that is not due the waker of `cx`, or binds it to the loop that polls it now,
    /// if its own is closed.
    #[cold]
    fn renew(
        &mut self,
        location: &'static Location<'static>,
        cx: &mut PollWith<'_>,
    ) -> Poll<Result<(), NoTimer>> {
        let driver = &self.loop_ref.shared.driver;
        if !driver.is_closed() {
            let status = match driver.has_waker(self.key, cx.waker()) {
                true => TimerStatus::Pending,
                false => driver.set_waker(self.key, cx.waker().clone()),
            };
            self.task = task_address(cx.waker());
            if status != TimerStatus::Closed {
                note_wait(location);
                if status == TimerStatus::Fired {
                    // The old waker has just been woken. The next poll sees it by the clock.
                    cx.waker().wake_by_ref();
                }
                return Poll::Pending;
            }
        }
        // The other loop may have another clock.
        let when = driver.clock.instant(self.when);
        let when = when.map_or(Tick::NEVER, Moment::here);
        let precision = self.precision;
        match Timer::arm(None, when, precision, location, cx, |timer| *self = timer) {
            // There is no other loop: the timer stays with the closed one.
            Poll::Ready(Err(_)) => Poll::Ready(Err(NoTimer::LoopClosed)),
            poll => poll,
        }
    }

    pub(crate) fn precision(&self) -> Precision {
        self.precision
    }

    /// Takes effect when the timer is bound to another loop.
    pub(crate) fn set_precision(&mut self, precision: Precision) {
        self.precision = precision;
    }
}

impl Drop for Timer {
    #[inline]
    fn drop(&mut self) {
        self.loop_ref.shared.driver.cancel(self.key);
    }
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
