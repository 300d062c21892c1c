//! Catches panics with the location that they name.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

thread_local! {
    static WATCHING: Cell<bool> = const { Cell::new(false) };
    static PLACE: RefCell<Option<(String, u32)>> = const { RefCell::new(None) };
}

/// A panic that was caught.
#[derive(Debug)]
pub struct Caught {
    /// The text; empty if the payload is not a text.
    pub text: String,
    /// The file and line that the panic names; `None` if it was resumed without the panic hook.
    pub place: Option<(String, u32)>,
    /// The payload.
    pub payload: Box<dyn Any + Send>,
}

/// Runs `body`, and catches its panic without printing it.
///
/// # Panics
/// If `body` does not panic.
#[track_caller]
pub fn caught<R>(body: impl FnOnce() -> R) -> Caught {
    record_panics();
    WATCHING.set(true);
    PLACE.take();
    let result = catch_unwind(AssertUnwindSafe(body));
    WATCHING.set(false);
    let Err(payload) = result else {
        panic!("nothing panicked");
    };
    let literal = payload
        .downcast_ref::<&'static str>()
        .map(|text| (*text).to_owned());
    let text = literal.or_else(|| payload.downcast_ref::<String>().cloned());
    Caught {
        text: text.unwrap_or_default(),
        place: PLACE.take(),
        payload,
    }
}

fn record_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = take_hook();
        set_hook(Box::new(move |info| {
            if !WATCHING.get() {
                return before(info);
            }
            let place = info.location();
            PLACE.set(place.map(|place| (place.file().to_owned(), place.line())));
        }));
    });
}
