//! How a loop schedules its tasks: those that may be stolen, and those of one thread.

use std::future::poll_fn;
use std::panic::Location;
use std::task::Poll;

use super::context;
use super::inbox::Inbox;
use super::shared::Shared;
use crate::exceptions::CancelledError;
use crate::runtime::task::header::{Header, TaskId, Wake};
use crate::runtime::task::registry::Closed;
use crate::runtime::task::runnable::Runnable;
use crate::runtime::task::schedule::Schedule;
use crate::runtime::task::schedule_face::Report;
use crate::runtime::task::side::Callback;
use crate::runtime::task::spawn::{self, Birth, ScheduleHere};
use crate::sync::Arc;

/// The number of tasks that nobody is shown: the lane's.
pub(crate) const HIDDEN: TaskId = TaskId(0);

/// The scheduler of a task that any worker may run.
#[derive(Debug)]
pub(crate) struct Stealable {
    pub(crate) shared: Arc<Shared>,
}

impl Schedule for Stealable {
    #[inline]
    fn schedule(&self, task: Runnable, wake: Wake) {
        let elsewhere = context::with(|frame| match frame.and_then(|f| f.core_of(&self.shared)) {
            Some(core) => {
                core.push(task, wake);
                None
            }
            None => Some(task),
        });
        if let Some(task) = elsewhere {
            submit(&self.shared, task);
        }
    }

    #[inline]
    fn died(&self, header: &Header) {
        died(&self.shared, header);
    }

    fn call_soon(&self, callbacks: Vec<Callback>) {
        call_soon(&self.shared, callbacks);
    }

    fn report(&self, report: Report) {
        self.shared.report(&report);
    }
}

/// The scheduler of a task that only the thread that made it may run.
#[derive(Debug)]
pub(crate) struct Bound {
    pub(crate) shared: Arc<Shared>,
    pub(crate) inbox: Arc<Inbox>,
}

impl Schedule for Bound {
    fn schedule(&self, task: Runnable, _wake: Wake) {
        let elsewhere = context::with(|frame| {
            let home = frame.and_then(context::Frame::home);
            match home.filter(|home| Arc::ptr_eq(&home.inbox, &self.inbox)) {
                Some(home) => {
                    home.push(task);
                    None
                }
                None => Some(task),
            }
        });
        if let Some(task) = elsewhere {
            self.inbox.send(task);
        }
    }

    fn died(&self, header: &Header) {
        died(&self.shared, header);
    }

    fn call_soon(&self, callbacks: Vec<Callback>) {
        call_soon(&self.shared, callbacks);
    }

    fn report(&self, report: Report) {
        self.shared.report(&report);
    }
}

// SAFETY: `schedule` hands the right to run to the inbox's thread, or to the home that has that
// inbox, which is a thread-local of the same thread.
unsafe impl ScheduleHere for Bound {}

/// Adds a task to the injector. On a loop that is closed it ends here: its future is Send.
pub(crate) fn submit(shared: &Arc<Shared>, task: Runnable) {
    if let Err(task) = shared.crew.submit(task) {
        task.abandon(closed_error());
    }
}

/// What a coroutine sees that came too late.
pub(crate) fn closed_error() -> CancelledError {
    CancelledError::with_message("Event loop is closed")
}

fn died(shared: &Arc<Shared>, header: &Header) {
    if let Some(place) = header.place() {
        shared.registry.death(place, header.into());
        header.clear_place();
        if shared.is_closing() {
            shared.crew.seats[0].parker.unpark();
        }
    }
}

/// Registers a task that any thread of the loop, or none, has made.
pub(crate) fn register(shared: &Arc<Shared>, task: &Runnable) -> Result<(), Closed> {
    context::with(
        |frame| match frame.and_then(|frame| frame.core_of(shared)) {
            Some(core) => core.register(task),
            None => {
                let place = shared.registry.birth_foreign(task.pointer())?;
                task.header().set_place(place);
                Ok(())
            }
        },
    )
}

/// Runs callbacks on the lane, in order. On a loop that is closed they are dropped.
pub(crate) fn call_soon(shared: &Arc<Shared>, callbacks: Vec<Callback>) {
    if shared.lane.push(callbacks) {
        let drain = {
            let shared = Arc::clone(shared);
            poll_fn(move |cx| {
                if shared.lane.drain(|report| shared.report(&report)) {
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Poll::Ready(())
            })
        };
        let scheduler = Stealable {
            shared: Arc::clone(shared),
        };
        let start = Stealable {
            shared: Arc::clone(shared),
        };
        let birth = Birth {
            id: HIDDEN,
            context: None,
            location: Location::caller(),
        };
        let (runnable, task) = spawn::task(drain, scheduler, birth);
        drop(task);
        if register(shared, &runnable).is_ok() {
            start.schedule(runnable, Wake::Woken);
        } else {
            shared.lane.clear();
            runnable.abandon(closed_error());
        }
    }
}
