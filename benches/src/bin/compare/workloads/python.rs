//! Python's own asyncio, with which its users compare this runtime.
//!
//! Each sample replaces its process by the interpreter, with the script of the row. The script does
//! the same work, warms up as the others do, and prints the same line. Python runs it on one
//! thread, for any number of workers. Its main coroutine is a task, so the rows from a task and
//! from `run` share one script.
//!
//! The numbers are misleading about whole programs: these spend most of their time in their own
//! Python code, which is not measured here.

use crate::interpreter;
use crate::sample::Sample;
use crate::workload::Setup;

/// The script of a row, in one file or more, after the code for the laps that all scripts share.
macro_rules! script {
    ($($file:literal),+) => {
        concat!(
            include_str!("../python/meter.py"),
            $(include_str!(concat!("../python/", $file))),+
        )
    };
}

/// `await create_task(…)`, one after the other.
pub(crate) fn spawn_and_await(setup: Setup) -> Sample {
    interpreter::become_script(script!("spawn_and_await.py"), setup.size)
}

/// `create_task` for all, then `await` for all.
pub(crate) fn spawn_many(setup: Setup) -> Sample {
    interpreter::become_script(script!("spawn_many.py"), setup.size)
}

/// `await gather(*coroutines)`.
pub(crate) fn gather(setup: Setup) -> Sample {
    interpreter::become_script(script!("gather.py"), setup.size)
}

/// `async with TaskGroup()`.
pub(crate) fn group(setup: Setup) -> Sample {
    interpreter::become_script(script!("group.py"), setup.size)
}

/// `await sleep(0)`, which Python's loop treats as a bare yield.
pub(crate) fn yields(setup: Setup) -> Sample {
    interpreter::become_script(script!("yields.py"), setup.size)
}

/// `create_task(sleep(…))` for all, then `await` for all.
pub(crate) fn sleeps(setup: Setup) -> Sample {
    interpreter::become_script(script!("sleeps.py"), setup.size)
}

/// `call_later(…).cancel()`: the cheapest timer in Python. The number favours Python, whose `sleep`
/// also creates a future.
pub(crate) fn register_and_drop(setup: Setup) -> Sample {
    interpreter::become_script(script!("register_and_drop.py"), setup.size)
}

/// `await wait_for(sleep(0), 30)`.
pub(crate) fn timeout_unneeded(setup: Setup) -> Sample {
    interpreter::become_script(script!("timeout_unneeded.py"), setup.size)
}

/// `Queue(1)` twice, between two tasks.
pub(crate) fn queue_ping_pong(setup: Setup) -> Sample {
    interpreter::become_script(script!("queue_ping_pong.py"), setup.size)
}

/// `Queue(128)`, with four producers and four consumers.
pub(crate) fn queue_four_to_four(setup: Setup) -> Sample {
    interpreter::become_script(script!("queue_four_to_four.py"), setup.size)
}

/// `create_subprocess_exec` and `wait`, one after the other.
pub(crate) fn children_one_by_one(setup: Setup) -> Sample {
    interpreter::become_script(script!("child.py", "children_one_by_one.py"), setup.size)
}

/// The same for all, then `gather`.
pub(crate) fn children_at_once(setup: Setup) -> Sample {
    interpreter::become_script(script!("child.py", "children_at_once.py"), setup.size)
}

/// `communicate` with `cat`.
pub(crate) fn through_cat(setup: Setup) -> Sample {
    interpreter::become_script(script!("through_cat.py"), setup.size)
}
