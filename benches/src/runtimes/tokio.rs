//! tokio, configured as by `#[tokio::main]`: the multi-threaded runtime with its I/O and time
//! drivers.

use std::future::Future;
use std::net::SocketAddr;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use futures::future::{join, join_all};

use super::{
    ANY_PORT, Blocking, Channels, Datagrams, Events, Gathers, Groups, Locks, Processes, Queues,
    Secure, Semaphores, Sockets, Streams, Tasks, Timeouts, Timers, UnboundedChannels,
};

/// tokio's multi-threaded runtime.
#[derive(Debug)]
pub struct Tokio;

impl Tasks for Tokio {
    type Task<T: Send + 'static> = ::tokio::task::JoinHandle<T>;
    type Spawner = ::tokio::runtime::Handle;

    fn run<F: Future>(workers: usize, main: F) -> F::Output {
        ::tokio::runtime::Builder::new_multi_thread()
            .worker_threads(workers)
            .enable_all()
            .build()
            .expect("tokio's runtime starts")
            .block_on(main)
    }

    fn spawn<F>(future: F) -> Self::Task<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        ::tokio::spawn(future)
    }

    async fn join<T: Send + 'static>(task: Self::Task<T>) -> T {
        task.await
            .expect("the task neither panics nor is cancelled")
    }

    fn detach<T: Send + 'static>(task: Self::Task<T>) {
        drop(task);
    }

    fn yield_now() -> impl Future<Output = ()> + Send {
        ::tokio::task::yield_now()
    }

    fn spawner() -> Self::Spawner {
        ::tokio::runtime::Handle::current()
    }

    fn spawn_from<F>(spawner: &Self::Spawner, future: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        drop(spawner.spawn(future));
    }
}

/// tokio has no such function; its users use `join_all` of the crate `futures`.
impl Gathers for Tokio {
    async fn gather<I>(futures: I) -> Vec<<I::Item as Future>::Output>
    where
        I: Iterator<Item: Future<Output: Send + 'static> + Send + 'static> + Send,
    {
        join_all(futures.map(|future| Self::join(Self::spawn(future)))).await
    }
}

impl Groups for Tokio {
    async fn group<I>(futures: I)
    where
        I: Iterator<Item: Future<Output = ()> + Send + 'static> + Send,
    {
        let mut group = ::tokio::task::JoinSet::new();
        for future in futures {
            group.spawn(future);
        }
        while let Some(ended) = group.join_next().await {
            ended.expect("no future panics");
        }
    }
}

impl Timers for Tokio {
    fn sleep(delay: Duration) -> impl Future<Output: Send> + Send + 'static {
        ::tokio::time::sleep(delay)
    }
}

impl Blocking for Tokio {
    fn to_thread<F, T>(function: F) -> impl Future<Output = T> + Send
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        Self::join(::tokio::task::spawn_blocking(function))
    }
}

impl Timeouts for Tokio {
    async fn timeout<F>(limit: Duration, future: F) -> Option<F::Output>
    where
        F: Future<Output: Send> + Send,
    {
        ::tokio::time::timeout(limit, future).await.ok()
    }
}

impl Locks for Tokio {
    type Lock = ::tokio::sync::Mutex<usize>;

    fn lock() -> Self::Lock {
        ::tokio::sync::Mutex::new(0)
    }

    async fn count_under<F>(lock: &Self::Lock, inside: F) -> usize
    where
        F: Future<Output = ()> + Send,
    {
        let mut count = lock.lock().await;
        *count += 1;
        inside.await;
        *count
    }
}

impl Channels for Tokio {
    type Sender = ::tokio::sync::mpsc::Sender<usize>;
    type Receiver = ::tokio::sync::mpsc::Receiver<usize>;

    fn channel(room: usize) -> (Self::Sender, Self::Receiver) {
        ::tokio::sync::mpsc::channel(room)
    }

    async fn send(sender: &Self::Sender, number: usize) {
        sender.send(number).await.expect("the receiver exists");
    }

    async fn receive(receiver: &mut Self::Receiver) -> usize {
        receiver.recv().await.expect("a sender exists")
    }
}

