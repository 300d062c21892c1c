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
/// names, and says which seed repeats a failure. (Behind the greatest seed comes zero.)
///
/// # Panics
/// As the test does; and if there is no seed, or `ASYNCIO_SEED` is something else.
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

/// The seed that `ASYNCIO_SEED` names. Passed over, one with a mistake would have other seeds pass in
/// its place.
#[track_caller]
fn named_seed() -> Option<u64> {
    let text = std::env::var_os("ASYNCIO_SEED")?;
    let text = text.to_string_lossy();
    let seed = text.trim();
    (!seed.is_empty()).then(|| match seed.parse() {
        Ok(seed) => seed,
        Err(error) => {
            panic!("ASYNCIO_SEED={seed:?} is no seed, which is a whole number in decimal: {error}")
        }
    })
}
