//! A client of an echo server, by streams.
//!
//! `tcp_echo_client 127.0.0.1:8888` asks a server like the example `tcp_echo_server`. Without
//! arguments it asks one of its own.

use std::io;

use asyncio::{StreamReader, StreamWriter, open_connection, start_server};

async fn tcp_echo_client(address: &str, message: &str) -> io::Result<()> {
    let (mut reader, writer) = open_connection(address).await?;

    println!("Send: '{message}'");
    writer.write(message.as_bytes());
    writer.drain().await?;

    let data = reader.read(100).await?;
    println!("Received: '{}'", String::from_utf8_lossy(&data));

    println!("Close the connection");
    writer.close();
    writer.wait_closed().await
}

async fn echo(mut reader: StreamReader, writer: StreamWriter) {
    if let Ok(data) = reader.read(100).await {
        writer.write(&data);
    }
}

#[asyncio::main]
async fn main() -> io::Result<()> {
    if let Some(address) = std::env::args().nth(1) {
        return tcp_echo_client(&address, "Hello World!").await;
    }
    let server = start_server(echo, "127.0.0.1:0").await?;
    let address = server.local_addrs()[0].to_string();
    tcp_echo_client(&address, "Hello World!").await
}
