//! Writing: `write`, `drain`, the marks, `write_eof`, and the trait.

use std::io::Read;

use asyncio::{Event, create_task};
use futures::AsyncWriteExt;

use super::*;

/// More than the system takes of a connection at once.
const MUCH: usize = 32 << 20;

/// Reads all that the peer gets, on a thread.
fn collect(peer: Socket) -> std::thread::JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut all = Vec::new();
        (&peer).read_to_end(&mut all).unwrap();
        all
    })
}

// SW-1
#[test]
fn write_sends_at_once_and_keeps_the_rest_without_bound() {
    with_both(async |ends| {
        let Ends { writer, peer, .. } = ends;
        writer.write(b"at once");
        assert_eq!(writer.get_write_buffer_size(), 0);
        let mut room = [0; 7];
        (&peer).read_exact(&mut room).unwrap();
        assert_eq!(&room, b"at once");
        writer.write(&vec![b'x'; MUCH]);
        let kept = writer.get_write_buffer_size();
        assert!(kept > MUCH / 2, "{kept} bytes");
        writer.write(b"");
        assert_eq!(writer.get_write_buffer_size(), kept);
        // Kept behind what is there: exactly as much more.
        for count in 1..=100 {
            writer.write(&[b'y'; 1000]);
            assert_eq!(writer.get_write_buffer_size(), kept + 1000 * count);
        }
        let collecting = collect(peer);
        writer.close();
        writer.wait_closed().await.unwrap();
        let all = collecting.join().unwrap();
        assert_eq!(all.len(), MUCH + 100_000);
        assert!(all[MUCH..].iter().all(|&byte| byte == b'y'));
    });
}

// SW-1
#[test]
fn pieces_arrive_in_their_order_whatever_the_system_takes() {
    with_both(async |ends| {
        let Ends { writer, peer, .. } = ends;
        SockRef::from(&peer).set_recv_buffer_size(1 << 16).unwrap();
        let mut expected = Vec::new();
        for number in 0..20_000_u32 {
            let piece = number.to_le_bytes().repeat(number as usize % 50);
            match number % 3 {
                0 => writer.write(&piece),
                1 => writer.writelines([&piece[..], b"", b"|"]),
                _ => writer.writelines(piece.chunks(7)),
            }
            expected.extend_from_slice(&piece);
            if number % 3 == 1 {
                expected.push(b'|');
            }
        }
        let collecting = collect(peer);
        drop(writer);
        assert!(collecting.join().unwrap() == expected);
    });
}

// SW-14
#[test]
fn writelines_with_an_empty_last_piece_goes_out() {
    with_both(async |ends| {
        let Ends { writer, peer, .. } = ends;
        writer.set_write_buffer_limits(0, None);
        writer.writelines([&b"one "[..], b"two", b""]);
        writer.drain().await.unwrap();
        let mut room = [0; 7];
        (&peer).read_exact(&mut room).unwrap();
        assert_eq!(&room, b"one two");
        let none: [&[u8]; 0] = [];
        writer.writelines(none);
        writer.writelines([b"", b""]);
        // Behind bytes that are kept.
        writer.set_write_buffer_limits(None, None);
        writer.write(&vec![b'x'; MUCH]);
        writer.writelines([&b"end"[..], b""]);
        let collecting = collect(peer);
        writer.drain().await.unwrap();
        writer.close();
        wait_for(writer.wait_closed(), PATIENCE)
            .await
            .unwrap()
            .unwrap();
        assert!(collecting.join().unwrap().ends_with(b"xend"));
    });
}

// SW-2
#[test]
fn drain_returns_at_once_below_the_high_mark() {
    with_both(async |ends| {
        let Ends { writer, .. } = &ends;
        writer.write(&vec![b'x'; MUCH]);
        // Much more than is kept: nothing is above the mark.
        writer.set_write_buffer_limits(4 * MUCH, 4 * MUCH);
        assert!(writer.get_write_buffer_size() > 0);
        let drained = poll_fn(|cx| Poll::Ready(pin!(writer.drain()).poll(cx))).await;
        assert!(matches!(drained, Poll::Ready(Ok(()))), "{drained:?}");
        assert!(writer.get_write_buffer_size() > 0, "it is no flush");
    });
}

