//! j1: work is asked for while others hold the lock under which it is done.

use crate::streams::modelled::DelegationLock;
use crate::sync::atomic::{AtomicUsize, Ordering};
use crate::sync::{Mutant, StdArc, explore, thread};

/// Two threads ask, while a third holds the lock (3 threads). What each asked for is done.
pub fn what_is_asked_for_is_done() {
    explore("j1: what is asked for is done", None, ask_beside_a_holder);
}

/// Three threads ask, and each tries to do the work of all (3 threads). All of it is done.
pub fn three_may_ask_at_once() {
    explore("j1: three ask at once", None, ask_at_once);
}

/// Who has released the lock looks at what was asked before the release is seen.
pub fn without_the_fence() {
    explore(
        "j1 twin",
        Some(Mutant::ServeWithoutFence),
        ask_beside_a_holder,
    );
}

/// Who asks does not publish what there is to be done.
pub fn without_the_release_of_who_asks() {
    explore("j1 twin", Some(Mutant::AskRelaxed), ask_beside_a_holder);
}

/// Who finds that another has done the work does not look again.
pub fn without_the_second_look() {
    explore("j1 twin", Some(Mutant::ServeOnce), ask_at_once);
}

/// How much has been asked for, and how much of it has been done.
#[derive(Debug)]
struct Work {
    asked: AtomicUsize,
    done: DelegationLock<usize>,
}

impl Work {
    fn ask(&self) {
        // Relaxed: `ask` publishes it.
        self.asked.fetch_add(1, Ordering::Relaxed);
        self.done.ask();
        self.serve();
    }

    fn serve(&self) {
        let all = |done: &mut usize| *done = self.asked.load(Ordering::Relaxed);
        while self.done.serve(all).is_some() {}
    }
}

fn ask_beside_a_holder() {
    ask_with_two_others(2, |work| {
        drop(work.done.lock());
        work.serve();
    });
}

fn ask_at_once() {
    ask_with_two_others(3, Work::ask);
}

fn ask_with_two_others(all: usize, third: impl FnOnce(&Work)) {
    let work = StdArc::new(Work {
        asked: AtomicUsize::new(0),
        done: DelegationLock::new(0),
    });
    let askers = [(); 2].map(|()| {
        let work = StdArc::clone(&work);
        thread::spawn(move || work.ask())
    });
    third(&work);
    for asker in askers {
        asker.join().expect("no panic");
    }
    assert_eq!(*work.done.lock(), all, "somebody's work was not done");
}
