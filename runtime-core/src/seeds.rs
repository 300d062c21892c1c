//! The same test under many schedules: what `#[asyncio::test(seeds = 1000)]` expands to.

use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

/// What a test returns.
pub trait Outcome {
    /// What went wrong, if something did.
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

/// Runs `test` for each of `count` seeds from `first` on, or only for the one that `ASYNCIO_SEED`
/// names, and says which seed repeats a failure.
///
/// # Panics
/// As the test does; and if there is no seed.
#[track_caller]
pub fn explore<R: Outcome>(first: u64, count: u64, mut test: impl FnMut(u64) -> R) -> R {
    let named = std::env::var("ASYNCIO_SEED")
        .ok()
        .and_then(|seed| seed.trim().parse().ok());
    let (first, count) = named.map_or((first, count), |seed| (seed, 1));
    assert!(count > 0, "a test under seeds needs at least one");
    let mut seed = first;
    loop {
        match catch_unwind(AssertUnwindSafe(|| test(seed))) {
            Ok(outcome) => {
                let failure = outcome.failure();
                if let Some(failure) = &failure {
                    eprintln!("seed {seed} fails: {failure}; ASYNCIO_SEED={seed} repeats it");
                }
                if failure.is_some() || seed - first + 1 == count {
                    return outcome;
                }
            }
            Err(panic) => {
                eprintln!("seed {seed} fails; ASYNCIO_SEED={seed} repeats it");
                resume_unwind(panic)
            }
        }
        seed += 1;
    }
}
