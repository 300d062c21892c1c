//! `start_tls`: connections that are encrypted later.

use std::future::Future;
use std::io::{self, Read, Write};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use asyncio::streams::rustls::{Connection, ServerConnection, StreamOwned};
use asyncio::{
    Server, StreamReader, StreamWriter, connect_write_pipe, open_connection, start_server, wait_for,
};
use futures::io::{AsyncBufReadExt, AsyncWriteExt};
use runtime_tests::{alone, begun, on_workers};
use rustix::time::{ClockId, clock_gettime};

use crate::certificates;
use crate::peer::{self, accept_plain, address, echo, joined};

/// Answers `STARTTLS`, encrypts, and echoes.
async fn upgrade(mut reader: StreamReader, writer: StreamWriter) {
    let line = reader.readline().await.unwrap();
    assert_eq!(line, "STARTTLS\n");
    writer.write(b"go ahead\n");
    let started = writer.start_server_tls(certificates::server()).await;
    if started.is_ok() {
        echo(reader, writer).await;
    }
}

async fn upgrading_server() -> Server {
    start_server(upgrade, "127.0.0.1:0").await.unwrap()
}

/// A client whose server has said that it goes ahead.
async fn ready_client(server: &Server) -> (StreamReader, StreamWriter) {
    let (mut reader, writer) = open_connection(address(server)).await.unwrap();
    writer.write(b"STARTTLS\n");
    assert_eq!(reader.readline().await.unwrap(), "go ahead\n");
    (reader, writer)
}

// SW-11
#[test]
fn a_connection_is_encrypted_by_both_sides() {
    on_workers(2, async {
        let server = upgrading_server().await;
        let (mut reader, writer) = ready_client(&server).await;
        assert_eq!(writer.tls_session(), None);
        let started = writer.start_tls(certificates::client(), "localhost");
        started.await.unwrap();
        let session = writer.tls_session().unwrap();
        assert_eq!(session.protocol_version.as_deref(), Some("TLSv1.3"));
        assert!(!writer.can_write_eof());
        writer.write(b"hello\n");
        assert_eq!(reader.readline().await.unwrap(), "hello\n");
        writer.close();
        assert_eq!(reader.read(1).await.unwrap(), "");
        writer.wait_closed().await.unwrap();
    });
}

/// The greeting of a client of rustls.
fn greeting() -> (Connection, Vec<u8>) {
    let name = "localhost".try_into().unwrap();
    let config = Arc::new(certificates::client());
    let session = asyncio::streams::rustls::ClientConnection::new(config, name).unwrap();
    let mut session = Connection::from(session);
    let mut greeting = Vec::new();
    peer::flush(&mut session, &mut greeting);
    (session, greeting)
}

/// Goes on with a handshake whose greeting has been sent, and has "hello" echoed.
fn has_hello_echoed(mut session: Connection, mut socket: std::net::TcpStream) {
    let mut line = [0; 9];
    socket.read_exact(&mut line).unwrap();
    assert_eq!(&line, b"go ahead\n");
    while session.is_handshaking() {
        peer::receive(&mut session, &mut socket).unwrap();
        peer::flush(&mut session, &mut socket);
    }
    session.writer().write_all(b"hello\n").unwrap();
    peer::flush(&mut session, &mut socket);
    let mut line = Vec::new();
    while line.len() < 6 {
        peer::receive(&mut session, &mut socket).unwrap();
        let _none_yet = session.reader().read_to_end(&mut line);
    }
    assert_eq!(line, b"hello\n");
}

// SW-11. The client does not wait for the answer: its greeting is in the reader already.
#[test]
fn a_greeting_that_came_with_the_line_is_used() {
    on_workers(2, async {
        let server = upgrading_server().await;
        let address = address(&server);
        let client = std::thread::spawn(move || {
            let mut socket = std::net::TcpStream::connect(address).unwrap();
            let (session, greeting) = greeting();
            socket
                .write_all(&[b"STARTTLS\n", &greeting[..]].concat())
                .unwrap();
            has_hello_echoed(session, socket);
        });
        joined(client).await;
    });
}

