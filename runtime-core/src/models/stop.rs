//! h2, the small model: a worker set is stopped while its workers go to sleep, one in the poller.

use crate::runtime::modelled::Order;
use crate::runtime::modelled::parker::Interrupt;
use crate::runtime::modelled::runnable::Runnable;
use crate::runtime::modelled::worker_set::WorkerSet;
use crate::sync::{Arc, Bell, Mutant, StdArc, explore, thread};

/// One worker that sleeps on its parker, one that sleeps in the poller, and a thread that stops
/// them (3 threads). Both end, at whichever step the stop finds them.
pub fn every_worker_is_told_to_stop() {
    explore("h2: every worker is stopped", None, stop);
}

/// Only the first worker is woken.
pub fn without_the_other_wakes() {
    explore("h2 twin in the small", Some(Mutant::StopWakesOne), stop);
}

fn stop() {
    let poller = StdArc::new(Bell::new());
    let interrupt: Interrupt = {
        let poller = poller.clone();
        StdArc::new(move || poller.ring())
    };
    let (workers, queues) = WorkerSet::<Runnable>::new(2, 0, Order::SLOT, &interrupt);
    let workers = Arc::new(workers);
    let threads: Vec<_> = queues
        .into_iter()
        .enumerate()
        .map(|(worker, queue)| {
            let (workers, poller) = (Arc::clone(&workers), poller.clone());
            thread::spawn(move || {
                let parker = &workers.remotes[worker].parker;
                parker.bind();
                let _first = workers.idle.arrive();
                while !workers.is_stopping() {
                    workers.start_sleeping(worker, false);
                    if worker == 0 {
                        parker.park();
                    } else if parker.begin_poll() {
                        poller.wait();
                        parker.end_poll();
                    }
                    let wake_up = workers.idle.wake_up(worker);
                    assert!(!wake_up.chosen, "no thread has added work");
                }
                workers.leave(&queue);
            })
        })
        .collect();
    workers.stop();
    for thread in threads {
        thread.join().expect("a panic would have ended the model");
    }
    assert!(
        workers.idle.all_sleeping(),
        "a worker that left still counts as awake"
    );
}
