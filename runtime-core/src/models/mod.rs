//! The loom models of the engine's protocols, of locks and of queues. They run the production code.
//!
//! Each file models one protocol; its first line says what races with what. A `pub` function is one
//! exploration. Those called `without_…` are twins: they break one step of the protocol (a mutant)
//! and must fail, because a model that passes without the step proves nothing about it.

#[expect(
    unsafe_code,
    reason = "a cell whose accesses loom checks, without a lock"
)]
mod drop_probe;

mod fate;
mod ring;

mod engine;
mod test_scheduler;

mod catcher;
mod family;

pub mod barrier;
pub mod barrier_abort;
pub mod broadcast;
pub mod cancel;
pub mod capacity_limiter;
pub mod channel;
pub mod channel_ends;
pub mod closing;
pub mod condition;
pub mod cycle;
pub mod delegation;
pub mod detach;
pub mod earliest;
pub mod end;
pub mod event;
pub mod events;
pub mod expiry;
pub mod forward;
pub mod free;
pub mod give_back;
pub mod group_add;
pub mod group_end;
pub mod group_enter;
pub mod group_members;
pub mod handover;
pub mod idle;
pub mod inbox;
pub mod interrupt;
pub mod join;
pub mod left_reference;
pub mod lock;
pub mod lookup;
pub mod merge;
pub mod message;
pub mod monitor;
pub mod once_cell;
pub mod park;
pub mod paused_clock;
pub mod permits;
pub mod poller;
pub mod pool;
pub mod priority_queue;
pub mod publication;
pub mod queue;
pub mod queue_shutdown;
pub mod readiness;
pub mod registry;
pub mod replace;
pub mod request;
pub mod rw_lock;
pub mod semaphore;
pub mod shot;
pub mod shutdown_request;
pub mod stacked;
pub mod steal_slot;
pub mod stop;
pub mod submit;
pub mod timer;
pub mod turns;
pub mod uncancel;
pub mod wait_list;
pub mod waiter;
pub mod wake;
pub mod watch;