// SW-11. The reader has lent the greeting together with the line, to a caller that has used the
// line.
#[test]
fn a_greeting_that_was_lent_with_the_line_is_used() {
    async fn handler(mut reader: StreamReader, writer: StreamWriter) {
        let mut line = String::new();
        reader.read_line(&mut line).await.unwrap();
        assert_eq!(line, "STARTTLS\n");
        writer.write(b"go ahead\n");
        let started = writer.start_server_tls(certificates::server());
        started.await.unwrap();
        echo(reader, writer).await;
    }
    on_workers(2, async {
        let server = start_server(handler, "127.0.0.1:0").await.unwrap();
        let address = address(&server);
        let client = std::thread::spawn(move || {
            let mut socket = std::net::TcpStream::connect(address).unwrap();
            let (session, greeting) = greeting();
            socket
                .write_all(&[b"STARTTLS\n", &greeting[..]].concat())
                .unwrap();
            has_hello_echoed(session, socket);
        });
        joined(client).await;
    });
}

/// A server that says more than the answer before it encrypts.
fn injecting_server(
    injected: &'static [u8],
) -> (std::net::SocketAddr, std::thread::JoinHandle<()>) {
    accept_plain(move |mut socket| {
        socket.read_exact(&mut [0; 9]).unwrap();
        socket
            .write_all(&[b"go ahead\n", injected].concat())
            .unwrap();
        let config = Arc::new(certificates::server());
        let session = ServerConnection::new(config).unwrap();
        let mut stream = StreamOwned::new(session, socket);
        let _failed = stream.write_all(b"secret\n");
        let _failed = stream.read(&mut [0]);
    })
}

// Somebody on the way has added a line to the answer: it must not be read as if the server had said
// it.
#[test]
fn fault_what_was_injected_before_the_handshake_is_never_read() {
    on_workers(2, async {
        for injected in [&b"injected\n"[..], &[23, 3, 3, 0, 4, 1, 2, 3, 4]] {
            for lends in [false, true] {
                let (address, server) = injecting_server(injected);
                let (mut reader, writer) = open_connection(address).await.unwrap();
                writer.write(b"STARTTLS\n");
                match lends {
                    true => drop(reader.read_line(&mut String::new()).await.unwrap()),
                    false => drop(reader.readline().await.unwrap()),
                }
                let started = writer.start_tls(certificates::client(), "localhost");
                let error = started.await.unwrap_err();
                assert_eq!(error.kind(), io::ErrorKind::InvalidData);
                let read = reader.read(100).await;
                assert!(read.is_err(), "{read:?} was read");
                joined(server).await;
            }
        }
    });
}

// What is lent is with the caller, and can be given back only when the reader is used again: that
// would be after the handshake.
#[test]
fn fault_what_is_lent_keeps_a_connection_from_being_encrypted() {
    on_workers(2, async {
        let server = start_server(echo, "127.0.0.1:0").await.unwrap();
        let (mut reader, writer) = open_connection(address(&server)).await.unwrap();
        writer.write(b"hello\n");
        assert_eq!(reader.fill_buf().await.unwrap(), b"hello\n");
        let started = writer.start_tls(certificates::client(), "localhost");
        let error = started.await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        // Nothing has happened.
        assert_eq!(reader.readline().await.unwrap(), "hello\n");
        writer.write(b"more\n");
        assert_eq!(reader.readline().await.unwrap(), "more\n");
    });
}

// What was written before is sent as it is, even if that takes long; what is written meanwhile goes
// out encrypted.
#[test]
fn what_is_written_before_and_meanwhile_comes_in_order() {
    const BEFORE: usize = 3 << 20;
    on_workers(2, async {
        let (address, server) = accept_plain(|mut socket| {
            let mut before = vec![0; BEFORE];
            socket.read_exact(&mut before).unwrap();
            assert!(before.iter().all(|&byte| byte == b'x'));
            let config = Arc::new(certificates::server());
            let session = ServerConnection::new(config).unwrap();
            let mut stream = StreamOwned::new(session, socket);
            let mut rest = Vec::new();
            stream.read_to_end(&mut rest).unwrap();
            rest
        });
        let (_reader, writer) = open_connection(address).await.unwrap();
        let writer = Arc::new(writer);
        writer.write(&vec![b'x'; BEFORE]);
        let upgrading = writer.clone();
        let started = begun(async move {
            let started = upgrading.start_tls(certificates::client(), "localhost");
            started.await.unwrap();
        });
        let started = started.await;
        let mut expected = Vec::new();
        for number in 0..1000_u32 {
            let line = format!("{number}\n");
            writer.write(line.as_bytes());
            expected.extend(line.into_bytes());
        }
        started.await.unwrap();
        writer.close();
        writer.wait_closed().await.unwrap();
        assert!(joined(server).await == expected);
    });
}

