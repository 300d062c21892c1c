//! Tests of Unix sockets.

use std::os::fd::AsFd;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::SocketAddr as UnixAddr;
use std::sync::Arc;

use asyncio::net::{UnixDatagram, UnixListener, UnixStream};
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
use socket2::{Domain, SockAddr, Socket, Type};

use super::*;

/// A name in the abstract namespace that no other test uses.
fn abstract_name(name: &str) -> UnixAddr {
    let name = format!("asyncio-{}-{name}", std::process::id());
    UnixAddr::from_abstract_name(name).unwrap()
}

async fn echo_unix(stream: UnixStream) -> io::Result<()> {
    let mut buffer = [0; 4096];
    loop {
        match stream.read(&mut buffer).await? {
            0 => return Ok(()),
            read => stream.write_all(&buffer[..read]).await?,
        }
    }
}

#[test]
fn connections_to_a_path_are_echoed() {
    on_workers(2, async {
        let path = socket_path("echo");
        let listener = UnixListener::bind(&path).unwrap();
        let address = listener.local_addr().unwrap();
        assert_eq!(address.as_pathname(), Some(&*path));
        let outcome = task_group(async |group| {
            let clients = path.clone();
            group.create_task(async move {
                for _ in 0..20 {
                    let (stream, address) = listener.accept().await?;
                    assert!(address.is_unnamed());
                    create_task(echo_unix(stream));
                }
                Ok::<_, io::Error>(())
            });
            for client in 0..20_u8 {
                let path = clients.clone();
                group.create_task(async move {
                    let stream = UnixStream::connect(path).await?;
                    for round in 0..50 {
                        let data = vec![client ^ round; 1 + 997 * usize::from(round)];
                        let mut back = vec![0; data.len()];
                        let (reader, writer) = (&stream, &stream);
                        let (sent, received) = futures::future::join(
                            writer.write_all(&data),
                            reader.read_exact(&mut back),
                        )
                        .await;
                        sent?;
                        received?;
                        assert!(data == back);
                    }
                    Ok(())
                });
            }
            Ok(())
        });
        outcome.await.unwrap();
        std::fs::remove_file(path).unwrap();
    });
}

#[test]
fn abstract_names_are_addresses() {
    on_workers(2, async {
        let address = abstract_name("streams");
        let listener = UnixListener::bind_addr(&address).unwrap();
        let client = UnixStream::connect_addr(&address).await.unwrap();
        let (server, _) = listener.accept().await.unwrap();
        let peer = client.peer_addr().unwrap();
        assert_eq!(peer.as_abstract_name(), address.as_abstract_name());
        client.write_all(b"abc").await.unwrap();
        assert_eq!(server.read(&mut [0; 8]).await.unwrap(), 3);
        let unnamed = client.local_addr().unwrap();
        let refused = UnixStream::connect_addr(&unnamed).await.unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::InvalidInput);

        let address = abstract_name("datagrams");
        let receiver = UnixDatagram::bind_addr(&address).unwrap();
        let sender = UnixDatagram::unbound().unwrap();
        sender.send_to_addr(b"abc", &address).await.unwrap();
        sender.connect_addr(&address).unwrap();
        sender.send(b"def").await.unwrap();
        let mut buffer = [0; 8];
        for expected in [b"abc", b"def"] {
            let (length, from) = receiver.recv_from(&mut buffer).await.unwrap();
            assert_eq!(&buffer[..length], expected);
            assert!(from.is_unnamed());
        }
    });
}

// The system says that a connection would block, and never says when it would not.
#[test]
fn a_connection_waits_for_room_at_the_listener() {
    on_workers(2, async {
        let address = abstract_name("backlog");
        let name = format!("\0asyncio-{}-backlog", std::process::id());
        let listener = Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
        listener.bind(&SockAddr::unix(name).unwrap()).unwrap();
        listener.listen(1).unwrap();
        let listener = UnixListener::from_std(listener.into()).unwrap();
        let clients: Vec<_> = (0..8)
            .map(|_| {
                let address = address.clone();
                create_task(async move {
                    let stream = UnixStream::connect_addr(&address).await?;
                    stream.read_exact(&mut [0; 1]).await
                })
            })
            .collect();
        sleep(5 * TICK).await;
        for _ in 0..8 {
            let (stream, _) = wait_for(listener.accept(), PATIENCE)
                .await
                .unwrap()
                .unwrap();
            stream.write_all(b"!").await.unwrap();
        }
        for client in clients {
            client.await.unwrap().unwrap();
        }
    });
}

