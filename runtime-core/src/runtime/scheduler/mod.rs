//! The scheduler: who runs what, who sleeps, who polls, and how it all ends.
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
//!        │ worker 0 (who calls    │  │ worker 1 …             │
//!        │ run): root, locals     │  │                        │
//!        └───────────┬────────────┘  └─┬──────────────────────┘
//!                    │ nothing to do   │
//!                    ▼                 ▼
//!          one waits in the poller (the role), the others on their parkers;
//!          the poller thread (watch) looks whether anybody fails to come back
//! ```
//!
//! * **Worker 0 is the thread that calls `run`**, so that a hand-over between the main coroutine
//!   and a task crosses no thread.
//! * A worker is `turn(&mut self) -> Turn`, which never blocks; sleeping, the clock, the choices and
//!   the current worker each come through one place, so that another driver (one thread, a seed,
//!   a clock that stands still) can turn the same workers.
//! * **Wake-ups are the dominant cost.** They are never asked for on behalf of the task that a
//!   worker runs next, and otherwise once per turn; the woken worker counts as searching at once,
//!   so that the pushes that follow skip the system call.
//!
//! * **A busy worker looks around** at timers and the injector every 61 turns or 100 µs, whichever
//!   comes first; it learns from each look after how many turns the next is due.
//! * **Who says that it blocks is replaced** at once (`stand_ins`); who does not is found by the
//!   poller thread, and what waits for it goes to others, or to a spare. A main coroutine that was
//!   frozen so is kept from it from then on (`apart`).
//!
//! The protocols: `idle` (no lost wake-up), `parker`, `driver` (timers against a sleeping poller),
//! `role`, `shutdown` (numbered steps), and `workers`, which ties the queues to them.

pub(crate) mod tuning;

pub(crate) mod choices;
pub(crate) mod idle;
pub(crate) mod ids;
pub(crate) mod pace;
pub(crate) mod parker;
pub(crate) mod role;
pub(crate) mod stand_ins;

pub(crate) mod callback_queue;
pub(crate) mod driver;
pub(crate) mod exception_context;
pub(crate) mod inbox;
pub(crate) mod worker_set;

pub(crate) mod callback_timers;
pub(crate) mod deadlock;

pub(crate) mod local_queue;
pub(crate) mod options;

pub(crate) mod shared;

pub(crate) mod loop_ref;
pub(crate) mod registration;

pub(crate) mod core;
pub(crate) mod slow;

pub(crate) mod apart;

#[expect(
    unsafe_code,
    reason = "the current frame stands in a thread-local as a pointer"
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

pub(crate) mod shutdown_timer;
pub(crate) mod watch;

pub(crate) mod shutdown;
