//! Workloads on sockets: servers that echo, and clients that ask them.
//!
//! The clients are the same for all runtimes, and use none: one thread in blocking calls for one
//! connection, or in `epoll` for many.

use std::io::{self, Read, Write};
use std::mem::{self, MaybeUninit};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use futures::channel::oneshot;
use futures::future::join_all;
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::timers::hog_a_worker;
use crate::runtimes::Sockets;

/// The size of a question and of its answer.
pub const MESSAGE: usize = 64;

/// How long a server with timeouts waits for a question.
const LIMIT: Duration = Duration::from_secs(5);

/// Accepts connections for ever, and echoes each in a task of its own.
pub async fn serve<R: Sockets>(listener: R::Listener) {
    loop {
        let stream = R::accept(&listener).await;
        R::detach(R::spawn(echo::<R>(stream)));
    }
}

async fn echo<R: Sockets>(mut stream: R::Stream) {
    let mut buffer = [0; 4096];
    loop {
        match R::read(&mut stream, &mut buffer).await {
            0 => return,
            read => R::write_all(&mut stream, &buffer[..read]).await,
        }
    }
}

/// The same with a timeout for each question.
pub async fn serve_in_time<R: Sockets>(listener: R::Listener) {
    loop {
        let stream = R::accept(&listener).await;
        R::detach(R::spawn(echo_in_time::<R>(stream)));
    }
}

async fn echo_in_time<R: Sockets>(mut stream: R::Stream) {
    let mut buffer = [0; 4096];
    loop {
        match R::timeout(LIMIT, R::read(&mut stream, &mut buffer)).await {
            None | Some(0) => return,
            Some(read) => R::write_all(&mut stream, &buffer[..read]).await,
        }
    }
}

/// Asks `each` questions over each of `connections`, in tasks of the same runtime.
pub async fn ask<R: Sockets>(address: SocketAddr, connections: usize, each: usize) {
    let tasks = (0..connections).map(|_| {
        R::spawn(async move {
            let mut stream = R::connect(address).await;
            let mut buffer = [0; MESSAGE];
            for _ in 0..each {
                R::write_all(&mut stream, &[7; MESSAGE]).await;
                let mut read = 0;
                while read < MESSAGE {
                    read += R::read(&mut stream, &mut buffer[read..]).await;
                }
            }
        })
    });
    let joined: Vec<_> = tasks.map(R::join).collect();
    join_all(joined).await;
}

/// The clients of a server: one thread, without a runtime.
#[derive(Debug)]
pub struct Clients {
    streams: Vec<TcpStream>,
    /// `None` for one connection, which blocks.
    epoll: Option<std::os::fd::OwnedFd>,
}

impl Clients {
    /// Connects to `address` so many times.
    pub fn connect(address: SocketAddr, connections: usize) -> Self {
        let connect = |_| {
            let stream = TcpStream::connect(address).expect("the server listens");
            stream.set_nodelay(true).expect("a socket has this option");
            stream
        };
        let streams: Vec<_> = (0..connections).map(connect).collect();
        let epoll = (connections > 1).then(|| {
            let epoll = epoll::create(CreateFlags::CLOEXEC).expect("there are descriptors");
            for (index, stream) in streams.iter().enumerate() {
                let data = EventData::new_u64(index as u64);
                epoll::add(&epoll, stream, data, EventFlags::IN).expect("a socket can be watched");
            }
            epoll
        });
        Self { streams, epoll }
    }

    /// Asks `each` questions over every connection, and waits for all answers.
    pub fn ask(&mut self, each: usize) {
        match &self.epoll {
            None => ask_blocking(&mut self.streams[0], each),
            Some(epoll) => ask_all(&self.streams, epoll, each),
        }
    }
}

fn ask_blocking(mut stream: impl Read + Write, each: usize) {
    let mut buffer = [0; MESSAGE];
    for _ in 0..each {
        stream.write_all(&[7; MESSAGE]).expect("the server reads");
        stream.read_exact(&mut buffer).expect("the server answers");
    }
}

fn ask_all(streams: &[TcpStream], epoll: &std::os::fd::OwnedFd, each: usize) {
    let ask = |mut stream: &TcpStream| {
        stream.write_all(&[7; MESSAGE]).expect("the server reads");
    };
    let mut left = vec![each; streams.len()];
    let mut busy = streams.len();
    streams.iter().for_each(ask);
    let mut buffer = [0; MESSAGE];
    let mut room = [MaybeUninit::<Event>::uninit(); 256];
    while busy > 0 {
        let (events, _) = epoll::wait(epoll, &mut room, None).expect("the wait is not interrupted");
        for event in &*events {
            let index = event.data.u64() as usize;
            let mut stream = &streams[index];
            stream.read_exact(&mut buffer).expect("the server answers");
            left[index] -= 1;
            match left[index] {
                0 => busy -= 1,
                _ => ask(stream),
            }
        }
    }
}

