//! Tests of the streams of connections.

use std::sync::{Arc, Mutex};
use std::time::Instant;

use asyncio::net::{UnixListener, UnixStream};
use asyncio::{Runner, get_running_loop};
use futures::StreamExt;
use runtime_tests::{alone, blocking_wait, until, watched};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use socket2::SockRef;

use super::*;

/// The messages that the loop's exception handler gets from now on.
fn reports() -> Arc<Mutex<Vec<String>>> {
    let reports = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&reports);
    get_running_loop().set_exception_handler(move |_, context| {
        seen.lock().unwrap().push(context.message().to_owned());
    });
    reports
}

/// Lets this process have no more descriptors than it has. Returns the limit before.
fn forbid_descriptors() -> Rlimit {
    let before = getrlimit(Resource::Nofile);
    let highest = std::fs::read_dir("/proc/self/fd").unwrap();
    let highest = highest.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let limit = highest.max().unwrap_or(0_u64);
    let limited = Rlimit {
        current: Some(limit),
        ..before
    };
    setrlimit(Resource::Nofile, limited).unwrap();
    before
}

#[test]
fn fault_without_descriptors_it_reports_and_tries_again_after_a_second() {
    alone(|| {
        on_workers(2, async {
            let reports = reports();
            let listener = TcpListener::bind(loopback()).await.unwrap();
            let address = listener.local_addr().unwrap();
            let mut clients: Vec<_> = (0..3)
                .map(|_| std::net::TcpStream::connect(address).unwrap())
                .collect();
            let before = forbid_descriptors();
            // The limit is below a descriptor that is open: fill what is free below that.
            let mut filled = Vec::new();
            while let Ok(more) = std::net::TcpStream::try_clone(&clients[0]) {
                filled.push(more);
            }
            let begun = Instant::now();
            let serving = create_task(async move {
                let mut incoming = listener.incoming();
                let mut served = Vec::new();
                while served.len() < 3 {
                    let stream = incoming.next().await.unwrap();
                    stream.write_all(b"hello").await.unwrap();
                    served.push(stream);
                }
                served
            });
            let (seen, polls) = (Arc::clone(&reports), get_running_loop().metrics().polls);
            until_slowly(|| seen.lock().unwrap().len() == 2).await;
            assert!(begun.elapsed() >= Duration::from_secs(1));
            let polls = get_running_loop().metrics().polls - polls;
            assert!(polls < 400, "{polls} polls in a second: that is spinning");
            setrlimit(Resource::Nofile, before).unwrap();
            let served = wait_for(serving, PATIENCE).await.unwrap().unwrap();
            assert!(begun.elapsed() < Duration::from_secs(6));
            drop(filled);
            for client in &mut clients {
                let mut buffer = [0; 5];
                std::io::Read::read_exact(client, &mut buffer).unwrap();
            }
            drop(served);
            let reports = reports.lock().unwrap();
            assert!(
                reports
                    .iter()
                    .all(|message| message == "socket.accept() out of system resource"),
                "{reports:?}"
            );
        });
    });
}

/// Waits for a condition, looking every few milliseconds.
async fn until_slowly(condition: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "it does not happen");
        sleep(10 * TICK).await;
    }
}

#[test]
fn fault_accept_itself_returns_the_error() {
    alone(|| {
        on_workers(2, async {
            let listener = TcpListener::bind(loopback()).await.unwrap();
            let client = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            let before = forbid_descriptors();
            let mut filled = Vec::new();
            while let Ok(more) = client.try_clone() {
                filled.push(more);
            }
            let error = listener.accept().await.unwrap_err();
            assert_eq!(
                error.raw_os_error(),
                Some(rustix::io::Errno::MFILE.raw_os_error())
            );
            setrlimit(Resource::Nofile, before).unwrap();
            listener.accept().await.unwrap();
        });
    });
}

#[test]
fn fault_connections_that_were_reset_while_they_waited_harm_no_other() {
    on_workers(2, async {
        let listener = TcpListener::bind(loopback()).await.unwrap();
        let address = listener.local_addr().unwrap();
        for _ in 0..20 {
            let gone = std::net::TcpStream::connect(address).unwrap();
            SockRef::from(&gone)
                .set_linger(Some(Duration::ZERO))
                .unwrap();
        }
        let client = create_task(async move {
            let stream = TcpStream::connect(address).await?;
            stream.write_all(b"alive").await?;
            stream.read(&mut [0; 1]).await
        });
        let mut incoming = listener.incoming();
        loop {
            let stream = wait_for(incoming.next(), PATIENCE).await.unwrap().unwrap();
            let mut buffer = [0; 5];
            match stream.read(&mut buffer).await {
                Ok(5) => break,
                Ok(_) => {}
                Err(error) => assert_eq!(error.kind(), io::ErrorKind::ConnectionReset),
            }
        }
        assert_eq!(client.await.unwrap().unwrap(), 0);
    });
}

#[test]
fn a_cancelled_wait_loses_no_connection() {
    on_workers(2, async {
        let path = socket_path("incoming");
        let listener = UnixListener::bind(&path).unwrap();
        let mut incoming = listener.incoming();
        let connecting = create_task({
            let path = path.clone();
            async move {
                let mut clients = Vec::new();
                for _ in 0..200 {
                    clients.push(UnixStream::connect(&path).await.unwrap());
                    asyncio::checkpoint().await;
                }
                clients
            }
        });
        let mut accepted = Vec::new();
        while accepted.len() < 200 {
            if let Ok(stream) = wait_for(incoming.next(), TICK / 20).await {
                accepted.push(stream.unwrap());
            }
        }
        connecting.await.unwrap();
        std::fs::remove_file(path).unwrap();
    });
}

#[test]
fn it_ends_with_its_loop() {
    watched(|| {
        let mut runner = Runner::builder().workers(2).build().unwrap();
        let listener = runner.run(async { TcpListener::bind(loopback()).await.unwrap() });
        let mut incoming = listener.incoming();
        runner.run(async {
            let early = wait_for(incoming.next(), TICK).await;
            assert!(matches!(early, Err(TimeoutError)));
        });
        runner.close();
        assert!(blocking_wait(incoming.next()).is_none());
    });
}

#[test]
fn a_hundred_connections_come_in() {
    on_workers(2, async {
        let listener = TcpListener::bind(loopback()).await.unwrap();
        let address = listener.local_addr().unwrap();
        let counted = Arc::new(Mutex::new(0));
        let serving = create_task({
            let counted = Arc::clone(&counted);
            async move {
                let mut incoming = listener.incoming();
                while let Some(stream) = incoming.next().await {
                    *counted.lock().unwrap() += 1;
                    create_task(echo(stream));
                }
            }
        });
        let clients: Vec<_> = (0..100_u8)
            .map(|client| {
                create_task(async move {
                    let stream = TcpStream::connect(address).await?;
                    stream.write_all(&[client]).await?;
                    let mut buffer = [0; 1];
                    stream.read_exact(&mut buffer).await?;
                    assert_eq!(buffer, [client]);
                    Ok::<_, io::Error>(())
                })
            })
            .collect();
        for client in clients {
            client.await.unwrap().unwrap();
        }
        until(|| *counted.lock().unwrap() == 100).await;
        serving.cancel();
    });
}
