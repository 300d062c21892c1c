//! The ends of a connection: told, cut off, by either side, and by a limit.

use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::time::{Duration, Instant};

use asyncio::streams::rustls::Connection;
use asyncio::{StreamReader, StreamWriter, open_connection, start_server};
use runtime_tests::{Flag, on_workers, until};

use crate::certificates;
use crate::peer::{self, accept_one, address, connect, echo, joined, serve};

// SW-12, difference 9
#[test]
fn a_stream_that_is_cut_off_is_an_error_after_its_last_byte() {
    on_workers(2, async {
        let (address, server) = accept_one(certificates::server(), |mut stream| {
            stream.write_all(b"hello\nwor").unwrap();
            stream.sock.shutdown(Shutdown::Write).unwrap();
            let _rest = stream.sock.read_to_end(&mut Vec::new());
        });
        let (mut reader, writer) = connect(address).await.unwrap();
        assert_eq!(reader.readline().await.unwrap(), "hello\n");
        for _ in 0..2 {
            let error = reader.readexactly(4).await.unwrap_err();
            let error = error.error.expect("an error of the connection");
            assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
            assert!(error.to_string().contains("close_notify"), "{error}");
        }
        assert_eq!(reader.readexactly(3).await.unwrap(), "wor");
        let error = reader.read(1).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
        assert!(!reader.at_eof());
        let error = writer.drain().await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
        joined(server).await;
    });
}

// SW-12
#[test]
fn a_stream_that_is_ended_is_read_to_its_end() {
    on_workers(2, async {
        let (address, server) = accept_one(certificates::server(), |mut stream| {
            stream.write_all(b"hello\nwor").unwrap();
            stream.conn.send_close_notify();
            stream.flush().unwrap();
            // The end of ours is told as well.
            assert_eq!(stream.read(&mut [0]).unwrap(), 0);
        });
        let (mut reader, _writer) = connect(address).await.unwrap();
        assert_eq!(reader.readline().await.unwrap(), "hello\n");
        assert_eq!(reader.read_to_end().await.unwrap(), "wor");
        assert!(reader.at_eof());
        joined(server).await;
    });
}

// SW-6. What is pending is still sent, though the peer reads late.
#[test]
fn the_end_of_the_peer_closes_this_end_once_all_is_sent() {
    const SIZE: usize = 6 << 20;
    on_workers(2, async {
        let (address, server) = accept_one(certificates::server(), |mut stream| {
            stream.read_exact(&mut [0]).unwrap();
            stream.conn.send_close_notify();
            stream.flush().unwrap();
            let mut rest = Vec::new();
            stream.read_to_end(&mut rest).unwrap();
            rest.len()
        });
        let (mut reader, writer) = connect(address).await.unwrap();
        writer.write(b"!");
        writer.write(&vec![b'x'; SIZE]);
        assert_eq!(reader.read(1).await.unwrap(), "");
        assert!(reader.at_eof());
        assert!(writer.is_closing());
        writer.write(b"late");
        let error = writer.drain().await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
        writer.wait_closed().await.unwrap();
        assert_eq!(joined(server).await, SIZE);
    });
}

// SW-4, SW-9
#[test]
fn a_close_and_a_drop_send_all_and_tell_the_end() {
    const SIZE: usize = 3 << 20;
    on_workers(2, async {
        for drops in [false, true] {
            let (address, server) = accept_one(certificates::server(), |mut stream| {
                let mut all = Vec::new();
                // Without `close_notify` that would be an error.
                stream.read_to_end(&mut all).unwrap();
                all.len()
            });
            let (mut reader, writer) = connect(address).await.unwrap();
            writer.write(&vec![b'x'; SIZE]);
            match drops {
                true => drop(writer),
                false => {
                    writer.close();
                    assert_eq!(reader.read(1).await.unwrap(), "");
                    writer.wait_closed().await.unwrap();
                }
            }
            assert_eq!(joined(server).await, SIZE);
        }
    });
}

// SW-7
#[test]
fn the_writes_alone_cannot_be_ended() {
    on_workers(2, async {
        let server = serve(echo).await;
        let (mut reader, writer) = connect(address(&server)).await.unwrap();
        assert!(!writer.can_write_eof());
        writer.write_eof();
        let error = writer.drain().await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::Unsupported);
        // Nothing has happened.
        writer.write(b"hello\n");
        writer.drain().await.unwrap();
        assert_eq!(reader.readline().await.unwrap(), "hello\n");
    });
}

