//! h1: the end of a loop, against tasks that end, are woken and are born meanwhile.

use super::engine::{Loop, explore_loop};
use crate::runtime::modelled::shutdown::{Shutdown, shut_down};

/// Worker 0 shuts the loop down while worker 1 runs the only task (2 threads). The shutdown ends,
/// and the task has ended before it.
pub fn a_task_ends_while_its_loop_shuts_down() {
    explore_loop("h1: a task ends while its loop shuts down", None, || {
        let mut event_loop = Loop::new(2);
        let task = event_loop
            .handle()
            .create_task(std::future::pending::<()>());
        let mut first = event_loop.enter();
        let second = event_loop.start_worker();
        let outcome = shut_down(&mut first.worker, None);
        assert!(matches!(outcome, Shutdown::Complete));
        drop(first);
        second.join().expect("the worker does not panic");
        assert!(task.cancelled());
    });
}
