//! a10: a thread writes something, and then requests a cancellation.

use std::future::poll_fn;
use std::task::Poll;

use super::drop_probe::DropProbe;
use super::test_scheduler::TestScheduler;
use crate::runtime::{claim_and_acknowledge, newest_raise};
use crate::sync::{Mutant, StdArc, explore, thread};

/// The runner, whose task is always on its way, and a thread that writes and then requests (2
/// threads). Who meets the request sees what was written.
pub fn who_meets_a_request_sees_what_came_before_it() {
    explore("a10: a request publishes", None, write_and_request);
}

/// The request is noted without a release.
pub fn without_the_release_of_a_request() {
    explore("a10 twin", Some(Mutant::RequestRelaxed), write_and_request);
}

/// No lock is on the way: the shutdown's request has no message, and who is on its way is not
/// queued.
fn write_and_request() {
    let scheduler = TestScheduler::new();
    let written = StdArc::new(DropProbe::new(&StdArc::default()));
    let task = {
        let (written, mut polls) = (written.clone(), 0);
        scheduler.spawn(poll_fn(move |cx| {
            polls += 1;
            if claim_and_acknowledge(newest_raise()).is_some() {
                written.touch();
                return Poll::Ready(());
            }
            if polls == 3 {
                return Poll::Ready(());
            }
            cx.waker().wake_by_ref();
            Poll::Pending
        }))
    };
    scheduler.run_one();
    let requester = {
        let (handle, written) = (task.handle(), written.clone());
        thread::spawn(move || {
            written.touch();
            handle.reference().cancel_for_shutdown()
        })
    };
    scheduler.run_all();
    requester
        .join()
        .expect("a panic would have ended the model");
    assert!(task.done());
    drop(task);
    // The last of it here, where all is ordered.
    drop(written);
}
