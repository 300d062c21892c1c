//! The children of a gather: a tuple, an array or a vector, as the awaitables were given.

use std::fmt::Debug;
use std::task::{Poll, Waker};

use super::child::Child;
use crate::exceptions::{CancelledError, TaskError};
use crate::runtime::TaskHandle;

/// The children of a [`Gather`](super::Gather): a tuple, an array or a `Vec` of [`Child`].
///
/// Do not implement it: it has hidden methods that may change.
pub trait Children: Unpin + Sized {
    /// The values of the children, in the same shape.
    type Values;
    /// A `Result` for each child, in the same shape.
    type Results;
    /// The error type of the children.
    type Error;

    #[doc(hidden)]
    fn count(&self) -> usize;

    #[doc(hidden)]
    fn poll_done(&mut self, index: usize, waker: &Waker) -> Poll<()>;

    /// Calls `show` with the task of each child.
    #[doc(hidden)]
    fn each(&self, show: &mut dyn FnMut(&TaskHandle));

    /// Calls `show` with the task and the error of each child that has ended cancelled, until
    /// `show` returns true. Returns whether it did.
    #[doc(hidden)]
    fn each_cancelled(
        &mut self,
        show: &mut dyn FnMut(&TaskHandle, &CancelledError) -> bool,
    ) -> bool;

    /// The values, once all children have ended, or the error of the first child, in their order,
    /// that has failed.
    #[doc(hidden)]
    fn into_values(self) -> Result<Self::Values, Self::Error>;

    #[doc(hidden)]
    fn into_results(self) -> Self::Results;

    /// The error of the child at `index`, which has failed; the others are detached.
    #[doc(hidden)]
    fn into_error(self, index: usize) -> Self::Error;
}

impl<A, E: Debug + From<TaskError> + 'static> Children for Vec<Child<A, E>> {
    type Values = Vec<A>;
    type Results = Vec<Result<A, E>>;
    type Error = E;

    fn count(&self) -> usize {
        self.len()
    }

    fn poll_done(&mut self, index: usize, waker: &Waker) -> Poll<()> {
        self[index].poll_done(waker)
    }

    fn each(&self, show: &mut dyn FnMut(&TaskHandle)) {
        self.iter().for_each(|child| show(&child.handle()));
    }

    fn each_cancelled(
        &mut self,
        show: &mut dyn FnMut(&TaskHandle, &CancelledError) -> bool,
    ) -> bool {
        self.iter_mut().any(|child| child.show_cancelled(show))
    }

    fn into_values(self) -> Result<Vec<A>, E> {
        self.into_iter().map(Child::into_result).collect()
    }

    fn into_results(self) -> Vec<Result<A, E>> {
        self.into_iter().map(Child::into_result).collect()
    }

    fn into_error(mut self, index: usize) -> E {
        failure(self.swap_remove(index))
    }
}

impl<A, E, const N: usize> Children for [Child<A, E>; N]
where
    E: Debug + From<TaskError> + 'static,
{
    type Values = [A; N];
    type Results = [Result<A, E>; N];
    type Error = E;

    fn count(&self) -> usize {
        N
    }

    fn poll_done(&mut self, index: usize, waker: &Waker) -> Poll<()> {
        self[index].poll_done(waker)
    }

    fn each(&self, show: &mut dyn FnMut(&TaskHandle)) {
        self.iter().for_each(|child| show(&child.handle()));
    }

    fn each_cancelled(
        &mut self,
        show: &mut dyn FnMut(&TaskHandle, &CancelledError) -> bool,
    ) -> bool {
        self.iter_mut().any(|child| child.show_cancelled(show))
    }

    fn into_values(self) -> Result<[A; N], E> {
        let values: Result<Vec<A>, E> = self.into_iter().map(Child::into_result).collect();
        let values = values?.try_into();
        Ok(values.unwrap_or_else(|_| unreachable!("as many values as children")))
    }

    fn into_results(self) -> [Result<A, E>; N] {
        self.map(Child::into_result)
    }

    fn into_error(self, index: usize) -> E {
        let child = self.into_iter().nth(index);
        failure(child.expect("the first failure is the index of a child"))
    }
}

fn failure<A, E: Debug + From<TaskError> + 'static>(child: Child<A, E>) -> E {
    match child.into_result() {
        Ok(_) => unreachable!("a child that was reported as failed has no value"),
        Err(error) => error,
    }
}

/// The children of an empty gather.
impl Children for () {
    type Values = ();
    type Results = ();
    type Error = TaskError;

    fn count(&self) -> usize {
        0
    }

    fn poll_done(&mut self, _: usize, _: &Waker) -> Poll<()> {
        unreachable!("the children are counted")
    }

    fn each(&self, _: &mut dyn FnMut(&TaskHandle)) {}

    fn each_cancelled(&mut self, _: &mut dyn FnMut(&TaskHandle, &CancelledError) -> bool) -> bool {
        false
    }

    fn into_values(self) -> Result<(), TaskError> {
        Ok(())
    }

    fn into_results(self) {}

    fn into_error(self, _: usize) -> TaskError {
        unreachable!("the first failure is the index of a child")
    }
}

macro_rules! children {
    ($count:literal: $($A:ident $at:tt,)+) => {
        impl<E, $($A),+> Children for ($(Child<$A, E>,)+)
        where
            E: Debug + From<TaskError> + 'static,
        {
            type Values = ($($A,)+);
            type Results = ($(Result<$A, E>,)+);
            type Error = E;

            fn count(&self) -> usize {
                $count
            }

            fn poll_done(&mut self, index: usize, waker: &Waker) -> Poll<()> {
                match index {
                    $($at => self.$at.poll_done(waker),)+
                    _ => unreachable!("the children are counted"),
                }
            }

            fn each(&self, show: &mut dyn FnMut(&TaskHandle)) {
                $(show(&self.$at.handle());)+
            }

            fn each_cancelled(
                &mut self,
                show: &mut dyn FnMut(&TaskHandle, &CancelledError) -> bool,
            ) -> bool {
                false $(|| self.$at.show_cancelled(show))+
            }

            fn into_values(self) -> Result<Self::Values, E> {
                Ok(($(self.$at.into_result()?,)+))
            }

            fn into_results(self) -> Self::Results {
                ($(self.$at.into_result(),)+)
            }

            fn into_error(self, index: usize) -> E {
                match index {
                    $($at => failure(self.$at),)+
                    _ => unreachable!("the first failure is the index of a child"),
                }
            }
        }
    };
}

children!(1: A 0,);
children!(2: A 0, B 1,);
children!(3: A 0, B 1, C 2,);
children!(4: A 0, B 1, C 2, D 3,);
children!(5: A 0, B 1, C 2, D 3, F 4,);
children!(6: A 0, B 1, C 2, D 3, F 4, G 5,);
children!(7: A 0, B 1, C 2, D 3, F 4, G 5, H 6,);
children!(8: A 0, B 1, C 2, D 3, F 4, G 5, H 6, I 7,);
children!(9: A 0, B 1, C 2, D 3, F 4, G 5, H 6, I 7, J 8,);
children!(10: A 0, B 1, C 2, D 3, F 4, G 5, H 6, I 7, J 8, K 9,);
children!(11: A 0, B 1, C 2, D 3, F 4, G 5, H 6, I 7, J 8, K 9, L 10,);
children!(12: A 0, B 1, C 2, D 3, F 4, G 5, H 6, I 7, J 8, K 9, L 10, M 11,);
