//! The default loop of the process, used by threads that have no loop of their own.

use super::event_loop::EventLoop;
use super::scheduler::context;
use crate::sync::Arc;

impl EventLoop {
    /// Makes this the process's default loop: `create_task`, `get_running_loop` and similar
    /// functions use it on every thread that has no loop of its own.
    ///
    /// Meant for traits with static functions that a foreign library calls on its own threads: they
    /// have no place to keep a loop. Where a closure can carry a clone of the loop, or
    /// [`enter`](EventLoop::enter) can be called, do that instead. The last call wins. A closed
    /// loop stays the default; tasks made on it are cancelled at once.
    ///
    /// ```
    /// let mut runner = asyncio::Runner::builder().workers(2).build()?;
    /// runner.get_loop().set_default();
    /// let answer = std::thread::spawn(|| {
    ///     let event_loop = asyncio::get_running_loop();
    ///     event_loop.block_on(asyncio::create_task(async { 42 })).unwrap().unwrap()
    /// });
    /// assert_eq!(answer.join().unwrap(), 42);
    /// # Ok::<_, std::io::Error>(())
    /// ```
    pub fn set_default(&self) {
        context::set_default(Arc::clone(self.shared()));
    }
}
