//! The look-ups that are under way, each shared by all who ask the same.
//!
//! ```text
//!        join: not there          begin: somebody waits          end
//!   (none) ───────────▶ Queued ─────────────────────▶ Running ─────────▶ Answered
//!                         │                                               not in the table
//!                         └── begin: nobody waits ──▶ removed
//! ```
//!
//! The table is locked before a look-up in it. A thread decides under both locks whether anybody
//! waits, and removes the look-up from the table if not; who asks later finds none, and begins
//! another. So nobody waits for a look-up that is not made (model h4). An answer is stored after
//! the look-up has left the table: it is for those who asked before it came.

use std::collections::{BTreeMap, HashMap};
use std::future::Future;
use std::io;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use super::question::Question;
use crate::runtime::blocking::{Function, Job};
use crate::sync::{Mutant, Mutex, StdArc, broken};

/// The look-ups of one kind that are under way.
pub(crate) struct InFlight<Q: Question> {
    lookups: Mutex<HashMap<Q, StdArc<Lookup<Q>>>>,
}

/// One look-up.
pub(crate) struct Lookup<Q: Question> {
    question: Q,
    table: StdArc<InFlight<Q>>,
    state: Mutex<State<Q::Answer>>,
    location: &'static Location<'static>,
}

struct State<A> {
    outcome: Option<Result<A, Failure>>,
    /// How many wait, with or without a waker.
    waiting: usize,
    /// The key of the next waiter.
    next: u64,
    /// In the order in which they came.
    wakers: BTreeMap<u64, Waker>,
}

impl<A> State<A> {
    fn take_wakers(&mut self) -> BTreeMap<u64, Waker> {
        std::mem::take(&mut self.wakers)
    }
}

/// An error that can be given to many.
#[derive(Clone, Debug)]
struct Failure {
    kind: io::ErrorKind,
    text: StdArc<str>,
}

/// Waits for the answer of a look-up. Dropping it ends the waiting, not the look-up.
pub(crate) struct Waiter<Q: Question> {
    lookup: StdArc<Lookup<Q>>,
    key: u64,
}

impl<Q: Question> InFlight<Q> {
    pub(crate) fn new() -> StdArc<InFlight<Q>> {
        StdArc::new(InFlight {
            lookups: Mutex::default(),
        })
    }

    /// Waits for the look-up of `question` that is under way. If there is none, begins one, whose
    /// job the caller must submit or refuse.
    pub(crate) fn join(
        self: &StdArc<Self>,
        question: Q,
        location: &'static Location<'static>,
    ) -> (Waiter<Q>, Option<Job>) {
        let mut lookups = self.lookups.lock();
        if let Some(lookup) = lookups.get(&question) {
            return (Waiter::of(lookup), None);
        }
        let lookup = StdArc::new(Lookup {
            question: question.clone(),
            table: StdArc::clone(self),
            state: Mutex::new(State {
                outcome: None,
                waiting: 0,
                next: 0,
                wakers: BTreeMap::new(),
            }),
            location,
        });
        lookups.insert(question, StdArc::clone(&lookup));
        let waiter = Waiter::of(&lookup);
        drop(lookups);
        (waiter, Some(Job::new(lookup)))
    }

    /// Whether no look-up is under way.
    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        self.lookups.lock().is_empty()
    }
}

impl<Q: Question> Lookup<Q> {
    /// Whether anybody waits. If not, nobody will: the look-up leaves the table.
    fn begin(&self) -> bool {
        let is_wanted = || self.state.lock().waiting > 0;
        let too_early = broken(Mutant::DecideUnlocked).then(is_wanted);
        let mut lookups = self.table.lookups.lock();
        let wanted = too_early.unwrap_or_else(is_wanted);
        let removed = (!wanted).then(|| lookups.remove(&self.question));
        drop(lookups);
        drop(removed);
        wanted
    }

