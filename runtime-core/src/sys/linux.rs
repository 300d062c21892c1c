//! The poller on Linux: epoll, a timerfd for deadlines, an eventfd for interrupts.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use polling::{Event, PollMode, Poller as SystemPoller};
use rustix::event::{EventfdFlags, epoll, eventfd};
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};

use super::poller_events::PollerEvents;

const TIMER: usize = usize::MAX - 1;
const INTERRUPT: usize = usize::MAX - 2;

/// The poller and its two descriptors.
#[derive(Debug)]
pub(crate) struct Poller {
    poller: SystemPoller,
    /// Fires at the next deadline. A timerfd is 45–52 µs late at the median, `epoll_pwait2` 79–102,
    /// because the kernel rounds its timeout by the thread's timer slack.
    timer: OwnedFd,
    interrupt: OwnedFd,
}

impl Poller {
    pub(crate) fn new() -> io::Result<Poller> {
        let poller = SystemPoller::new()?;
        let timer = timerfd_create(
            TimerfdClockId::Monotonic,
            TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK,
        )?;
        let interrupt = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        // Edge-triggered: so the timer and the interrupt need not be read after a wait.
        // SAFETY: the descriptor outlives the poller, which is declared before it in the struct and
        // so dropped first.
        unsafe { poller.add_with_mode(&timer, Event::readable(TIMER), PollMode::Edge) }?;
        // SAFETY: as above.
        unsafe { poller.add_with_mode(&interrupt, Event::readable(INTERRUPT), PollMode::Edge) }?;
        Ok(Poller {
            poller,
            timer,
            interrupt,
        })
    }

    /// Arms the timer, which ends one wait after that time; `None` disarms it. Also affects a wait
    /// in progress.
    pub(crate) fn arm(&self, after: Option<Duration>) -> io::Result<()> {
        let zero = Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        // Zero would disarm the timer: a deadline that has passed fires after a nanosecond.
        let after = after.map(|after| after.max(Duration::from_nanos(1)));
        let it_value = after.map_or(zero, |after| Timespec {
            tv_sec: i64::try_from(after.as_secs())
                .unwrap_or(i64::MAX / 2)
                .min(i64::MAX / 2),
            tv_nsec: after.subsec_nanos().into(),
        });
        let spec = Itimerspec {
            it_interval: zero,
            it_value,
        };
        timerfd_settime(&self.timer, TimerfdTimerFlags::empty(), &spec)?;
        Ok(())
    }

    /// Waits for an interrupt, a deadline or an event. With `at_once` it only looks, without
    /// waiting.
    pub(crate) fn wait(&self, at_once: bool) -> io::Result<PollerEvents> {
        let mut room = [MaybeUninit::<epoll::Event>::uninit(); 64];
        let zero = Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        let timeout = at_once.then_some(&zero);
        match epoll::wait(self.poller.as_fd(), &mut room, timeout) {
            // Events of sockets will be dispatched here.
            Ok((events, _unused)) => Ok(PollerEvents {
                any: !events.is_empty(),
                timer: events.iter().any(|event| event.data.u64() == TIMER as u64),
            }),
            // Interrupted by a signal: nothing has been taken from the poller.
            Err(rustix::io::Errno::INTR) => Ok(PollerEvents {
                any: true,
                timer: false,
            }),
            Err(error) => Err(error.into()),
        }
    }

    /// Ends the wait in progress, or else the next one.
    pub(crate) fn interrupt(&self) {
        // Fails only if the eventfd's counter is near 2^64.
        let _ = rustix::io::write(&self.interrupt, &1u64.to_ne_bytes());
    }
}
