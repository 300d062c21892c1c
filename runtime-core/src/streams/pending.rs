//! Bytes that have not been sent.

use super::spare_vectors;

/// Beyond this the memory is given back once all has been sent.
const KEPT: usize = 16 << 10;

/// A vector whose first bytes have been sent already.
#[derive(Debug, Default)]
pub(super) struct Pending {
    bytes: Vec<u8>,
    start: usize,
}

impl Pending {
    pub(super) fn len(&self) -> usize {
        self.bytes.len() - self.start
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn as_slice(&self) -> &[u8] {
        &self.bytes[self.start..]
    }

    pub(super) fn append(&mut self, bytes: &[u8]) {
        self.fill(|all| all.extend_from_slice(bytes));
    }

    /// Has `append` append to the bytes.
    pub(super) fn fill(&mut self, append: impl FnOnce(&mut Vec<u8>)) {
        // Moves what is left to the front, but only if that is less than what has been sent: so a
        // byte is moved once, on the average.
        if self.start > self.len() {
            self.bytes.drain(..self.start);
            self.start = 0;
        }
        append(&mut self.bytes);
    }

    /// Makes room for so many bytes.
    pub(super) fn make_room(&mut self, room: usize) {
        match self.bytes.capacity() == 0 && room > KEPT {
            true => self.bytes = spare_vectors::take(room),
            false => self.bytes.reserve(room),
        }
    }

    /// The first `count` bytes have been sent.
    pub(super) fn sent(&mut self, count: usize) {
        self.start += count;
        if self.is_empty() {
            self.clear();
        }
    }

    pub(super) fn clear(&mut self) {
        self.start = 0;
        self.bytes.clear();
        if self.bytes.capacity() > KEPT {
            spare_vectors::give(std::mem::take(&mut self.bytes));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_leave_in_the_order_in_which_they_came() {
        let mut pending = Pending::default();
        let mut left = Vec::new();
        for round in 0..100_u8 {
            pending.append(&[round, round, round]);
            left.extend_from_slice(&pending.as_slice()[..2]);
            pending.sent(2);
        }
        left.extend_from_slice(pending.as_slice());
        let all: Vec<u8> = (0..100).flat_map(|round| [round; 3]).collect();
        assert_eq!(left, all);
    }

    #[test]
    fn memory_is_given_back_once_all_is_sent() {
        let mut pending = Pending::default();
        pending.append(&vec![0; 1 << 20]);
        pending.sent(1 << 20);
        assert!(pending.is_empty());
        assert!(pending.bytes.capacity() <= KEPT);
    }
}
