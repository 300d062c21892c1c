//! Where a server listens, and what it does without descriptors.

use std::io::Read;

use runtime_tests::alone;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::*;

// SV-9
#[test]
fn an_address_in_use_is_an_error_with_the_address() {
    on_workers(2, async {
        let server = start_server(echo, loopback()).await.unwrap();
        let address = server.local_addrs()[0];
        let error = start_server(echo, address).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
        let text = error.to_string();
        let expected = format!("error while attempting to bind on address {address}");
        assert!(text.starts_with(&expected), "{text}");
        // Several may listen if all allow it.
        let first = start_server(echo, loopback()).reuse_port(true);
        let first = first.await.unwrap();
        let address = first.local_addrs()[0];
        let second = start_server(echo, address).reuse_port(true).await.unwrap();
        assert_eq!(second.local_addrs(), [address]);
    });
}

// SV-9
#[test]
fn an_address_is_free_although_its_connections_linger() {
    on_workers(2, async {
        let server = start_server(echo, loopback()).await.unwrap();
        let address = server.local_addrs()[0];
        let client = std::net::TcpStream::connect(address).unwrap();
        (&client).write_all(b"x").unwrap();
        (&client).read_exact(&mut [0; 1]).unwrap();
        // Here it is the server that ends first, and so has the address in TIME_WAIT.
        server.close();
        server.close_clients();
        server.wait_closed().await;
        drop(client);
        start_server(echo, address).await.unwrap();
    });
}

// SV-9
#[test]
fn an_ipv6_address_is_for_ipv6_only() {
    let Ok(probe) = std::net::TcpListener::bind("[::1]:0") else {
        return println!("SKIPPED: there is no IPv6");
    };
    drop(probe);
    on_workers(2, async {
        let server = start_server(echo, "[::]:0").await.unwrap();
        let port = server.local_addrs()[0].port();
        assert!(server.local_addrs()[0].is_ipv6());
        open_connection(("::1", port)).await.unwrap();
        let ipv4 = open_connection(("127.0.0.1", port)).await.unwrap_err();
        assert_eq!(ipv4.kind(), io::ErrorKind::ConnectionRefused);
        // So both can be served at one port.
        let both = [("127.0.0.1", port), ("::1", 0)];
        let both = both.map(|(ip, port)| SocketAddr::new(ip.parse().unwrap(), port));
        let server = start_server(echo, &both[..]).await.unwrap();
        assert_eq!(server.local_addrs()[0], both[0]);
        for address in server.local_addrs() {
            let (mut reader, writer) = open_connection(address).await.unwrap();
            writer.write(b"hello\n");
            assert_eq!(reader.readline().await.unwrap(), "hello\n");
        }
    });
}

// SV-9
#[test]
fn fault_an_address_that_this_machine_has_not_is_passed_over_if_there_is_another() {
    on_workers(2, async {
        // For documentation: nobody has it.
        let foreign = SocketAddr::from(([192, 0, 2, 1], 0));
        let server = start_server(echo, &[foreign, loopback()][..])
            .await
            .unwrap();
        let [address] = server.local_addrs()[..] else {
            panic!("{server:?}");
        };
        assert!(address.ip().is_loopback());
        open_connection(address).await.unwrap();
        let error = start_server(echo, foreign).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrNotAvailable);
        assert!(error.to_string().contains("192.0.2.1"), "{error}");
    });
}

// SV-9
#[test]
fn fault_an_address_that_is_named_twice_is_served_once() {
    on_workers(2, async {
        let unused = std::net::TcpListener::bind(loopback()).unwrap();
        let address = unused.local_addr().unwrap();
        drop(unused);
        let server = start_server(echo, &[address, address][..]).await.unwrap();
        assert_eq!(server.local_addrs(), [address]);
    });
}

// SV-9
#[test]
fn one_address_in_use_among_several_leaves_none_open() {
    alone(|| {
        on_workers(2, async {
            let used = std::net::TcpListener::bind(loopback()).unwrap();
            let addresses = [loopback(), used.local_addr().unwrap()];
            let before = open_descriptors();
            let error = start_server(echo, &addresses[..]).await.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
            assert_eq!(open_descriptors(), before);
        });
    });
}

/// Lets this process have no more descriptors than it has. Returns the limit before.
fn forbid_descriptors() -> Rlimit {
    let before = getrlimit(Resource::Nofile);
    let highest = std::fs::read_dir("/proc/self/fd").unwrap();
    let highest = highest.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let limited = Rlimit {
        current: Some(highest.max().unwrap_or(0_u64)),
        ..before
    };
    setrlimit(Resource::Nofile, limited).unwrap();
    before
}

