//! The types that can be gathered: tuples, arrays, vectors and iterators of futures.

use std::any::type_name;
use std::fmt::Debug;
use std::future::Future;

use super::children::{Child, Children, Spawner};
use super::future::{Gather, ReturnExceptions};
use crate::exceptions::TaskError;
use crate::runtime::{Task, is_big};

/// What [`gather`](super::gather) takes: a tuple of up to twelve futures, an array, or a `Vec`.
///
/// Do not implement it: it has hidden methods that may change.
pub trait Awaitables {
    /// The children, in the same shape.
    type Children: Children<Error = TaskError>;

    #[doc(hidden)]
    fn start(self, spawner: &mut Spawner) -> Self::Children;
}

/// What [`try_gather`](super::try_gather) takes: like [`Awaitables`], of futures that return a
/// `Result`.
///
/// Do not implement it: it has hidden methods that may change.
pub trait TryAwaitables {
    /// The children, in the same shape.
    type Children: Children;

    #[doc(hidden)]
    fn start(self, spawner: &mut Spawner) -> Self::Children;
}

impl<F> Awaitables for Vec<F>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    type Children = Vec<Child<F::Output, TaskError>>;

    fn start(self, spawner: &mut Spawner) -> Self::Children {
        let futures = self.into_iter();
        // A big future is boxed first: without optimisation, every closure that takes it copies it.
        if const { is_big::<F>() } {
            futures
                .map(Box::pin)
                .map(|future| plain(future, spawner))
                .collect()
        } else {
            futures.map(|future| plain(future, spawner)).collect()
        }
    }
}

impl<F, const N: usize> Awaitables for [F; N]
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    type Children = [Child<F::Output, TaskError>; N];

    fn start(self, spawner: &mut Spawner) -> Self::Children {
        if const { is_big::<F>() } {
            self.map(Box::pin).map(|future| plain(future, spawner))
        } else {
            self.map(|future| plain(future, spawner))
        }
    }
}

impl<F, A, E> TryAwaitables for Vec<F>
where
    F: Future<Output = Result<A, E>> + Send + 'static,
    A: Send + 'static,
    E: From<TaskError> + Debug + Send + 'static,
{
    type Children = Vec<Child<A, E>>;

    fn start(self, spawner: &mut Spawner) -> Self::Children {
        let futures = self.into_iter();
        if const { is_big::<F>() } {
            futures
                .map(Box::pin)
                .map(|future| trying(future, spawner))
                .collect()
        } else {
            futures.map(|future| trying(future, spawner)).collect()
        }
    }
}

impl<F, A, E, const N: usize> TryAwaitables for [F; N]
where
    F: Future<Output = Result<A, E>> + Send + 'static,
    A: Send + 'static,
    E: From<TaskError> + Debug + Send + 'static,
{
    type Children = [Child<A, E>; N];

    fn start(self, spawner: &mut Spawner) -> Self::Children {
        if const { is_big::<F>() } {
            self.map(Box::pin).map(|future| trying(future, spawner))
        } else {
            self.map(|future| trying(future, spawner))
        }
    }
}

/// A child whose output, of any type, is its value.
pub(super) fn plain<F>(future: F, spawner: &mut Spawner) -> Child<F::Output, TaskError>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    Child::start(future, Ok, is_handle::<F>(), spawner)
}

/// A child whose output is a `Result`: its value or its error.
fn trying<F, A, E>(future: F, spawner: &mut Spawner) -> Child<A, E>
where
    F: Future<Output = Result<A, E>> + Send + 'static,
    A: Send + 'static,
    E: Debug + Send + 'static,
{
    Child::start(future, |result| result, is_handle::<F>(), spawner)
}

impl Awaitables for () {
    type Children = ();

    fn start(self, _: &mut Spawner) {}
}

impl TryAwaitables for () {
    type Children = ();

    fn start(self, _: &mut Spawner) {}
}

