//! The future of `EventLoop::advance`: moves a paused clock forward by hand.

use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context as PollWith, Poll};
use std::time::Duration;

use super::event_loop::EventLoop;
use super::task::cancel;
use super::time::AdvanceKey;
use crate::exceptions::LoopClosed;

/// Completes when the loop's clock has reached the target and everything due by then has run.
///
/// It always uses the clock of the loop it was made for, whichever loop polls it. Dropping it
/// takes its advance off the clock inhibitor.
#[derive(Debug)]
#[must_use = "futures do nothing unless polled"]
pub(crate) struct Advance {
    event_loop: EventLoop,
    by: Duration,
    state: State,
    location: &'static Location<'static>,
}

#[derive(Clone, Copy, Debug)]
enum State {
    New,
    Waiting(AdvanceKey),
    Over,
}

impl Advance {
    /// Advances by `by`, counted from the first poll.
    #[track_caller]
    pub(crate) fn new(event_loop: EventLoop, by: Duration) -> Advance {
        Advance {
            event_loop,
            by,
            state: State::New,
            location: Location::caller(),
        }
    }

    fn begin(&mut self, cx: &PollWith<'_>) -> Poll<()> {
        let driver = &self.event_loop.shared().driver;
        let Some(when) = driver.clock.tick().checked_add(self.by) else {
            let (by, location) = (self.by, self.location);
            panic!("EventLoop::advance() by {by:?}, at {location}, goes beyond the end of time");
        };
        match driver.advance_to(when, cx.waker().clone()) {
            Some(key) => self.wait(key),
            None if driver.is_closed() => self.panic_closed(),
            None => self.end(),
        }
    }

    fn wait(&mut self, key: AdvanceKey) -> Poll<()> {
        self.state = State::Waiting(key);
        cancel::wait_on(self.location);
        Poll::Pending
    }

    /// Completes: the inhibitor no longer has the advance.
    ///
    /// Panics if it was the loop's closing that removed it, before the clock reached the target.
    fn check(&mut self, key: AdvanceKey) -> Poll<()> {
        let driver = &self.event_loop.shared().driver;
        if driver.is_closed() && driver.clock.tick() < key.end() {
            self.panic_closed();
        }
        self.end()
    }

    #[cold]
    fn panic_closed(&self) -> ! {
        let location = self.location;
        panic!("{LoopClosed}: EventLoop::advance(), at {location}, would never end")
    }

    fn end(&mut self) -> Poll<()> {
        self.state = State::Over;
        Poll::Ready(())
    }
}

impl Future for Advance {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut PollWith<'_>) -> Poll<()> {
        match self.state {
            State::New => self.begin(cx),
            State::Waiting(key) => {
                let inhibitor = &self.event_loop.shared().driver.inhibitor;
                if inhibitor.set_waker(key, cx.waker()) {
                    self.wait(key)
                } else {
                    self.check(key)
                }
            }
            State::Over => Poll::Ready(()),
        }
    }
}

impl Drop for Advance {
    fn drop(&mut self) {
        if let State::Waiting(key) = self.state {
            self.event_loop.shared().driver.inhibitor.leave(key);
        }
    }
}
