//! i11: a watched value changes while its receivers wait for that, and one of them goes away.

use std::pin::pin;

use super::drop_probe::DropProbe;
use super::ring::{poll_once, wait_for};
use crate::queues::watch;
use crate::sync::{Mutant, StdArc, explore, thread};

/// A thread changes the value, a receiver waits for the new value, and one waits for a change and
/// gives up (3 threads). The first one sees it, and the other one still has the change before it.
pub fn nobody_sleeps_through_a_change() {
    explore("i11: nobody sleeps through a change", None, change);
}

/// The sender goes away, a receiver waits for a change, and one waits and gives up (3 threads).
/// Both are told.
pub fn nobody_sleeps_through_the_end() {
    explore("i11: nobody sleeps through the end", None, end);
}

/// Two threads change the value, each by one, and a receiver waits until both have (3 threads).
pub fn no_change_is_lost() {
    explore("i11: no change is lost", None, change_together);
}

/// A change wakes nobody.
pub fn without_the_wake_of_receivers() {
    explore("i11 twin", Some(Mutant::ChangeSilently), change);
}

/// A receiver takes the value first, and its version later.
pub fn without_the_version_of_the_value() {
    explore("i11 twin", Some(Mutant::VersionAfterValue), change);
}

/// The value is copied before the lock under which the copy is changed.
pub fn without_the_lock_of_the_changes() {
    explore("i11 twin", Some(Mutant::CopyBeforeLock), change_together);
}

/// The sender tells nobody that it goes.
pub fn without_the_end_of_the_changes() {
    explore("i11 twin", Some(Mutant::SenderGoesSilently), end);
}

fn change() {
    let (sender, mut receiver) = watch(None::<DropProbe>);
    let mut other = receiver.clone();
    let waits = thread::spawn(move || {
        let value = wait_for(receiver.wait_for(Option::is_some));
        let value = value.expect("the sender is there");
        value.as_ref().expect("it has just been looked at").look();
    });
    let gives_up = thread::spawn(move || {
        let polled = poll_once(pin!(other.changed())).is_ready();
        (other, polled)
    });
    let value = DropProbe::new(&StdArc::default());
    value.touch();
    sender.send(Some(value)).expect("there are receivers");
    waits.join().expect("a panic would have ended the model");
    let (mut other, has_seen) = gives_up.join().expect("a panic would have ended the model");
    let polled = poll_once(pin!(other.changed()));
    assert_eq!(polled.is_ready(), !has_seen, "the change is lost");
}

fn end() {
    let (sender, mut receiver) = watch(());
    let mut other = receiver.clone();
    let waits = thread::spawn(move || {
        wait_for(receiver.changed()).expect_err("there is no change");
    });
    let gives_up = thread::spawn(move || {
        let _given_up = poll_once(pin!(other.changed()));
        other
    });
    drop(sender);
    waits.join().expect("a panic would have ended the model");
    let mut other = gives_up.join().expect("a panic would have ended the model");
    wait_for(other.changed()).expect_err("there is no change");
}

fn change_together() {
    let (sender, mut receiver) = watch(0);
    let changes = {
        let sender = sender.clone();
        thread::spawn(move || sender.send_modify(|value| *value += 1))
    };
    let waits = thread::spawn(move || {
        let both = wait_for(receiver.wait_for(|value| *value == 2));
        assert!(both.is_ok(), "a sender is there");
    });
    sender.send_modify(|value| *value += 1);
    for other in [changes, waits] {
        other.join().expect("a panic would have ended the model");
    }
}
