//! Each operation is dropped after each number of polls that it may have had: nothing is lost that
//! it has not returned, what comes next is in order, and no descriptor is left behind.

use std::future::poll_fn;
use std::io::{Read, Write};
use std::net::Shutdown;
use std::ops::Range;
use std::os::fd::OwnedFd;
use std::pin::{Pin, pin};
use std::task::Poll;

use asyncio::create_datagram_endpoint;
use asyncio::net::{UdpSocket, UnixDatagram};
use futures::StreamExt;
use socket2::SockRef;

use super::*;

/// More polls than any operation has here.
pub(super) const MOST: usize = 2_000;

/// Polls an operation so often, and drops it. After each poll `then` acts as its peer.
pub(super) async fn polled<F: Future>(
    operation: F,
    polls: usize,
    mut then: impl FnMut(),
) -> Option<F::Output> {
    let mut operation = pin!(operation);
    for _ in 0..polls {
        if let Poll::Ready(output) = once(operation.as_mut()).await {
            return Some(output);
        }
        then();
        // The loop sees it.
        sleep(TICK / 5).await;
    }
    None
}

/// Polls once.
fn once<F: Future>(mut operation: Pin<&mut F>) -> impl Future<Output = Poll<F::Output>> {
    poll_fn(move |cx| Poll::Ready(operation.as_mut().poll(cx)))
}

/// Plays a case with no poll, with one, with two, until it says that the operation has ended.
pub(super) async fn drop_at_each(name: &str, case: impl AsyncFn(usize) -> bool) {
    for polls in 0..MOST {
        let before = open_descriptors();
        let ended = case(polls).await;
        let begin = std::time::Instant::now();
        // A thread may still have a duplicate for a moment.
        while open_descriptors() != before {
            assert!(begin.elapsed() < PATIENCE, "{name}, {polls} polls: a leak");
            sleep(TICK).await;
        }
        if ended {
            assert!(polls > 0, "{name} ends without a poll");
            return;
        }
    }
    panic!("{name} does not end");
}

macro_rules! drop_each_at_each {
    ($($case:ident),* $(,)?) => {
        alone(|| on_workers(2, async { $(drop_at_each(stringify!($case), $case).await;)* }))
    };
}

pub(super) use drop_each_at_each;

/// What stands at these places of all that is sent: never zero.
pub(super) fn sequence(places: Range<usize>) -> Vec<u8> {
    places.map(|place| 1 + (place % 251) as u8).collect()
}

/// The other end of a connection, without a runtime.
pub(super) struct Peer {
    stream: File,
    sent: usize,
    received: Vec<u8>,
}

impl Peer {
    fn connected() -> (TcpStream, Peer) {
        let listener = std::net::TcpListener::bind(loopback()).unwrap();
        let stream = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let own = TcpStream::from_std(listener.accept().unwrap().0).unwrap();
        (own, Peer::of(stream))
    }

    pub(super) fn of(stream: impl Into<OwnedFd>) -> Peer {
        let stream = File::from(stream.into());
        SockRef::from(&stream).set_nonblocking(true).unwrap();
        Peer {
            stream,
            sent: 0,
            received: Vec::new(),
        }
    }

    /// Sends the next bytes, as many as there is room for, up to a total; then the end.
    pub(super) fn send(&mut self, count: usize, total: usize) {
        let data = sequence(self.sent..total.min(self.sent + count));
        self.sent += self.stream.write(&data).unwrap_or(0);
        if self.sent == total {
            SockRef::from(&self.stream)
                .shutdown(Shutdown::Write)
                .unwrap();
        }
    }

    /// Receives what there is, up to this number.
    pub(super) fn take(&mut self, count: usize) {
        let mut buffer = vec![0; count];
        let read = self.stream.read(&mut buffer).unwrap_or(0);
        self.received.extend_from_slice(&buffer[..read]);
    }

    /// Receives all that is left, and returns it with what came before.
    pub(super) fn into_received(mut self) -> Vec<u8> {
        let socket = SockRef::from(&self.stream);
        socket.set_nonblocking(false).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        self.stream.read_to_end(&mut self.received).unwrap();
        self.received
    }
}

/// What an operation that reads has taken from the stream.
enum Takes {
    /// What it has returned, and nothing if it was dropped.
    WhatItReturns,
    /// What is in its buffer, also if it was dropped.
    WhatIsInTheBuffer,
    Nothing,
}

/// Reads by `operation`; then what is left, which must follow what that has taken.
async fn reads(
    polls: usize,
    takes: Takes,
    operation: impl AsyncFn(&TcpStream, &mut [u8]) -> io::Result<usize>,
) -> bool {
    let (mut stream, mut peer) = Peer::connected();
    let mut buffer = [0; 64];
    let send = || peer.send(10, 1000);
    let read = polled(operation(&stream, &mut buffer), polls, send).await;
    let read = read.map(Result::unwrap);
    let count = match takes {
        Takes::WhatItReturns => read.unwrap_or(0),
        Takes::WhatIsInTheBuffer => buffer.iter().position(|byte| *byte == 0).unwrap(),
        Takes::Nothing => 0,
    };
    let mut received = buffer[..count].to_vec();
    peer.send(1000, 1000);
    let rest = futures::AsyncReadExt::read_to_end(&mut stream, &mut received);
    wait_for(rest, PATIENCE).await.unwrap().unwrap();
    assert!(
        received == sequence(0..1000),
        "{polls} polls: bytes are lost"
    );
    read.is_some()
}

