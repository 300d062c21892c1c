//! The deadline of a scope, and its timer.

use std::panic::Location;
use std::task::{Context, Poll};
use std::time::Instant;

use crate::runtime::{Precision, Stamp, Timer, loop_time, stamp_of};

/// Knows whether a deadline has come. Every look brings the deadline, which may have moved.
pub(super) struct DeadlineTimer {
    timer: Timer,
    /// The deadline that the timer is for.
    armed: Option<Instant>,
    location: &'static Location<'static>,
}

impl DeadlineTimer {
    /// The timer of a scope that was made at `location`.
    pub(super) fn new(location: &'static Location<'static>) -> DeadlineTimer {
        DeadlineTimer {
            timer: Timer::new(),
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
    pub(super) fn now(&self) -> Option<Instant> {
        self.armed.is_none().then(loop_time)
    }

    /// When the deadline asked for the end, if it has come. One that was past when it was set has
    /// asked for nothing before. Where there is no deadline any more, no timer stays behind.
    #[inline]
    pub(super) fn look(
        &mut self,
        now: Option<Instant>,
        deadline: Option<Instant>,
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
    fn is_due(&mut self, now: Option<Instant>, deadline: Instant, cx: &mut Context<'_>) -> bool {
        match self.armed {
            Some(before) if before == deadline => self.poll(None, deadline, cx),
            Some(_moved) => {
                self.disarm();
                deadline <= loop_time()
            }
            None => now.is_some_and(|now| deadline <= now),
        }
    }

    #[inline]
    pub(super) fn disarm(&mut self) {
        if self.armed.take().is_some() {
            self.timer.cancel();
        }
    }

    /// Arms the timer for the first time, or anew.
    #[inline]
    pub(super) fn arm(&mut self, now: Option<Instant>, deadline: Instant, cx: &mut Context<'_>) {
        if self.armed.is_none() {
            self.armed = Some(deadline);
            if self.poll(now, deadline, cx) {
                // It has come while the body was polled: this poll's look was too early.
                cx.waker().wake_by_ref();
            }
        }
    }

    fn poll(&mut self, now: Option<Instant>, deadline: Instant, cx: &mut Context<'_>) -> bool {
        let (timer, location) = (&mut self.timer, self.location);
        let poll = match now {
            Some(now) => timer.poll_from(now, deadline, Precision::Shared, location, cx),
            None => timer.poll(Some(deadline), Precision::Shared, location, cx),
        };
        match poll {
            Poll::Ready(Ok(())) => true,
            Poll::Ready(Err(error)) => {
                panic!("{error}: the deadline set at {location} cannot be waited for")
            }
            Poll::Pending => false,
        }
    }
}
