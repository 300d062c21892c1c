//! a7: a request is passed on to a task that may end before it meets it.

use std::future::poll_fn;
use std::task::Poll;

use super::desk::Desk;
use crate::runtime::{intercept, note};
use crate::sync::{Mutant, StdArc, Tally, explore, thread};

/// The runner and a canceller (2 threads). If the task ends without having met the request, its word
/// still says so when it is done.
pub fn a_request_is_met_or_stays() {
    explore("a7: a request is met or stays", None, pass_on);
}

/// The end of a task forgets that a request was never met.
pub fn without_what_was_never_met() {
    explore("a7 twin", Some(Mutant::ForgetUnmet), pass_on);
}

fn pass_on() {
    let desk = Desk::new();
    let met = StdArc::new(Tally::default());
    let task = {
        let (met, mut polls) = (met.clone(), 0);
        desk.spawn(poll_fn(move |cx| {
            polls += 1;
            if polls == 3 {
                return Poll::Ready(());
            }
            // A claim before the poll that ends it, as an await that suspends makes it.
            if intercept(note()).is_some() {
                met.add();
            }
            cx.waker().wake_by_ref();
            Poll::Pending
        }))
    };
    // Begun: before that a request would drop it unpolled.
    desk.run_one();
    let handle = task.handle();
    let canceller = thread::spawn(move || handle.cancel());
    desk.run_all();
    let accepted = canceller
        .join()
        .expect("a panic would have ended the model");
    desk.run_all();
    assert!(task.done());
    let stayed = task.reference().header().state.has_request();
    let told = met.count() + usize::from(stayed);
    assert_eq!(told, usize::from(accepted), "a request was lost");
}
