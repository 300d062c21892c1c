//! Tests of UDP sockets and of datagram endpoints.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

use asyncio::create_datagram_endpoint;
use asyncio::net::UdpSocket;

use super::*;

async fn socket() -> (UdpSocket, SocketAddr) {
    let socket = UdpSocket::bind(loopback()).await.unwrap();
    let address = socket.local_addr().unwrap();
    (socket, address)
}

/// Two sockets that are connected to each other.
async fn pair() -> (UdpSocket, UdpSocket) {
    let ((left, left_address), (right, right_address)) = (socket().await, socket().await);
    left.connect(right_address).await.unwrap();
    right.connect(left_address).await.unwrap();
    (left, right)
}

#[test]
fn four_tasks_serve_one_socket() {
    on_workers(2, async {
        let (server, address) = socket().await;
        let server = Arc::new(server);
        let outcome = task_group(async |servers| {
            for _ in 0..4 {
                let server = Arc::clone(&server);
                servers.create_task(async move {
                    let mut buffer = [0; 64];
                    loop {
                        let (length, client) = server.recv_from(&mut buffer).await?;
                        server.send_to(&buffer[..length], client).await?;
                    }
                    #[expect(unreachable_code, reason = "it names the type of the error")]
                    Ok::<(), io::Error>(())
                });
            }
            let clients = task_group(async |clients| {
                for client in 0..8_u8 {
                    clients.create_task(async move {
                        let (socket, _) = socket().await;
                        socket.connect(address).await?;
                        for round in 0..200_u8 {
                            let mut buffer = [0; 64];
                            socket.send(&[client, round]).await?;
                            let length = socket.recv(&mut buffer).await?;
                            assert_eq!(buffer[..length], [client, round]);
                        }
                        Ok::<_, io::Error>(())
                    });
                }
                Ok(())
            });
            clients.await.unwrap();
            servers.cancel();
            Ok(())
        });
        outcome.await.unwrap();
    });
}

// Unlike in a stream, a receive that fills a part of the buffer says nothing about the next.
#[test]
fn a_short_datagram_does_not_hide_the_next() {
    on_workers(2, async {
        let (left, right) = pair().await;
        for _ in 0..200 {
            for data in [&b"a"[..], b"bc", b"", b"def"] {
                left.send(data).await.unwrap();
            }
            let mut buffer = [0; 64];
            for length in [1, 2, 0, 3] {
                let received = wait_for(right.recv(&mut buffer), PATIENCE).await;
                assert_eq!(received.unwrap().unwrap(), length);
            }
        }
    });
}

#[test]
fn a_receive_that_times_out_takes_no_datagram() {
    on_workers(2, async {
        let (left, right) = pair().await;
        let mut buffer = [0; 64];
        for round in 0..50_u8 {
            let early = wait_for(right.recv_from(&mut buffer), TICK).await;
            assert!(matches!(early, Err(TimeoutError)));
            left.send(&[round]).await.unwrap();
            let (length, sender) = right.recv_from(&mut buffer).await.unwrap();
            assert_eq!(&buffer[..length], [round]);
            assert_eq!(sender, left.local_addr().unwrap());
        }
    });
}

#[test]
fn a_peek_leaves_the_datagram() {
    on_workers(2, async {
        let (left, right) = pair().await;
        left.send(b"abc").await.unwrap();
        let mut buffer = [0; 2];
        assert_eq!(right.peek(&mut buffer).await.unwrap(), 2);
        let peeked = poll_fn(|cx| right.poll_peek_from(cx, &mut buffer)).await;
        assert_eq!(peeked.unwrap(), (2, left.local_addr().unwrap()));
        let peeked = right.peek_from(&mut buffer).await;
        assert_eq!(peeked.unwrap(), (2, left.local_addr().unwrap()));
        let mut buffer = [0; 64];
        assert_eq!(right.recv(&mut buffer).await.unwrap(), 3);
        let nothing = wait_for(right.peek(&mut buffer), TICK).await;
        assert!(matches!(nothing, Err(TimeoutError)));
    });
}

// LH-7
#[test]
fn a_datagram_that_reaches_nobody_is_reported_once() {
    on_workers(2, async {
        let (server, address) = socket().await;
        drop(server);
        let client = create_datagram_endpoint(None, address).await.unwrap();
        client.send(b"lost").await.unwrap();
        let mut buffer = [0; 64];
        let refused = wait_for(client.recv(&mut buffer), PATIENCE).await.unwrap();
        assert_eq!(
            refused.unwrap_err().kind(),
            io::ErrorKind::ConnectionRefused
        );
        let server = create_datagram_endpoint(address, None).await.unwrap();
        client.send(b"ping").await.unwrap();
        let (length, from) = server.recv_from(&mut buffer).await.unwrap();
        server.send_to(&buffer[..length], from).await.unwrap();
        assert_eq!(client.recv(&mut buffer).await.unwrap(), 4);
    });
}

