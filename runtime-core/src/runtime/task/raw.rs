//! The allocation of a task and its vtable, generic over the types of future, scheduler and parent.

use std::any::Any;
use std::future::Future;
use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::pin::Pin;
use std::ptr::NonNull;
use std::task::{Context as PollWith, Poll};

use super::context::Context;
use super::dyn_schedule::DynSchedule;
use super::header::{Header, TaskId, TaskPointer, Vtable, Wake};
use super::memory::{self, Origin};
use super::parent::{NoParent, Outcome, Parent};
use super::reference::TaskRef;
use super::room::{Place, is_big};
use super::runnable::Runnable;
use super::schedule::Schedule;
use super::transitions::Ending;
use crate::exceptions::{CancelledError, Cause, PanicError};
use crate::runtime::catch_panic::{catch_panic, forget_payload};
use crate::runtime::unnest::unnested;
use crate::sync::{IS_MODEL, UnsafeCell};

/// What a task is made with, besides its future, its scheduler and its parent.
#[derive(Debug)]
pub(crate) struct SpawnMeta {
    pub(crate) id: TaskId,
    pub(crate) context: Option<Context>,
    pub(crate) location: &'static Location<'static>,
}

/// One allocation: the header first (H1), the scheduler, the parent, and one place for the future
/// and then its output. The output is stored as an `O`: in line or boxed.
#[repr(C)]
struct Cell<F, S, P, O> {
    header: Header,
    scheduler: S,
    parent: P,
    stage: UnsafeCell<Stage<F, O>>,
}

/// The future, then its output: governed by H2, then by H3.
enum Stage<F, O> {
    /// The task is not done. Only the holder of RUNNING may touch the future.
    Future(F),
    /// The output is stored, and has not been taken.
    Output(O),
    /// The output has been taken; or, for a moment, the future is dropped and no output is stored.
    Taken,
}

// What a task takes whose future has nothing to keep.
const _: () = assert!(IS_MODEL || size_of::<Cell<u8, usize, NoParent, Outcome<()>>>() <= 104);

/// Allocates a task. Returns the right to run it, and the handle's reference. The task is not in
/// the registry yet. The caller must have boxed a big future; a big output is boxed here.
///
/// # Safety
/// If `F` is not `Send`, the scheduler must pass the right to run only to the thread to which `F`
/// belongs; if it is not `'static`, the task must end before what it borrows does.
#[inline]
pub(crate) unsafe fn allocate<F: Future, S: Schedule, P: Parent<F::Output>>(
    future: F,
    scheduler: S,
    parent: P,
    meta: SpawnMeta,
) -> (Runnable, TaskRef) {
    let pointer = if const { is_big::<Outcome<P::Value>>() } {
        Cell::<F, S, P, Box<Outcome<P::Value>>>::allocate(future, scheduler, parent, meta)
    } else {
        Cell::<F, S, P, Outcome<P::Value>>::allocate(future, scheduler, parent, meta)
    };
    // SAFETY: a new task is SCHEDULED (`State::new`), and this is its only right to run.
    let runnable = unsafe { Runnable::from_pointer(pointer) };
    // SAFETY: `State::new` counts the handle's reference.
    (runnable, unsafe { TaskRef::from_owned(pointer) })
}

