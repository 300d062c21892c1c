//! Tests of hostile wakers: their clone, wake and drop re-enter the object that owns them.
//! Reliability 52 and 53.

use std::cell::Cell;
use std::future::{Future, pending, poll_fn};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use asyncio::{
    Task, TaskHandle, catch_cancelled, checkpoint, create_task, current_task, finally, shield,
    sleep,
};
use futures::FutureExt;
use futures::future::{BoxFuture, join_all};
use runtime_tests::{Flag, alone, begun, on_workers, until};

#[expect(
    unsafe_code,
    reason = "a raw vtable is the only way to see a waker's clone"
)]
#[path = "hostile_waker/raw.rs"]
mod raw;

#[expect(
    unsafe_code,
    reason = "a raw vtable is the only way to a waker that borrows"
)]
#[path = "hostile_waker/borrowing.rs"]
mod borrowing;

#[path = "hostile_waker/locks.rs"]
mod locks;

#[path = "hostile_waker/places.rs"]
mod places;

/// What a waker does to the object that owns it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Strike {
    /// Polls the object again.
    Poll,
    /// Cancels the task that the object waits for.
    Cancel,
    /// Drops the object.
    Drop,
    /// Calls every query of the task, and registers callbacks and waits with it.
    Ask,
}

const STRIKES: [Strike; 4] = [Strike::Poll, Strike::Cancel, Strike::Drop, Strike::Ask];

thread_local! { static DEPTH: Cell<usize> = const { Cell::new(0) } }

/// An object that is polled with hostile wakers.
struct Victim {
    future: Mutex<Option<BoxFuture<'static, ()>>>,
    /// The waker of the task that polls the object.
    driver: Mutex<Option<Waker>>,
    task: TaskHandle,
    strike: Strike,
    strikes: AtomicUsize,
}

impl Victim {
    fn new(future: BoxFuture<'static, ()>, task: TaskHandle, strike: Strike) -> Arc<Victim> {
        Arc::new(Victim {
            future: Mutex::new(Some(future)),
            driver: Mutex::new(None),
            task,
            strike,
            strikes: AtomicUsize::new(0),
        })
    }

    fn waker(self: &Arc<Self>) -> Waker {
        let victim = Arc::clone(self);
        raw::waker(move |_event| victim.be_struck())
    }

    fn be_struck(self: &Arc<Self>) {
        // A strike makes wakers of its own. Those strike as well, but their wakers do not.
        if DEPTH.get() < 2 {
            DEPTH.set(DEPTH.get() + 1);
            self.strikes.fetch_add(1, Ordering::Relaxed);
            match self.strike {
                Strike::Poll => self.poll_again(),
                Strike::Cancel => drop(self.task.cancel()),
                Strike::Drop => drop(
                    self.future
                        .try_lock()
                        .ok()
                        .and_then(|mut future| future.take()),
                ),
                Strike::Ask => self.ask(),
            }
            DEPTH.set(DEPTH.get() - 1);
        }
        let driver = self.driver.lock().unwrap().clone();
        driver.into_iter().for_each(Waker::wake);
    }

    /// Polls the object, unless it is being polled: safe code cannot do that, so the lock is taken
    /// and the strike is skipped.
    fn poll_again(self: &Arc<Self>) {
        if current_task().is_none() {
            // A cleanup that raises at its end must not be polled outside a task.
            return;
        }
        if let Ok(mut future) = self.future.try_lock() {
            let _polled = self.poll_locked(&mut future);
        }
    }

    fn ask(&self) {
        let task = &self.task;
        task.set_name(format!("{}!", task.get_name().trim_end_matches('!')));
        let id = task.add_done_callback(|_| ());
        let _answers = (
            task.done(),
            task.cancelled(),
            task.cancelling(),
            task.get_context(),
            current_task(),
        );
        let _waited = task.wait().now_or_never();
        task.remove_done_callback(id);
        if asyncio::try_get_running_loop().is_ok() {
            let _slept = sleep(Duration::from_micros(50)).now_or_never();
            let _tasks = asyncio::all_tasks();
            drop(create_task(async {}));
        }
    }

    fn poll_locked(self: &Arc<Self>, future: &mut Option<BoxFuture<'static, ()>>) -> Poll<()> {
        let Some(polled) = future.as_mut() else {
            return Poll::Ready(());
        };
        let waker = self.waker();
        let answer = polled.as_mut().poll(&mut Context::from_waker(&waker));
        if answer.is_ready() {
            *future = None;
        }
        answer
    }

    /// Polls the object until it has ended or a strike has dropped it.
    async fn drive(self: Arc<Self>) {
        poll_fn(|cx| {
            let old = self.driver.lock().unwrap().replace(cx.waker().clone());
            drop(old);
            self.poll_locked(&mut self.future.lock().unwrap())
        })
        .await;
    }
}

