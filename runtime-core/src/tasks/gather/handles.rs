//! Elements that are handles of something that runs already.

use std::any::type_name;

use super::future::{Gather, ReturnExceptions};
use crate::runtime::Task;

/// Whether an `F` is a task, or a gather.
///
/// The child of a handle is polled within the call: that runs none of the user's code, and it finds
/// what has ended already. And it passes a cancellation on from the beginning, where a child that
/// was never polled would be dropped, and what it is the handle of would run on, detached.
///
/// Told by name, because nothing else tells a `Task<T>` of any `T` from all other futures. A stranger of
/// the same name would be polled a little early, and nothing worse.
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
