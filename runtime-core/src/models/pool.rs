//! h3: a job is submitted to the pool while it ends, while its thread leaves, or if no thread can
//! be started.

use std::io;
use std::panic::Location;
use std::task::Wake;
use std::time::Duration;

use crate::runtime::modelled::{Pool, Refusal, Settings, Work};
use crate::sync::{Arc, Bell, Mutant, StdArc, Tally, explore, thread};

/// A thread submits a job, which may be refused, while another thread closes the pool (3 threads).
/// The job is run, or returned by the close, or returned to the submitter: exactly one of them.
pub fn a_job_submitted_while_the_pool_closes_is_accounted_for() {
    explore("h3: a job against the close", None, || {
        let ran = StdArc::new(Tally::default());
        let pool = Arc::new(Pool::new(settings(Threads::AreThere)));
        let submitter = {
            let (pool, job) = (Arc::clone(&pool), Job(StdArc::clone(&ran)));
            thread::spawn(move || match pool.submit(job) {
                Ok(()) => 0,
                Err((_job, Refusal::Closed)) => 1,
                Err((_job, Refusal::NoThread(error))) => panic!("{error}"),
            })
        };
        let handed_out = pool.close().len();
        let given_back = submitter.join().expect("no panic");
        pool.wait_end(None).expect("there is no deadline");
        assert_eq!(ran.count() + handed_out + given_back, 1);
    });
}

/// Two jobs, one after the other, for one thread that leaves when the queue is empty (3 threads at
/// most). Both are run.
pub fn a_job_submitted_while_the_thread_leaves_is_run() {
    explore("h3: a job against a thread that leaves", None, two_jobs);
}

/// No thread can be started (1 thread). Every job is returned with the error.
pub fn a_job_without_a_thread_is_refused() {
    explore("h3: a job without a thread", None, refused);
}

/// Three jobs, each submitted when the one before has been run, for one thread whose keep-alive is
/// over when it is woken (2 threads at most). Each is run, without another submit.
pub fn a_job_for_a_tired_thread_is_run() {
    explore("h3: a job for a thread that may leave", None, one_by_one);
}

/// A task waits for the end of the pool while its thread runs a job and leaves (2 threads). It is
/// woken.
pub fn a_task_is_woken_at_the_end() {
    explore("h3: a task waits for the end", None, poll_the_end);
}

/// A thread looks for those that wait for the end before it leaves.
pub fn without_a_look_after_the_leave() {
    explore("h3 twin", Some(Mutant::EndBeforeLeave), poll_the_end);
}

/// A thread leaves after its keep-alive although jobs are queued.
pub fn without_a_look_at_the_queue() {
    explore("h3 twin", Some(Mutant::LeaveWithWork), one_by_one);
}

/// A thread that has been woken does not end the wake-up in progress.
pub fn without_the_end_of_a_wake_up() {
    explore("h3 twin", Some(Mutant::WakeUpStays), one_by_one);
}

/// A thread decides to leave outside the lock under which it leaves.
pub fn without_leaving_under_the_lock() {
    explore("h3 twin", Some(Mutant::LeaveUnlocked), two_jobs);
}

/// The failure to start a thread is not reported.
pub fn without_the_refusal() {
    explore("h3 twin", Some(Mutant::SwallowRefusal), refused);
}

struct Loud(StdArc<Bell>);

impl Work for Loud {
    fn run(self) {
        self.0.ring();
    }

    fn location(&self) -> &'static Location<'static> {
        Location::caller()
    }
}

struct Job(StdArc<Tally>);

impl Work for Job {
    fn run(self) {
        self.0.add();
    }

    fn location(&self) -> &'static Location<'static> {
        Location::caller()
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Threads {
    AreThere,
    CannotBeHad,
}

fn settings(threads: Threads) -> Settings {
    Settings {
        max_threads: 1,
        keep_alive: Duration::ZERO,
        start: StdArc::new(move |body| match threads {
            Threads::AreThere => Ok(thread::spawn(body)),
            Threads::CannotBeHad => Err(io::ErrorKind::WouldBlock.into()),
        }),
        on_thread_start: None,
        on_thread_stop: None,
    }
}

fn one_by_one() {
    let settings = Settings {
        keep_alive: Duration::from_secs(1),
        ..settings(Threads::AreThere)
    };
    let pool = Pool::new(settings);
    let bell = StdArc::new(Bell::new());
    for _ in 0..3 {
        let submitted = pool.submit(Loud(StdArc::clone(&bell)));
        assert!(submitted.is_ok(), "the pool is open");
        bell.wait();
    }
    pool.finish();
    pool.wait_end(None).expect("there is no deadline");
}

fn two_jobs() {
    let ran = StdArc::new(Tally::default());
    let pool = Pool::new(settings(Threads::AreThere));
    for _ in 0..2 {
        let submitted = pool.submit(Job(StdArc::clone(&ran)));
        assert!(submitted.is_ok(), "the pool is open");
    }
    pool.finish();
    pool.wait_end(None).expect("there is no deadline");
    assert_eq!(ran.count(), 2);
}

struct Rings(Bell);

impl Wake for Rings {
    fn wake(self: StdArc<Self>) {
        self.0.ring();
    }
}

fn poll_the_end() {
    let ran = StdArc::new(Tally::default());
    let pool = Pool::new(settings(Threads::AreThere));
    let submitted = pool.submit(Job(StdArc::clone(&ran)));
    assert!(submitted.is_ok(), "the pool is open");
    pool.finish();
    let rings = StdArc::new(Rings(Bell::new()));
    while pool.poll_end(&StdArc::clone(&rings).into()).is_pending() {
        rings.0.wait();
    }
    assert_eq!(ran.count(), 1);
    pool.wait_end(None).expect("there is no deadline");
}

fn refused() {
    let ran = StdArc::new(Tally::default());
    let pool = Pool::new(settings(Threads::CannotBeHad));
    let submitted = pool.submit(Job(StdArc::clone(&ran)));
    assert!(matches!(submitted, Err((_, Refusal::NoThread(_)))));
    pool.finish();
    pool.wait_end(None).expect("no thread was started");
    assert_eq!(ran.count(), 0);
}
