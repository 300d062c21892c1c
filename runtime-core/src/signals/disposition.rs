//! What a signal does while nobody handles it.
//!
//! The crate's handler stays installed once it has been, so nothing would happen when a signal
//! comes for which there is no action any more. So the first action for a signal whose disposition
//! was the system's default is one that does what the default does, unless somebody handles it.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fs;
use std::io;

use signal_hook::SigId;
use signal_hook::consts::FORBIDDEN;
use signal_hook::flag::register_conditional_default;
use signal_hook::low_level::unregister;

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
    /// What ends the process at the signal.
    ending: Option<Ending>,
}

/// An action that ends the process at the signal.
#[derive(Debug)]
struct Ending {
    action: SigId,
    /// It is to do so, while nobody else handles the signal.
    armed: bool,
    /// Set while it does so.
    switch: Switch,
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
        known.tell_actions();
        Ok(Handled(signal))
    }
}

impl Drop for Handled {
    fn drop(&mut self) {
        if let Some(known) = signals().get_mut(&self.0) {
            known.handled -= 1;
            known.tell_actions();
        }
    }
}

/// A signal that is handled here, and ends the process once that is wanted, until this is dropped.
/// There is one at most for each signal.
#[derive(Debug)]
pub(super) struct EndsProcess {
    handled: Handled,
    switch: Switch,
}

/// Which [`EndsProcess`] it is.
#[derive(Clone, Debug)]
pub(super) struct Switch(StdArc<StdAtomicBool>);

impl EndsProcess {
    /// Handles a signal.
    ///
    /// # Errors
    /// There is no such signal, or it cannot be handled.
    pub(super) fn begin(signal: i32) -> io::Result<EndsProcess> {
        let handled = Handled::begin(signal)?;
        let switch = Switch(StdArc::default());
        let action = register_conditional_default(signal, StdArc::clone(&switch.0))?;
        let ending = Ending {
            action,
            armed: false,
            switch: switch.clone(),
        };
        if let Some(known) = signals().get_mut(&signal) {
            known.ending = Some(ending);
        }
        Ok(EndsProcess { handled, switch })
    }

    pub(super) fn switch(&self) -> &Switch {
        &self.switch
    }
}

impl Drop for EndsProcess {
    fn drop(&mut self) {
        let mut signals = signals();
        let known = signals.get_mut(&self.handled.0);
        if let Some(ending) = known.and_then(|known| known.ending.take()) {
            unregister(ending.action);
        }
    }
}

/// Has a signal end the process when it comes next, unless somebody else handles it by then.
/// Returns false, and does nothing, if somebody else handles it now, or the [`EndsProcess`] of the
/// switch is gone.
pub(super) fn end_next_time(signal: i32, switch: &Switch) -> bool {
    let mut signals = signals();
    let Some(known) = signals.get_mut(&signal) else {
        return false;
    };
    let is_own = |ending: &&mut Ending| StdArc::ptr_eq(&ending.switch.0, &switch.0);
    match known.ending.as_mut().filter(is_own) {
        Some(ending) if known.handled == 1 => ending.armed = true,
        _ => return false,
    }
    known.tell_actions();
    true
}

impl Known {
    fn first(signal: i32) -> io::Result<Known> {
        let mut known = Known {
            handled: 0,
            unhandled: None,
            ending: None,
        };
        if is_default_of_process(signal) {
            let unhandled = StdArc::new(StdAtomicBool::new(true));
            register_conditional_default(signal, StdArc::clone(&unhandled))?;
            known.unhandled = Some(unhandled);
        }
        Ok(known)
    }

    /// Tells the actions what to do at the signal.
    fn tell_actions(&self) {
        // SeqCst, as the crate's own: the signal handler reads them.
        if let Some(unhandled) = &self.unhandled {
            unhandled.store(self.handled == 0, Ordering::SeqCst);
        }
        if let Some(ending) = &self.ending {
            let ends = ending.armed && self.handled == 1;
            ending.switch.0.store(ends, Ordering::SeqCst);
        }
    }
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
    let bit = u32::try_from(signal.saturating_sub(1)).unwrap_or(u32::MAX);
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
