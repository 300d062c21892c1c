//! Tests of operations that are cancelled: no descriptor is leaked, and no byte is lost.

use std::future::Future;

use asyncio::net::{UdpSocket, UnixDatagram, UnixListener, UnixStream};
use runtime_tests::{alone, begun};
use socket2::{Domain, Socket, Type};

use super::*;

/// Lets an operation wait, and cancels it; and lets one end by its timeout.
async fn cancel_each<F>(operation: impl Fn() -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    for _ in 0..20 {
        let task = begun(operation()).await;
        assert!(task.cancel());
        assert!(task.await.unwrap_err().is_cancelled());
        let timed_out = wait_for(operation(), TICK).await;
        assert!(matches!(timed_out, Err(TimeoutError)));
    }
}

/// A listener that has no room for another connection, with those that have filled it.
fn full_listener() -> (Socket, Vec<Socket>) {
    let listener = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    listener.bind(&loopback().into()).unwrap();
    listener.listen(0).unwrap();
    let address = listener.local_addr().unwrap();
    let clients = (0..2).map(|_| {
        let client = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        client.set_nonblocking(true).unwrap();
        let _in_progress = client.connect(&address);
        client
    });
    let clients = clients.collect();
    (listener, clients)
}

#[test]
fn fault_a_cancelled_connect_leaks_no_descriptor() {
    alone(|| {
        on_workers(2, async {
            let (listener, clients) = full_listener();
            let address = listener.local_addr().unwrap().as_socket().unwrap();
            sleep(10 * TICK).await;
            let before = open_descriptors();
            cancel_each(|| async move {
                let connected = TcpStream::connect(address).await;
                panic!("nobody accepts: {connected:?}");
            })
            .await;
            assert_eq!(open_descriptors(), before);
            drop((listener, clients));
        });
    });
}

#[test]
fn no_cancelled_operation_leaks_a_descriptor_or_its_result() {
    alone(|| {
        on_workers(2, async {
            let before = open_descriptors();
            cancel_each(|| async {
                let listener = TcpListener::bind(loopback()).await.unwrap();
                listener.accept().await.unwrap();
            })
            .await;
            cancel_each(|| async {
                let (left, _right) = UnixStream::pair().unwrap();
                left.read(&mut [0; 8]).await.unwrap();
            })
            .await;
            cancel_each(|| async {
                let (left, _right) = UnixStream::pair().unwrap();
                left.write_all(&vec![0; 1 << 22]).await.unwrap();
            })
            .await;
            cancel_each(|| async {
                let socket = UdpSocket::bind(loopback()).await.unwrap();
                socket.recv_from(&mut [0; 8]).await.unwrap();
            })
            .await;
            cancel_each(|| async {
                let (left, _right) = UnixDatagram::pair().unwrap();
                while left.send(&[0; 1000]).await.is_ok() {}
            })
            .await;
            assert_eq!(open_descriptors(), before);
        });
    });
}

// A connection to a Unix socket waits by trying again.
#[test]
fn a_cancelled_connect_to_a_unix_socket_leaks_no_descriptor() {
    alone(|| {
        on_workers(2, async {
            let path = socket_path("cancelled");
            let socket = Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
            socket
                .bind(&socket2::SockAddr::unix(&path).unwrap())
                .unwrap();
            socket.listen(0).unwrap();
            let listener = UnixListener::from_std(socket.into()).unwrap();
            let first = UnixStream::connect(&path).await.unwrap();
            let before = open_descriptors();
            cancel_each(|| {
                let path = path.clone();
                async move {
                    UnixStream::connect(path).await.unwrap();
                }
            })
            .await;
            assert_eq!(open_descriptors(), before);
            listener.accept().await.unwrap();
            drop(first);
            std::fs::remove_file(path).unwrap();
        });
    });
}

// Whatever instant the timeout hits, each byte is read once.
#[test]
fn reads_that_time_out_lose_no_byte() {
    on_workers(2, async {
        let (client, server) = connected().await;
        let writing = create_task(async move {
            for number in 0..3000_u32 {
                client.write_all(&number.to_be_bytes()).await.unwrap();
                asyncio::checkpoint().await;
            }
        });
        let mut received = Vec::new();
        let mut buffer = [0; 64];
        let mut rounds = 0_u32;
        loop {
            rounds += 1;
            let timeout = TICK / (1 + rounds % 50);
            match wait_for(server.read(&mut buffer), timeout).await {
                Ok(Ok(0)) => break,
                Ok(read) => received.extend_from_slice(&buffer[..read.unwrap()]),
                Err(TimeoutError) => {}
            }
        }
        writing.await.unwrap();
        let expected: Vec<u8> = (0..3000_u32).flat_map(u32::to_be_bytes).collect();
        assert!(received == expected);
    });
}
