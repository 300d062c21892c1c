//! h4: a look-up is made while one who waits for it gives up, and another asks the same.

use std::io;
use std::panic::Location;

use super::ring::wait_for;
use crate::runtime::modelled::{InFlight, Question, Work};
use crate::sync::{Mutant, StdArc, explore, thread};

/// A thread makes a look-up, while the one who waits for it gives up, and a third joins it (3
/// threads). The third is answered, by this look-up or by one of its own.
pub fn who_asks_the_same_is_answered() {
    explore("h4: who asks the same is answered", None, join_beside);
}

/// A thread looks whether anybody waits before it locks the table.
pub fn without_a_decision_under_the_lock() {
    explore("h4 twin", Some(Mutant::DecideUnlocked), join_beside);
}

/// The wakers are taken before the answer is stored.
pub fn without_the_answer_first() {
    explore("h4 twin", Some(Mutant::WakeBeforeAnswer), join_beside);
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Asked;

impl Question for Asked {
    type Answer = u32;

    fn ask(&self) -> io::Result<u32> {
        Ok(7)
    }
}

fn join_beside() {
    let in_flight = InFlight::new();
    let (gives_up, job) = in_flight.join(Asked, Location::caller());
    let job = job.expect("it is the first");
    let maker = thread::spawn(move || job.run());
    let joiner = {
        let in_flight = StdArc::clone(&in_flight);
        thread::spawn(move || {
            let (waiter, job) = in_flight.join(Asked, Location::caller());
            job.into_iter().for_each(Work::run);
            assert_eq!(wait_for(waiter).expect("there is an answer"), 7);
        })
    };
    drop(gives_up);
    maker.join().expect("no panic");
    joiner.join().expect("no panic");
}
