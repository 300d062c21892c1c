//! Sockets under a paused clock, and under a seed.

use std::io::{Read, Write};
use std::pin::pin;
use std::time::Instant;

use futures::future::join;

use super::*;

fn under_seed<F: Future>(seed: u64, main: F) -> F::Output {
    watched(|| {
        let builder = Runner::builder().workers(2).deterministic(seed);
        builder.build().unwrap().run(main)
    })
}

fn now() -> Instant {
    get_running_loop().time()
}

#[asyncio::test(start_paused = true)]
async fn a_quiet_socket_does_not_hold_time() {
    let (_client, server) = connected().await;
    let before = now();
    let read = wait_for(server.read(&mut [0; 8]), Duration::from_secs(3600)).await;
    assert!(matches!(read, Err(TimeoutError)));
    assert!(now() - before >= Duration::from_secs(3600));
}

// What is in the kernel's buffer is found before time jumps. (A pipe has it at once. Between two
// ends of a TCP connection it may be under way for a while, even on one machine.)
#[asyncio::test(start_paused = true)]
async fn what_has_arrived_is_read_before_time_jumps() {
    let (reader, mut writer) = std::io::pipe().unwrap();
    let reader = Async::new(reader).unwrap();
    let before = now();
    for _ in 0..200 {
        let mut buffer = [0; 8];
        let read = reader.read_with(|mut pipe| pipe.read(&mut buffer));
        let write = async {
            checkpoint().await;
            writer.write_all(b"x")
        };
        let (read, written) = join(wait_for(read, TICK), pin!(write)).await;
        written.unwrap();
        assert_eq!(read.expect("time has jumped").unwrap(), 1);
    }
    assert_eq!(now(), before);
}

#[asyncio::test(start_paused = true)]
async fn time_is_held_for_a_peer_outside() {
    let (client, server) = connected().await;
    let client = client.into_std();
    let before = now();
    let hold = get_running_loop().hold_time();
    let peer = std::thread::spawn(move || {
        std::thread::sleep(20 * TICK);
        (&client).write_all(b"late").unwrap();
        client
    });
    let read = wait_for(server.read(&mut [0; 8]), TICK).await;
    assert_eq!(read.expect("time was not held").unwrap(), 4);
    drop(hold);
    assert_eq!(now(), before);
    drop(peer.join().unwrap());
}

#[test]
fn sockets_work_under_every_seed() {
    for seed in 0..20 {
        under_seed(seed, async {
            let listener = TcpListener::bind(loopback()).await.unwrap();
            let address = listener.local_addr().unwrap();
            let server = create_task(async move {
                let (stream, _address) = listener.accept().await?;
                echo(stream).await
            });
            let client = TcpStream::connect(address).await.unwrap();
            for round in 0..20_u8 {
                client.write_all(&[round; 100]).await.unwrap();
                client.read_exact(&mut [0; 100]).await.unwrap();
            }
            drop(client);
            server.await.unwrap().unwrap();
        });
    }
}

// A busy loop does not keep a seeded one from its sockets.
#[test]
fn sockets_are_served_under_a_seed_while_tasks_are_ready() {
    under_seed(7, async {
        let (client, server) = connected().await;
        let busy = create_task(async {
            loop {
                checkpoint().await;
            }
        });
        let reader = create_task(async move { server.read(&mut [0; 8]).await });
        for _ in 0..100 {
            checkpoint().await;
        }
        client.write_all(b"x").await.unwrap();
        assert_eq!(reader.await.unwrap().unwrap(), 1);
        busy.cancel();
    });
}