// SW-2
#[test]
fn drain_waits_above_the_high_mark_until_the_low_one() {
    with_both(async |ends| {
        let Ends { writer, peer, .. } = ends;
        let (high, low) = (1 << 20, 1000);
        writer.set_write_buffer_limits(high, low);
        writer.write(&vec![b'x'; MUCH]);
        assert!(writer.get_write_buffer_size() > high);
        assert_waits(writer.drain()).await;
        let collecting = collect(peer);
        writer.drain().await.unwrap();
        assert!(writer.get_write_buffer_size() <= low);
        drop(writer);
        assert_eq!(collecting.join().unwrap().len(), MUCH);
    });
}

// SW-2
#[test]
fn with_a_high_mark_of_zero_drain_waits_until_all_is_sent() {
    with_both(async |ends| {
        let Ends { writer, peer, .. } = ends;
        writer.set_write_buffer_limits(0, None);
        let collecting = collect(peer);
        for _ in 0..20 {
            writer.write(&vec![b'x'; 1 << 20]);
            writer.drain().await.unwrap();
            assert_eq!(writer.get_write_buffer_size(), 0);
        }
        drop(writer);
        assert_eq!(collecting.join().unwrap().len(), 20 << 20);
    });
}

// SW-2, difference 21
#[test]
fn a_low_mark_above_the_high_one_is_refused_at_its_line() {
    on_workers(2, async {
        let writer = connected(Kind::Tcp).await.writer;
        let caught = runtime_tests::caught(|| writer.set_write_buffer_limits(10, 11));
        let line = line!() - 1;
        assert_eq!(caught.text, "high (10) must be >= low (11) must be >= 0");
        assert_eq!(caught.place, Some((file!().to_owned(), line)));
        // Above the default.
        runtime_tests::caught(|| writer.set_write_buffer_limits(10, 1 << 20));
        writer.set_write_buffer_limits(10, 10);
        writer.set_write_buffer_limits(0, 0);
        // Only the low one: the high one is four times as much.
        writer.set_write_buffer_limits(None, 1 << 20);
    });
}

// SW-2
#[test]
fn fault_a_low_mark_without_an_end_means_no_flow_control() {
    on_workers(2, async {
        let ends = connected(Kind::Tcp).await;
        let writer = &ends.writer;
        writer.set_write_buffer_limits(None, usize::MAX);
        writer.write(&vec![b'x'; MUCH]);
        writer.drain().await.unwrap();
        assert!(writer.get_write_buffer_size() > 0);
    });
}

// SW-2
#[test]
fn a_hundred_tasks_drain_one_writer() {
    with_both(async |ends| {
        let Ends { writer, peer, .. } = ends;
        let writer = Arc::new(writer);
        writer.write(&vec![b'x'; MUCH]);
        let (waiting, done) = (Arc::new(AtomicUsize::new(0)), Arc::new(Event::new()));
        let draining: Vec<_> = (0..100)
            .map(|_| {
                let (writer, waiting) = (Arc::clone(&writer), Arc::clone(&waiting));
                let done = Arc::clone(&done);
                create_task(async move {
                    waiting.fetch_add(1, Ordering::SeqCst);
                    let drained = writer.drain().await;
                    assert!(done.is_set(), "the peer has not read yet");
                    drained
                })
            })
            .collect();
        until_slowly(|| waiting.load(Ordering::SeqCst) == 100).await;
        // Some give up: that hurts neither the others nor what was written.
        for task in draining.iter().step_by(3) {
            task.cancel();
        }
        sleep(10 * TICK).await;
        done.set();
        let collecting = collect(peer);
        for (number, task) in draining.into_iter().enumerate() {
            let drained = wait_for(task, PATIENCE).await.unwrap();
            match number % 3 {
                0 => assert!(drained.is_err()),
                _ => drained.unwrap().unwrap(),
            }
        }
        writer.close();
        writer.wait_closed().await.unwrap();
        assert_eq!(collecting.join().unwrap().len(), MUCH);
    });
}

