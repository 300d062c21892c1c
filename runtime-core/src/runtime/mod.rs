//! The engine, and its door: the modules are private, and the rest of the crate uses only the
//! names that this file exports.
//!
//! From the lowest floor to the highest: `catch_panic` (user code whose panics no caller can
//! receive), `unnest` (bounds the nesting of destructors), `blocking` (threads for functions that
//! block), `handover` (one outcome between a coroutine and a thread), `run_queue` (where ready
//! tasks wait), `time` (clock and timers), `turns` (which waiters may go next), `task` (the task
//! itself), `lookups` (names, asked of the system by threads of their own), `wait_queue` (what
//! locks and queues wait on), `reactor` (what waits for a descriptor), `scheduler` (workers,
//! parking, the poller role, shutdown). Above them: the making of tasks (`spawning`), the handle of
//! a loop (`event_loop`), what other threads do for a loop (`time_hold`), running a root future
//! (`block_on`), and a loop with its threads (`engine`).

mod catch_panic;

mod unnest;

mod blocking;
mod handover;
mod run_queue;
mod time;

#[expect(
    unsafe_code,
    reason = "a reference to a queue, sent to the thread that passes on its turns"
)]
mod turns;

mod lookups;
mod task;

mod wait_queue;

mod reactor;

mod scheduler;

mod spawning;

mod event_loop;

mod time_hold;

#[expect(
    unsafe_code,
    reason = "a root future borrows from the thread that runs it to completion"
)]
mod block_on;

mod engine;

mod advancing;
mod block_in_place;
mod callbacks;
mod debug_mode;
mod default_loop;
mod exception_handler;
mod flushing;
mod io_registration;
mod offload;
mod sleeping;

mod looking_up;
mod watching;

pub(crate) use advancing::Advance;
pub(crate) use block_in_place::block_in_place;
pub(crate) use block_on::run_foreign;
pub(crate) use blocking::{
    FunctionPool, Settings as PoolSettings, describe as describe_function, named as named_threads,
};
pub(crate) use callbacks::TimerRegistration;
pub(crate) use catch_panic::wake_catching;
pub(crate) use engine::Engine;
pub(crate) use event_loop::is_inside_loop;
pub use event_loop::{
    EnterGuard, EventLoop, Metrics, current_task, get_running_loop, try_get_running_loop,
};
pub(crate) use flushing::Flush;
pub(crate) use handover::{Callback, Cancellation, Completion, Handover};
pub(crate) use io_registration::IoRegistration;
pub use lookups::{Resolve, Resolving};
pub(crate) use reactor::{Direction, Seen, WaiterKey, Waiters};
pub(crate) use scheduler::driver::Settings as TimeSettings;
pub use scheduler::exception_context::ExceptionContext;
pub(crate) use scheduler::options::{MOST_WORKERS, Options};
pub use scheduler::tuning::Tuning;
pub(crate) use sleeping::{Moment, NoTimer, Precision, Timer, loop_tick, loop_time, stamp_of};
pub(crate) use spawning::{NewTask, no_running_loop, spawn_here, spawn_local};
pub use task::callback::Handle;
pub(crate) use task::cancel::{
    Abort, CancelRequest, CancelWaker, Delivery, Edges, ForeignPolls, Forwarding, Passing,
    Propagation, Raise, Scope, Verdict, asked_for, begin_handler, claim_and_acknowledge,
    deliver_error_again, delivered_requests, drop_handled, ends_with, has_had_its_share, hidden,
    in_body_of, is_request_offered, newest_raise, propagation, propagation_from,
    propagation_to_waiter_from, reason_at, requested, settled_requests, shielded, wait_on,
};
pub use task::context::Context;
pub(crate) use task::current_context::inherited_context;
pub use task::handle::{CallbackId, TaskHandle, Wait};
pub use task::header::TaskId;
pub use task::join::Task;
pub(crate) use task::parent::{Outcome, Parent};
pub(crate) use task::room::{boxed_call_if_big, boxed_if_big, is_big};
pub(crate) use task::wait_list::WaitList;
pub(crate) use time::{Slack, Stamp, Tick};
pub(crate) use unnest::{Unnested, drop_unnested};
pub(crate) use wait_queue::{Acquire, Locked, OwnedWaiter, Permits, Resource, WaitQueue, Waiter};

/// What the models of the engine's protocols are built on. Nothing else may use it.
#[allow(unused_imports, reason = "the models exist under their own cfg only")]
pub(crate) mod modelled {
    pub(crate) use super::blocking::{Pool, Refusal, Settings, Work};
    pub(crate) use super::lookups::{InFlight, Question};
    pub(crate) use super::reactor::{Direction, Source, Sources};
    pub(crate) use super::run_queue::{Injector, Order, RunQueue, Word};
    pub(crate) use super::scheduler::{
        alarm, context, core, driver, monitor, options, parker, shared, shutdown, threads, worker,
        worker_set,
    };
    pub(crate) use super::task::{
        callback, cancel, dyn_schedule, header, join, parent, reference, registry, runnable,
        schedule, side, spawn, transitions,
    };
    pub(crate) use super::time::{Slack, Tick, TimerKey, TimerStatus};
    pub(crate) use super::time_hold::TimeHold;
}
