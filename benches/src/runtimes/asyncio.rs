//! This project's runtime, with its default settings except for the number of workers.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use super::{
    ANY_PORT, Blocking, Channels, Datagrams, Events, Gathers, Groups, Locks, Processes, Queues,
    Semaphores, Sockets, Streams, Tasks, Timeouts, Timers, UnboundedChannels,
};

/// asyncio for Rust.
#[derive(Debug)]
pub struct Asyncio;

impl Tasks for Asyncio {
    type Task<T: Send + 'static> = ::asyncio::Task<T>;
    type Spawner = ::asyncio::EventLoop;

    fn run<F: Future>(workers: usize, main: F) -> F::Output {
        ::asyncio::Runner::builder()
            .workers(workers)
            .build()
            .expect("asyncio's runtime starts")
            .run(main)
    }

    fn spawn<F>(future: F) -> Self::Task<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        ::asyncio::create_task(future)
    }

    async fn join<T: Send + 'static>(task: Self::Task<T>) -> T {
        task.await
            .expect("the task neither panics nor is cancelled")
    }

    fn detach<T: Send + 'static>(task: Self::Task<T>) {
        drop(task);
    }

    fn yield_now() -> impl Future<Output = ()> + Send {
        ::asyncio::checkpoint()
    }

    fn spawner() -> Self::Spawner {
        ::asyncio::get_running_loop()
    }

    fn spawn_from<F>(spawner: &Self::Spawner, future: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        drop(spawner.create_task(future));
    }
}

impl Gathers for Asyncio {
    async fn gather<I>(futures: I) -> Vec<<I::Item as Future>::Output>
    where
        I: Iterator<Item: Future<Output: Send + 'static> + Send + 'static> + Send,
    {
        ::asyncio::gather_all(futures)
            .await
            .expect("no future panics or is cancelled")
    }
}

impl Groups for Asyncio {
    async fn group<I>(futures: I)
    where
        I: Iterator<Item: Future<Output = ()> + Send + 'static> + Send,
    {
        let outcome = ::asyncio::task_group(async |tg| {
            for future in futures {
                tg.start_soon(future);
            }
            Ok::<(), Infallible>(())
        });
        outcome.await.expect("no future panics");
    }
}

impl Timers for Asyncio {
    fn sleep(delay: Duration) -> impl Future<Output: Send> + Send + 'static {
        ::asyncio::sleep(delay)
    }
}

impl Timeouts for Asyncio {
    async fn timeout<F>(limit: Duration, future: F) -> Option<F::Output>
    where
        F: Future<Output: Send> + Send,
    {
        ::asyncio::wait_for(future, limit).await.ok()
    }
}

impl Blocking for Asyncio {
    fn to_thread<F, T>(function: F) -> impl Future<Output = T> + Send
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        Self::join(::asyncio::to_thread(function))
    }
}

impl Channels for Asyncio {
    type Sender = ::asyncio::Sender<usize>;
    type Receiver = ::asyncio::Receiver<usize>;

    fn channel(room: usize) -> (Self::Sender, Self::Receiver) {
        ::asyncio::channel(room)
    }

    async fn send(sender: &Self::Sender, number: usize) {
        sender.send(number).await.expect("the receiver exists");
    }

    async fn receive(receiver: &mut Self::Receiver) -> usize {
        receiver.recv().await.expect("a sender exists")
    }
}

impl Queues for Asyncio {
    type Queue = Arc<::asyncio::Queue<usize>>;

    fn queue(room: usize) -> Self::Queue {
        Arc::new(::asyncio::Queue::new(room))
    }

    async fn put(queue: &Self::Queue, number: usize) {
        queue
            .put(number)
            .await
            .expect("nobody shuts the queue down");
    }

    async fn get(queue: &Self::Queue) -> usize {
        queue.get().await.expect("nobody shuts the queue down")
    }
}

impl UnboundedChannels for Asyncio {
    type Unbounded = ::asyncio::Sender<usize>;
    type UnboundedReceiver = ::asyncio::Receiver<usize>;

    fn unbounded() -> (Self::Unbounded, Self::UnboundedReceiver) {
        ::asyncio::channel(0)
    }

