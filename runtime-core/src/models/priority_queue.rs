//! i13: an item enters a priority queue, in three steps, while the queue is shut down.

use std::future::Future;
use std::pin::Pin;

use super::ring::{poll_once, wait_for};
use crate::queues::{PriorityQueue, QueueShutDown};
use crate::sync::{Arc, Mutant, StdArc, explore, thread};

/// A thread puts an item, one shuts the queue down, and one drops the first getter in line and
/// waits as the second (3 threads). It gets what has been put, or is told that nothing comes.
pub fn what_has_entered_is_got() {
    explore("i13: what has entered is got", None, || enter(false));
}

/// The same, and the shutdown drops the item unless it has been taken. None stays in the heap.
pub fn what_enters_late_is_dropped() {
    explore("i13: what enters late is dropped", None, || enter(true));
}

/// The getters are told that all is over while an item is entering.
pub fn without_the_wait_for_the_item() {
    let step = Some(Mutant::OverWhileEntering);
    explore("i13 twin", step, || enter(false));
}

/// An item that enters too late stays in the heap.
pub fn without_the_drop_of_the_item() {
    explore("i13 twin", Some(Mutant::StayInHeap), || enter(true));
}

/// An item: the number of references says how many there are.
type Item = StdArc<()>;
type Get = Pin<Box<dyn Future<Output = Result<Item, QueueShutDown>> + Send>>;

/// A getter, which is in line when this returns.
fn get(queue: &Arc<PriorityQueue<Item>>) -> Get {
    let queue = Arc::clone(queue);
    let mut get: Get = Box::pin(async move { queue.get().await });
    assert!(poll_once(get.as_mut()).is_pending());
    get
}

fn enter(immediate: bool) {
    let item = Item::default();
    let queue = Arc::new(PriorityQueue::new(1));
    let (first, second) = (get(&queue), get(&queue));
    let puts = {
        let (queue, item) = (Arc::clone(&queue), Item::clone(&item));
        thread::spawn(move || queue.put_nowait(item).is_ok())
    };
    let gets = thread::spawn(move || {
        drop(first);
        wait_for(second).is_ok()
    });
    queue.shutdown(immediate);
    let put = puts.join().expect("a panic would have ended the model");
    let got = gets.join().expect("a panic would have ended the model");
    assert!(put || !got, "an item is doubled");
    assert!(immediate || got == put, "the item is lost");
    assert_eq!(queue.qsize(), 0);
    assert_eq!(Item::strong_count(&item), 1, "an item stays in the heap");
}
