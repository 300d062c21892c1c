//! i10: readers beside a writer that waits, gets the lock, or goes away.

use std::pin::pin;
use std::task::Poll;

use super::drop_probe::DropProbe;
use super::ring::{poll_once, wait_for};
use crate::locks::RwLock;
use crate::sync::{Arc, Mutant, StdArc, explore, thread};

/// A thread has read, and then writes; one waits to write and gives up; and one waits to read (3
/// threads). All go on, and nobody reads beside a writer.
pub fn readers_and_writers_exclude_each_other() {
    explore("i10: readers and writers", None, read_and_write);
}

/// A writer that gives up does not let the readers behind it go.
pub fn without_those_behind_a_writer() {
    explore("i10 twin", Some(Mutant::LeaveLineSilently), read_and_write);
}

/// The lock is released without a Release.
pub fn without_the_release_of_the_lock() {
    explore(
        "i10 twin",
        Some(Mutant::ReleasePermitsRelaxed),
        read_and_write,
    );
}

fn read_and_write() {
    let lock = Arc::new(RwLock::new(DropProbe::new(&StdArc::default())));
    let guard = lock.try_read().expect("nobody writes yet");
    let gives_up = {
        let lock = Arc::clone(&lock);
        thread::spawn(move || {
            if let Poll::Ready(guard) = poll_once(pin!(lock.write())) {
                guard.touch();
            }
        })
    };
    let reads = {
        let lock = Arc::clone(&lock);
        thread::spawn(move || wait_for(lock.read()).look())
    };
    guard.look();
    // With this guard: so a writer that waits is all that may hold the reader up.
    reads.join().expect("a panic would have ended the model");
    drop(guard);
    wait_for(lock.write()).touch();
    gives_up.join().expect("a panic would have ended the model");
    let guard = lock.try_write().expect("the lock is lost");
    guard.touch();
    assert!(lock.try_read().is_none(), "one reads beside a writer");
}
