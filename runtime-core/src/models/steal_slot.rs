//! b6: another worker steals a new task from the LIFO slot of a worker that is stuck.

use super::drop_probe::DropProbe;
use super::test_scheduler::TestScheduler;
use crate::runtime::modelled::runnable::Runnable;
use crate::runtime::modelled::{Order, RunQueue};
use crate::sync::{Mutant, StdArc, Tally, explore, thread};

/// A worker makes a task, and another steals from its slot (2 threads). One of them runs the task,
/// and sees it completely written.
pub fn a_new_task_is_stolen() {
    explore("b6: a new task is stolen", None, steal);
}

/// The slot publishes nothing of the task that is put into it.
pub fn without_the_order_of_the_slot() {
    explore("b6 twin", Some(Mutant::SlotRelaxed), steal);
}

fn steal() {
    let queue = RunQueue::<Runnable>::new(Order::SLOT);
    let victim = queue.stealable().clone();
    let thief = thread::spawn(move || victim.steal_slot().map(Runnable::run).is_some());
    let dropped = StdArc::new(Tally::default());
    let probe = DropProbe::new(&dropped);
    probe.touch();
    let scheduler = TestScheduler::new();
    let (runnable, task) = scheduler.make(async move { probe.touch() }, &StdArc::default());
    drop(task);
    queue.push_next(runnable);
    let own = queue.pop().map(Runnable::run).is_some();
    let stolen = thief.join().expect("a panic would have ended the model");
    assert!(own != stolen, "the task is run once");
    assert_eq!(dropped.count(), 1, "the future is dropped once");
}
