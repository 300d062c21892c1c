//! A timer of the current loop, as futures use it.

use std::panic::Location;
use std::task::{Context as PollWith, Poll, Waker};
use std::time::Instant;

use super::event_loop::EventLoop;
use super::task::cancel;
use super::time::{Tick, TimerKey};
use crate::exceptions::NoRunningLoop;

/// Waits for an instant. Bound to a loop at its first poll, and taken out of it when it is dropped.
#[derive(Debug)]
pub(crate) struct Timer {
    state: State,
}

#[derive(Debug)]
enum State {
    New,
    Waiting {
        event_loop: EventLoop,
        when: Tick,
        key: TimerKey,
        waker: Waker,
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

    /// Whether `when` has come; if not, the waker of `cx` is woken then.
    ///
    /// # Errors
    /// [`NoRunningLoop`] at the first poll, if this thread has no loop.
    pub(crate) fn poll(
        &mut self,
        when: Instant,
        location: &'static Location<'static>,
        cx: &mut PollWith<'_>,
    ) -> Poll<Result<(), NoRunningLoop>> {
        match &mut self.state {
            State::New => return self.arm(when, location, cx),
            State::Waiting {
                event_loop,
                when,
                key,
                waker,
            } => {
                let driver = &event_loop.shared().driver;
                if driver.clock.tick() < *when {
                    if waker.will_wake(cx.waker()) || driver.set_waker(*key, cx.waker()) {
                        waker.clone_from(cx.waker());
                        note(location);
                        return Poll::Pending;
                    }
                    // Fired for the old waker, a moment ago: the clock will say so too.
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
            }
            State::Done => {}
        }
        self.cancel();
        self.state = State::Done;
        Poll::Ready(Ok(()))
    }

    fn arm(
        &mut self,
        when: Instant,
        location: &'static Location<'static>,
        cx: &mut PollWith<'_>,
    ) -> Poll<Result<(), NoRunningLoop>> {
        let Some(event_loop) = EventLoop::current() else {
            return Poll::Ready(Err(NoRunningLoop));
        };
        let driver = &event_loop.shared().driver;
        let tick = driver.clock.to_tick(when);
        if tick <= driver.clock.tick() {
            self.state = State::Done;
            return Poll::Ready(Ok(()));
        }
        let waker = cx.waker().clone();
        let key = driver.insert(tick, waker.clone());
        self.state = State::Waiting {
            event_loop,
            when: tick,
            key,
            waker,
        };
        note(location);
        Poll::Pending
    }

    /// Takes the timer out of its loop.
    pub(crate) fn cancel(&mut self) {
        if let State::Waiting {
            event_loop, key, ..
        } = std::mem::replace(&mut self.state, State::New)
        {
            event_loop.shared().driver.cancel(key);
        }
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        self.cancel();
    }
}

/// Notes for whoever looks what the current task waits on.
fn note(location: &'static Location<'static>) {
    if let Some(task) = cancel::current() {
        task.header().wait_on(location);
    }
}
