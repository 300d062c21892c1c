//! i9: the value of a cell is made by one while others wait for it, and one gives up making it.

use std::future::pending;
use std::pin::pin;

use super::drop_probe::DropProbe;
use super::ring::{poll_once, wait_for};
use crate::locks::OnceCell;
use crate::sync::{Arc, Mutant, StdArc, Tally, explore_less, thread};

/// Two threads need the value, and one begins to make it and gives up (3 threads). One value is
/// made, and all see it whole.
pub fn one_value_is_made() {
    explore_less(1, "i9: one value is made", None, make);
}

/// Who gives up keeps the right to make the value.
pub fn without_the_return_of_the_right() {
    explore_less(1, "i9 twin", Some(Mutant::KeepRight), make);
}

/// The value is set without a Release.
pub fn without_the_release_of_the_value() {
    explore_less(1, "i9 twin", Some(Mutant::ValueRelaxed), make);
}

/// What several threads make.
struct Subject {
    cell: OnceCell<DropProbe>,
    made: Tally,
}

impl Subject {
    fn use_value(&self) {
        let value = wait_for(self.cell.get_or_init(async || {
            self.made.add();
            let value = DropProbe::new(&StdArc::default());
            value.touch();
            value
        }));
        value.look();
    }

    fn give_up(&self) {
        let _never = poll_once(pin!(self.cell.get_or_init(pending)));
    }
}

fn make() {
    let subject = Arc::new(Subject {
        cell: OnceCell::new(),
        made: Tally::default(),
    });
    let gives_up = {
        let subject = Arc::clone(&subject);
        thread::spawn(move || {
            subject.give_up();
            if let Some(value) = subject.cell.get() {
                value.look();
            }
        })
    };
    let other = {
        let subject = Arc::clone(&subject);
        thread::spawn(move || subject.use_value())
    };
    subject.use_value();
    for other in [gives_up, other] {
        other.join().expect("a panic would have ended the model");
    }
    assert_eq!(subject.made.count(), 1, "two values are made");
}
