//! i8: a queue is shut down beside putters and getters that wait, or that have just been woken.

use std::future::Future;
use std::pin::Pin;
use std::task::Poll;

use super::drop_probe::DropProbe;
use super::ring::{poll_once, wait_for};
use crate::queues::{GetError, Queue, QueueShutDown};
use crate::sync::{Arc, Mutant, StdArc, Tally, explore, thread};

/// A thread shuts a full queue down for which two putters wait; another drops one of them and gets
/// the item; and the other putter waits (3 threads). Its item is in the queue, or comes back.
pub fn a_putter_does_not_sleep_through_the_shutdown() {
    explore("i8: a putter and the shutdown", None, putters);
}

/// A thread puts an item into a queue and shuts it down. Of two getters that wait, one is polled
/// and goes away, and one stays (3 threads). One of them gets the item, and the other is told.
pub fn a_getter_does_not_sleep_through_the_shutdown() {
    explore("i8: a getter and the shutdown", None, || getters(false));
}

/// The same, and the shutdown drops the item unless it has been taken.
pub fn an_item_is_got_or_dropped() {
    explore("i8: an item is got or dropped", None, || getters(true));
}

/// The shutdown wakes nobody.
pub fn without_the_wake_of_putters() {
    explore("i8 twin", Some(Mutant::ShutDownSilently), putters);
}

/// Who takes the last item wakes nobody.
pub fn without_the_end_of_the_items() {
    explore("i8 twin", Some(Mutant::DrainSilently), || getters(false));
}

type Put = Pin<Box<dyn Future<Output = Result<(), QueueShutDown<u8>>> + Send>>;

/// A putter of `item`, which is in line when this returns.
fn put(queue: &Arc<Queue<u8>>, item: u8) -> Put {
    let queue = Arc::clone(queue);
    let mut put: Put = Box::pin(async move { queue.put(item).await });
    assert!(poll_once(put.as_mut()).is_pending());
    put
}

fn putters() {
    let queue = Arc::new(Queue::new(1));
    queue.put_nowait(1).expect("there is room for one");
    let (goes_away, stays) = (put(&queue, 2), put(&queue, 3));
    let gets = {
        let queue = Arc::clone(&queue);
        thread::spawn(move || {
            drop(goes_away);
            wait_for(queue.get()).expect("there is an item")
        })
    };
    let stays = thread::spawn(move || wait_for(stays));
    queue.shutdown(false);
    let got = gets.join().expect("a panic would have ended the model");
    assert_eq!(got, 1);
    match stays.join().expect("a panic would have ended the model") {
        Ok(()) => assert_eq!(queue.get_nowait(), Ok(3), "the item is lost"),
        Err(QueueShutDown(item)) => assert_eq!(item, 3),
    }
    assert_eq!(queue.get_nowait(), Err(GetError::ShutDown));
}

type Get = Pin<Box<dyn Future<Output = Result<DropProbe, QueueShutDown>> + Send>>;

/// A getter, which is in line when this returns.
fn get(queue: &Arc<Queue<DropProbe>>) -> Get {
    let queue = Arc::clone(queue);
    let mut get: Get = Box::pin(async move { queue.get().await });
    assert!(poll_once(get.as_mut()).is_pending());
    get
}

fn getters(immediate: bool) {
    let dropped = StdArc::new(Tally::default());
    let queue = Arc::new(Queue::new(1));
    let (mut first, second) = (get(&queue), get(&queue));
    let goes_away = thread::spawn(move || match poll_once(first.as_mut()) {
        Poll::Ready(Ok(item)) => {
            item.touch();
            true
        }
        Poll::Ready(Err(_)) | Poll::Pending => false,
    });
    let stays = thread::spawn(move || {
        wait_for(second).is_ok_and(|item| {
            item.touch();
            true
        })
    });
    let put = queue.put_nowait(DropProbe::new(&dropped));
    put.expect("there is room for one");
    queue.shutdown(immediate);
    let got =
        [goes_away, stays].map(|other| other.join().expect("a panic would have ended the model"));
    assert!(got != [true, true], "an item is doubled");
    assert!(immediate || got != [false, false], "the item is lost");
    assert!(queue.empty(), "an item is doubled");
    assert_eq!(dropped.count(), 1, "the item is lost");
}
