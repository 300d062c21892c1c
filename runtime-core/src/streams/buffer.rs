//! Bytes that have been received and not been read yet.

use bytes::Bytes;

use super::spare_vectors;

/// How many bytes are asked for at first, and how many at most.
const CHUNK: (usize, usize) = (4 << 10, 64 << 10);

/// A reader may ask for more at a time than it gets in one piece.
const MOST: usize = 256 << 10;

/// Less than this is copied, and not given away with its memory.
const GIVEN: usize = CHUNK.0;

/// A vector whose first bytes have been read already.
#[derive(Debug, Default)]
pub(super) struct ReadBuffer {
    bytes: Vec<u8>,
    /// Where the bytes begin that have not been read.
    start: usize,
    /// How many bytes the next read asks for: more, as long as reads fill their room.
    chunk: usize,
}

impl ReadBuffer {
    pub(super) fn len(&self) -> usize {
        self.bytes.len() - self.start
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn as_slice(&self) -> &[u8] {
        &self.bytes[self.start..]
    }

    /// Takes the first `count` bytes. If these are all, and fill most of the memory, the memory
    /// goes with them; otherwise they are copied.
    pub(super) fn take(&mut self, count: usize) -> Bytes {
        let whole = count == self.len() && 2 * count >= self.bytes.capacity();
        if whole && count >= GIVEN {
            let start = std::mem::take(&mut self.start);
            return Bytes::from(std::mem::take(&mut self.bytes)).slice(start..);
        }
        let taken = Bytes::copy_from_slice(&self.as_slice()[..count]);
        self.discard(count);
        taken
    }

    /// Moves the first bytes to `room`, as many as it has room for. Returns how many.
    pub(super) fn move_to(&mut self, room: &mut [u8]) -> usize {
        let count = self.len().min(room.len());
        room[..count].copy_from_slice(&self.as_slice()[..count]);
        self.discard(count);
        count
    }

    /// Removes the first `count` bytes.
    ///
    /// # Panics
    /// There are not so many.
    pub(super) fn discard(&mut self, count: usize) {
        assert!(count <= self.len(), "{count} bytes are more than there are");
        self.start += count;
        if self.start == self.bytes.len() {
            self.bytes.clear();
            self.start = 0;
        }
    }

    pub(super) fn clear(&mut self) {
        self.discard(self.len());
    }

    /// A vector to append to, with room for a read by one who wants `wanted` bytes in all.
    pub(super) fn room_for(&mut self, wanted: usize) -> &mut Vec<u8> {
        let missing = wanted.saturating_sub(self.len()).min(MOST);
        let room = missing.max(self.chunk.max(CHUNK.0));
        let spare = self.bytes.capacity() - self.bytes.len();
        if spare < room.min(CHUNK.0) || spare < missing {
            self.compact();
            match self.bytes.capacity() {
                0 => self.bytes = spare_vectors::take(room),
                _ => self.bytes.reserve(room),
            }
        }
        &mut self.bytes
    }

    /// A read has appended bytes. If it has filled its room, the next gets more.
    pub(super) fn note_read(&mut self) {
        if self.bytes.len() == self.bytes.capacity() {
            self.chunk = (2 * self.chunk.max(CHUNK.0)).min(CHUNK.1);
        }
    }

    /// Its reader waits: an empty buffer need not keep memory.
    pub(super) fn rest(&mut self) {
        if self.is_empty() && self.bytes.capacity() > 0 {
            spare_vectors::give(std::mem::take(&mut self.bytes));
        }
    }

    fn compact(&mut self) {
        self.bytes.drain(..self.start);
        self.start = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(count: usize) -> ReadBuffer {
        let mut buffer = ReadBuffer::default();
        let bytes = (0..count).map(|byte| byte as u8);
        buffer.room_for(count).extend(bytes);
        buffer
    }

    #[test]
    fn bytes_come_out_in_the_order_in_which_they_went_in() {
        let mut buffer = filled(10_000);
        let mut taken = buffer.take(3).to_vec();
        let mut room = [0; 5];
        assert_eq!(buffer.move_to(&mut room), 5);
        taken.extend(room);
        buffer.room_for(60_000).extend([1, 2, 3]);
        taken.extend(buffer.take(9_992));
        assert!(
            taken
                .iter()
                .zip(0_usize..)
                .all(|(&byte, place)| byte == place as u8)
        );
        assert_eq!(buffer.as_slice(), [1, 2, 3]);
        assert_eq!(buffer.move_to(&mut [0; 9]), 3);
        assert!(buffer.is_empty());
    }

    #[test]
    fn a_large_whole_is_not_copied() {
        let mut buffer = filled(32 << 10);
        let before = buffer.as_slice().as_ptr();
        assert_eq!(buffer.take(32 << 10).as_ptr(), before);
        assert!(buffer.is_empty());
    }

    #[test]
    fn an_empty_buffer_that_rests_keeps_nothing() {
        let mut buffer = filled(32 << 10);
        buffer.discard(1);
        buffer.rest();
        assert_eq!(buffer.len(), (32 << 10) - 1);
        buffer.clear();
        buffer.rest();
        assert_eq!(buffer.bytes.capacity(), 0);
    }

    #[test]
    fn room_grows_only_while_reads_fill_it() {
        let mut buffer = ReadBuffer::default();
        assert!(buffer.room_for(1).capacity() < 2 * CHUNK.0);
        buffer.note_read();
        assert_eq!(buffer.chunk, 0);
        for _ in 0..10 {
            let bytes = buffer.room_for(1);
            bytes.resize(bytes.capacity(), 0);
            buffer.note_read();
            buffer.clear();
            buffer.rest();
        }
        assert_eq!(buffer.chunk, CHUNK.1);
        // However much is wanted, memory comes as bytes do.
        assert!(buffer.room_for(1 << 30).capacity() <= 2 * MOST);
    }
}
