//! i1: tasks wait for a permit, get it, give it back and give up.

use std::future::Future;
use std::pin::pin;
use std::task::Context;

use super::drop_probe::DropProbe;
use super::ring::{Ring, wait_for};
use crate::runtime::Permits;
use crate::sync::{Arc, Mutant, StdArc, explore, thread};

/// Three threads take a permit and give it back. One holds it at a time, and sees what was done
/// under it before.
pub fn one_holds_it_at_a_time() {
    explore("i1: one holds it at a time", None, take_turns);
}

/// A thread gives the permit back, one waits for it and gives up, and one waits for it (3 threads).
/// The last one gets it, and it is there afterwards.
pub fn who_gives_up_passes_it_on() {
    explore("i1: who gives up passes it on", None, give_up);
}

/// A permit is given back without a Release.
pub fn without_the_release_of_a_permit() {
    let step = Some(Mutant::ReleasePermitsRelaxed);
    explore("i1 twin", step, take_turns);
}

/// Who gives up keeps what was granted.
pub fn without_the_return_of_a_grant() {
    explore("i1 twin", Some(Mutant::KeepGrant), give_up);
}

/// What the permit protects, and the permit.
struct Subject {
    permits: Permits,
    value: DropProbe,
}

impl Subject {
    fn new(free: usize) -> Arc<Subject> {
        Arc::new(Subject {
            permits: Permits::new(free),
            value: DropProbe::new(&StdArc::default()),
        })
    }

    /// Waits for the permit on this thread, uses it, and gives it back.
    fn use_once(&self) {
        wait_for(self.permits.acquire(1));
        self.value.touch();
        assert!(self.permits.release(1, 1), "too many permits");
    }
}

fn take_turns() {
    let subject = Subject::new(1);
    let others = [(); 2].map(|()| {
        let subject = Arc::clone(&subject);
        thread::spawn(move || subject.use_once())
    });
    subject.use_once();
    for other in others {
        other.join().expect("a panic would have ended the model");
    }
    assert!(subject.permits.try_acquire(1), "the permit is lost");
    assert!(!subject.permits.try_acquire(1), "there are two permits");
}

fn give_up() {
    let subject = Subject::new(0);
    let gives_up = {
        let subject = Arc::clone(&subject);
        thread::spawn(move || {
            let (_ring, waker) = Ring::new();
            let mut acquire = pin!(subject.permits.acquire(1));
            if acquire
                .as_mut()
                .poll(&mut Context::from_waker(&waker))
                .is_ready()
            {
                assert!(subject.permits.release(1, 1), "too many permits");
            }
        })
    };
    let waits = {
        let subject = Arc::clone(&subject);
        thread::spawn(move || subject.use_once())
    };
    subject.value.touch();
    assert!(subject.permits.release(1, 1), "too many permits");
    for other in [gives_up, waits] {
        other.join().expect("a panic would have ended the model");
    }
    assert!(subject.permits.try_acquire(1), "the permit is lost");
    assert!(!subject.permits.try_acquire(1), "there are two permits");
}