// A read ends where a descriptor was sent along, although more has come.
#[test]
fn a_descriptor_that_is_sent_along_does_not_hide_what_follows() {
    on_workers(2, async {
        for _ in 0..200 {
            let (left, right) = UnixStream::pair().unwrap();
            let mut room = [std::mem::MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
            let mut control = SendAncillaryBuffer::new(&mut room);
            let passed = [right.as_fd()];
            assert!(control.push(SendAncillaryMessage::ScmRights(&passed)));
            let data = [io::IoSlice::new(b"with")];
            sendmsg(&left, &data, &mut control, SendFlags::empty()).unwrap();
            left.write_all(b"after").await.unwrap();
            let mut buffer = [0; 64];
            let mut received = 0;
            while received < 9 {
                let read = wait_for(right.read(&mut buffer[received..]), PATIENCE).await;
                received += read.unwrap().unwrap();
            }
            assert_eq!(&buffer[..9], b"withafter");
        }
    });
}

#[test]
fn a_blocking_stream_of_std_is_made_non_blocking() {
    on_workers(2, async {
        let (left, right) = std::os::unix::net::UnixStream::pair().unwrap();
        let left = UnixStream::from_std(left).unwrap();
        let mut buffer = [0; 8];
        let nothing = wait_for(left.read(&mut buffer), TICK).await;
        assert!(matches!(nothing, Err(TimeoutError)));
        drop(right);
        assert!(left.into_std().take_error().unwrap().is_none());
    });
}

#[test]
fn datagrams_arrive_in_order() {
    on_workers(2, async {
        let (left, right) = UnixDatagram::pair().unwrap();
        let sender = create_task(async move {
            for number in 0..2000_u32 {
                left.send(&number.to_be_bytes()).await?;
            }
            Ok::<_, io::Error>(())
        });
        let mut buffer = [0; 64];
        for number in 0..2000_u32 {
            let received = wait_for(right.recv(&mut buffer), PATIENCE).await;
            assert_eq!(received.unwrap().unwrap(), 4);
            assert_eq!(buffer[..4], number.to_be_bytes());
        }
        sender.await.unwrap().unwrap();
    });
}

// The system tells a socket that is not connected of no room at the receiver.
#[test]
fn a_datagram_waits_for_a_receiver_that_others_have_filled() {
    on_workers(2, async {
        let path = socket_path("full");
        let receiver = Arc::new(UnixDatagram::bind(&path).unwrap());
        let other = UnixDatagram::unbound().unwrap();
        while other.try_send_to(b"other", &path).is_ok() {}
        let to = path.clone();
        let sending = create_task(async move {
            let sender = UnixDatagram::unbound().unwrap();
            sender.send_to(b"ours", &to).await
        });
        sleep(5 * TICK).await;
        assert!(!sending.done());
        let mut buffer = [0; 64];
        let received = wait_for(
            async {
                loop {
                    let (length, _) = receiver.recv_from(&mut buffer).await.unwrap();
                    if &buffer[..length] == b"ours" {
                        break;
                    }
                }
            },
            PATIENCE,
        );
        received.await.unwrap();
        assert_eq!(sending.await.unwrap().unwrap(), 4);
        std::fs::remove_file(path).unwrap();
    });
}

#[test]
fn a_named_datagram_socket_is_answered() {
    on_workers(2, async {
        let (here, there) = (socket_path("here"), socket_path("there"));
        let (left, right) = (
            UnixDatagram::bind(&here).unwrap(),
            UnixDatagram::bind(&there).unwrap(),
        );
        left.connect(&there).unwrap();
        left.send(b"ping").await.unwrap();
        let mut buffer = [0; 64];
        assert_eq!(right.peek(&mut buffer).await.unwrap(), 4);
        let (length, from) = right.recv_from(&mut buffer).await.unwrap();
        right
            .send_to(&buffer[..length], from.as_pathname().unwrap())
            .await
            .unwrap();
        assert_eq!(left.recv(&mut buffer).await.unwrap(), 4);
        for path in [here, there] {
            std::fs::remove_file(path).unwrap();
        }
    });
}
