//! b6: a thief takes a newborn task out of the slot of a worker that is stuck.

use super::desk::Desk;
use super::witness::Witness;
use crate::runtime::modelled::RunQueue;
use crate::runtime::modelled::runnable::Runnable;
use crate::sync::{Mutant, StdArc, Tally, explore, thread};

/// A worker makes a task, and another robs its slot (2 threads). One of them runs it, and sees all of it.
pub fn a_newborn_task_is_robbed() {
    explore("b6: a newborn task is robbed", None, rob);
}

/// The slot publishes nothing of what is put into it.
pub fn without_the_order_of_the_slot() {
    explore("b6 twin", Some(Mutant::SlotRelaxed), rob);
}

fn rob() {
    let queue = RunQueue::<Runnable>::new(true);
    let victim = queue.robbable().clone();
    let thief = thread::spawn(move || victim.rob_slot().map(Runnable::run).is_some());
    let dropped = StdArc::new(Tally::default());
    let witness = Witness::new(&dropped);
    witness.touch();
    let desk = Desk::new();
    let (runnable, task) = desk.make(async move { witness.touch() }, &StdArc::default());
    drop(task);
    queue.push_next(runnable);
    let own = queue.pop().map(Runnable::run).is_some();
    let robbed = thief.join().expect("a panic would have ended the model");
    assert!(own != robbed, "the task is run once");
    assert_eq!(dropped.count(), 1, "the future is dropped once");
}
