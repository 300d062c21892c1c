//! smol, configured as `smol::spawn` does it with `SMOL_THREADS`.
//!
//! smol's global executor reads its number of threads from the environment, which a program cannot
//! safely change for itself. So this is the same executor on the same threads, with the number as a
//! parameter.

use std::future::{Future, pending};
use std::net::SocketAddr;
use std::process::Stdio;
use std::sync::OnceLock;
use std::thread;
use std::time::Duration;

use futures::future::{join, join_all};

use super::{
    ANY_PORT, Blocking, Channels, Datagrams, Gathers, Locks, Processes, Queues, Semaphores,
    Sockets, Tasks, Timeouts, Timers, UnboundedChannels,
};

/// smol's executor, reactor and thread pool.
#[derive(Debug)]
pub struct Smol;

static EXECUTOR: OnceLock<::smol::Executor<'static>> = OnceLock::new();

fn executor() -> &'static ::smol::Executor<'static> {
    EXECUTOR.get().expect("smol runs only inside `run`")
}

impl Tasks for Smol {
    type Task<T: Send + 'static> = ::smol::Task<T>;
    type Spawner = ();

    /// The first call fixes the number of workers for the process.
    fn run<F: Future>(workers: usize, main: F) -> F::Output {
        if EXECUTOR.set(::smol::Executor::new()).is_ok() {
            for _ in 0..workers {
                thread::spawn(|| ::smol::block_on(executor().run(pending::<()>())));
            }
        }
        ::smol::block_on(main)
    }

    fn spawn<F>(future: F) -> Self::Task<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        executor().spawn(future)
    }

    fn join<T: Send + 'static>(task: Self::Task<T>) -> impl Future<Output = T> + Send {
        task
    }

    fn detach<T: Send + 'static>(task: Self::Task<T>) {
        task.detach();
    }

    fn yield_now() -> impl Future<Output = ()> + Send {
        ::smol::future::yield_now()
    }

    fn spawner() -> Self::Spawner {}

    fn spawn_from<F>((): &Self::Spawner, future: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        executor().spawn(future).detach();
    }
}

/// smol has no such function; its users use `join_all` of the crate `futures`.
impl Gathers for Smol {
    async fn gather<I>(futures: I) -> Vec<<I::Item as Future>::Output>
    where
        I: Iterator<Item: Future<Output: Send + 'static> + Send + 'static> + Send,
    {
        join_all(futures.map(|future| Self::join(Self::spawn(future)))).await
    }
}

impl Timers for Smol {
    fn sleep(delay: Duration) -> impl Future<Output: Send> + Send + 'static {
        ::smol::Timer::after(delay)
    }
}

impl Blocking for Smol {
    fn to_thread<F, T>(function: F) -> impl Future<Output = T> + Send
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        ::smol::unblock(function)
    }
}

/// smol has no such function; this is the way that its documentation shows.
impl Timeouts for Smol {
    fn timeout<F>(limit: Duration, future: F) -> impl Future<Output = Option<F::Output>> + Send
    where
        F: Future<Output: Send> + Send,
    {
        ::smol::future::or(async { Some(future.await) }, async move {
            ::smol::Timer::after(limit).await;
            None
        })
    }
}

impl Locks for Smol {
    type Lock = ::smol::lock::Mutex<usize>;

    fn lock() -> Self::Lock {
        ::smol::lock::Mutex::new(0)
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

impl Channels for Smol {
    type Sender = ::smol::channel::Sender<usize>;
    type Receiver = ::smol::channel::Receiver<usize>;

    fn channel(room: usize) -> (Self::Sender, Self::Receiver) {
        ::smol::channel::bounded(room)
    }

    async fn send(sender: &Self::Sender, number: usize) {
        sender.send(number).await.expect("the receiver exists");
    }

    async fn receive(receiver: &mut Self::Receiver) -> usize {
        receiver.recv().await.expect("a sender exists")
    }
}

/// The crate async-channel again, which supports many consumers.
impl Queues for Smol {
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

impl UnboundedChannels for Smol {
    type Unbounded = ::smol::channel::Sender<usize>;
    type UnboundedReceiver = ::smol::channel::Receiver<usize>;

    fn unbounded() -> (Self::Unbounded, Self::UnboundedReceiver) {
        ::smol::channel::unbounded()
    }

    async fn push(sender: &Self::Unbounded, number: usize) {
        let sent = sender.try_send(number);
        sent.expect("the receiver exists");
    }

    async fn pull(receiver: &mut Self::UnboundedReceiver) -> usize {
        receiver.recv().await.expect("a sender exists")
    }
}

impl Semaphores for Smol {
    type Semaphore = ::smol::lock::Semaphore;

    fn semaphore(permits: usize) -> Self::Semaphore {
        ::smol::lock::Semaphore::new(permits)
    }

    async fn with_permit<F>(semaphore: &Self::Semaphore, inside: F)
    where
        F: Future<Output = ()> + Send,
    {
        let permit = semaphore.acquire().await;
        inside.await;
        drop(permit);
    }
}

impl Sockets for Smol {
    type Stream = ::smol::net::TcpStream;
    type Listener = ::smol::net::TcpListener;

    async fn listen() -> (Self::Listener, SocketAddr) {
        let listener = ::smol::net::TcpListener::bind(ANY_PORT).await;
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
        let stream = ::smol::net::TcpStream::connect(address).await;
        let stream = stream.expect("the server listens");
        stream.set_nodelay(true).expect("a socket has this option");
        stream
    }

    async fn read(stream: &mut Self::Stream, buffer: &mut [u8]) -> usize {
        ::smol::io::AsyncReadExt::read(stream, buffer)
            .await
            .expect("the peer keeps it open")
    }

    async fn write_all(stream: &mut Self::Stream, data: &[u8]) {
        ::smol::io::AsyncWriteExt::write_all(stream, data)
            .await
            .expect("the peer keeps it open");
    }
}

impl Datagrams for Smol {
    type Socket = ::smol::net::UdpSocket;

    async fn bind() -> (Self::Socket, SocketAddr) {
        let socket = ::smol::net::UdpSocket::bind(ANY_PORT).await;
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

impl Processes for Smol {
    async fn run_true() {
        let child = ::smol::process::Command::new("true").spawn();
        let status = child.expect("there is a `true`").status().await;
        assert!(status.expect("nobody else waits").success());
    }

    async fn through_cat(data: &[u8]) -> usize {
        let mut command = ::smol::process::Command::new("cat");
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("there is a `cat`");
        let mut stdin = child.stdin.take().expect("it is a pipe");
        let write = async move {
            let written = ::smol::io::AsyncWriteExt::write_all(&mut stdin, data).await;
            written.expect("it reads");
        };
        let (output, ()) = join(child.output(), write).await;
        output.expect("it can be read").stdout.len()
    }
}
