//! Peers that are not who they should be, or do not speak TLS.

use std::error::Error;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use asyncio::streams::rustls::{self, CertificateError, ClientConfig, ServerConfig};
use asyncio::{Server, StreamReader, StreamWriter, open_connection, start_server};
use runtime_tests::on_workers;

use crate::certificates::{self, EXPIRED, LOCALHOST, VERSIONS};
use crate::peer::{accept_plain, address, joined};

/// A server that says "hello", and counts whom it says that to.
async fn greeter(config: ServerConfig) -> (Server, Arc<AtomicUsize>) {
    let greeted = Arc::new(AtomicUsize::new(0));
    let count = greeted.clone();
    let handler = move |_reader: StreamReader, writer: StreamWriter| {
        count.fetch_add(1, Ordering::SeqCst);
        async move { writer.write(b"hello\n") }
    };
    let server = start_server(handler, "127.0.0.1:0").tls(config);
    (server.await.unwrap(), greeted)
}

async fn greeting(server: &Server, config: ClientConfig, name: &str) -> io::Result<String> {
    let connection = open_connection(address(server)).tls(config, name);
    let (mut reader, _writer) = connection.await?;
    let line = reader.readline().await?;
    Ok(String::from_utf8(line.to_vec()).unwrap())
}

/// rustls's error, wherever it is.
#[track_caller]
fn cause(error: &io::Error) -> &rustls::Error {
    let mut cause = error.get_ref().map(|inner| inner as &(dyn Error + 'static));
    while let Some(error) = cause {
        if let Some(found) = error.downcast_ref() {
            return found;
        }
        cause = error.source();
    }
    panic!("no error of rustls: {error:?}");
}

// SW-10
#[test]
fn an_unknown_authority_is_refused_and_the_handler_is_not_called() {
    on_workers(2, async {
        for version in VERSIONS {
            let config = certificates::server_of(&LOCALHOST, &[version]);
            let (server, greeted) = greeter(config).await;
            let client = certificates::distrustful_client();
            let error = greeting(&server, client, "localhost").await.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidData);
            let unknown = rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer);
            assert_eq!(*cause(&error), unknown);
            assert_eq!(greeted.load(Ordering::SeqCst), 0);
            let greeting = greeting(&server, certificates::client(), "localhost").await;
            assert_eq!(greeting.unwrap(), "hello\n");
            assert_eq!(greeted.load(Ordering::SeqCst), 1);
        }
    });
}

// SW-10
#[test]
fn another_name_is_refused() {
    on_workers(2, async {
        let (server, greeted) = greeter(certificates::server()).await;
        let client = certificates::client();
        let error = greeting(&server, client, "example.org").await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        assert!(error.to_string().contains("not valid for name"), "{error}");
        assert_eq!(greeted.load(Ordering::SeqCst), 0);
    });
}

// SW-10
#[test]
fn a_certificate_that_is_too_old_is_refused() {
    on_workers(2, async {
        let (server, greeted) = greeter(certificates::server_of(&EXPIRED, &VERSIONS)).await;
        let client = certificates::client();
        let error = greeting(&server, client, "localhost").await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        assert!(error.to_string().contains("expired"), "{error}");
        assert_eq!(greeted.load(Ordering::SeqCst), 0);
    });
}

// Under TLS 1.3 a client is through before the server has looked at its certificate: its first read
// tells.
#[test]
fn a_client_without_a_certificate_is_refused() {
    on_workers(2, async {
        let (server, greeted) = greeter(certificates::asking_server()).await;
        let client = certificates::client();
        let error = greeting(&server, client, "localhost").await.unwrap_err();
        let alert = rustls::AlertDescription::CertificateRequired;
        assert_eq!(*cause(&error), rustls::Error::AlertReceived(alert));
        assert_eq!(greeted.load(Ordering::SeqCst), 0);
        let client = certificates::known_client();
        greeting(&server, client, "localhost").await.unwrap();
    });
}