async fn read(polls: usize) -> bool {
    reads(polls, Takes::WhatItReturns, async |stream, buffer| {
        stream.read(buffer).await
    })
    .await
}

async fn read_vectored(polls: usize) -> bool {
    let read = async |stream: &TcpStream, buffer: &mut [u8]| {
        let (left, right) = buffer.split_at_mut(5);
        let mut buffers = [left, right].map(std::io::IoSliceMut::new);
        stream.read_vectored(&mut buffers).await
    };
    reads(polls, Takes::WhatItReturns, read).await
}

async fn read_exact(polls: usize) -> bool {
    let read = async |stream: &TcpStream, buffer: &mut [u8]| {
        stream.read_exact(&mut buffer[..45]).await.map(|()| 45)
    };
    reads(polls, Takes::WhatIsInTheBuffer, read).await
}

async fn peek(polls: usize) -> bool {
    reads(polls, Takes::Nothing, async |stream, buffer| {
        stream.peek(buffer).await
    })
    .await
}

async fn readable(polls: usize) -> bool {
    let wait = async |stream: &TcpStream, _: &mut [u8]| {
        assert!(stream.try_read(&mut [0; 8]).is_err());
        stream.readable().await.map(|()| 0)
    };
    reads(polls, Takes::Nothing, wait).await
}

/// Fills a connection; returns how much it has taken.
fn fill(stream: &TcpStream) -> usize {
    let mut sent = 0;
    while let Ok(written) = stream.try_write(&sequence(sent..sent + 100_000)) {
        sent += written;
    }
    sent
}

async fn write(polls: usize) -> bool {
    let (stream, mut peer) = Peer::connected();
    let mut sent = fill(&stream);
    let data = sequence(sent..sent + 10_000);
    let written = polled(stream.write(&data), polls, || peer.take(1 << 22)).await;
    let ended = written.is_some();
    sent += written.map_or(0, Result::unwrap);
    drop(stream);
    assert!(peer.into_received() == sequence(0..sent));
    ended
}

async fn write_all(polls: usize) -> bool {
    let (stream, mut peer) = Peer::connected();
    let before = fill(&stream);
    let data = sequence(before..before + 1_000_000);
    let written = polled(stream.write_all(&data), polls, || peer.take(1 << 17)).await;
    drop(stream);
    let received = peer.into_received();
    let all = before + data.len();
    assert!(received.len() >= before && received == sequence(0..received.len()));
    assert!(received.len() == all || written.is_none());
    written.is_some()
}

/// A client connects after the first poll, or after the last.
async fn accepts(polls: usize, operation: impl AsyncFn(&TcpListener) -> TcpStream) -> bool {
    let listener = TcpListener::bind(loopback()).await.unwrap();
    let address = listener.local_addr().unwrap();
    let connect = || std::net::TcpStream::connect(address).unwrap();
    let mut client = None;
    let accepted = polled(operation(&listener), polls, || {
        client.get_or_insert_with(connect);
    });
    let accepted = accepted.await;
    let ended = accepted.is_some();
    let client = client.unwrap_or_else(connect);
    let stream = match accepted {
        Some(stream) => stream,
        None => {
            wait_for(listener.accept(), PATIENCE)
                .await
                .unwrap()
                .unwrap()
                .0
        }
    };
    assert_eq!(stream.peer_addr().unwrap(), client.local_addr().unwrap());
    ended
}

async fn accept(polls: usize) -> bool {
    accepts(polls, async |listener| listener.accept().await.unwrap().0).await
}

async fn incoming(polls: usize) -> bool {
    accepts(polls, async |listener| {
        listener.incoming().next().await.unwrap()
    })
    .await
}

/// What was given up is seen as a connection that ends; the next one works.
async fn connects<A: asyncio::net::ToAddrs>(polls: usize, to: impl Fn(u16) -> A) -> bool {
    let listener = TcpListener::bind(loopback()).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let first = polled(TcpStream::connect(to(port)), polls, || {}).await;
    let ended = first.is_some();
    drop(first.map(Result::unwrap));
    let second = TcpStream::connect(to(port)).await.unwrap();
    second.write_all(b"x").await.unwrap();
    loop {
        let (stream, _) = wait_for(listener.accept(), PATIENCE)
            .await
            .unwrap()
            .unwrap();
        match wait_for(stream.read(&mut [0; 8]), PATIENCE).await.unwrap() {
            Ok(1) => return ended,
            Ok(other) => assert_eq!(other, 0),
            Err(error) => assert_eq!(error.kind(), io::ErrorKind::ConnectionReset),
        }
    }
}

