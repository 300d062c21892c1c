//! a7: requests are passed on to a task that may end before it meets them.

use std::future::poll_fn;
use std::task::Poll;

use super::desk::Desk;
use crate::exceptions::CancelledError;
use crate::runtime::{TaskHandle, intercept, note};
use crate::sync::{Mutant, StdArc, Tally, explore, thread};

/// The runner, before whose polls one request comes, and a canceller, who leaves a witness (2 threads).
/// A witness that has met somebody was left before a claim, and no claim goes without.
pub fn who_cancels_knows_whether_it_was_met() {
    explore("a7: who cancels knows whether it was met", None, pass_on);
}

/// The claim does not tell them.
pub fn without_a_word_to_the_witnesses() {
    explore("a7 twin", Some(Mutant::MeetNobody), pass_on);
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
    let cancel = |handle: TaskHandle| handle.reference().cancel_watched(CancelledError::default());
    let (first, handle) = (cancel(task.handle()), task.handle());
    let canceller = thread::spawn(move || cancel(handle));
    desk.run_all();
    let second = canceller.join();
    let second = second.expect("a panic would have ended the model");
    desk.run_all();
    let witnesses = [first, second];
    assert!(task.done());
    let witnesses = witnesses.iter().flatten();
    let say_so = witnesses.filter(|witness| witness.is_met()).count();
    assert!(met.count() <= say_so, "one that was met does not know it");
    assert!(
        say_so == 0 || met.count() > 0,
        "one that was not met was told so"
    );
}