// SW-2, SW-3
#[test]
fn all_who_drain_hear_of_a_lost_connection() {
    on_workers(2, async {
        let Ends {
            writer,
            peer,
            reader: _reader,
            ..
        } = connected(Kind::Tcp).await;
        let writer = Arc::new(writer);
        writer.write(&vec![b'x'; MUCH]);
        let draining: Vec<_> = (0..20)
            .map(|_| {
                let writer = Arc::clone(&writer);
                create_task(async move { writer.drain().await })
            })
            .collect();
        sleep(5 * TICK).await;
        reset(peer);
        for task in draining {
            let drained = wait_for(task, PATIENCE).await.unwrap().unwrap();
            let kind = drained.unwrap_err().kind();
            assert_eq!(kind, io::ErrorKind::ConnectionReset);
        }
        assert_eq!(
            writer.get_write_buffer_size(),
            0,
            "nothing is kept for nobody"
        );
        for _ in 0..3 {
            writer.drain().await.unwrap_err();
            writer.wait_closed().await.unwrap_err();
        }
    });
}

// SW-3
#[test]
fn the_error_of_a_write_comes_with_a_later_drain() {
    with_both(async |ends| {
        let Ends {
            writer,
            peer,
            reader: _reader,
            kind,
        } = ends;
        drop(peer);
        let error = loop {
            writer.write(b"into the void");
            if let Err(error) = writer.drain().await {
                break error;
            }
        };
        let kinds = [io::ErrorKind::BrokenPipe, io::ErrorKind::ConnectionReset];
        assert!(kinds.contains(&error.kind()), "{kind:?}: {error}");
        assert!(error.raw_os_error().is_some(), "the system's: {error}");
        assert!(writer.is_closing());
        let again = writer.wait_closed().await.unwrap_err();
        assert_eq!(again.kind(), error.kind());
    });
}

// SW-3
#[test]
fn fault_after_a_loss_drain_tells_of_the_loss_and_not_of_refused_bytes() {
    with_both(async |ends| {
        let Ends {
            writer,
            peer,
            reader: _reader,
            ..
        } = ends;
        drop(peer);
        until_slowly(|| {
            writer.write(b"into the void");
            writer.is_closing()
        })
        .await;
        writer.write(b"and more");
        for _ in 0..2 {
            let error = writer.drain().await.unwrap_err();
            assert!(error.raw_os_error().is_some(), "{error}");
        }
    });
}

// SW-5, difference 9
#[test]
fn what_is_written_after_close_is_refused_even_while_it_is_sent() {
    with_both(async |ends| {
        let Ends { writer, peer, .. } = ends;
        writer.write(&vec![b'x'; MUCH]);
        writer.close();
        assert!(writer.is_closing());
        writer.write(b"late");
        let error = writer.drain().await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
        assert!(error.to_string().starts_with("Connection lost"), "{error}");
        let collecting = collect(peer);
        writer.wait_closed().await.unwrap();
        let all = collecting.join().unwrap();
        assert_eq!(all.len(), MUCH, "and nothing of it is sent");
        let error = writer.drain().await.unwrap_err();
        assert_eq!(error.to_string(), "Connection lost");
    });
}

