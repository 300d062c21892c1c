//! A timer of the current loop, as futures use it.

use std::panic::Location;
use std::task::{Context as PollWith, Poll, Waker};
use std::time::Instant;

use super::scheduler::branch::Branch;
use super::scheduler::context::{self, worker_index};
use super::task::cancel;
use super::time::{Stamp, Tick, TimerKey};
use crate::exceptions::NoRunningLoop;
use crate::sync::StdArc;

/// How exactly a timer is to fire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Precision {
    /// Within the loop's slack.
    Shared,
    /// As the kernel can.
    Exact,
}

/// Waits for an instant. Bound to a loop at its first poll, and taken out of it when it is dropped;
/// if the loop is closed first, bound to the next that polls it.
#[derive(Debug)]
pub(crate) struct Timer {
    state: State,
}

#[derive(Debug)]
enum State {
    New,
    Waiting {
        branch: StdArc<Branch>,
        when: Tick,
        key: TimerKey,
        /// The waker on the wheel, by its data and vtable. The clone there keeps the address from
        /// being used again until the timer fires, and then the clock answers first.
        waker: (usize, usize),
    },
    /// The instant is beyond what the loop counts: it needs no timer.
    Never,
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

    /// Whether `when` has come; if not, the waker of `cx` is woken then.
    ///
    /// # Errors
    /// [`NoRunningLoop`] at the first poll, if this thread has no loop.
    #[inline]
    pub(crate) fn poll(
        &mut self,
        when: Instant,
        precision: Precision,
        location: &'static Location<'static>,
        cx: &mut PollWith<'_>,
    ) -> Poll<Result<(), NoRunningLoop>> {
        match &mut self.state {
            State::New => self.arm(None, when, precision, location, cx),
            State::Waiting {
                branch,
                when: tick,
                key,
                waker,
            } => {
                let driver = &branch.shared.driver;
                if driver.clock.tick() < *tick {
                    if *waker != identity(cx.waker()) {
                        *waker = identity(cx.waker());
                        if !driver.set_waker(*key, cx.waker()) {
                            if branch.shared.crew.is_stopping() {
                                // It has outlived its loop, and is somebody else's now.
                                self.state = State::New;
                                return self.arm(None, when, precision, location, cx);
                            }
                            // Fired for the old one, a moment ago: the clock will say so too.
                            cx.waker().wake_by_ref();
                        }
                    }
                    note(location);
                    return Poll::Pending;
                }
                self.finish()
            }
            State::Never => {
                note(location);
                Poll::Pending
            }
            State::Done => Poll::Ready(Ok(())),
        }
    }

    fn finish(&mut self) -> Poll<Result<(), NoRunningLoop>> {
        self.cancel();
        self.state = State::Done;
        Poll::Ready(Ok(()))
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
    ) -> Poll<Result<(), NoRunningLoop>> {
        match self.state {
            State::New => self.arm(Some(now), when, precision, location, cx),
            _ => self.poll(when, precision, location, cx),
        }
    }

    fn arm(
        &mut self,
        now: Option<Instant>,
        when: Instant,
        precision: Precision,
        location: &'static Location<'static>,
        cx: &mut PollWith<'_>,
    ) -> Poll<Result<(), NoRunningLoop>> {
        let Some(branch) = context::branch() else {
            return Poll::Ready(Err(NoRunningLoop));
        };
        let driver = &branch.shared.driver;
        let now = now.map_or_else(|| driver.clock.tick(), |now| driver.clock.to_tick(now));
        let when = driver.clock.to_tick(when);
        if when <= now {
            self.state = State::Done;
            return Poll::Ready(Ok(()));
        }
        if when == Tick::NEVER {
            self.state = State::Never;
            note(location);
            return Poll::Pending;
        }
        let fires = match precision {
            Precision::Shared => driver.fires_at(now, when),
            Precision::Exact => when,
        };
        let key = driver.insert(worker_index(&branch.shared), fires, cx.waker().clone());
        self.state = State::Waiting {
            branch,
            when,
            key,
            waker: identity(cx.waker()),
        };
        note(location);
        Poll::Pending
    }

    /// Takes the timer out of its loop; polled again, it begins anew.
    pub(crate) fn cancel(&mut self) {
        let state = std::mem::replace(&mut self.state, State::New);
        if let State::Waiting { branch, key, .. } = state {
            branch.shared.driver.cancel(key);
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
fn note(location: &'static Location<'static>) {
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