// What is written during a handshake that does not go on counts: drain waits.
#[test]
fn what_waits_for_the_handshake_counts() {
    on_workers(2, async {
        let (address, server) = accept_plain(|socket| socket);
        let (_reader, writer) = open_connection(address).await.unwrap();
        let _socket = joined(server).await;
        let writer = Arc::new(writer);
        let upgrading = writer.clone();
        let started = begun(async move {
            let started = upgrading.start_tls(certificates::client(), "localhost");
            drop(started.await);
        });
        let started = started.await;
        writer.write(&vec![b'x'; 600 << 10]);
        assert!(writer.get_write_buffer_size() >= 600 << 10);
        let waited = wait_for(writer.drain(), Duration::from_millis(50)).await;
        assert!(waited.is_err());
        started.cancel();
        let _cancelled = started.await;
        assert!(writer.drain().await.is_err());
    });
}

// The refusal is for who has asked for it, and not for the handshake.
#[test]
fn fault_what_another_task_is_refused_does_not_end_the_handshake() {
    on_workers(2, async {
        let (go_on, wait) = std::sync::mpsc::channel::<()>();
        let (address, server) = accept_plain(move |socket| {
            wait.recv().unwrap();
            let config = Arc::new(certificates::server());
            let session = ServerConnection::new(config).unwrap();
            let mut stream = StreamOwned::new(session, socket);
            let mut all = Vec::new();
            stream.read_to_end(&mut all).unwrap();
            all
        });
        let (_reader, writer) = open_connection(address).await.unwrap();
        let writer = Arc::new(writer);
        let upgrading = writer.clone();
        let started = begun(async move {
            let started = upgrading.start_tls(certificates::client(), "localhost");
            started.await.unwrap();
        });
        let started = started.await;
        writer.write_eof();
        go_on.send(()).unwrap();
        started.await.unwrap();
        let error = writer.drain().await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::Unsupported);
        writer.write(b"hello");
        writer.close();
        writer.wait_closed().await.unwrap();
        assert_eq!(joined(server).await, b"hello");
    });
}

// A task reads all the time: it decrypts the handshake as well as the one that has begun it.
#[test]
fn a_reader_may_read_meanwhile() {
    on_workers(2, async {
        for _ in 0..20 {
            let server = upgrading_server().await;
            let (mut reader, writer) = ready_client(&server).await;
            let read = begun(async move { reader.readline().await.unwrap() }).await;
            let started = writer.start_tls(certificates::client(), "localhost");
            started.await.unwrap();
            writer.write(b"a line that is not short\n");
            assert_eq!(read.await.unwrap(), "a line that is not short\n");
        }
    });
}

// What a search has looked at without finding anything was the beginning of the handshake.
#[test]
fn a_search_begins_anew_when_the_connection_is_encrypted() {
    on_workers(2, async {
        let (go_on, wait) = std::sync::mpsc::channel::<()>();
        let (address, client) = accept_plain(move |mut socket| {
            let (mut session, greeting) = greeting();
            let (first, second) = greeting.split_at(greeting.len() / 2);
            socket.write_all(first).unwrap();
            wait.recv().unwrap();
            socket.write_all(second).unwrap();
            while session.is_handshaking() {
                peer::receive(&mut session, &mut socket).unwrap();
                peer::flush(&mut session, &mut socket);
            }
            session.writer().write_all(b"ok\r\n\r\n").unwrap();
            peer::flush(&mut session, &mut socket);
            let _end = socket.read_to_end(&mut Vec::new());
        });
        let (mut reader, writer) = open_connection(address).await.unwrap();
        assert!(reader.fill_buf().await.unwrap().len() > 20);
        reader.consume_unpin(0);
        let read = begun(async move { reader.readuntil(b"\r\n\r\n").await.unwrap() }).await;
        go_on.send(()).unwrap();
        let started = writer.start_server_tls(certificates::server());
        started.await.unwrap();
        assert_eq!(read.await.unwrap(), "ok\r\n\r\n");
        drop(writer);
        joined(client).await;
    });
}

