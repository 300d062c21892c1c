//! Tests of `copy` and `copy_bidirectional`.

use asyncio::io::{copy, copy_bidirectional};
use asyncio::net::UnixStream;
use futures::io::{AllowStdIo, BufWriter, Cursor};
use futures::{AsyncReadExt, AsyncWriteExt};

use super::*;

/// Some bytes that differ from one place to the other.
fn some_bytes(count: usize) -> Vec<u8> {
    (0..count).map(|number| (number * 7 / 5) as u8).collect()
}

#[test]
fn everything_is_copied_and_counted() {
    on_workers(2, async {
        let data = some_bytes(1_000_001);
        let (left, right) = UnixStream::pair().unwrap();
        let expected = data.clone();
        let reading = create_task(async move {
            let mut all = Vec::new();
            let mut right = right;
            right.read_to_end(&mut all).await.unwrap();
            assert!(all == expected);
        });
        let count = copy(&data[..], BufWriter::new(&left)).await.unwrap();
        assert_eq!(count, 1_000_001);
        drop(left);
        reading.await.unwrap();
    });
}

// A writer with a buffer would hold back what the peer waits for.
#[test]
fn what_is_buffered_is_flushed_while_nothing_comes() {
    on_workers(2, async {
        let (source, source_end) = UnixStream::pair().unwrap();
        let (sink, sink_end) = UnixStream::pair().unwrap();
        let copying = create_task(async move { copy(source_end, BufWriter::new(sink)).await });
        for _ in 0..50 {
            source.write_all(b"ping").await.unwrap();
            let mut buffer = [0; 4];
            let read = wait_for(sink_end.read_exact(&mut buffer), PATIENCE).await;
            read.unwrap().unwrap();
        }
        drop(source);
        assert_eq!(copying.await.unwrap().unwrap(), 200);
    });
}

#[test]
fn a_proxy_passes_half_closed_connections_on() {
    on_workers(2, async {
        let listener = TcpListener::bind(loopback()).await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = create_task(async move {
            for _ in 0..10 {
                let (mut stream, _) = listener.accept().await.unwrap();
                create_task(async move {
                    // It answers when the request has ended, and not before.
                    let mut request = Vec::new();
                    stream.read_to_end(&mut request).await.unwrap();
                    request.reverse();
                    AsyncWriteExt::write_all(&mut stream, &request)
                        .await
                        .unwrap();
                    AsyncWriteExt::write_all(&mut stream, b"end").await.unwrap();
                });
            }
        });
        for round in 0..10 {
            let (mut client, client_end) = connected().await;
            let proxy = create_task(async move {
                let server_end = TcpStream::connect(address).await?;
                copy_bidirectional(client_end, server_end).await
            });
            let request = some_bytes(1 + 6_000 * round);
            AsyncWriteExt::write_all(&mut client, &request)
                .await
                .unwrap();
            client.close().await.unwrap();
            let mut answer = Vec::new();
            client.read_to_end(&mut answer).await.unwrap();
            let expected: Vec<u8> = request.iter().rev().chain(b"end").copied().collect();
            assert!(answer == expected);
            let counts = proxy.await.unwrap().unwrap();
            let length = request.len() as u64;
            assert_eq!(counts, (length, length + 3));
        }
        server.await.unwrap();
    });
}

#[test]
fn both_directions_are_copied_at_once() {
    on_workers(2, async {
        let (client, client_end) = connected().await;
        let (server, server_end) = connected().await;
        let proxy = create_task(copy_bidirectional(client_end, server_end));
        let data = some_bytes(1_000_000);
        let ends = [client, server].map(|stream| {
            let data = data.clone();
            create_task(async move {
                let (reader, writer) = stream.into_split();
                let expected = data.clone();
                let writing = create_task(async move { writer.write_all(&data).await });
                let mut all = Vec::new();
                let mut reader = reader;
                reader.read_to_end(&mut all).await?;
                assert!(all == expected);
                writing.await.unwrap()
            })
        });
        for end in ends {
            end.await.unwrap().unwrap();
        }
        let counts = proxy.await.unwrap().unwrap();
        assert_eq!(counts, (1_000_000, 1_000_000));
    });
}

#[test]
fn an_error_of_either_side_ends_it() {
    on_workers(2, async {
        let (client, client_end) = connected().await;
        let (server, server_end) = connected().await;
        let proxy = create_task(copy_bidirectional(client_end, server_end));
        client.write_all(b"hello").await.unwrap();
        server.read_exact(&mut [0; 5]).await.unwrap();
        client.set_linger(Some(Duration::ZERO)).unwrap();
        drop(client);
        let outcome = wait_for(proxy, PATIENCE).await.unwrap().unwrap();
        assert_eq!(outcome.unwrap_err().kind(), io::ErrorKind::ConnectionReset);
        assert_eq!(server.read(&mut [0; 5]).await.unwrap(), 0);

        let mut room = [0; 10];
        let refused = copy(&[1; 100][..], Cursor::new(&mut room[..])).await;
        assert_eq!(refused.unwrap_err().kind(), io::ErrorKind::WriteZero);
        assert_eq!(room, [1; 10]);
    });
}

#[test]
fn a_copy_that_is_always_ready_lets_others_run() {
    on_workers(1, async {
        let endless = futures::io::repeat(1);
        let copied = wait_for(copy(endless, AllowStdIo::new(io::sink())), 20 * TICK).await;
        assert!(matches!(copied, Err(TimeoutError)));
    });
}

#[test]
fn a_cancelled_copy_loses_no_more_than_one_buffer() {
    on_workers(2, async {
        let data = some_bytes(1_000_000);
        let (left, right) = UnixStream::pair().unwrap();
        let (source, source_end) = UnixStream::pair().unwrap();
        let sent = data.clone();
        let feeding = create_task(async move { source.write_all(&sent).await });
        // The writer takes what its buffer holds, and then nothing more.
        let stopped = wait_for(copy(&source_end, &left), 20 * TICK).await;
        assert!(matches!(stopped, Err(TimeoutError)));
        drop(left);
        let (mut written, mut rest) = (Vec::new(), Vec::new());
        (&right).read_to_end(&mut written).await.unwrap();
        (&source_end).read_to_end(&mut rest).await.unwrap();
        feeding.await.unwrap().unwrap();
        assert!(data.starts_with(&written) && data.ends_with(&rest));
        let lost = data.len() - written.len() - rest.len();
        assert!(lost <= 16 * 1024, "{lost} bytes are lost");
    });
}
