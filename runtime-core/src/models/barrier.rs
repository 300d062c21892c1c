//! i5: the last one arrives at a barrier while one that waits goes away, or comes again.

use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use super::drop_probe::DropProbe;
use super::ring::{Ring, poll_once, wait_for};
use crate::locks::Barrier;
use crate::sync::{Arc, Mutant, Mutex, StdArc, explore, thread};

/// Two threads arrive at a barrier for two, at which a third waits and goes away (3 threads). Two
/// of the three meet, and the third goes alone only if it was not needed.
pub fn who_goes_away_is_not_counted() {
    explore("i5: who goes away is not counted", None, go_away);
}

/// Two threads meet twice (2 threads). The second meeting begins while the first one ends, and
/// nobody goes on without the other.
pub fn two_meetings_do_not_mix() {
    explore("i5: two meetings do not mix", None, meet_twice);
}

/// The last to arrive lets nobody go.
pub fn without_the_others_of_the_group() {
    explore("i5 twin", Some(Mutant::LastGoesAlone), go_away);
}

/// A group that has gone lets those go who came later.
pub fn without_the_end_of_a_meeting() {
    explore("i5 twin", Some(Mutant::GroupStays), meet_twice);
}

/// One of two that may meet, or meet the third.
struct Party {
    ring: StdArc<Ring>,
    waker: Waker,
    place: Mutex<Option<usize>>,
}

impl Party {
    fn new() -> Arc<Party> {
        let (ring, waker) = Ring::new();
        let place = Mutex::default();
        Arc::new(Party { ring, waker, place })
    }

    /// Arrives, and waits until somebody else does, or until `other` has gone with the third.
    fn arrive(&self, barrier: &Barrier, other: &Party) {
        let mut wait = pin!(barrier.wait());
        loop {
            let has_gone = other.place.lock().is_some();
            let polled = wait.as_mut().poll(&mut Context::from_waker(&self.waker));
            match polled {
                Poll::Ready(place) => {
                    *self.place.lock() = Some(place.expect("nobody breaks the barrier"));
                    return other.waker.wake_by_ref();
                }
                Poll::Pending if has_gone => return,
                Poll::Pending => self.ring.wait(),
            }
        }
    }
}

fn go_away() {
    let barrier = Arc::new(Barrier::new(2));
    let mut gone: Pin<Box<dyn Future<Output = bool> + Send>> = {
        let barrier = Arc::clone(&barrier);
        Box::pin(async move { barrier.wait().await.is_ok() })
    };
    assert!(poll_once(gone.as_mut()).is_pending());
    let (one, two) = (Party::new(), Party::new());
    let arrives = {
        let (barrier, one, two) = (Arc::clone(&barrier), Arc::clone(&one), Arc::clone(&two));
        thread::spawn(move || one.arrive(&barrier, &two))
    };
    let goes_away = thread::spawn(move || drop(gone));
    two.arrive(&barrier, &one);
    for other in [arrives, goes_away] {
        other.join().expect("a panic would have ended the model");
    }
    match [&one, &two].map(|party| *party.place.lock()) {
        [Some(one), Some(two)] => assert_eq!(one + two, 1, "they have not met"),
        [place, None] | [None, place] => assert_eq!(place, Some(1), "one goes without another"),
    }
    assert_eq!(barrier.n_waiting(), 0);
}

fn meet_twice() {
    let barrier = Arc::new(Barrier::new(2));
    let value = Arc::new(DropProbe::new(&StdArc::default()));
    let meet = |barrier: &Barrier| wait_for(barrier.wait()).expect("nobody breaks the barrier");
    let other = {
        let (barrier, value) = (Arc::clone(&barrier), Arc::clone(&value));
        thread::spawn(move || {
            value.touch();
            let places = [meet(&barrier), meet(&barrier)];
            value.touch();
            places
        })
    };
    let first = meet(&barrier);
    value.touch();
    let second = meet(&barrier);
    let others = other.join().expect("a panic would have ended the model");
    assert_eq!(first + others[0], 1, "the first meeting mixes");
    assert_eq!(second + others[1], 1, "the second meeting mixes");
}
