//! Handshakes that do not come to their end.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use asyncio::streams::rustls::server::{ClientHello, ResolvesServerCert};
use asyncio::streams::rustls::sign::CertifiedKey;
use asyncio::streams::rustls::{ClientConnection, Connection, ServerConfig};
use asyncio::{Event, StreamReader, StreamWriter, open_connection, start_server};
use runtime_tests::{alone, begun, on_workers, until};

use crate::certificates;
use crate::peer::{self, accept_plain, address, connect, echo, joined, serve};

fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

/// The resident memory of the process, in KiB.
fn memory() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let words = line.unwrap().split_whitespace().nth(1);
    words.unwrap().parse().unwrap()
}

/// Numbers that are the same in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit as u64) as usize
    }
}

/// Begins a handshake, and stops after `count` of the client's bytes.
fn stop_after(address: std::net::SocketAddr, count: usize, resets: bool) {
    let mut socket = TcpStream::connect(address).unwrap();
    let name = "localhost".try_into().unwrap();
    let config = Arc::new(certificates::client());
    let mut session = Connection::from(ClientConnection::new(config, name).unwrap());
    let mut left = count;
    loop {
        let mut cipher = Vec::new();
        peer::flush(&mut session, &mut cipher);
        let sent = cipher.len().min(left);
        socket.write_all(&cipher[..sent]).unwrap();
        left -= sent;
        if sent < cipher.len() || left == 0 {
            break;
        }
        peer::receive(&mut session, &mut socket).unwrap();
    }
    if resets {
        let linger = Some(Duration::ZERO);
        socket2::SockRef::from(&socket).set_linger(linger).unwrap();
    }
}

// SW-10. At any byte of the client's: the last of its bytes is one of its "Finished".
#[test]
fn clients_that_stop_within_the_handshake_leave_nothing() {
    const CLIENTS: usize = 500;
    alone(|| {
        on_workers(2, async {
            let handled = Arc::new(AtomicUsize::new(0));
            let count = handled.clone();
            let handler = move |reader: StreamReader, writer: StreamWriter| {
                count.fetch_add(1, Ordering::SeqCst);
                echo(reader, writer)
            };
            let server = serve(handler).await;
            let address = address(&server);
            // A client sends some 250 bytes for the greeting, and 64 or 80 more.
            let stop = |from, to| {
                asyncio::to_thread(move || {
                    let mut numbers = Numbers(0x9E37_79B9_7F4A_7C15);
                    (from..to).for_each(|round| {
                        stop_after(address, 1 + numbers.below(290), round % 2 == 0);
                    });
                })
            };
            stop(0, 100).await.unwrap();
            until(|| server_has_no_clients(&server)).await;
            let before = (descriptors(), memory());
            stop(100, CLIENTS).await.unwrap();
            until(|| descriptors() <= before.0).await;
            assert_eq!(handled.load(Ordering::SeqCst), 0);
            let more = memory().saturating_sub(before.1);
            assert!(more < 4 << 10, "{more} KiB more than before");
            let (mut reader, writer) = connect(address).await.unwrap();
            writer.write(b"alive\n");
            assert_eq!(reader.readline().await.unwrap(), "alive\n");
            assert_eq!(handled.load(Ordering::SeqCst), 1);
        });
    });
}

/// The tasks of handlers are over.
fn server_has_no_clients(_server: &asyncio::Server) -> bool {
    asyncio::all_tasks().len() <= 1
}

// SW-10
#[test]
fn a_handshake_has_a_time_limit_on_both_sides() {
    on_workers(2, async {
        let limit = Duration::from_millis(100);
        let text = "SSL handshake is taking longer than 0.1 seconds: aborting the connection";

        let (address, server) = accept_plain(|socket| socket);
        let begin = Instant::now();
        let connection = open_connection(address).ssl_handshake_timeout(limit);
        let connection = connection.tls(certificates::client(), "localhost");
        let error = connection.await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionAborted);
        assert_eq!(error.to_string(), text);
        assert!(begin.elapsed() >= limit);
        drop(joined(server).await);

        let (address, server) = accept_plain(|socket| socket);
        let (_reader, writer) = open_connection(address).await.unwrap();
        let started = writer.start_tls(certificates::client(), "localhost");
        let error = started.ssl_handshake_timeout(limit).await.unwrap_err();
        assert_eq!(error.to_string(), text);
        assert!(writer.is_closing());
        drop(joined(server).await);

        let handler = |_: StreamReader, _: StreamWriter| async { unreachable!("no handshake") };
        let server = start_server(handler, "127.0.0.1:0").tls(certificates::server());
        let server = server.ssl_handshake_timeout(limit).await.unwrap();
        let (mut reader, _writer) = open_connection(peer::address(&server)).await.unwrap();
        let begin = Instant::now();
        let _ended = reader.read(1).await;
        assert!(begin.elapsed() >= limit - Duration::from_millis(20));
    });
}

