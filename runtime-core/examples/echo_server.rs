//! A TCP server that sends back what comes, and three clients that ask it.
//!
//! With an address as its argument it only serves: `echo_server 127.0.0.1:8888`, until Ctrl-C.

use std::io;

use asyncio::net::{TcpListener, TcpStream};
use asyncio::{TaskGroup, task_group};
use futures::StreamExt;

/// Echoes one connection to its end.
async fn echo(stream: TcpStream) -> io::Result<()> {
    let mut buffer = [0; 4096];
    loop {
        match stream.read(&mut buffer).await? {
            0 => return Ok(()),
            read => stream.write_all(&buffer[..read]).await?,
        }
    }
}

/// Serves for ever: each connection in a task of the group. An error of one, a reset for example,
/// is no error of the others.
async fn serve(group: &TaskGroup<io::Error>, listener: TcpListener) {
    let mut incoming = listener.incoming();
    while let Some(stream) = incoming.next().await {
        group.start_soon(async move {
            if let Err(error) = echo(stream).await {
                eprintln!("a connection has ended: {error}");
            }
        });
    }
}

async fn ask(port: u16, text: &str) -> io::Result<String> {
    let stream = TcpStream::connect(("localhost", port)).await?;
    stream.write_all(text.as_bytes()).await?;
    let mut answer = vec![0; text.len()];
    stream.read_exact(&mut answer).await?;
    String::from_utf8(answer).map_err(io::Error::other)
}

#[asyncio::main]
async fn main() -> io::Result<()> {
    let address = std::env::args().nth(1);
    let serves_only = address.is_some();
    let listener = TcpListener::bind(address.unwrap_or_else(|| "127.0.0.1:0".into())).await?;
    let address = listener.local_addr()?;
    let outcome = task_group(async |group| {
        if serves_only {
            println!("serving at {address}");
            serve(group, listener).await;
            return Ok(());
        }
        let server = group.clone();
        group.start_soon(async move { serve(&server, listener).await });
        for text in ["hello", "how are you?", "bye"] {
            println!("{} -> {}", text, ask(address.port(), text).await?);
        }
        group.cancel();
        Ok(())
    });
    match outcome.await {
        Err(group) if !group.is_cancelled() => Err(io::Error::other(group)),
        _ => Ok(()),
    }
}