async fn connect(polls: usize) -> bool {
    connects(polls, |port| SocketAddr::from(([127, 0, 0, 1], port))).await
}

async fn connect_by_name(polls: usize) -> bool {
    connects(polls, |port| ("localhost", port)).await
}

async fn look_up(polls: usize) -> bool {
    let event_loop = get_running_loop();
    let found = polled(event_loop.getaddrinfo("localhost", 80), polls, || {}).await;
    let again = event_loop.getaddrinfo("localhost", 80).await.unwrap();
    assert!(!again.is_empty());
    found.is_some_and(|found| found.unwrap() == again)
}

#[test]
fn a_stream_goes_on_where_a_dropped_operation_left_it() {
    drop_each_at_each!(
        read,
        read_vectored,
        read_exact,
        peek,
        readable,
        write,
        write_all
    );
}

#[test]
fn no_dropped_accept_or_connect_loses_a_connection() {
    drop_each_at_each!(
        accept,
        incoming,
        connect,
        connect_by_name,
        look_up,
        endpoint
    );
}

async fn endpoint(polls: usize) -> bool {
    let made = polled(create_datagram_endpoint(loopback(), None), polls, || {}).await;
    made.is_some_and(|made| made.unwrap().local_addr().is_ok())
}

/// Receives by `operation`, which returns the number in a datagram; then those that are left.
async fn receives(
    polls: usize,
    peeks: bool,
    operation: impl AsyncFn(&UdpSocket) -> io::Result<u8>,
) -> bool {
    let socket = UdpSocket::bind(loopback()).await.unwrap();
    let peer = std::net::UdpSocket::bind(loopback()).unwrap();
    peer.connect(socket.local_addr().unwrap()).unwrap();
    let mut sent = 0..;
    let mut send = || {
        let number = sent.next().unwrap();
        peer.send(&[number]).unwrap();
        number
    };
    let received = polled(operation(&socket), polls, || {
        send();
    });
    let received = received.await.map(Result::unwrap);
    assert!(received.is_none_or(|number| number == 0));
    let last = send();
    let first = u8::from(received.is_some() && !peeks);
    for number in first..=last {
        let mut buffer = [0; 8];
        let next = wait_for(socket.recv_from(&mut buffer), PATIENCE).await;
        assert_eq!((next.unwrap().unwrap().0, buffer[0]), (1, number));
    }
    received.is_some()
}

async fn receive(polls: usize) -> bool {
    let receive = async |socket: &UdpSocket| {
        let mut buffer = [0; 8];
        socket.recv(&mut buffer).await.map(|_| buffer[0])
    };
    receives(polls, false, receive).await
}

async fn receive_from(polls: usize) -> bool {
    let receive = async |socket: &UdpSocket| {
        let mut buffer = [0; 8];
        socket.recv_from(&mut buffer).await.map(|_| buffer[0])
    };
    receives(polls, false, receive).await
}

async fn peek_datagram(polls: usize) -> bool {
    let peek = async |socket: &UdpSocket| {
        let mut buffer = [0; 8];
        socket.peek(&mut buffer).await.map(|_| buffer[0])
    };
    receives(polls, true, peek).await
}

/// Sends one more datagram to a receiver that has no room.
async fn sends(
    polls: usize,
    operation: impl AsyncFn(&UnixDatagram, &[u8], &std::path::Path) -> io::Result<usize>,
) -> bool {
    let path = socket_path("dropped");
    let receiver = std::os::unix::net::UnixDatagram::bind(&path).unwrap();
    receiver.set_nonblocking(true).unwrap();
    let sender = UnixDatagram::unbound().unwrap();
    sender.connect(&path).unwrap();
    let mut sent = 0_u16;
    while sender.try_send(&sent.to_be_bytes()).is_ok() {
        sent += 1;
    }
    let mut received = Vec::new();
    let mut receive = || {
        let mut buffer = [0; 2];
        let count = receiver.recv(&mut buffer);
        count
            .map(|_| received.push(u16::from_be_bytes(buffer)))
            .is_ok()
    };
    let data = sent.to_be_bytes();
    let outcome = polled(operation(&sender, &data, &path), polls, || {
        receive();
    });
    let outcome = outcome.await.map(Result::unwrap);
    sent += u16::from(outcome == Some(2));
    while receive() {}
    std::fs::remove_file(path).unwrap();
    assert!(received.iter().copied().eq(0..sent), "{received:?}");
    outcome.is_some()
}

async fn send(polls: usize) -> bool {
    sends(polls, async |socket, data, _| socket.send(data).await).await
}

async fn send_to(polls: usize) -> bool {
    sends(polls, async |socket, data, path| {
        socket.send_to(data, path).await
    })
    .await
}

#[test]
fn no_dropped_operation_loses_a_datagram() {
    drop_each_at_each!(receive, receive_from, peek_datagram, send, send_to);
}