// SW-13. At each of its awaits.
#[test]
fn a_cancelled_handshake_leaves_no_descriptor() {
    alone(|| {
        on_workers(2, async {
            let before = descriptors();
            for delay in [0, 0, 1, 2, 5, 10] {
                let (address, server) = accept_plain(move |mut socket| {
                    let _sent = socket.write_all(&[22, 3, 3, 0, 50]);
                    let _end = socket.read_to_end(&mut Vec::new());
                });
                let open = begun(async move {
                    let connection = open_connection(address);
                    let connection = connection.tls(certificates::client(), "localhost");
                    drop(connection.await);
                });
                let open = open.await;
                asyncio::sleep(Duration::from_millis(delay)).await;
                open.cancel();
                assert!(open.await.is_err());
                joined(server).await;
            }
            until(|| descriptors() <= before + 1).await;
        });
    });
}

/// Looks certificates up by code of a test.
struct Resolver<F>(F);

impl<F> std::fmt::Debug for Resolver<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Resolver")
    }
}

impl<F: Fn(&str) -> bool + Send + Sync> ResolvesServerCert for Resolver<F> {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let known = (self.0)(hello.server_name().unwrap_or_default());
        let provider = certificates::provider();
        let key = certificates::LOCALHOST.private_key();
        let key = provider.key_provider.load_private_key(key).unwrap();
        let chain = certificates::LOCALHOST.chain();
        known.then(|| Arc::new(CertifiedKey::new(chain, key)))
    }
}

fn resolving(resolve: impl Fn(&str) -> bool + Send + Sync + 'static) -> ServerConfig {
    let builder = ServerConfig::builder_with_provider(certificates::provider());
    let builder = builder.with_safe_default_protocol_versions().unwrap();
    let open = builder.with_no_client_auth();
    open.with_cert_resolver(Arc::new(Resolver(resolve)))
}

// It may do what any code of a task may do: wake others, for example.
#[test]
fn a_resolver_of_certificates_is_asked_outside_all_locks() {
    on_workers(2, async {
        let asked = Arc::new(Event::new());
        let event = asked.clone();
        let config = resolving(move |name| {
            event.set();
            name == "localhost"
        });
        let server = start_server(echo, "127.0.0.1:0").tls(config);
        let server = server.await.unwrap();
        let waits = begun(async move { asked.wait().await }).await;
        let (mut reader, writer) = connect(address(&server)).await.unwrap();
        waits.await.unwrap();
        writer.write(b"hello\n");
        assert_eq!(reader.readline().await.unwrap(), "hello\n");
    });
}

#[test]
fn a_resolver_that_knows_no_certificate_is_an_error() {
    on_workers(2, async {
        let server = start_server(echo, "127.0.0.1:0").tls(resolving(|_| false));
        let server = server.await.unwrap();
        let error = connect(address(&server)).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        assert!(error.to_string().contains("AccessDenied"), "{error}");
    });
}

// A panic of the resolver is reported as one of the handler's, and the server goes on.
#[test]
fn a_resolver_that_panics_ends_its_connection_only() {
    on_workers(2, async {
        let reports = Arc::new(AtomicUsize::new(0));
        let count = reports.clone();
        asyncio::get_running_loop().set_exception_handler(move |_, _| {
            count.fetch_add(1, Ordering::SeqCst);
        });
        let calls = AtomicUsize::new(0);
        let config = resolving(move |_| {
            let first = calls.fetch_add(1, Ordering::SeqCst) == 0;
            assert!(!first, "the resolver of this test panics once");
            true
        });
        let server = start_server(echo, "127.0.0.1:0").tls(config);
        let server = server.await.unwrap();
        assert!(connect(address(&server)).await.is_err());
        until(|| reports.load(Ordering::SeqCst) == 1).await;
        let (mut reader, writer) = connect(address(&server)).await.unwrap();
        writer.write(b"hello\n");
        assert_eq!(reader.readline().await.unwrap(), "hello\n");
        writer.close();
        writer.wait_closed().await.unwrap();
        drop(reader);
        server.close();
        server.wait_closed().await;
    });
}

// A reader of another task has the resolver called: the task that waits for the handshake is told.
#[test]
fn a_panic_in_the_reader_of_another_task_ends_the_handshake() {
    on_workers(2, async {
        for _ in 0..20 {
            let (address, client) = accept_plain(|mut socket| {
                let mut greeting = Vec::new();
                let name = "localhost".try_into().unwrap();
                let config = Arc::new(certificates::client());
                let mut session = ClientConnection::new(config, name).unwrap();
                session.write_tls(&mut greeting).unwrap();
                socket.write_all(&greeting).unwrap();
                let _end = socket.read_to_end(&mut Vec::new());
            });
            let (mut reader, writer) = open_connection(address).await.unwrap();
            let read = begun(async move { drop(reader.readexactly(10_000).await) }).await;
            let config = resolving(|_| panic!("the resolver of this test panics"));
            let start = asyncio::create_task(async move {
                let started = writer.start_server_tls(config).await;
                (started, writer)
            });
            let _read = read.await;
            if let Ok((started, writer)) = start.await {
                assert!(started.is_err());
                let _closed = writer.wait_closed().await;
            }
            joined(client).await;
        }
    });
}
