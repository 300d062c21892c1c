//! e3: the holder of the poller role decides whether a paused clock may jump.

use std::future::poll_fn;
use std::task::{Poll, Wake, Waker};

use super::engine::{Loop, explore_less_of_a_loop, explore_loop};
use crate::runtime::TimeSettings;
use crate::runtime::modelled::driver::Driver;
use crate::runtime::modelled::parker::{Interrupt, Parker};
use crate::runtime::modelled::{Tick, TimeHold};
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::{Arc, Bell, Mutant, Poller, StdArc, Tally, thread};

/// A thread that checks whether the clock may jump and then waits, and one that unparks it (2
/// threads). The wait returns, and sees what happened before the unpark.
pub fn a_notified_look_returns() {
    explore_loop("e3: a notified look returns", None, || look(Others::None));
}

/// The same while a third thread asks for another check (3 threads). Neither takes the other's
/// token.
pub fn a_notified_look_returns_beside_another() {
    let model = || look(Others::Look);
    explore_loop("e3: a notified look returns beside another", None, model);
}

/// A thread that makes the clock jump, and one that holds it (2 threads). While it is held, the
/// clock does not move.
pub fn an_inhibitor_holds_at_once() {
    explore_loop("e3: a hold holds at once", None, || {
        jump(Reader::ClockInhibitor)
    });
}

/// A thread that makes the clock jump, and one that begins to work (2 threads). The clock does not
/// move while that one works.
pub fn who_works_sees_one_time() {
    explore_loop("e3: a working thread sees one time", None, || {
        jump(Reader::Works)
    });
}

/// A thread that makes the clock jump, and one that inserts an earlier timer and goes to sleep (2
/// threads). The clock jumps to that timer first.
pub fn no_timer_is_jumped_over() {
    explore_loop("e3: no timer is jumped over", None, add_and_sleep);
}

/// A thread in the poller, and one that advances the clock by hand (2 threads). The clock moves,
/// and the advance's waker is woken at its end, once.
pub fn an_advance_ends() {
    explore_loop("e3: an advance ends", None, advance);
}

/// A worker leaves with a task in its queue, while the other worker may make the clock jump (2
/// threads). The task runs before the jump.
pub fn time_does_not_jump_over_what_a_worker_leaves() {
    let name = "e3: time does not jump over what is left";
    explore_less_of_a_loop(1, name, None, leave_and_jump);
}

/// A worker finds a due timer, while the other worker may make the clock jump on (2 threads). The
/// task that the timer wakes runs before the jump.
pub fn time_does_not_jump_over_what_is_due() {
    let name = "e2: time does not jump over what is due";
    explore_less_of_a_loop(1, name, None, expire_and_jump);
}

/// A thread has released its hold, and it and another thread take it back (2 threads). The clock is
/// held once.
pub fn a_hold_that_was_lent_is_taken_back_once() {
    explore_loop("e3: a hold is taken back once", None, take_back);
}

/// A worker no longer counts as awake before its tasks are in the injector.
pub fn without_the_spill_before_the_departure() {
    let step = Some(Mutant::DepartBeforeSpill);
    explore_less_of_a_loop(1, "e3 twin", step, leave_and_jump);
}

/// A worker releases the poller role before it counts as awake.
pub fn without_awake_before_the_role() {
    let step = Some(Mutant::ReleaseBeforeAwake);
    explore_less_of_a_loop(1, "e2 twin", step, expire_and_jump);
}

/// A hold is taken back in two steps.
pub fn without_one_step_for_the_hold() {
    explore_loop("e3 twin", Some(Mutant::TakeBackInTwoSteps), take_back);
}

/// The check takes the interrupt out of the poller, and the wait after it begins nevertheless.
pub fn without_the_interrupt_that_was_there() {
    let step = Some(Mutant::SwallowInterrupt);
    explore_loop("e3 twin", step, || look(Others::None));
}

/// The clock jumps outside the lock under which the jump was decided.
pub fn without_the_lock_for_the_jump() {
    let step = Some(Mutant::JumpUnlocked);
    explore_loop("e3 twin", step, || jump(Reader::ClockInhibitor));
}

/// A thread that begins to work does not wait for a jump in progress.
pub fn without_the_pass() {
    let step = Some(Mutant::WakeIntoJump);
    explore_loop("e3 twin", step, || jump(Reader::Works));
}

/// The next deadline is read before the check that all threads are quiet.
pub fn without_quiet_before_the_deadline() {
    explore_loop("e3 twin", Some(Mutant::NextBeforeQuiet), add_and_sleep);
}

/// An advance begins without waking the thread in the poller.
pub fn without_the_look_for_an_advance() {
    explore_loop("e3 twin", Some(Mutant::AdvanceWithoutLook), advance);
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Others {
    None,
    Look,
}

/// A driver with a paused clock, and its poller.
fn paused() -> (Arc<Driver>, StdArc<Poller>) {
    let poller = StdArc::new(Poller::new(false).expect("a model has no system to fail"));
    let settings = TimeSettings {
        paused: true,
        ..TimeSettings::default()
    };
    let driver = Driver::new(StdArc::clone(&poller), 1, settings);
    (Arc::new(driver), poller)
}

fn look(others: Others) {
    let (driver, poller) = paused();
    let interrupt: Interrupt = StdArc::new(move || poller.interrupt());
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
        thread::spawn(move || driver.recheck_jump())
    });
    let guard = driver.role.take(0).expect("the poller role is free");
    // Relaxed: only the token orders this against the store. A wait that does not end is a
    // deadlock.
    while !said.load(Ordering::Relaxed) {
        if parker.begin_poll() {
            let _nothing_due = driver.wait_paused(&guard, || true, None, &mut Vec::new());
            parker.end_poll();
        }
    }
    driver.role.release(guard);
    for thread in [sayer].into_iter().chain(other) {
        thread.join().expect("a panic would have ended the model");
    }
}

