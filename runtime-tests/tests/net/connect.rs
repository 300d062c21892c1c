//! Tests of connecting: addresses in all forms, several at once, and none that answers.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use asyncio::net::ToAddrs;
use asyncio::{EventLoop, Runner, get_running_loop};
use runtime_tests::{alone, watched};
use socket2::{Domain, SockRef, Socket, Type};

use super::*;

const DELAY: Duration = Duration::from_millis(250);
const HOUR: Duration = Duration::from_secs(3600);

/// What a timer may be late.
const SLACK: Duration = Duration::from_millis(10);

/// A listener that answers to nobody, while this lives: its queue is full, so the system drops what
/// comes.
struct BlackHole {
    address: SocketAddr,
    _listener: std::net::TcpListener,
    _filling: std::net::TcpStream,
}

impl BlackHole {
    fn new() -> BlackHole {
        let listener = std::net::TcpListener::bind(loopback()).unwrap();
        SockRef::from(&listener).listen(0).unwrap();
        let address = listener.local_addr().unwrap();
        BlackHole {
            address,
            _filling: std::net::TcpStream::connect(address).unwrap(),
            _listener: listener,
        }
    }
}

/// An address of this machine at which nobody listens. Its port is taken, so that nobody will.
fn closed() -> SocketAddr {
    static TAKEN: LazyLock<(Socket, SocketAddr)> = LazyLock::new(|| {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.bind(&loopback().into()).unwrap();
        let address = socket.local_addr().unwrap().as_socket().unwrap();
        (socket, address)
    });
    TAKEN.1
}

/// Runs `main` on a loop with a paused clock.
#[track_caller]
fn paused<F: Future>(main: F) -> F::Output {
    watched(|| {
        let builder = Runner::builder().workers(2).start_paused(true);
        builder.build().unwrap().run(main)
    })
}

fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

fn limit_descriptors(limit: usize) {
    let status = std::process::Command::new("prlimit")
        .args(["--pid", &std::process::id().to_string()])
        .arg(format!("--nofile={limit}:"))
        .status();
    assert!(status.expect("prlimit is there").success());
}

#[track_caller]
fn assert_took(event_loop: &EventLoop, begin: std::time::Instant, expected: Duration) {
    let taken = event_loop.time() - begin;
    assert!(
        expected <= taken && taken <= expected + expected / 10 + SLACK,
        "it took {taken:?}, not {expected:?}"
    );
}

#[test]
fn every_form_of_an_address_leads_there() {
    async fn check(listener: &TcpListener, address: impl ToAddrs) {
        let client = TcpStream::connect(address).await.unwrap();
        let (_server, peer) = listener.accept().await.unwrap();
        assert_eq!(client.local_addr().unwrap(), peer);
    }
    on_workers(2, async {
        let listener = &TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let port = address.port();
        check(listener, address).await;
        check(listener, &address).await;
        check(listener, address.to_string()).await;
        check(listener, address.to_string().as_str()).await;
        check(listener, &address.to_string()).await;
        check(listener, ("127.0.0.1", port)).await;
        check(listener, ("127.0.0.1".to_owned(), port)).await;
        check(listener, ("localhost", port)).await;
        check(listener, format!("localhost:{port}")).await;
        check(listener, (Ipv4Addr::LOCALHOST, port)).await;
        check(listener, (IpAddr::V4(Ipv4Addr::LOCALHOST), port)).await;
        check(listener, [address]).await;
        check(listener, &[address, closed()][..]).await;
        check(listener, vec![closed(), address]).await;
    });
}

#[test]
fn what_is_no_address_is_an_error_that_says_what_was_written() {
    on_workers(1, async {
        for text in [
            "",
            "localhost",
            "localhost:",
            "localhost:http",
            "127.0.0.1:65536",
        ] {
            let errors = [
                TcpStream::connect(text).await.unwrap_err(),
                TcpListener::bind(text).await.unwrap_err(),
            ];
            for error in errors {
                assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{text}");
                assert!(error.to_string().contains(&format!("{text:?}")), "{error}");
            }
        }
        let nothing: &[SocketAddr] = &[];
        let error = TcpStream::connect(nothing).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        let error = TcpListener::bind(nothing).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    });
}

#[test]
fn without_a_loop_connecting_is_an_error() {
    for addresses in [vec![closed()], vec![closed(), closed()]] {
        let error = futures::executor::block_on(TcpStream::connect(addresses)).unwrap_err();
        assert!(
            error.to_string().contains("no running event loop"),
            "{error}"
        );
    }
    let named = TcpStream::connect("localhost:80");
    let error = futures::executor::block_on(named).unwrap_err();
    assert!(
        error.to_string().contains("no running event loop"),
        "{error}"
    );
}

#[test]
fn after_a_refusal_the_next_address_is_tried_at_once() {
    paused(async {
        let event_loop = get_running_loop();
        let listener = TcpListener::bind(loopback()).await.unwrap();
        let address = listener.local_addr().unwrap();
        let begin = event_loop.time();
        let held = event_loop.hold_time();
        let client = TcpStream::connect(vec![closed(), closed(), closed(), address]).await;
        drop(held);
        assert_eq!(client.unwrap().peer_addr().unwrap(), address);
        assert_eq!(event_loop.time(), begin);
    });
}

