//! The end of a loop, in numbered steps.
//!
//! 1. From now on every end of a task is told to worker 0, which runs this.
//! 2. In rounds: every task that no round has met is cancelled, once, and waited for until it has
//!    told of its end. Tasks that its cleanup makes are met by the next round. One that refuses to end
//!    is waited for. After the first round, foreign threads can make no more.
//! 3. A round that finds nobody closes the registry: nothing is born any more, and every end has been
//!    told. Callbacks that wait on the lane run before that, those of the ends among them, but cannot
//!    put it off for ever.
//! 4. The pool for blocking functions is closed. What is queued there has no task any more, and is
//!    dropped. Functions that run are waited for, five minutes at most: then the exception handler
//!    is told, and they are left behind with their threads.
//! 5. The injector is closed, and hands out what is left (nothing, unless the end was forced).
//! 6. The workers and the poller thread are told to stop; each drops what is bound to it.
//! 7. The agenda and the lane are closed; what waits there is dropped. So is the driver: whoever waits for
//!    the loop's time, on another thread, is woken, and finds that it waits for nothing.
//! 8. The loop gives back what it has (`Shared::give_back`), whoever still holds it. The poller goes
//!    with the last thread, which may be one that is left behind.
//!
//! **Forced**, at a deadline, steps 2 and 3 become: every task is woken, and from now on what a
//! worker dequeues is dropped instead of polled. What is inside a poll then is stuck: it is named,
//! and left behind with its thread. So is, in step 4, a function that runs at the deadline. That is real
//! time, also where the loop's time stands still.
//!
//! **In a deadlock**, which the deterministic mode finds, the end is forced at once: what waits would wait
//! for ever. One that the shutdown itself comes to, without a deadline that would end it, is told.

use std::time::{Duration, Instant};

use super::callback_queue::discard;
use super::deadlock::Deadlock;
use super::exception_context::ExceptionContext;
use super::registration::HIDDEN;
use super::schedule::closed_error;
use super::shared::Shared;
use super::shutdown_timer::ShutdownTimer;
use super::worker::{Turn, Worker};
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

/// How long an end without a deadline waits for blocking functions, as asyncio's does.
const LONGEST_SHUTDOWN: Duration = Duration::from_secs(300);

/// How a shutdown ended.
#[derive(Debug)]
#[must_use]
pub(crate) enum Shutdown {
    /// Everything has ended.
    Complete,
    /// The deadline came first; these tasks were inside a poll, and these functions ran.
    Forced { stuck: Vec<String> },
    /// There was no deadline, and these tasks would never have ended. They have been dropped.
    InDeadlock(Deadlock),
}

