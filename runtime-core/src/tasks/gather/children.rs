//! The children of a gather, in the shape in which they were given.

use std::fmt::Debug;
use std::task::{Poll, Waker};

use super::child::Child;
use crate::exceptions::{CancelledError, TaskError};
use crate::runtime::TaskHandle;

/// The children of a [`Gather`](super::Gather): a tuple, an array or a `Vec` of [`Child`].
///
/// Not to be implemented elsewhere.
pub trait Children: Unpin + Sized {
    /// What they return, in the same shape.
    type Values;
    /// How each of them ends, in the same shape.
    type Results;
    /// What they fail with.
    type Error;

    #[doc(hidden)]
    fn count(&self) -> usize;

    #[doc(hidden)]
    fn poll_done(&mut self, index: usize, waker: &Waker) -> Poll<()>;

    /// Shows the task of each.
    #[doc(hidden)]
    fn each(&self, show: &mut dyn FnMut(&TaskHandle));

    /// Shows each that has ended cancelled, with its error, until `show` answers true.
    #[doc(hidden)]
    fn each_cancelled(
        &mut self,
        show: &mut dyn FnMut(&TaskHandle, &CancelledError) -> bool,
    ) -> bool;

    /// The values, once all have ended; the first error in their order if there is one.
    #[doc(hidden)]
    fn into_values(self) -> Result<Self::Values, Self::Error>;

    #[doc(hidden)]
    fn into_results(self) -> Self::Results;

    /// The error of a child that has failed; the others are let go.
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
        failure(child.expect("the alarm has a child's number"))
    }
}

fn failure<A, E: Debug + From<TaskError> + 'static>(child: Child<A, E>) -> E {
    match child.into_result() {
        Ok(_) => unreachable!("a child whose wire has tripped has no value"),
        Err(error) => error,
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
                    _ => unreachable!("the alarm has a child's number"),
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
