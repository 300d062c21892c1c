//! The shutdown of a loop, in numbered steps.
//!
//! 1. From now on every end of a task notifies worker 0, which runs the shutdown.
//! 2. In rounds: every task that no earlier round has cancelled is cancelled, once, and awaited
//!    until it has notified of its end and left the registry. The next round cancels the tasks that
//!    its cleanup makes. A task that refuses to end is waited for. After the first round, foreign
//!    threads can make no more tasks.
//! 3. A round that finds no task closes the registry: no task can be made any more, and every end
//!    has been notified. Callbacks that wait in the callback queue run before that, those of ended
//!    tasks among them, but they cannot delay it for ever.
//!    Connections that are closed, and still have something to send, get a second for it.
//! 4. The pool for blocking functions is closed. No task awaits the calls that are queued there any
//!    more; they are dropped. Functions that run are waited for, five minutes at most. Then they
//!    are reported to the exception handler, and left behind with their threads. So are, silently
//!    and after 200 ms, look-ups of names (`lookups`), for which nobody waits any more either.
//! 5. The injector is closed, and returns what is left (nothing, unless the end was forced).
//! 6. The workers and the monitor are asked to stop. Each drops what is bound to it.
//! 7. The callback timers and the callback queue are closed; the callbacks that wait there are
//!    dropped. The driver is closed: what waits for the loop's time, on another thread, is woken,
//!    and finds the driver closed.
//! 8. The loop releases its parts (`Shared::give_back`), although handles of it may still exist.
//!    The poller is closed by the last thread, which may be one that is left behind.
//!
//! **Forced**, at a deadline, steps 2 and 3 become: every task is woken, and from now on a task
//! that a worker dequeues is dropped instead of polled. A task that is inside a poll then is stuck:
//! it is named, and left behind with its thread. So is, in step 4, a function that runs at the
//! deadline. The deadline is real time, also if the loop's clock is paused.
//!
//! **In a deadlock**, which the deterministic mode finds, the end is forced at once: what waits
//! would wait for ever. A deadlock that occurs in the shutdown itself is reported, if no deadline
//! would end it.

use std::time::{Duration, Instant};

use super::callback_queue::discard;
use super::deadlock::Deadlock;
use super::exception_context::ExceptionContext;
use super::flushes::are_over;
use super::registration::HIDDEN;
use super::schedule::closed_error;
use super::shared::Shared;
use super::shutdown_timer::ShutdownTimer;
use super::worker::{Turn, Worker};
use crate::runtime::blocking::describe as describe_function;
use crate::runtime::task::handle::TaskHandle;
use crate::runtime::task::reference::{self, TaskRef};
use crate::runtime::unnest::afresh;
use crate::sync::Arc;
use crate::sync::atomic::{Ordering, fence};

/// How long a forced end waits for what can still be dropped.
const GRACE: Duration = Duration::from_millis(200);

/// How long a task is inside a poll before it is called stuck.
const SETTLED: Duration = Duration::from_millis(20);

/// How long the forced end waits between two looks.
const PAUSE: Duration = Duration::from_millis(2);

/// How long the last callbacks may go on adding others.
const LAST_CALLBACKS_TIME: Duration = Duration::from_secs(5);

/// How long a shutdown without a deadline waits for blocking functions: as long as asyncio's.
const LONGEST_SHUTDOWN: Duration = Duration::from_secs(300);

/// How long closed connections may go on sending: a peer that does not read is not waited for.
const LONGEST_FLUSH: Duration = Duration::from_secs(1);

/// How a shutdown ended.
#[derive(Debug)]
#[must_use]
pub(crate) enum Shutdown {
    /// Everything has ended.
    Complete,
    /// The deadline came first. These tasks were inside a poll, and these functions were running.
    Forced { stuck: Vec<String> },
    /// There was no deadline, and these tasks would never have ended. They have been dropped.
    InDeadlock(Deadlock),
}

