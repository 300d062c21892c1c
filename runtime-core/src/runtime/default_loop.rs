//! The loop that threads without one fall back to, where the program asks for it.

use super::event_loop::EventLoop;
use super::scheduler::context;
use crate::sync::Arc;

impl EventLoop {
    /// Makes this the process's default loop: `create_task`, `get_running_loop` and their like find
    /// it on every thread that has no loop of its own.
    ///
    /// Meant for traits whose functions are static, and called by a foreign library on threads of its
    /// own: they have no place to keep a loop. Where a closure can carry a clone of the loop, or
    /// [`enter`](EventLoop::enter) can be called, do that instead. The last call wins; a closed
    /// loop stays the default, and cancels what it is given.
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
