//! f4: events come while workers take the poller's role, serve, and give it back.

use std::future::poll_fn;

use super::engine::{Loop, explore_less_of_a_loop};
use crate::runtime::modelled::{Direction, Source};
use crate::sync::{Bell, Mutant, Ready, StdArc};

/// Two workers go to sleep, and tasks wait for two descriptors. The kernel has an event of each,
/// one after the other (3 threads). Both tasks run: the second event comes to whoever has the role
/// by then.
pub fn events_are_served_by_whoever_has_the_role() {
    explore_less_of_a_loop(2, "f4: events are served", None, serve);
}

/// A worker that has taken an event from the poller gives the role back without dispatching it.
pub fn without_the_dispatch() {
    explore_less_of_a_loop(2, "f4 twin", Some(Mutant::LeaveEvents), serve);
}

/// A worker that leaves the poller for an event keeps the role.
pub fn without_the_role_given_back() {
    explore_less_of_a_loop(2, "f4 twin", Some(Mutant::KeepRole), serve);
}

fn serve() {
    let mut event_loop = Loop::new(2);
    let workers = [event_loop.start_worker(), event_loop.start_worker()];
    let (driver, bell) = (&event_loop.shared.driver, StdArc::new(Bell::new()));
    let poller = driver.keep_open().expect("the loop is open");
    for _ in 0..2 {
        let source = StdArc::new(Source::new(Ready::NONE));
        let key = driver.sources.insert(StdArc::clone(&source));
        let key = key.expect("the loop is open").to_word();
        let ran = StdArc::clone(&bell);
        event_loop.handle().create_task(async move {
            let ready = poll_fn(|cx| source.poll_ready(Direction::Read, cx)).await;
            drop(ready);
            ran.ring();
        });
        poller.post(key, Ready::READ);
        bell.wait();
    }
    event_loop.shared.workers.stop();
    for worker in workers {
        worker.join().expect("a panic would have ended the model");
    }
}
