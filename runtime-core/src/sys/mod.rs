//! The platforms: a poller for each, with the same interface.
//!
//! On Linux the engine waits in `epoll` directly, on the descriptor of `polling`'s poller:
//! `Poller::wait` makes five system calls there (it arms and reads its timer and re-arms its
//! notifier), 2.5–3 µs for a wait of zero against 0.2 µs for `epoll_wait` alone. The two ways of
//! waiting are never mixed on one poller.
//!
//! `ASYNCIO_POLLER=portable` makes Linux use the poller of the other platforms, to test it there.

mod poller_events;

#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
#[expect(unsafe_code, reason = "a call of the C library")]
mod system_clock;

#[expect(unsafe_code, reason = "code that runs in a child before its program")]
mod exec;

#[cfg(target_os = "linux")]
#[expect(
    unsafe_code,
    reason = "registering descriptors requires that they outlive the poller"
)]
mod linux;
#[expect(
    unsafe_code,
    reason = "registering descriptors requires that they are deleted before they are closed"
)]
mod portable;

mod clock;
mod poller;

pub(crate) use clock::MonotonicClock;
pub(crate) use exec::before_exec;
pub(crate) use poller::Poller;
pub(crate) use poller_events::{PollerEvents, Ready};