    fn end(&self, outcome: Result<Q::Answer, Failure>) {
        let removed = self.table.lookups.lock().remove(&self.question);
        let too_early = broken(Mutant::WakeBeforeAnswer).then(|| self.state.lock().take_wakers());
        let wakers = {
            let mut state = self.state.lock();
            state.outcome = Some(outcome);
            too_early.unwrap_or_else(|| state.take_wakers())
        };
        drop(removed);
        wakers.into_values().for_each(Waker::wake);
    }
}

impl<Q: Question> Function for Lookup<Q> {
    fn call(&self) {
        if !self.begin() {
            return;
        }
        let asked = catch_unwind(AssertUnwindSafe(|| self.question.ask()));
        self.end(match asked {
            Ok(outcome) => outcome.map_err(|error| Failure::of(&error)),
            Err(_panic) => Err(Failure::other("the look-up panicked")),
        });
    }

    fn refuse(&self, why: String) {
        self.end(Err(Failure::other(&why)));
    }

    fn location(&self) -> &'static Location<'static> {
        self.location
    }
}

impl Failure {
    fn of(error: &io::Error) -> Failure {
        Failure {
            kind: error.kind(),
            text: error.to_string().into(),
        }
    }

    fn other(text: &str) -> Failure {
        Failure {
            kind: io::ErrorKind::Other,
            text: text.into(),
        }
    }
}

impl<Q: Question> Waiter<Q> {
    fn of(lookup: &StdArc<Lookup<Q>>) -> Waiter<Q> {
        let mut state = lookup.state.lock();
        state.waiting += 1;
        state.next += 1;
        Waiter {
            lookup: StdArc::clone(lookup),
            key: state.next,
        }
    }
}

impl<Q: Question> Future for Waiter<Q> {
    type Output = io::Result<Q::Answer>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<Q::Answer>> {
        // Cloned before the lock is taken, and the old one dropped after it is released: both may
        // run foreign code.
        let new = cx.waker().clone();
        let _old;
        let mut state = self.lookup.state.lock();
        match state.outcome.clone() {
            None => {
                _old = state.wakers.insert(self.key, new);
                drop(state);
                Poll::Pending
            }
            Some(outcome) => {
                drop(state);
                Poll::Ready(outcome.map_err(|failure| io::Error::new(failure.kind, &*failure.text)))
            }
        }
    }
}

impl<Q: Question> Drop for Waiter<Q> {
    fn drop(&mut self) {
        let waker = {
            let mut state = self.lookup.state.lock();
            state.waiting -= 1;
            state.wakers.remove(&self.key)
        };
        drop(waker);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, Sender, channel};
    use std::sync::{Arc, Mutex};
    use std::task::Wake;

    use super::*;

    /// A question that notes that it is asked, and is answered when the test says.
    #[derive(Clone)]
    struct Gated {
        asked: Sender<()>,
        answers: Arc<Mutex<Receiver<Option<u32>>>>,
    }

    // One question: all are equal.
    impl PartialEq for Gated {
        fn eq(&self, _: &Gated) -> bool {
            true
        }
    }

    impl Eq for Gated {}

    impl std::hash::Hash for Gated {
        fn hash<H: std::hash::Hasher>(&self, _: &mut H) {}
    }

    impl Question for Gated {
        type Answer = u32;