macro_rules! awaitables {
    ($($F:ident $A:ident $at:tt,)+) => {
        impl<$($F),+> Awaitables for ($($F,)+)
        where
            $($F: Future + Send + 'static, $F::Output: Send + 'static,)+
        {
            type Children = ($(Child<$F::Output, TaskError>,)+);

            fn start(self, spawner: &mut Spawner) -> Self::Children {
                ($(if const { is_big::<$F>() } {
                    plain(Box::pin(self.$at), spawner)
                } else {
                    plain(self.$at, spawner)
                },)+)
            }
        }

        impl<E, $($F, $A),+> TryAwaitables for ($($F,)+)
        where
            $($F: Future<Output = Result<$A, E>> + Send + 'static, $A: Send + 'static,)+
            E: From<TaskError> + Debug + Send + 'static,
        {
            type Children = ($(Child<$A, E>,)+);

            fn start(self, spawner: &mut Spawner) -> Self::Children {
                ($(if const { is_big::<$F>() } {
                    trying(Box::pin(self.$at), spawner)
                } else {
                    trying(self.$at, spawner)
                },)+)
            }
        }
    };
}

awaitables!(F0 A0 0,);
awaitables!(F0 A0 0, F1 A1 1,);
awaitables!(F0 A0 0, F1 A1 1, F2 A2 2,);
awaitables!(F0 A0 0, F1 A1 1, F2 A2 2, F3 A3 3,);
awaitables!(F0 A0 0, F1 A1 1, F2 A2 2, F3 A3 3, F4 A4 4,);
awaitables!(F0 A0 0, F1 A1 1, F2 A2 2, F3 A3 3, F4 A4 4, F5 A5 5,);
awaitables!(F0 A0 0, F1 A1 1, F2 A2 2, F3 A3 3, F4 A4 4, F5 A5 5, F6 A6 6,);
awaitables!(F0 A0 0, F1 A1 1, F2 A2 2, F3 A3 3, F4 A4 4, F5 A5 5, F6 A6 6, F7 A7 7,);
awaitables!(F0 A0 0, F1 A1 1, F2 A2 2, F3 A3 3, F4 A4 4, F5 A5 5, F6 A6 6, F7 A7 7, F8 A8 8,);
awaitables!(
    F0 A0 0, F1 A1 1, F2 A2 2, F3 A3 3, F4 A4 4, F5 A5 5, F6 A6 6, F7 A7 7, F8 A8 8, F9 A9 9,
);
awaitables!(
    F0 A0 0, F1 A1 1, F2 A2 2, F3 A3 3, F4 A4 4, F5 A5 5, F6 A6 6, F7 A7 7, F8 A8 8, F9 A9 9,
    F10 A10 10,
);
awaitables!(
    F0 A0 0, F1 A1 1, F2 A2 2, F3 A3 3, F4 A4 4, F5 A5 5, F6 A6 6, F7 A7 7, F8 A8 8, F9 A9 9,
    F10 A10 10, F11 A11 11,
);

/// Whether `F` is a task or a gather.
///
/// The child of such a handle is polled within the call of `gather`. That poll runs no user code,
/// and it finds a task that has already ended. It also makes the child pass a cancellation on from
/// the start: a child that was never polled would only be dropped, and the task of the handle would
/// keep running, detached.
///
/// It compares the names of the types, because nothing else distinguishes a `Task<T>` of any `T`
/// from all other futures. Another type of the same name would be polled a little early, with no
/// other effect.
pub(in crate::tasks) fn is_handle<F>() -> bool {
    let name = without_arguments::<F>();
    name == without_arguments::<Task<()>>()
        || name == without_arguments::<Gather<()>>()
        || name == without_arguments::<ReturnExceptions<()>>()
}

fn without_arguments<F>() -> &'static str {
    let name = type_name::<F>();
    name.split_once('<').map_or(name, |(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tasks_and_gathers_are_handles_and_other_futures_are_not() {
        assert!(is_handle::<Task<Vec<String>>>());
        assert!(is_handle::<Gather<[u8; 3]>>());
        assert!(is_handle::<ReturnExceptions<Vec<u8>>>());
        assert!(!is_handle::<std::future::Ready<Task<()>>>());
        assert!(!is_handle::<crate::tasks::shield::Shield<Task<()>>>());
        fn is_other<F>(_: F) -> bool {
            !is_handle::<F>()
        }
        assert!(is_other(async {}));
    }
}