#[test]
fn an_address_that_does_not_answer_costs_the_delay() {
    paused(async {
        let event_loop = get_running_loop();
        let listener = TcpListener::bind(loopback()).await.unwrap();
        let address = listener.local_addr().unwrap();
        let hole = BlackHole::new();
        for (delay, holes) in [(DELAY, 1), (DELAY, 3), (HOUR, 1), (Duration::ZERO, 2)] {
            let mut addresses = vec![hole.address; holes];
            addresses.push(address);
            let begin = event_loop.time();
            let connecting = TcpStream::connect(addresses).happy_eyeballs_delay(delay);
            let client = connecting.await.unwrap();
            assert_eq!(client.peer_addr().unwrap(), address);
            assert_took(&event_loop, begin, delay * holes as u32);
        }
    });
}

#[test]
fn the_delay_is_a_quarter_of_a_second_if_nothing_is_said() {
    on_workers(2, async {
        let listener = TcpListener::bind(loopback()).await.unwrap();
        let address = listener.local_addr().unwrap();
        let hole = BlackHole::new();
        let begin = std::time::Instant::now();
        let client = TcpStream::connect([hole.address, address]).await.unwrap();
        assert_eq!(client.peer_addr().unwrap(), address);
        assert!(begin.elapsed() >= DELAY, "{:?}", begin.elapsed());
    });
}

#[test]
fn if_all_are_refused_the_first_error_is_returned_as_it_is() {
    on_workers(2, async {
        let alone = TcpStream::connect(closed()).await.unwrap_err();
        let several = TcpStream::connect([closed(), closed(), closed()]).await;
        for error in [alone, several.unwrap_err()] {
            assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
            assert!(error.raw_os_error().is_some());
        }
    });
}

#[test]
fn if_all_fail_in_different_ways_the_error_lists_them() {
    on_workers(2, async {
        let refused = closed();
        // To all machines: not for TCP.
        let unreachable = SocketAddr::from((Ipv4Addr::BROADCAST, 9));
        let error = TcpStream::connect([refused, unreachable])
            .await
            .unwrap_err();
        let text = error.to_string();
        assert!(text.starts_with("Multiple exceptions: "), "{text}");
        assert!(text.contains(&format!("{refused}: ")), "{text}");
        assert!(text.contains(&format!("{unreachable}: ")), "{text}");
    });
}

#[test]
fn one_that_does_not_answer_holds_up_no_error_but_the_last() {
    paused(async {
        let event_loop = get_running_loop();
        let hole = BlackHole::new();
        let begin = event_loop.time();
        let connecting = TcpStream::connect([hole.address, closed()]);
        let outcome = wait_for(connecting, HOUR).await;
        assert!(outcome.is_err(), "the first may still succeed");
        assert_took(&event_loop, begin, HOUR);
    });
}

#[test]
fn without_a_limit_to_the_delay_the_next_waits_for_a_failure() {
    paused(async {
        let listener = TcpListener::bind(loopback()).await.unwrap();
        let address = listener.local_addr().unwrap();
        let hole = BlackHole::new();
        let one_by_one = |addresses: [SocketAddr; 2]| {
            TcpStream::connect(addresses).happy_eyeballs_delay(Duration::MAX)
        };
        let outcome = wait_for(one_by_one([hole.address, address]), HOUR).await;
        assert!(outcome.is_err());
        let client = one_by_one([closed(), address]).await.unwrap();
        assert_eq!(client.peer_addr().unwrap(), address);
    });
}

#[test]
fn the_losers_are_closed() {
    on_workers(2, async {
        let first = TcpListener::bind(loopback()).await.unwrap();
        let second = TcpListener::bind(loopback()).await.unwrap();
        let addresses = [&first, &second].map(|listener| listener.local_addr().unwrap());
        for _ in 0..50 {
            let connecting = TcpStream::connect(addresses).happy_eyeballs_delay(Duration::ZERO);
            let client = connecting.await.unwrap();
            let peer = client.peer_addr().unwrap();
            let (winner, loser) = match addresses.iter().position(|address| *address == peer) {
                Some(0) => (&first, &second),
                _ => (&second, &first),
            };
            let (server, _) = winner.accept().await.unwrap();
            // The second may not have been begun at all.
            if let Ok(lost) = wait_for(loser.accept(), TICK).await {
                let read = lost.unwrap().0.read(&mut [0; 1]).await;
                assert!(matches!(read, Ok(0) | Err(_)));
            }
            client.write_all(b"!").await.unwrap();
            server.read_exact(&mut [0; 1]).await.unwrap();
        }
    });
}

