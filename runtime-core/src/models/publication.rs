//! a12: two threads make the value behind a word of the header at once, and a third finds it.

use std::future::ready;

use super::test_scheduler::TestScheduler;
use crate::runtime::TaskHandle;
use crate::sync::{Mutant, explore, thread};

/// Two threads that need the side allocation, and one that looks for it (3 threads). Every thread
/// that gets it sees it completely written, and the one that lost the race is freed.
pub fn the_side_allocation_is_whole() {
    explore("a12: the side allocation is whole", None, side);
}

/// The same for the context (3 threads).
pub fn the_context_is_whole() {
    explore("a12: the context is whole", None, context);
}

/// The side allocation is stored without a release.
pub fn without_the_release_of_the_side() {
    explore("a12 twin", Some(Mutant::SideExchangeRelaxed), side);
}

/// It is found without an acquire.
pub fn without_the_acquire_of_the_side() {
    explore("a12 twin", Some(Mutant::SideLoadRelaxed), side);
}

/// The context is stored without a release.
pub fn without_the_release_of_the_context() {
    explore("a12 twin", Some(Mutant::ContextExchangeRelaxed), context);
}

/// It is found without an acquire.
pub fn without_the_acquire_of_the_context() {
    explore("a12 twin", Some(Mutant::ContextLoadRelaxed), context);
}

fn side() {
    let make = |task: &TaskHandle| {
        let side = task.reference().header().side_or_new();
        assert!(side.name().is_none());
    };
    race(make, |task| {
        if let Some(side) = task.reference().header().side() {
            assert!(side.name().is_none());
        }
    });
}

fn context() {
    let make = |task: &TaskHandle| assert!(task.get_context().inherited().is_none());
    race(make, |task| {
        assert!(task.reference().context_for_child().is_none());
    });
}

fn race(make: fn(&TaskHandle), find: fn(&TaskHandle)) {
    let scheduler = TestScheduler::new();
    let task = scheduler.spawn(ready(()));
    let makers = [(); 2].map(|()| {
        let task = task.handle();
        thread::spawn(move || make(&task))
    });
    find(&task.handle());
    for maker in makers {
        maker.join().expect("a panic would have ended the model");
    }
    scheduler.run_all();
}
