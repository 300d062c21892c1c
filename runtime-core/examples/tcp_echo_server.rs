//! An echo server, by streams.
//!
//! `tcp_echo_server 127.0.0.1:8888` serves until it is killed. Without arguments it serves one
//! client of its own.

use std::io;

use asyncio::{StreamReader, StreamWriter, open_connection, start_server};

async fn handle_echo(mut reader: StreamReader, writer: StreamWriter) {
    if let Err(error) = echo_once(&mut reader, &writer).await {
        println!("The connection has failed: {error}");
    }
}

async fn echo_once(reader: &mut StreamReader, writer: &StreamWriter) -> io::Result<()> {
    let data = reader.read(100).await?;
    let message = String::from_utf8_lossy(&data);
    let address = writer.peer_addr()?;

    println!("Received '{message}' from {address}");

    println!("Send: '{message}'");
    writer.write(&data);
    writer.drain().await?;

    println!("Close the connection");
    writer.close();
    writer.wait_closed().await
}

#[asyncio::main]
async fn main() -> io::Result<()> {
    let address = std::env::args().nth(1);
    let server = start_server(handle_echo, address.as_deref().unwrap_or("127.0.0.1:0")).await?;
    let addresses = server.local_addrs();
    println!("Serving on {addresses:?}");

    if address.is_some() {
        return server.serve_forever().await;
    }
    let (mut reader, writer) = open_connection(addresses[0]).await?;
    writer.write(b"Hello World!");
    assert_eq!(reader.read_to_end().await?, "Hello World!");
    server.close();
    server.wait_closed().await;
    Ok(())
}
