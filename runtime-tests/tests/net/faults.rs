//! Faults of sockets and of the system: each is an error of the operation that meets it, and
//! nothing else.

use std::net::Shutdown;

use socket2::SockRef;

use super::*;

/// Ends the connection with a reset.
fn reset(stream: TcpStream) {
    SockRef::from(&stream)
        .set_linger(Some(Duration::ZERO))
        .unwrap();
    drop(stream);
}

/// The kind of an error; panics if there is none.
fn kind<T: std::fmt::Debug>(outcome: io::Result<T>) -> io::ErrorKind {
    outcome.unwrap_err().kind()
}

#[test]
fn fault_a_reset_in_the_backlog_is_seen_by_the_read() {
    on_workers(2, async {
        let listener = TcpListener::bind(loopback()).await.unwrap();
        let address = listener.local_addr().unwrap();
        for _ in 0..50 {
            reset(TcpStream::connect(address).await.unwrap());
            let (server, _address) = listener.accept().await.unwrap();
            let read = server.read(&mut [0; 8]).await;
            assert_eq!(kind(read), io::ErrorKind::ConnectionReset);
        }
    });
}

#[test]
fn fault_a_reset_ends_a_read_that_waits() {
    on_workers(2, async {
        for _ in 0..50 {
            let (client, server) = connected().await;
            let reader = create_task(async move { server.read(&mut [0; 8]).await });
            checkpoint().await;
            reset(client);
            assert_eq!(kind(reader.await.unwrap()), io::ErrorKind::ConnectionReset);
        }
    });
}

#[test]
fn fault_a_reset_ends_a_write_that_waits() {
    on_workers(2, async {
        for _ in 0..10 {
            let (client, server) = connected().await;
            let writer = create_task(async move { server.write_all(&vec![0; 8_000_000]).await });
            let mut buffer = [0; 8];
            client.read_exact(&mut buffer).await.unwrap();
            // Data that nobody has read: the close is a reset.
            drop(client);
            let kind = kind(writer.await.unwrap());
            let expected = [io::ErrorKind::ConnectionReset, io::ErrorKind::BrokenPipe];
            assert!(expected.contains(&kind), "{kind:?}");
        }
    });
}

#[test]
fn fault_a_write_after_a_reset_is_an_error_and_no_signal() {
    on_workers(2, async {
        let (client, server) = connected().await;
        reset(client);
        let mut outcome = Ok(());
        while outcome.is_ok() {
            outcome = server.write_all(b"more").await;
        }
        let expected = [io::ErrorKind::ConnectionReset, io::ErrorKind::BrokenPipe];
        assert!(expected.contains(&kind(outcome)));
    });
}

#[test]
fn fault_a_connection_that_is_half_closed_goes_on_in_the_other_direction() {
    on_workers(2, async {
        let (client, server) = connected().await;
        client.write_all(b"question").await.unwrap();
        client.shutdown(Shutdown::Write).unwrap();
        let mut buffer = [0; 64];
        assert_eq!(server.read(&mut buffer).await.unwrap(), 8);
        assert_eq!(server.read(&mut buffer).await.unwrap(), 0);
        // The end stays the end, and the other direction goes on.
        let reader = create_task(async move {
            let mut received = vec![0; 4_000_000];
            client.read_exact(&mut received).await?;
            client.read(&mut [0; 1]).await
        });
        server.write_all(&vec![1; 4_000_000]).await.unwrap();
        assert_eq!(server.read(&mut buffer).await.unwrap(), 0);
        server.shutdown(Shutdown::Write).unwrap();
        assert_eq!(reader.await.unwrap().unwrap(), 0);
    });
}

// A zero window: the peer reads nothing, and then all.
#[test]
fn fault_a_peer_that_does_not_read_holds_only_its_writer_up() {
    on_workers(2, async {
        let (slow, to_slow) = connected().await;
        let (quick, to_quick) = connected().await;
        let writer = create_task(async move { to_slow.write_all(&vec![3; 6_000_000]).await });
        for _ in 0..200 {
            to_quick.write_all(b"ping").await.unwrap();
            quick.read_exact(&mut [0; 4]).await.unwrap();
        }
        assert!(!writer.done());
        let mut received = vec![0; 6_000_000];
        slow.read_exact(&mut received).await.unwrap();
        writer.await.unwrap().unwrap();
    });
}

// A write that is given up has written a prefix, and the connection goes on after it.
#[test]
fn fault_a_write_that_times_out_has_written_a_prefix() {
    on_workers(2, async {
        let (client, server) = connected().await;
        let mut sent = 0_usize;
        for _ in 0..3 {
            let pattern: Vec<u8> = (sent..sent + 65_536).map(|byte| byte as u8).collect();
            // Full writes until the window is closed.
            while let Ok(written) = wait_for(server.write(&pattern), 2 * TICK).await {
                let written = written.unwrap();
                sent += written;
                if written < pattern.len() {
                    break;
                }
            }
            let mut read = 0;
            let mut buffer = vec![0; 65_536];
            while read < sent {
                read += client.read(&mut buffer).await.unwrap();
            }
            assert_eq!(read, sent, "no byte is lost, and none comes twice");
            sent = 0;
        }
    });
}

#[test]
fn fault_a_refused_connection_is_an_error() {
    on_workers(2, async {
        let listener = TcpListener::bind(loopback()).await.unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        for _ in 0..50 {
            let outcome = TcpStream::connect(address).await;
            assert_eq!(kind(outcome), io::ErrorKind::ConnectionRefused);
        }
    });
}

