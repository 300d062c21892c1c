//! Tasks, as asyncio's module of the same name: making them, waiting, and cancellation as code.

mod create;
mod current;
mod sleep;

mod cancel;
mod finally;
mod shield;

pub use create::{Builder, create_local_task, create_task, ensure_future};
pub use current::{all_tasks, current_task};
pub use sleep::{Checkpoint, Sleep, SleepResult, checkpoint, sleep, sleep_until};

pub use cancel::{CatchCancelled, catch_cancelled};
pub use finally::{Finally, finally};
pub use shield::{Shield, Shieldable, shield};

pub use crate::runtime::{CallbackId, Task, TaskHandle, TaskId, Wait};
