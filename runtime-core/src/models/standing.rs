//! e3: time stands still, and the holder of the role looks whether it may jump.

use std::task::{Wake, Waker};

use super::engine::explore_loop;
use crate::runtime::TimeSettings;
use crate::runtime::modelled::Tick;
use crate::runtime::modelled::driver::Driver;
use crate::runtime::modelled::parker::{Interrupt, Parker};
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::{Arc, Mutant, StdArc, Tally, Waiter, thread};

/// A thread that looks whether time may jump and then waits, and one that notifies it (2 threads).
/// The wait returns, and what was said before is seen.
pub fn a_notified_look_returns() {
    explore_loop("e3: a notified look returns", None, || look(Others::None));
}

/// The same while a third thread asks for a look as well (3 threads). Neither eats the other's token.
pub fn a_notified_look_returns_beside_another() {
    let model = || look(Others::Look);
    explore_loop("e3: a notified look returns beside another", None, model);
}

/// A thread that has time jump, and one that asks that it stand still (2 threads). While the guard
/// lives it does not move.
pub fn a_hold_holds_at_once() {
    explore_loop("e3: a hold holds at once", None, || jump(Reader::Holds));
}

/// A thread that has time jump, and one that begins to work (2 threads). Time does not move under it.
pub fn who_works_sees_one_time() {
    explore_loop("e3: who works sees one time", None, || jump(Reader::Works));
}

/// A thread that has time jump, and one that adds an earlier timer and goes to sleep (2 threads).
/// Time jumps to that one first.
pub fn no_timer_is_jumped_over() {
    explore_loop("e3: no timer is jumped over", None, add_and_sleep);
}

/// A thread in the poller, and one that has time go on by hand (2 threads). Time goes, and that one is
/// woken at the end, once.
pub fn an_advance_ends() {
    explore_loop("e3: an advance ends", None, advance);
}

/// The look takes the interrupt out of the poller, and the wait after it begins nevertheless.
pub fn without_the_interrupt_that_was_there() {
    let step = Some(Mutant::SwallowInterrupt);
    explore_loop("e3 twin", step, || look(Others::None));
}

/// Time jumps after the lock under which it was looked whether it may.
pub fn without_the_lock_for_the_jump() {
    let step = Some(Mutant::JumpUnlocked);
    explore_loop("e3 twin", step, || jump(Reader::Holds));
}

/// Who begins to work does not let a jump be over.
pub fn without_the_pass() {
    let step = Some(Mutant::WakeIntoJump);
    explore_loop("e3 twin", step, || jump(Reader::Works));
}

/// The next deadline is looked at before whether all is quiet.
pub fn without_quiet_before_the_deadline() {
    explore_loop("e3 twin", Some(Mutant::NextBeforeQuiet), add_and_sleep);
}

/// An advance begins, and the thread in the poller is not told.
pub fn without_the_look_for_an_advance() {
    explore_loop("e3 twin", Some(Mutant::AdvanceWithoutLook), advance);
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Others {
    None,
    Look,
}

/// A driver whose time stands still, and its poller.
fn standing() -> (Arc<Driver>, StdArc<Waiter>) {
    let waiter = StdArc::new(Waiter::new().expect("a model has no system to fail"));
    let settings = TimeSettings {
        paused: true,
        ..TimeSettings::default()
    };
    let driver = Driver::new(StdArc::clone(&waiter), 1, settings);
    (Arc::new(driver), waiter)
}

fn look(others: Others) {
    let (driver, waiter) = standing();
    let interrupt: Interrupt = StdArc::new(move || waiter.interrupt());
    let parker = Arc::new(Parker::new(interrupt));
    parker.bind();
    let said = Arc::new(AtomicBool::new(false));
    let sayer = {
        let (parker, said) = (parker.clone(), said.clone());
        thread::spawn(move || {
            said.store(true, Ordering::Relaxed);
            parker.unpark();
        })
    };
    let other = (others == Others::Look).then(|| {
        let driver = driver.clone();
        thread::spawn(move || driver.look_again())
    });
    let held = driver.role.take(0).expect("nobody else is there");
    // Relaxed: the token alone orders this against the store. A wait that goes on is a deadlock.
    while !said.load(Ordering::Relaxed) {
        if parker.begin_poll() {
            let _nothing_due = driver.wait_paused(&held, || true, None, &mut Vec::new());
            parker.end_poll();
        }
    }
    driver.role.release(held);
    for thread in [sayer].into_iter().chain(other) {
        thread.join().expect("a panic would have ended the model");
    }
}

/// What the other thread does while it reads the clock.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reader {
    Holds,
    Works,
}