/// tokio has no such queue; its users use the crate async-channel, which is smol's.
impl Queues for Tokio {
    type Queue = (
        ::smol::channel::Sender<usize>,
        ::smol::channel::Receiver<usize>,
    );

    fn queue(room: usize) -> Self::Queue {
        ::smol::channel::bounded(room)
    }

    async fn put((sender, _): &Self::Queue, number: usize) {
        sender.send(number).await.expect("the queue owns both ends");
    }

    async fn get((_, receiver): &Self::Queue) -> usize {
        receiver.recv().await.expect("the queue owns both ends")
    }
}

impl UnboundedChannels for Tokio {
    type Unbounded = ::tokio::sync::mpsc::UnboundedSender<usize>;
    type UnboundedReceiver = ::tokio::sync::mpsc::UnboundedReceiver<usize>;

    fn unbounded() -> (Self::Unbounded, Self::UnboundedReceiver) {
        ::tokio::sync::mpsc::unbounded_channel()
    }

    async fn push(sender: &Self::Unbounded, number: usize) {
        sender.send(number).expect("the receiver exists");
    }

    async fn pull(receiver: &mut Self::UnboundedReceiver) -> usize {
        receiver.recv().await.expect("a sender exists")
    }
}

impl Semaphores for Tokio {
    type Semaphore = ::tokio::sync::Semaphore;

    fn semaphore(permits: usize) -> Self::Semaphore {
        ::tokio::sync::Semaphore::new(permits)
    }

    async fn with_permit<F>(semaphore: &Self::Semaphore, inside: F)
    where
        F: Future<Output = ()> + Send,
    {
        let permit = semaphore.acquire().await.expect("nobody closes it");
        inside.await;
        drop(permit);
    }
}

/// tokio has no such event; its users use a `watch` of a flag.
impl Events for Tokio {
    type Event = ::tokio::sync::watch::Sender<bool>;

    fn event() -> Self::Event {
        ::tokio::sync::watch::Sender::new(false)
    }

    fn set(event: &Self::Event) {
        event.send_replace(true);
    }

    async fn wait(event: &Self::Event) {
        let mut flag = event.subscribe();
        let _seen = flag.wait_for(|set| *set).await.expect("the sender exists");
    }
}

/// A reader with the memory that its user keeps for what is read.
#[derive(Debug)]
pub struct TokioReader {
    reader: ::tokio::io::BufReader<::tokio::net::tcp::OwnedReadHalf>,
    read: Vec<u8>,
}

impl Streams for Tokio {
    type Reader = TokioReader;
    type Writer = ::tokio::io::BufWriter<::tokio::net::tcp::OwnedWriteHalf>;
    type Read<'a> = &'a [u8];

    async fn serve<H, F>(handler: H) -> SocketAddr
    where
        H: Fn(Self::Reader, Self::Writer) -> F + Send + Sync + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let (listener, address) = Self::listen().await;
        Self::detach(Self::spawn(async move {
            loop {
                let (reader, writer) = Self::accept(&listener).await.into_split();
                let reader = TokioReader {
                    reader: ::tokio::io::BufReader::new(reader),
                    read: Vec::new(),
                };
                let writer = ::tokio::io::BufWriter::new(writer);
                Self::detach(Self::spawn(handler(reader, writer)));
            }
        }));
        address
    }

    async fn read_line(reader: &mut Self::Reader) -> &[u8] {
        reader.read.clear();
        let buffered = &mut reader.reader;
        ::tokio::io::AsyncBufReadExt::read_until(buffered, b'\n', &mut reader.read)
            .await
            .expect("the peer keeps it open");
        &reader.read
    }

    async fn read_exactly(reader: &mut Self::Reader, count: usize) -> &[u8] {
        reader.read.resize(count, 0);
        let read = ::tokio::io::AsyncReadExt::read_exact(&mut reader.reader, &mut reader.read);
        match read.await {
            Ok(_) => &reader.read[..],
            Err(_) => &[],
        }
    }

    async fn write(writer: &mut Self::Writer, data: &[u8]) {
        let written = ::tokio::io::AsyncWriteExt::write_all(writer, data).await;
        written.expect("the peer keeps it open");
        let flushed = ::tokio::io::AsyncWriteExt::flush(writer).await;
        flushed.expect("the peer keeps it open");
    }
}