        fn ask(&self) -> io::Result<u32> {
            self.asked.send(()).unwrap();
            let answer = self.answers.lock().unwrap().recv().unwrap();
            answer.ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "no such name"))
        }
    }

    struct Fixture {
        question: Gated,
        asked: Receiver<()>,
        answer: Sender<Option<u32>>,
        in_flight: StdArc<InFlight<Gated>>,
    }

    fn fixture() -> Fixture {
        let (asking, asked) = channel();
        let (answer, answers) = channel();
        Fixture {
            question: Gated {
                asked: asking,
                answers: Arc::new(Mutex::new(answers)),
            },
            asked,
            answer,
            in_flight: InFlight::new(),
        }
    }

    impl Fixture {
        fn join(&self) -> (Waiter<Gated>, Option<Job>) {
            let question = self.question.clone();
            self.in_flight.join(question, Location::caller())
        }
    }

    /// The answer of a look-up that is over.
    fn outcome(mut waiter: Waiter<Gated>) -> io::Result<u32> {
        match Pin::new(&mut waiter).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(answered) => answered,
            Poll::Pending => panic!("the look-up is not over"),
        }
    }

    fn run(job: Option<Job>) {
        use crate::runtime::blocking::Work;
        job.expect("the look-up is new").run();
    }

    #[test]
    fn who_asks_the_same_waits_for_the_same_answer() {
        let test = fixture();
        let (first, job) = test.join();
        let (second, none) = test.join();
        assert!(none.is_none());
        test.answer.send(Some(7)).unwrap();
        run(job);
        assert_eq!(outcome(first).unwrap(), 7);
        assert_eq!(outcome(second).unwrap(), 7);
        assert_eq!(test.asked.try_iter().count(), 1);
    }

    #[test]
    fn an_answer_is_not_kept() {
        let test = fixture();
        for answer in 0..3 {
            let (waiter, job) = test.join();
            test.answer.send(Some(answer)).unwrap();
            run(job);
            assert!(test.in_flight.is_empty());
            assert_eq!(outcome(waiter).unwrap(), answer);
        }
    }

    #[test]
    fn an_error_is_given_to_all() {
        let test = fixture();
        let (first, job) = test.join();
        let (second, _) = test.join();
        test.answer.send(None).unwrap();
        run(job);
        for waiter in [first, second] {
            let error = outcome(waiter).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::NotFound);
            assert_eq!(error.to_string(), "no such name");
        }
    }

    #[test]
    fn a_look_up_that_nobody_waits_for_is_not_made() {
        let test = fixture();
        let (waiter, job) = test.join();
        drop(waiter);
        run(job);
        assert_eq!(test.asked.try_iter().count(), 0);
        assert!(test.in_flight.is_empty());
    }

    #[test]
    fn who_comes_after_the_first_has_gone_is_answered() {
        let test = fixture();
        let (waiter, job) = test.join();
        drop(waiter);
        let (waiter, none) = test.join();
        assert!(none.is_none());
        test.answer.send(Some(1)).unwrap();
        run(job);
        assert_eq!(outcome(waiter).unwrap(), 1);
    }

    #[test]
    fn a_panic_and_a_refusal_are_errors() {
        let test = fixture();
        let (waiter, job) = test.join();
        drop(test.answer);
        run(job);
        let error = outcome(waiter).unwrap_err();
        assert_eq!(error.to_string(), "the look-up panicked");
        let test = fixture();
        let (waiter, job) = test.join();
        job.unwrap().refuse("no thread".to_owned());
        assert_eq!(outcome(waiter).unwrap_err().to_string(), "no thread");
        assert!(test.in_flight.is_empty());
    }

    /// Notes its number when it is woken.
    struct Noting(u32, Sender<u32>);

    impl Wake for Noting {
        fn wake(self: Arc<Self>) {
            self.1.send(self.0).unwrap();
        }
    }

    #[test]
    fn waiters_are_woken_in_the_order_in_which_they_came() {
        let test = fixture();
        let (sender, woken) = channel();
        let mut waiters = Vec::new();
        let mut jobs = Vec::new();
        for number in 0..5 {
            let (mut waiter, job) = test.join();
            jobs.extend(job);
            let waker = Waker::from(Arc::new(Noting(number, sender.clone())));
            let poll = Pin::new(&mut waiter).poll(&mut Context::from_waker(&waker));
            assert!(poll.is_pending());
            waiters.push(waiter);
        }
        // One who has gone is not woken.
        drop(waiters.remove(3));
        test.answer.send(Some(1)).unwrap();
        run(jobs.pop());
        assert_eq!(woken.try_iter().collect::<Vec<_>>(), [0, 1, 2, 4]);
    }
}