#[test]
fn connecting_that_is_given_up_leaves_no_descriptor() {
    alone(|| {
        let mut runner = Runner::builder()
            .workers(2)
            .start_paused(true)
            .build()
            .unwrap();
        runner.run(async {
            let hole = BlackHole::new();
            let before = descriptors();
            for millis in [0, 1, 249, 250, 251, 400, 600, 5000] {
                let connecting = TcpStream::connect(vec![hole.address; 4]);
                let outcome = wait_for(connecting, Duration::from_millis(millis)).await;
                assert!(outcome.is_err());
                assert_eq!(descriptors(), before, "given up after {millis} ms");
            }
            let task = create_task(TcpStream::connect(vec![hole.address; 4]));
            sleep(2 * DELAY + SLACK).await;
            assert_eq!(descriptors(), before + 3);
            task.cancel();
            assert!(task.await.unwrap_err().is_cancelled());
            assert_eq!(descriptors(), before);
        });
    });
}

#[test]
fn connections_that_are_given_up_at_any_time_leave_no_descriptor() {
    alone(|| {
        let mut runner = Runner::builder().workers(2).build().unwrap();
        runner.run(async {
            let listener = std::net::TcpListener::bind(loopback()).unwrap();
            let addresses = [closed(), listener.local_addr().unwrap()];
            let addresses = [addresses[0], addresses[1], addresses[1]];
            let before = descriptors();
            for round in 0..300_u32 {
                let connecting = TcpStream::connect(addresses).happy_eyeballs_delay(TICK / 20);
                let task = create_task(connecting);
                for _ in 0..round % 7 {
                    asyncio::checkpoint().await;
                }
                task.cancel();
                drop(task.await);
            }
            assert_eq!(descriptors(), before);
        });
    });
}

#[test]
fn without_descriptors_connecting_is_an_error_and_the_next_address_no_help() {
    alone(|| {
        let mut runner = Runner::builder().workers(1).build().unwrap();
        runner.run(async {
            let listener = TcpListener::bind(loopback()).await.unwrap();
            let address = listener.local_addr().unwrap();
            limit_descriptors(descriptors() + 64);
            let mut files = Vec::new();
            while let Ok(file) = std::fs::File::open("/proc/self/stat") {
                files.push(file);
                assert!(files.len() < 1000, "descriptors have a limit");
            }
            let error = TcpStream::connect([address, address]).await.unwrap_err();
            assert!(error.to_string().contains("Too many open files"), "{error}");
            files.truncate(files.len() - 8);
            TcpStream::connect([address, address]).await.unwrap();
        });
    });
}

#[test]
fn the_local_address_is_used() {
    on_workers(2, async {
        let listener = TcpListener::bind(loopback()).await.unwrap();
        let address = listener.local_addr().unwrap();
        let own = SocketAddr::from(([127, 0, 0, 2], 0));
        let client = TcpStream::connect(address).local_addr(own).await.unwrap();
        assert_eq!(client.local_addr().unwrap().ip(), own.ip());
        let (_server, peer) = listener.accept().await.unwrap();
        assert_eq!(peer.ip(), own.ip());
        // The first of its family that can be used.
        let taken = listener.local_addr().unwrap();
        let other = SocketAddr::from(([0, 0, 0, 0, 0, 0, 0, 1], 0));
        let local = vec![other, taken, own];
        let client = TcpStream::connect([closed(), address]).local_addr(local);
        assert_eq!(client.await.unwrap().local_addr().unwrap().ip(), own.ip());
    });
}

#[test]
fn a_local_address_that_cannot_be_used_is_an_error_that_names_it() {
    on_workers(2, async {
        let listener = TcpListener::bind(loopback()).await.unwrap();
        let address = listener.local_addr().unwrap();
        let error = TcpStream::connect(address).local_addr(address).await;
        let error = error.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
        assert!(error.to_string().contains(&address.to_string()), "{error}");
        let error = TcpStream::connect(address).local_addr("[::1]:0").await;
        let error = error.unwrap_err();
        assert!(error.to_string().contains("family"), "{error}");
    });
}

#[test]
fn a_listener_takes_the_first_address_that_is_free() {
    on_workers(1, async {
        let first = TcpListener::bind(loopback()).await.unwrap();
        let taken = first.local_addr().unwrap();
        let second = TcpListener::bind([taken, loopback()]).await.unwrap();
        assert_ne!(second.local_addr().unwrap(), taken);
        let error = TcpListener::bind([taken, taken]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
        let named = TcpListener::bind(("localhost", 0)).await.unwrap();
        assert!(named.local_addr().unwrap().ip().is_loopback());
    });
}

#[test]
fn a_connection_is_made_under_any_seed() {
    watched(|| {
        let connections = AtomicUsize::new(0);
        for seed in 0..50 {
            let mut runner = Runner::builder().deterministic(seed).build().unwrap();
            runner.run(async {
                let hole = BlackHole::new();
                let listener = TcpListener::bind(loopback()).await.unwrap();
                let address = listener.local_addr().unwrap();
                let begin = get_running_loop().time();
                let client = TcpStream::connect([hole.address, address]).await.unwrap();
                assert_eq!(client.peer_addr().unwrap(), address);
                assert_took(&get_running_loop(), begin, DELAY);
                connections.fetch_add(1, Ordering::Relaxed);
            });
        }
        assert_eq!(connections.into_inner(), 50);
    });
}
