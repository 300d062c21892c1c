//! What differs from one platform to another, behind the same names.
//!
//! Linux waits in `epoll` directly, on the descriptor of `polling`'s poller: `Poller::wait` makes
//! five system calls there (the timer is armed and read, the notifier re-armed), 2.5–3 µs for a wait
//! of zero against 0.2 µs for `epoll_wait` alone. Sources are still registered through `polling`,
//! which knows each platform's rules. The two ways of waiting are never mixed on one poller.
//!
//! `--cfg asyncio_portable` has Linux wait as the others do, so that their way can be tested there.

mod came;

#[cfg(all(target_os = "linux", not(asyncio_portable)))]
#[expect(
    unsafe_code,
    reason = "registering descriptors that the registration outlives"
)]
mod linux;
#[cfg(any(not(target_os = "linux"), asyncio_portable))]
mod portable;

pub(crate) use came::Came;
#[cfg(all(target_os = "linux", not(asyncio_portable)))]
pub(crate) use linux::Waiter;
#[cfg(any(not(target_os = "linux"), asyncio_portable))]
pub(crate) use portable::Waiter;
