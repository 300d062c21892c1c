//! A descriptor is closed while it is registered, and its number is given to another one.
//!
//! That breaks the promise of `Async`, so only few things can be expected: no panic, no hang, and
//! no harm to others. Safe code can close only one descriptor that another value has: number 0.

use std::io::{Stdin, Write, stdin};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream as StdStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use runtime_tests::begun;
use rustix::io::{Errno, read};
use rustix::stdio::dup2_stdin;

use super::*;

/// Registers number 0, as one end of a connection, of which this returns the other.
fn registered() -> (Async<Stdin>, StdStream) {
    let (own, peer) = StdStream::pair().unwrap();
    dup2_stdin(own).unwrap();
    (Async::new(stdin()).unwrap(), peer)
}

/// Reads from number 0, and counts how often that is tried.
async fn read_stdin(stdin: &Async<Stdin>, tried: &AtomicUsize) -> io::Result<Vec<u8>> {
    let mut buffer = [0; 64];
    let read = |stdin: &Stdin| {
        tried.fetch_add(1, Ordering::Relaxed);
        Ok(read(stdin, &mut buffer)?)
    };
    let count = stdin.read_with(read).await?;
    Ok(buffer[..count].to_vec())
}

/// Starts a task that reads from number 0, and has tried it in vain.
async fn reading(stdin: Async<Stdin>) -> asyncio::Task<io::Result<Vec<u8>>> {
    let tried = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&tried);
    let task = begun(async move { read_stdin(&stdin, &tried).await }).await;
    until(|| seen.load(Ordering::Relaxed) > 0).await;
    task
}

/// The connection has no other end any more.
fn assert_closed(mut peer: &StdStream) {
    let error = peer.write_all(b"x").unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
}

#[test]
fn fault_a_wait_for_a_descriptor_that_was_closed_can_be_cancelled() {
    alone(|| {
        on_workers(2, async {
            let (stdin, peer) = registered();
            let task = reading(stdin).await;
            dup2_stdin(File::open("/dev/null").unwrap()).unwrap();
            assert_closed(&peer);
            sleep(5 * TICK).await;
            assert!(!task.done());
            assert!(task.cancel());
            assert!(task.await.unwrap_err().is_cancelled());
        });
    });
}

#[test]
fn fault_a_wait_for_a_descriptor_that_was_closed_does_not_hold_up_the_end_of_the_loop() {
    alone(|| {
        let task = on_workers(2, async {
            let (stdin, peer) = registered();
            let task = reading(stdin).await;
            dup2_stdin(File::open("/dev/null").unwrap()).unwrap();
            assert_closed(&peer);
            task.handle()
        });
        assert!(task.cancelled());
    });
}

#[test]
fn fault_an_operation_on_a_descriptor_that_is_another_by_now_has_the_others_error() {
    alone(|| {
        on_workers(2, async {
            let (stdin, mut peer) = registered();
            peer.write_all(b"x").unwrap();
            stdin.readable().await.unwrap();
            let (_reader, writer) = blocking_pipe();
            dup2_stdin(writer).unwrap();
            let outcome = read_stdin(&stdin, &AtomicUsize::new(0)).await;
            assert_eq!(
                Errno::from_io_error(&outcome.unwrap_err()),
                Some(Errno::BADF)
            );
        });
    });
}

// The kernel forgets a descriptor only when nothing is left that is of the same connection: here a
// duplicate is. So events come for a number that is another's.
#[test]
fn fault_an_event_of_a_descriptor_that_was_closed_does_not_reach_its_successor() {
    alone(|| {
        on_workers(2, async {
            let (first, mut first_peer) = registered();
            let duplicate = first.as_fd().try_clone_to_owned().unwrap();
            let task = reading(first).await;
            let (second, mut second_peer) = StdStream::pair().unwrap();
            second.set_nonblocking(true).unwrap();
            dup2_stdin(second).unwrap();
            assert!(task.cancel());
            assert!(task.await.unwrap_err().is_cancelled());
            // The same number, and the same place among the loop's descriptors.
            let second = Async::new(stdin()).unwrap();
            let tried = Arc::new(AtomicUsize::new(0));
            let seen = Arc::clone(&tried);
            let task = create_task(async move { read_stdin(&second, &tried).await });
            until(|| seen.load(Ordering::Relaxed) > 0).await;
            sleep(5 * TICK).await;
            let before = seen.load(Ordering::Relaxed);
            for _ in 0..20 {
                first_peer.write_all(b"first").unwrap();
                sleep(TICK).await;
            }
            assert_eq!(seen.load(Ordering::Relaxed), before, "tried in vain");
            second_peer.write_all(b"second").unwrap();
            let read = wait_for(task, PATIENCE).await.unwrap();
            assert_eq!(read.unwrap().unwrap(), b"second");
            drop(duplicate);
        });
    });
}