impl Secure for Tokio {
    async fn serve_secure(config: Arc<rustls::ServerConfig>, block: usize) -> SocketAddr {
        use ::tokio::io::{AsyncReadExt, AsyncWriteExt};

        let acceptor = tokio_rustls::TlsAcceptor::from(config);
        let (listener, address) = Self::listen().await;
        Self::detach(Self::spawn(async move {
            loop {
                let stream = Self::accept(&listener).await;
                let acceptor = acceptor.clone();
                Self::detach(Self::spawn(async move {
                    let Ok(mut stream) = acceptor.accept(stream).await else {
                        return;
                    };
                    let mut data = vec![0; block];
                    while stream.read_exact(&mut data).await.is_ok() {
                        let written = stream.write_all(&data).await;
                        if written.is_err() || stream.flush().await.is_err() {
                            return;
                        }
                    }
                    let _told = stream.shutdown().await;
                }));
            }
        }));
        address
    }
}

impl Sockets for Tokio {
    type Stream = ::tokio::net::TcpStream;
    type Listener = ::tokio::net::TcpListener;

    async fn listen() -> (Self::Listener, SocketAddr) {
        let listener = ::tokio::net::TcpListener::bind(ANY_PORT).await;
        let listener = listener.expect("there is a free port");
        let address = listener.local_addr().expect("it is bound");
        (listener, address)
    }

    async fn accept(listener: &Self::Listener) -> Self::Stream {
        let (stream, _address) = listener.accept().await.expect("descriptors are left");
        stream.set_nodelay(true).expect("a socket has this option");
        stream
    }

    async fn connect(address: SocketAddr) -> Self::Stream {
        let stream = ::tokio::net::TcpStream::connect(address).await;
        let stream = stream.expect("the server listens");
        stream.set_nodelay(true).expect("a socket has this option");
        stream
    }

    async fn read(stream: &mut Self::Stream, buffer: &mut [u8]) -> usize {
        ::tokio::io::AsyncReadExt::read(stream, buffer)
            .await
            .expect("the peer keeps it open")
    }

    async fn write_all(stream: &mut Self::Stream, data: &[u8]) {
        ::tokio::io::AsyncWriteExt::write_all(stream, data)
            .await
            .expect("the peer keeps it open");
    }
}

impl Datagrams for Tokio {
    type Socket = ::tokio::net::UdpSocket;

    async fn bind() -> (Self::Socket, SocketAddr) {
        let socket = ::tokio::net::UdpSocket::bind(ANY_PORT).await;
        let socket = socket.expect("there is a free port");
        let address = socket.local_addr().expect("it is bound");
        (socket, address)
    }

    async fn receive_from(socket: &Self::Socket, buffer: &mut [u8]) -> (usize, SocketAddr) {
        let received = socket.recv_from(buffer).await;
        received.expect("no datagram has been refused")
    }

    async fn send_to(socket: &Self::Socket, data: &[u8], address: SocketAddr) {
        let sent = socket.send_to(data, address).await;
        sent.expect("the peer has a socket");
    }
}

impl Processes for Tokio {
    async fn run_true() {
        let child = ::tokio::process::Command::new("true").spawn();
        let status = child.expect("there is a `true`").wait().await;
        assert!(status.expect("nobody else waits").success());
    }

    async fn through_cat(data: &[u8]) -> usize {
        let mut command = ::tokio::process::Command::new("cat");
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("there is a `cat`");
        let mut stdin = child.stdin.take().expect("it is a pipe");
        let write = async move {
            let written = ::tokio::io::AsyncWriteExt::write_all(&mut stdin, data).await;
            written.expect("it reads");
        };
        let (output, ()) = join(child.wait_with_output(), write).await;
        output.expect("it can be read").stdout.len()
    }
}
