//! The end of a connection: `close`, `abort`, `wait_closed`, and halves that are dropped.

use std::io::Read;

use asyncio::{Runner, create_task};
use runtime_tests::{alone, watched};

use super::*;

/// More than the system takes of a connection at once.
const MUCH: usize = 32 << 20;

fn read_all(peer: &Socket) -> usize {
    let mut all = Vec::new();
    let mut peer = peer;
    peer.read_to_end(&mut all).unwrap();
    all.len()
}

// SW-4
#[test]
fn close_sends_what_is_kept_and_may_be_called_again() {
    with_both(async |ends| {
        let Ends {
            mut reader,
            writer,
            peer,
            ..
        } = ends;
        writer.write(&vec![b'x'; MUCH]);
        writer.close();
        writer.close();
        assert!(writer.is_closing());
        assert_waits(writer.wait_closed()).await;
        let reading = std::thread::spawn(move || read_all(&peer));
        for _ in 0..3 {
            writer.wait_closed().await.unwrap();
        }
        writer.close();
        assert_eq!(reading.join().unwrap(), MUCH);
        assert_eq!(reader.read(1).await.unwrap(), "");
        assert!(reader.at_eof());
    });
}

// SW-4
#[test]
fn many_wait_for_one_close() {
    with_both(async |ends| {
        let Ends {
            writer,
            reader: _reader,
            peer: _peer,
            ..
        } = ends;
        let writer = Arc::new(writer);
        let waiting: Vec<_> = (0..50)
            .map(|_| {
                let writer = Arc::clone(&writer);
                create_task(async move { writer.wait_closed().await })
            })
            .collect();
        for task in waiting.iter().step_by(2) {
            task.cancel();
        }
        writer.close();
        for (number, task) in waiting.into_iter().enumerate() {
            let closed = wait_for(task, PATIENCE).await.unwrap();
            assert!(number % 2 == 0 || closed.is_ok_and(|closed| closed.is_ok()));
        }
    });
}

// SW-4
#[test]
fn a_reader_that_waits_sees_the_end_after_a_local_close() {
    with_both(async |ends| {
        let Ends {
            mut reader,
            writer,
            peer: _peer,
            ..
        } = ends;
        let reading = create_task(async move {
            let line = reader.readline().await;
            (line, reader)
        });
        sleep(TICK).await;
        writer.close();
        let (line, mut reader) = wait_for(reading, PATIENCE).await.unwrap().unwrap();
        assert_eq!(line.unwrap(), "");
        assert_eq!(reader.read_to_end().await.unwrap(), "");
    });
}

// SW-4
#[test]
fn what_the_reader_has_it_gives_after_a_local_close() {
    with_both(async |ends| {
        let Ends {
            mut reader,
            writer,
            peer,
            ..
        } = ends;
        (&peer).write_all(b"one\ntwo\n").unwrap();
        assert_eq!(reader.readline().await.unwrap(), "one\n");
        writer.close();
        writer.wait_closed().await.unwrap();
        assert_eq!(reader.readline().await.unwrap(), "two\n");
        assert_eq!(reader.readline().await.unwrap(), "");
    });
}

// SW-4
#[test]
fn abort_drops_what_is_kept_and_ends_at_once() {
    with_both(async |ends| {
        let Ends {
            mut reader,
            writer,
            peer,
            ..
        } = ends;
        writer.write(&vec![b'x'; MUCH]);
        writer.close();
        writer.abort();
        assert_eq!(writer.get_write_buffer_size(), 0);
        wait_for(writer.wait_closed(), PATIENCE)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(reader.read(1).await.unwrap(), "");
        writer.abort();
        writer.drain().await.unwrap_err();
        let got = std::thread::spawn(move || read_all(&peer)).join().unwrap();
        assert!(got < MUCH, "{got} bytes");
    });
}

// SW-4
#[test]
fn who_drains_is_woken_by_an_abort() {
    with_both(async |ends| {
        let Ends {
            writer,
            reader: _reader,
            peer: _peer,
            ..
        } = ends;
        let writer = Arc::new(writer);
        writer.write(&vec![b'x'; MUCH]);
        let draining = Arc::clone(&writer);
        let draining = create_task(async move { draining.drain().await });
        sleep(TICK).await;
        writer.abort();
        let drained = wait_for(draining, PATIENCE).await.unwrap().unwrap();
        assert_eq!(drained.unwrap_err().to_string(), "Connection lost");
    });
}

