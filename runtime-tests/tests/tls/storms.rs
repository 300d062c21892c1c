//! Many connections at once, with reads that are cancelled and ends at any time.

use std::future::Future;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use asyncio::{
    ReadUntilError, StreamReader, StreamWriter, open_connection, start_server, task_group, wait_for,
};
use runtime_tests::{alone, on_workers, until};

use crate::certificates::{self, VERSIONS};
use crate::peer::{address, connect, echo, serve};

/// Numbers that are the same in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

/// Byte number `place` of what is sent.
fn byte_at(place: usize) -> u8 {
    (place * 31 + place / 251) as u8
}

/// Polls `future` once, and drops it.
async fn polled_once<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut future = Box::pin(future);
    std::future::poll_fn(move |cx| match future.as_mut().poll(cx) {
        Poll::Ready(value) => Poll::Ready(Some(value)),
        Poll::Pending => Poll::Ready(None),
    })
    .await
}

#[test]
fn a_cancelled_read_loses_no_byte_under_tls() {
    const SIZE: usize = 1 << 20;
    on_workers(2, async {
        for version in VERSIONS {
            let config = certificates::server_of(&certificates::LOCALHOST, &[version]);
            let handler = |_reader: StreamReader, writer: StreamWriter| async move {
                let all: Vec<u8> = (0..SIZE).map(byte_at).collect();
                for piece in all.chunks(10_007) {
                    writer.write(piece);
                    if writer.drain().await.is_err() {
                        break;
                    }
                    asyncio::checkpoint().await;
                }
            };
            let server = start_server(handler, "127.0.0.1:0").tls(config);
            let server = server.await.unwrap();
            let (mut reader, _writer) = connect(address(&server)).await.unwrap();
            let mut numbers = Numbers(42);
            let mut got = Vec::new();
            while got.len() < SIZE {
                let wanted = 1 + numbers.below(60_000) as usize;
                let wanted = wanted.min(SIZE - got.len());
                match numbers.below(4) {
                    0 => {
                        // At the end of the stream the error has taken what is left.
                        let read = polled_once(reader.readuntil(b"no such bytes")).await;
                        if let Some(Err(ReadUntilError::IncompleteRead(error))) = read {
                            got.extend(error.partial);
                        }
                    }
                    1 => {
                        let limit = Duration::from_micros(numbers.below(300));
                        if let Ok(read) = wait_for(reader.readexactly(wanted), limit).await {
                            got.extend(read.unwrap());
                        }
                    }
                    2 => {
                        if let Some(read) = polled_once(reader.read(wanted)).await {
                            got.extend(read.unwrap());
                        }
                    }
                    _ => got.extend(reader.read(wanted).await.unwrap()),
                }
            }
            assert!(
                got.iter()
                    .enumerate()
                    .all(|(place, &byte)| byte == byte_at(place))
            );
            assert_eq!(reader.read_to_end().await.unwrap(), "");
        }
    });
}

/// One client, which writes and reads at once in two tasks, and ends somehow.
async fn live(address: std::net::SocketAddr, seed: u64) {
    let mut numbers = Numbers(seed * 0x9E37_79B9 + 1);
    let connection = open_connection(address).tls(certificates::client(), "localhost");
    let Some((mut reader, writer)) = (match numbers.below(8) {
        0 => polled_once(connection).await.map(Result::unwrap),
        1 => {
            let limit = Duration::from_millis(numbers.below(10));
            wait_for(connection, limit).await.ok().map(Result::unwrap)
        }
        _ => Some(connection.await.unwrap()),
    }) else {
        return;
    };
    let writer = Arc::new(writer);
    let (sender, sent) = (writer.clone(), 1 + numbers.below(400_000) as usize);
    let writing = asyncio::create_task(async move {
        let all: Vec<u8> = (0..sent).map(byte_at).collect();
        for piece in all.chunks(7001) {
            sender.write(piece);
            if sender.drain().await.is_err() {
                return;
            }
        }
    });
    let ends_early = numbers.below(3) == 0;
    let until = if ends_early {
        numbers.below(sent as u64) as usize
    } else {
        sent
    };
    let mut place = 0;
    while place < until {
        let data = reader.read(1 << 16).await.unwrap();
        assert!(!data.is_empty(), "the end after {place} of {sent} bytes");
        for &byte in &data {
            assert_eq!(byte, byte_at(place));
            place += 1;
        }
    }
    match numbers.below(4) {
        0 => writer.abort(),
        1 => drop(writing.cancel()),
        2 => writer.close(),
        _ => {}
    }
    let _ended = writing.await;
    writer.close();
    writer.wait_closed().await.unwrap();
}

