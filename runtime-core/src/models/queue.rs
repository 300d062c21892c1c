//! i7: an item is put into a bounded queue and got from it, and one that waits there goes away.

use std::future::Future;
use std::pin::Pin;
use std::task::Poll;

use super::drop_probe::DropProbe;
use super::ring::{poll_once, wait_for};
use crate::queues::{Queue, QueueShutDown};
use crate::sync::{Arc, Mutant, StdArc, Tally, explore, thread};

/// A thread gets the items of a queue with room for one, for which two putters wait, of which one
/// is polled and goes away, and one stays (3 threads). Each item that was put comes once.
pub fn a_slot_is_neither_lost_nor_doubled() {
    explore("i7: a slot is neither lost nor doubled", None, slot);
}

/// A thread puts an item into a queue for which two getters wait, of which one is polled and goes
/// away, and one stays (3 threads). One of them gets it.
pub fn an_item_is_neither_lost_nor_doubled() {
    explore("i7: an item is neither lost nor doubled", None, item);
}

/// A putter that goes away keeps the slot.
pub fn without_the_return_of_a_slot() {
    explore("i7 twin", Some(Mutant::KeepSlot), slot);
}

/// A getter that goes away keeps the item.
pub fn without_the_return_of_an_item() {
    explore("i7 twin", Some(Mutant::KeepItem), item);
}

/// An item that has been promised is promised again.
pub fn without_the_promise_of_an_item() {
    explore("i7 twin", Some(Mutant::PromiseTwice), item);
}

/// A putter of `item`, which is in line when this returns.
fn put(queue: &Arc<Queue<u8>>, item: u8) -> Pin<Box<dyn Future<Output = bool> + Send>> {
    let queue = Arc::clone(queue);
    let mut put = Box::pin(async move { queue.put(item).await.is_ok() });
    assert!(poll_once(put.as_mut()).is_pending());
    put
}

fn slot() {
    let queue = Arc::new(Queue::new(1));
    queue.put_nowait(1).expect("there is room for one");
    let (mut second, third) = (put(&queue, 2), put(&queue, 3));
    let goes_away = thread::spawn(move || {
        let polled = poll_once(second.as_mut());
        drop(second);
        polled.is_ready()
    });
    let stays = thread::spawn(move || assert!(wait_for(third), "nobody shuts it down"));
    let mut got = Vec::new();
    while got.last() != Some(&3) {
        got.push(wait_for(queue.get()).expect("nobody shuts it down"));
    }
    stays.join().expect("a panic would have ended the model");
    match goes_away
        .join()
        .expect("a panic would have ended the model")
    {
        true => assert_eq!(got, [1, 2, 3]),
        false => assert_eq!(got, [1, 3]),
    }
    assert!(queue.empty(), "an item is doubled");
    queue.put_nowait(4).expect("the slot is lost");
}

type Get = Pin<Box<dyn Future<Output = Result<DropProbe, QueueShutDown>> + Send>>;

/// A getter, which is in line when this returns.
fn get(queue: &Arc<Queue<DropProbe>>) -> Get {
    let queue = Arc::clone(queue);
    let mut get: Get = Box::pin(async move { queue.get().await });
    assert!(poll_once(get.as_mut()).is_pending());
    get
}

fn item() {
    let dropped = StdArc::new(Tally::default());
    let queue = Arc::new(Queue::new(1));
    let (mut first, second) = (get(&queue), get(&queue));
    let goes_away = thread::spawn(move || {
        let polled = poll_once(first.as_mut());
        drop(first);
        match polled {
            Poll::Ready(item) => item.expect("an item is promised twice").touch(),
            Poll::Pending => return false,
        }
        true
    });
    let stays = thread::spawn(move || {
        let item = wait_for(second).expect("an item is promised twice");
        item.touch();
    });
    let put = || queue.put_nowait(DropProbe::new(&dropped));
    put().expect("there is room for one");
    let has_got = goes_away
        .join()
        .expect("a panic would have ended the model");
    if has_got {
        // One for the other.
        put().expect("the slot is lost");
    }
    stays.join().expect("a panic would have ended the model");
    assert!(queue.empty(), "an item is doubled");
    assert_eq!(dropped.count(), 1 + usize::from(has_got));
    put().expect("the slot is lost");
}
