//! Gets the headers of a page, by streams.
//!
//! `http_headers http://example.org/path` asks that server. Without arguments it asks one of its
//! own. (With `https` it would need TLS.)

use std::io;

use asyncio::{StreamReader, StreamWriter, open_connection, start_server};

async fn print_http_headers(url: &str) -> io::Result<()> {
    let not_a_url = || io::Error::new(io::ErrorKind::InvalidInput, "http://host/path is wanted");
    let rest = url.strip_prefix("http://").ok_or_else(not_a_url)?;
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let address = match host.contains(':') {
        true => host.to_owned(),
        false => format!("{host}:80"),
    };
    let (mut reader, writer) = open_connection(address).await?;

    let query = format!("HEAD /{path} HTTP/1.0\r\nHost: {host}\r\n\r\n");
    writer.write(query.as_bytes());
    loop {
        let line = reader.readline().await?;
        let line = String::from_utf8_lossy(&line);
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        println!("HTTP header> {line}");
    }
    // The body, if there is any, is of no interest.
    writer.close();
    Ok(())
}

async fn answer(mut reader: StreamReader, writer: StreamWriter) {
    if let Ok(request) = reader.readuntil(b"\r\n\r\n").await {
        let first = request.split(|&byte| byte == b'\r').next();
        writer.write(b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\nX-Request: ");
        writer.write(first.unwrap_or_default());
        writer.write(b"\r\n\r\n");
    }
}

#[asyncio::main]
async fn main() -> io::Result<()> {
    if let Some(url) = std::env::args().nth(1) {
        return print_http_headers(&url).await;
    }
    let server = start_server(answer, "127.0.0.1:0").await?;
    let url = format!("http://{}/a/page", server.local_addrs()[0]);
    print_http_headers(&url).await
}
