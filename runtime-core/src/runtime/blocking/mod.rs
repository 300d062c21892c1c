//! A bounded pool of threads, for functions that block.
//!
//! [`Pool`] is generic over what it runs, so that the models check it and not a copy of it; the loop
//! runs [`Job`]s on it. All of its state is one queue under one lock; a thread takes the lock once per
//! job.
//!
//! ```text
//!                    submit                      next                    next: nothing there
//!   nobody ─▶ (start) ─▶ serving: runs a job ◀──────────── idle ◀──────────────┐
//!                              ▲                             │                 │
//!                              ├─────────────────────────────┘ summoned        │
//!                              └───────────────────────────────────────────────┘
//!                                     keep-alive over, or closed: leaves
//! ```
//!
//! **One summons at a time.** A hundred jobs must not wake a hundred threads at once, if three
//! of them could do it all. So whoever leaves something in the queue (`submit`, or a thread that takes
//! one job of several) summons *one* more thread, asleep or new, and nobody else does until that one
//! has arrived; it summons the next if there is still something.
//!
//! * **No job is forgotten.** While the queue is not empty, a summons is under way, or all threads that
//!   may be are busy; and each thread looks at the queue, under the lock, before it rests. It decides to
//!   leave under the same lock, and only when the queue is empty.
//! * **A thread that cannot be started** is the submitter's error if no other is there (the queue
//!   holds nothing but its job then); otherwise the job waits for the threads there are, and the next
//!   summons tries again. Threads are started under the lock, so that nobody counts on one that fails.
//! * **The end**: `close` refuses jobs from then on and hands out what is queued, `finish` has it
//!   run instead; `wait_end` waits until the last thread has counted itself out, and joins it. A
//!   thread that leaves joins the one that left before it, so the last stands for all.
//!
//! **By hand.** In the deterministic mode one thread does everything, so a job gets no thread of the
//! pool, but a [`Claim`]: whoever holds it runs a job when the seed says so, its own or, where the pool
//! has too few threads to have come to that, the oldest. There are as many claims as jobs in that line,
//! which stands beside the queue, under the same lock, and is closed with it.
//!
//! Threads do not spin before they sleep. Measured on two cores, 30 µs of it made one call after the
//! other four times slower (66 µs each, against 16): the spinner keeps its core, and every wake-up
//! has to cross to the other one.

mod by_hand;

mod pool;

mod job;

pub(crate) use job::{Function, FunctionPool, Job};
pub(crate) use pool::{Claim, Pool, Refusal, Settings, Work, named};
