//! What a child does before it runs its program.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;

use rustix::fs::Mode;
use rustix::process::{setsid, umask};

/// Has the child begin a session, and set its mask of permissions. Where neither is asked for, the
/// child shares the parent's memory until it runs its program, which is much faster.
pub(crate) fn before_exec(command: &mut Command, session: bool, mask: Option<u32>) {
    if !session && mask.is_none() {
        return;
    }
    let prepare = move || -> io::Result<()> {
        if session {
            setsid()?;
        }
        if let Some(mask) = mask {
            umask(Mode::from_raw_mode(mask));
        }
        Ok(())
    };
    // SAFETY: the closure makes two system calls, and nothing else: it neither allocates nor locks,
    // so it may run in a fork of a process with several threads.
    unsafe { command.pre_exec(prepare) };
}
