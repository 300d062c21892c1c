//! `asyncio::streams`: readers, writers, servers.

use std::future::{Future, poll_fn};
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::{Duration, Instant};

use asyncio::{
    Server, StreamReader, StreamWriter, all_tasks, get_running_loop, open_connection,
    open_unix_connection, sleep, start_server, start_unix_server, wait_for,
};
use runtime_tests::on_workers;
use socket2::{SockRef, Socket};

#[path = "streams/addresses.rs"]
mod addresses;
#[path = "streams/basics.rs"]
mod basics;
#[path = "streams/closing.rs"]
mod closing;
#[path = "streams/files.rs"]
mod files;
#[path = "streams/frames.rs"]
mod frames;
#[path = "streams/hostile.rs"]
mod hostile;
#[path = "streams/limits.rs"]
mod limits;
#[path = "streams/pipes.rs"]
mod pipes;
#[path = "streams/python.rs"]
mod python;
#[path = "streams/random.rs"]
mod random;
#[path = "streams/reading.rs"]
mod reading;
#[path = "streams/servers.rs"]
mod servers;
#[path = "streams/unix_servers.rs"]
mod unix_servers;
#[path = "streams/writing.rs"]
mod writing;

const TICK: Duration = Duration::from_millis(1);

/// How long something may take that must happen.
const PATIENCE: Duration = Duration::from_secs(10);

/// Any free port of this machine.
fn loopback() -> SocketAddr {
    ([127, 0, 0, 1], 0).into()
}

/// A path for a socket that no other test uses.
fn socket_path() -> PathBuf {
    static LAST: AtomicUsize = AtomicUsize::new(0);
    let number = LAST.fetch_add(1, Ordering::Relaxed);
    let name = format!("asyncio-streams-{}-{number}", std::process::id());
    let path = std::env::temp_dir().join(name);
    let _absent = std::fs::remove_file(&path);
    path
}

/// What kind of socket a test is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Tcp,
    Unix,
}

const KINDS: [Kind; 2] = [Kind::Tcp, Kind::Unix];

/// The ends of a connection. That of the peer blocks.
struct Ends {
    reader: StreamReader,
    writer: StreamWriter,
    peer: Socket,
    kind: Kind,
}

async fn connected(kind: Kind) -> Ends {
    connected_with(kind, 1 << 16).await
}

/// A connection with a limit.
async fn connected_with(kind: Kind, limit: usize) -> Ends {
    let ((reader, writer), peer) = match kind {
        Kind::Tcp => {
            let listener = std::net::TcpListener::bind(loopback()).unwrap();
            let opened = open_connection(listener.local_addr().unwrap()).limit(limit);
            let opened = opened.await.unwrap();
            (opened, Socket::from(listener.accept().unwrap().0))
        }
        Kind::Unix => {
            let path = socket_path();
            let listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
            let opened = open_unix_connection(&path).limit(limit).await.unwrap();
            std::fs::remove_file(path).unwrap();
            (opened, Socket::from(listener.accept().unwrap().0))
        }
    };
    Ends {
        reader,
        writer,
        peer,
        kind,
    }
}

impl Ends {
    /// The peer sends `bytes`, and ends its writes.
    fn sent(mut self, bytes: &[u8]) -> Ends {
        self.peer.write_all(bytes).unwrap();
        self.peer.shutdown(std::net::Shutdown::Write).unwrap();
        self
    }
}

/// Runs a test over both kinds of sockets, with two workers.
#[track_caller]
fn over_both<F: AsyncFn(Kind)>(test: F) {
    on_workers(2, async {
        for kind in KINDS {
            test(kind).await;
        }
    });
}

/// Runs a test with a connection of both kinds, with two workers.
#[track_caller]
fn with_both<F: AsyncFn(Ends)>(test: F) {
    over_both(async |kind| test(connected(kind).await).await);
}

/// Has the peer send the chunks one by one, each when the read has taken the one before and waits.
async fn fed<T>(peer: &Socket, chunks: &[&[u8]], read: impl Future<Output = T>) -> T {
    let mut read = pin!(read);
    let mut chunks = chunks.iter();
    poll_fn(|cx| {
        let polled = read.as_mut().poll(cx);
        if polled.is_pending() {
            if let Some(chunk) = chunks.next() {
                (&*peer).write_all(chunk).unwrap();
            }
        }
        polled
    })
    .await
}

/// Polls a future once, which waits.
async fn assert_waits<T: std::fmt::Debug>(future: impl Future<Output = T>) {
    let mut future = pin!(future);
    let polled = poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await;
    assert!(polled.is_pending(), "it does not wait: {polled:?}");
}

/// Ends a socket with a reset.
fn reset(peer: Socket) {
    peer.set_linger(Some(Duration::ZERO)).unwrap();
    drop(peer);
}

/// Waits for a condition, looking every few milliseconds.
#[track_caller]
fn until_slowly(mut condition: impl FnMut() -> bool) -> impl Future<Output = ()> {
    let caller = std::panic::Location::caller();
    async move {
        let deadline = Instant::now() + PATIENCE;
        while !condition() {
            assert!(Instant::now() < deadline, "{caller}: it does not happen");
            sleep(TICK).await;
        }
    }
}

/// The reports that the loop's exception handler gets from now on.
fn reports() -> Arc<Mutex<Vec<String>>> {
    let reports = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&reports);
    get_running_loop().set_exception_handler(move |_, context| {
        seen.lock().unwrap().push(context.message().to_owned());
    });
    reports
}

/// The descriptors that are open in this process.
fn open_descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

/// Runs something twice, and asserts that the second time leaves no descriptor and no task. For
/// a process of its own.
fn leaves_nothing<F: AsyncFn()>(body: F) {
    on_workers(2, async {
        body().await;
        until_slowly(|| all_tasks().len() == 1).await;
        let before = open_descriptors();
        body().await;
        until_slowly(|| all_tasks().len() == 1).await;
        until_slowly(|| open_descriptors() <= before).await;
    });
}

/// Sends back what comes, until the peer ends.
async fn echo(mut reader: StreamReader, writer: StreamWriter) {
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

/// Where a server of either kind is.
#[derive(Clone, Debug)]
enum Address {
    Tcp(SocketAddr),
    Unix(PathBuf),
}

impl Address {
    async fn open(&self) -> io::Result<(StreamReader, StreamWriter)> {
        match self {
            Address::Tcp(address) => open_connection(*address).await,
            Address::Unix(path) => open_unix_connection(path).await,
        }
    }

    /// A connection by a socket that blocks.
    fn connect(&self) -> io::Result<Socket> {
        Ok(match self {
            Address::Tcp(address) => std::net::TcpStream::connect(address)?.into(),
            Address::Unix(path) => std::os::unix::net::UnixStream::connect(path)?.into(),
        })
    }
}

/// A server of either kind.
async fn serve<H, F>(kind: Kind, handler: H) -> (Server, Address)
where
    H: Fn(StreamReader, StreamWriter) -> F + Send + Sync + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    match kind {
        Kind::Tcp => {
            let server = start_server(handler, loopback()).await.unwrap();
            let address = Address::Tcp(server.local_addrs()[0]);
            (server, address)
        }
        Kind::Unix => {
            let path = socket_path();
            let server = start_unix_server(handler, &path).await.unwrap();
            (server, Address::Unix(path))
        }
    }
}

/// Ends a server and all its connections.
async fn end(server: Server) {
    server.close();
    server.abort_clients();
    wait_for(server.wait_closed(), PATIENCE).await.unwrap();
}
