//! A hierarchical timing wheel: a great many deadlines, hardly any of which will ever arrive.
//!
//! Most timers are timeouts, and most timeouts are cancelled long before they are due. So the
//! operations that must be cheap are *insert* and *cancel*, and here both take constant time,
//! whatever the number of timers and however far their deadlines lie apart. Sorting is put off
//! until time comes near, and a timer that is cancelled before that is never sorted at all.
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
//! The wheel has no clock, does no I/O, starts no thread and calls nobody: it is told how late
//! it is ([`Wheel::pop_expired`], [`Wheel::advance`]) and hands out what is due. A [`Tick`] is
//! whatever its owner wants it to be.
//!
//! # How it is built
//!
//! Write a tick as a number in base 64. It has eleven digits, and for each digit there is a
//! *level* of 64 *slots*. An entry stands at the level of **the highest digit in which its
//! deadline differs from now**, in the slot that this digit of the deadline names (at level 0,
//! if it does not differ at all):
//!
//! ```text
//!   digit        10     …     3      2      1      0
//!   now           0     …     0      7     12     55
//!   deadline      0     …     0      7     14      3    differs first in digit 1,
//!                                          ──           and that digit is 14:
//!                                                       level 1, slot 14
//!
//!   level 0     64 slots of       1 tick    what is due in this round of 64 ticks
//!   level 1     64 slots of      64 ticks   … in this round of 4,096
//!   level 2     64 slots of   4,096 ticks   … in this round of 262,144
//!     ⋮
//!   level 10    16 slots of   2⁶⁰   ticks   … before the counter ends
//! ```
//!
//! Three things follow from that one rule, and everything rests on them:
//!
//! 1. **Lower levels come first.** Entries at a level agree with now in all higher digits, so
//!    all of them are due before any entry of a higher level; within a level, slots are due in
//!    ascending order. The first slot of the lowest level in use holds whatever is due next.
//!    A word of 64 bits per level says which of its slots are in use, and one word says which
//!    levels are: finding that slot takes two counts of trailing zeros.
//! 2. **A place is computed, not stored.** An entry's level and slot follow from `now` and its
//!    deadline whenever they are asked for; nothing has to be kept in step.
//! 3. **Equal deadlines share a slot**, always; and as a slot is a queue, they leave in the
//!    order in which they came.
//!
//! Time moves in strides, from one slot in use to the next one, never tick by tick: a jump of
//! a millennium costs no more than one of a second. Before `now` enters a slot of a higher
//! level, where the rule would begin to lie about its entries, the slot is emptied and each of
//! its entries takes its new place at a lower level (it *cascades*). An entry can do so ten
//! times in its life at most, and one that is cancelled has usually never done it.
//!
//! Entries live in a slab and are linked into their slots by index. A [`Key`] is an index with
//! a serial number that is never used twice, so that a key whose entry has fired or has been
//! cancelled is known to be stale, though another entry may have moved in.

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

/// The examples of the README are tests as well.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
