//! The seam: the primitives for everything shared between threads, from std in a real build and
//! from loom in a model.
//!
//! No module above this one names `std::sync`, `std::thread`, crossbeam or loom, so that loom can
//! run every protocol of the engine unchanged. Loom cannot see inside crossbeam-deque (a model that
//! uses it explores a single interleaving), so a model replaces the deque by a locked queue with
//! the same interface.
//!
//! [`broken`] lets the models prove that they find bugs: a protocol step asks whether the model
//! wants it left out or done wrongly. In a real build the answer is the constant `false`, and the
//! check costs nothing.

mod mutant;

// Counted if debug assertions are on. Not in a model, whose threads all run on one OS thread.
#[cfg(any(asyncio_loom, not(debug_assertions)))]
mod section;
#[cfg(all(debug_assertions, not(asyncio_loom)))]
#[path = "section_counted.rs"]
mod section;

#[cfg(not(asyncio_loom))]
pub(crate) mod lasting;
#[cfg(asyncio_loom)]
#[path = "lasting_model.rs"]
pub(crate) mod lasting;

#[cfg(asyncio_loom)]
mod model;
#[cfg(asyncio_loom)]
#[path = "queue_model.rs"]
pub(crate) mod queue;
#[cfg(not(asyncio_loom))]
mod real;

pub(crate) use lasting::lasting;
pub(crate) use mutant::Mutant;
pub(crate) use section::{CriticalSection, assert_outside};

#[cfg(asyncio_loom)]
pub(crate) use model::*;
#[cfg(not(asyncio_loom))]
pub(crate) use real::*;

// The poller is behind the seam as well: a model has no operating system.
#[cfg(asyncio_loom)]
mod poller;

#[cfg(not(asyncio_loom))]
pub(crate) use crate::sys::Poller;
pub(crate) use crate::sys::{PollerEvents, Ready};
#[cfg(asyncio_loom)]
pub(crate) use poller::Poller;
