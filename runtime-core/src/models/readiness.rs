//! f1–f3: an event of a descriptor against who waits for it, who finds that it would block, and who
//! takes the descriptor away.

use std::future::poll_fn;
use std::io;
use std::task::{Context, Poll, Waker};

use super::drop_probe::DropProbe;
use super::ring::wait_for;
use crate::runtime::modelled::{Direction, Source, Sources};
use crate::sync::atomic::{AtomicUsize, Ordering};
use crate::sync::{Arc, Mutant, Ready, StdArc, explore, thread};

/// An event comes while one thread begins to wait, and one begins to wait and gives up (3 threads).
/// Who waits goes on, and sees what was done before the event.
pub fn nobody_sleeps_through_an_event() {
    explore("f1: nobody sleeps through an event", None, wait_beside);
}

/// An operation that would block meets an event (2 threads). The event is not cleared with what was
/// known before it.
pub fn an_event_is_not_cleared() {
    explore("f2: an event is not cleared", None, clear_beside);
}

/// A descriptor is taken away, and another put in its slot, while an event of the first is under
/// way (2 threads). The second one gets no event.
pub fn an_event_finds_no_other_descriptor() {
    explore("f3: an event finds no other", None, replace_beside);
}

/// A waiter adds its waker without a look under the lock.
pub fn without_the_look_of_a_waiter() {
    explore("f1 twin", Some(Mutant::WaitWithoutLook), wait_beside);
}

/// An event takes the wakers, and changes the readiness afterwards.
pub fn without_the_order_of_an_event() {
    explore("f1 twin", Some(Mutant::TakeBeforeEvent), wait_beside);
}

/// An event does not count.
pub fn without_the_tick() {
    explore("f2 twin", Some(Mutant::EventWithoutTick), clear_beside);
}

/// A slot keeps its generation.
pub fn without_the_generation() {
    explore("f3 twin", Some(Mutant::KeepGeneration), replace_beside);
}

/// What is done before the event, and the source.
struct Subject {
    source: Source,
    value: DropProbe,
}

fn wait_beside() {
    let subject = Arc::new(Subject {
        source: Source::new(Ready::NONE),
        value: DropProbe::new(&StdArc::default()),
    });
    let gives_up = {
        let subject = Arc::clone(&subject);
        thread::spawn(move || {
            let (mut key, cx) = (None, Context::from_waker(Waker::noop()));
            let polled = subject.source.poll_ready_as(Direction::Read, &mut key, &cx);
            if polled.is_ready() {
                subject.value.look();
            }
            if let Some(key) = key {
                subject.source.forget(Direction::Read, key);
            }
        })
    };
    let event = {
        let subject = Arc::clone(&subject);
        thread::spawn(move || {
            subject.value.touch();
            let mut due = Vec::new();
            subject.source.dispatch(Ready::READ, &mut due);
            due.into_iter().for_each(Waker::wake);
        })
    };
    let ready = poll_fn(|cx| subject.source.poll_ready(Direction::Read, cx));
    wait_for(ready).expect("the source is not closed");
    subject.value.look();
    for other in [gives_up, event] {
        other.join().expect("a panic would have ended the model");
    }
}

fn clear_beside() {
    // What the kernel's buffer has. A new source is assumed to be ready.
    let subject = Arc::new((Source::new(Ready::BOTH), AtomicUsize::new(0)));
    let kernel = {
        let subject = Arc::clone(&subject);
        thread::spawn(move || {
            let (source, buffer) = &*subject;
            buffer.fetch_add(1, Ordering::AcqRel);
            let mut due = Vec::new();
            source.dispatch(Ready::READ, &mut due);
            due.into_iter().for_each(Waker::wake);
        })
    };
    let (source, buffer) = &*subject;
    let read = |_| match buffer.swap(0, Ordering::AcqRel) {
        0 => Err(io::ErrorKind::WouldBlock.into()),
        count => Ok(count),
    };
    let count = wait_for(poll_fn(|cx| source.poll_io(Direction::Read, cx, read)));
    assert_eq!(count.expect("the source is not closed"), 1);
    kernel.join().expect("a panic would have ended the model");
}

fn replace_beside() {
    let sources = Arc::new(Sources::default());
    let first = StdArc::new(Source::new(Ready::NONE));
    let key = sources.insert(first).expect("the sources are not closed");
    let dispatch = {
        let sources = Arc::clone(&sources);
        thread::spawn(move || {
            let mut batch = sources.begin_batch();
            batch.dispatch(key.to_word(), Ready::READ, &mut Vec::new());
        })
    };
    sources.remove(key);
    let second = StdArc::new(Source::new(Ready::NONE));
    let put = sources.insert(StdArc::clone(&second));
    assert!(put.is_some(), "the sources are not closed");
    dispatch.join().expect("a panic would have ended the model");
    let cx = Context::from_waker(Waker::noop());
    let polled = second.poll_ready(Direction::Read, &cx);
    assert!(matches!(polled, Poll::Pending), "another's event");
}
