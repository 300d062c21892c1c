//! A bounded pool of threads, for functions that block.
//!
//! [`Pool`] is generic over what it runs, so that the models check it and not a copy of it; the
//! loop runs [`Job`]s on it. All of its state is under one lock; a thread takes the lock once per
//! job.
//!
//! ```text
//!                    submit                      next                    next: nothing there
//!   (none) ─▶ (start) ─▶ serving: runs a job ◀──────────── idle ◀──────────────┐
//!                              ▲                             │                 │
//!                              ├─────────────────────────────┘ woken           │
//!                              └───────────────────────────────────────────────┘
//!                                     keep-alive over, or closed: leaves
//! ```
//!
//! **One wake-up at a time.** A hundred jobs must not wake a hundred threads at once if three
//! threads could run them all. So a caller that leaves a job in the queue (`submit`, or a thread
//! that takes one of several jobs) wakes *one* idle thread, or starts one. No other thread is woken
//! or started until that one has arrived. When it takes a job, it wakes the next thread if jobs are
//! left.
//!
//! * **No job is forgotten.** While the queue is not empty, a wake-up is under way, or the maximum
//!   number of threads is busy. Each thread looks at the queue, under the lock, before it goes
//!   idle. It decides to leave under the same lock, and only when the queue is empty.
//! * **A thread that cannot be started** is the submitter's error if the pool has no other thread
//!   (the queue then holds nothing but the submitter's job). Otherwise the job waits for the
//!   existing threads, and the next wake-up tries to start a thread again. Threads are started
//!   under the lock, so that no caller relies on a thread that fails to start.
//! * **The end.** `close` refuses further jobs and returns the queued ones; `finish` refuses
//!   further jobs and has the queued ones run. `wait_end` waits until the last thread has removed
//!   itself, and joins it. A thread that leaves joins the thread that left before it, so joining
//!   the last one joins all. A task waits by `poll_end`: it looks at the state and leaves its waker
//!   under the lock, and whoever removes a thread or a job looks for wakers afterwards, under the
//!   same lock. So one of the two sees the other.
//!
//! **By hand.** In the deterministic mode one thread does everything. A job then is not queued for
//! the pool's threads; its submitter gets a [`Claim`] instead. The holder of the claim runs a job
//! when the seed says so: its own job or, if the pool has too few threads to have reached that one,
//! the oldest. There are as many claims as jobs submitted by hand. Those jobs have a queue of their
//! own beside the main queue, under the same lock, and are closed with it.
//!
//! Threads do not spin before they sleep. Measured on two cores, 30 µs of spinning made calls that
//! follow one another four times slower (66 µs each, against 16): the spinner keeps its core, and
//! every wake-up has to cross to the other one.

mod by_hand;
mod end;

mod pool;

mod job;

pub(crate) use job::{Function, FunctionPool, Job, describe};
pub(crate) use pool::{Claim, Pool, Refusal, Settings, Work, named};