impl<F, S, P, O> Cell<F, S, P, O>
where
    F: Future,
    S: Schedule,
    P: Parent<F::Output>,
    O: Place<Outcome<P::Value>>,
{
    #[inline]
    fn allocate(future: F, scheduler: S, parent: P, meta: SpawnMeta) -> TaskPointer {
        let context = meta.context.map_or(std::ptr::null_mut(), Context::into_raw);
        let (block, origin) = memory::allocate::<Self>();
        let vtable = match origin {
            Origin::Allocator => Self::ALONE,
            Origin::Slab => Self::IN_A_SLAB,
        };
        let cell = Cell {
            header: Header::new(vtable, meta.id, context, meta.location),
            scheduler,
            parent,
            stage: UnsafeCell::new(Stage::<F, O>::Future(future)),
        };
        // SAFETY: the block is as large as a `Self`, aligned for it, and nobody else's.
        unsafe { block.write(cell) };
        block.cast()
    }

    const VALUE_NEEDS_DROP: bool =
        std::mem::needs_drop::<P::Value>() || is_big::<Outcome<P::Value>>();

    const ALONE: &'static Vtable = &Self::vtable(Self::free::<false>);
    const IN_A_SLAB: &'static Vtable = &Self::vtable(Self::free::<true>);

    const fn vtable(free: unsafe fn(TaskPointer)) -> Vtable {
        Vtable {
            poll: Self::poll,
            cancel: Self::cancel,
            take: Self::take,
            output: Self::output,
            dispose: Self::dispose,
            value_needs_drop: Self::VALUE_NEEDS_DROP,
            schedule: Self::schedule,
            unregister: Self::unregister,
            scheduler: Self::scheduler,
            cause_of_parent: Self::cause_of_parent,
            free,
        }
    }

    /// # Safety
    /// `pointer` is alive, and came from `Self::allocate`, for which this vtable was made.
    unsafe fn from_pointer<'a>(pointer: TaskPointer) -> &'a Self {
        let cell = pointer.cast::<Self>();
        // SAFETY: the caller's promise, and H1.
        unsafe { cell.as_ref() }
    }

    /// # Safety
    /// The caller holds RUNNING; `pointer` has this vtable.
    unsafe fn poll(pointer: TaskPointer, with: &mut PollWith<'_>) -> Poll<Ending> {
        // SAFETY: H1; the caller holds RUNNING.
        let cell = unsafe { Self::from_pointer(pointer) };
        let polled = cell.stage.with_mut(|stage| {
            catch_unwind(AssertUnwindSafe(|| {
                // SAFETY: H2: the caller holds RUNNING.
                let stage = unsafe { &mut *stage };
                let Stage::Future(future) = stage else {
                    unreachable!("a task is not polled after its end")
                };
                // SAFETY: the allocation does not move, and the future is dropped in place.
                let future = unsafe { Pin::new_unchecked(future) };
                future.poll(with)
            }))
        });
        let (outcome, ending) = match polled {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(output)) => (cell.parent.receive(output), Ending::Returned),
            Err(payload) => (cell.panicked(payload), Ending::Panicked),
        };
        // SAFETY: as above.
        Poll::Ready(unsafe { cell.store(outcome, ending) })
    }

    /// Whether nothing must be dropped but the scheduler. Every field is named, so that none is
    /// forgotten.
    #[inline]
    fn is_bare(&mut self) -> bool {
        let Cell {
            header,
            scheduler: _,
            parent: _,
            stage,
        } = self;
        // SAFETY: the caller has the cell for itself.
        let no_stage = stage.with(|stage| match unsafe { &*stage } {
            Stage::Future(_) => !std::mem::needs_drop::<F>(),
            Stage::Output(outcome) => {
                let returned = matches!(outcome.look(), Outcome::Returned(_));
                returned && !Self::VALUE_NEEDS_DROP
            }
            Stage::Taken => true,
        });
        no_stage && !std::mem::needs_drop::<P>() && header.is_bare()
    }

    /// # Safety
    /// The caller holds RUNNING; `pointer` has this vtable.
    unsafe fn cancel(pointer: TaskPointer, error: CancelledError) -> Ending {
        // SAFETY: H1; the caller holds RUNNING.
        let cell = unsafe { Self::from_pointer(pointer) };
        // SAFETY: as above.
        unsafe { cell.store(Outcome::Cancelled(error), Ending::Cancelled) }
    }

    /// Drops the future and stores the output in its place. A panic of the future's destructor
    /// replaces a cancellation; it is dropped if there is a value or an earlier panic.
    ///
    /// # Safety
    /// The caller holds RUNNING.
    #[inline]
    unsafe fn store(&self, outcome: Outcome<P::Value>, ending: Ending) -> Ending {
        if std::mem::needs_drop::<F>() {
            // SAFETY: H2, by the caller's promise.
            if let Err(payload) = unsafe { self.drop_future() } {
                if ending == Ending::Cancelled {
                    let outcome = O::put(self.panicked(payload));
                    // SAFETY: H2; the stage is `Taken`, so nothing is dropped.
                    self.stage
                        .with_mut(|stage| unsafe { *stage = Stage::Output(outcome) });
                    return Ending::Panicked;
                }
                forget_payload(payload);
            }
        }
        let outcome = O::put(outcome);
        // SAFETY: H2; the stage is `Taken`, or a future that needs no drop.
        self.stage
            .with_mut(|stage| unsafe { *stage = Stage::Output(outcome) });
        ending
    }

    /// The outcome of a panic. One that the parent has taken is not reported.
    #[cold]
    fn panicked(&self, payload: Box<dyn Any + Send>) -> Outcome<P::Value> {
        if P::TAKES_PANICS {
            self.header.state.silence();
        }
        Outcome::Panicked(Box::new(self.parent.receive_panic(payload)))
    }

    /// # Safety
    /// The caller holds RUNNING.
    unsafe fn drop_future(&self) -> Result<(), Box<dyn Any + Send>> {
        self.stage.with_mut(|stage| {
            // The future is dropped in place, because it is pinned. `Taken` is stored even if its
            // destructor panics.
            struct Taken<F, O>(*mut Stage<F, O>);
            impl<F, O> Drop for Taken<F, O> {
                fn drop(&mut self) {
                    // SAFETY: H2, by `drop_future`'s caller. The old value is dropped already.
                    unsafe { self.0.write(Stage::Taken) }
                }
            }
            let taken = Taken(stage);
            catch_unwind(AssertUnwindSafe(|| {
                // SAFETY: H2; overwritten by `taken`, so it is not dropped again.
                unsafe { taken.0.drop_in_place() }
            }))
        })
    }

    /// # Safety
    /// The task is done, the caller is its handle, and `to` points to an `Option<Outcome<T>>`.
    unsafe fn take(pointer: TaskPointer, to: *mut ()) {
        // SAFETY: H1.
        let cell = unsafe { Self::from_pointer(pointer) };
        let stage = cell.stage.with_mut(|stage| {
            // SAFETY: H3: the caller is the handle of a task that is done.
            std::mem::replace(unsafe { &mut *stage }, Stage::Taken)
        });
        if let Stage::Output(outcome) = stage {
            let to = to.cast::<Option<Outcome<P::Value>>>();
            // SAFETY: the caller points to a valid `Option<Outcome<T>>`.
            unsafe { *to = Some(outcome.into_value()) }
        }
    }

    /// # Safety
    /// The task is done, and the caller is its handle; `pointer` has this vtable.
    unsafe fn output(pointer: TaskPointer) -> *const () {
        // SAFETY: H1.
        let cell = unsafe { Self::from_pointer(pointer) };
        cell.stage.with(|stage| {
            // SAFETY: H3: the caller is the handle of a task that is done.
            match unsafe { &*stage } {
                Stage::Output(outcome) => std::ptr::from_ref(outcome.look()).cast(),
                Stage::Future(_) | Stage::Taken => std::ptr::null(),
            }
        })
    }

    /// # Safety
    /// The output is the caller's (H3); `pointer` has this vtable.
    unsafe fn dispose(pointer: TaskPointer) -> Option<PanicError> {
        // SAFETY: H1.
        let cell = unsafe { Self::from_pointer(pointer) };
        let stage = cell.stage.with_mut(|stage| {
            // SAFETY: H3: the caller owns the output.
            std::mem::replace(unsafe { &mut *stage }, Stage::Taken)
        });
        let Stage::Output(outcome) = stage else {
            drop_catching(stage);
            return None;
        };
        match outcome.into_value() {
            Outcome::Panicked(payload) => return Some(PanicError::new(*payload)),
            Outcome::Cancelled(error) => drop(error),
            // Unnested: the value may own a task whose output owns a task, and so on.
            Outcome::Returned(value) if std::mem::needs_drop::<P::Value>() => {
                unnested(|| drop_catching(value));
            }
            Outcome::Returned(_) | Outcome::Failed => {}
        }
        None
    }

    /// # Safety
    /// The caller gives up the right to run; `pointer` has this vtable.
    unsafe fn schedule(pointer: TaskPointer, wake: Wake) {
        // SAFETY: H1; alive by the right to run, which is the caller's.
        let cell = unsafe { Self::from_pointer(pointer) };
        // Once the task is scheduled, another thread may run it to its end and free it while this
        // call is still inside the scheduler: so the scheduler is called through a copy. The loop
        // that the copy points to is kept alive by the caller's reference to the task. Without such
        // a reference, `schedule` itself keeps the loop alive from before it passes the task on.
        // SAFETY: the copy is never dropped, so the original stays the owner.
        let scheduler = ManuallyDrop::new(unsafe { std::ptr::read(&raw const cell.scheduler) });
        // SAFETY: the caller's right.
        let runnable = unsafe { Runnable::from_pointer(pointer) };
        scheduler.schedule(runnable, wake);
    }

    /// # Safety
    /// The caller holds the loop's reference; `pointer` has this vtable.
    unsafe fn unregister(pointer: TaskPointer) {
        // SAFETY: H1; alive by the loop's reference.
        let cell = unsafe { Self::from_pointer(pointer) };
        cell.scheduler.unregister(&cell.header);
        cell.parent.child_has_ended();
    }

    /// # Safety
    /// The task is alive (H5); `pointer` has this vtable.
    unsafe fn cause_of_parent(pointer: TaskPointer) -> Cause {
        // SAFETY: H1; alive by the caller's reference.
        let cell = unsafe { Self::from_pointer(pointer) };
        cell.parent.cause()
    }

    /// # Safety
    /// The task is alive (H5); `pointer` has this vtable.
    unsafe fn scheduler(pointer: TaskPointer) -> NonNull<dyn DynSchedule> {
        // SAFETY: H1; alive by the caller's reference.
        let cell = unsafe { Self::from_pointer(pointer) };
        let scheduler: &dyn DynSchedule = &cell.scheduler;
        NonNull::from(scheduler)
    }

    /// # Safety
    /// The caller gave back the last reference; `pointer` has the vtable of this origin.
    unsafe fn free<const IN_A_SLAB: bool>(pointer: TaskPointer) {
        let mut cell = pointer.cast::<Self>();
        // The rest may still contain values of the user: context values, callbacks, wakers.
        catch_panic(|| {
            // SAFETY: H1: the caller gave back the last reference.
            let parts = unsafe { cell.as_mut() };
            if parts.is_bare() {
                // SAFETY: the scheduler is not used again.
                unsafe { (&raw mut parts.scheduler).drop_in_place() };
            } else {
                // SAFETY: the cell is not used again.
                unsafe { cell.drop_in_place() };
            }
        });
        let origin = match IN_A_SLAB {
            true => Origin::Slab,
            false => Origin::Allocator,
        };
        // SAFETY: from `memory::allocate`, in `allocate`, with the vtable of its origin.
        unsafe { memory::free(cell, origin) }
    }
}

/// Drops `value` and ignores a panic of its destructor: no caller can receive it.
fn drop_catching<T>(value: T) {
    catch_panic(|| drop(value));
}
