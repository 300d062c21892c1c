//! Reading: `read`, `readexactly`, `readuntil`, `readline`, and the traits.

use asyncio::{IncompleteReadError, ReadUntilError, checkpoint, create_task, timeout};
use futures::{AsyncBufReadExt, AsyncReadExt, StreamExt};

use super::*;

// SR-1
#[test]
fn read_returns_what_there_is_and_nothing_only_at_the_end() {
    with_both(async |mut ends| {
        assert_eq!(ends.reader.read(0).await.unwrap(), "");
        assert!(!ends.reader.at_eof(), "nothing was asked for");
        ends.peer.write_all(b"abcdef").unwrap();
        assert_eq!(ends.reader.read(4).await.unwrap(), "abcd");
        assert_eq!(ends.reader.read(4).await.unwrap(), "ef");
        assert_waits(ends.reader.read(4)).await;
        let mut ends = ends.sent(b"g");
        assert_eq!(ends.reader.read(1 << 30).await.unwrap(), "g");
        for _ in 0..3 {
            assert_eq!(ends.reader.read(4).await.unwrap(), "");
        }
        assert!(ends.reader.at_eof());
    });
}

// SR-1
#[test]
fn read_and_read_to_end_go_beyond_the_limit() {
    over_both(async |kind| {
        let mut ends = connected_with(kind, 3).await.sent(&[b'x'; 20_000]);
        assert_eq!(ends.reader.limit(), 3);
        let first = ends.reader.read(10_000).await.unwrap();
        assert!(first.len() > 3, "{} bytes", first.len());
        let rest = ends.reader.read_to_end().await.unwrap();
        assert_eq!(first.len() + rest.len(), 20_000);
        assert_eq!(ends.reader.read_to_end().await.unwrap(), "");
    });
}

// SR-2
#[test]
fn readexactly_goes_beyond_the_limit() {
    over_both(async |kind| {
        let mut ends = connected_with(kind, 5).await;
        let Ends { reader, peer, .. } = &mut ends;
        let all: Vec<u8> = (0..200_000_u32).map(|number| number as u8).collect();
        let sender = peer.try_clone().unwrap();
        let bytes = all.clone();
        let sending = std::thread::spawn(move || (&sender).write_all(&bytes).unwrap());
        assert_eq!(reader.readexactly(0).await.unwrap(), "");
        let read = reader.readexactly(150_000).await.unwrap();
        assert!(read == all[..150_000]);
        assert!(reader.readexactly(50_000).await.unwrap() == all[150_000..]);
        sending.join().unwrap();
    });
}

// SR-2
#[test]
fn an_early_end_gives_what_came_and_takes_it() {
    with_both(async |ends| {
        let mut ends = ends.sent(b"abc");
        let error = ends.reader.readexactly(10).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "3 bytes read on a total of 10 expected bytes"
        );
        let IncompleteReadError {
            partial,
            expected,
            error,
        } = error;
        assert_eq!(partial, "abc");
        assert_eq!(expected, Some(10));
        assert!(error.is_none());
        assert!(ends.reader.at_eof(), "the partial bytes are consumed");
        let again = ends.reader.readexactly(1).await.unwrap_err();
        assert_eq!(again.partial, "");
        assert_eq!(ends.reader.readexactly(0).await.unwrap(), "");
    });
}

// SR-3
#[test]
fn readuntil_returns_the_separator_as_well() {
    with_both(async |ends| {
        let mut ends = ends.sent(b"one--two--");
        assert_eq!(ends.reader.readuntil(b"--").await.unwrap(), "one--");
        assert_eq!(ends.reader.readuntil(&b"--"[..]).await.unwrap(), "two--");
        let error = ends.reader.readuntil(b"--").await.unwrap_err();
        assert!(matches!(error, ReadUntilError::IncompleteRead(error) if error.partial.is_empty()));
    });
}

