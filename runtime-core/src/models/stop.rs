//! h2, in the small: a crew is told to stop while its workers go to sleep, in the poller or not.

use crate::runtime::modelled::crew::Crew;
use crate::runtime::modelled::parker::Interrupt;
use crate::runtime::modelled::runnable::Runnable;
use crate::sync::{Arc, Bell, Mutant, StdArc, explore, thread};

/// One worker that sleeps on its parker, one that sleeps in the poller, and who tells them to stop
/// (3 threads). Both end, whatever they are about when they are told.
pub fn every_worker_is_told_to_stop() {
    explore("h2: every worker is told to stop", None, stop);
}

/// Only the first is woken.
pub fn without_the_other_wakes() {
    explore("h2 twin in the small", Some(Mutant::StopWakesOne), stop);
}

fn stop() {
    let poller = StdArc::new(Bell::new());
    let interrupt: Interrupt = {
        let poller = poller.clone();
        StdArc::new(move || poller.ring())
    };
    let (crew, queues) = Crew::<Runnable>::new(2, 0, true, &interrupt);
    let crew = Arc::new(crew);
    let workers: Vec<_> = queues
        .into_iter()
        .enumerate()
        .map(|(worker, queue)| {
            let (crew, poller) = (Arc::clone(&crew), poller.clone());
            thread::spawn(move || {
                let parker = &crew.seats[worker].parker;
                parker.bind();
                crew.idle.arrive();
                while !crew.is_stopping() {
                    crew.fall_asleep(worker, false);
                    if worker == 0 {
                        parker.park();
                    } else if parker.begin_poll() {
                        poller.wait();
                        parker.end_poll();
                    }
                    assert!(crew.idle.wake_up(worker), "nobody has called for work");
                }
                crew.leave(&queue);
            })
        })
        .collect();
    crew.stop();
    for worker in workers {
        worker.join().expect("a panic would have ended the model");
    }
    assert!(
        crew.idle.all_asleep(),
        "a worker that left still counts as awake"
    );
}
