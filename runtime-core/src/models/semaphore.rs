//! i15: a task waits for several permits of a semaphore, and gives up while some are released.

use std::future::Future;
use std::pin::Pin;

use super::drop_probe::DropProbe;
use super::ring::{poll_once, wait_for};
use crate::locks::{OwnedPermit, Semaphore};
use crate::sync::{Arc, Mutant, StdArc, explore, thread};

/// A thread releases a permit; the first in line wants two and gives up, the next one wants one (3
/// threads). The permit goes to that one.
pub fn who_waits_for_many_and_goes_lets_others_go() {
    explore("i15: who waits for many and goes", None, || give_up(1));
}

/// A thread releases two permits, one by one; the first in line wants two and gives up, the next
/// one wants one (3 threads). That one gets it, and afterwards both are there.
pub fn who_was_granted_many_gives_all_back() {
    explore("i15: who was granted many", None, || give_up(2));
}

/// Two threads release a permit each, and one waits for both (3 threads). It sees what was done
/// before each release.
pub fn permits_that_come_one_by_one_add_up() {
    explore("i15: permits that come one by one", None, add_up);
}

/// Who leaves the line lets nobody behind it go.
pub fn without_those_behind_a_large_waiter() {
    explore("i15 twin", Some(Mutant::LeaveLineSilently), || give_up(1));
}

/// Who gives up keeps what was granted from the next.
pub fn without_the_return_of_many() {
    explore("i15 twin", Some(Mutant::KeepGrant), || give_up(2));
}

/// Who gives up returns one permit only.
pub fn without_the_return_of_all() {
    explore("i15 twin", Some(Mutant::RestoreOne), || give_up(2));
}

/// A permit is added to the word by a load and a store.
pub fn without_the_exchange_of_the_word() {
    explore("i15 twin", Some(Mutant::ReleaseInTwoSteps), add_up);
}

type Acquire = Pin<Box<dyn Future<Output = OwnedPermit> + Send>>;

/// A waiter for `count` permits, which is in line when this returns.
fn wait_in_line(semaphore: &StdArc<Semaphore>, count: usize) -> Acquire {
    let semaphore = StdArc::clone(semaphore);
    let mut acquire: Acquire = Box::pin(semaphore.acquire_many_owned(count));
    assert!(poll_once(acquire.as_mut()).is_pending());
    acquire
}

/// `released` permits come, one by one.
fn give_up(released: usize) {
    let semaphore = StdArc::new(Semaphore::new(0));
    let (mut large, small) = (wait_in_line(&semaphore, 2), wait_in_line(&semaphore, 1));
    let gives_up = thread::spawn(move || drop(poll_once(large.as_mut())));
    let waits = thread::spawn(move || drop(wait_for(small)));
    for _ in 0..released {
        semaphore.release();
    }
    for other in [gives_up, waits] {
        other.join().expect("a panic would have ended the model");
    }
    let all = semaphore.try_acquire_many(released);
    assert!(all.is_some(), "a permit is lost");
    assert!(semaphore.try_acquire().is_none(), "a permit is doubled");
}

fn add_up() {
    let semaphore = Arc::new(Semaphore::new(0));
    let values = [(); 2].map(|()| Arc::new(DropProbe::new(&StdArc::default())));
    let release = |value: &Arc<DropProbe>| {
        let (semaphore, value) = (Arc::clone(&semaphore), Arc::clone(value));
        thread::spawn(move || {
            value.touch();
            semaphore.release();
        })
    };
    let others = values.each_ref().map(release);
    let permit = wait_for(semaphore.acquire_many(2));
    values.iter().for_each(|value| value.touch());
    assert!(semaphore.try_acquire().is_none(), "a permit is doubled");
    drop(permit);
    for other in others {
        other.join().expect("a panic would have ended the model");
    }
    assert_eq!(semaphore.available_permits(), 2);
}
