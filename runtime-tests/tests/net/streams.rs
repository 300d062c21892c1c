//! Tests of TCP connections.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::io::AsyncRead;
use socket2::SockRef;

use super::*;

#[test]
fn what_is_written_is_read() {
    on_workers(2, async {
        let (client, server) = connected().await;
        for round in 0..1000_u32 {
            client.write_all(&round.to_be_bytes()).await.unwrap();
            let mut buffer = [0; 4];
            server.read_exact(&mut buffer).await.unwrap();
            assert_eq!(u32::from_be_bytes(buffer), round);
        }
        drop(client);
        assert_eq!(server.read(&mut [0; 4]).await.unwrap(), 0);
    });
}

// A read that is short has emptied the buffer, unless the end has come with the data.
#[test]
fn an_end_that_comes_with_the_data_is_seen() {
    on_workers(2, async {
        for _ in 0..500 {
            let (client, server) = connected().await;
            let reader = create_task(async move {
                let mut buffer = [0; 64];
                assert_eq!(server.read(&mut buffer).await.unwrap(), 4);
                assert_eq!(server.read(&mut buffer).await.unwrap(), 0);
            });
            client.write_all(b"last").await.unwrap();
            drop(client);
            wait_for(reader, Duration::from_secs(5))
                .await
                .unwrap()
                .unwrap();
        }
    });
}

#[test]
fn a_hundred_connections_are_echoed() {
    on_workers(2, async {
        let listener = TcpListener::bind(loopback()).await.unwrap();
        let address = listener.local_addr().unwrap();
        let outcome = task_group(async |server| {
            let serving = server.create_task(serve(server.clone(), listener));
            let clients = task_group(async |clients| {
                for client in 0..100_u8 {
                    clients.create_task(async move {
                        let stream = TcpStream::connect(address).await?;
                        for round in 0..50 {
                            let data = vec![client ^ round; 1 + 37 * usize::from(round)];
                            stream.write_all(&data).await?;
                            let mut back = vec![0; data.len()];
                            stream.read_exact(&mut back).await?;
                            assert_eq!(data, back);
                        }
                        Ok::<_, io::Error>(())
                    });
                }
                Ok(())
            });
            clients.await.unwrap();
            serving.cancel();
            Ok(())
        });
        outcome.await.unwrap();
    });
}

#[test]
fn a_writer_waits_for_a_reader() {
    on_workers(2, async {
        let (client, server) = connected().await;
        let data: Vec<u8> = (0..8_000_000_u32).map(|number| number as u8).collect();
        let sent = data.clone();
        let writer = create_task(async move { client.write_all(&sent).await });
        sleep(TICK).await;
        assert!(!writer.done(), "the kernel takes less than 8 MB");
        let mut received = vec![0; data.len()];
        server.read_exact(&mut received).await.unwrap();
        assert!(received == data);
        writer.await.unwrap().unwrap();
    });
}

#[test]
fn a_read_that_times_out_takes_nothing() {
    on_workers(2, async {
        let (client, server) = connected().await;
        for round in 0..50_u8 {
            let mut buffer = [0; 1];
            let early = wait_for(server.read(&mut buffer), TICK).await;
            assert!(matches!(early, Err(TimeoutError)));
            client.write_all(&[round]).await.unwrap();
            assert_eq!(server.read(&mut buffer).await.unwrap(), 1);
            assert_eq!(buffer, [round]);
        }
    });
}

// A read ends before urgent data, although more has come.
#[test]
fn urgent_data_does_not_hide_what_follows() {
    on_workers(2, async {
        for _ in 0..200 {
            let (client, server) = connected().await;
            let reader = create_task(async move {
                let mut received = Vec::new();
                let mut buffer = [0; 64];
                while received.len() < 6 {
                    let read = wait_for(server.read(&mut buffer), PATIENCE).await;
                    received.extend_from_slice(&buffer[..read.unwrap().unwrap()]);
                }
                received
            });
            client.write_all(b"abc").await.unwrap();
            SockRef::from(&client).send_out_of_band(b"!").unwrap();
            client.write_all(b"def").await.unwrap();
            assert_eq!(reader.await.unwrap(), b"abcdef");
        }
    });
}

// The peer always has more: every read is ready at once.
#[test]
fn a_peer_that_floods_holds_up_neither_a_timeout_nor_a_cancellation_nor_other_tasks() {
    on_workers(1, async {
        let (client, server) = connected().await;
        let client = client.into_std();
        client.set_nonblocking(false).unwrap();
        let flood =
            std::thread::spawn(
                move || {
                    while std::io::Write::write(&mut &client, &[0; 65_536]).is_ok() {}
                },
            );
        let read_all = async || {
            let mut buffer = vec![0; 16];
            loop {
                server.read(&mut buffer).await.unwrap();
            }
        };
        let early = wait_for(read_all(), 20 * TICK).await;
        assert!(matches!(early, Err::<(), _>(TimeoutError)));
        let turns = AtomicUsize::new(0);
        let others = async {
            for _ in 0..100 {
                checkpoint().await;
                turns.fetch_add(1, Ordering::Relaxed);
            }
        };
        let _first = futures::future::select(pin!(read_all()), pin!(others)).await;
        assert_eq!(turns.into_inner(), 100);
        drop(server);
        flood.join().unwrap();
    });
}

// Wakers of polls cannot be taken back: when there are many, all are woken, and come back.
#[test]
fn many_that_poll_one_direction_neither_spin_nor_sleep_through() {
    on_workers(2, async {
        let (client, server) = connected().await;
        let server = Arc::new(server);
        let readers: Vec<_> = (0..200)
            .map(|_| {
                let server = Arc::clone(&server);
                create_task(async move {
                    let mut buffer = [0; 1];
                    let read = poll_fn(|cx| Pin::new(&mut &*server).poll_read(cx, &mut buffer));
                    read.await.unwrap()
                })
            })
            .collect();
        sleep(5 * TICK).await;
        client.write_all(&[0; 200]).await.unwrap();
        for reader in readers {
            assert_eq!(reader.await.unwrap(), 1);
        }
    });
}
