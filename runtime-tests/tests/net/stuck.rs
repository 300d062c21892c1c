//! Sockets are served while workers are stuck.

use std::io::{Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use super::*;

/// How long a worker stays stuck if nobody frees it.
const LIMIT: Duration = Duration::from_secs(20);

/// A thread without a loop asks a server, of whose two workers `hogs` are stuck until all of fifty
/// connections have been answered twice.
fn asked_while_stuck(hogs: usize) {
    on_workers(2, async move {
        let listener = TcpListener::bind(loopback()).await.unwrap();
        let address = listener.local_addr().unwrap();
        let outcome = task_group(async |group| {
            let serving = group.create_task(serve(group.clone(), listener));
            let connect = |_| std::net::TcpStream::connect(address).unwrap();
            let mut clients: Vec<_> = (0..50).map(connect).collect();
            let [stuck, answered] = [(); 2].map(|()| Arc::new(AtomicUsize::new(0)));
            let (began, done) = (Arc::clone(&stuck), Arc::clone(&answered));
            let client = std::thread::spawn(move || {
                while began.load(Ordering::Acquire) < hogs {
                    std::thread::yield_now();
                }
                for _ in 0..2 {
                    for client in &mut clients {
                        client.write_all(b"ping").unwrap();
                        client.read_exact(&mut [0; 4]).unwrap();
                        done.fetch_add(1, Ordering::Release);
                    }
                }
            });
            // All are accepted, and wait.
            sleep(20 * TICK).await;
            let hog = || create_task(hog(Arc::clone(&stuck), Arc::clone(&answered)));
            for hog in (0..hogs).map(|_| hog()).collect::<Vec<_>>() {
                assert!(hog.await.unwrap(), "nobody was answered");
            }
            to_thread(move || client.join().unwrap()).await.unwrap();
            serving.cancel();
            Ok::<_, io::Error>(())
        });
        outcome.await.unwrap();
    });
}

/// Blocks its worker until all have been answered. False if that takes too long.
async fn hog(stuck: Arc<AtomicUsize>, answered: Arc<AtomicUsize>) -> bool {
    let begin = Instant::now();
    stuck.fetch_add(1, Ordering::Release);
    while answered.load(Ordering::Acquire) < 100 && begin.elapsed() < LIMIT {
        std::hint::spin_loop();
    }
    answered.load(Ordering::Acquire) == 100
}

#[test]
fn sockets_are_served_while_one_of_two_workers_is_stuck() {
    asked_while_stuck(1);
}

#[test]
fn sockets_are_served_while_all_workers_are_stuck() {
    asked_while_stuck(2);
}
