//! b5: a worker goes into `block_in_place` and comes back, while its stand-in goes to rest.

use super::engine::{Loop, explore_less_of_a_loop};
use crate::runtime::block_in_place;
use crate::sync::{Bell, Mutant, StdArc};

/// The only worker blocks until a task has run, and then once more (2 threads). The first time a
/// stand-in is started; the second time it still works, is leaving, or rests. Both tasks run, and
/// the stand-in ends with the loop.
pub fn a_worker_that_blocks_is_replaced() {
    explore_less_of_a_loop(1, "b5: a worker is replaced", None, block);
}

/// A stand-in that has been dismissed and recalled rests nevertheless.
pub fn without_the_question_before_the_rest() {
    let step = Some(Mutant::RestUnasked);
    explore_less_of_a_loop(1, "b5 twin", step, block);
}

fn block() {
    let mut event_loop = Loop::new(1);
    let first = event_loop.enter();
    for _ in 0..2 {
        let ran = StdArc::new(Bell::new());
        let rings = ran.clone();
        event_loop.handle().create_task(async move { rings.ring() });
        block_in_place(|| ran.wait());
    }
    event_loop.shared.workers.stop();
    drop(first);
    let next = || event_loop.shared.more_threads.lock().pop();
    for thread in std::iter::from_fn(next) {
        thread.join().expect("a panic would have ended the model");
    }
}
