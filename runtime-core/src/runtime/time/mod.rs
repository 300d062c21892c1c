//! Time: the loop's clock, its timers, and what inhibits a paused clock.

mod stamp;

pub(crate) use stamp::Stamp;

mod clock;

pub(crate) use clock::{Clock, Tick};

mod advances;
mod slack;

pub(crate) use advances::AdvanceKey;
pub(crate) use slack::{Grid, Slack};

mod clock_inhibitor;
mod timers;

pub(crate) use clock_inhibitor::{ClockInhibitor, Jump};
pub(crate) use timers::{Caller, Swept, TimerKey, TimerStatus, Timers};