    async fn push(sender: &Self::Unbounded, number: usize) {
        let sent = sender.try_send(number);
        sent.expect("the receiver exists");
    }

    async fn pull(receiver: &mut Self::UnboundedReceiver) -> usize {
        receiver.recv().await.expect("a sender exists")
    }
}

impl Locks for Asyncio {
    type Lock = ::asyncio::Lock<usize>;

    fn lock() -> Self::Lock {
        ::asyncio::Lock::new(0)
    }

    async fn count_under<F>(lock: &Self::Lock, inside: F) -> usize
    where
        F: Future<Output = ()> + Send,
    {
        let mut count = lock.acquire().await;
        *count += 1;
        inside.await;
        *count
    }
}

impl Semaphores for Asyncio {
    type Semaphore = ::asyncio::Semaphore;

    fn semaphore(permits: usize) -> Self::Semaphore {
        ::asyncio::Semaphore::new(permits)
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

impl Events for Asyncio {
    type Event = ::asyncio::Event;

    fn event() -> Self::Event {
        ::asyncio::Event::new()
    }

    fn set(event: &Self::Event) {
        event.set();
    }

    async fn wait(event: &Self::Event) {
        event.wait().await;
    }
}

impl Streams for Asyncio {
    type Reader = ::asyncio::StreamReader;
    type Writer = ::asyncio::StreamWriter;
    type Read<'a> = ::asyncio::Bytes;

    async fn serve<H, F>(handler: H) -> SocketAddr
    where
        H: Fn(Self::Reader, Self::Writer) -> F + Send + Sync + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let server = ::asyncio::start_server(handler, ANY_PORT).await;
        let server = server.expect("there is a free port");
        let address = server.local_addrs()[0];
        Self::detach(Self::spawn(async move { server.serve_forever().await }));
        address
    }

    async fn read_line(reader: &mut Self::Reader) -> ::asyncio::Bytes {
        reader.readline().await.expect("the peer keeps it open")
    }

    async fn read_exactly(reader: &mut Self::Reader, count: usize) -> ::asyncio::Bytes {
        reader
            .readexactly(count)
            .await
            .unwrap_or_else(|error| error.partial)
    }

    async fn write(writer: &mut Self::Writer, data: &[u8]) {
        writer.write(data);
        writer.drain().await.expect("the peer keeps it open");
    }
}

impl Sockets for Asyncio {
    type Stream = ::asyncio::net::TcpStream;
    type Listener = ::asyncio::net::TcpListener;

    async fn listen() -> (Self::Listener, SocketAddr) {
        let listener = ::asyncio::net::TcpListener::bind(ANY_PORT).await;
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
        let stream = ::asyncio::net::TcpStream::connect(address).await;
        let stream = stream.expect("the server listens");
        stream.set_nodelay(true).expect("a socket has this option");
        stream
    }

    async fn read(stream: &mut Self::Stream, buffer: &mut [u8]) -> usize {
        stream.read(buffer).await.expect("the peer keeps it open")
    }

    async fn write_all(stream: &mut Self::Stream, data: &[u8]) {
        stream
            .write_all(data)
            .await
            .expect("the peer keeps it open");
    }
}

impl Datagrams for Asyncio {
    type Socket = ::asyncio::net::UdpSocket;

    async fn bind() -> (Self::Socket, SocketAddr) {
        let socket = ::asyncio::net::UdpSocket::bind(ANY_PORT).await;
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

impl Processes for Asyncio {
    async fn run_true() {
        let child = ::asyncio::create_subprocess_exec("true").await;
        let status = child.expect("there is a `true`").wait().await;
        assert_eq!(status.expect("nobody else waits"), 0);
    }

    async fn through_cat(data: &[u8]) -> usize {
        let command = ::asyncio::create_subprocess_exec("cat");
        let child = command.stdin(::asyncio::PIPE).stdout(::asyncio::PIPE).await;
        let mut child = child.expect("there is a `cat`");
        let outputs = child.communicate(Some(data)).await;
        let (output, _) = outputs.expect("it can be read");
        output.map_or(0, |output| output.len())
    }
}
