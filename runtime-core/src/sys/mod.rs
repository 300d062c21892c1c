//! The platforms: a poller for each, with the same interface.
//!
//! On Linux the engine waits in `epoll` directly, on the descriptor of `polling`'s poller:
//! `Poller::wait` makes five system calls there (it arms and reads its timer and re-arms its
//! notifier), 2.5–3 µs for a wait of zero against 0.2 µs for `epoll_wait` alone. Sources are still
//! registered through `polling`, which knows each platform's rules. The two ways of waiting are
//! never mixed on one poller.
//!
//! `--cfg asyncio_portable` makes Linux use the poller of the other platforms, to test it there.

mod poller_events;

#[cfg(all(target_os = "linux", not(asyncio_portable)))]
#[expect(
    unsafe_code,
    reason = "registering descriptors requires that they outlive the poller"
)]
mod linux;
#[cfg(any(not(target_os = "linux"), asyncio_portable))]
mod portable;

#[cfg(all(target_os = "linux", not(asyncio_portable)))]
pub(crate) use linux::Poller;
pub(crate) use poller_events::PollerEvents;
#[cfg(any(not(target_os = "linux"), asyncio_portable))]
pub(crate) use portable::Poller;