// Difference 23. Nobody is connected to.
#[test]
fn a_name_that_is_none_is_refused() {
    on_workers(2, async {
        for name in ["", "no name", "..", "a:1"] {
            let connection = open_connection("127.0.0.1:1").tls(certificates::client(), name);
            let error = connection.await.unwrap_err();
            assert_eq!(
                error.kind(),
                io::ErrorKind::InvalidInput,
                "{name:?}: {error}"
            );
        }
    });
}

// SW-10. The usual client trusts whom the system trusts: not the authority of these tests.
#[test]
fn the_usual_client_verifies() {
    on_workers(2, async {
        let config = match asyncio::streams::default_client_config() {
            Ok(config) => config,
            Err(error) => {
                let _printed = writeln!(io::stderr(), "SKIPPED: {error}");
                return;
            }
        };
        let (server, _) = greeter(certificates::server()).await;
        let connection = open_connection(address(&server)).tls(config, "localhost");
        let error = connection.await.unwrap_err();
        assert!(matches!(
            cause(&error),
            rustls::Error::InvalidCertificate(_)
        ));
    });
}

#[test]
fn a_client_that_speaks_no_tls_is_told_and_dropped() {
    on_workers(2, async {
        let (server, greeted) = greeter(certificates::server()).await;
        let address = address(&server);
        let answer = asyncio::to_thread(move || {
            let mut socket = TcpStream::connect(address).unwrap();
            socket.write_all(b"GET / HTTP/1.0\r\n\r\n").unwrap();
            let mut answer = Vec::new();
            socket.read_to_end(&mut answer).unwrap();
            answer
        });
        // An alert that is fatal.
        let answer = answer.await.unwrap();
        assert_eq!((answer[0], answer[5]), (21, 2), "{answer:?}");
        assert_eq!(greeted.load(Ordering::SeqCst), 0);
        let greeting = greeting(&server, certificates::client(), "localhost").await;
        assert_eq!(greeting.unwrap(), "hello\n");
    });
}

#[test]
fn a_server_that_speaks_no_tls_is_an_error() {
    on_workers(2, async {
        let (address, server) = accept_plain(|mut socket| {
            socket.write_all(b"220 mail.example ready\r\n").unwrap();
            let mut sent = Vec::new();
            socket.read_to_end(&mut sent).unwrap();
            sent
        });
        let connection = open_connection(address).tls(certificates::client(), "localhost");
        let error = connection.await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        let wrong = rustls::InvalidMessage::InvalidContentType;
        assert_eq!(*cause(&error), rustls::Error::InvalidMessage(wrong));
        let sent = joined(server).await;
        // The greeting of a client, and an alert in the end.
        assert_eq!((sent[0], sent[sent.len() - 7]), (22, 21));
    });
}

#[test]
fn a_server_that_closes_at_once_is_an_error() {
    on_workers(2, async {
        let (address, server) = accept_plain(|mut socket| {
            let mut hello = [0; 5];
            socket.read_exact(&mut hello).unwrap();
            socket.shutdown(std::net::Shutdown::Write).unwrap();
            let _rest = socket.read_to_end(&mut Vec::new());
        });
        let connection = open_connection(address).tls(certificates::client(), "localhost");
        let error = connection.await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof, "{error}");
        joined(server).await;
    });
}

// SW-10
#[test]
fn limits_without_tls_are_refused() {
    on_workers(2, async {
        let time = Duration::from_secs(1);
        let connection = open_connection("127.0.0.1:1").ssl_handshake_timeout(time);
        let error = connection.await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        assert!(error.to_string().contains("ssl_handshake_timeout"));
        let handler = |_: StreamReader, _: StreamWriter| async {};
        let server = start_server(handler, "127.0.0.1:0").ssl_shutdown_timeout(time);
        let error = server.await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        assert!(error.to_string().contains("ssl_shutdown_timeout"));
    });
}

// SW-10, difference 21
#[test]
fn a_limit_of_nothing_is_refused() {
    let caught = runtime_tests::caught(|| {
        drop(open_connection("127.0.0.1:1").ssl_handshake_timeout(Duration::ZERO));
    });
    assert!(caught.text.contains("ssl_handshake_timeout"), "{caught:?}");
    let (file, _line) = caught.place.expect("a place");
    assert_eq!(file, file!());
}
