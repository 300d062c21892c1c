//! Prints the date once a second, for five seconds.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

async fn display_date() {
    let event_loop = asyncio::get_running_loop();
    let end_time = event_loop.time() + Duration::from_secs(5);
    loop {
        println!("{}", now());
        if event_loop.time() + Duration::from_secs(1) >= end_time {
            break;
        }
        asyncio::sleep(Duration::from_secs(1)).await;
    }
}

fn main() {
    asyncio::run(display_date());
}

/// Returns the date and the time in UTC, in the format of `datetime.datetime.now()`.
fn now() -> String {
    let time = SystemTime::now().duration_since(UNIX_EPOCH);
    let time = time.unwrap_or_default();
    let seconds = time.as_secs();
    let (year, month, day) = date(seconds / 86_400);
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    let micros = time.subsec_micros();
    format!("{year}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}.{micros:06}")
}

/// Returns year, month and day, from the number of days since the first of January 1970.
fn date(mut days: u64) -> (u64, usize, u64) {
    let is_leap = |year: u64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let mut year = 1970;
    while days >= 365 + u64::from(is_leap(year)) {
        days -= 365 + u64::from(is_leap(year));
        year += 1;
    }
    let february = 28 + u64::from(is_leap(year));
    let mut month = 1;
    for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    (year, month, days + 1)
}
