//! The other end: servers and handlers of ours, and peers that are driven byte by byte.

use std::future::Future;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

use asyncio::streams::rustls::{Connection, ServerConfig, ServerConnection, StreamOwned};
use asyncio::{Server, StreamReader, StreamWriter, open_connection, start_server};
use socket2::SockRef;

use crate::certificates;

/// A server of rustls with a blocking socket.
pub(crate) type Accepted = StreamOwned<ServerConnection, TcpStream>;

/// Sends back what comes, until its end.
pub(crate) async fn echo(mut reader: StreamReader, writer: StreamWriter) {
    while let Ok(data) = reader.read(1 << 16).await {
        if data.is_empty() {
            break;
        }
        writer.write(&data);
        if writer.drain().await.is_err() {
            break;
        }
    }
}

/// A server under TLS.
pub(crate) async fn serve<H, F>(handler: H) -> Server
where
    H: Fn(StreamReader, StreamWriter) -> F + Send + Sync + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    let server = start_server(handler, "127.0.0.1:0").tls(certificates::server());
    server.await.unwrap()
}

pub(crate) fn address(server: &Server) -> SocketAddr {
    server.local_addrs()[0]
}

/// Connects under TLS.
pub(crate) async fn connect(address: SocketAddr) -> io::Result<(StreamReader, StreamWriter)> {
    let connection = open_connection(address);
    connection.tls(certificates::client(), "localhost").await
}

/// Has `act` act as the server of one connection, in a thread, by rustls and a blocking socket.
pub(crate) fn accept_one<R: Send + 'static>(
    config: ServerConfig,
    act: impl FnOnce(Accepted) -> R + Send + 'static,
) -> (SocketAddr, thread::JoinHandle<R>) {
    accept_plain(move |socket| {
        let session = ServerConnection::new(Arc::new(config)).unwrap();
        act(StreamOwned::new(session, socket))
    })
}

/// The same, without TLS. The socket has room for little, whatever the system's settings are.
pub(crate) fn accept_plain<R: Send + 'static>(
    act: impl FnOnce(TcpStream) -> R + Send + 'static,
) -> (SocketAddr, thread::JoinHandle<R>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let buffer = SockRef::from(&listener).set_recv_buffer_size(64 << 10);
    buffer.unwrap();
    let address = listener.local_addr().unwrap();
    let thread = thread::spawn(move || act(listener.accept().unwrap().0));
    (address, thread)
}

/// Sends what the session has to send.
pub(crate) fn flush(session: &mut Connection, socket: &mut impl Write) {
    while session.wants_write() {
        session.write_tls(socket).unwrap();
    }
}

/// Receives once, and has the session look at it. Returns how many bytes came.
pub(crate) fn receive(session: &mut Connection, socket: &mut impl Read) -> io::Result<usize> {
    let received = session.read_tls(socket)?;
    session.process_new_packets().map_err(io::Error::other)?;
    Ok(received)
}

/// Waits for a thread without keeping a worker.
pub(crate) async fn joined<R: Send + 'static>(thread: thread::JoinHandle<R>) -> R {
    let joined = asyncio::to_thread(move || thread.join()).await.unwrap();
    joined.unwrap_or_else(|payload| std::panic::resume_unwind(payload))
}
