//! Random reads of random bytes that come in random pieces, beside a model that has all the bytes.

use asyncio::{IncompleteReadError, LimitOverrunError, ReadUntilError};
use futures::{AsyncBufReadExt, AsyncReadExt, StreamExt};
use runtime_tests::watched;

use super::*;

/// How many reads are tried.
const READS: usize = 20_000;

/// Numbers that follow from a seed (xorshift).
pub(super) struct Numbers(u64);

impl Numbers {
    pub(super) fn from_seed(seed: u64) -> Numbers {
        Numbers(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// A number below `end`.
    pub(super) fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % end
    }

    fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }

    /// Often small, at times large.
    fn size(&mut self) -> usize {
        let most = self.one_of(&[2, 8, 40, 300, 5000]);
        self.below(most)
    }
}

/// Separators, alone and together, of few different letters: so that they often begin, and overlap.
const SEPARATORS: [&[&[u8]]; 10] = [
    &[b"\n"],
    &[b"a"],
    &[b"ab"],
    &[b"aab"],
    &[b"abab"],
    &[b"\r\n", b"\n"],
    &[b"ab", b"bab"],
    &[b"aba", b"ba", b"b\n"],
    &[b"bbbbbbbb", b"\n\n"],
    &[b"abaabaab", b"bb"],
];

/// The letters of one connection, and what the reads have to find.
struct Model {
    bytes: Vec<u8>,
    at: usize,
    limit: usize,
}

impl Model {
    fn rest(&self) -> &[u8] {
        &self.bytes[self.at..]
    }

    #[track_caller]
    fn takes(&mut self, got: &[u8]) {
        assert!(self.rest().starts_with(got), "other bytes: {got:?}");
        self.at += got.len();
    }

    #[track_caller]
    fn takes_some(&mut self, got: &[u8], most: usize) {
        assert!(got.len() <= most);
        let nothing = most == 0 || self.rest().is_empty();
        assert_eq!(got.is_empty(), nothing, "empty is the end");
        self.takes(got);
    }

    /// All that is left, because the stream ends early.
    #[track_caller]
    fn ends(&mut self, error: &IncompleteReadError, expected: Option<usize>) {
        assert!(error.error.is_none(), "{error:?}");
        assert_eq!(error.expected, expected);
        assert_eq!(error.partial, self.rest());
        self.at = self.bytes.len();
    }

    /// Where the first separator to end begins and ends, by trying all ends.
    fn find(&self, separators: &[&[u8]]) -> Option<(usize, usize)> {
        let rest = self.rest();
        (1..=rest.len()).find_map(|end| {
            let found = separators.iter().filter(|part| rest[..end].ends_with(part));
            found.map(|part| (end - part.len(), end)).max()
        })
    }

    /// An error because of the limit.
    #[track_caller]
    fn overruns(&self, error: &LimitOverrunError, separators: &[&[u8]]) {
        let longest = separators.iter().map(|part| part.len()).max().unwrap();
        let is_found = error.to_string().starts_with("Separator is found");
        let most = match self.find(separators) {
            Some((start, _)) if is_found => {
                assert_eq!(error.consumed, start);
                start
            }
            found => {
                assert!(!is_found);
                found.map_or(self.rest().len() + 1 - longest, |found| found.0)
            }
        };
        assert!(
            error.consumed > self.limit,
            "{error:?}, limit {}",
            self.limit
        );
        assert!(error.consumed <= most, "{error:?}, at most {most}");
    }

    /// A read until a separator has ended.
    #[track_caller]
    fn finds(&mut self, got: Result<&[u8], &ReadUntilError>, separators: &[&[u8]]) {
        let found = self.find(separators);
        let longest = separators.iter().map(|part| part.len()).max().unwrap();
        match got {
            Ok(got) => {
                let (start, end) = found.expect("there is a separator");
                assert!(start <= self.limit);
                assert_eq!(got.len(), end);
                self.takes(got);
            }
            Err(ReadUntilError::LimitOverrun(error)) => self.overruns(error, separators),
            Err(ReadUntilError::IncompleteRead(error)) => {
                assert_eq!(found, None);
                assert!(self.rest().len() < self.limit + longest);
                self.ends(error, None);
            }
            Err(ReadUntilError::Io(error)) => panic!("{error}"),
        }
    }

    /// A read of a line has ended.
    #[track_caller]
    fn has_line(&mut self, got: io::Result<impl AsRef<[u8]>>) {
        let newline: &[&[u8]] = &[b"\n"];
        let error = match got {
            Ok(line) if line.as_ref().ends_with(b"\n") => {
                return self.finds(Ok(line.as_ref()), newline);
            }
            Ok(rest) => {
                let rest = rest.as_ref();
                assert_eq!(rest, self.rest());
                assert!(rest.len() <= self.limit);
                return self.takes(rest);
            }
            Err(error) => error,
        };
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        let error = error.get_ref().unwrap().downcast_ref().unwrap();
        self.overruns(error, newline);
        // The line is dropped, or all that has come of it.
        let is_found = error.to_string().starts_with("Separator is found");
        self.at += error.consumed + usize::from(is_found);
    }
}

