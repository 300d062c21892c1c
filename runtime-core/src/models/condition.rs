//! i4: a condition is notified while the waiter that is notified goes away.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Poll, Waker};

use super::drop_probe::DropProbe;
use super::ring::{poll_once, wait_for};
use super::test_scheduler::TestScheduler;
use crate::locks::{Condition, Lock, OwnedLockGuard};
use crate::sync::{Arc, Mutant, Mutex, StdArc, explore, thread};

/// A thread notifies one waiter, another polls the first in line and drops it, and one waits (3
/// threads). The notification goes to the second if the first has not used it, and never to two.
pub fn a_notification_is_passed_on() {
    explore("i4: a notification is passed on", None, pass_on);
}

/// A thread notifies a waiter that its task does not poll, and runs the task; another thread drops
/// that waiter meanwhile; and one waits (3 threads). It gets the notification, and no other does.
pub fn a_notification_is_not_kept_by_a_task() {
    explore("i4: a notification is not kept", None, drop_beside_task);
}

/// Who goes away keeps the notification.
pub fn without_the_return_of_a_notification() {
    explore("i4 twin", Some(Mutant::KeepGrant), pass_on);
}

/// Who goes on with the lock does not take its notification.
pub fn without_the_use_of_a_notification() {
    explore("i4 twin", Some(Mutant::KeepNotification), pass_on);
}

/// The turn of a waiter that is not polled goes to nobody.
pub fn without_the_next_to_be_notified() {
    explore("i4 twin", Some(Mutant::PassOnSilently), drop_beside_task);
}

type Held = OwnedLockGuard<DropProbe>;
type Wait = Pin<Box<dyn Future<Output = Held> + Send>>;

/// Waits for the condition; it is in line when it has been polled.
fn wait(condition: &Arc<Condition>, lock: &StdArc<Lock<DropProbe>>) -> Wait {
    let guard = StdArc::clone(lock).try_lock_owned();
    let guard = guard.expect("who waits has released the lock");
    let condition = Arc::clone(condition);
    Box::pin(async move { condition.wait(guard).await })
}

/// The same; it is in line when this returns.
fn wait_in_line(condition: &Arc<Condition>, lock: &StdArc<Lock<DropProbe>>) -> Wait {
    let mut wait = wait(condition, lock);
    assert!(poll_once(wait.as_mut()).is_pending());
    wait
}

fn pass_on() {
    let lock = StdArc::new(Lock::new(DropProbe::new(&StdArc::default())));
    let condition = Arc::new(Condition::new());
    let [mut first, second, mut third] = [(); 3].map(|()| wait_in_line(&condition, &lock));
    let goes_away = {
        let condition = Arc::clone(&condition);
        thread::spawn(move || {
            let polled = poll_once(first.as_mut());
            drop(first);
            if polled.is_ready() {
                // It has used the notification, and tells the next.
                drop(polled);
                condition.notify(1);
            }
        })
    };
    let goes_on = thread::spawn(move || wait_for(second).touch());
    let guard = lock.try_acquire().expect("nobody has been notified yet");
    guard.touch();
    condition.notify(1);
    drop(guard);
    for other in [goes_away, goes_on] {
        other.join().expect("a panic would have ended the model");
    }
    let third = poll_once(third.as_mut());
    assert!(third.is_pending(), "a notification is doubled");
    let guard = lock.try_acquire().expect("the lock is lost");
    guard.touch();
}

fn drop_beside_task() {
    let lock = StdArc::new(Lock::new(DropProbe::new(&StdArc::default())));
    let condition = Arc::new(Condition::new());
    let scheduler = TestScheduler::new();
    let first: Arc<Mutex<Option<Wait>>> = Arc::default();
    let waker: Arc<Mutex<Option<Waker>>> = Arc::default();
    let task = {
        let mut wait = Some(wait(&condition, &lock));
        let (first, kept) = (Arc::clone(&first), Arc::clone(&waker));
        scheduler.spawn(poll_fn(move |with| match wait.take() {
            Some(mut wait) => {
                assert!(wait.as_mut().poll(with).is_pending());
                *first.lock() = Some(wait);
                *kept.lock() = Some(with.waker().clone());
                Poll::Pending
            }
            None => Poll::Ready(()),
        }))
    };
    scheduler.run_all();
    let [second, mut third] = [(); 2].map(|()| wait_in_line(&condition, &lock));
    let drops = thread::spawn(move || {
        let first = first.lock().take();
        drop(first);
    });
    let goes_on = thread::spawn(move || wait_for(second).touch());
    condition.notify(1);
    let waker = waker.lock().take();
    waker.expect("the task has been polled").wake();
    scheduler.run_all();
    assert!(task.done(), "the task has not ended");
    for other in [drops, goes_on] {
        other.join().expect("a panic would have ended the model");
    }
    let third = poll_once(third.as_mut());
    assert!(third.is_pending(), "a notification is doubled");
}
