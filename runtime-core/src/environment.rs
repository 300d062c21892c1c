//! What environment variables say of a loop that is built. A mistake in one is a panic that names it:
//! passed over, it would have the loop run with something else.

use crate::runtime::MOST_WORKERS;

/// What `ASYNCIO_WORKERS` says: what [`Builder::workers`](crate::runners::Builder::workers) takes.
#[track_caller]
pub(crate) fn workers() -> Option<usize> {
    let text = value("ASYNCIO_WORKERS")?;
    match text.parse() {
        Ok(count) if (1..=MOST_WORKERS).contains(&count) => Some(count),
        _ => panic!(
            "ASYNCIO_WORKERS={text:?} is no number of workers, which is a whole number from 1 to \
             {MOST_WORKERS}"
        ),
    }
}

/// What `ASYNCIO_DEBUG` says.
#[track_caller]
pub(crate) fn debug() -> bool {
    match value("ASYNCIO_DEBUG").as_deref() {
        None | Some("0") => false,
        Some("1") => true,
        Some(text) => panic!("ASYNCIO_DEBUG={text:?} is neither 0 nor 1"),
    }
}

/// The value of a variable. An empty one says nothing.
fn value(name: &str) -> Option<String> {
    let value = std::env::var_os(name)?;
    let text = value.to_string_lossy().trim().to_owned();
    (!text.is_empty()).then_some(text)
}
