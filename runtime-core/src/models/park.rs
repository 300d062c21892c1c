//! b3: a thread parks while two others unpark it.

use crate::runtime::modelled::parker::{Interrupt, Parker};
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::{Arc, Bell, Mutant, StdArc, explore, thread};

/// A thread that parks on its own, and two that unpark it (3 threads). It sees what each did before
/// its unpark, and it does not sleep on.
pub fn a_parked_thread_wakes_up() {
    explore("b3: a parked thread wakes up", None, || sleep(ParkOn::Own));
}

/// The same with a thread that parks in the poller.
pub fn a_polling_thread_wakes_up() {
    explore("b3: a polling thread wakes up", None, || {
        sleep(ParkOn::Poller)
    });
}

/// The parking thread overwrites the token.
pub fn without_the_token() {
    explore("b3 twin", Some(Mutant::ForgetToken), || sleep(ParkOn::Own));
}

/// The same in the poller.
pub fn without_the_token_in_the_poller() {
    explore("b3 twin", Some(Mutant::ForgetToken), || {
        sleep(ParkOn::Poller)
    });
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum ParkOn {
    Own,
    Poller,
}

fn sleep(park_on: ParkOn) {
    let poller = StdArc::new(Bell::new());
    let interrupt: Interrupt = {
        let poller = poller.clone();
        StdArc::new(move || poller.ring())
    };
    let parker = Arc::new(Parker::new(interrupt));
    parker.bind();
    let said: Arc<[AtomicBool; 2]> = Arc::default();
    let threads = [0, 1].map(|index| {
        let (parker, said) = (parker.clone(), said.clone());
        thread::spawn(move || {
            said[index].store(true, Ordering::Relaxed);
            parker.unpark();
        })
    });
    // Relaxed: the token alone orders this against the stores.
    while !said.iter().all(|said| said.load(Ordering::Relaxed)) {
        if park_on == ParkOn::Own {
            parker.park();
        } else if parker.begin_poll() {
            poller.wait();
            parker.end_poll();
        }
    }
    for thread in threads {
        thread.join().expect("a panic would have ended the model");
    }
}