/// Runs every strike against the object that `make` makes of a task.
fn strike_at<F>(make: impl Fn(Task<()>) -> F + Send + Copy + 'static)
where
    F: Future<Output = ()> + Send + 'static,
{
    on_workers(3, async move {
        for round in 0..60 {
            let drivers = STRIKES.map(|strike| {
                let child = create_task(async move {
                    for _ in 0..round % 5 {
                        checkpoint().await;
                    }
                    sleep(Duration::from_micros(round)).await;
                });
                let handle = child.handle();
                let victim = Victim::new(make(child).boxed(), handle, strike);
                (create_task(Arc::clone(&victim).drive()), victim)
            });
            if round % 3 == 0 {
                checkpoint().await;
                // Cancels the driver: the delivery of a request wakes the hostile wakers first.
                drivers.iter().for_each(|(task, _)| {
                    task.cancel();
                });
            }
            for (task, victim) in drivers {
                let ended = task.await;
                assert!(ended.is_ok() || ended.unwrap_err().is_cancelled());
                let rest = victim.future.lock().unwrap().take();
                drop(rest);
                let driver = victim.driver.lock().unwrap().take();
                drop(driver);
            }
        }
    });
}

#[test]
fn hostile_wakers_strike_at_an_awaited_task() {
    strike_at(|task| task.map(drop));
}

#[test]
fn hostile_wakers_strike_at_a_wait_for_the_end() {
    strike_at(|task| task.handle().wait());
}

#[test]
fn hostile_wakers_strike_at_a_sleep() {
    strike_at(|_task| sleep(Duration::from_micros(200)));
}

#[test]
fn hostile_wakers_strike_at_a_shield() {
    strike_at(|task| shield(task).map(drop));
}

#[test]
fn hostile_wakers_strike_at_a_catch() {
    strike_at(|task| catch_cancelled(task).map(drop));
}

#[test]
fn hostile_wakers_strike_at_a_cleanup() {
    strike_at(|task| finally(task.map(drop), async { checkpoint().await }));
}

#[test]
fn the_strikes_are_real() {
    on_workers(1, async {
        for strike in STRIKES {
            let child = create_task(checkpoint());
            let handle = child.handle();
            let victim = Victim::new(child.map(drop).boxed(), handle, strike);
            Arc::clone(&victim).drive().await;
            assert!(victim.strikes.load(Ordering::Relaxed) > 0, "{strike:?}");
        }
    });
}

/// A waker that panics when it is woken.
fn bomb(armed: &Flag) -> Waker {
    let armed = armed.clone();
    raw::waker(move |event| {
        let goes_off = event == raw::Event::Wake && armed.is_set() && !std::thread::panicking();
        assert!(!goes_off, "a waker that panics");
    })
}

#[test]
fn a_waiter_whose_waker_panics_does_not_keep_the_others_from_waking() {
    alone(|| {
        on_workers(2, async {
            let (open, opened) = futures::channel::oneshot::channel::<()>();
            let task = begun(opened).await;
            let armed = Flag::default();
            armed.set();
            let handle = task.handle();
            let mut bad = handle.wait();
            let waker = bomb(&armed);
            assert!(
                bad.poll_unpin(&mut Context::from_waker(&waker))
                    .is_pending()
            );
            let good = join_all((0..3).map(|_| begun(handle.wait()))).await;
            open.send(()).unwrap();
            for waiter in good {
                waiter.await.unwrap();
            }
            assert_eq!(create_task(async { 1 }).await.unwrap(), 1);
        });
    });
}

#[test]
fn an_awaiter_whose_waker_panics_leaves_the_worker_alive() {
    alone(|| {
        on_workers(2, async {
            let armed = Flag::default();
            armed.set();
            let waker = bomb(&armed);
            let (open, opened) = futures::channel::oneshot::channel::<()>();
            let mut task = create_task(opened);
            assert!(
                task.poll_unpin(&mut Context::from_waker(&waker))
                    .is_pending()
            );
            open.send(()).unwrap();
            until(|| task.done()).await;
            for _ in 0..100 {
                create_task(checkpoint()).await.unwrap();
            }
        });
    });
}

#[test]
fn a_timer_whose_waker_panics_leaves_the_other_timers_alive() {
    alone(|| {
        on_workers(2, async {
            let armed = Flag::default();
            armed.set();
            let waker = bomb(&armed);
            let mut slept = sleep(Duration::from_millis(2));
            assert!(
                slept
                    .poll_unpin(&mut Context::from_waker(&waker))
                    .is_pending()
            );
            let others: Vec<_> = (0..8)
                .map(|_| create_task(sleep(Duration::from_millis(2))))
                .collect();
            for other in others {
                other.await.unwrap();
            }
            sleep(Duration::from_millis(3)).await;
        });
    });
}

#[test]
fn a_foreign_waker_that_panics_at_a_delivery_does_not_end_the_worker() {
    alone(|| {
        on_workers(2, async {
            let armed = Flag::default();
            let waker = bomb(&armed);
            let flag = armed.clone();
            let task = begun(async move {
                let mut scope = Box::pin(catch_cancelled(pending::<()>()));
                poll_fn(|_| scope.poll_unpin(&mut Context::from_waker(&waker)).map(drop)).await;
            })
            .await;
            flag.set();
            task.cancel();
            // The task must end; both a cancellation and the panic are allowed.
            assert!(task.await.is_err() || armed.is_set());
            assert_eq!(create_task(async { 1 }).await.unwrap(), 1);
        });
    });
}