const EARLY: Tick = Tick(1_000);
const LATE: Tick = Tick(2_000);

/// Has time jump, as the holder of the role, until it has come to `when`.
fn jump_to(driver: &Driver, when: Tick, quiet: impl Fn() -> bool) {
    let held = driver.role.take(0).expect("nobody else is there");
    while driver.clock.tick() < when {
        let _due_or_not = driver.wait_paused(&held, &quiet, None, &mut Vec::new());
    }
    driver.role.release(held);
}

fn jump(reader: Reader) {
    let (driver, _waiter) = standing();
    driver.insert(Some(0), LATE, Waker::noop().clone());
    let jumper = {
        let driver = driver.clone();
        thread::spawn(move || jump_to(&driver, LATE, || true))
    };
    match reader {
        Reader::Holds => driver.holds.ask(),
        Reader::Works => driver.holds.begin(),
    }
    let before = driver.clock.tick();
    assert_eq!(driver.clock.tick(), before, "time moved");
    match reader {
        Reader::Holds => driver.holds.unask(),
        Reader::Works => drop(driver.holds.end(1)),
    }
    driver.look_again();
    jumper.join().expect("a panic would have ended the model");
}

fn add_and_sleep() {
    let (driver, _waiter) = standing();
    driver.insert(Some(0), LATE, Waker::noop().clone());
    let asleep = Arc::new(AtomicBool::new(false));
    let adder = {
        let (driver, asleep) = (driver.clone(), asleep.clone());
        thread::spawn(move || {
            driver.insert(Some(0), EARLY, Waker::noop().clone());
            asleep.store(true, Ordering::Release);
            driver.look_again();
        })
    };
    jump_to(&driver, EARLY, || asleep.load(Ordering::Acquire));
    assert_eq!(driver.clock.tick(), EARLY, "time jumped over a timer");
    adder.join().expect("a panic would have ended the model");
}

/// Counts its wakes.
struct Count(StdArc<Tally>);

impl Wake for Count {
    fn wake(self: StdArc<Self>) {
        self.0.add();
    }
}

fn advance() {
    let (driver, _waiter) = standing();
    driver.holds.ask();
    driver.insert(Some(0), EARLY, Waker::noop().clone());
    let woken = StdArc::new(Tally::default());
    let mover = {
        let (driver, woken) = (driver.clone(), woken.clone());
        thread::spawn(move || {
            let waker = Waker::from(StdArc::new(Count(woken)));
            let key = driver.advance_to(LATE, waker);
            assert!(key.is_some(), "the loop is open");
        })
    };
    let held = driver.role.take(0).expect("nobody else is there");
    let mut due = Vec::new();
    // An advance that does not end is a deadlock.
    while woken.count() == 0 {
        let _due_or_not = driver.wait_paused(&held, || true, None, &mut due);
        drop(driver.expire(&mut due));
        due.drain(..).for_each(Waker::wake);
    }
    assert_eq!(driver.clock.tick(), LATE, "time went elsewhere");
    driver.role.release(held);
    mover.join().expect("a panic would have ended the model");
    assert_eq!(woken.count(), 1, "an advance ends once");
}
