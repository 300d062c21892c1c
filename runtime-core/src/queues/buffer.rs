//! What a queue keeps its items in.

use std::collections::VecDeque;

/// Items in an order. It runs no user code: it is used under a lock.
pub(super) trait Buffer {
    type Item;

    fn len(&self) -> usize;
    fn push(&mut self, item: Self::Item);
    fn pop(&mut self) -> Option<Self::Item>;

    /// Returns all items, and is empty then.
    fn take_all(&mut self) -> Self;
}

/// First in, first out.
impl<T> Buffer for VecDeque<T> {
    type Item = T;

    #[inline]
    fn len(&self) -> usize {
        VecDeque::len(self)
    }

    #[inline]
    fn push(&mut self, item: T) {
        self.push_back(item);
    }

    #[inline]
    fn pop(&mut self) -> Option<T> {
        self.pop_front()
    }

    fn take_all(&mut self) -> VecDeque<T> {
        std::mem::take(self)
    }
}

/// Last in, first out.
impl<T> Buffer for Vec<T> {
    type Item = T;

    fn len(&self) -> usize {
        Vec::len(self)
    }

    fn push(&mut self, item: T) {
        Vec::push(self, item);
    }

    fn pop(&mut self) -> Option<T> {
        Vec::pop(self)
    }

    fn take_all(&mut self) -> Vec<T> {
        std::mem::take(self)
    }
}

/// The number of items that are kept elsewhere.
#[derive(Debug)]
pub(super) struct Count(pub(super) usize);

impl Buffer for Count {
    type Item = ();

    fn len(&self) -> usize {
        self.0
    }

    fn push(&mut self, (): ()) {
        self.0 += 1;
    }

    fn pop(&mut self) -> Option<()> {
        self.0 = self.0.checked_sub(1)?;
        Some(())
    }

    fn take_all(&mut self) -> Count {
        Count(std::mem::take(&mut self.0))
    }
}
