//! The wakers of tasks: each is one reference, as a `std::task::Waker`.

use std::mem::ManuallyDrop;
use std::ptr;
use std::task::{RawWaker, RawWakerVTable, Waker};

use super::header::{Header, TaskPointer};
use super::reference::TaskRef;
use crate::sync::{IS_MODEL, assert_outside};

// A custom vtable rather than `std::task::Wake`: a task is never an `Arc`.
static VTABLE: RawWakerVTable = RawWakerVTable::new(clone, wake, wake_by_ref, drop_waker);

/// A waker of a task that holds no reference: the caller's reference or cover (H5) protects it.
#[derive(Debug)]
pub(crate) struct BorrowedWaker(ManuallyDrop<Waker>);

impl BorrowedWaker {
    /// # Safety
    /// `pointer` is a task under H1 that outlives the result.
    pub(crate) unsafe fn new(pointer: TaskPointer) -> BorrowedWaker {
        // SAFETY: `VTABLE` treats the data as a task pointer. The result is never dropped as a
        // `Waker`, so the reference it lacks is never released.
        let waker = unsafe { Waker::new(pointer.as_ptr().cast_const().cast(), &VTABLE) };
        BorrowedWaker(ManuallyDrop::new(waker))
    }

    pub(crate) fn waker(&self) -> &Waker {
        &self.0
    }
}

/// Whether `waker` is a waker of the task at `pointer` itself, not a wrapper around one.
pub(crate) fn wakes(waker: &Waker, pointer: TaskPointer) -> bool {
    waker.data() == pointer.as_ptr().cast_const().cast() && ptr::eq(waker.vtable(), &VTABLE)
}

/// Whether `waker` is a waker of the task at `address` itself.
#[inline]
pub(crate) fn wakes_task(waker: &Waker, address: usize) -> bool {
    waker.data().addr() == address && ptr::eq(waker.vtable(), &VTABLE)
}

/// The address of the task that `waker` wakes; 0 if it is no waker of a task itself.
#[inline]
pub(crate) fn task_address(waker: &Waker) -> usize {
    match ptr::eq(waker.vtable(), &VTABLE) {
        true => waker.data().addr(),
        false => 0,
    }
}

/// Fetches the memory of the task that `waker` wakes, if it is a waker of a task itself.
///
/// For many tasks that are about to be woken: a wake is a read-modify-write, which waits for its
/// memory before anything else goes on. These loads wait together.
#[inline]
pub(crate) fn fetch(waker: &Waker) {
    if !IS_MODEL && ptr::eq(waker.vtable(), &VTABLE) {
        // SAFETY: the waker holds a reference, or is covered (H5).
        unsafe { pointer(waker.data()).as_ref() }.fetch();
    }
}

fn pointer(data: *const ()) -> TaskPointer {
    let header = data.cast::<Header>().cast_mut();
    ptr::NonNull::new(header).expect("a waker of a task points to it")
}

// The functions of the vtable. Each is called with the data of a live waker: a task pointer with a
// reference. The engine treats its own wakers like a user's: it calls none of them under a lock.

/// # Safety
/// `data` is that of a live waker of a task.
unsafe fn clone(data: *const ()) -> RawWaker {
    assert_outside();
    // SAFETY: the waker being cloned holds a reference, or is covered (H5).
    let task = unsafe { TaskRef::from_borrowed(pointer(data)) };
    RawWaker::new(task.into_pointer().as_ptr().cast_const().cast(), &VTABLE)
}

/// # Safety
/// `data` is that of a live waker of a task.
unsafe fn wake(data: *const ()) {
    assert_outside();
    // SAFETY: the waker's own reference, which it gives up here.
    let task = unsafe { TaskRef::from_owned(pointer(data)) };
    task.wake();
}

/// # Safety
/// `data` is that of a live waker of a task.
unsafe fn wake_by_ref(data: *const ()) {
    assert_outside();
    // SAFETY: the waker's own reference, which it keeps: `task` is not dropped.
    let task = ManuallyDrop::new(unsafe { TaskRef::from_owned(pointer(data)) });
    task.wake();
}

/// # Safety
/// `data` is that of a live waker of a task.
unsafe fn drop_waker(data: *const ()) {
    assert_outside();
    // SAFETY: the waker's own reference, which it gives up here.
    drop(unsafe { TaskRef::from_owned(pointer(data)) });
}