/// A listener whose backlog is full: connections to it wait for ever.
fn black_hole() -> (std::net::TcpListener, Vec<std::net::TcpStream>, SocketAddr) {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    socket.bind(&loopback().into()).unwrap();
    socket.listen(0).unwrap();
    let listener = std::net::TcpListener::from(socket);
    let address = listener.local_addr().unwrap();
    let fill = || std::net::TcpStream::connect_timeout(&address, Duration::from_millis(200));
    let filling = std::iter::from_fn(|| fill().ok()).collect();
    (listener, filling, address)
}

#[test]
fn fault_a_connection_that_nobody_answers_can_be_timed_out_and_cancelled() {
    alone(|| {
        let (_listener, _filling, address) = black_hole();
        on_workers(2, async move {
            let before = descriptors();
            for _ in 0..3 {
                let outcome = wait_for(TcpStream::connect(address), 5 * TICK).await;
                assert!(matches!(outcome, Err(TimeoutError)));
            }
            let task = create_task(TcpStream::connect(address));
            sleep(2 * TICK).await;
            task.cancel();
            assert!(task.await.unwrap_err().is_cancelled());
            assert_eq!(descriptors(), before, "a descriptor is left");
        });
    });
}

/// How many descriptors this process has.
fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

// Numbers of descriptors are used again at once, while events of their predecessors are under way.
#[test]
fn fault_descriptors_that_are_used_again_get_no_event_of_others() {
    on_workers(3, async {
        let outcome = task_group(async |group| {
            for number in 0..8_u8 {
                group.create_task(async move {
                    for round in 0..150_u8 {
                        let (client, server) = connected().await;
                        client.write_all(&[number, round]).await?;
                        if round % 3 == 0 {
                            reset(client);
                            continue;
                        }
                        let mut buffer = [0; 2];
                        server.read_exact(&mut buffer).await?;
                        assert_eq!(buffer, [number, round]);
                        // Nothing else comes: neither data nor an end.
                        let more = wait_for(server.read(&mut buffer), TICK / 20).await;
                        assert!(more.is_err(), "{more:?}");
                        drop(client);
                        assert_eq!(server.read(&mut buffer).await?, 0);
                    }
                    Ok::<_, io::Error>(())
                });
            }
            Ok(())
        });
        outcome.await.unwrap();
    });
}

#[test]
fn fault_a_socket_of_a_closed_loop_says_so() {
    let (client, server) = on_workers(2, connected());
    on_workers(2, async move {
        // What needs no wait goes on.
        client.write_all(b"x").await.unwrap();
        assert_eq!(server.read(&mut [0; 8]).await.unwrap(), 1);
        let error = server.read(&mut [0; 8]).await.unwrap_err();
        assert!(error.to_string().contains("closed"), "{error}");
    });
}

#[test]
fn fault_a_socket_outside_of_a_loop_is_an_error() {
    let listener = std::net::TcpListener::bind(loopback()).unwrap();
    let error = TcpListener::from_std(listener).unwrap_err();
    assert!(
        error.to_string().contains("no running event loop"),
        "{error}"
    );
}

// The loop in which a socket was made wakes its tasks, wherever they are.
#[test]
fn fault_a_socket_of_one_loop_works_in_another_while_the_first_runs() {
    let (send, receive) = std::sync::mpsc::channel();
    let (done, ended) = futures::channel::oneshot::channel::<()>();
    let first = std::thread::spawn(move || {
        on_workers(2, async move {
            send.send(connected().await).unwrap();
            ended.await.unwrap();
        });
    });
    let (client, server) = receive.recv().unwrap();
    on_workers(2, async move {
        let echo = create_task(echo(server));
        for round in 0..200_u32 {
            client.write_all(&round.to_be_bytes()).await.unwrap();
            let mut buffer = [0; 4];
            client.read_exact(&mut buffer).await.unwrap();
            assert_eq!(u32::from_be_bytes(buffer), round);
        }
        drop(client);
        echo.await.unwrap().unwrap();
    });
    done.send(()).unwrap();
    first.join().unwrap();
}

// At each number of descriptors that are left: an error or a success, no panic, and nothing leaks.
#[test]
fn fault_short_of_descriptors_nothing_panics_and_nothing_leaks() {
    alone(|| {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        on_workers(2, async {
            let all = getrlimit(Resource::Nofile);
            let before = descriptors();
            let mut failures = 0;
            for left in 0.. {
                let limit = Rlimit {
                    current: Some(before as u64 - 1 + left),
                    ..all
                };
                setrlimit(Resource::Nofile, limit).unwrap();
                let outcome = use_descriptors().await;
                setrlimit(Resource::Nofile, all).unwrap();
                assert_eq!(descriptors(), before, "with {left} left");
                match outcome {
                    Ok(()) => break,
                    Err(error) => assert_eq!(error.raw_os_error(), Some(EMFILE)),
                }
                failures += 1;
            }
            assert!(failures >= 2, "only {failures} numbers were too few");
        });
    });
}

const EMFILE: i32 = rustix::io::Errno::MFILE.raw_os_error();

/// Makes four descriptors, one after the other.
async fn use_descriptors() -> io::Result<()> {
    let listener = TcpListener::bind(loopback()).await?;
    let client = TcpStream::connect(listener.local_addr()?).await?;
    let (server, _address) = listener.accept().await?;
    server.write_all(b"x").await?;
    client.read(&mut [0; 1]).await?;
    get_running_loop().add_reader(&client, || {})?;
    assert!(get_running_loop().remove_reader(&client));
    Ok(())
}
