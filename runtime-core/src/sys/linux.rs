//! The poller on Linux: epoll, a timerfd for deadlines, an eventfd for interrupts.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use polling::{Event, PollMode, Poller as SystemPoller};
use rustix::event::epoll::{self, EventFlags};
use rustix::event::{EventfdFlags, eventfd};
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};

use super::poller_events::{PollerEvents, Ready};

const TIMER: usize = usize::MAX - 1;
const INTERRUPT: usize = usize::MAX - 2;

/// How many events one wait takes at most.
const EVENTS: usize = 256;

/// The poller and its two descriptors.
#[derive(Debug)]
pub(crate) struct Poller {
    poller: SystemPoller,
    /// Fires at the next deadline. A timerfd is 45–52 µs late at the median, `epoll_pwait2` 79–102,
    /// because the kernel rounds its timeout by the thread's timer slack.
    timer: OwnedFd,
    interrupt: OwnedFd,
    /// A timer that one thread waits for outside of the poller.
    alarm: OwnedFd,
}

impl Poller {
    pub(crate) fn new() -> io::Result<Poller> {
        let poller = SystemPoller::new()?;
        let timer = timerfd_create(
            TimerfdClockId::Monotonic,
            TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK,
        )?;
        let interrupt = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        let alarm = timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::CLOEXEC)?;
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
            alarm,
        })
    }

    /// Arms the timer, which ends one wait after that time; `None` disarms it. Also affects a wait
    /// in progress.
    pub(crate) fn arm(&self, after: Option<Duration>) -> io::Result<()> {
        set(&self.timer, after)
    }

    /// Makes `wait_for_alarm` return after that time, instead of whenever an earlier call said.
    pub(crate) fn set_alarm(&self, after: Duration) -> io::Result<()> {
        set(&self.alarm, Some(after))
    }

    /// Blocks until the alarm goes off. If it did since the last call, returns at once.
    pub(crate) fn wait_for_alarm(&self) -> io::Result<()> {
        let mut expirations = [0; 8];
        loop {
            match rustix::io::read(&self.alarm, &mut expirations) {
                Ok(_) => return Ok(()),
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Registers a descriptor, once, for both directions: each change is reported once, with `key`.
    ///
    /// Past `polling`, which does not ask for `EPOLLRDHUP`. Without that, an event does not say
    /// whether the peer's end has come with the data, and a read that is short would not show that
    /// the next one would block.
    pub(crate) fn add(&self, fd: BorrowedFd<'_>, key: usize) -> io::Result<()> {
        let flags = EventFlags::IN | EventFlags::OUT | EventFlags::RDHUP | EventFlags::ET;
        // A read of a TCP socket ends before urgent data, so a short one does not show it either.
        let flags = flags | EventFlags::PRI;
        let key = epoll::EventData::new_u64(key as u64);
        Ok(epoll::add(self.poller.as_fd(), fd, key, flags)?)
    }

    /// Takes a descriptor away. Events that a wait has taken already may still be on their way.
    pub(crate) fn delete(&self, fd: BorrowedFd<'_>) -> io::Result<()> {
        Ok(epoll::delete(self.poller.as_fd(), fd)?)
    }

    /// Waits for an interrupt, a deadline or an event. With `at_once` it only looks, without
    /// waiting. Passes the events of registered descriptors to `on_event`.
    pub(crate) fn wait(
        &self,
        at_once: bool,
        mut on_event: impl FnMut(usize, Ready),
    ) -> io::Result<PollerEvents> {
        let mut room = [MaybeUninit::<epoll::Event>::uninit(); EVENTS];
        let zero = Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        let timeout = at_once.then_some(&zero);
        match epoll::wait(self.poller.as_fd(), &mut room, timeout) {
            Ok((events, _unused)) => {
                let mut timer = false;
                for event in &*events {
                    let (key, flags) = (event.data.u64() as usize, event.flags);
                    match key {
                        TIMER => timer = true,
                        INTERRUPT => {}
                        _ => on_event(key, ready_of(flags)),
                    }
                }
                Ok(PollerEvents {
                    any: !events.is_empty(),
                    timer,
                })
            }
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

/// Arms a timer once, or disarms it.
fn set(timer: &OwnedFd, after: Option<Duration>) -> io::Result<()> {
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
    timerfd_settime(timer, TimerfdTimerFlags::empty(), &spec)?;
    Ok(())
}

fn ready_of(flags: EventFlags) -> Ready {
    let any = |wanted: EventFlags| flags.intersects(wanted);
    let (both, error) = (EventFlags::HUP, EventFlags::ERR);
    let read = EventFlags::IN | EventFlags::PRI | EventFlags::RDHUP | both | error;
    let write = EventFlags::OUT | both | error;
    Ready::READ.only_if(any(read))
        | Ready::WRITE.only_if(any(write))
        | Ready::READ_CLOSED.only_if(any(EventFlags::RDHUP | EventFlags::PRI | both | error))
        | Ready::WRITE_CLOSED.only_if(any(both | error))
}
