//! The memory of tasks: blocks that are used again and again, by sizes.
//!
//! A task is one block, allocated and freed once. The system's allocator takes a sixth of the
//! instructions of a short task for that, and more if very many tasks live at a time. So a thread
//! that runs a worker takes blocks from elsewhere, in two steps:
//!
//! 1. **Its own lists** (`kept`), one for each size: up to a mebibyte of what ended tasks have
//!    left, and sixteen kibibytes while the worker sleeps. A few loads and stores each.
//! 2. **Slabs** (`slabs`), which all threads share: pieces of 32 KiB, cut into blocks of one size.
//!    Up to 64 blocks come from there, or go back, under one short lock.
//!
//! Other threads use the global allocator for their tasks, as does a worker if its loop has this
//! turned off (and does not run inside of one that has not). A task remembers, by its vtable, where
//! its block is from. Any thread may free it: a worker keeps blocks from slabs, whoever took them,
//! and other threads give them back to the slab.
//!
//! `ASYNCIO_TUNE=no-task-memory` turns it off. A tool that watches allocations, an address
//! sanitizer for example, sees more with it off.

mod class;
mod tried;

#[expect(
    unsafe_code,
    reason = "slabs, and the blocks in them that are not in use"
)]
mod slabs;

#[expect(unsafe_code, reason = "lists of blocks that are not in use")]
mod kept;

pub(crate) use kept::{Keeping, give_some_back};

#[expect(unsafe_code, reason = "a block is allocated, and freed")]
mod block;

pub(super) use block::{Origin, allocate, free};
