//! j1: work is asked for while others hold the lock under which it is done.

use crate::streams::modelled::DelegationLock;
use crate::sync::atomic::{AtomicUsize, Ordering};
use crate::sync::{Mutant, StdArc, explore, thread};

/// Two threads ask, while a third holds the lock (3 threads). What each asked for is done.
pub fn what_is_asked_for_is_done() {
    explore("j1: what is asked for is done", None, ask_beside_a_holder);
}

/// Who has released the lock looks at what was asked before the release is seen.
pub fn without_the_fence() {
    explore(
        "j1 twin",
        Some(Mutant::ServeWithoutFence),
        ask_beside_a_holder,
    );
}

/// Who finds that another has done the work does not look again.
pub fn without_the_second_look() {
    explore("j1 twin", Some(Mutant::ServeOnce), ask_beside_a_holder);
}

/// How much has been asked for, and how much of it has been done.
#[derive(Debug)]
struct Work {
    asked: AtomicUsize,
    done: DelegationLock<usize>,
}

impl Work {
    fn ask(&self) {
        // Relaxed: who does the work has seen that it was asked for.
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
    let work = StdArc::new(Work {
        asked: AtomicUsize::new(0),
        done: DelegationLock::new(0),
    });
    let askers = [(); 2].map(|()| {
        let work = StdArc::clone(&work);
        thread::spawn(move || work.ask())
    });
    drop(work.done.lock());
    work.serve();
    for asker in askers {
        asker.join().expect("no panic");
    }
    assert_eq!(*work.done.lock(), 2, "somebody's work was not done");
}