/// What the other thread does while it reads the clock.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reader {
    ClockInhibitor,
    Works,
}

const EARLY: Tick = Tick(1_000);
const LATE: Tick = Tick(2_000);

/// Makes the clock jump, as the holder of the poller role, until it has reached `when`.
fn jump_to(driver: &Driver, when: Tick, quiet: impl Fn() -> bool) {
    let guard = driver.role.take(0).expect("the poller role is free");
    while driver.clock.tick() < when {
        let _due_or_not = driver.wait_paused(&guard, &quiet, None, &mut Vec::new());
    }
    driver.role.release(guard);
}

fn jump(reader: Reader) {
    let (driver, _waiter) = paused();
    driver.insert(Some(0), LATE, Waker::noop().clone());
    let jumper = {
        let driver = driver.clone();
        thread::spawn(move || jump_to(&driver, LATE, || true))
    };
    match reader {
        Reader::ClockInhibitor => driver.inhibitor.hold(),
        Reader::Works => driver.inhibitor.begin(),
    }
    let before = driver.clock.tick();
    assert_eq!(driver.clock.tick(), before, "time moved");
    match reader {
        Reader::ClockInhibitor => driver.inhibitor.release(),
        Reader::Works => drop(driver.inhibitor.end(1)),
    }
    driver.recheck_jump();
    jumper.join().expect("a panic would have ended the model");
}

fn add_and_sleep() {
    let (driver, _waiter) = paused();
    driver.insert(Some(0), LATE, Waker::noop().clone());
    let sleeping = Arc::new(AtomicBool::new(false));
    let adder = {
        let (driver, sleeping) = (driver.clone(), sleeping.clone());
        thread::spawn(move || {
            driver.insert(Some(0), EARLY, Waker::noop().clone());
            sleeping.store(true, Ordering::Release);
            driver.recheck_jump();
        })
    };
    jump_to(&driver, EARLY, || sleeping.load(Ordering::Acquire));
    assert_eq!(driver.clock.tick(), EARLY, "time jumped over a timer");
    adder.join().expect("a panic would have ended the model");
}

/// A waker that counts its wakes.
struct Count(StdArc<Tally>);

impl Wake for Count {
    fn wake(self: StdArc<Self>) {
        self.0.add();
    }
}

fn advance() {
    let (driver, _waiter) = paused();
    driver.inhibitor.hold();
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
    let guard = driver.role.take(0).expect("the poller role is free");
    let mut due = Vec::new();
    // An advance that does not end is a deadlock.
    while woken.count() == 0 {
        let _due_or_not = driver.wait_paused(&guard, || true, None, &mut due);
        drop(driver.expire(&mut due));
        due.drain(..).for_each(Waker::wake);
    }
    assert_eq!(driver.clock.tick(), LATE, "time went elsewhere");
    driver.role.release(guard);
    mover.join().expect("a panic would have ended the model");
    assert_eq!(woken.count(), 1, "an advance ends once");
}

fn leave_and_jump() {
    let mut event_loop = Loop::paused(2);
    let first = event_loop.enter();
    let driver = |event_loop: &Loop| Arc::clone(&event_loop.shared);
    let (shared, ran) = (driver(&event_loop), StdArc::new(Bell::new()));
    shared.driver.insert(Some(0), LATE, Waker::noop().clone());
    let rings = ran.clone();
    let second = event_loop.start_worker();
    event_loop.handle().create_task(async move {
        assert_eq!(
            shared.driver.clock.tick(),
            Tick(0),
            "time jumped over a task"
        );
        rings.ring();
    });
    drop(first);
    event_loop.shared.driver.recheck_jump();
    ran.wait();
    event_loop.shared.workers.stop();
    second.join().expect("a panic would have ended the model");
}

fn expire_and_jump() {
    let mut event_loop = Loop::paused(2);
    let mut first = event_loop.enter();
    let done = Arc::new(AtomicBool::new(false));
    let (shared, says) = (Arc::clone(&event_loop.shared), done.clone());
    let mut slept = false;
    event_loop.handle().create_task(poll_fn(move |cx| {
        if !std::mem::replace(&mut slept, true) {
            shared.driver.insert(Some(0), EARLY, cx.waker().clone());
            shared.driver.insert(Some(0), LATE, Waker::noop().clone());
            return Poll::Pending;
        }
        assert_eq!(shared.driver.clock.tick(), EARLY, "time jumped over a task");
        says.store(true, Ordering::Release);
        shared.workers.remotes[0].parker.unpark();
        Poll::Ready(())
    }));
    let second = event_loop.start_worker();
    first.worker.drive(|| done.load(Ordering::Acquire));
    event_loop.shared.workers.stop();
    drop(first);
    second.join().expect("a panic would have ended the model");
}

fn take_back() {
    let event_loop = Loop::paused(1);
    let shared = Arc::clone(&event_loop.shared);
    let time_hold = TimeHold::begin(&shared);
    let lent = event_loop.handle().time_to_lend().expect("it is held here");
    lent.give();
    let other = {
        let lent = StdArc::clone(&lent);
        thread::spawn(move || lent.take_back())
    };
    lent.take_back();
    other.join().expect("a panic would have ended the model");
    drop(time_hold);
    shared.driver.inhibitor.begin();
    assert!(shared.driver.inhibitor.end(1), "it is held twice");
}