// The peer neither reads nor ends.
#[test]
fn a_close_that_cannot_send_all_ends_by_its_limit() {
    on_workers(2, async {
        let (address, server) = accept_one(certificates::server(), |mut stream| {
            stream.read_exact(&mut [0]).unwrap();
            stream.sock
        });
        let limit = Duration::from_millis(100);
        let connection = open_connection(address).ssl_shutdown_timeout(limit);
        let connection = connection.tls(certificates::client(), "localhost");
        let (_reader, writer) = connection.await.unwrap();
        writer.write(&vec![b'x'; 8 << 20]);
        let socket = joined(server).await;
        let begin = Instant::now();
        writer.close();
        let error = writer.wait_closed().await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert!(
            error.to_string().contains("SSL shutdown timed out"),
            "{error}"
        );
        assert!(begin.elapsed() >= limit);
        drop(socket);
    });
}

// All has been sent: it is not known to be lost.
#[test]
fn a_peer_that_does_not_end_is_left_by_the_limit() {
    on_workers(2, async {
        let (address, server) = accept_one(certificates::server(), |mut stream| {
            stream.read_exact(&mut [0]).unwrap();
            stream.sock
        });
        let limit = Duration::from_millis(100);
        let connection = open_connection(address).ssl_shutdown_timeout(limit);
        let connection = connection.tls(certificates::client(), "localhost");
        let (_reader, writer) = connection.await.unwrap();
        writer.write(b"!");
        let socket = joined(server).await;
        let begin = Instant::now();
        writer.close();
        writer.wait_closed().await.unwrap();
        assert!(begin.elapsed() >= limit);
        drop(socket);
    });
}

// What comes meanwhile is dropped, and others have their turn.
#[test]
fn a_peer_that_sends_for_ever_does_not_keep_the_loop() {
    on_workers(1, async {
        let (address, server) = accept_one(certificates::server(), |mut stream| {
            stream.read_exact(&mut [0]).unwrap();
            let piece = [b'x'; 64 << 10];
            while stream.sock.write_all(&piece).is_ok() {}
        });
        let connection = open_connection(address);
        let connection = connection.ssl_shutdown_timeout(Duration::from_millis(200));
        let connection = connection.tls(certificates::client(), "localhost");
        let (_reader, writer) = connection.await.unwrap();
        writer.write(b"!");
        writer.close();
        let begin = Instant::now();
        for _ in 0..50 {
            asyncio::sleep(Duration::from_millis(1)).await;
        }
        assert!(
            begin.elapsed() < Duration::from_secs(2),
            "{:?}",
            begin.elapsed()
        );
        writer.wait_closed().await.unwrap();
        joined(server).await;
    });
}

#[test]
fn an_abort_tells_nothing_and_sends_nothing() {
    on_workers(2, async {
        let (address, server) = accept_one(certificates::server(), |mut stream| {
            stream.read_exact(&mut [0]).unwrap();
            stream.read_to_end(&mut Vec::new()).unwrap_err().kind()
        });
        let (_reader, writer) = connect(address).await.unwrap();
        writer.write(b"!");
        writer.drain().await.unwrap();
        writer.write(&vec![b'x'; 8 << 20]);
        writer.abort();
        writer.wait_closed().await.unwrap();
        let kinds = [io::ErrorKind::UnexpectedEof, io::ErrorKind::ConnectionReset];
        assert!(kinds.contains(&joined(server).await));
    });
}

// A record that is not what it should be: what came before it is read.
#[test]
fn a_forged_record_is_an_error_after_what_came_before() {
    on_workers(2, async {
        let (address, server) = accept_one(certificates::server(), |mut stream| {
            stream.write_all(b"hello\n").unwrap();
            stream.flush().unwrap();
            stream.sock.write_all(&[23, 3, 3, 0, 32]).unwrap();
            stream.sock.write_all(&[0; 32]).unwrap();
            // The client says why.
            stream.read(&mut [0; 16]).unwrap_err().to_string()
        });
        let (mut reader, writer) = connect(address).await.unwrap();
        assert_eq!(reader.readline().await.unwrap(), "hello\n");
        let error = reader.read(1).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        assert!(writer.is_closing());
        let error = writer.wait_closed().await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        let alert = joined(server).await;
        assert!(alert.contains("BadRecordMac"), "{alert}");
    });
}

