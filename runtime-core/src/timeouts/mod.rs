//! Timeouts, cancel scopes, intervals and the control of a paused clock.

mod cancel_scope;
mod control;
mod interval;
mod paused;

mod limit;
mod move_on;

pub use cancel_scope::CancelScope;
pub use control::Timeout;
pub use interval::{Interval, MissedTickBehavior, interval, interval_at};
pub use limit::{WaitFor, timeout, timeout_at, wait_for};
pub use move_on::move_on_after;
pub use paused::TimeGuard;
