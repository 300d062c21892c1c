//! Other programs: asyncio's `create_subprocess_exec` and `create_subprocess_shell`.
//!
//! A child is started on a thread of the loop's pool, because starting one blocks. Its exit is
//! awaited through a descriptor that stands for the process (a pidfd), so that no signal handler is
//! needed, and no signal goes to another process that has got the number of one that has ended. No
//! zombie is left, whichever way a [`Process`] is dropped.
//!
//! **The end of the loop** kills the children that still run, as asyncio does.
//!
//! # Inside
//!
//! `launch` starts a child, and gives back what it needs; `Launched` kills the child if nobody
//! takes it. `Child` waits for the exit: like a server's acceptor it has no task, but is the waker
//! that is left with its descriptor. When the loop is closed, that waker is woken as well, finds
//! that it will never be woken again, and kills the child.
//!
//! Where there is no pidfd, a thread waits for each child, and closes a pipe when it has exited;
//! the end of that pipe takes the place of the pidfd. `ASYNCIO_PIDFD=0` forces that, to test it.

mod quoting;
mod stdio;

mod settings;

mod launch;

mod child;

mod process;

mod command;

pub use command::{Command, create_subprocess_exec, create_subprocess_shell};
pub use process::Process;
pub use quoting::quote;
pub use stdio::{DEVNULL, PIPE, Redirect, STDOUT, Stdio};
