//! Tasks: creating them, sleeping, waiting for them, and handling cancellation.
//!
//! The counterpart of asyncio's module of the same name.

mod create;
mod current;
mod sleep;

mod as_completed;
mod cancel;
mod cancel_and_wait;
mod finally;
mod gather;
mod shield;
mod wait;

mod race;

pub use create::{Builder, create_local_task, create_task, ensure_future};
pub use current::{all_tasks, current_task};
pub use sleep::{Checkpoint, Sleep, SleepResult, checkpoint, sleep, sleep_until};

pub use as_completed::{AsCompleted, as_completed};
pub use cancel::{CatchCancelled, catch_cancelled};
pub use finally::{Finally, finally};
#[doc(hidden)]
pub use gather::Spawner;
pub use gather::{
    Awaitables, Child, Children, Gather, GatherAll, GatherAllExceptions, ReturnExceptions,
    TryAwaitables, gather, gather_all, try_gather,
};
#[doc(hidden)]
pub use race::RaceStart;
pub use race::{Race, Racers, race};
pub use shield::{Shield, Shieldable, shield};
pub use wait::{
    ALL_COMPLETED, AllCompleted, DoneAndPending, FIRST_COMPLETED, FIRST_EXCEPTION, FirstCompleted,
    FirstException, ReturnWhen, Wait, wait,
};

pub use crate::runtime::Wait as TaskWait;
pub use crate::runtime::{CallbackId, Task, TaskHandle, TaskId};
