//! The deadline of a scope, and its timer.

use std::panic::Location;
use std::task::{Context, Poll};

use crate::runtime::{Moment, NoTimer, Precision, Stamp, Tick, Timer, loop_tick, stamp_of};

/// Knows whether a deadline has come. Every look brings the deadline, which may have moved.
pub(super) struct DeadlineTimer<M> {
    /// `None` if there is none, or the deadline has come.
    timer: Option<Timer>,
    /// The deadline that the timer is for.
    armed: Option<M>,
    location: &'static Location<'static>,
}

impl<M: Moment + PartialEq> DeadlineTimer<M> {
    /// The timer of a scope that was made at `location`.
    pub(super) fn new(location: &'static Location<'static>) -> DeadlineTimer<M> {
        DeadlineTimer {
            timer: None,
            armed: None,
            location,
        }
    }

    pub(super) fn location(&self) -> &'static Location<'static> {
        self.location
    }

    /// The time, as long as there is no timer: one look at the clock for all that a first poll
    /// asks.
    #[inline]
    pub(super) fn now(&self) -> Option<Tick> {
        self.armed.is_none().then(loop_tick)
    }

    /// When the deadline asked for the end, if it has come. One that was past when it was set has
    /// asked for nothing before. Where there is no deadline any more, no timer stays behind.
    #[inline]
    pub(super) fn look(
        &mut self,
        now: Option<Tick>,
        deadline: Option<M>,
        cx: &mut Context<'_>,
    ) -> Option<Stamp> {
        let Some(deadline) = deadline else {
            self.disarm();
            return None;
        };
        let waited = self.armed == Some(deadline);
        if !self.is_due(now, deadline, cx) {
            return None;
        }
        Some(if waited {
            stamp_of(deadline)
        } else {
            Stamp::now()
        })
    }

    /// Whether `deadline` has come. The timer is armed only once the body has been found waiting:
    /// before that a look at the clock, at `now`, is enough.
    #[inline]
    fn is_due(&mut self, now: Option<Tick>, deadline: M, cx: &mut Context<'_>) -> bool {
        match self.armed {
            Some(before) if before == deadline => {
                let Some(timer) = &mut self.timer else {
                    return true;
                };
                let has_come = has_come(timer.poll(self.location, cx), self.location);
                if has_come {
                    self.timer = None;
                }
                has_come
            }
            Some(_moved) => {
                self.disarm();
                deadline.here() <= loop_tick()
            }
            None => now.is_some_and(|now| deadline.here() <= now),
        }
    }

    #[inline]
    pub(super) fn disarm(&mut self) {
        if self.armed.take().is_some() {
            self.timer = None;
        }
    }

    /// Arms the timer for the first time, or anew.
    #[inline]
    pub(super) fn arm(&mut self, now: Option<Tick>, deadline: M, cx: &mut Context<'_>) {
        if self.armed.is_none() {
            let (location, precision) = (self.location, Precision::Shared);
            let keep = |timer| self.timer = Some(timer);
            let poll = Timer::arm(now, deadline.here(), precision, location, cx, keep);
            let has_come = has_come(poll, location);
            self.armed = Some(deadline);
            if has_come {
                // It has come while the body was polled: this poll's look was too early.
                cx.waker().wake_by_ref();
            }
        }
    }
}

#[inline]
fn has_come(poll: Poll<Result<(), NoTimer>>, location: &Location<'_>) -> bool {
    match poll {
        Poll::Ready(Ok(())) => true,
        Poll::Ready(Err(error)) => cannot_be_waited_for(error, location),
        Poll::Pending => false,
    }
}

#[cold]
fn cannot_be_waited_for(error: NoTimer, location: &Location<'_>) -> ! {
    panic!("{error}: the deadline set at {location} cannot be waited for")
}
