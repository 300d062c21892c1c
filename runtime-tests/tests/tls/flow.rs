//! Peers that take little, late or nothing: memory, flow control and time.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use asyncio::streams::rustls::{ServerConnection, StreamOwned};
use asyncio::{
    StreamReader, StreamWriter, open_connection, open_unix_connection, start_unix_server, wait_for,
};
use runtime_tests::{alone, on_workers};
use rustix::time::{ClockId, clock_gettime};
use socket2::SockRef;

use crate::certificates;
use crate::peer::{accept_one, address, connect, joined, serve};

/// The high mark under TLS.
const HIGH: usize = 512 << 10;

fn seconds_of_the_processor() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

// SW-2. The writer waits, its memory is bounded, and nobody is busy meanwhile.
#[test]
fn drain_waits_for_a_peer_that_takes_nothing() {
    const WRITE: usize = 100_000;
    alone(|| {
        on_workers(2, async {
            let (address, server) = accept_one(certificates::server(), |mut stream| {
                stream.read_exact(&mut [0]).unwrap();
                stream
            });
            let (_reader, writer) = connect(address).await.unwrap();
            writer.write(b"!");
            let mut stream = joined(server).await;
            let mut written = 1;
            loop {
                writer.write(&[b'x'; WRITE]);
                written += WRITE;
                // What is kept is encrypted: a little more.
                assert!(writer.get_write_buffer_size() <= HIGH + WRITE + WRITE / 100);
                if writer.get_write_buffer_size() > HIGH {
                    break;
                }
                writer.drain().await.unwrap();
            }
            let before = seconds_of_the_processor();
            let waited = wait_for(writer.drain(), Duration::from_millis(500)).await;
            assert!(waited.is_err(), "nobody has taken anything");
            let busy = seconds_of_the_processor() - before;
            assert!(
                busy < 0.1,
                "{busy} s of the processor while there is nothing to do"
            );
            let reading = std::thread::spawn(move || {
                stream.read_exact(&mut vec![0; written - 1]).unwrap();
            });
            writer.drain().await.unwrap();
            assert!(writer.get_write_buffer_size() <= HIGH / 4);
            joined(reading).await;
        });
    });
}

// With a high mark of 0, drain waits until all has been sent.
#[test]
fn marks_count_what_is_encrypted() {
    on_workers(2, async {
        let (address, server) = accept_one(certificates::server(), |mut stream| {
            stream.read_exact(&mut vec![0; 8 << 20]).unwrap();
        });
        let (_reader, writer) = connect(address).await.unwrap();
        writer.set_write_buffer_limits(0, 0);
        writer.write(&vec![b'x'; 8 << 20]);
        assert!(writer.get_write_buffer_size() > 0);
        writer.drain().await.unwrap();
        assert_eq!(writer.get_write_buffer_size(), 0);
        joined(server).await;
    });
}

// Nothing is received while nobody reads: the peer's buffers fill.
#[test]
fn a_peer_is_held_up_while_nobody_reads() {
    const SIZE: usize = 4 << 20;
    on_workers(2, async {
        let go_on = Arc::new(asyncio::Event::new());
        let read = go_on.clone();
        let handler = move |mut reader: StreamReader, writer: StreamWriter| {
            let read = read.clone();
            async move {
                // One that is dropped closes the connection, and what comes is dropped then.
                let _kept = writer;
                read.wait().await;
                assert_eq!(reader.readexactly(SIZE).await.unwrap().len(), SIZE);
            }
        };
        // A Unix socket has room for little, whatever the system's settings are.
        let path = format!("\0asyncio-tls-held-up-{}", std::process::id());
        let server = start_unix_server(handler, &path).tls(certificates::server());
        let _server = server.await.unwrap();
        let connection = open_unix_connection(&path);
        let connection = connection.tls(certificates::client(), "localhost");
        let (_reader, writer) = connection.await.unwrap();
        writer.write(&vec![b'x'; SIZE]);
        let waited = wait_for(writer.drain(), Duration::from_millis(300)).await;
        assert!(waited.is_err(), "all was taken, though nobody reads");
        go_on.set();
        writer.drain().await.unwrap();
        writer.close();
        writer.wait_closed().await.unwrap();
    });
}

// The buffers of the sockets take some bytes only, and the peer reads late: the last flight of the
// handshake is pending when the handshake has ended.
#[test]
fn a_flush_that_the_handshake_leaves_pending_goes_out() {
    on_workers(2, async {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        SockRef::from(&listener).set_recv_buffer_size(1).unwrap();
        let address = listener.local_addr().unwrap();
        let late = Arc::new(AtomicBool::new(false));
        let ready = late.clone();
        let server = std::thread::spawn(move || {
            let (socket, _) = listener.accept().unwrap();
            let mut config = certificates::asking_server();
            // The client has more to send than the buffer has room for.
            config.send_tls13_tickets = 0;
            let session = ServerConnection::new(Arc::new(config)).unwrap();
            let mut stream = StreamOwned::new(session, socket);
            while !ready.load(Ordering::SeqCst) {
                std::thread::yield_now();
            }
            let mut all = Vec::new();
            stream.read_to_end(&mut all).unwrap();
            stream.conn.send_close_notify();
            let _flushed = stream.flush();
            all.len()
        });
        let open = asyncio::create_task(async move {
            let connection = open_connection(address);
            let connection = connection.tls(certificates::known_client(), "localhost");
            let (mut reader, writer) = connection.await.unwrap();
            writer.write(&vec![b'x'; 300_000]);
            writer.drain().await.unwrap();
            writer.close();
            assert_eq!(reader.read(1).await.unwrap(), "");
            writer.wait_closed().await.unwrap();
        });
        asyncio::sleep(Duration::from_millis(50)).await;
        late.store(true, Ordering::SeqCst);
        open.await.unwrap();
        assert_eq!(joined(server).await, 300_000);
    });
}

// Tiny reads and tiny writes, by the traits of `futures`.
#[test]
fn the_traits_of_futures_work_under_tls() {
    use futures::io::{AsyncReadExt, AsyncWriteExt};
    on_workers(2, async {
        let server = serve(crate::peer::echo).await;
        let (mut reader, mut writer) = connect(address(&server)).await.unwrap();
        let text: Vec<u8> = (0..20_000_u32).map(|number| number as u8).collect();
        for piece in text.chunks(777) {
            writer.write_all(piece).await.unwrap();
        }
        writer.flush().await.unwrap();
        let mut back = vec![0; text.len()];
        for piece in back.chunks_mut(313) {
            AsyncReadExt::read_exact(&mut reader, piece).await.unwrap();
        }
        assert!(back == text);
        AsyncWriteExt::close(&mut writer).await.unwrap();
        assert!(writer.is_closing());
    });
}
