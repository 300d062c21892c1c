//! What a signal does while nobody handles it.
//!
//! The crate's handler stays installed once it has been, so nothing would happen when a signal
//! comes for which there is no action any more. So the first action for a signal whose disposition
//! was the system's default is one that does what the default does, unless somebody handles it.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fs;
use std::io;

use signal_hook::consts::FORBIDDEN;
use signal_hook::flag::register_conditional_default;

use crate::sync::atomic::Ordering;
use crate::sync::{PoisonError, StdArc, StdAtomicBool, StdMutex, StdMutexGuard, StdOnceLock};

/// A signal that is handled, until this is dropped.
#[derive(Debug)]
pub(super) struct Handled(i32);

/// What is known of a signal that was handled at least once.
#[derive(Debug)]
struct Known {
    /// How many handle it.
    handled: usize,
    /// Nobody handles it: it does what the system would do. `None` if it was not the system's
    /// default that it did before.
    unhandled: Option<StdArc<StdAtomicBool>>,
}

impl Handled {
    /// Handles a signal.
    ///
    /// # Errors
    /// There is no such signal, or it cannot be handled.
    pub(super) fn begin(signal: i32) -> io::Result<Handled> {
        if FORBIDDEN.contains(&signal) {
            let text = format!("signal {signal} cannot be handled");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        }
        let mut signals = signals();
        let known = match signals.entry(signal) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(first) => first.insert(Known::first(signal)?),
        };
        known.handled += 1;
        known.set_unhandled(false);
        Ok(Handled(signal))
    }
}

impl Handled {
    pub(super) fn signal(&self) -> i32 {
        self.0
    }
}

impl Drop for Handled {
    fn drop(&mut self) {
        if let Some(known) = signals().get_mut(&self.0) {
            known.handled -= 1;
            known.set_unhandled(known.handled == 0);
        }
    }
}

impl Known {
    fn first(signal: i32) -> io::Result<Known> {
        let mut known = Known {
            handled: 0,
            unhandled: None,
        };
        if is_default_of_process(signal) {
            let unhandled = StdArc::new(StdAtomicBool::new(true));
            register_conditional_default(signal, StdArc::clone(&unhandled))?;
            known.unhandled = Some(unhandled);
        }
        Ok(known)
    }

    fn set_unhandled(&self, is: bool) {
        if let Some(unhandled) = &self.unhandled {
            // SeqCst, as the crate's own: the signal handler reads it.
            unhandled.store(is, Ordering::SeqCst);
        }
    }
}

/// How many handle a signal.
pub(super) fn handled_by(signal: i32) -> usize {
    signals().get(&signal).map_or(0, |known| known.handled)
}

/// Whether a signal does what the system does by default: neither the program nor anything that is
/// here handles it.
pub(super) fn is_default(signal: i32) -> bool {
    match signals().get(&signal) {
        Some(known) => known.handled == 0 && known.unhandled.is_some(),
        None => is_default_of_process(signal),
    }
}

/// The same for a signal that was never handled here. Where the system does not tell, it is taken
/// for the default.
fn is_default_of_process(signal: i32) -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let bit = u32::try_from(signal - 1).unwrap_or(u32::MAX);
    let is_in = |mask: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(mask));
        let mask = line.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
        mask.is_some_and(|mask| mask.checked_shr(bit).is_some_and(|mask| mask & 1 == 1))
    };
    !is_in("SigIgn:") && !is_in("SigCgt:")
}

fn signals() -> StdMutexGuard<'static, HashMap<i32, Known>> {
    static SIGNALS: StdOnceLock<StdMutex<HashMap<i32, Known>>> = StdOnceLock::new();
    let signals = SIGNALS.get_or_init(StdMutex::default).lock();
    signals.unwrap_or_else(PoisonError::into_inner)
}