// LH-7
#[test]
fn an_endpoint_needs_addresses_of_one_family() {
    on_workers(2, async {
        let neither = create_datagram_endpoint(None, None).await;
        assert_eq!(neither.unwrap_err().kind(), io::ErrorKind::InvalidInput);
        let six: SocketAddr = "[::1]:1".parse().unwrap();
        let mixed = create_datagram_endpoint(loopback(), six).await;
        assert_eq!(mixed.unwrap_err().kind(), io::ErrorKind::InvalidInput);
        let (server, address) = socket().await;
        let both = create_datagram_endpoint(loopback(), address).await.unwrap();
        assert_eq!(both.peer_addr().unwrap(), address);
        both.send(b"ping").await.unwrap();
        let mut buffer = [0; 64];
        let (_, from) = server.recv_from(&mut buffer).await.unwrap();
        assert_eq!(from, both.local_addr().unwrap());
    });
}

// What adapters of other crates are made of.
#[test]
fn a_socket_is_polled_by_many_tasks() {
    on_workers(2, async {
        let (server, address) = socket().await;
        let server = Arc::new(server);
        let outcome = task_group(async |group| {
            for number in 0..16_u8 {
                let server = Arc::clone(&server);
                group.create_task(async move {
                    let (client, client_address) = socket().await;
                    poll_fn(|cx| server.as_async().poll_writable(cx)).await?;
                    let data = [number; 8];
                    poll_fn(|cx| server.poll_send_to(cx, &data, client_address)).await?;
                    let mut buffer = [0; 64];
                    poll_fn(|cx| client.as_async().poll_readable(cx)).await?;
                    let received = poll_fn(|cx| client.poll_recv_from(cx, &mut buffer)).await?;
                    assert_eq!(received, (8, address));
                    assert_eq!(buffer[..8], data);
                    Ok::<_, io::Error>(())
                });
            }
            Ok(())
        });
        outcome.await.unwrap();
        let mut buffer = [0; 64];
        poll_fn(|cx| {
            assert!(server.poll_recv(cx, &mut buffer).is_pending());
            Poll::Ready(())
        })
        .await;
    });
}

#[test]
fn what_would_wait_is_tried() {
    on_workers(2, async {
        let (left, right) = pair().await;
        let mut buffer = [0; 64];
        let nothing = right.try_recv(&mut buffer).unwrap_err();
        assert_eq!(nothing.kind(), io::ErrorKind::WouldBlock);
        assert_eq!(left.try_send(b"abc").unwrap(), 3);
        right.readable().await.unwrap();
        let (length, from) = right.try_recv_from(&mut buffer).unwrap();
        assert_eq!((length, from), (3, left.local_addr().unwrap()));
        left.writable().await.unwrap();
    });
}

#[test]
fn a_blocking_socket_of_std_is_made_non_blocking() {
    on_workers(2, async {
        let blocking = std::net::UdpSocket::bind(loopback()).unwrap();
        let socket = UdpSocket::from_std(blocking).unwrap();
        let mut buffer = [0; 64];
        let nothing = wait_for(socket.recv(&mut buffer), TICK).await;
        assert!(matches!(nothing, Err(TimeoutError)));
        let std = socket.into_std();
        let nothing = std.recv(&mut buffer).unwrap_err();
        assert_eq!(nothing.kind(), io::ErrorKind::WouldBlock);
        UdpSocket::from_std(std).unwrap();
    });
}

#[test]
fn options_of_multicast_are_set() {
    on_workers(1, async {
        let socket = UdpSocket::bind("0.0.0.0:0").await.unwrap();
        socket.set_broadcast(true).unwrap();
        assert!(socket.broadcast().unwrap());
        socket.set_multicast_ttl_v4(3).unwrap();
        assert_eq!(socket.multicast_ttl_v4().unwrap(), 3);
        socket.set_multicast_loop_v4(false).unwrap();
        assert!(!socket.multicast_loop_v4().unwrap());
        let (group, interface) = ([224, 0, 0, 201].into(), [127, 0, 0, 1].into());
        socket.leave_multicast_v4(group, interface).unwrap_err();
        socket.join_multicast_v4(group, interface).unwrap();
        socket.leave_multicast_v4(group, interface).unwrap();
    });
}
