//! Thread-locals that outlive the values of their threads, in a model.

/// A thread-local that is never missing: in a thread's last destructors there is a new value for
/// each call.
pub(crate) struct LastingKey<T: 'static> {
    pub(crate) usual: &'static loom::thread::LocalKey<T>,
    pub(crate) last: fn() -> T,
}

impl<T> LastingKey<T> {
    pub(crate) fn with<R>(&'static self, work: impl FnOnce(&T) -> R) -> R {
        let mut work = Some(work);
        let usual = self
            .usual
            .try_with(|value| work.take().map(|work| work(value)));
        match (usual, work) {
            (Ok(Some(result)), _) => result,
            (_, Some(work)) => work(&(self.last)()),
            (_, None) => unreachable!("the work is taken only to be done"),
        }
    }
}

/// Declares a [`LastingKey`].
macro_rules! lasting {
    ($(#[$attribute:meta])* static $name:ident: $type:ty = $value:expr) => {
        $(#[$attribute])*
        const $name: &$crate::sync::lasting::LastingKey<$type> = {
            loom::thread_local! { static USUAL: $type = $value }
            &$crate::sync::lasting::LastingKey { usual: &USUAL, last: || $value }
        };
    };
}
pub(crate) use lasting;
