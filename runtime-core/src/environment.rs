//! Reads the environment variables that configure a new loop.
//!
//! An invalid value is a panic that names the variable: if it were ignored, the loop would run with
//! other settings than the user asked for.

use crate::runtime::MOST_WORKERS;

/// The number of workers in `ASYNCIO_WORKERS`, if it is set. The limits are those of
/// [`Builder::workers`](crate::runners::Builder::workers).
///
/// # Panics
/// If the value is not a whole number within the limits.
#[track_caller]
pub(crate) fn workers() -> Option<usize> {
    let text = value("ASYNCIO_WORKERS")?;
    match text.parse() {
        Ok(count) if (1..=MOST_WORKERS).contains(&count) => Some(count),
        _ => panic!(
            "ASYNCIO_WORKERS={text:?} is not a number of workers: expected a whole number from 1 to \
             {MOST_WORKERS}"
        ),
    }
}

/// Whether `ASYNCIO_DEBUG` turns debug mode on.
///
/// # Panics
/// If the value is neither `0` nor `1`.
#[track_caller]
pub(crate) fn debug() -> bool {
    match value("ASYNCIO_DEBUG").as_deref() {
        None | Some("0") => false,
        Some("1") => true,
        Some(text) => panic!("ASYNCIO_DEBUG={text:?} is neither 0 nor 1"),
    }
}

/// Whether `ASYNCIO_POLLER` asks for the poller of other platforms, to test it here.
///
/// # Panics
/// If the value is neither `system` nor `portable`.
#[track_caller]
pub(crate) fn portable_poller() -> bool {
    match value("ASYNCIO_POLLER").as_deref() {
        None | Some("system") => false,
        Some("portable") => true,
        Some(text) => panic!("ASYNCIO_POLLER={text:?} is neither \"system\" nor \"portable\""),
    }
}

/// Whether the exits of children are awaited by pidfds, where there are any: `ASYNCIO_PIDFD=0`
/// turns that off, to test what takes their place.
///
/// # Panics
/// If the value is neither `0` nor `1`.
#[track_caller]
pub(crate) fn pidfd() -> bool {
    match value("ASYNCIO_PIDFD").as_deref() {
        None | Some("1") => true,
        Some("0") => false,
        Some(text) => panic!("ASYNCIO_PIDFD={text:?} is neither 0 nor 1"),
    }
}

/// The trimmed value of a variable; `None` if it is unset or empty.
fn value(name: &str) -> Option<String> {
    let value = std::env::var_os(name)?;
    let text = value.to_string_lossy().trim().to_owned();
    (!text.is_empty()).then_some(text)
}