// SW-14. The server's handler is over before the client reads.
#[test]
fn a_handler_that_returns_has_sent_all() {
    on_workers(2, async {
        let returned = Flag::default();
        let flag = returned.clone();
        let handler = move |_reader: StreamReader, writer: StreamWriter| {
            let flag = flag.clone();
            async move {
                writer.writelines([&[b'x'; 3 << 20][..], b"end", b""]);
                flag.set();
            }
        };
        let server = serve(handler).await;
        let (mut reader, _writer) = connect(address(&server)).await.unwrap();
        until(|| returned.is_set()).await;
        let all = reader.read_to_end().await.unwrap();
        assert_eq!(all.len(), (3 << 20) + 3);
        assert!(all.ends_with(b"xend"));
        server.close();
        server.wait_closed().await;
    });
}

// The keys are changed by the peer, while this end only writes; it answers once it reads.
#[test]
fn keys_are_updated_while_this_end_only_writes() {
    on_workers(2, async {
        let (address, server) = accept_one(certificates::server(), |mut stream| {
            stream.read_exact(&mut [0; 1000]).unwrap();
            for _ in 0..3 {
                stream.conn.refresh_traffic_keys().unwrap();
                stream.write_all(b"new keys\n").unwrap();
                stream.read_exact(&mut [0; 1000]).unwrap();
            }
            stream.read_exact(&mut [0; 1000]).unwrap();
            stream.conn.send_close_notify();
            stream.flush().unwrap();
            let mut rest = Vec::new();
            stream.read_to_end(&mut rest).unwrap();
            rest.len()
        });
        let (mut reader, writer) = connect(address).await.unwrap();
        for _ in 0..4 {
            writer.write(&[b'x'; 1000]);
            writer.drain().await.unwrap();
        }
        for _ in 0..3 {
            assert_eq!(reader.readline().await.unwrap(), "new keys\n");
        }
        writer.write(&[b'y'; 1000]);
        writer.write(b"last");
        assert_eq!(reader.read_to_end().await.unwrap(), "");
        writer.wait_closed().await.unwrap();
        assert_eq!(joined(server).await, 4);
    });
}

// Every byte of a session comes alone.
#[test]
fn a_peer_may_send_byte_by_byte() {
    on_workers(2, async {
        let (address, server) = peer::accept_plain(|mut socket| {
            socket.set_nodelay(true).unwrap();
            let config = std::sync::Arc::new(certificates::server());
            let session = asyncio::streams::rustls::ServerConnection::new(config).unwrap();
            let mut session = Connection::from(session);
            let mut said = false;
            let mut cipher = Vec::new();
            loop {
                peer::flush(&mut session, &mut cipher);
                for byte in cipher.drain(..) {
                    socket.write_all(&[byte]).unwrap();
                }
                if said {
                    return;
                }
                peer::receive(&mut session, &mut socket).unwrap();
                if !session.is_handshaking() {
                    session.writer().write_all(b"slow\n").unwrap();
                    session.send_close_notify();
                    said = true;
                }
            }
        });
        let (mut reader, _writer) = connect(address).await.unwrap();
        assert_eq!(reader.read_to_end().await.unwrap(), "slow\n");
        joined(server).await;
    });
}

// A server that is closed has its clients, and those that are in their handshake, go.
#[test]
fn closing_clients_ends_a_handshake() {
    on_workers(2, async {
        let handler = |_: StreamReader, _: StreamWriter| async { unreachable!("no handshake") };
        let server = start_server(handler, "127.0.0.1:0").tls(certificates::server());
        let server = server.await.unwrap();
        let (mut reader, writer) = open_connection(address(&server)).await.unwrap();
        writer.write(&[22, 3, 1]);
        // Until it has been accepted.
        asyncio::sleep(Duration::from_millis(20)).await;
        server.close();
        server.close_clients();
        server.wait_closed().await;
        let _ended = reader.read(1).await;
    });
}

// The peer sends for ever, and does not end.
#[test]
fn fault_the_end_of_the_loop_ends_a_connection_whose_peer_does_not() {
    for _ in 0..30 {
        let (address, server) = accept_one(certificates::server(), |mut stream| {
            stream.write_all(b"!").unwrap();
            while stream.sock.write_all(&[0; 1 << 16]).is_ok() {}
        });
        let (_reader, writer) = asyncio::run(async {
            let (mut reader, writer) = connect(address).await.unwrap();
            reader.readexactly(1).await.unwrap();
            writer.close();
            asyncio::sleep(Duration::from_millis(5)).await;
            (reader, writer)
        });
        asyncio::run(async {
            let closed = asyncio::wait_for(writer.wait_closed(), Duration::from_secs(10)).await;
            let _lost = closed.expect("it is over");
            joined(server).await;
        });
    }
}
