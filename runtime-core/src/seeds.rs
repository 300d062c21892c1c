//! Runs one test under many schedules: what `#[asyncio::test(seeds = 1000)]` expands to.

use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

/// The return type of a test.
pub trait Outcome {
    /// The text of the failure, or `None` if the test passed.
    fn failure(&self) -> Option<String>;
}

impl Outcome for () {
    fn failure(&self) -> Option<String> {
        None
    }
}

impl<T, E: Debug> Outcome for Result<T, E> {
    fn failure(&self) -> Option<String> {
        self.as_ref().err().map(|error| format!("{error:?}"))
    }
}

/// Runs `test` for each of `count` seeds, starting with `first`, or only for the seed in
/// `ASYNCIO_SEED` if that is set. Stops at the first failure and prints the seed that repeats it.
/// (Zero follows the greatest seed.)
///
/// # Panics
/// If the test panics, with its panic; if `count` is zero; if `ASYNCIO_SEED` is not a whole number.
#[track_caller]
pub fn explore<R: Outcome>(first: u64, count: u64, mut test: impl FnMut(u64) -> R) -> R {
    let (first, count) = named_seed().map_or((first, count), |seed| (seed, 1));
    assert!(count > 0, "a test under seeds needs at least one");
    let mut tried = 0;
    loop {
        let seed = first.wrapping_add(tried);
        tried += 1;
        match catch_unwind(AssertUnwindSafe(|| test(seed))) {
            Ok(outcome) => {
                let failure = outcome.failure();
                if let Some(failure) = &failure {
                    eprintln!("seed {seed} fails: {failure}; ASYNCIO_SEED={seed} repeats it");
                }
                if failure.is_some() || tried == count {
                    return outcome;
                }
            }
            Err(panic) => {
                eprintln!("seed {seed} fails; ASYNCIO_SEED={seed} repeats it");
                resume_unwind(panic)
            }
        }
    }
}

/// The seed in `ASYNCIO_SEED`, if it is set.
///
/// # Panics
/// If it is set to something else than a seed. If that were ignored, the test would pass under
/// other seeds than the one that the user asked for.
#[track_caller]
fn named_seed() -> Option<u64> {
    let text = std::env::var_os("ASYNCIO_SEED")?;
    let text = text.to_string_lossy();
    let seed = text.trim();
    (!seed.is_empty()).then(|| match seed.parse() {
        Ok(seed) => seed,
        Err(error) => {
            panic!("ASYNCIO_SEED={seed:?} is no seed: expected a whole number in decimal: {error}")
        }
    })
}
