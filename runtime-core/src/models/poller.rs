//! e1: a worker leaves the poller for a task while another worker goes to sleep.
//!
//! If no worker handles a due timer, or a task, the model deadlocks. The model's `Poller` detects
//! two threads in the poller at once.

use std::future::poll_fn;
use std::task::{Poll, Wake, Waker};

use super::engine::{Loop, explore_less_of_a_loop};
use crate::runtime::modelled::Tick;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::{Arc, Bell, Mutant, StdArc};

/// Two workers that go to sleep, and a task that waits for a due timer and then adds another one (2
/// threads). A worker runs the task, and one is in the poller for the timers, but never two.
pub fn the_poller_is_left_for_a_task() {
    explore_less_of_a_loop(1, "e1: the poller is left for a task", None, leave);
}

/// A third thread adds a task for two workers that go to sleep and, when that has run, a due timer
/// (3 threads). The same holds.
pub fn somebody_is_in_the_poller() {
    explore_less_of_a_loop(2, "e1: a worker is in the poller", None, serve);
}

/// The same where workers serve what is due before they go to sleep (3 threads).
pub fn who_serves_early_leaves_the_poller_to_somebody() {
    explore_less_of_a_loop(2, "e1: served early", None, || {
        serve_on(Loop::with_early_timers(2));
    });
}

/// A worker that leaves the poller keeps the poller role.
pub fn without_the_role_given_back() {
    explore_less_of_a_loop(1, "e1 twin", Some(Mutant::KeepRole), leave);
}

/// The poller role is checked and taken in two steps.
pub fn without_one_step_for_the_role() {
    explore_less_of_a_loop(1, "e1 twin", Some(Mutant::TakeInTwoSteps), leave);
}

/// Due since the loop was made, at any time of the clock.
const DUE: Tick = Tick(0);

/// A waker that calls a function when its timer fires.
struct Call<F>(F);

impl<F: Fn() + Send + Sync + 'static> Call<F> {
    fn waker(call: F) -> Waker {
        Waker::from(StdArc::new(Call(call)))
    }
}

impl<F: Fn() + Send + Sync> Wake for Call<F> {
    fn wake(self: StdArc<Self>) {
        (self.0)();
    }
}

fn leave() {
    let mut event_loop = Loop::new(2);
    let mut first = event_loop.enter();
    let fired = Arc::new(AtomicBool::new(false));
    let last = {
        let (shared, fired) = (Arc::clone(&event_loop.shared), fired.clone());
        Call::waker(move || {
            fired.store(true, Ordering::Release);
            shared.workers.remotes[0].parker.unpark();
        })
    };
    let shared = Arc::clone(&event_loop.shared);
    let mut polled = false;
    event_loop.handle().create_task(poll_fn(move |cx| {
        let add = |waker: &Waker| shared.driver.insert(None, DUE, waker.clone());
        if std::mem::replace(&mut polled, true) {
            add(&last);
            return Poll::Ready(());
        }
        add(cx.waker());
        Poll::Pending
    }));
    let second = event_loop.start_worker();
    first.worker.drive(|| fired.load(Ordering::Acquire));
    event_loop.shared.workers.stop();
    drop(first);
    second.join().expect("a panic would have ended the model");
}

fn serve() {
    serve_on(Loop::new(2));
}

fn serve_on(mut event_loop: Loop) {
    let workers = [event_loop.start_worker(), event_loop.start_worker()];
    let bell = StdArc::new(Bell::new());
    let ran = bell.clone();
    event_loop.handle().create_task(async move { ran.ring() });
    bell.wait();
    let fired = bell.clone();
    let waker = Call::waker(move || fired.ring());
    event_loop.shared.driver.insert(None, DUE, waker);
    bell.wait();
    event_loop.shared.workers.stop();
    for worker in workers {
        worker.join().expect("a panic would have ended the model");
    }
}
