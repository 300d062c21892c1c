//! h1, h2: the shutdown of a loop, while tasks end, are woken, and are made.

use std::future::{pending, poll_fn};
use std::panic::Location;
use std::task::Poll;

use super::drop_probe::DropProbe;
use super::engine::{First, Loop, explore_less_of_a_loop, explore_loop, options};
use crate::exceptions::TaskError;
use crate::runtime::modelled::shutdown::{Shutdown, close, shut_down};
use crate::runtime::modelled::worker::Turn;
use crate::runtime::{Engine, Handle, TaskHandle};
use crate::sync::{Arc, Mutant, Mutex, StdArc, Tally, thread};

/// Worker 0 shuts the loop down while worker 1 runs the only task (2 threads). The shutdown ends,
/// and the task has ended when the worker has.
pub fn a_task_ends_while_its_loop_shuts_down() {
    explore_less_of_a_loop(
        2,
        "h1: a task ends during the shutdown",
        None,
        end_elsewhere,
    );
}

/// Worker 0 shuts the loop down while one thread wakes a task and another makes one (3 threads).
/// The shutdown ends, and every future has been dropped.
pub fn a_shutdown_leaves_nobody() {
    explore_less_of_a_loop(1, "h1: a shutdown leaves no task", None, shut_all_down);
}

/// The last step of a forced end while one thread wakes a task and another makes one (3 threads).
/// Both tasks end: none stays in a queue.
pub fn a_forced_end_forgets_nobody() {
    explore_loop("h1: a forced end forgets no task", None, force_the_end);
}

/// The whole engine: worker 0 shuts it down while the other worker and the monitor start or
/// sleep (3 threads). All of them are joined.
pub fn every_thread_is_joined() {
    explore_less_of_a_loop(2, "h2: every thread is joined", None, start_and_close);
}

/// Worker 0 is not notified that a task has left the registry.
pub fn without_a_word_of_the_last_end() {
    explore_less_of_a_loop(
        2,
        "h1 twin",
        Some(Mutant::SkipEndNotification),
        end_elsewhere,
    );
}

/// Worker 0 shuts the loop down while worker 1 runs the only task, which has a done callback, and
/// leaves (2 threads). The callback has run when the shutdown is over.
pub fn the_callback_of_the_last_task_runs() {
    explore_less_of_a_loop(1, "h1: the callback of the last task", None, call_last);
}

/// Worker 0 shuts the loop down while another thread adds a callback to a task that has ended. That
/// thread may find another callback on the wait list, which it has to run (2 threads). Both
/// callbacks run, or the second comes too late.
pub fn a_late_notifier_is_waited_for() {
    explore_less_of_a_loop(1, "h1: a late notifier", None, notify_late);
}

/// A task leaves the registry before it notifies of its end.
pub fn without_the_notifying_before_the_removal() {
    explore_less_of_a_loop(1, "h1 twin", Some(Mutant::RemoveBeforeNotify), call_last);
}

/// A thread that notifies after the completer is not counted.
pub fn without_the_count_of_tellers() {
    explore_less_of_a_loop(1, "h1 twin", Some(Mutant::NotifierUncounted), notify_late);
}

/// A wake may push into a queue that has been drained.
pub fn without_the_closed_queue() {
    explore_loop("h1 twin", Some(Mutant::PushAfterDrain), force_the_end);
}

/// The shutdown wakes one worker only.
pub fn without_a_word_to_every_worker() {
    explore_less_of_a_loop(2, "h2 twin", Some(Mutant::StopWakesOne), start_and_close);
}

fn end_elsewhere() {
    let mut event_loop = Loop::new(2);
    let task = event_loop.handle().create_task(pending::<()>());
    let mut first = event_loop.enter();
    let second = event_loop.start_worker();
    let outcome = shut_down(&mut first.worker, None);
    assert!(matches!(outcome, Shutdown::Complete));
    drop(first);
    second.join().expect("a panic would have ended the model");
    assert!(task.cancelled());
}

/// Adds a callback that increments `ran` when it runs.
fn add_counted(task: &TaskHandle, ran: &StdArc<Tally>) {
    let ran = StdArc::clone(ran);
    let callback = Handle::new(Box::new(move || ran.add()), None, Location::caller());
    task.reference().add_callback(callback);
}

fn call_last() {
    let mut event_loop = Loop::new(2);
    let ran = StdArc::new(Tally::default());
    let task = event_loop.handle().create_task(pending::<()>()).handle();
    add_counted(&task, &ran);
    let mut first = event_loop.enter();
    let second = event_loop.start_turn();
    let outcome = shut_down(&mut first.worker, None);
    assert!(matches!(outcome, Shutdown::Complete));
    assert_eq!(ran.count(), 1, "the callback was lost");
    drop(first);
    second.join().expect("a panic would have ended the model");
}

fn notify_late() {
    let mut event_loop = Loop::new(1);
    let ran = StdArc::new(Tally::default());
    let task = event_loop.handle().create_task(async {}).handle();
    let mut first = event_loop.enter();
    assert_eq!(first.worker.turn(), Turn::Ran);
    let (other, counts) = (task.clone(), StdArc::clone(&ran));
    let late = thread::spawn(move || {
        add_counted(&other, &counts);
    });
    // Run by this thread, or left to the other one.
    add_counted(&task, &ran);
    let outcome = shut_down(&mut first.worker, None);
    assert!(matches!(outcome, Shutdown::Complete));
    assert!(ran.count() > 0, "the callback was lost");
    late.join().expect("a panic would have ended the model");
}

/// Ends the loop on this thread by `end`, while one thread wakes a waiting task and another makes a
/// task.
fn end_meanwhile(end: impl FnOnce(&mut First, &Loop)) {
    let dropped = StdArc::new(Tally::default());
    let mut event_loop = Loop::new(1);
    let mut first = event_loop.enter();
    let waker = Arc::new(Mutex::new(None));
    let sleeper = {
        let (waker, probe) = (waker.clone(), DropProbe::new(&dropped));
        let sleeps = poll_fn(move |cx| {
            probe.touch();
            waker.lock().get_or_insert_with(|| cx.waker().clone());
            Poll::<()>::Pending
        });
        event_loop.handle().create_task(sleeps)
    };
    assert_eq!(first.worker.turn(), Turn::Ran);
    let waker = waker.lock().take().expect("stored by the first poll");
    let sayer = thread::spawn(move || waker.wake());
    let maker = {
        let (handle, probe) = (event_loop.handle(), DropProbe::new(&dropped));
        thread::spawn(move || handle.try_create_task(async move { probe.touch() }))
    };
    end(&mut first, &event_loop);
    sayer.join().expect("a panic would have ended the model");
    let made = maker.join().expect("a panic would have ended the model");
    assert!(sleeper.cancelled(), "the sleeper is forgotten");
    if let Ok(mut task) = made {
        let ended = !matches!(task.result(), Err(TaskError::InvalidState(_)));
        assert!(ended, "the new task is forgotten");
    }
    assert_eq!(dropped.count(), 2, "a future was not dropped once");
}

fn shut_all_down() {
    end_meanwhile(|first, _| {
        let outcome = shut_down(&mut first.worker, None);
        assert!(matches!(outcome, Shutdown::Complete));
    });
}

fn force_the_end() {
    end_meanwhile(|_, event_loop| close(&event_loop.shared));
}

fn start_and_close() {
    let mut engine = Engine::start(options(2)).expect("a model has no system to fail");
    engine.close(None).expect("nothing is stuck");
}
