//! A waker that borrows what it wakes, which only a raw vtable can make.

use std::mem::ManuallyDrop;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{RawWaker, RawWakerVTable, Waker};

use super::raw;

/// An address for borrowed wakers. A waker of this place points to the place; a clone of it wakes
/// the target that the place has at the moment of the clone. So two polls from one place pass
/// wakers with equal data and vtable, although they are for two targets.
#[derive(Default)]
pub(crate) struct Place {
    target: Mutex<Option<Arc<AtomicUsize>>>,
}

impl Place {
    /// Calls `poll` with the waker of this place, with `target` as the place's target. Wakes are
    /// counted in the target.
    pub(crate) fn with<R>(&self, target: &Arc<AtomicUsize>, poll: impl FnOnce(&Waker) -> R) -> R {
        *self.target.lock().unwrap() = Some(Arc::clone(target));
        // SAFETY: the data is the place, which is borrowed until the end of this call, and the
        // waker does not leave it; its clones own what they need.
        let waker = unsafe { Waker::new(std::ptr::from_ref(self).cast(), &BORROWING) };
        poll(&ManuallyDrop::new(waker))
    }
}

static BORROWING: RawWakerVTable = RawWakerVTable::new(promote, ignore, ignore, ignore);

unsafe fn promote(place: *const ()) -> RawWaker {
    // SAFETY: the data of a waker of this vtable is a place that is still borrowed.
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
