//! What differs from one platform to another, behind the same names.
//!
//! Linux waits in `epoll` directly, on the descriptor of `polling`'s poller: `Poller::wait` makes
//! five system calls there (the timer is armed and read, the notifier re-armed), 2.5–3 µs for a wait
//! of zero against 0.2 µs for `epoll_wait` alone. Sources are still registered through `polling`,
//! which knows each platform's rules. The two ways of waiting are never mixed on one poller.
//!
//! A model is a platform of its own: there is no system under it.

#[cfg(all(target_os = "linux", not(asyncio_loom)))]
#[expect(
    unsafe_code,
    reason = "registering descriptors that the registration outlives"
)]
mod linux;
#[cfg(asyncio_loom)]
mod model;
#[cfg(not(any(target_os = "linux", asyncio_loom)))]
mod portable;

#[cfg(all(target_os = "linux", not(asyncio_loom)))]
pub(crate) use linux::Waiter;
#[cfg(asyncio_loom)]
pub(crate) use model::Waiter;
#[cfg(not(any(target_os = "linux", asyncio_loom)))]
pub(crate) use portable::Waiter;
