//! a6: callbacks are registered while the end they wait for is published and notified.

use crate::runtime::WaitList;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::{Arc, Mutant, Mutex, explore, thread};

/// The completer, and a thread that registers two callbacks after one that was there before (2
/// threads). Each is called once, in the order of registration.
pub fn late_callbacks_keep_their_order() {
    explore("a6: late callbacks keep their order", None, register_late);
}

/// Two threads that register one callback each, and the completer (3 threads). Each is called once.
pub fn no_callback_is_left_behind() {
    explore("a6: no callback is left behind", None, register_beside);
}

/// A thread that finds the end notifies although there is a notifier.
pub fn without_one_notifier() {
    explore("a6 twin", Some(Mutant::NotifyBesideNotifier), register_late);
}

/// The notifier does not check the list again.
pub fn without_another_look() {
    explore("a6 twin", Some(Mutant::NotifyOnce), register_late);
}

/// An object with an end, its wait list, and the callbacks that were called.
#[derive(Default)]
struct Subject {
    end: AtomicBool,
    wait_list: WaitList<u32>,
    called: Mutex<Vec<u32>>,
}

impl Subject {
    fn complete(&self) {
        // Release: pairs with the load below, as DONE does.
        self.end.store(true, Ordering::Release);
        self.notify();
    }

    fn register(&self, callback: u32) {
        self.wait_list.add_callback(callback);
        if self.end.load(Ordering::Acquire) {
            self.notify();
        }
    }

    fn notify(&self) {
        self.wait_list
            .notify(|callback| self.called.lock().push(callback));
    }
}

fn register_late() {
    let subject = Arc::new(Subject::default());
    subject.register(1);
    let late = {
        let subject = Arc::clone(&subject);
        thread::spawn(move || {
            subject.register(2);
            subject.register(3);
        })
    };
    subject.complete();
    late.join().expect("a panic would have ended the model");
    assert_eq!(*subject.called.lock(), [1, 2, 3], "not each once, in order");
}

fn register_beside() {
    let subject = Arc::new(Subject::default());
    let threads = [1, 2].map(|callback| {
        let subject = Arc::clone(&subject);
        thread::spawn(move || subject.register(callback))
    });
    subject.complete();
    for thread in threads {
        thread.join().expect("a panic would have ended the model");
    }
    let mut called = subject.called.lock().clone();
    called.sort_unstable();
    assert_eq!(called, [1, 2], "not each once");
}
