//! b9: a task in the stack of a blocked worker is found by a worker that goes to sleep.

use super::engine::{Loop, explore_less_of_a_loop};
use crate::runtime::modelled::worker::Turn;
use crate::sync::{Bell, Mutant, StdArc, Tally};

/// A worker makes three tasks: one for its deque, one for its slot, one for its stack. Then it
/// blocks until the first and the last have run, while another worker goes to sleep (2 threads).
pub fn a_worker_that_goes_to_sleep_looks_at_the_stack() {
    explore_less_of_a_loop(1, "b9: the stack is seen", None, block);
}

/// A worker that goes to sleep does not look at the stacks.
pub fn without_the_look_at_the_stack() {
    let step = Some(Mutant::LookPastStack);
    explore_less_of_a_loop(1, "b9 twin", step, block);
}

/// The end of a poll does not look at the stack.
pub fn without_the_look_after_the_poll() {
    let step = Some(Mutant::StackSilently);
    explore_less_of_a_loop(1, "b9 twin", step, block);
}

fn block() {
    let mut event_loop = Loop::depth_first(2);
    let mut first = event_loop.enter();
    let second = event_loop.start_worker();
    let (ran, bell) = (StdArc::new(Tally::default()), StdArc::new(Bell::new()));
    let child = || {
        let (ran, bell) = (ran.clone(), bell.clone());
        async move {
            ran.add();
            if ran.count() == 2 {
                bell.ring();
            }
        }
    };
    let (in_deque, in_stack, handle) = (child(), child(), event_loop.handle());
    event_loop.handle().create_task(async move {
        handle.create_task(in_deque);
        // Displaces the first one from the slot.
        handle.create_task(async {});
        handle.create_task(in_stack);
    });
    assert_eq!(first.worker.turn(), Turn::Ran);
    if first.core.queue.stacked() == 0 {
        // The other worker has been early, and the third child may be in the slot.
        assert_eq!(first.worker.turn(), Turn::Ran);
    }
    bell.wait();
    while first.worker.turn() == Turn::Ran {}
    event_loop.shared.workers.stop();
    drop(first);
    second.join().expect("a panic would have ended the model");
}
