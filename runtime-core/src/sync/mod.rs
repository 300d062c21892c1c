//! The seam under everything that is shared between threads: std in a real build, loom in a model.
//!
//! Nothing above this module names `std::sync`, `std::thread`, crossbeam or loom, so that every
//! protocol of the engine can be run by loom as it stands. Loom sees nothing inside
//! crossbeam-deque (a model through it explores a single interleaving), so the deque has a
//! stand-in here as well: a locked queue with the same face.
//!
//! [`broken`] is how the models prove that they bite: a protocol step asks whether it is to be left
//! out. In a real build the answer is the constant `false` and the question costs nothing.

mod mutant;

// Counted where assertions are on; in a model all threads are one.
#[cfg(any(asyncio_loom, not(debug_assertions)))]
mod section;
#[cfg(all(debug_assertions, not(asyncio_loom)))]
#[path = "section_counted.rs"]
mod section;

#[cfg(asyncio_loom)]
mod model;
#[cfg(not(asyncio_loom))]
mod real;

pub(crate) use mutant::Mutant;
pub(crate) use section::{CriticalSection, assert_outside};

#[cfg(asyncio_loom)]
pub(crate) use model::*;
#[cfg(not(asyncio_loom))]
pub(crate) use real::*;

// The poller is behind the seam as well: a model has no system under it.
#[cfg(asyncio_loom)]
mod waiter;

pub(crate) use crate::sys::Came;
#[cfg(not(asyncio_loom))]
pub(crate) use crate::sys::Waiter;
#[cfg(asyncio_loom)]
pub(crate) use waiter::Waiter;
