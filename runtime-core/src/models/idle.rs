//! b1, b2, b4: work is added while workers go to sleep, find other work, or leave the worker set.

use super::engine::{Loop, explore_less_of_a_loop, explore_loop};
use crate::sync::{Bell, Mutant, StdArc, Tally, thread};

/// Two tasks for a worker that goes to sleep (2 threads). Both are run.
pub fn work_is_found_by_a_worker_that_goes_to_sleep() {
    explore_loop("b1: one worker goes to sleep", None, || add(1, 2));
}

/// A task for two workers that go to sleep (3 threads). It is run.
pub fn work_is_found_by_one_of_two() {
    explore_less_of_a_loop(1, "b1: two workers go to sleep", None, || add(2, 1));
}

/// Two tasks for two workers, and the first blocks until the second has run (3 threads). So the
/// worker that finds one of them must let another worker search for the second.
pub fn a_worker_that_finds_work_is_replaced() {
    explore_less_of_a_loop(2, "b2: a searcher is replaced", None, block);
}

/// A worker leaves with two tasks in its queue (2 threads). The other worker runs them.
pub fn a_worker_leaves_nothing_behind() {
    explore_loop("b4: a worker leaves", None, leave);
}

/// A worker that goes to sleep does not check the queues again.
pub fn without_the_second_look() {
    explore_loop("b1 twin", Some(Mutant::SleepWithoutRescan), || add(1, 2));
}

/// The last searching worker that finds work wakes no other in its place.
pub fn without_the_replacement() {
    let step = Some(Mutant::LastSearcherSilent);
    explore_less_of_a_loop(2, "b2 twin", step, block);
}

/// A worker leaves without moving its queued tasks to the injector.
pub fn without_the_spill() {
    explore_loop("b4 twin", Some(Mutant::LeaveWithoutSpill), leave);
}

/// Rings once `of` tasks have run: a task that is not run is a deadlock.
#[derive(Clone)]
struct Finish {
    ran: StdArc<Tally>,
    of: usize,
    bell: StdArc<Bell>,
}

impl Finish {
    fn after(of: usize) -> Finish {
        Finish {
            ran: StdArc::default(),
            of,
            bell: StdArc::new(Bell::new()),
        }
    }

    async fn task(self) {
        self.ran.add();
        if self.ran.count() == self.of {
            self.bell.ring();
        }
    }
}

fn stop(event_loop: &Loop, workers: Vec<thread::JoinHandle<()>>) {
    event_loop.shared.workers.stop();
    for worker in workers {
        worker.join().expect("a panic would have ended the model");
    }
}

fn add(workers: usize, tasks: usize) {
    let mut event_loop = Loop::new(workers);
    let workers = (0..workers).map(|_| event_loop.start_worker()).collect();
    let finish = Finish::after(tasks);
    for _ in 0..tasks {
        event_loop.handle().create_task(finish.clone().task());
    }
    finish.bell.wait();
    stop(&event_loop, workers);
}

fn block() {
    let mut event_loop = Loop::new(2);
    let workers = (0..2).map(|_| event_loop.start_worker()).collect();
    let finish = Finish::after(1);
    let second_ran = StdArc::new(Bell::new());
    let first = {
        let (second_ran, finish) = (second_ran.clone(), finish.clone());
        async move {
            second_ran.wait();
            finish.task().await;
        }
    };
    event_loop.handle().create_task(first);
    event_loop
        .handle()
        .create_task(async move { second_ran.ring() });
    finish.bell.wait();
    stop(&event_loop, workers);
}

fn leave() {
    let mut event_loop = Loop::new(2);
    let first = event_loop.enter();
    let workers = vec![event_loop.start_worker()];
    let finish = Finish::after(2);
    for _ in 0..2 {
        event_loop.handle().create_task(finish.clone().task());
    }
    drop(first);
    finish.bell.wait();
    stop(&event_loop, workers);
}
