//! a9: two threads cancel a suspended task, each with a message.

use super::catcher::Catcher;
use crate::sync::thread::ThreadId;
use crate::sync::{Mutant, explore, thread};

/// The runner and two cancellers (3 threads). What is delivered first has the message of the
/// request that came first, and what is delivered next that of the other.
pub fn the_first_message_is_delivered() {
    explore("a9: the first message is delivered", None, two_cancel);
}

/// The request is counted outside the lock of its error.
pub fn without_the_count_in_the_lock() {
    explore("a9 twin", Some(Mutant::CountUnlocked), two_cancel);
}

/// The error stays where the next request leaves its own.
pub fn without_the_message_set_aside() {
    explore("a9 twin", Some(Mutant::ErrorLeft), two_cancel);
}

const MESSAGES: [&str; 2] = ["one", "other"];

fn two_cancel() {
    let catcher = Catcher::new();
    let before = catcher.scheduler.hands().len();
    let cancellers = MESSAGES.map(|message| {
        let task = catcher.handle();
        thread::spawn(move || {
            assert!(task.cancel_with(message), "it is not done");
            thread::this()
        })
    });
    catcher.scheduler.run_one();
    catcher.scheduler.run_one();
    let ids: [ThreadId; 2] = cancellers.map(|canceller| {
        canceller
            .join()
            .expect("a panic would have ended the model")
    });
    catcher.scheduler.run_all();
    // The first request found the task suspended, and has queued it.
    let first = catcher.scheduler.hands()[before];
    let first = usize::from(ids[1] == first);
    let expected = [MESSAGES[first], MESSAGES[1 - first]];
    let caught = catcher.caught();
    assert!(matches!(caught.len(), 1 | 2), "lost, or delivered twice");
    for (error, expected) in caught.iter().zip(expected) {
        assert_eq!(error.message(), Some(expected), "not its own message");
    }
    catcher.end();
}
