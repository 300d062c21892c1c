//! A waker that reports its clones, wakes and drops; only a raw vtable sees a clone.

use std::mem::ManuallyDrop;
use std::sync::Arc;
use std::task::{RawWaker, RawWakerVTable, Waker};

/// An operation on a waker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    Clone,
    Wake,
    Drop,
}

type Hook = Box<dyn Fn(Event) + Send + Sync>;

/// Returns a waker that runs `hook` inside every operation on it.
pub(crate) fn waker(hook: impl Fn(Event) + Send + Sync + 'static) -> Waker {
    let hook: Arc<Hook> = Arc::new(Box::new(hook));
    // SAFETY: the functions of the vtable keep the contract of `RawWaker`: the data is one count of
    // an `Arc` of a `Send + Sync` hook, `clone` adds one, `wake` and `drop` take one.
    unsafe { Waker::from_raw(RawWaker::new(Arc::into_raw(hook).cast(), &VTABLE)) }
}

static VTABLE: RawWakerVTable = RawWakerVTable::new(clone, wake, wake_by_ref, drop_waker);

unsafe fn clone(hook: *const ()) -> RawWaker {
    // SAFETY: the waker that is cloned keeps its count.
    let hook = unsafe { ManuallyDrop::new(Arc::<Hook>::from_raw(hook.cast())) };
    hook(Event::Clone);
    RawWaker::new(Arc::into_raw(Arc::clone(&hook)).cast(), &VTABLE)
}

unsafe fn wake(hook: *const ()) {
    // SAFETY: the waker is consumed, and its count with it.
    let hook = unsafe { Arc::<Hook>::from_raw(hook.cast()) };
    hook(Event::Wake);
}

unsafe fn wake_by_ref(hook: *const ()) {
    // SAFETY: the waker keeps its count.
    let hook = unsafe { ManuallyDrop::new(Arc::<Hook>::from_raw(hook.cast())) };
    hook(Event::Wake);
}

unsafe fn drop_waker(hook: *const ()) {
    // SAFETY: the waker is dropped, and its count with it.
    let hook = unsafe { Arc::<Hook>::from_raw(hook.cast()) };
    hook(Event::Drop);
}
