//! Look-ups of names, on threads of their own.
//!
//! The system's `getaddrinfo` and `getnameinfo` block for as long as a name server does not answer,
//! and cannot be interrupted. So they have a few threads of their own ([`THREADS`]): dead name
//! servers take no thread from the functions of `to_thread`, and the other way round. The threads
//! are a second `Pool` (`blocking`), made for the first look-up.
//!
//! **Look-ups in flight are shared** ([`InFlight`]): who asks what is being asked already waits for
//! the same answer. An answer is given to those who wait when it comes, and is kept for nobody
//! else: there is no cache. A look-up for which nobody waits any more when a thread reaches it is
//! not made at all.
//!
//! **The end.** The shutdown refuses queued look-ups, and waits for running ones only for
//! [`GRACE`]: nobody waits for their answers. Their threads are left behind, and end with them.
//!
//! A paused clock is held by those who wait, not by the look-up: one that was given up holds
//! nothing.

mod question;
mod resolve;

mod in_flight;

mod threads;

pub(crate) use in_flight::InFlight;
pub(crate) use question::{AddressOf, NameOf, Question};
pub use resolve::{Resolve, Resolving};
pub(crate) use threads::{LazyLookups, Lookups, THREADS};
