//! a11: a handle is dropped while its task completes, after a use of a value that the output uses.

use std::future::poll_fn;
use std::task::Poll;

use super::drop_probe::DropProbe;
use super::test_scheduler::TestScheduler;
use crate::sync::{Mutant, StdArc, explore, thread};

/// The thread that runs the task, and one that uses a value and then drops the handle (2 threads).
/// The destructor of the output uses the same value, and runs after that use on either thread.
pub fn the_output_is_dropped_after_the_handle() {
    explore("a11: the output is dropped after the handle", None, drop_it);
}

/// The handle is dropped without a Release.
pub fn without_the_release_of_the_handle() {
    explore("a11 twin", Some(Mutant::DetachRelaxed), drop_it);
}

/// The completer finds that no handle is left, and drops the output, without an Acquire.
pub fn without_the_acquire_of_the_early_drop() {
    explore("a11 twin", Some(Mutant::HintRelaxed), drop_it);
}

struct Output(StdArc<DropProbe>);

impl Drop for Output {
    fn drop(&mut self) {
        if !thread::panicking() {
            self.0.touch();
        }
    }
}

fn drop_it() {
    let scheduler = TestScheduler::new();
    let used = StdArc::new(DropProbe::new(&StdArc::default()));
    let mut output = Some(Output(used.clone()));
    let task = scheduler.spawn(poll_fn(move |_| Poll::Ready(output.take())));
    let holder = {
        let used = used.clone();
        thread::spawn(move || {
            used.touch();
            drop(task);
        })
    };
    scheduler.run_one();
    holder.join().expect("a panic would have ended the model");
    assert_eq!(StdArc::strong_count(&used), 1, "the output is kept");
}
