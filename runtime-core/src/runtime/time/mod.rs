//! Time: the loop's clock, and the timers that wait for it.

mod clock;

pub(crate) use clock::{Clock, Tick};

mod holds;
mod slack;

pub(crate) use holds::{Holds, Look};
pub(crate) use slack::Slack;

mod timers;

pub(crate) use timers::{TimerKey, Timers};
