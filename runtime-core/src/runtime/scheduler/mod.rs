//! The scheduler: runs tasks on workers, puts idle workers to sleep, polls, and shuts a loop down.
//!
//! ```text
//!             create_task, wake                     EventLoop::create_task
//!               on a worker                           on another thread
//!                    │                                       │
//!        ┌───────────▼────────────┐                  ┌───────▼──────┐
//!        │ slot ─▶ deque (Core)   │◀──── batches ────│   injector   │
//!        └───────────┬────────────┘                  └──────────────┘
//!                    │ turn            ▲ steal
//!                    ▼                 │
//!        ┌────────────────────────┐  ┌─┴──────────────────────┐
//!        │ worker 0 (the thread   │  │ worker 1 …             │
//!        │ of run): root, locals  │  │                        │
//!        └───────────┬────────────┘  └─┬──────────────────────┘
//!                    │ nothing to do   │
//!                    ▼                 ▼
//!          one waits in the poller (the role), the others on their parkers;
//!          the monitor looks for workers whose poll does not end
//! ```
//!
//! * **Worker 0 is the thread that calls `run`**, so that a hand-over between the main coroutine
//!   and a task crosses no thread.
//! * A worker is `turn(&mut self) -> Turn`, which never blocks. Sleeping, the clock, the choices
//!   and the current worker are each reached through one place, so that another driver (one thread,
//!   a seed, a paused clock) can turn the same workers.
//! * **Wake-ups are the dominant cost.** A worker asks for none for the task that it runs next, and
//!   otherwise for at most one per turn. The woken worker counts as searching at once, so that the
//!   pushes that follow skip the system call.
//! * **A busy worker looks around** at timers and the injector every 61 turns or 100 µs, whichever
//!   comes first. From each look it learns after how many turns the next one is due.
//! * **A worker that says that it blocks is replaced** at once (`stand_ins`). A worker that blocks
//!   without saying so is found by the monitor: its queued tasks go to other workers, or to a
//!   spare. If that froze the main coroutine, such tasks are kept away from its thread afterwards
//!   (`apart`).
//!
//! The protocols: `idle` (no lost wake-up), `parker`, `driver` (timers against a thread in the
//! poller), `role`, `shutdown` (numbered steps), and `worker_set`, which ties the queues to `idle`
//! and `parker`.

pub(crate) mod tuning;

pub(crate) mod choices;
pub(crate) mod idle;
pub(crate) mod ids;
pub(crate) mod pace;
pub(crate) mod parker;
pub(crate) mod quiet_batch;
pub(crate) mod role;
pub(crate) mod stand_ins;

pub(crate) mod callback_queue;
pub(crate) mod driver;
pub(crate) mod exception_context;
pub(crate) mod inbox;
pub(crate) mod worker_set;

pub(crate) mod callback_timers;
pub(crate) mod deadlock;

pub(crate) mod alarm;
pub(crate) mod local_queue;
pub(crate) mod options;

pub(crate) mod shared;

pub(crate) mod flushes;
pub(crate) mod loop_ref;
pub(crate) mod registration;

pub(crate) mod core;
pub(crate) mod slow;

pub(crate) mod apart;
pub(crate) mod by_choice;
pub(crate) mod due;

#[expect(
    unsafe_code,
    reason = "the current entry is in a thread-local, as a raw pointer"
)]
pub(crate) mod context;

#[expect(
    unsafe_code,
    reason = "the promise that local tasks stay on their thread"
)]
pub(crate) mod schedule;

pub(crate) mod timed;
pub(crate) mod worker;

pub(crate) mod threads;

pub(crate) mod monitor;
pub(crate) mod shutdown_timer;

pub(crate) mod shutdown;