/// Ends every task of the loop, and asks its threads to stop. The deadline is a time of the
/// system's clock.
pub(crate) fn shut_down(worker: &mut Worker, deadline: Option<Instant>) -> Shutdown {
    let shared = Arc::clone(&worker.core().shared);
    let _afresh = afresh();
    shared.set_closing();
    let ended = end_in_rounds(worker, &shared, deadline);
    let mut stuck = match ended {
        Ended::All => Vec::new(),
        Ended::TooLate | Ended::InDeadlock(_) => drop_what_waits(worker, &shared),
    };
    if matches!(ended, Ended::All) {
        let longest = Instant::now() + LONGEST_FLUSH;
        let until = deadline.map_or(longest, |deadline| deadline.min(longest));
        flush(worker, &shared, until);
    }
    let latest = deadline.unwrap_or_else(|| Instant::now() + LONGEST_SHUTDOWN);
    let left_behind = end_pool(&shared, latest);
    shared.close_lookups(latest);
    if deadline.is_none() {
        left_behind
            .iter()
            .for_each(|function| report_left_behind(&shared, function));
    } else {
        stuck.extend(left_behind);
    }
    close(&shared);
    match ended {
        Ended::All if stuck.is_empty() => Shutdown::Complete,
        Ended::InDeadlock(deadlock) if deadline.is_none() => Shutdown::InDeadlock(deadlock),
        _ => Shutdown::Forced { stuck },
    }
}

/// Waits until the connections that are closed have sent what they still had to. Under a seed
/// nothing is promised of sockets, and nobody waits.
fn flush(worker: &mut Worker, shared: &Arc<Shared>, until: Instant) {
    if are_over(shared) || shared.options.seed.is_some() {
        return;
    }
    let _timer = ShutdownTimer::set(shared, until);
    worker.drive(|| are_over(shared) || Instant::now() >= until);
}

/// Closes the pool for blocking functions. Returns the names of those that still run at the
/// deadline.
fn end_pool(shared: &Shared, deadline: Instant) -> Vec<String> {
    for job in shared.pool.close() {
        job.refuse("Executor shutdown has been called".to_owned());
    }
    let left_behind = shared.pool.wait_end(Some(deadline)).err();
    left_behind
        .into_iter()
        .flatten()
        .map(describe_function)
        .collect()
}

fn report_left_behind(shared: &Arc<Shared>, function: &str) {
    let message = "The executor did not finish joining its threads within 300 seconds.";
    let exception = format!("{function} still runs, and is left behind");
    let context = ExceptionContext::new(message).with_exception(exception);
    Shared::report(shared, &context);
}

/// How the rounds ended.
enum Ended {
    /// Every task has ended, and the registry is closed.
    All,
    /// The deadline came first, or the loop was in a deadlock before.
    TooLate,
    /// The shutdown itself came to a deadlock.
    InDeadlock(Deadlock),
}

/// Runs the rounds of steps 2 and 3.
///
/// No wait in here has a timeout: every event that may end a wait wakes worker 0. These events are:
/// a task leaves the registry (after it has notified its waiters); a late notifier is done; the
/// deadline comes (by the shutdown timer); and, to save time, a task is registered.
///
/// **Why no end is missed:** the snapshot of a round is taken after `set_closing`, and marks the
/// slot of each task that it shows. A task leaves by an exchange on that slot, so it sees the
/// mark's release, and with it that the loop closes. A task that the snapshot does not show has
/// left, or was registered after the snapshot by a task that the snapshot shows: so after an empty
/// snapshot there is no sleep. Notifiers are counted under the same lock under which they are
/// looked for here.
fn end_in_rounds(worker: &mut Worker, shared: &Arc<Shared>, deadline: Option<Instant>) -> Ended {
    let late = move || {
        // In a deadlock of the deterministic mode, nothing is worth waiting for.
        shared.is_stalled() || deadline.is_some_and(|deadline| Instant::now() >= deadline)
    };
    let stalled_before = shared.is_stalled();
    let _timer = deadline.map(|deadline| ShutdownTimer::set(shared, deadline));
    while !shared.registry.close_if_empty() {
        let snapshot = reference::living(&shared.registry);
        let keeps = !snapshot.is_empty() || shared.registry.has_notifiers();
        let round = without_hidden(snapshot);
        if !round.is_empty() {
            end_round(worker, round, late);
        } else if keeps {
            // Only hidden tasks are left, or a thread that still notifies of an end. A descriptor
            // that stays ready would have its callback called for ever.
            shared.driver.stop_watching();
            shared.callback_queue.wind_down(last_calls_patience(shared));
            worker.turn_or_sleep();
        }
        shared.registry.refuse_foreign();
        if late() {
            let in_deadlock = shared.is_stalled() && !stalled_before;
            return if in_deadlock {
                Ended::InDeadlock(Deadlock::of_the_last(&living(shared)))
            } else {
                Ended::TooLate
            };
        }
    }
    Ended::All
}

