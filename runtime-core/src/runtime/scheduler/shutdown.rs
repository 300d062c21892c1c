//! The end of a loop, in numbered steps.
//!
//! 1. From now on every end of a task is told to worker 0, which runs this.
//! 2. In rounds: every task that no round has met is cancelled, once, and waited for. Tasks born
//!    meanwhile are met by the next round. One that refuses to end is waited for. After the first
//!    round, foreign threads can make no more.
//! 3. A round that finds nobody closes the registry: nothing is born any more. Callbacks that wait
//!    on the lane run before that, but cannot put it off for ever.
//! 4. The pool for blocking functions is closed. What is queued there has no task any more, and is
//!    dropped. Functions that run are waited for, five minutes at most: then the exception handler
//!    is told, and they are left behind with their threads.
//! 5. The injector is closed, and hands out what is left (nothing, unless the end was forced).
//! 6. The workers and the poller thread are told to stop; each drops what is bound to it.
//! 7. The agenda and the lane are closed; what waits there is dropped.
//!
//! **Forced**, at a deadline, steps 2 and 3 become: every task is woken, and from now on what a
//! worker dequeues is dropped instead of polled. What is inside a poll then is stuck: it is named,
//! and left behind with its thread. So is, in step 4, a function that runs at the deadline. That is real
//! time, also where the loop's time stands still.
//!
//! **In a deadlock**, which the deterministic mode finds, the end is forced at once: what waits would wait
//! for ever. One that the shutdown itself comes to, without a deadline that would end it, is told.

use std::time::{Duration, Instant};

use super::alarm::Alarm;
use super::deadlock::Deadlock;
use super::exception_context::ExceptionContext;
use super::lane::discard;
use super::schedule::{HIDDEN, closed_error};
use super::shared::Shared;
use super::worker::{Turn, Worker};
use crate::runtime::task::handle::TaskHandle;
use crate::runtime::task::reference;
use crate::sync::{Arc, Mutant, broken, thread};

/// How long a forced end waits for what can still be dropped.
const GRACE: Duration = Duration::from_millis(200);

/// How long a task is inside a poll before it is called stuck.
const SETTLED: Duration = Duration::from_millis(20);

/// How long an end without a deadline waits for blocking functions, as asyncio's does.
const PATIENCE: Duration = Duration::from_secs(300);

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
    shared.set_closing();
    let ended = end_in_rounds(worker, &shared, deadline);
    let mut stuck = match ended {
        Ended::All => Vec::new(),
        Ended::TooLate | Ended::InDeadlock(_) => drop_what_waits(worker, &shared),
    };
    let left_behind = end_pool(
        &shared,
        deadline.unwrap_or_else(|| Instant::now() + PATIENCE),
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

fn end_in_rounds(worker: &mut Worker, shared: &Arc<Shared>, deadline: Option<Instant>) -> Ended {
    let late = move || {
        // In a deadlock of the deterministic mode, nothing is worth waiting for.
        shared.is_stalled() || deadline.is_some_and(|deadline| Instant::now() >= deadline)
    };
    let told_before = shared.is_stalled();
    let _alarm = deadline.map(|deadline| Alarm::set(shared, deadline));
    while !shared.registry.close_if_empty() {
        let mut round = living(shared);
        shared.lane.wind_down(round.is_empty());
        shared.begin_round();
        for task in &round {
            task.reference().cancel_for_shutdown();
        }
        // A task has ended for this purpose once it has left the registry: that is what worker 0 is
        // told about. (Its DONE comes a moment later.)
        worker.drive(|| {
            while round.last().is_some_and(has_left) {
                round.pop();
            }
            round.is_empty() || late()
        });
        shared.registry.refuse_foreign();
        // Only the lane's task, or one that is just about to leave the registry.
        if worker.turn() == Turn::Idle {
            thread::yield_now();
        }
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

fn has_left(task: &TaskHandle) -> bool {
    if broken(Mutant::WaitForDone) {
        return task.done();
    }
    task.reference().header().place().is_none()
}

/// Every living task but the lane's.
pub(crate) fn living(shared: &Shared) -> Vec<TaskHandle> {
    let mut tasks = reference::living(&shared.registry);
    tasks.retain(|task| task.id() != HIDDEN && task.ending().is_none());
    tasks.into_iter().map(TaskHandle::new).collect()
}

/// Has every task that is not inside a poll dropped, and names the others.
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
        let left = living(shared);
        if left.is_empty() || settled || Instant::now() >= until {
            return left
                .iter()
                .map(|task| task.reference().describe())
                .collect();
        }
        thread::yield_now();
    }
}

/// Steps 5 to 7: whoever comes now is refused, and what waits is dropped.
pub(crate) fn close(shared: &Arc<Shared>) {
    shared.registry.close();
    for task in shared.crew.injector.close() {
        task.abandon(closed_error());
    }
    shared.crew.stop();
    shared.watch_parker.unpark();
    discard(shared.agenda.close(&shared.driver));
    shared.lane.close();
}
