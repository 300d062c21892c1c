//! Tests of TCP connections.

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
