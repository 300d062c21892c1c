//! A waker that borrows what it wakes: only a raw vtable makes one.

use std::mem::ManuallyDrop;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{RawWaker, RawWakerVTable, Waker};

use super::raw;

/// Wakers that borrow: each lives at the place where its target stands, and its clones are wakers
/// of the target that stands there when they are made. Two polls with one place look the same, and
/// are for two.
#[derive(Default)]
pub(crate) struct Place {
    target: Mutex<Option<Arc<AtomicUsize>>>,
}

impl Place {
    /// Lets `poll` have the waker of this place, while `target` stands there: its wakes are
    /// counted.
    pub(crate) fn with<R>(&self, target: &Arc<AtomicUsize>, poll: impl FnOnce(&Waker) -> R) -> R {
        *self.target.lock().unwrap() = Some(Arc::clone(target));
        // SAFETY: the data is the place, which is borrowed until the waker is gone; its clones own
        // what they need.
        let waker = unsafe { Waker::new(std::ptr::from_ref(self).cast(), &BORROWING) };
        poll(&ManuallyDrop::new(waker))
    }
}

static BORROWING: RawWakerVTable = RawWakerVTable::new(promote, ignore, ignore, ignore);

unsafe fn promote(place: *const ()) -> RawWaker {
    // SAFETY: a waker of this vtable is at its place.
    let place = unsafe { &*place.cast::<Place>() };
    let target = place.target.lock().unwrap().clone().unwrap();
    let counts = raw::waker(move |event| {
        if event == raw::Event::Wake {
            target.fetch_add(1, Ordering::SeqCst);
        }
    });
    let counts = ManuallyDrop::new(counts);
    RawWaker::new(counts.data(), counts.vtable())
}

unsafe fn ignore(_place: *const ()) {}