// SR-3
#[test]
fn the_end_without_a_separator_gives_what_came_and_takes_it() {
    with_both(async |ends| {
        let mut ends = ends.sent(b"tail");
        let error = ends.reader.readuntil(b"\r\n").await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "4 bytes read on a total of undefined expected bytes"
        );
        let ReadUntilError::IncompleteRead(error) = error else {
            panic!("{error:?}");
        };
        assert_eq!(error.partial, "tail");
        assert_eq!(error.expected, None);
        assert!(ends.reader.at_eof());
        assert_eq!(ends.reader.readline().await.unwrap(), "");
    });
}

// SR-3, SR-4
#[test]
fn a_separator_may_be_split_over_reads() {
    with_both(async |ends| {
        let Ends {
            mut reader, peer, ..
        } = ends;
        let chunks: [&[u8]; 6] = [b"he", b"ad\r", b"\n", b"\r", b"\n", b""];
        let head = fed(&peer, &chunks, reader.readuntil(b"\r\n\r\n")).await;
        assert_eq!(head.unwrap(), "head\r\n\r\n");
        // A false beginning of the separator, which begins again within itself.
        let chunks: [&[u8]; 4] = [b"a", b"aa", b"aab", b"rest"];
        let found = fed(&peer, &chunks, reader.readuntil(b"aab")).await;
        assert_eq!(found.unwrap(), "aaaaab");
        let several: [&[u8]; 2] = [b"ENDING", b"\n"];
        let chunks: [&[u8]; 3] = [b"xEND", b"IN", b"G\n"];
        let found = fed(&peer, &chunks, reader.readuntil(several)).await;
        assert_eq!(found.unwrap(), "xENDING");
        assert_eq!(reader.readuntil(several).await.unwrap(), "\n");
    });
}

// SR-4
#[test]
fn of_several_separators_the_one_that_ends_first_counts() {
    with_both(async |ends| {
        let mut ends = ends.sent(b"ABCDEFG|line\r\nlast\n");
        let both: [&[u8]; 2] = [b"DEF", b"BCDE"];
        assert_eq!(ends.reader.readuntil(both).await.unwrap(), "ABCDE");
        let all: Vec<&[u8]> = vec![b"|", b"\r\n"];
        assert_eq!(ends.reader.readuntil(&all[..]).await.unwrap(), "FG|");
        let ends_of_lines: [&[u8]; 3] = [b"\r\n", b"\n", b"\r"];
        let line = ends.reader.readuntil(ends_of_lines).await.unwrap();
        assert_eq!(line, "line\r", "\\r ends before \\r\\n");
    });
}

// SR-5
#[test]
fn readline_returns_lines_then_a_rest_then_nothing() {
    with_both(async |ends| {
        let mut ends = ends.sent(b"one\n\ntwo\nrest");
        for line in ["one\n", "\n", "two\n", "rest", "", ""] {
            assert_eq!(ends.reader.readline().await.unwrap(), line);
        }
        assert!(ends.reader.at_eof());
    });
}

// SR-5
#[test]
fn the_lines_are_a_stream_that_ends_with_the_connection() {
    with_both(async |ends| {
        let mut ends = ends.sent(b"one\ntwo\nrest");
        let lines = StreamReader::lines(&mut ends.reader).map(Result::unwrap);
        let lines: Vec<_> = lines.collect().await;
        assert_eq!(lines, ["one\n", "two\n", "rest"]);
    });
}

// SR-5
#[test]
fn fault_the_lines_of_a_lost_connection_end_after_its_error() {
    on_workers(2, async {
        let Ends {
            mut reader,
            peer,
            writer: _writer,
            ..
        } = connected(Kind::Tcp).await;
        (&peer).write_all(b"one\n").unwrap();
        let mut lines = StreamReader::lines(&mut reader);
        assert_eq!(lines.next().await.unwrap().unwrap(), "one\n");
        reset(peer);
        let error = lines.next().await.unwrap().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
        assert!(lines.next().await.is_none(), "a loop over them would spin");
        assert!(lines.next().await.is_none());
    });
}

type Read = fn(&mut StreamReader) -> futures::future::BoxFuture<'_, String>;