// Cancelled, or dropped.
#[test]
fn a_cancelled_start_aborts_the_connection() {
    on_workers(2, async {
        for cancels in [true, false] {
            let (address, server) = accept_plain(|mut socket| {
                let mut all = Vec::new();
                let end = socket.read_to_end(&mut all);
                (all.first().copied(), end.is_ok())
            });
            let (mut reader, writer) = open_connection(address).await.unwrap();
            let writer = Arc::new(writer);
            let upgrading = writer.clone();
            let start = async move {
                let started = upgrading.start_tls(certificates::client(), "localhost");
                drop(started.await);
            };
            if cancels {
                let task = begun(start).await;
                task.cancel();
                assert!(task.await.is_err());
            } else {
                let mut start = Box::pin(start);
                let polled = std::future::poll_fn(|cx| Poll::Ready(start.as_mut().poll(cx)));
                assert!(polled.await.is_pending());
                drop(start);
            }
            assert!(writer.is_closing());
            writer.wait_closed().await.unwrap();
            writer.write(b"in the clear");
            assert!(writer.drain().await.is_err());
            assert_eq!(reader.read(1).await.unwrap(), "");
            // The greeting has come, and nothing in the clear.
            assert_eq!(joined(server).await.0, Some(22));
        }
    });
}

// One that was never polled does nothing.
#[test]
fn a_start_that_is_not_polled_does_nothing() {
    on_workers(2, async {
        let server = start_server(echo, "127.0.0.1:0").await.unwrap();
        let (mut reader, writer) = open_connection(address(&server)).await.unwrap();
        drop(writer.start_tls(certificates::client(), "localhost"));
        writer.write(b"hello\n");
        assert_eq!(reader.readline().await.unwrap(), "hello\n");
    });
}

// What is refused does not harm the connection.
#[test]
fn what_cannot_be_encrypted_is_refused() {
    on_workers(2, async {
        let server = upgrading_server().await;
        let (mut reader, writer) = ready_client(&server).await;
        let start = |name| writer.start_tls(certificates::client(), name);
        let error = start("no name").await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        start("localhost").await.unwrap();
        let error = start("localhost").await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        assert!(error.to_string().contains("already"), "{error}");
        writer.write(b"hello\n");
        assert_eq!(reader.readline().await.unwrap(), "hello\n");
        writer.close();
        let error = start("localhost").await.unwrap_err();
        assert!(
            !matches!(error.kind(), io::ErrorKind::InvalidData),
            "{error:?}"
        );

        let server = start_server(echo, "127.0.0.1:0").await.unwrap();
        let (_reader, writer) = open_connection(address(&server)).await.unwrap();
        writer.write_eof();
        let start = writer.start_tls(certificates::client(), "localhost");
        assert_eq!(start.await.unwrap_err().kind(), io::ErrorKind::BrokenPipe);
        assert!(!writer.is_closing());

        let (_read, write) = std::io::pipe().unwrap();
        let writer = connect_write_pipe(write).await.unwrap();
        let start = writer.start_tls(certificates::client(), "localhost");
        assert_eq!(start.await.unwrap_err().kind(), io::ErrorKind::Unsupported);
    });
}

// What is written meanwhile waits for the end of the handshake, and nobody is busy until then.
#[test]
fn fault_a_flush_during_the_handshake_waits_without_work() {
    alone(|| {
        on_workers(2, async {
            let (go_on, may_go_on) = std::sync::mpsc::channel();
            let (address, server) = accept_plain(move |socket| {
                may_go_on.recv().unwrap();
                let session = ServerConnection::new(Arc::new(certificates::server())).unwrap();
                let mut stream = StreamOwned::new(session, socket);
                stream.read_exact(&mut [0; 5]).unwrap();
                stream
            });
            let (_reader, writer) = open_connection(address).await.unwrap();
            let started = writer.start_tls(certificates::client(), "localhost");
            let early = async {
                // After the handshake has begun.
                asyncio::checkpoint().await;
                (&writer).write_all(b"early").await.unwrap();
                (&writer).flush().await.unwrap();
            };
            let handshake = async {
                let before = clock_gettime(ClockId::ProcessCPUTime);
                asyncio::sleep(Duration::from_millis(500)).await;
                let after = clock_gettime(ClockId::ProcessCPUTime);
                let busy = Duration::try_from(after - before).unwrap();
                go_on.send(()).unwrap();
                busy
            };
            let all = futures::future::join3(started, early, handshake);
            let (started, (), busy) = wait_for(all, Duration::from_secs(20)).await.unwrap();
            started.unwrap();
            assert!(
                busy < Duration::from_millis(100),
                "{busy:?} of the processor"
            );
            joined(server).await;
        });
    });
}