// SW-9, difference 9
#[test]
fn a_dropped_writer_closes_and_what_it_kept_is_sent() {
    with_both(async |ends| {
        let Ends {
            mut reader,
            writer,
            peer,
            ..
        } = ends;
        writer.write(&vec![b'x'; MUCH]);
        drop(writer);
        let reading = std::thread::spawn(move || read_all(&peer));
        assert_eq!(reader.read(1).await.unwrap(), "");
        assert_eq!(reading.join().unwrap(), MUCH);
    });
}

#[test]
fn a_dropped_reader_leaves_the_writer_alone() {
    with_both(async |ends| {
        let Ends {
            reader,
            writer,
            peer,
            ..
        } = ends;
        drop(reader);
        writer.write(b"still here");
        writer.drain().await.unwrap();
        let mut room = [0; 10];
        (&peer).read_exact(&mut room).unwrap();
        assert_eq!(&room, b"still here");
        drop(writer);
        assert_eq!(read_all(&peer), 0);
    });
}

// SW-8
#[test]
fn addresses_stay_known_after_the_end() {
    on_workers(2, async {
        let ends = connected(Kind::Tcp).await;
        let (local, peer) = (ends.peer.local_addr(), ends.peer.peer_addr());
        let (local, peer) = (local.unwrap().as_socket(), peer.unwrap().as_socket());
        ends.writer.abort();
        assert_eq!(ends.writer.peer_addr().ok(), local);
        assert_eq!(ends.writer.local_addr().ok(), peer);
        let unix = connected(Kind::Unix).await.writer;
        let error = unix.peer_addr().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::Unsupported);
    });
}

// SW-13
#[test]
fn opening_fails_with_the_error_of_the_system() {
    on_workers(2, async {
        let unused = std::net::TcpListener::bind(loopback()).unwrap();
        let address = unused.local_addr().unwrap();
        drop(unused);
        let error = open_connection(address).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
        let missing = open_unix_connection(socket_path()).await.unwrap_err();
        assert_eq!(missing.kind(), io::ErrorKind::NotFound);
        open_connection("not an address").await.unwrap_err();
    });
}

// SW-13
#[test]
fn a_cancelled_open_closes_its_socket() {
    alone(|| {
        leaves_nothing(async || {
            // Its backlog is full: what connects now waits.
            let listener = Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
            listener.bind(&loopback().into()).unwrap();
            listener.listen(0).unwrap();
            let address = listener.local_addr().unwrap().as_socket().unwrap();
            let mut filling = Vec::new();
            for _ in 0..10 {
                match wait_for(open_connection(address), 20 * TICK).await {
                    Ok(opened) => filling.push(opened.unwrap()),
                    Err(_) => break,
                }
            }
            let opening = create_task(open_connection(address));
            sleep(5 * TICK).await;
            opening.cancel();
            assert!(opening.await.is_err());
            drop(open_connection(address));
        })
    });
}

// SW-9
#[test]
fn no_end_of_a_connection_leaves_a_descriptor_or_a_task() {
    alone(|| {
        leaves_nothing(async || {
            for kind in KINDS {
                for way in 0..8 {
                    let Ends {
                        mut reader,
                        writer,
                        peer,
                        ..
                    } = connected(kind).await;
                    writer.write(&vec![b'x'; way % 2 * MUCH]);
                    match way / 2 {
                        0 => writer.abort(),
                        1 => drop((writer, peer)),
                        2 => {
                            reset(peer);
                            let _lost = reader.read_to_end().await;
                            let _lost = writer.drain().await;
                        }
                        _ => {
                            let reading = std::thread::spawn(move || read_all(&peer));
                            writer.close();
                            writer.wait_closed().await.unwrap();
                            reading.join().unwrap();
                        }
                    }
                }
            }
        })
    });
}

// SW-9
#[test]
fn a_loop_that_ends_closes_what_was_never_sent() {
    alone(|| {
        let scene = || {
            let mut runner = Runner::builder().workers(2).build().unwrap();
            let (ends, others) = runner.run(async {
                let ends = connected(Kind::Tcp).await;
                ends.writer.write(&vec![b'x'; MUCH]);
                let others = connected(Kind::Unix).await;
                others.writer.write(&vec![b'x'; MUCH]);
                (ends, others)
            });
            let Ends {
                reader,
                writer,
                peer,
                ..
            } = ends;
            // One half is dropped before the end of the loop, and one after it.
            drop(writer);
            runner.close();
            others.writer.write(b"nobody sends it");
            drop((reader, peer, others));
        };
        scene();
        let before = open_descriptors();
        scene();
        watched(|| {
            while open_descriptors() > before {
                std::thread::yield_now();
            }
        });
    });
}
