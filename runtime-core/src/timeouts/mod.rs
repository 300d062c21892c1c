//! Time limits: `wait_for`, `timeout` and `timeout_at`.

mod control;

mod limit;

pub use control::Timeout;
pub use limit::{WaitFor, timeout, timeout_at, wait_for};