/// One connection.
struct Case {
    numbers: Numbers,
    model: Model,
    chunks: Vec<Vec<u8>>,
    peer: Socket,
}

impl Case {
    fn of(mut numbers: Numbers, peer: Socket, limit: usize) -> Case {
        let letters = numbers.one_of(&[&b"ab"[..], b"ab\n", b"ab\r\n", b"abcdefgh\n", b"aaaab"]);
        let mut chunks = Vec::new();
        for _ in 0..1 + numbers.below(60) {
            let size = 1 + numbers.size();
            chunks.push((0..size).map(|_| numbers.one_of(letters)).collect());
        }
        let bytes = chunks.concat();
        chunks.reverse();
        Case {
            numbers,
            model: Model {
                bytes,
                at: 0,
                limit,
            },
            chunks,
            peer,
        }
    }

    /// Has the peer send when the read waits: mostly a piece, at times two.
    async fn fed<T>(&mut self, read: impl Future<Output = T>) -> T {
        let mut read = pin!(read);
        poll_fn(|cx| {
            let polled = read.as_mut().poll(cx);
            if polled.is_pending() {
                for _ in 0..1 + self.numbers.below(4) / 3 {
                    match self.chunks.pop() {
                        Some(chunk) => self.peer.write_all(&chunk).unwrap(),
                        None => drop(self.peer.shutdown(std::net::Shutdown::Write)),
                    }
                }
            }
            polled
        })
        .await
    }

    /// One read, which may be dropped once before.
    async fn read(&mut self, reader: &mut StreamReader) {
        let size = self.numbers.size();
        let separators = self.numbers.one_of(&SEPARATORS);
        if self.numbers.below(4) == 0 {
            let mut dropped = pin!(reader.readuntil(separators));
            let polled = poll_fn(|cx| Poll::Ready(dropped.as_mut().poll(cx))).await;
            if let Poll::Ready(found) = polled {
                self.model.finds(found.as_deref(), separators);
            }
        }
        match self.numbers.below(8) {
            0 => {
                let got = self.fed(StreamReader::read(reader, size)).await;
                self.model.takes_some(&got.unwrap(), size);
            }
            1 => match self.fed(reader.readexactly(size)).await {
                Ok(got) => {
                    assert_eq!(got.len(), size);
                    self.model.takes(&got);
                }
                Err(error) => {
                    assert!(self.model.rest().len() < size);
                    self.model.ends(&error, Some(size));
                }
            },
            2 | 3 => {
                let found = self.fed(reader.readuntil(separators)).await;
                self.model.finds(found.as_deref(), separators);
            }
            4 => {
                let line = self.fed(reader.readline()).await;
                self.model.has_line(line);
            }
            5 => match self.fed(StreamReader::lines(reader).next()).await {
                Some(line) => self.model.has_line(line),
                None => assert!(self.model.rest().is_empty()),
            },
            6 => {
                let mut room = vec![0; size];
                let got = self.fed(AsyncReadExt::read(reader, &mut room)).await;
                self.model.takes_some(&room[..got.unwrap()], size);
            }
            _ => {
                let lent = self.fed(reader.fill_buf()).await.unwrap();
                let used = self.numbers.below(lent.len() + 1);
                assert_eq!(lent.is_empty(), self.model.rest().is_empty());
                self.model.takes(&lent[..used]);
                reader.consume_unpin(used);
            }
        }
        assert!(!reader.at_eof() || self.model.rest().is_empty());
    }
}

/// Random reads of one connection. Returns how many.
async fn play(seed: u64) -> usize {
    let mut numbers = Numbers::from_seed(seed);
    let limit = 1 + numbers.size();
    let kind = numbers.one_of(&KINDS);
    let Ends {
        mut reader,
        writer: _writer,
        peer,
        ..
    } = connected_with(kind, limit).await;
    let mut case = Case::of(numbers, peer, limit);
    let mut reads = 0;
    while !reader.at_eof() {
        case.read(&mut reader).await;
        reads += 1;
        // A limit that is overrun again and again goes on only by other reads.
        assert!(reads < 1_000_000, "it does not come to an end");
    }
    assert!(case.model.rest().is_empty());
    reads
}

/// Plays connections with one seed after the other.
fn play_many(wanted: usize) {
    let (mut reads, mut seed) = (0, 0);
    while reads < wanted {
        seed += 1;
        reads += runtime_tests::on_workers(2, async {
            let at = runtime_tests::on_drop(move || {
                if std::thread::panicking() {
                    println!("the seed is {seed}");
                }
            });
            let mut reads = 0;
            for part in 0..20 {
                reads += play(1000 * seed + part).await;
            }
            drop(at);
            reads
        });
    }
}

// SR-1, SR-2, SR-3, SR-4, SR-5, SR-7, SR-9
#[test]
fn random_reads_find_what_a_model_finds() {
    watched(|| play_many(READS));
}

#[test]
#[ignore = "a million reads take minutes"]
fn a_million_random_reads_find_what_a_model_finds() {
    play_many(1_000_000);
}
