//! Wakers and destructors that use the queue from inside.

use std::future::Future;
use std::sync::{Arc, Weak};
use std::task::{Context, Wake, Waker};

use asyncio::{Queue, channel, watch};

/// A waker that uses a queue when it is woken and when it is dropped.
struct Meddler(Weak<Queue<Meddling>>);

/// An item that uses its queue when it is dropped.
struct Meddling(Weak<Queue<Meddling>>);

fn meddle(queue: &Weak<Queue<Meddling>>) {
    let Some(queue) = queue.upgrade() else {
        return;
    };
    let _seen = (queue.qsize(), queue.full(), queue.empty());
    let mut get = Box::pin(queue.get());
    let _polled = get.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    drop(get);
    std::mem::forget(queue.put_nowait(Meddling(Weak::new())));
    if let Ok(item) = queue.get_nowait() {
        std::mem::forget(item);
    }
    let _done = queue.task_done();
}

impl Wake for Meddler {
    fn wake(self: Arc<Self>) {
        meddle(&self.0);
    }
}

impl Drop for Meddler {
    fn drop(&mut self) {
        meddle(&self.0);
    }
}

impl Drop for Meddling {
    fn drop(&mut self) {
        meddle(&self.0);
    }
}

/// Polls a get, a put and a join with wakers that meddle, and ends them in many ways.
#[test]
fn wakers_and_items_use_the_queue_from_inside() {
    runtime_tests::watched(|| {
        for round in 0..64 {
            let queue = Arc::new(Queue::new(1));
            let weak = Arc::downgrade(&queue);
            let item = || Meddling(Weak::clone(&weak));
            let waker = || Waker::from(Arc::new(Meddler(Weak::clone(&weak))));
            let mut get = Box::pin(queue.get());
            let mut second = Box::pin(queue.get());
            for _ in 0..2 {
                // The second waker replaces the first.
                let waker = waker();
                let with = &mut Context::from_waker(&waker);
                let _polled = get.as_mut().poll(with).is_ready();
                let _polled = second.as_mut().poll(with).is_ready();
            }
            drop(queue.put_nowait(item()));
            drop(queue.put_nowait(item()));
            let mut put = Box::pin(queue.put(item()));
            let mut join = Box::pin(queue.join());
            for _ in 0..2 {
                let waker = waker();
                let with = &mut Context::from_waker(&waker);
                let _polled = put.as_mut().poll(with).is_ready();
                let _polled = join.as_mut().poll(with).is_ready();
            }
            if round & 1 == 0 {
                drop(get);
            }
            if round & 2 == 0 {
                drop(queue.get_nowait());
            }
            if round & 4 == 0 {
                drop(put);
            }
            if round & 8 == 0 {
                let _done = queue.task_done();
            }
            if round & 16 == 0 {
                drop(second);
            }
            queue.shutdown(round & 32 == 0);
            drop(join);
        }
    });
}

/// The same for the ends of a channel, whose last one closes it.
#[test]
fn an_end_of_a_channel_is_dropped_by_a_waker() {
    struct Last<T>(std::sync::Mutex<Option<T>>);
    impl<T: Send + 'static> Wake for Last<T> {
        fn wake(self: Arc<Self>) {
            let last = self.0.lock().unwrap().take();
            drop(last);
        }
    }
    runtime_tests::watched(|| {
        let (sender, receiver) = channel::<u8>(1);
        let last = Arc::new(Last(std::sync::Mutex::new(Some(receiver.clone()))));
        let waker = Waker::from(last);
        let mut recv = Box::pin(receiver.recv());
        let polled = recv.as_mut().poll(&mut Context::from_waker(&waker));
        assert!(polled.is_pending());
        sender.try_send(1).unwrap();
        drop(recv);
        drop(receiver);
        assert!(sender.is_closed());
    });
}

/// A waker of a watched value sets the value again.
#[test]
fn a_waker_sets_the_watched_value() {
    struct Again(asyncio::WatchSender<u32>);
    impl Wake for Again {
        fn wake(self: Arc<Self>) {
            self.0.send_modify(|value| *value += 1);
            self.0.send_replace(*self.0.borrow() + 1);
        }
    }
    runtime_tests::watched(|| {
        let (sender, mut receiver) = watch(0);
        let waker = Waker::from(Arc::new(Again(sender.clone())));
        let mut changed = Box::pin(receiver.changed());
        let polled = changed.as_mut().poll(&mut Context::from_waker(&waker));
        assert!(polled.is_pending());
        sender.send_modify(|value| *value = 10);
        assert_eq!(*sender.borrow(), 12);
    });
}
