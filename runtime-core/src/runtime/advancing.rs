//! Moving a time that stands still by hand, as a future.

use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context as PollWith, Poll};
use std::time::Duration;

use super::event_loop::EventLoop;
use super::task::cancel;
use super::time::AdvanceKey;
use crate::exceptions::LoopClosed;

/// Ends when the loop's time has come so far, and what is due there has run. It goes by that loop,
/// whoever polls it.
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
    /// By `by`, counted from the first poll.
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
            None if driver.is_closed() => self.refuse(),
            None => self.end(),
        }
    }

    fn wait(&mut self, key: AdvanceKey) -> Poll<()> {
        self.state = State::Waiting(key);
        cancel::wait_on(self.location);
        Poll::Pending
    }

    /// Whether it is over. One that its loop's end has ended is not, if time has not come so far.
    fn look(&mut self, key: AdvanceKey) -> Poll<()> {
        let driver = &self.event_loop.shared().driver;
        if driver.is_closed() && driver.clock.tick() < key.end() {
            self.refuse();
        }
        self.end()
    }

    #[cold]
    fn refuse(&self) -> ! {
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
                    self.look(key)
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
