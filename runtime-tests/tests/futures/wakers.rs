//! Tests of the wakers of `asyncio::Future`: they are kept, replaced, woken and dropped, whatever
//! their clone, wake and drop do.

use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Waker};

use asyncio::Future;
use futures::FutureExt;
use runtime_tests::{Flag, watched};

#[expect(
    unsafe_code,
    reason = "a raw vtable is the only way to see a waker's clone"
)]
#[path = "../hostile_waker/raw.rs"]
mod raw;

#[test]
fn dropping_an_awaiter_forgets_its_waker() {
    let future = Future::<()>::new();
    let dropped = Flag::default();
    let gone = dropped.set_on_drop();
    let waker = raw::waker(move |_event| {
        let _gone = &gone;
    });
    let mut awaiter = future.clone();
    let mut context = Context::from_waker(&waker);
    assert!(awaiter.poll_unpin(&mut context).is_pending());
    assert!(awaiter.poll_unpin(&mut context).is_pending());
    drop(waker);
    assert!(!dropped.is_set());
    drop(awaiter);
    assert!(dropped.is_set());
}

#[test]
fn the_last_waker_is_the_one_that_is_woken() {
    let future = Future::<()>::new();
    let mut awaiter = future.clone();
    let count = || {
        let woken = Arc::new(AtomicUsize::new(0));
        let counting = Arc::clone(&woken);
        let waker = raw::waker(move |event| {
            if event == raw::Event::Wake {
                counting.fetch_add(1, Ordering::SeqCst);
            }
        });
        (waker, woken)
    };
    let ((first, first_woken), (second, second_woken)) = (count(), count());
    assert!(
        awaiter
            .poll_unpin(&mut Context::from_waker(&first))
            .is_pending()
    );
    assert!(
        awaiter
            .poll_unpin(&mut Context::from_waker(&second))
            .is_pending()
    );
    future.set_result(()).unwrap();
    assert_eq!(first_woken.load(Ordering::SeqCst), 0);
    assert_eq!(second_woken.load(Ordering::SeqCst), 1);
}

thread_local! { static DEPTH: Cell<usize> = const { Cell::new(0) } }

/// The place of the awaiter whose future owns a hostile waker.
type Place = Arc<Mutex<Option<Future<Hostile>>>>;

/// Returns a waker that strikes the future that owns it, in its clone, wake and drop.
fn hostile(future: &Future<Hostile>, place: &Place) -> Waker {
    let (future, place) = (future.clone(), Arc::clone(place));
    raw::waker(move |_event| {
        // A strike makes wakers of its own. Those strike as well, but their wakers do not.
        if DEPTH.get() < 2 {
            DEPTH.set(DEPTH.get() + 1);
            strike(&future, &place);
            DEPTH.set(DEPTH.get() - 1);
        }
    })
}

fn strike(future: &Future<Hostile>, place: &Place) {
    let waker = hostile(future, place);
    let mut context = Context::from_waker(&waker);
    let _polled = future.clone().poll_unpin(&mut context);
    if let Some(awaiter) = place
        .try_lock()
        .ok()
        .as_deref_mut()
        .and_then(Option::as_mut)
    {
        let _polled = awaiter.poll_unpin(&mut context);
    }
    assert_eq!(future.result().is_ok(), future.done());
}

/// A value whose clone and drop poll a clone of the future that it owns.
struct Hostile(Future<()>);

impl Clone for Hostile {
    fn clone(&self) -> Hostile {
        assert!(!self.0.done());
        let _polled = self.0.clone().now_or_never();
        Hostile(self.0.clone())
    }
}

impl Drop for Hostile {
    fn drop(&mut self) {
        let _polled = self.0.clone().now_or_never();
    }
}

#[test]
fn hostile_wakers_and_values_find_no_lock() {
    watched(|| {
        let future = Future::new();
        let place = Arc::new(Mutex::new(None));
        let waker = hostile(&future, &place);
        let mut awaiter = future.clone();
        for _ in 0..3 {
            let context = &mut Context::from_waker(&waker);
            assert!(awaiter.poll_unpin(context).is_pending());
        }
        *place.lock().unwrap() = Some(awaiter);
        assert!(future.set_result(Hostile(Future::new())).is_ok());
        assert!(future.set_result(Hostile(Future::new())).is_err());
        assert!(future.result().is_ok());
    });
}

#[test]
fn a_waker_that_panics_spares_the_others() {
    let future = Future::<()>::new();
    let woken = Flag::default();
    let wake = woken.clone();
    let bad = raw::waker(|event| assert_ne!(event, raw::Event::Wake, "a waker of the test"));
    let good = raw::waker(move |event| {
        if event == raw::Event::Wake {
            wake.set();
        }
    });
    let mut awaiters = [future.clone(), future.clone()];
    for (awaiter, waker) in awaiters.iter_mut().zip([bad, good]) {
        assert!(
            awaiter
                .poll_unpin(&mut Context::from_waker(&waker))
                .is_pending()
        );
    }
    future.set_result(()).unwrap();
    assert!(woken.is_set());
}
