//! A timer of the current loop, as futures use it.

use std::fmt;
use std::panic::Location;
use std::task::{Context as PollWith, Poll, Waker};
use std::time::Instant;

use super::scheduler::context::{self, worker_index};
use super::scheduler::loop_ref::LoopRef;
use super::task::cancel;
use super::time::{Rearmed, Stamp, Tick, TimerKey};
use crate::exceptions::{LoopClosed, NoRunningLoop};
use crate::sync::StdArc;

/// How exactly a timer is to fire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Precision {
    /// Within the loop's slack.
    Shared,
    /// As the kernel can.
    Exact,
}

/// Why there is no timer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoTimer {
    /// This thread has no loop.
    NoRunningLoop,
    /// The loop that it was bound to, or would be, is closed: time does not come there any more.
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

/// Waits for an instant. Bound to a loop at its first poll, and taken out of it when it is dropped.
/// If the loop is closed first, it is woken, and bound to the loop that polls it then; if that is the
/// one that is closed, or none, there is nothing more to wait for, which is told as an error.
///
/// **Whether it has to be given another waker** is asked of the clone on the wheel, by its data and
/// vtable, as `will_wake` does, and needs no lock. (Not of the waker that was cloned: its clone may be
/// another, and it may be gone, and another one stand at its place.) The clone keeps its address from
/// being used again as long as it is on the wheel. It leaves the wheel when the timer fires, and then
/// the clock answers first, because a timer is never early; or when the loop is closed, and then the closed
/// flag does: it was set before the clone was given away, so whoever made a waker at the same address
/// after that sees it.
#[derive(Debug)]
pub(crate) struct Timer {
    state: State,
}

#[derive(Debug)]
enum State {
    New,
    Waiting {
        loop_ref: StdArc<LoopRef>,
        when: Tick,
        key: TimerKey,
        /// The clone on the wheel.
        waker: (usize, usize),
    },
    Done,
}

impl Timer {
    pub(crate) const fn new() -> Timer {
        Timer { state: State::New }
    }

    /// Whether it has never been polled.
    pub(crate) fn is_new(&self) -> bool {
        matches!(self.state, State::New)
    }

    /// Whether `when` has come; if not, the waker of `cx` is woken then. `None`: that is never.
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
                        Rearmed::Waits => {}
                        // For the old one, a moment ago: the clock will say so too.
                        Rearmed::Fired => cx.waker().wake_by_ref(),
                        Rearmed::Closed => return self.move_on(when, precision, location, cx),
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

    /// Its loop is closed: it is the next one's that polls it.
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

    /// As [`poll`](Timer::poll), where the time has just been looked at: a look costs as much as all
    /// the rest of arming a timer.
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
        // What is beyond counting stands on the wheel as well: the end of the loop ends that, too.
        let when = when.map_or(Tick::NEVER, |when| driver.clock.to_tick(when));
        if when <= now {
            self.state = State::Done;
            return Poll::Ready(Ok(()));
        }
        let fires = match precision {
            Precision::Shared => driver.fires_at(now, when),
            Precision::Exact => when,
        };
        let kept = cx.waker().clone();
        let waker = identity(&kept);
        let Some(key) = driver.insert(worker_index(&loop_ref.shared), fires, kept) else {
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

    /// Takes the timer out of its loop; polled again, it begins anew.
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

/// Notes for whoever looks what the current task waits on.
fn note_wait(location: &'static Location<'static>) {
    cancel::wait_on(location);
}

/// The time of the current loop; where there is none, that of the system.
pub(crate) fn loop_time() -> Instant {
    context::with(|frame| frame.map(|frame| frame.shared.driver.clock.now()))
        .unwrap_or_else(Instant::now)
}

/// The moment at which a deadline that has come did come, by the clock of the current loop.
pub(crate) fn stamp_of(deadline: Instant) -> Stamp {
    let stamp = context::with(|frame| Some(frame?.shared.driver.clock.stamp_of(deadline)));
    stamp.unwrap_or_else(|| Stamp::of(deadline))
}
