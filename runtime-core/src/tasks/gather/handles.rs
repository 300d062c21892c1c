//! Recognises elements that are handles of something that already runs: tasks and gathers.

use std::any::type_name;

use super::future::{Gather, ReturnExceptions};
use crate::runtime::Task;

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
pub(super) fn is_handle<F>() -> bool {
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
