//! The limit of a reader.

use asyncio::{LimitOverrunError, ReadUntilError};
use futures::StreamExt;

use super::*;

/// The error of a `readuntil` over the limit.
#[track_caller]
fn overrun<T: std::fmt::Debug>(outcome: Result<T, ReadUntilError>) -> LimitOverrunError {
    match outcome {
        Err(ReadUntilError::LimitOverrun(error)) => error,
        other => panic!("{other:?}"),
    }
}

// SR-3
#[test]
fn as_much_as_the_limit_may_stand_before_a_separator() {
    over_both(async |kind| {
        let mut ends = connected_with(kind, 5).await.sent(b"12345\r\n123456\r\n");
        assert_eq!(ends.reader.readuntil(b"\r\n").await.unwrap(), "12345\r\n");
        let error = overrun(ends.reader.readuntil(b"\r\n").await);
        assert_eq!(error.consumed, 6);
        assert_eq!(
            error.to_string(),
            "Separator is found, but chunk is longer than limit"
        );
    });
}

// SR-3
#[test]
fn after_an_overrun_all_is_there_and_the_stream_is_of_use() {
    over_both(async |kind| {
        let Ends {
            mut reader,
            peer,
            writer: _writer,
            ..
        } = connected_with(kind, 4).await;
        let chunks: [&[u8]; 3] = [b"1234", b"56", b"7"];
        // Found.
        (&peer).write_all(b"123456;x").unwrap();
        for _ in 0..3 {
            assert_eq!(overrun(reader.readuntil(b";").await).consumed, 6);
        }
        assert_eq!(reader.readexactly(6).await.unwrap(), "123456");
        assert_eq!(reader.readuntil(b";").await.unwrap(), ";");
        assert_eq!(reader.read(9).await.unwrap(), "x");
        // Not found: what may begin a separator is not counted.
        let error = overrun(fed(&peer, &chunks, reader.readuntil(b"\r\n")).await);
        assert_eq!(
            error.to_string(),
            "Separator is not found, and chunk exceed the limit"
        );
        assert_eq!(error.consumed, 5);
        assert_eq!(reader.readexactly(error.consumed).await.unwrap(), "12345");
        (&peer).write_all(b"\r\n").unwrap();
        let rest = reader.readuntil(b"\r\n").await;
        assert!(text(rest.unwrap()).ends_with("6\r\n"));
    });
}

fn text(bytes: impl AsRef<[u8]>) -> String {
    String::from_utf8(bytes.as_ref().to_vec()).unwrap()
}

// SR-3
#[test]
fn what_can_be_consumed_ends_before_a_separator_that_has_begun() {
    over_both(async |kind| {
        let mut ends = connected_with(kind, 4).await;
        let chunks: [&[u8]; 2] = [b"123", b"456\r"];
        let read = ends.reader.readuntil(b"\r\n");
        let error = overrun(fed(&ends.peer, &chunks, read).await);
        assert_eq!(error.consumed, 6);
        let consumed = ends.reader.readexactly(error.consumed).await.unwrap();
        assert_eq!(consumed, "123456");
        let chunks: [&[u8]; 1] = [b"\n"];
        let rest = fed(&ends.peer, &chunks, ends.reader.readuntil(b"\r\n")).await;
        assert_eq!(rest.unwrap(), "\r\n");
    });
}

// SR-3, SR-4
#[test]
fn the_limit_holds_for_several_separators() {
    over_both(async |kind| {
        let mut ends = connected_with(kind, 4)
            .await
            .sent(b"12345END67;8ENDabcdefgh");
        let both: [&[u8]; 2] = [b"END", b";"];
        assert_eq!(overrun(ends.reader.readuntil(both).await).consumed, 5);
        assert_eq!(ends.reader.readexactly(5).await.unwrap(), "12345");
        assert_eq!(ends.reader.readuntil(both).await.unwrap(), "END");
        assert_eq!(ends.reader.readuntil(both).await.unwrap(), "67;");
        assert_eq!(ends.reader.readuntil(both).await.unwrap(), "8END");
        // Eight bytes, of which two may begin the longer one.
        assert_eq!(overrun(ends.reader.readuntil(both).await).consumed, 6);
        assert_eq!(ends.reader.read_to_end().await.unwrap(), "abcdefgh");
    });
}

// SR-3, SR-4
#[test]
fn fault_of_two_separators_that_end_together_the_limit_is_for_the_shorter_one() {
    over_both(async |kind| {
        let mut ends = connected_with(kind, 4).await.sent(b"1234\r\n");
        let orders: [[&[u8]; 2]; 2] = [[b"\r\n", b"\n"], [b"\n", b"\r\n"]];
        for order in orders {
            assert_eq!(overrun(ends.reader.readuntil(order).await).consumed, 5);
        }
        assert_eq!(ends.reader.readuntil(b"\r\n").await.unwrap(), "1234\r\n");
    });
}

