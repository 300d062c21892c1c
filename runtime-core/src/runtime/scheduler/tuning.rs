//! Switches for every optimisation, so that each can be turned off by itself.

/// Which optimisations are on. Read once when a loop is built, from `ASYNCIO_TUNE`: a list of
/// `no-lifo`, `no-defer`, `no-depth-first`, `no-quiet-batches`, `no-task-memory`,
/// `no-early-timers`, `no-fetch-ahead`, `no-alarm`; or `none` to turn all of them off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tuning {
    /// The task that was just woken runs next, from a slot before the queue.
    pub lifo: bool,
    /// Wake-ups of other workers are asked for at the end of a poll, not at every push.
    pub defer: bool,
    /// While many tasks wait, new ones run before older ones.
    pub depth_first: bool,
    /// A few timers that fire together wake one worker, not two.
    pub quiet_batches: bool,
    /// Workers keep the memory of ended tasks for new ones.
    pub task_memory: bool,
    /// A worker that has nothing to do serves what is due before it goes to sleep, without a visit
    /// to the poller.
    pub early_timers: bool,
    /// The memory of tasks that are woken together is fetched together.
    pub fetch_ahead: bool,
    /// The monitor sleeps until its alarm goes off, while workers are awake for short times only.
    pub alarm: bool,
}

impl Default for Tuning {
    fn default() -> Tuning {
        Tuning {
            lifo: true,
            defer: true,
            depth_first: true,
            quiet_batches: true,
            task_memory: true,
            early_timers: true,
            fetch_ahead: true,
            alarm: true,
        }
    }
}

impl Tuning {
    pub(crate) fn from_environment() -> Tuning {
        std::env::var("ASYNCIO_TUNE")
            .map_or_else(|_| Tuning::default(), |list| Tuning::parse(&list))
    }

    /// Parses the list. Unknown words are ignored: a setting of a switch that no longer exists must
    /// not fail.
    pub(crate) fn parse(list: &str) -> Tuning {
        let off = |name| {
            list.split(',')
                .any(|word| matches!(word.trim(), "none") || word.trim() == name)
        };
        Tuning {
            lifo: !off("no-lifo"),
            defer: !off("no-defer"),
            depth_first: !off("no-depth-first"),
            quiet_batches: !off("no-quiet-batches"),
            task_memory: !off("no-task-memory"),
            early_timers: !off("no-early-timers"),
            fetch_ahead: !off("no-fetch-ahead"),
            alarm: !off("no-alarm"),
        }
    }
}
