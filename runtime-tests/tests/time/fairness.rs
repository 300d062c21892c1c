//! Tests that timers and tasks from other threads are served in time, however long the polls of
//! other tasks take.
//!
//! Earlier tests did not show the delay: their polls are short, so a worker that looks at timers
//! and the injector after a number of polls does so soon.

use super::*;
use asyncio::checkpoint;
use std::future::Future;
use std::sync::PoisonError;

/// How long a long poll takes.
const POLL: Duration = Duration::from_micros(200);

fn burn() {
    let begin = Instant::now();
    while begin.elapsed() < POLL {}
}

async fn hog() {
    loop {
        burn();
        checkpoint().await;
    }
}

fn chain() {
    burn();
    get_running_loop().call_soon(chain);
}

fn bursts() {
    (0..100).for_each(|_| drop(get_running_loop().call_soon(burn)));
    get_running_loop().call_soon(bursts);
}

/// How late the sleeps of a task are, and how long tasks from a foreign thread wait for their first
/// poll, while main polls `others`.
fn late_beside<F: Future<Output = ()>>(others: impl FnOnce() -> F) -> (Duration, Duration) {
    let builder = Runner::builder().workers(1).max_spare_workers(0);
    let mut runner = builder.build().unwrap();
    let event_loop = runner.get_loop().clone();
    let (over, mut ended) = futures::channel::oneshot::channel::<()>();
    let sleeper = async move {
        let mut late = Vec::new();
        for _ in 0..40 {
            let before = Instant::now();
            sleep(TICK).await;
            late.push(before.elapsed() - TICK);
        }
        drop(over);
        median(late)
    };
    let outside = thread::spawn(move || {
        let measure = |_| {
            let before = Instant::now();
            let (send, receive) = mpsc::channel();
            event_loop.create_task(async move { send.send(before.elapsed()).unwrap() });
            let late = receive.recv().unwrap();
            thread::sleep(TICK);
            late
        };
        median((0..15).map(measure).collect())
    });
    let late = runner.run(async {
        let (mut others, sleeper) = (Box::pin(others()), create_task(sleeper));
        poll_fn(|cx| match Pin::new(&mut ended).poll(cx) {
            Poll::Ready(_) if outside.is_finished() => Poll::Ready(()),
            Poll::Ready(_) => {
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            Poll::Pending => others.as_mut().poll(cx).map(|()| ()),
        })
        .await;
        sleeper.await.unwrap()
    });
    (late, outside.join().unwrap())
}

/// Asserts that timers and tasks are less than 4 ms late in one of a few attempts: usually they are
/// about one millisecond late, and sixty-one long polls take twelve.
#[track_caller]
fn assert_nothing_is_late<F: Future<Output = ()>>(others: impl Fn() -> F) {
    // One at a time: each keeps a processor busy.
    static ALONE: Mutex<()> = Mutex::new(());
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    watched(|| {
        in_a_quiet_moment(|| match late_beside(&others) {
            (timer, task) if timer < 4 * TICK && task < 4 * TICK => Ok(()),
            late => Err(format!("timer and task late by {late:?}")),
        });
    });
}

#[test]
fn beside_local_tasks_that_yield() {
    assert_nothing_is_late(async || {
        (0..3).for_each(|_| drop(create_local_task(hog())));
        pending().await
    });
}

#[test]
fn beside_tasks_that_yield() {
    assert_nothing_is_late(async || {
        drop(create_task(hog()));
        pending().await
    });
}

#[test]
fn beside_many_tasks_that_are_ready() {
    assert_nothing_is_late(async || {
        (0..30).for_each(|_| drop(create_task(hog())));
        pending().await
    });
}

#[test]
fn beside_a_main_that_yields() {
    assert_nothing_is_late(hog);
}

#[test]
fn beside_callbacks_that_add_themselves_again() {
    assert_nothing_is_late(async || {
        get_running_loop().call_soon(chain);
        pending().await
    });
}

#[test]
fn beside_bursts_of_callbacks() {
    assert_nothing_is_late(async || {
        get_running_loop().call_soon(bursts);
        pending().await
    });
}

#[test]
fn beside_all_of_them() {
    assert_nothing_is_late(async || {
        drop(create_local_task(hog()));
        drop(create_task(hog()));
        get_running_loop().call_soon(chain);
        hog().await
    });
}