// SR-3
#[test]
fn a_separator_longer_than_the_limit_is_found() {
    over_both(async |kind| {
        let ends = connected_with(kind, 2).await;
        let Ends {
            mut reader, peer, ..
        } = ends;
        let chunks: [&[u8]; 3] = [b"abSEPA", b"RATO", b"Rrest"];
        let found = fed(&peer, &chunks, reader.readuntil(b"SEPARATOR")).await;
        assert_eq!(found.unwrap(), "abSEPARATOR");
        assert_eq!(reader.readexactly(4).await.unwrap(), "rest");
    });
}

// SR-5
#[test]
fn a_line_over_the_limit_whose_end_has_come_is_dropped_alone() {
    over_both(async |kind| {
        let mut ends = connected_with(kind, 3).await.sent(b"123456\nabc\nrest");
        let error = ends.reader.readline().await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        assert_eq!(
            error.to_string(),
            "Separator is found, but chunk is longer than limit"
        );
        assert_eq!(ends.reader.readline().await.unwrap(), "abc\n");
        let error = ends.reader.readline().await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "Separator is not found, and chunk exceed the limit"
        );
        assert_eq!(ends.reader.readline().await.unwrap(), "");
        assert!(ends.reader.at_eof());
    });
}

// SR-5
#[test]
fn of_a_line_over_the_limit_whose_end_has_not_come_all_is_dropped() {
    over_both(async |kind| {
        let Ends {
            mut reader,
            peer,
            writer: _writer,
            ..
        } = connected_with(kind, 3).await;
        let chunks: [&[u8]; 2] = [b"12", b"3456"];
        let error = fed(&peer, &chunks, reader.readline()).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        (&peer).write_all(b"78\nabc\n").unwrap();
        assert_eq!(reader.readline().await.unwrap(), "78\n", "its rest");
        assert_eq!(reader.readline().await.unwrap(), "abc\n");
    });
}

// SR-5
#[test]
fn lines_go_on_after_one_that_was_too_long() {
    over_both(async |kind| {
        let mut ends = connected_with(kind, 3).await.sent(b"a\n123456\nb\n");
        let mut lines = ends.reader.lines();
        assert_eq!(lines.next().await.unwrap().unwrap(), "a\n");
        let error = lines.next().await.unwrap().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        assert_eq!(lines.next().await.unwrap().unwrap(), "b\n");
        assert!(lines.next().await.is_none());
    });
}

// SR-10
#[test]
fn nothing_is_received_beyond_the_limit_until_something_is_read() {
    over_both(async |kind| {
        const LIMIT: usize = 1 << 16;
        let Ends {
            mut reader,
            peer,
            writer: _writer,
            ..
        } = connected_with(kind, LIMIT).await;
        let sender = peer.try_clone().unwrap();
        let sending = std::thread::spawn(move || (&sender).write_all(&[b'x'; 8 << 20]).unwrap());
        let error = overrun(reader.readuntil(b"\n").await);
        assert!(error.consumed > LIMIT);
        assert!(error.consumed <= 2 * LIMIT, "{} bytes", error.consumed);
        for _ in 0..20 {
            let again = overrun(reader.readuntil(b"\n").await);
            assert_eq!(again.consumed, error.consumed, "nothing more was received");
        }
        // A read that wants more gets it.
        let all = reader.readexactly(8 << 20).await.unwrap();
        assert!(all.iter().all(|&byte| byte == b'x'));
        sending.join().unwrap();
    });
}

// SR-9, difference 21
#[test]
fn a_limit_of_zero_is_refused_at_its_line() {
    on_workers(2, async {
        let address = loopback();
        let tcp = runtime_tests::caught(|| open_connection(address).limit(0));
        let line = line!() - 1;
        assert_eq!(tcp.text, "Limit cannot be <= 0");
        assert_eq!(tcp.place, Some((file!().to_owned(), line)));
        let unix = runtime_tests::caught(|| open_unix_connection("/nowhere").limit(0));
        assert_eq!(unix.place.map(|place| place.1), Some(line!() - 1));
        let server = runtime_tests::caught(|| start_server(echo, address).limit(0));
        assert_eq!(server.place.map(|place| place.1), Some(line!() - 1));
        let server = runtime_tests::caught(|| start_unix_server(echo, "/nowhere").limit(0));
        assert_eq!(server.place.map(|place| place.1), Some(line!() - 1));
    });
}

// SR-4, difference 21
#[test]
fn an_empty_separator_is_refused_at_its_line() {
    on_workers(2, async {
        let mut ends = connected(Kind::Tcp).await;
        let empty = runtime_tests::caught(|| drop(ends.reader.readuntil(b"")));
        let line = line!() - 1;
        assert_eq!(empty.text, "Separator should be at least one-byte string");
        assert_eq!(empty.place, Some((file!().to_owned(), line)));
        let one_of: [&[u8]; 2] = [b"a", b""];
        let among = runtime_tests::caught(|| drop(ends.reader.readuntil(one_of)));
        assert_eq!(among.text, "Separator should be at least one-byte string");
        let none: [&[u8]; 0] = [];
        let none = runtime_tests::caught(|| drop(ends.reader.readuntil(none)));
        assert_eq!(none.text, "Separator should contain at least one element");
    });
}
