//! Decides which values are stored in a task's own allocation, and which are boxed.
//!
//! A future or a function of more than [`MOST_BYTES`] gets an allocation of its own in the public
//! call that takes it; an output gets one when the task ends. There are two reasons:
//!
//! * **It is written once.** Without optimisation every function that takes a future by value
//!   copies it to its own stack frame, a dozen times on the way into a task. With a box only the
//!   pointer is copied.
//! * **It is freed at the end.** A handle or a waker keeps the task's allocation alive, which would
//!   keep the space of the future long after the future has been dropped.
//!
//! The size is a constant of the type, so small values need no check at run time.

/// The largest value that is stored in a task's own allocation.
const MOST_BYTES: usize = 2048;

/// Whether a `T` gets an allocation of its own.
pub(crate) const fn is_big<T>() -> bool {
    size_of::<T>() > MOST_BYTES
}

/// Evaluates an expression with the future `$name` of type `$type`, boxed if it is big.
///
/// A macro, because a function would have to take the future by value, which copies it once more.
/// [`is_big`] must be in scope where it is used.
macro_rules! boxed_if_big {
    ($type:ty, $name:ident => $with:expr) => {
        if const { is_big::<$type>() } {
            let $name = Box::pin($name);
            $with
        } else {
            $with
        }
    };
}
pub(crate) use boxed_if_big;

/// The same for the function `$name`, which is called once. Its box has the type `$object`.
macro_rules! boxed_call_if_big {
    ($type:ty, $name:ident: $object:ty => $with:expr) => {
        if const { is_big::<$type>() } {
            let $name: Box<$object> = Box::new($name);
            $with
        } else {
            $with
        }
    };
}
pub(crate) use boxed_call_if_big;

/// The storage of a `T`: in line, or in a box.
pub(crate) trait Place<T> {
    fn put(value: T) -> Self;
    fn look(&self) -> &T;
    fn into_value(self) -> T;
}

impl<T> Place<T> for T {
    #[inline]
    fn put(value: T) -> T {
        value
    }

    #[inline]
    fn look(&self) -> &T {
        self
    }

    #[inline]
    fn into_value(self) -> T {
        self
    }
}

impl<T> Place<T> for Box<T> {
    fn put(value: T) -> Box<T> {
        Box::new(value)
    }

    fn look(&self) -> &T {
        self
    }

    fn into_value(self) -> T {
        *self
    }
}
