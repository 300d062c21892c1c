//! i14: values are sent to all receivers while one begins to wait, is late, or goes away.

use std::pin::pin;

use ::futures::stream::StreamExt;

use super::drop_probe::DropProbe;
use super::ring::{poll_once, wait_for};
use crate::queues::{BroadcastError, BroadcastReceiver, broadcast};
use crate::sync::{Arc, Mutant, StdArc, Tally, explore, thread};

/// A thread sends a value, a receiver waits for it, and one waits and gives up (3 threads). The
/// first one gets it, and the other one still has it before it, unless it has had it.
pub fn nobody_sleeps_through_a_value() {
    explore("i14: nobody sleeps through a value", None, send);
}

/// A thread sends three values over a channel that keeps one. One receives at once, and one when
/// all have been sent (2 threads). What either gets and what it is told that it missed are three.
pub fn what_is_missed_is_counted() {
    explore("i14: what is missed is counted", None, lag);
}

/// One of two senders sends a value and goes; the other one goes, and so does a receiver that
/// waits as a stream; and one receives (3 threads). It gets the value, and then the end.
pub fn the_end_comes_after_the_value() {
    explore("i14: the end comes after the value", None, end);
}

/// A thread sends two values, a receiver that waits as a stream goes away, and one receives (3
/// threads). It gets both, and they are dropped then.
pub fn who_goes_away_gives_its_values_up() {
    explore("i14: who goes away gives its values up", None, leave);
}

/// A value wakes nobody.
pub fn without_the_wake_for_a_value() {
    explore("i14 twin", Some(Mutant::BroadcastSilently), send);
}

/// A receiver that begins to wait does not look for values.
pub fn without_the_look_before_the_wait() {
    explore("i14 twin", Some(Mutant::ReceiveWithoutLook), send);
}

/// A receiver counts first what it missed, and goes on to the oldest value later.
pub fn without_the_lock_of_the_count() {
    explore("i14 twin", Some(Mutant::LagInTwoSteps), lag);
}

/// The last sender tells nobody that it goes.
pub fn without_the_word_of_the_last_sender() {
    explore("i14 twin", Some(Mutant::LastSenderSilent), end);
}

/// A receiver that goes away is no longer counted first, and gives up its values later.
pub fn without_the_lock_of_the_leave() {
    explore("i14 twin", Some(Mutant::UnsubscribeInTwoSteps), leave);
}

/// A value, of which each receiver gets a reference.
type Shared = Arc<DropProbe>;

fn send() {
    let (sender, mut receiver) = broadcast::<Shared>(1);
    let mut other = receiver.resubscribe();
    let waits = thread::spawn(move || {
        let value = wait_for(receiver.recv());
        value.expect("it is the first").look();
    });
    let gives_up = thread::spawn(move || {
        let has_had = poll_once(pin!(other.recv())).is_ready();
        (other, has_had)
    });
    let value = DropProbe::new(&StdArc::default());
    value.touch();
    let receivers = sender.send(Shared::new(value));
    assert_eq!(receivers.ok(), Some(2), "there are two receivers");
    waits.join().expect("a panic would have ended the model");
    let (mut other, has_had) = gives_up.join().expect("a panic would have ended the model");
    assert_eq!(other.try_recv().is_err(), has_had, "the value is lost");
    assert!(other.is_empty(), "the value is doubled");
    assert!(sender.is_empty(), "a value is kept for nobody");
}

/// Receives to the end. The values are numbered.
fn count(mut receiver: BroadcastReceiver<u64>) -> u64 {
    let mut next = 0;
    loop {
        match wait_for(receiver.recv()) {
            Ok(value) => {
                assert_eq!(value, next, "the count of the missed values is wrong");
                next += 1;
            }
            Err(BroadcastError::Lagged(missed)) => next += missed,
            Err(BroadcastError::Closed) => return next,
        }
    }
}

fn lag() {
    let (sender, receiver) = broadcast(1);
    let late = receiver.resubscribe();
    let sends = thread::spawn(move || {
        for value in 0..3 {
            sender.send(value).expect("there are receivers");
        }
    });
    assert_eq!(count(receiver), 3);
    sends.join().expect("a panic would have ended the model");
    assert_eq!(late.len(), 1, "one value is kept");
    assert_eq!(count(late), 3);
}

fn end() {
    let (sender, mut receiver) = broadcast(1);
    let mut goes_away = receiver.resubscribe();
    assert!(poll_once(pin!(goes_away.next())).is_pending());
    let sends = {
        let sender = sender.clone();
        thread::spawn(move || sender.send(1).expect("there is a receiver"))
    };
    let receives = thread::spawn(move || [(); 2].map(|()| wait_for(receiver.recv())));
    drop(goes_away);
    drop(sender);
    sends.join().expect("a panic would have ended the model");
    let received = receives.join().expect("a panic would have ended the model");
    assert_eq!(received, [Ok(1), Err(BroadcastError::Closed)]);
}

fn leave() {
    let dropped = StdArc::new(Tally::default());
    let (sender, mut receiver) = broadcast::<Shared>(2);
    let mut goes_away = receiver.resubscribe();
    assert!(poll_once(pin!(goes_away.next())).is_pending());
    let sends = {
        let values = [(); 2].map(|()| Shared::new(DropProbe::new(&dropped)));
        thread::spawn(move || {
            for value in values {
                value.look();
                sender.send(value).expect("there is a receiver");
            }
            sender
        })
    };
    let leaves = thread::spawn(move || drop(goes_away));
    for _ in 0..2 {
        let value = wait_for(receiver.recv());
        value.expect("a value is lost").look();
    }
    let sender = sends.join().expect("a panic would have ended the model");
    leaves.join().expect("a panic would have ended the model");
    assert!(sender.is_empty(), "a value is kept for nobody");
    assert_eq!(dropped.count(), 2, "a value is kept for nobody");
}