/// Ends every task of the loop, and tells its threads to stop. The deadline is of the system's clock.
pub(crate) fn shut_down(worker: &mut Worker, deadline: Option<Instant>) -> Shutdown {
    let shared = Arc::clone(&worker.core().shared);
    let _afresh = afresh();
    shared.set_closing();
    let ended = end_in_rounds(worker, &shared, deadline);
    let mut stuck = match ended {
        Ended::All => Vec::new(),
        Ended::TooLate | Ended::InDeadlock(_) => drop_what_waits(worker, &shared),
    };
    let left_behind = end_pool(
        &shared,
        deadline.unwrap_or_else(|| Instant::now() + LONGEST_SHUTDOWN),
    );
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

/// Ends the pool for blocking functions, and names those that still run at the deadline.
fn end_pool(shared: &Shared, deadline: Instant) -> Vec<String> {
    for job in shared.pool.close() {
        job.refuse("Executor shutdown has been called".to_owned());
    }
    let left_behind = shared.pool.wait_end(Some(deadline)).err();
    let left_behind = left_behind.into_iter().flatten();
    left_behind
        .map(|location| format!("blocking function called at {location}"))
        .collect()
}

fn report_left_behind(shared: &Arc<Shared>, function: &str) {
    let message = "The executor did not finish joining its threads within 300 seconds.";
    let exception = format!("{function} still runs, and is left behind");
    let context = ExceptionContext::new(message).with_exception(exception);
    Shared::report(shared, &context);
}

/// What the rounds came to.
enum Ended {
    All,
    TooLate,
    InDeadlock(Deadlock),
}

/// No wait of this looks again by itself: whatever may end one wakes worker 0. That is a death (which
/// comes after the telling), a late teller that has told, the limit (by the alarm), and, to save time,
/// a birth. **Why no death is missed:** the snapshot of a round is taken after `set_closing`, and marks
/// the slot of everybody whom it shows. The death is an exchange on that slot, so it sees the mark's
/// release, and with it that the loop closes. Whom the snapshot does not show is dead, or was born
/// after it by somebody whom it shows: so after a snapshot that shows nobody there is no sleep. Tellers
/// are counted under the lock under which they are looked for here.
fn end_in_rounds(worker: &mut Worker, shared: &Arc<Shared>, deadline: Option<Instant>) -> Ended {
    let late = move || {
        // In a deadlock of the deterministic mode, nothing is worth waiting for.
        shared.is_stalled() || deadline.is_some_and(|deadline| Instant::now() >= deadline)
    };
    let told_before = shared.is_stalled();
    let _alarm = deadline.map(|deadline| ShutdownTimer::set(shared, deadline));
    while !shared.registry.close_if_empty() {
        let snapshot = reference::living(&shared.registry);
        let keeps = !snapshot.is_empty() || shared.registry.has_notifiers();
        let round = without_hidden(snapshot);
        if !round.is_empty() {
            end_round(worker, round, late);
        } else if keeps {
            // Callbacks only, or somebody who tells of an end.
            shared.callback_queue.wind_down(last_calls_patience(shared));
            worker.turn_or_sleep();
        }
        shared.registry.refuse_foreign();
        if late() {
            let in_deadlock = shared.is_stalled() && !told_before;
            return if in_deadlock {
                Ended::InDeadlock(Deadlock::of_the_last(&living(shared)))
            } else {
                Ended::TooLate
            };
        }
    }
    Ended::All
}

/// Cancels whom no round has met, and waits until all have left the registry, or it is `late`.
fn end_round(worker: &mut Worker, mut round: Vec<TaskHandle>, late: impl Fn() -> bool) {
    let shared = Arc::clone(&worker.core().shared);
    meet_all(&shared, &mut round);
    worker.drive(|| {
        loop {
            while round.last().is_some_and(has_left) {
                round.pop();
            }
            let Some(last) = round.last() else {
                return true;
            };
            // The others that end meanwhile wake nobody.
            let said = shared.await_ends(last.reference().header());
            if said {
                return late();
            }
        }
    });
    shared.await_anything();
}

/// Gives everybody of a round their part, and those that they have made before they met it: `registration` has
/// the protocol.
fn meet_all(shared: &Shared, round: &mut Vec<TaskHandle>) {
    shared.begin_round();
    for task in round.iter() {
        task.reference().cancel_for_shutdown();
    }
    loop {
        // Pairs with the fence in `registration`.
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

/// A task that is done still has to tell of its end: what counts is that it has left the registry. (One
/// that is not done has no place while it is being born.)
fn has_left(task: &TaskHandle) -> bool {
    task.done() && task.reference().header().place().is_none()
}

/// How long callbacks that the last callbacks add may take. A schedule by seed knows no clock.
fn last_calls_patience(shared: &Shared) -> Duration {
    match shared.options.seed {
        Some(_) => Duration::MAX,
        None => LAST_CALLBACKS_TIME,
    }
}

/// Every task but the lane's, those that still have to tell of their end among them.
fn without_hidden(mut tasks: Vec<TaskRef>) -> Vec<TaskHandle> {
    tasks.retain(|task| task.id() != HIDDEN);
    tasks.into_iter().map(TaskHandle::new).collect()
}

/// Every living task but the lane's.
pub(crate) fn living(shared: &Shared) -> Vec<TaskHandle> {
    let mut tasks = without_hidden(reference::living(&shared.registry));
    tasks.retain(|task| !task.done());
    tasks
}

/// Has every task that is not inside a poll dropped, and names the others, and a callback that runs.
fn drop_what_waits(worker: &mut Worker, shared: &Arc<Shared>) -> Vec<String> {
    shared.set_abandoning();
    let until = Instant::now() + GRACE;
    // Since when nothing was left but what is inside a poll; being dropped is that, too, for a moment.
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
        let left = still_there(shared);
        if left.is_empty() || settled || Instant::now() >= until {
            return left;
        }
        // A death ends the pause at once.
        shared.workers.remotes[0].parker.park_timeout(PAUSE);
    }
}

/// Names the tasks that have not ended, and the callback that runs.
fn still_there(shared: &Shared) -> Vec<String> {
    let tasks = living(shared);
    let tasks = tasks.iter().map(|task| task.reference().describe());
    let callback = shared.callback_queue.running();
    let callback = callback.map(|location| format!("callback registered at {location}"));
    tasks.chain(callback).collect()
}

/// Steps 5 to 7: whoever comes now is refused, and what waits is dropped.
pub(crate) fn close(shared: &Arc<Shared>) {
    shared.registry.close();
    for task in shared.workers.injector.close() {
        task.abandon(closed_error());
    }
    shared.workers.stop();
    shared.watch_parker.unpark();
    discard(shared.callback_timers.close(&shared.driver));
    shared.callback_queue.close();
    shared.driver.close();
}
