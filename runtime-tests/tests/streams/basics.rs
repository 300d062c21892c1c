//! A connection from its beginning to its end.

use std::io;
use std::time::Duration;

use asyncio::{Server, StreamReader, StreamWriter, open_connection, start_server};

async fn echo(mut reader: StreamReader, writer: StreamWriter) {
    loop {
        match reader.read(1 << 16).await {
            Ok(data) if !data.is_empty() => writer.write(&data),
            _ => break,
        }
        if writer.drain().await.is_err() {
            break;
        }
    }
}

async fn echo_server() -> Server {
    start_server(echo, "127.0.0.1:0").await.unwrap()
}

#[asyncio::test(workers = 2)]
async fn what_is_written_comes_back() {
    let server = echo_server().await;
    let (mut reader, writer) = open_connection(server.local_addrs()[0]).await.unwrap();
    writer.write(b"hello\nworld");
    assert_eq!(reader.readline().await.unwrap(), "hello\n");
    assert_eq!(reader.readexactly(3).await.unwrap(), "wor");
    writer.write_eof();
    assert_eq!(reader.read_to_end().await.unwrap(), "ld");
    assert!(reader.at_eof());
    writer.close();
    writer.wait_closed().await.unwrap();
    server.close();
    server.wait_closed().await;
}

#[asyncio::test(workers = 2)]
async fn what_is_written_and_never_drained_goes_out() {
    const SIZE: usize = 16 << 20;
    let gate = std::sync::Arc::new(asyncio::Event::new());
    let open = gate.clone();
    let server = start_server(
        move |mut reader: StreamReader, writer: StreamWriter| {
            let gate = gate.clone();
            async move {
                gate.wait().await;
                let all = reader.read_to_end().await.unwrap();
                writer.write(all.len().to_string().as_bytes());
            }
        },
        "127.0.0.1:0",
    );
    let server = server.await.unwrap();
    let (mut reader, writer) = open_connection(server.local_addrs()[0]).await.unwrap();
    writer.write(&vec![b'x'; SIZE]);
    assert!(writer.get_write_buffer_size() > 0);
    open.set();
    writer.write_eof();
    assert_eq!(reader.read_to_end().await.unwrap(), SIZE.to_string());
}

#[asyncio::test(workers = 2)]
async fn a_dropped_writer_sends_what_it_has_kept() {
    const SIZE: usize = 8 << 20;
    let server = start_server(
        |_reader: StreamReader, writer: StreamWriter| async move {
            writer.write(&vec![b'x'; SIZE]);
        },
        "127.0.0.1:0",
    );
    let server = server.await.unwrap();
    let (mut reader, _writer) = open_connection(server.local_addrs()[0]).await.unwrap();
    asyncio::sleep(Duration::from_millis(20)).await;
    assert_eq!(reader.read_to_end().await.unwrap().len(), SIZE);
}

#[asyncio::test(workers = 2)]
async fn drain_waits_for_a_peer_that_does_not_read() {
    let gate = std::sync::Arc::new(asyncio::Event::new());
    let open = gate.clone();
    let server = start_server(
        move |mut reader: StreamReader, writer: StreamWriter| {
            let gate = gate.clone();
            async move {
                let _kept = writer;
                gate.wait().await;
                reader.read_to_end().await.unwrap();
            }
        },
        "127.0.0.1:0",
    );
    let server = server.await.unwrap();
    let (mut reader, writer) = open_connection(server.local_addrs()[0]).await.unwrap();
    writer.write(&vec![b'x'; 32 << 20]);
    let waited = asyncio::wait_for(writer.drain(), Duration::from_millis(50)).await;
    assert!(waited.is_err());
    open.set();
    writer.drain().await.unwrap();
    assert!(writer.get_write_buffer_size() <= 16 << 10);
    writer.write_eof();
    assert_eq!(reader.read(1).await.unwrap(), "");
}

#[asyncio::test(workers = 2)]
async fn a_closed_writer_refuses_what_is_written() {
    let server = echo_server().await;
    let (mut reader, writer) = open_connection(server.local_addrs()[0]).await.unwrap();
    writer.close();
    writer.close();
    writer.wait_closed().await.unwrap();
    assert_eq!(reader.read(1).await.unwrap(), "");
    writer.write(b"late");
    let error = writer.drain().await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
}

/// The peer of a program that ends at once: it reads what there is, after a while.
fn late_peer() -> (std::net::SocketAddr, std::thread::JoinHandle<usize>) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let peer = std::thread::spawn(move || {
        let (mut stream, _address) = listener.accept().unwrap();
        // The kernel's buffers are full by then, and the program's loop has begun to end.
        std::thread::sleep(Duration::from_millis(100));
        let mut all = Vec::new();
        let read = io::Read::read_to_end(&mut stream, &mut all);
        read.map_or(usize::MAX, |_| all.len())
    });
    (address, peer)
}

#[test]
fn the_end_of_the_loop_waits_for_a_closed_writer() {
    const SIZE: usize = 32 << 20;
    let (address, peer) = late_peer();
    asyncio::run(async move {
        let (_reader, writer) = open_connection(address).await.unwrap();
        writer.write(&vec![b'x'; SIZE]);
    });
    assert_eq!(peer.join().unwrap(), SIZE);
}

#[test]
fn the_end_of_the_loop_waits_a_second_for_a_peer_that_does_not_read() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let began = std::time::Instant::now();
    asyncio::run(async move {
        let (_reader, writer) = open_connection(address).await.unwrap();
        writer.write(&vec![b'x'; 32 << 20]);
    });
    let spent = began.elapsed();
    assert!(
        spent >= Duration::from_secs(1) && spent < Duration::from_secs(3),
        "{spent:?}"
    );
}
