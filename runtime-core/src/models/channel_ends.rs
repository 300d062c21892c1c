//! i18: the ends of a channel are used as a sink and as a stream, and are closed or go away.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::Poll;

use ::futures::sink::Sink;
use ::futures::stream::StreamExt;

use super::drop_probe::DropProbe;
use super::ring::{poll_once, wait_for};
use crate::queues::{Receiver, SendError, Sender, channel};
use crate::sync::{Mutant, StdArc, Tally, explore, thread};

/// A sink sends a value while a third thread closes the channel, and a stream ends (3 threads). The
/// stream has the value if and only if the sink has sent it.
pub fn what_a_sink_has_sent_is_received() {
    explore("i18: what a sink has sent is received", None, close);
}

/// A sink that is ready goes away, and so does the one that waits behind it; and one waits to send
/// (3 threads). It gets the slot, which then is the only one.
pub fn a_slot_of_a_sink_goes_to_the_next() {
    explore("i18: a slot of a sink goes to the next", None, go_away);
}

/// A sink sends two values over a channel with room for one, and is closed; a stream that waits
/// goes away, and another one receives (3 threads). The values come once each, and then the end.
pub fn a_stream_ends_when_the_sink_is_closed() {
    explore("i18: a stream ends when the sink is closed", None, end);
}

/// The stream goes away while a sink that is ready sends, and another one waits (3 threads). That
/// one is told, and no value stays.
pub fn a_sink_is_told_that_nobody_receives() {
    explore("i18: a sink is told that nobody receives", None, refuse);
}

/// A sink fills its slot although the channel has been closed.
pub fn without_the_look_for_the_close() {
    explore("i18 twin", Some(Mutant::FillAfterEnd), close);
}

/// A sink that goes away keeps its slot.
pub fn without_the_slot_of_a_sink() {
    explore("i18 twin", Some(Mutant::KeepSinkSlot), go_away);
}

/// A sink that goes away while it waits keeps the slot that it was promised.
pub fn without_the_promised_slot() {
    explore("i18 twin", Some(Mutant::KeepSlot), go_away);
}

/// A stream that goes away while it waits keeps the value that it was promised.
pub fn without_the_promised_value() {
    explore("i18 twin", Some(Mutant::KeepItem), end);
}

/// A sink that is closed stays a sender.
pub fn without_the_end_of_a_sink() {
    explore("i18 twin", Some(Mutant::CloseSinkSilently), end);
}

/// The last receiver tells nobody that it goes.
pub fn without_the_last_word_of_the_receivers() {
    explore("i18 twin", Some(Mutant::ShutDownSilently), refuse);
}

/// A sink fills its slot although nobody receives.
pub fn without_the_look_for_a_receiver() {
    explore("i18 twin", Some(Mutant::FillAfterEnd), refuse);
}

fn ready<T>(sink: &mut Sender<T>) -> Result<(), SendError<()>> {
    wait_for(poll_fn(|with| Pin::new(&mut *sink).poll_ready(with)))
}

/// Polls a sink once, which is in line afterwards.
fn wait_in_line<T>(sink: &mut Sender<T>) {
    let polled = poll_once(pin!(poll_fn(|with| Pin::new(&mut *sink).poll_ready(with))));
    assert!(polled.is_pending(), "there is no slot");
}

/// Sends a value, and flushes. Returns whether it was sent.
fn send<T>(sink: &mut Sender<T>, value: T) -> bool {
    if ready(sink).is_err() || Pin::new(&mut *sink).start_send(value).is_err() {
        return false;
    }
    wait_for(poll_fn(|with| Pin::new(&mut *sink).poll_flush(with))).is_ok()
}

fn close_sink<T>(sink: &mut Sender<T>) {
    let closed = wait_for(poll_fn(|with| Pin::new(&mut *sink).poll_close(with)));
    closed.expect("a sink can be closed");
}

/// What a stream has until it ends.
fn collect<T>(mut stream: Receiver<T>) -> Vec<T> {
    let mut values = Vec::new();
    while let Some(value) = wait_for(stream.next()) {
        values.push(value);
    }
    values
}

fn close() {
    let (mut sink, stream) = channel(1);
    let closes = stream.clone();
    let sends = thread::spawn(move || {
        let sent = send(&mut sink, 1);
        (sent, sink)
    });
    let receives = thread::spawn(move || collect(stream));
    closes.close();
    let (sent, _sink) = sends.join().expect("a panic would have ended the model");
    let values = receives.join().expect("a panic would have ended the model");
    assert_eq!(values.len(), usize::from(sent), "a value is lost");
}

fn go_away() {
    let (mut sink, receiver) = channel(1);
    let (mut second, third) = (sink.clone(), sink.clone());
    ready(&mut sink).expect("the channel is open");
    wait_in_line(&mut second);
    let goes_away = thread::spawn(move || drop(sink));
    let sends = thread::spawn(move || {
        wait_for(third.send(1)).expect("the channel is open");
        third
    });
    drop(second);
    goes_away
        .join()
        .expect("a panic would have ended the model");
    let third = sends.join().expect("a panic would have ended the model");
    third.try_send(2).expect_err("there is one slot");
    drop(third);
    assert_eq!(collect(receiver), [1]);
}

fn end() {
    let (mut sink, mut first) = channel(1);
    let second = first.clone();
    assert!(poll_once(pin!(first.next())).is_pending());
    let goes_away = thread::spawn(move || match poll_once(pin!(first.next())) {
        Poll::Ready(value) => value,
        Poll::Pending => None,
    });
    let receives = thread::spawn(move || collect(second));
    for value in [1, 2] {
        assert!(send(&mut sink, value), "there are receivers");
    }
    close_sink(&mut sink);
    let taken = goes_away
        .join()
        .expect("a panic would have ended the model");
    let mut values = receives.join().expect("a panic would have ended the model");
    assert!(values.is_sorted(), "the values come in another order");
    values.extend(taken);
    values.sort_unstable();
    assert_eq!(values, [1, 2]);
}

fn refuse() {
    let dropped = StdArc::new(Tally::default());
    let (mut sink, stream) = channel(2);
    let mut second = sink.clone();
    let value = || DropProbe::new(&dropped);
    assert!(send(&mut sink, value()), "there is a receiver");
    ready(&mut sink).expect("there is a receiver");
    wait_in_line(&mut second);
    let goes_away = thread::spawn(move || drop(stream));
    let is_told = thread::spawn(move || {
        ready(&mut second).expect_err("nobody receives");
        second
    });
    let _sent = Pin::new(&mut sink).start_send(value());
    goes_away
        .join()
        .expect("a panic would have ended the model");
    let _second = is_told.join().expect("a panic would have ended the model");
    assert_eq!(dropped.count(), 2, "a value stays in the channel");
}
