//! The errors of a group, all together.

use std::error::Error;
use std::fmt;

/// The errors of a task group: `ExceptionGroup`.
///
/// It has the errors of all children that failed, in the order in which they did, and that of the
/// body. It is always a group, even of a single error. A group without errors says that the task
/// group was [cancelled](crate::TaskGroup::cancel), and that its body has no value because of it.
///
/// ```
/// use asyncio::task_group;
/// # asyncio::run(async {
/// let outcome = task_group(async |tg| {
///     tg.create_task(async { Err::<(), _>("no seats") });
///     asyncio::sleep(std::time::Duration::from_secs(3600)).await;
///     Ok(())
/// });
/// let group = outcome.await.unwrap_err();
/// assert_eq!(group.errors(), ["no seats"]);
/// assert_eq!(group.to_string(), "unhandled errors in a TaskGroup");
/// # });
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExceptionGroup<E> {
    errors: Vec<E>,
}

impl<E> ExceptionGroup<E> {
    pub(super) fn new(errors: Vec<E>) -> ExceptionGroup<E> {
        ExceptionGroup { errors }
    }

    /// The errors: Python's `exceptions`.
    #[must_use]
    pub fn errors(&self) -> &[E] {
        &self.errors
    }

    /// The errors, taken out.
    #[must_use]
    pub fn into_errors(self) -> Vec<E> {
        self.errors
    }

    /// Whether there is no error: the task group was cancelled.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.errors.is_empty()
    }

    /// Those errors for which `matches` returns true, and the rest: Python's `split`. `None` stands
    /// for a part without errors.
    ///
    /// ```
    /// use asyncio::task_group;
    /// # asyncio::run(async {
    /// let outcome = task_group(async |tg| {
    ///     tg.create_task(async { Err::<(), _>(1) });
    ///     Err::<(), _>(20)
    /// });
    /// let (small, large) = outcome.await.unwrap_err().split(|error| *error < 10);
    /// assert_eq!(large.unwrap().errors(), [20]);
    /// # drop(small);
    /// # });
    /// ```
    #[must_use]
    pub fn split(
        self,
        matches: impl FnMut(&E) -> bool,
    ) -> (Option<ExceptionGroup<E>>, Option<ExceptionGroup<E>>) {
        let (matching, rest): (Vec<E>, Vec<E>) = self.errors.into_iter().partition(matches);
        let group = |errors: Vec<E>| (!errors.is_empty()).then(|| ExceptionGroup::new(errors));
        (group(matching), group(rest))
    }
}

impl<E> fmt::Display for ExceptionGroup<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_cancelled() {
            "the TaskGroup was cancelled"
        } else {
            "unhandled errors in a TaskGroup"
        })
    }
}

impl<E: fmt::Debug> Error for ExceptionGroup<E> {}
