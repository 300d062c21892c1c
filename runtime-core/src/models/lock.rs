//! i3: a lock is handed over while one that waits for it goes away.

use std::pin::pin;
use std::task::Poll;

use super::drop_probe::DropProbe;
use super::ring::{poll_once, wait_for};
use crate::locks::Lock;
use crate::sync::{Arc, Mutant, StdArc, explore, thread};

/// A thread releases the lock, one waits for it and gives up, and one waits for it (3 threads). The
/// last one gets it, and each sees what was done under the lock before.
pub fn a_lock_is_handed_over() {
    explore("i3: a lock is handed over", None, hand_over);
}

/// Who gives up keeps the lock.
pub fn without_the_return_of_the_lock() {
    explore("i3 twin", Some(Mutant::KeepGrant), hand_over);
}

/// The queue puts the permit back into the word without a Release.
pub fn without_the_release_of_the_word() {
    explore("i3 twin", Some(Mutant::PutBackRelaxed), hand_over);
}

/// The queue takes the permit out of the word without an Acquire.
pub fn without_the_acquire_of_the_word() {
    explore("i3 twin", Some(Mutant::TakeOutRelaxed), hand_over);
}

fn hand_over() {
    let lock = Arc::new(Lock::new(DropProbe::new(&StdArc::default())));
    let guard = lock.try_acquire().expect("nobody has it yet");
    let gives_up = {
        let lock = Arc::clone(&lock);
        thread::spawn(move || {
            if let Poll::Ready(guard) = poll_once(pin!(lock.acquire())) {
                guard.touch();
            }
        })
    };
    let waits = {
        let lock = Arc::clone(&lock);
        thread::spawn(move || wait_for(lock.acquire()).touch())
    };
    guard.touch();
    drop(guard);
    for other in [gives_up, waits] {
        other.join().expect("a panic would have ended the model");
    }
    let guard = lock.try_acquire().expect("the lock is lost");
    guard.touch();
    assert!(lock.try_acquire().is_none(), "two hold the lock");
}
