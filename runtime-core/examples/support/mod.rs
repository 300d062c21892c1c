//! Helpers for the examples that are not part of asyncio.

use std::time::{SystemTime, UNIX_EPOCH};

/// Returns the time of day in UTC, in the format of `time.strftime('%X')`.
pub(crate) fn time_of_day() -> String {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH);
    let seconds = since_epoch.map_or(0, |time| time.as_secs()) % 86_400;
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    format!("{hours:02}:{minutes:02}:{:02}", seconds % 60)
}
