//! A hierarchical timing wheel, for very many timers of which most are cancelled before they fire.
//!
//! Most timers are timeouts, and most timeouts are cancelled long before they are due. So the
//! operations that must be cheap are *insert* and *cancel*. Here both take constant time, for any
//! number of timers and any distance between their deadlines. Timers are sorted only shortly before
//! they are due, and a timer that is cancelled before that is never sorted at all.
//!
//! ```
//! use runtime_timer::{Tick, Wheel};
//!
//! let mut wheel = Wheel::new(Tick(0));
//! let tea = wheel.insert(Tick(180), "the tea is ready");
//! wheel.insert(Tick(600), "the cake is ready");
//!
//! assert_eq!(wheel.next_deadline(), Some(Tick(180)));
//! assert_eq!(wheel.cancel(tea), Some("the tea is ready"));
//! assert_eq!(wheel.pop_expired(Tick(599)), None);
//! assert_eq!(wheel.pop_expired(Tick(600)), Some("the cake is ready"));
//! ```
//!
//! The wheel has no clock, does no I/O, starts no thread and calls no callbacks: its owner passes
//! it the current time ([`Wheel::pop_expired`], [`Wheel::advance`]), and it returns the values that
//! are due. The owner chooses what a [`Tick`] means.
//!
//! # How it works
//!
//! Write a tick as a number in base 64. It has eleven digits, and for each digit there is a
//! *level* of 64 *slots*. An entry is at the level of **the highest digit in which its deadline
//! differs from now**, in the slot whose number is this digit of the deadline (at level 0, if the
//! deadline does not differ from now):
//!
//! ```text
//!   digit        10     …     3      2      1      0
//!   now           0     …     0      7     12     55
//!   deadline      0     …     0      7     14      3    differs first in digit 1,
//!                                          ──           and that digit is 14:
//!                                                       level 1, slot 14
//!
//!   level 0     64 slots of       1 tick    entries that are due in this round of 64 ticks
//!   level 1     64 slots of      64 ticks   … in this round of 4,096
//!   level 2     64 slots of   4,096 ticks   … in this round of 262,144
//!     ⋮
//!   level 10    16 slots of   2⁶⁰   ticks   … before the counter ends
//! ```
//!
//! Three properties follow from that rule, and the implementation relies on them:
//!
//! 1. **Lower levels come first.** Entries at a level agree with now in all higher digits, so all
//!    of them are due before any entry of a higher level; within a level, slots are due in
//!    ascending order. So the first occupied slot of the lowest occupied level has the next entries
//!    that are due. A word of 64 bits per level records which of its slots are occupied, and one
//!    word records which levels are: finding that slot takes two counts of trailing zeros.
//! 2. **A place is computed, not stored.** An entry's level and slot follow from `now` and its
//!    deadline at any time; no stored place has to be updated.
//! 3. **Equal deadlines always share a slot.** A slot is a queue, so they leave in the order in
//!    which they were inserted.
//!
//! Time moves in strides, from one occupied slot to the next, never tick by tick: a jump of a
//! millennium costs no more than one of a second. Before `now` enters a slot of a higher level,
//! where the rule would no longer hold for its entries, the slot is emptied and each of its entries
//! moves to its new place at a lower level (it *cascades*). An entry moves at most ten times, and
//! an entry that is cancelled usually has not moved at all. Entries that all have the same deadline
//! move together when it is reached, as one queue: an owner that rounds its deadlines up to a grid
//! pays for fewer moves.
//!
//! Entries are stored in a slab and linked into their slots by index. A [`Key`] is an index with a
//! serial number that is never used twice. So a key whose entry has fired or was cancelled is known
//! to be stale, even if another entry uses the same index.

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod slab;
mod tick;

mod level;

mod wheel;

pub use slab::Key;
pub use tick::Tick;
pub use wheel::{Advance, Wheel};

/// Runs the examples of the README as doctests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