// Nothing hangs, nothing is left, and what is read is what was sent.
#[test]
fn clients_that_end_at_any_time_leave_nothing() {
    alone(|| {
        let descriptors = || std::fs::read_dir("/proc/self/fd").unwrap().count();
        on_workers(3, async {
            let server = serve(echo).await;
            let address = address(&server);
            let before = descriptors();
            for round in 0..6 {
                let outcome = task_group(async |group| {
                    for client in 0..25 {
                        group.create_task(async move {
                            live(address, 1000 * round + client).await;
                            Ok::<(), std::io::Error>(())
                        });
                    }
                    Ok(())
                });
                outcome.await.unwrap();
            }
            server.close();
            server.wait_closed().await;
            until(|| descriptors() < before).await;
        });
    });
}

// Several tasks write to one connection, and one ends it, while another reads.
#[test]
fn several_writers_keep_their_records_whole() {
    on_workers(3, async {
        let server = serve(echo).await;
        let (mut reader, writer) = connect(address(&server)).await.unwrap();
        let writer = Arc::new(writer);
        let writers: Vec<_> = (0..4_u8)
            .map(|number| {
                let writer = writer.clone();
                asyncio::create_task(async move {
                    for _ in 0..200 {
                        writer.write(&[number; 1000]);
                        writer.drain().await.unwrap();
                    }
                })
            })
            .collect();
        let mut counts = [0; 4];
        for _ in 0..800 {
            let piece = reader.readexactly(1000).await.unwrap();
            assert!(piece.iter().all(|&byte| byte == piece[0]));
            counts[piece[0] as usize] += 1;
        }
        assert_eq!(counts, [200; 4]);
        for writer in writers {
            writer.await.unwrap();
        }
        writer.close();
        writer.wait_closed().await.unwrap();
    });
}

// They are not too long for the loop's clock.
#[test]
fn limits_may_be_for_ever() {
    on_workers(2, async {
        let server = serve(echo).await;
        let connection = open_connection(address(&server)).ssl_handshake_timeout(Duration::MAX);
        let connection = connection.ssl_shutdown_timeout(Duration::MAX);
        let connection = connection.tls(certificates::client(), "localhost");
        let (_reader, writer) = connection.await.unwrap();
        writer.close();
        writer.wait_closed().await.unwrap();
    });
}

// Cancelled while it waits for the peer to take bytes: they are sent all the same.
#[test]
fn a_cancelled_drain_loses_no_byte_under_tls() {
    const SIZE: usize = 4 << 20;
    on_workers(2, async {
        let handler = |mut reader: StreamReader, writer: StreamWriter| async move {
            asyncio::sleep(Duration::from_millis(30)).await;
            let all = reader.readexactly(SIZE).await.unwrap();
            assert!(
                all.iter()
                    .enumerate()
                    .all(|(place, &byte)| byte == byte_at(place))
            );
            writer.write(b"all\n");
        };
        let server = serve(handler).await;
        let (mut reader, writer) = connect(address(&server)).await.unwrap();
        let all: Vec<u8> = (0..SIZE).map(byte_at).collect();
        for piece in all.chunks(100_000) {
            writer.write(piece);
            let _drained = polled_once(writer.drain()).await;
        }
        assert_eq!(reader.readline().await.unwrap(), "all\n");
    });
}