fn text(bytes: impl AsRef<[u8]>) -> String {
    String::from_utf8(bytes.as_ref().to_vec()).unwrap()
}

/// Reads of every kind that return "abcdef\n" if that comes, and then the end.
const READS: [(&str, Read); 7] = [
    ("read_to_end", |reader| {
        Box::pin(async { text(reader.read_to_end().await.unwrap()) })
    }),
    ("readexactly", |reader| {
        Box::pin(async { text(reader.readexactly(7).await.unwrap()) })
    }),
    ("readuntil", |reader| {
        Box::pin(async { text(reader.readuntil(b"f\n").await.unwrap()) })
    }),
    ("several", |reader| {
        Box::pin(async {
            let separators: [&[u8]; 2] = [b"ef\n", b"zzzz"];
            text(reader.readuntil(separators).await.unwrap())
        })
    }),
    ("readline", |reader| {
        Box::pin(async { text(reader.readline().await.unwrap()) })
    }),
    ("lines", |reader| {
        Box::pin(async { text(StreamReader::lines(reader).next().await.unwrap().unwrap()) })
    }),
    ("fill_buf", |reader| {
        Box::pin(async {
            let mut line = String::new();
            // What `read_line` has taken it keeps, so it comes last and uncancelled.
            let filled = reader.fill_buf().await.unwrap().len();
            assert!(filled > 0);
            reader.read_line(&mut line).await.unwrap();
            line
        })
    }),
];

// SR-7
#[test]
fn a_read_that_is_dropped_loses_no_byte() {
    for (name, read) in READS {
        with_both(async |ends| {
            let Ends {
                mut reader, peer, ..
            } = ends;
            if name != "fill_buf" {
                for chunk in ["a", "bc", "def"] {
                    assert_waits(read(&mut reader)).await;
                    (&peer).write_all(chunk.as_bytes()).unwrap();
                    let dropped = wait_for(read(&mut reader), TICK).await;
                    assert!(dropped.is_err(), "{name}: {dropped:?}");
                }
            } else {
                assert_waits(reader.fill_buf()).await;
                (&peer).write_all(b"abcdef").unwrap();
            }
            (&peer).write_all(b"\n").unwrap();
            peer.shutdown(std::net::Shutdown::Write).unwrap();
            assert_eq!(read(&mut reader).await, "abcdef\n", "{name}");
        });
    }
}

// SR-7
#[test]
fn a_task_that_is_cancelled_in_a_read_loses_no_byte() {
    for (name, read) in READS.into_iter().filter(|(name, _)| *name != "fill_buf") {
        with_both(async |ends| {
            let Ends { reader, peer, .. } = ends;
            let shared = Arc::new(asyncio::Lock::new(reader));
            for chunk in ["ab", "cd", "ef"] {
                let reading = Arc::clone(&shared);
                let reading = create_task(async move { read(&mut *reading.acquire().await).await });
                (&peer).write_all(chunk.as_bytes()).unwrap();
                sleep(TICK).await;
                reading.cancel();
                assert!(reading.await.is_err(), "{name}");
            }
            (&peer).write_all(b"\n").unwrap();
            peer.shutdown(std::net::Shutdown::Write).unwrap();
            assert_eq!(
                read(&mut *shared.acquire().await).await,
                "abcdef\n",
                "{name}"
            );
        });
    }
}

// SR-7
#[test]
fn time_limits_at_every_moment_lose_no_byte() {
    with_both(async |ends| {
        const LINES: usize = 300;
        let Ends {
            mut reader, peer, ..
        } = ends;
        let sending = std::thread::spawn(move || {
            for number in 0..LINES {
                for part in ["line ", &number.to_string(), "\n"] {
                    (&peer).write_all(part.as_bytes()).unwrap();
                    std::thread::yield_now();
                }
            }
        });
        for number in 0..LINES {
            let line = loop {
                let limited = timeout(TICK / 20, async |_| reader.readline().await).await;
                if let Ok(line) = limited {
                    break line.unwrap();
                }
                checkpoint().await;
            };
            assert_eq!(line, format!("line {number}\n"));
        }
        sending.join().unwrap();
        assert_eq!(reader.read(1).await.unwrap(), "");
    });
}

