//! Fetches a page over HTTPS, and prints it: `http_get https://example.org/`.
//!
//! Without an argument it starts a server of its own, with a certificate that it makes, and fetches
//! a page from that.

use std::io;
use std::sync::Arc;

use asyncio::streams::default_client_config;
use asyncio::streams::rustls::crypto::ring;
use asyncio::streams::rustls::{ClientConfig, RootCertStore, ServerConfig};
use asyncio::{Server, StreamReader, StreamWriter, open_connection, start_server};

/// Whom to ask for what.
struct Url {
    host: String,
    port: u16,
    path: String,
}

fn parse(url: &str) -> Option<Url> {
    let rest = url.strip_prefix("https://")?;
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let (host, port) = match authority.split_once(':') {
        Some((host, port)) => (host, port.parse().ok()?),
        None => (authority, 443),
    };
    Some(Url {
        host: host.to_owned(),
        port,
        path: format!("/{path}"),
    })
}

/// Prints the status line and the page.
async fn fetch(url: Url, config: Arc<ClientConfig>) -> io::Result<()> {
    let connection = open_connection((url.host.as_str(), url.port));
    let (mut reader, writer) = connection.tls(config, &url.host).await?;
    let session = writer.tls_session().unwrap_or_default();
    println!("{}", session.protocol_version.unwrap_or_default());
    let request = format!("GET {} HTTP/1.0\r\nHost: {}\r\n\r\n", url.path, url.host);
    writer.write(request.as_bytes());
    let head = reader.readuntil(b"\r\n\r\n").await?;
    let head = String::from_utf8_lossy(&head);
    println!("{}", head.lines().next().unwrap_or_default());
    // If somebody cut the connection, that would be an error.
    let page = reader.read_to_end().await?;
    print!("{}", String::from_utf8_lossy(&page));
    writer.close();
    writer.wait_closed().await
}

async fn answer(mut reader: StreamReader, writer: StreamWriter) {
    if let Ok(request) = reader.readuntil(b"\r\n\r\n").await {
        let request = String::from_utf8_lossy(&request);
        let path = request.split(' ').nth(1).unwrap_or_default();
        let page = format!("You have asked for {path}\n");
        writer.write(b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\n");
        writer.write(page.as_bytes());
    }
}

/// A server that only the client of the returned configuration trusts.
async fn own_server() -> io::Result<(Server, ClientConfig)> {
    let own = rcgen::generate_simple_self_signed(["localhost".to_owned()]);
    let own = own.map_err(io::Error::other)?;
    let certificate = own.cert.der().clone();
    let key = own.signing_key.serialize_der();
    let provider = Arc::new(ring::default_provider());

    let server = ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.clone()],
            key.try_into().map_err(io::Error::other)?,
        )
        .map_err(io::Error::other)?;

    let mut trusted = RootCertStore::empty();
    trusted.add(certificate).map_err(io::Error::other)?;
    let client = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_root_certificates(trusted)
        .with_no_client_auth();

    let server = start_server(answer, "localhost:0").tls(server).await?;
    Ok((server, client))
}

#[asyncio::main]
async fn main() -> io::Result<()> {
    if let Some(url) = std::env::args().nth(1) {
        let url = parse(&url).ok_or_else(|| io::Error::other("not an address: https://…"))?;
        return fetch(url, default_client_config()?).await;
    }
    let (server, client) = own_server().await?;
    let url = format!(
        "https://localhost:{}/a/page",
        server.local_addrs()[0].port()
    );
    let url = parse(&url).ok_or_else(|| io::Error::other("not an address"))?;
    fetch(url, Arc::new(client)).await
}
