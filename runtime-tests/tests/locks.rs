//! asyncio's `Lock` and `Semaphore` (LK, SE), and what a waiter does that nobody polls.

#[path = "locks/lock.rs"]
mod lock;
#[path = "locks/moved.rs"]
mod moved;
#[path = "locks/turns.rs"]
mod turns;