// SR-8, difference 8
#[test]
fn what_came_before_a_reset_is_read_before_its_error() {
    on_workers(2, async {
        let mut ends = connected(Kind::Tcp).await;
        ends.peer.write_all(b"one\ntwo").unwrap();
        assert_eq!(ends.reader.readline().await.unwrap(), "one\n");
        reset(ends.peer);
        let error = ends.reader.readexactly(10).await.unwrap_err();
        assert_eq!(error.partial, "", "it is still in the reader");
        let lost = error.error.expect("the connection's error");
        assert_eq!(lost.kind(), io::ErrorKind::ConnectionReset);
        assert_eq!(ends.reader.read(100).await.unwrap(), "two");
        for _ in 0..3 {
            let error = ends.reader.read(100).await.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
            let error = ends.reader.readuntil(b"x").await.unwrap_err();
            assert!(matches!(error, ReadUntilError::Io(_)), "{error:?}");
        }
        assert!(!ends.reader.at_eof());
        let lost = ends.writer.drain().await.unwrap_err();
        assert_eq!(lost.kind(), io::ErrorKind::ConnectionReset);
        assert!(ends.writer.is_closing());
    });
}

// SR-9
#[test]
fn at_eof_is_the_end_with_nothing_left() {
    with_both(async |ends| {
        let mut ends = ends.sent(b"abc");
        assert!(!ends.reader.at_eof());
        assert_eq!(ends.reader.readexactly(2).await.unwrap(), "ab");
        assert!(!ends.reader.at_eof());
        let lent = ends.reader.fill_buf().await.unwrap().to_vec();
        assert_eq!(lent, b"c");
        assert!(!ends.reader.at_eof(), "what is lent has not been read");
        ends.reader.consume_unpin(1);
        assert_eq!(ends.reader.fill_buf().await.unwrap(), b"");
        assert!(ends.reader.at_eof());
    });
}

// SR-7
#[test]
fn the_traits_and_the_methods_read_from_one_buffer() {
    with_both(async |ends| {
        let mut ends = ends.sent(b"one\ntwo\nthree\nfour\nfive\nsix");
        let reader = &mut ends.reader;
        assert!(reader.fill_buf().await.unwrap().starts_with(b"one\n"));
        assert_eq!(reader.readline().await.unwrap(), "one\n");
        reader.fill_buf().await.unwrap();
        reader.consume_unpin(2);
        assert_eq!(reader.readuntil(b"\n").await.unwrap(), "o\n");
        let mut room = [0; 3];
        reader.read_exact(&mut room).await.unwrap();
        assert_eq!(&room, b"thr");
        let mut line = String::new();
        reader.read_line(&mut line).await.unwrap();
        assert_eq!(line, "ee\n");
        assert_eq!(reader.readexactly(2).await.unwrap(), "fo");
        reader.fill_buf().await.unwrap();
        assert_eq!(StreamReader::read(reader, 3).await.unwrap(), "ur\n");
        assert_eq!(AsyncReadExt::read(reader, &mut []).await.unwrap(), 0);
        let mut rest = String::new();
        AsyncReadExt::read_to_string(reader, &mut rest)
            .await
            .unwrap();
        assert_eq!(rest, "five\nsix");
        assert!(reader.at_eof());
    });
}

#[test]
fn fault_more_cannot_be_consumed_than_was_lent() {
    on_workers(2, async {
        let mut ends = connected(Kind::Tcp).await.sent(b"abc");
        assert_eq!(ends.reader.fill_buf().await.unwrap(), b"abc");
        let caught = runtime_tests::caught(|| ends.reader.consume_unpin(4));
        assert!(caught.text.contains("more than"), "{caught:?}");
        assert_eq!(ends.reader.read_to_end().await.unwrap(), "abc");
    });
}
