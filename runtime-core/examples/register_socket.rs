//! Waits for data of a socket that is open already, by streams.

use std::io::{self, Write};
use std::os::unix::net::UnixStream;

use asyncio::{connect_read_pipe, get_running_loop};

async fn wait_for_data() -> io::Result<()> {
    // Two sockets that are connected with each other.
    let (receiving, sending) = UnixStream::pair()?;

    // The one to wait for: anything that has a descriptor can be read as a pipe is.
    let mut reader = connect_read_pipe(receiving).await?;

    // Simulates data from the network.
    get_running_loop().call_soon(move || {
        if let Err(error) = (&sending).write_all(b"abc") {
            println!("Not sent: {error}");
        }
    });

    let data = reader.read(100).await?;
    println!("Received: {}", String::from_utf8_lossy(&data));
    Ok(())
}

#[asyncio::main]
async fn main() -> io::Result<()> {
    wait_for_data().await
}