/// Runs `body` while there is no descriptor left.
async fn without_descriptors<R>(spare: &Socket, body: impl Future<Output = R>) -> R {
    let before = forbid_descriptors();
    // The limit is below a descriptor that is open: fill what is free below that.
    let mut filled = Vec::new();
    while let Ok(more) = spare.try_clone() {
        filled.push(more);
    }
    let result = body.await;
    setrlimit(Resource::Nofile, before).unwrap();
    drop(filled);
    result
}

// SV-9
#[test]
fn without_descriptors_a_server_reports_once_a_second_and_serves_again() {
    alone(|| {
        over_both(async |kind| {
            let reports = reports();
            let (server, address) = serve(kind, echo).await;
            let mut clients = Vec::new();
            let sockets = match kind {
                Kind::Tcp => socket2::Domain::IPV4,
                Kind::Unix => socket2::Domain::UNIX,
            };
            let target = match &address {
                Address::Tcp(address) => (*address).into(),
                Address::Unix(path) => socket2::SockAddr::unix(path).unwrap(),
            };
            for _ in 0..5 {
                clients.push(Socket::new(sockets, socket2::Type::STREAM, None).unwrap());
            }
            let begun = Instant::now();
            without_descriptors(&clients[0], async {
                let polls = get_running_loop().metrics().polls;
                for client in &clients {
                    client.connect(&target).unwrap();
                }
                until_slowly(|| reports.lock().unwrap().len() == 2).await;
                assert!(begun.elapsed() >= Duration::from_secs(1));
                let polls = get_running_loop().metrics().polls - polls;
                assert!(polls < 4000, "{polls} polls in a second: that is spinning");
            })
            .await;
            let freed = Instant::now();
            for client in &clients {
                let client = client.try_clone().unwrap();
                client.set_read_timeout(Some(PATIENCE)).unwrap();
                (&client).write_all(b"x").unwrap();
                let read = asyncio::to_thread(move || (&client).read_exact(&mut [0; 1]));
                read.await.unwrap().unwrap();
            }
            assert!(freed.elapsed() < Duration::from_millis(1500));
            let reports = reports.lock().unwrap().clone();
            let expected = "socket.accept() out of system resource";
            assert!(reports.iter().all(|text| text == expected), "{reports:?}");
            assert!(reports.len() <= 3, "{reports:?}");
            end(server).await;
        });
    });
}

// SV-9
#[test]
fn fault_the_exception_handler_may_close_the_server_that_cannot_accept() {
    alone(|| {
        on_workers(2, async {
            let server = start_server(echo, loopback()).await.unwrap();
            let address = server.local_addrs()[0];
            let server = Arc::new(server);
            let seen = Arc::new(Mutex::new(Vec::new()));
            let (handled, notes) = (Arc::clone(&server), Arc::clone(&seen));
            get_running_loop().set_exception_handler(move |_, _| {
                notes.lock().unwrap().push(handled.local_addrs());
                handled.close();
            });
            let client = Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
            without_descriptors(&client, async {
                client.connect(&address.into()).unwrap();
                until_slowly(|| !server.is_serving()).await;
            })
            .await;
            assert_eq!(*seen.lock().unwrap(), [[address]]);
            wait_for(server.wait_closed(), PATIENCE).await.unwrap();
        });
    });
}

// SV-9
#[test]
fn connections_that_were_reset_while_they_waited_harm_no_other() {
    on_workers(2, async {
        let settings = start_server(echo, loopback()).start_serving(false);
        let server = settings.await.unwrap();
        let address = server.local_addrs()[0];
        server.start_serving().unwrap();
        for _ in 0..100 {
            reset(std::net::TcpStream::connect(address).unwrap().into());
        }
        let (mut reader, writer) = open_connection(address).await.unwrap();
        writer.write(b"alive\n");
        assert_eq!(reader.readline().await.unwrap(), "alive\n");
        until_slowly(|| all_tasks().len() <= 2).await;
        end(server).await;
    });
}

// SV-9
#[test]
fn a_small_backlog_serves_any_number_of_clients() {
    on_workers(2, async {
        for backlog in [0, 1] {
            // Unlike TCP, which drops the packet and tries again after a second, it waits for room.
            let path = socket_path();
            let server = start_unix_server(echo, &path).backlog(backlog);
            let server = server.await.unwrap();
            let clients = asyncio::to_thread(move || {
                let connect = |_| std::os::unix::net::UnixStream::connect(&path).unwrap();
                let clients: Vec<_> = (0..200).map(connect).collect();
                for mut client in &clients {
                    client.write_all(b"x").unwrap();
                    client.read_exact(&mut [0; 1]).unwrap();
                }
                clients.len()
            });
            assert_eq!(wait_for(clients, PATIENCE).await.unwrap().unwrap(), 200);
            end(server).await;
        }
    });
}
