//! a7: requests are passed on to a task that may end before it meets them.

use std::future::poll_fn;
use std::task::Poll;

use super::test_scheduler::TestScheduler;
use crate::exceptions::{CancelledError, Cause};
use crate::runtime::modelled::transitions::Cancel;
use crate::runtime::{Stamp, TaskHandle, claim_and_acknowledge, newest_raise};
use crate::sync::{Mutant, StdArc, Tally, explore, thread};

/// The runner, before whose polls one request comes, and a canceller (2 threads). A request of
/// which the task says that it has met somebody came before a claim, and no claim goes unsaid.
pub fn who_cancels_knows_whether_it_was_met() {
    explore("a7: who cancels knows whether it was met", None, forward);
}

/// The claim is not noted.
pub fn without_a_note_of_the_claim() {
    explore("a7 twin", Some(Mutant::SkipAcknowledge), forward);
}

fn forward() {
    let scheduler = TestScheduler::new();
    let met = StdArc::new(Tally::default());
    let task = {
        let (met, mut polls) = (met.clone(), 0);
        scheduler.spawn(poll_fn(move |cx| {
            polls += 1;
            if polls == 3 {
                return Poll::Ready(());
            }
            // A claim before the poll that ends it, as an await that suspends makes it.
            if claim_and_acknowledge(newest_raise()).is_some() {
                met.add();
            }
            cx.waker().wake_by_ref();
            Poll::Pending
        }))
    };
    // Begun: before that a request would drop it unpolled.
    scheduler.run_one();
    let cancel = |handle: TaskHandle| {
        let asked = Stamp::now();
        let error = CancelledError::default().caused_by(Cause::request(asked.0));
        let awaiter = handle.clone();
        let known = handle.reference().forward(awaiter.reference(), &error);
        (known != Cancel::Done).then_some((handle, asked))
    };
    let (first, handle) = (cancel(task.handle()), task.handle());
    let canceller = thread::spawn(move || cancel(handle));
    scheduler.run_all();
    let second = canceller.join();
    let second = second.expect("a panic would have ended the model");
    scheduler.run_all();
    assert!(task.done());
    let requests = [first, second];
    let requests = requests.iter().flatten();
    let say_so = requests.filter(|(task, asked)| task.reference().has_acknowledged(*asked));
    let say_so = say_so.count();
    assert!(met.count() <= say_so, "one that was met does not know it");
    assert!(
        say_so == 0 || met.count() > 0,
        "one that was not met was told so"
    );
}
