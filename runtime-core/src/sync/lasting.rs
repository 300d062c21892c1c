//! Thread-locals that outlive the values of their threads.

use std::mem::ManuallyDrop;
use std::thread::LocalKey;

/// A thread-local that is never missing. In a thread's last destructors, and in what runs after
/// them (handlers of an exit), the value has been dropped; then there is another one, which begins
/// with the same initial value and is not dropped.
pub(crate) struct LastingKey<T: 'static> {
    pub(crate) usual: LocalKey<T>,
    pub(crate) last: LocalKey<ManuallyDrop<T>>,
}

impl<T> LastingKey<T> {
    #[inline]
    pub(crate) fn with<R>(&'static self, work: impl FnOnce(&T) -> R) -> R {
        let mut work = Some(work);
        let usual = self
            .usual
            .try_with(|value| work.take().map(|work| work(value)));
        match (usual, work) {
            (Ok(Some(result)), _) => result,
            (_, Some(work)) => self.last.with(|value| work(value)),
            (_, None) => unreachable!("the work is taken only to be done"),
        }
    }
}

/// Declares a [`LastingKey`] whose initial value is a constant.
macro_rules! lasting {
    ($(#[$attribute:meta])* static $name:ident: $type:ty = $value:expr) => {
        $(#[$attribute])*
        const $name: &$crate::sync::lasting::LastingKey<$type> = {
            std::thread_local! { static USUAL: $type = const { $value } }
            std::thread_local! {
                static LAST: std::mem::ManuallyDrop<$type> =
                    const { std::mem::ManuallyDrop::new($value) }
            }
            &$crate::sync::lasting::LastingKey { usual: USUAL, last: LAST }
        };
    };
}
pub(crate) use lasting;
