//! The event.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use asyncio::{Event, checkpoint, wait_for};
use futures::FutureExt;

use super::*;

/// EV-1: all current waiters go on, even if the event is cleared at once.
#[test]
fn a_set_that_is_followed_by_a_clear_wakes_all_who_wait() {
    everywhere(async || {
        let event = Arc::new(Event::new());
        let mut tasks = Vec::new();
        for _ in 0..5 {
            let event = Arc::clone(&event);
            tasks.push(in_line(async move { event.wait().await }).await);
        }
        event.set();
        event.clear();
        let mut late = Box::pin(event.wait());
        assert!(
            poll_once(&mut late).await.is_pending(),
            "it came after the set"
        );
        for task in tasks {
            task.await.unwrap();
        }
        assert!(poll_once(&mut late).await.is_pending());
        assert!(!event.is_set());
        event.set();
        late.await;
    });
}

/// EV-1: who waits for an event that is set does not yield, and setting it twice changes nothing.
#[test]
fn an_event_that_is_set_is_not_waited_for() {
    everywhere(async || {
        let event = Event::new();
        assert!(!event.is_set());
        assert!(event.wait().now_or_never().is_none());
        event.set();
        event.set();
        assert!(event.is_set());
        assert!(event.wait().now_or_never().is_some());
        assert!(event.wait().now_or_never().is_some());
        event.clear();
        event.clear();
        assert!(event.wait().now_or_never().is_none());
    });
}

/// EV-1: the waiters are woken in the order in which they came, all of a thousand.
#[test]
fn a_thousand_waiters_are_woken_in_order() {
    watched(|| {
        let (event, notes) = (Event::new(), Notes::default());
        let waker = |place| {
            let notes = notes.clone();
            futures::task::waker(Arc::new(Notes::waking(notes, place)))
        };
        let mut waits: Vec<_> = (0..1000).map(|_| Box::pin(event.wait())).collect();
        for (place, wait) in waits.iter_mut().enumerate() {
            let waker = waker(place);
            let mut with = std::task::Context::from_waker(&waker);
            assert!(wait.as_mut().poll(&mut with).is_pending());
        }
        event.set();
        assert_eq!(notes.taken(), (0..1000).collect::<Vec<_>>());
        assert!(waits.into_iter().all(|wait| wait.now_or_never().is_some()));
    });
}

/// EV-1: in asyncio's order of steps, a thousand tasks go on in the order in which they came.
#[test]
fn a_thousand_tasks_go_on_in_order() {
    under_seeds(1, async || {
        let (event, notes) = (Arc::new(Event::new()), Notes::default());
        let mut tasks = Vec::new();
        for place in 0..40 {
            let (event, notes) = (Arc::clone(&event), notes.clone());
            let waiter = async move {
                event.wait().await;
                notes.add(place);
            };
            tasks.push(in_line(waiter).await);
        }
        event.set();
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(notes.taken(), (0..40).collect::<Vec<_>>());
    });
}

/// EV-1: each set lets a waiter through that clears the event before it waits, and none goes on
/// twice for one.
#[asyncio::test(workers = 4)]
async fn announced_work_is_not_missed() {
    let (event, queue) = (Arc::new(Event::new()), Arc::new(Mutex::new(Vec::new())));
    let producers: Vec<_> = (0..4_u32)
        .map(|_| {
            let (event, queue) = (Arc::clone(&event), Arc::clone(&queue));
            create_task(async move {
                for item in 0..2_000_u32 {
                    queue.lock().unwrap().push(item);
                    event.set();
                    if item % 16 == 0 {
                        checkpoint().await;
                    }
                }
            })
        })
        .collect();
    let mut found = 0;
    while found < 8_000 {
        event.wait().await;
        event.clear();
        found += queue.lock().unwrap().drain(..).count();
    }
    for producer in producers {
        producer.await.unwrap();
    }
}

/// EV-1: what was done before `set` is seen by who is let through.
#[asyncio::test(workers = 4)]
async fn a_set_publishes_what_was_done_before() {
    for round in 0..500 {
        let (event, value) = (Arc::new(Event::new()), Arc::new(AtomicUsize::new(0)));
        let waiters: Vec<_> = (0..3)
            .map(|_| {
                let (event, value) = (Arc::clone(&event), Arc::clone(&value));
                create_task(async move {
                    event.wait().await;
                    value.load(Ordering::Relaxed)
                })
            })
            .collect();
        let setter = create_task(async move {
            value.store(round, Ordering::Relaxed);
            event.set();
        });
        for waiter in waiters {
            assert_eq!(waiter.await.unwrap(), round);
        }
        setter.await.unwrap();
    }
}

/// EV-1: waiters that are cancelled, timed out, dropped or leaked keep nobody.
#[test]
fn waiters_that_give_up_keep_nobody_from_the_event() {
    everywhere(async || {
        let event = Arc::new(Event::new());
        let wait = |event: &Arc<Event>| {
            let event = Arc::clone(event);
            async move { event.wait().await }
        };
        let cancelled = in_line(wait(&event)).await;
        let stays = in_line(wait(&event)).await;
        assert!(
            wait_for(event.wait(), Duration::from_micros(1))
                .await
                .is_err()
        );
        let mut leaked = Box::pin(wait(&event));
        assert!(poll_once(&mut leaked).await.is_pending());
        std::mem::forget(leaked);
        cancelled.cancel();
        event.set();
        stays.await.unwrap();
        let ended = cancelled.await;
        assert!(ended.is_ok() || ended.unwrap_err().is_cancelled());
    });
}

impl Notes {
    /// A waker that notes `place` when it is woken.
    fn waking(notes: Notes, place: usize) -> Woken {
        Woken { notes, place }
    }
}

struct Woken {
    notes: Notes,
    place: usize,
}

impl futures::task::ArcWake for Woken {
    fn wake_by_ref(woken: &Arc<Woken>) {
        woken.notes.add(woken.place);
    }
}
