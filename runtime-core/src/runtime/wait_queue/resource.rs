//! What the waiters of a queue wait for.

/// What the waiters of a queue wait for, in `LINES` lines.
///
/// Its functions are called under the queue's lock. They run no user code, and touch no value of
/// the user (W3).
pub(crate) trait Resource<const LINES: usize> {
    /// The part that is used without the lock.
    type Shared;

    /// Whether a grant is passed on if the waiter is not polled. Where a grant takes nothing from
    /// anybody (an event), it need not be.
    const TURNS: bool = true;

    /// Whether units that nobody takes stay free for whoever comes later. Where they do not (a
    /// notification), a waiter that is passed over is granted those that nobody in line is there
    /// for.
    const LASTS: bool = true;

    /// Whether grants are passed on in one line. In a line without turns, order does not matter
    /// either: whoever finds its units free takes them, although others wait.
    #[inline]
    fn has_turns(_line: usize) -> bool {
        Self::TURNS
    }

    /// Reserves `units` for a waiter of `line`, if they are free. The answer goes to the waiter.
    fn reserve(&mut self, line: usize, units: usize) -> Option<usize>;

    /// Reserves `units` for a waiter that comes to `line`, in which `before` wait before it.
    #[inline]
    fn arrive(&mut self, line: usize, units: usize, before: usize) -> Option<usize> {
        if before == 0 || !Self::has_turns(line) {
            self.reserve(line, units)
        } else {
            None
        }
    }

    /// Takes units back that were reserved with `answer`, and not used. They may be of use in the
    /// same line only: no other is served afterwards.
    fn restore(&mut self, line: usize, units: usize, answer: usize);

    /// The lock has been taken, by one who has the queue.
    fn begin(&mut self, _shared: &Self::Shared) {}

    /// The lock is about to be released by one who has the queue. `waiting` tells for each line how
    /// many wait in it, or have a turn that they have not used.
    fn end(&mut self, _shared: &Self::Shared, _waiting: [usize; LINES]) {}

    /// The lock is about to be released, by anybody.
    fn at_release(&mut self) {}
}
