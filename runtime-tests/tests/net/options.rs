//! Tests of the options of sockets, and of what streams can do without waiting.

use std::future::poll_fn;
use std::io::{IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd};

use asyncio::net::{Async, UnixStream};
use futures::{AsyncRead, AsyncWrite};
use socket2::{SockRef, TcpKeepalive};

use super::*;

#[test]
fn every_socket_is_a_descriptor_and_can_be_shared() {
    fn check<T: AsFd + AsRawFd + std::fmt::Debug + Send + Sync + Unpin + 'static>() {}
    fn check_stream<T: AsyncRead + AsyncWrite>()
    where
        for<'a> &'a T: AsyncRead + AsyncWrite,
    {
    }
    check::<TcpStream>();
    check::<TcpListener>();
    check::<asyncio::net::UdpSocket>();
    check::<UnixStream>();
    check::<asyncio::net::UnixListener>();
    check::<asyncio::net::UnixDatagram>();
    check::<Async<std::net::TcpStream>>();
    check_stream::<TcpStream>();
    check_stream::<UnixStream>();
}

#[test]
fn options_are_set_and_read() {
    on_workers(1, async {
        let (client, _server) = connected().await;
        client.set_nodelay(true).unwrap();
        assert!(client.nodelay().unwrap());
        client.set_ttl(17).unwrap();
        assert_eq!(client.ttl().unwrap(), 17);
        assert_eq!(client.linger().unwrap(), None);
        client.set_linger(Some(Duration::from_secs(3))).unwrap();
        assert_eq!(client.linger().unwrap(), Some(Duration::from_secs(3)));
        let keepalive = TcpKeepalive::new().with_time(Duration::from_secs(60));
        let options = SockRef::from(&client);
        options.set_tcp_keepalive(&keepalive).unwrap();
        assert!(options.keepalive().unwrap());
        assert!(client.take_error().unwrap().is_none());
    });
}

#[test]
fn without_linger_a_close_resets_the_connection() {
    on_workers(2, async {
        let (client, server) = connected().await;
        client.set_linger(Some(Duration::ZERO)).unwrap();
        drop(client);
        let reset = wait_for(server.read(&mut [0; 1]), PATIENCE).await.unwrap();
        assert_eq!(reset.unwrap_err().kind(), io::ErrorKind::ConnectionReset);
    });
}

#[test]
fn reads_and_writes_are_tried() {
    on_workers(2, async {
        let (left, right) = UnixStream::pair().unwrap();
        let mut buffer = [0; 64];
        let nothing = right.try_read(&mut buffer).unwrap_err();
        assert_eq!(nothing.kind(), io::ErrorKind::WouldBlock);
        assert_eq!(left.try_write(b"abc").unwrap(), 3);
        right.readable().await.unwrap();
        assert_eq!(right.try_read(&mut buffer).unwrap(), 3);
        let mut written = 0;
        // A readiness is a hint: an event from before the pipe was full may come later.
        while wait_for(left.writable(), TICK).await.is_ok() {
            let full = loop {
                match left.try_write(&[1; 4096]) {
                    Ok(count) => written += count,
                    Err(error) => break error,
                }
            };
            assert_eq!(full.kind(), io::ErrorKind::WouldBlock);
        }
        let mut all = vec![0; written];
        right.read_exact(&mut all).await.unwrap();
        left.writable().await.unwrap();
        assert!(left.try_write(b"abc").unwrap() > 0);
    });
}

#[test]
fn a_peek_takes_nothing() {
    on_workers(2, async {
        let (left, right) = UnixStream::pair().unwrap();
        let mut buffer = [0; 2];
        let early = wait_for(right.peek(&mut buffer), TICK).await;
        assert!(matches!(early, Err(TimeoutError)));
        left.write_all(b"abc").await.unwrap();
        assert_eq!(right.peek(&mut buffer).await.unwrap(), 2);
        let peeked = poll_fn(|cx| right.poll_peek(cx, &mut buffer)).await;
        assert_eq!(peeked.unwrap(), 2);
        let (client, server) = connected().await;
        client.write_all(b"abc").await.unwrap();
        assert_eq!(server.peek(&mut buffer).await.unwrap(), 2);
        let mut buffer = [0; 64];
        assert_eq!(server.read(&mut buffer).await.unwrap(), 3);
        assert_eq!(right.read(&mut buffer).await.unwrap(), 3);
    });
}

#[test]
fn several_buffers_and_uninitialised_ones_are_read() {
    on_workers(2, async {
        let (left, right) = UnixStream::pair().unwrap();
        let data = [IoSlice::new(b"abc"), IoSlice::new(b"defg")];
        assert_eq!(left.write_vectored(&data).await.unwrap(), 7);
        let (mut first, mut second) = ([0; 2], [0; 16]);
        let mut buffers = [IoSliceMut::new(&mut first), IoSliceMut::new(&mut second)];
        assert_eq!(right.read_vectored(&mut buffers).await.unwrap(), 7);
        assert_eq!((&first[..], &second[..5]), (&b"ab"[..], &b"cdefg"[..]));
        left.write_all(b"hij").await.unwrap();
        let mut room = [MaybeUninit::uninit(); 8];
        assert_eq!(right.read_uninit(&mut room).await.unwrap(), 3);
        left.write_all(b"kl").await.unwrap();
        let read = poll_fn(|cx| right.poll_read_uninit(cx, &mut room)).await;
        assert_eq!(read.unwrap(), 2);
    });
}

#[test]
fn an_empty_buffer_does_not_wait() {
    on_workers(2, async {
        let (left, right) = UnixStream::pair().unwrap();
        let read = wait_for(right.read(&mut []), PATIENCE).await;
        assert_eq!(read.unwrap().unwrap(), 0);
        assert_eq!(left.write(&[]).await.unwrap(), 0);
        let (client, server) = connected().await;
        let read = wait_for(server.read(&mut []), PATIENCE).await;
        assert_eq!(read.unwrap().unwrap(), 0);
        assert_eq!(client.write(&[]).await.unwrap(), 0);
    });
}