// SW-6, SW-7
#[test]
fn write_eof_ends_the_writes_after_all_is_sent_and_reading_goes_on() {
    with_both(async |ends| {
        let Ends {
            mut reader,
            writer,
            peer,
            ..
        } = ends;
        assert!(writer.can_write_eof());
        writer.write(&vec![b'x'; MUCH]);
        writer.write_eof();
        writer.write_eof();
        assert!(!writer.is_closing());
        let collecting = collect(peer.try_clone().unwrap());
        assert_eq!(collecting.join().unwrap().len(), MUCH);
        (&peer).write_all(b"an answer\n").unwrap();
        assert_eq!(reader.readline().await.unwrap(), "an answer\n");
        assert_waits(reader.read(1)).await;
        writer.write(b"late");
        let error = writer.drain().await.unwrap_err();
        assert_eq!(error.to_string(), "Cannot call write() after write_eof()");
        writer.drain().await.unwrap();
        (&peer).write_all(b"another\n").unwrap();
        assert_eq!(reader.readline().await.unwrap(), "another\n");
    });
}

// SW-6
#[test]
fn the_end_of_the_peer_does_not_end_our_writes() {
    with_both(async |ends| {
        let mut ends = ends.sent(b"question");
        assert_eq!(ends.reader.read_to_end().await.unwrap(), "question");
        let collecting = collect(ends.peer.try_clone().unwrap());
        for _ in 0..100 {
            ends.writer.write(&[b'x'; 10_000]);
            ends.writer.drain().await.unwrap();
        }
        ends.writer.close();
        ends.writer.wait_closed().await.unwrap();
        assert_eq!(collecting.join().unwrap().len(), 1_000_000);
    });
}

#[test]
fn the_trait_writes_flushes_and_ends() {
    with_both(async |ends| {
        let Ends {
            mut reader,
            mut writer,
            peer,
            ..
        } = ends;
        let collecting = collect(peer.try_clone().unwrap());
        let piece = vec![b'x'; 1 << 20];
        for _ in 0..16 {
            writer.write_all(&piece).await.unwrap();
            assert!(writer.get_write_buffer_size() <= (1 << 20) + (64 << 10));
        }
        writer.flush().await.unwrap();
        assert_eq!(writer.get_write_buffer_size(), 0);
        let parts = [io::IoSlice::new(b"one"), io::IoSlice::new(b"two")];
        assert_eq!((&writer).write_vectored(&parts).await.unwrap(), 6);
        AsyncWriteExt::close(&mut writer).await.unwrap();
        let all = collecting.join().unwrap();
        assert_eq!(all.len(), (16 << 20) + 6);
        assert!(all.ends_with(b"onetwo"));
        (&peer).write_all(b"answer").unwrap();
        assert_eq!(reader.readexactly(6).await.unwrap(), "answer");
    });
}

// SW-5, SW-6, difference 9
#[test]
fn fault_the_trait_refuses_what_is_written_after_the_end() {
    with_both(async |ends| {
        let mut writer = ends.writer;
        writer.write_eof();
        let error = writer.write_all(b"late").await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
        StreamWriter::drain(&writer).await.unwrap();
        let ends = connected(ends.kind).await;
        let mut writer = ends.writer;
        StreamWriter::write(&writer, &vec![b'x'; MUCH]);
        StreamWriter::set_write_buffer_limits(&writer, 2 * MUCH, None);
        StreamWriter::close(&writer);
        let error = writer.write_all(b"late").await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    });
}

#[test]
fn fault_the_trait_goes_on_once_the_marks_allow_it() {
    with_both(async |ends| {
        ends.writer.write(&vec![0; 4 << 20]);
        let more = async { (&ends.writer).write_all(b"x").await };
        let raise = async {
            asyncio::checkpoint().await;
            ends.writer.set_write_buffer_limits(64 << 20, None);
        };
        let begun = Instant::now();
        let both = wait_for(futures::future::join(more, raise), PATIENCE).await;
        let (written, ()) = both.expect("it goes on");
        written.unwrap();
        // Not when the time is over, and it is polled once more.
        assert!(begun.elapsed() < PATIENCE / 2);
        ends.writer.abort();
    });
}
