//! i6: an event is set while one waits for it, one goes away, and one clears it.

use std::future::Future;
use std::pin::{Pin, pin};

use super::drop_probe::DropProbe;
use super::ring::{poll_once, wait_for};
use crate::locks::Event;
use crate::sync::{Arc, Mutant, StdArc, explore, thread};

/// A thread sets the event, one begins to wait for it, and one begins to wait and gives up (3
/// threads). Who waits goes on, and sees what was done before the event was set.
pub fn nobody_sleeps_through_a_set() {
    explore("i6: nobody sleeps through a set", None, wait_beside);
}

/// A thread sets the event for two that wait, of which one goes away, while another thread clears
/// it (3 threads). The other one goes on.
pub fn a_clear_takes_nothing_back() {
    explore("i6: a clear takes nothing back", None, clear_beside);
}

/// The event is set without a look whether somebody waits.
pub fn without_the_look_for_waiters() {
    explore("i6 twin", Some(Mutant::SetBesideQueue), wait_beside);
}

/// The event is set without a Release.
pub fn without_the_release_of_a_set() {
    explore("i6 twin", Some(Mutant::SetRelaxed), wait_beside);
}

/// Who sets the event looks whether it is still set, and serves the waiters only then.
pub fn without_the_promise_to_waiters() {
    explore("i6 twin", Some(Mutant::ServeIfStillSet), clear_beside);
}

/// What is published by the event, and the event.
struct Subject {
    event: Event,
    value: DropProbe,
}

impl Subject {
    fn new() -> Arc<Subject> {
        Arc::new(Subject {
            event: Event::new(),
            value: DropProbe::new(&StdArc::default()),
        })
    }

    fn set(&self) {
        self.value.touch();
        self.event.set();
    }
}

fn wait_beside() {
    let subject = Subject::new();
    let waits = {
        let subject = Arc::clone(&subject);
        thread::spawn(move || {
            wait_for(subject.event.wait());
            subject.value.look();
        })
    };
    let gives_up = {
        let subject = Arc::clone(&subject);
        thread::spawn(move || {
            if poll_once(pin!(subject.event.wait())).is_ready() {
                subject.value.look();
            }
        })
    };
    subject.set();
    for other in [waits, gives_up] {
        other.join().expect("a panic would have ended the model");
    }
    assert!(poll_once(pin!(subject.event.wait())).is_ready());
}

/// Waits for the event; it is in line when this returns.
fn wait(subject: &Arc<Subject>) -> Pin<Box<dyn Future<Output = ()> + Send>> {
    let subject = Arc::clone(subject);
    let mut wait = Box::pin(async move {
        subject.event.wait().await;
        subject.value.look();
    });
    assert!(poll_once(wait.as_mut()).is_pending());
    wait
}

fn clear_beside() {
    let subject = Subject::new();
    let (goes_away, waits) = (wait(&subject), wait(&subject));
    let waits = thread::spawn(move || wait_for(waits));
    let clears = {
        let subject = Arc::clone(&subject);
        thread::spawn(move || {
            drop(goes_away);
            subject.event.clear();
        })
    };
    subject.set();
    for other in [waits, clears] {
        other.join().expect("a panic would have ended the model");
    }
    subject.event.clear();
    assert!(poll_once(pin!(subject.event.wait())).is_pending());
}