/// Cancels the tasks that no earlier round has cancelled, and waits until all have left the
/// registry, or it is `late`.
fn end_round(worker: &mut Worker, mut round: Vec<TaskHandle>, late: impl Fn() -> bool) {
    let shared = Arc::clone(&worker.core().shared);
    cancel_all(&shared, &mut round);
    worker.drive(|| {
        loop {
            while round.last().is_some_and(has_left) {
                round.pop();
            }
            let Some(last) = round.last() else {
                return true;
            };
            // The ends of the other tasks wake no thread meanwhile.
            let noted_before = shared.await_ends(last.reference().header());
            if noted_before {
                return late();
            }
        }
    });
    shared.await_anything();
}

/// Cancels all tasks of a round, and the tasks that these have made before their own requests were
/// delivered: `registration` describes the protocol. Adds those tasks to `round`.
fn cancel_all(shared: &Shared, round: &mut Vec<TaskHandle>) {
    shared.begin_round();
    for task in round.iter() {
        task.reference().cancel_for_shutdown();
    }
    loop {
        // Pairs with the fence in `registration::after_insert`.
        fence(Ordering::SeqCst);
        let mut others = living(shared);
        others.retain(|task| {
            let task = task.reference();
            !task.header().state.is_late() && task.cancel_for_shutdown()
        });
        if others.is_empty() {
            return;
        }
        round.append(&mut others);
    }
}

/// Whether a task has left the registry. A task that is done may still have to notify of its end.
/// (A task that is not done has no slot until it is registered.)
fn has_left(task: &TaskHandle) -> bool {
    task.done() && task.reference().header().place().is_none()
}

/// How long callbacks may take that the last callbacks add. Not limited under a seed, whose
/// schedule must not depend on real time.
fn last_calls_patience(shared: &Shared) -> Duration {
    match shared.options.seed {
        Some(_) => Duration::MAX,
        None => LAST_CALLBACKS_TIME,
    }
}

/// Every task but the hidden ones, including those that are done but still have to notify of their
/// end.
fn without_hidden(mut tasks: Vec<TaskRef>) -> Vec<TaskHandle> {
    tasks.retain(|task| task.id() != HIDDEN);
    tasks.into_iter().map(TaskHandle::new).collect()
}

/// Every task that is not done, but for the hidden ones.
pub(crate) fn living(shared: &Shared) -> Vec<TaskHandle> {
    let mut tasks = without_hidden(reference::living(&shared.registry));
    tasks.retain(|task| !task.done());
    tasks
}

/// Drops every task that is not inside a poll. Returns the names of the others, and of a callback
/// that runs.
fn drop_what_waits(worker: &mut Worker, shared: &Arc<Shared>) -> Vec<String> {
    shared.set_abandoning();
    let until = Instant::now() + GRACE;
    // Since when only tasks inside a poll are left. A task that is being dropped also looks like
    // that for a moment.
    let mut only_stuck: Option<Instant> = None;
    loop {
        let left = living(shared);
        left.iter().for_each(|task| task.reference().wake());
        while worker.turn() == Turn::Ran && Instant::now() < until {}
        let mut left = left.iter().filter(|task| !task.done());
        let stuck = left.all(|task| task.reference().header().state.is_running());
        let since = only_stuck.take().filter(|_| stuck);
        only_stuck = stuck.then(|| since.unwrap_or_else(Instant::now));
        let settled = only_stuck.is_some_and(|since| since.elapsed() >= SETTLED);
        let left = names_of_the_rest(shared);
        if left.is_empty() || settled || Instant::now() >= until {
            return left;
        }
        // The end of a task ends the pause at once.
        shared.workers.remotes[0].parker.park_timeout(PAUSE);
    }
}

/// Returns the names of the tasks that have not ended, and of the callback that runs.
fn names_of_the_rest(shared: &Shared) -> Vec<String> {
    let tasks = living(shared);
    let tasks = tasks.iter().map(|task| task.reference().describe());
    let callback = shared.callback_queue.running();
    let callback = callback.map(|location| format!("callback registered at {location}"));
    tasks.chain(callback).collect()
}

/// Steps 5 to 7: refuses what comes from now on, and drops what waits.
pub(crate) fn close(shared: &Arc<Shared>) {
    shared.registry.close();
    for task in shared.workers.injector.close() {
        task.abandon(closed_error());
    }
    shared.workers.stop();
    shared.alarm.end(&shared.driver);
    discard(shared.callback_timers.close(&shared.driver));
    shared.callback_queue.close();
    shared.driver.close();
}
