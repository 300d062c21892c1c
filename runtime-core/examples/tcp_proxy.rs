//! A TCP proxy: what comes at one address goes to another, both ways.
//!
//! `tcp_proxy 127.0.0.1:8888 example.org:80` serves until Ctrl-C. Without arguments it stands in
//! front of a server of its own, and asks through itself.
//!
//! A half-closed connection stays half-closed: when one side has said all, the other is told so,
//! and may go on answering.

use std::io;
use std::net::Shutdown;

use asyncio::create_task;
use asyncio::io::copy_bidirectional;
use asyncio::net::{TcpListener, TcpStream};
use futures::StreamExt;

/// Passes one connection on, until both directions have ended.
async fn pass_on(client: TcpStream, target: String) -> io::Result<()> {
    let server = TcpStream::connect(target).await?;
    let (to_server, to_client) = copy_bidirectional(&client, &server).await?;
    println!("{to_server} bytes there, {to_client} bytes back");
    Ok(())
}

async fn serve(listener: TcpListener, target: String) {
    let mut incoming = listener.incoming();
    while let Some(client) = incoming.next().await {
        let target = target.clone();
        create_task(async move {
            if let Err(error) = pass_on(client, target).await {
                eprintln!("a connection has ended: {error}");
            }
        });
    }
}

/// Answers with the number of bytes of a request, once that has ended.
async fn count(listener: TcpListener) -> io::Result<()> {
    let (stream, _address) = listener.accept().await?;
    let (mut total, mut buffer) = (0, vec![0; 4096]);
    loop {
        match stream.read(&mut buffer).await? {
            0 => break,
            read => total += read,
        }
    }
    stream.write_all(format!("{total}").as_bytes()).await
}

#[asyncio::main]
async fn main() -> io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [address, target] = &arguments[..] {
        serve(TcpListener::bind(address).await?, target.clone()).await;
        return Ok(());
    }
    let server = TcpListener::bind("127.0.0.1:0").await?;
    let target = server.local_addr()?.to_string();
    let counting = create_task(count(server));
    let proxy = TcpListener::bind("127.0.0.1:0").await?;
    let address = proxy.local_addr()?;
    let proxying = create_task(async move {
        let (client, _address) = proxy.accept().await?;
        pass_on(client, target).await
    });

    let stream = TcpStream::connect(address).await?;
    stream.write_all(&vec![7; 1_000_000]).await?;
    stream.shutdown(Shutdown::Write)?;
    let mut answer = [0; 7];
    stream.read_exact(&mut answer).await?;
    assert_eq!(stream.read(&mut [0; 1]).await?, 0, "and that is all");
    println!(
        "the server has counted {}",
        String::from_utf8_lossy(&answer)
    );
    counting.await.map_err(io::Error::other)??;
    proxying.await.map_err(io::Error::other)?
}
