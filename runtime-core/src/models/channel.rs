//! i12: the last sender of a channel goes away beside receivers that wait.

use std::future::Future;
use std::pin::Pin;

use super::ring::{poll_once, wait_for};
use crate::queues::channel;
use crate::sync::{Mutant, explore, thread};

/// One sender sends a value and goes away; another one goes away beside it, and so does a receiver
/// that is the first in line; and one receives (3 threads). It gets the value, and then the end.
pub fn a_receiver_gets_the_value_and_the_end() {
    explore("i12: a receiver gets the value and the end", None, close);
}

/// The last sender tells nobody that it goes.
pub fn without_the_last_word_of_the_senders() {
    explore("i12 twin", Some(Mutant::ShutDownSilently), close);
}

fn close() {
    let (sender, receiver) = channel(1);
    let mut goes_away: Pin<Box<dyn Future<Output = Option<u8>> + Send>> = {
        let receiver = receiver.clone();
        Box::pin(async move { receiver.recv().await })
    };
    assert!(poll_once(goes_away.as_mut()).is_pending());
    let sends = {
        let sender = sender.clone();
        thread::spawn(move || sender.try_send(1).expect("there is room for one"))
    };
    let receives = thread::spawn(move || [(); 2].map(|()| wait_for(receiver.recv())));
    drop(goes_away);
    drop(sender);
    sends.join().expect("a panic would have ended the model");
    let received = receives.join().expect("a panic would have ended the model");
    assert_eq!(received, [Some(1), None]);
}
