//! What goes well: bytes in both directions, and what the two ends agree upon.

use std::sync::{Arc, Mutex};

use asyncio::streams::TlsSession;
use asyncio::{StreamReader, StreamWriter, open_connection, start_server};
use runtime_tests::on_workers;

use crate::certificates::{self, VERSIONS};
use crate::peer::{address, connect, echo, serve};

#[test]
fn what_is_written_comes_back_under_both_versions() {
    on_workers(2, async {
        for version in VERSIONS {
            let config = certificates::server_of(&certificates::LOCALHOST, &[version]);
            let server = start_server(echo, "127.0.0.1:0").tls(config).await.unwrap();
            let connection = open_connection(address(&server));
            let (mut reader, writer) = connection
                .tls(certificates::client_of(&[version]), "localhost")
                .await
                .unwrap();
            writer.write(b"hello\nworld\n");
            assert_eq!(reader.readline().await.unwrap(), "hello\n");
            assert_eq!(reader.readexactly(6).await.unwrap(), "world\n");
            writer.close();
            writer.wait_closed().await.unwrap();
            server.close();
            server.wait_closed().await;
        }
    });
}

/// Something that is not the same anywhere.
fn pattern(size: usize) -> Vec<u8> {
    let numbers = (0..size as u64 / 8).map(|number| number.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    numbers.flat_map(u64::to_le_bytes).collect()
}

// Each side sends all of its bytes before the other has read any: with one direction holding up the
// other, both would wait.
#[test]
fn much_goes_both_ways_at_once() {
    const SIZE: usize = 16 << 20;
    async fn exchange(mut reader: StreamReader, writer: StreamWriter) {
        let writer = Arc::new(writer);
        let sender = writer.clone();
        let sent = asyncio::create_task(async move {
            for piece in pattern(SIZE).chunks(100_000) {
                sender.write(piece);
                sender.drain().await.unwrap();
            }
        });
        let received = reader.readexactly(SIZE).await.unwrap();
        assert!(received == pattern(SIZE), "the bytes are others");
        sent.await.unwrap();
        writer.write(b"!");
        assert_eq!(reader.readexactly(1).await.unwrap(), "!");
        writer.close();
        writer.wait_closed().await.unwrap();
    }
    on_workers(2, async {
        let server = serve(exchange).await;
        let (reader, writer) = connect(address(&server)).await.unwrap();
        exchange(reader, writer).await;
        server.close();
        server.wait_closed().await;
    });
}

// The reader waits inside a read, which must not keep the writer from anything.
#[test]
fn a_reader_that_waits_holds_no_writer_up() {
    on_workers(2, async {
        let server = serve(
            |mut reader: StreamReader, writer: StreamWriter| async move {
                let all = reader.readexactly(4 << 20).await.unwrap();
                writer.write(all.len().to_string().as_bytes());
            },
        );
        let server = server.await;
        let (mut reader, writer) = connect(address(&server)).await.unwrap();
        let read = runtime_tests::begun(async move { reader.read_to_end().await.unwrap() }).await;
        for _ in 0..64 {
            writer.write(&[b'x'; 64 << 10]);
            writer.drain().await.unwrap();
        }
        assert_eq!(read.await.unwrap(), (4 << 20).to_string());
    });
}

/// What both ends know of a session between them.
async fn agreed(
    client: asyncio::streams::rustls::ClientConfig,
    server: asyncio::streams::rustls::ServerConfig,
) -> [TlsSession; 2] {
    let seen = Arc::new(Mutex::new(None));
    let note = seen.clone();
    let handler = move |mut reader: StreamReader, writer: StreamWriter| {
        let note = note.clone();
        async move {
            *note.lock().unwrap() = writer.tls_session();
            reader.readline().await.unwrap();
            writer.write(b"done\n");
        }
    };
    let server = start_server(handler, "127.0.0.1:0").tls(server);
    let server = server.await.unwrap();
    let connection = open_connection(address(&server)).tls(client, "localhost");
    let (mut reader, writer) = connection.await.unwrap();
    let ours = writer.tls_session().unwrap();
    writer.write(b"go\n");
    assert_eq!(reader.readline().await.unwrap(), "done\n");
    let theirs = seen.lock().unwrap().take().unwrap();
    [ours, theirs]
}

// SW-8
#[test]
fn a_session_tells_what_was_agreed_upon() {
    on_workers(2, async {
        for (version, name) in VERSIONS.into_iter().zip(["TLSv1.2", "TLSv1.3"]) {
            let server = certificates::server_of(&certificates::LOCALHOST, &[version]);
            let [ours, theirs] = agreed(certificates::client(), server).await;
            for session in [&ours, &theirs] {
                assert_eq!(session.protocol_version.as_deref(), Some(name));
                let suite = session.cipher_suite.as_deref();
                assert!(suite.is_some_and(|suite| suite.starts_with("TLS")));
                assert_eq!(session.alpn_protocol, None);
            }
            assert_eq!(ours.server_name, None);
            assert_eq!(theirs.server_name.as_deref(), Some("localhost"));
            let shown = certificates::LOCALHOST.certificate.der().to_vec();
            assert_eq!(ours.peer_certificates, [shown]);
            assert!(theirs.peer_certificates.is_empty());
        }
    });
}

// SW-8
#[test]
fn a_server_sees_the_certificate_of_a_client() {
    on_workers(2, async {
        let (client, server) = (certificates::known_client(), certificates::asking_server());
        let [_, theirs] = agreed(client, server).await;
        let shown = certificates::CLIENT.certificate.der().to_vec();
        assert_eq!(theirs.peer_certificates, [shown]);
    });
}

#[test]
fn a_protocol_is_chosen_by_alpn() {
    on_workers(2, async {
        let (mut client, mut server) = (certificates::client(), certificates::server());
        client.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        server.alpn_protocols = vec![b"http/1.1".to_vec()];
        for session in agreed(client, server).await {
            assert_eq!(session.alpn_protocol.as_deref(), Some(&b"http/1.1"[..]));
        }
    });
}

#[test]
fn an_unencrypted_connection_has_no_session() {
    on_workers(2, async {
        let server = start_server(echo, "127.0.0.1:0").await.unwrap();
        let (_reader, writer) = open_connection(address(&server)).await.unwrap();
        assert_eq!(writer.tls_session(), None);
        assert!(writer.can_write_eof());
    });
}

#[test]
fn unix_sockets_are_encrypted_as_well() {
    on_workers(2, async {
        let path = format!("\0asyncio-tls-{}", std::process::id());
        let server = asyncio::start_unix_server(echo, &path).tls(certificates::server());
        let _server = server.await.unwrap();
        let connection = asyncio::open_unix_connection(&path);
        let connection = connection.tls(certificates::client(), "localhost");
        let (mut reader, writer) = connection.await.unwrap();
        writer.write(b"hello\n");
        assert_eq!(reader.readline().await.unwrap(), "hello\n");
        assert!(writer.tls_session().is_some());
    });
}

// The address of a server is a name as well, and a name may have any of the types.
#[test]
fn names_may_have_several_types() {
    on_workers(2, async {
        let server = serve(echo).await;
        let config = Arc::new(certificates::client());
        let open = || open_connection(address(&server));
        let name = String::from("localhost");
        open().tls(config.clone(), "127.0.0.1").await.unwrap();
        open().tls(config.clone(), &name).await.unwrap();
        open().tls(config.clone(), name).await.unwrap();
        let name = asyncio::streams::rustls::pki_types::ServerName::try_from("localhost").unwrap();
        open().tls(config, name).await.unwrap();
    });
}