/// Blocks `hogs` workers for a while, during which a client asks over all connections in turn.
/// Returns the longest time to an answer, and the connections.
pub async fn stall<R: Sockets>(clients: Clients, hogs: usize) -> (Duration, Clients) {
    let stop = Arc::new(AtomicBool::new(false));
    let (done, longest) = oneshot::channel();
    let over = Arc::clone(&stop);
    thread::spawn(move || {
        let longest = longest_answer(&clients.streams, &over);
        let returned = done.send((longest, clients));
        returned.expect("the workload waits for it");
    });
    let hogs: Vec<_> = (0..hogs).map(|_| R::spawn(hog_a_worker::<R>())).collect();
    for hog in hogs {
        R::join(hog).await;
    }
    stop.store(true, Ordering::Relaxed);
    longest.await.expect("the thread asks")
}

fn longest_answer(streams: &[TcpStream], stop: &AtomicBool) -> Duration {
    let mut longest = Duration::ZERO;
    while !stop.load(Ordering::Relaxed) {
        for mut stream in streams {
            let begin = Instant::now();
            ask_blocking(&mut stream, 1);
            longest = longest.max(begin.elapsed());
        }
    }
    longest
}

/// How many connections have a task that has been polled. A static, so that the task's future is
/// only as large as what it awaits.
static IDLE: AtomicUsize = AtomicUsize::new(0);

/// Accepts connections for ever, each for a task that waits for a question.
pub async fn serve_idle<R: Sockets>(listener: R::Listener) {
    loop {
        let mut stream = R::accept(&listener).await;
        R::detach(R::spawn(async move {
            IDLE.fetch_add(1, Ordering::Relaxed);
            R::read(&mut stream, &mut [0; MESSAGE]).await;
        }));
    }
}

/// Leaves `count` connections open, over which nothing comes. The client's ends are descriptors,
/// and nothing else.
pub async fn leave_idle<R: Sockets>(address: SocketAddr, count: usize) {
    let before = IDLE.load(Ordering::Relaxed);
    for connected in 1..=count {
        mem::forget(TcpStream::connect(address).expect("the server listens"));
        // In small batches, for which the listener has room.
        while connected % 50 == 0 && IDLE.load(Ordering::Relaxed) < before + connected {
            R::yield_now().await;
        }
    }
}

/// Lets this process have as many descriptors as the system permits.
pub fn permit_descriptors() {
    let limit = getrlimit(Resource::Nofile);
    let all = Rlimit {
        current: limit.maximum,
        ..limit
    };
    setrlimit(Resource::Nofile, all).expect("a limit may be raised to the permitted one");
}

/// Connects, asks and closes, `count` times one after the other.
pub fn ask_over_new_connections(address: SocketAddr, count: usize) {
    for _ in 0..count {
        let mut stream = TcpStream::connect(address).expect("the server listens");
        ask_blocking(&mut stream, 1);
    }
}

/// A server without a runtime: one thread in `epoll`, the lower bound. Returns its address.
pub fn serve_bare() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
    let address = listener.local_addr().expect("it is bound");
    thread::spawn(move || run_bare(&listener).expect("the server runs"));
    address
}

/// The key of the listener among those of the connections.
const LISTENER: u64 = u64::MAX;

fn run_bare(listener: &TcpListener) -> io::Result<()> {
    let epoll = epoll::create(CreateFlags::CLOEXEC)?;
    epoll::add(
        &epoll,
        listener,
        EventData::new_u64(LISTENER),
        EventFlags::IN,
    )?;
    let mut streams: Vec<Option<TcpStream>> = Vec::new();
    let mut buffer = [0; 4096];
    let mut room = [MaybeUninit::<Event>::uninit(); 256];
    loop {
        let (events, _) = epoll::wait(&epoll, &mut room, None)?;
        for event in &*events {
            let key = event.data.u64();
            if key == LISTENER {
                let (stream, _address) = listener.accept()?;
                stream.set_nonblocking(true)?;
                let data = EventData::new_u64(streams.len() as u64);
                epoll::add(&epoll, &stream, data, EventFlags::IN)?;
                streams.push(Some(stream));
                continue;
            }
            let place = &mut streams[key as usize];
            let Some(stream) = place else { continue };
            match stream.read(&mut buffer) {
                Ok(0) | Err(_) => *place = None,
                Ok(read) => stream.write_all(&buffer[..read])?,
            }
        }
    }
}
