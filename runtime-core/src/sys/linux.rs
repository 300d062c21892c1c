//! Waiting on Linux: epoll, a timerfd for deadlines, an eventfd for interrupts.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use polling::{Event, PollMode, Poller};
use rustix::event::{EventfdFlags, epoll, eventfd};
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};

use super::came::Came;

const TIMER: usize = usize::MAX - 1;
const INTERRUPT: usize = usize::MAX - 2;

/// The poller and its two descriptors.
#[derive(Debug)]
pub(crate) struct Waiter {
    poller: Poller,
    /// Fires at the next deadline. One's own timerfd is 45–52 µs late at the median, against 79–102
    /// for `epoll_pwait2`, whose timeout the kernel rounds by the thread's timer slack.
    timer: OwnedFd,
    interrupt: OwnedFd,
}

impl Waiter {
    pub(crate) fn new() -> io::Result<Waiter> {
        let poller = Poller::new()?;
        let timer = timerfd_create(
            TimerfdClockId::Monotonic,
            TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK,
        )?;
        let interrupt = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        // Edge-triggered: an expired timer or an old interrupt need not be read away.
        // SAFETY: the descriptor is dropped with the poller, which stands before it in the struct.
        unsafe { poller.add_with_mode(&timer, Event::readable(TIMER), PollMode::Edge) }?;
        // SAFETY: as above.
        unsafe { poller.add_with_mode(&interrupt, Event::readable(INTERRUPT), PollMode::Edge) }?;
        Ok(Waiter {
            poller,
            timer,
            interrupt,
        })
    }

    /// Sets the time after which a wait ends, once; none: it does not. Takes effect on a wait under
    /// way.
    pub(crate) fn arm(&self, after: Option<Duration>) -> io::Result<()> {
        let zero = Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        // Zero would disarm the timer: a deadline that has passed is due in a nanosecond.
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

    /// Waits for an interrupt, a deadline or an event; `at_once`: only looks.
    pub(crate) fn wait(&self, at_once: bool) -> io::Result<Came> {
        let mut room = [MaybeUninit::<epoll::Event>::uninit(); 64];
        let zero = Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        let timeout = at_once.then_some(&zero);
        match epoll::wait(self.poller.as_fd(), &mut room, timeout) {
            // Sockets will hand their events out here.
            Ok((events, _unused)) => Ok(Came {
                anything: !events.is_empty(),
                timer: events.iter().any(|event| event.data.u64() == TIMER as u64),
            }),
            // A signal: nothing has been taken.
            Err(rustix::io::Errno::INTR) => Ok(Came {
                anything: true,
                timer: false,
            }),
            Err(error) => Err(error.into()),
        }
    }

    /// Ends a wait, now or the next one.
    pub(crate) fn interrupt(&self) {
        // The counter would have to stand near 2^64 for this to fail.
        let _ = rustix::io::write(&self.interrupt, &1u64.to_ne_bytes());
    }
}
