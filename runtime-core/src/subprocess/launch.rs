//! Starts a child. It blocks: it runs on a thread of the pool.

use std::io;
use std::os::fd::OwnedFd;
use std::process;

use rustix::io::{Errno, retry_on_intr};
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{
    Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, kill_process, pidfd_open, waitid,
};

use super::settings::Settings;
use super::stdio::{Kind, Redirect, Stdio};
use crate::environment;
use crate::sync::thread;
use crate::sys::before_exec;

/// A child that has been started. If nobody takes it, it is killed and reaped.
#[derive(Debug)]
pub(super) struct Launched {
    pid: Pid,
    /// Readable when the child has exited.
    exit: Option<ExitFd>,
    /// Nobody else reaps it.
    owned: bool,
    pub(super) stdin: Option<OwnedFd>,
    pub(super) stdout: Option<OwnedFd>,
    pub(super) stderr: Option<OwnedFd>,
}

/// What tells that a child has exited.
#[derive(Debug)]
pub(super) enum ExitFd {
    Pidfd(OwnedFd),
    /// A pipe that a thread closes then.
    Pipe(OwnedFd),
}

impl Launched {
    /// Starts a child.
    ///
    /// # Errors
    /// There is no such program, or it may not be run; or the system is short of something. There
    /// is no child then, and no descriptor is left.
    pub(super) fn start(mut settings: Settings) -> io::Result<Launched> {
        // The numbers of the descriptors that tell of the exit: if there are none, it fails before
        // there is a child.
        let reserved = pipe_with(PipeFlags::CLOEXEC)?;
        let stdin = stdin(&mut settings)?;
        let (stdout, stderr) = outputs(&mut settings)?;
        before_exec(&mut settings.command, settings.new_session, settings.umask);
        let child = settings.command.spawn()?;
        // The ends that are the child's are closed here.
        drop(settings);
        let mut launched = Launched {
            pid: Pid::from_child(&child),
            exit: None,
            owned: true,
            stdin,
            stdout,
            stderr,
        };
        drop(reserved);
        launched.exit = Some(ExitFd::of(launched.pid)?);
        Ok(launched)
    }

    /// Takes what tells of the exit.
    ///
    /// # Errors
    /// It has been taken.
    pub(super) fn take_exit(&mut self) -> io::Result<ExitFd> {
        self.exit.take().ok_or_else(|| Errno::BADF.into())
    }

    /// Leaves the duty to reap the child to the caller.
    pub(super) fn leave(mut self) -> Pid {
        self.owned = false;
        self.pid
    }
}

impl ExitFd {
    fn of(pid: Pid) -> io::Result<ExitFd> {
        if environment::pidfd() {
            match pidfd_open(pid, PidfdFlags::empty()) {
                Err(Errno::NOSYS) => {}
                outcome => return Ok(ExitFd::Pidfd(outcome?)),
            }
        }
        let (reader, writer) = pipe_with(PipeFlags::CLOEXEC)?;
        let wait = move || {
            // It stays a zombie, so that its number is not another's, until the loop takes it.
            let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
            let _exited = retry_on_intr(|| waitid(WaitId::Pid(pid), options));
            drop(writer);
        };
        let name = format!("asyncio-wait-{}", pid.as_raw_nonzero());
        thread::Builder::new().name(name).spawn(wait)?;
        Ok(ExitFd::Pipe(reader))
    }
}

impl Drop for Launched {
    fn drop(&mut self) {
        if self.owned {
            kill_and_reap(self.pid);
        }
    }
}

/// Ends a child that nobody has reaped, and waits for its end.
fn kill_and_reap(pid: Pid) {
    // It fails if the child is gone already, by a parent that ignores the ends of its children.
    let _killed = kill_process(pid, Signal::KILL);
    let _reaped = retry_on_intr(|| waitid(WaitId::Pid(pid), WaitIdOptions::EXITED));
}

fn stdin(settings: &mut Settings) -> io::Result<Option<OwnedFd>> {
    let stdin = std::mem::take(&mut settings.stdin);
    let (of_child, of_parent) = match stdin.0 {
        Kind::Inherit => return Ok(None),
        Kind::Redirect(Redirect::DevNull) => (process::Stdio::null(), None),
        Kind::Redirect(Redirect::Stdout) => {
            let text = "stdin cannot be redirected to the standard output";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        }
        Kind::Redirect(Redirect::Pipe) => {
            let (reader, writer) = pipe_with(PipeFlags::CLOEXEC)?;
            (reader.into(), Some(writer))
        }
        Kind::Descriptor(descriptor) => (descriptor.into(), None),
    };
    settings.command.stdin(of_child);
    Ok(of_parent)
}

type Outputs = (Option<OwnedFd>, Option<OwnedFd>);

fn outputs(settings: &mut Settings) -> io::Result<Outputs> {
    let stdout = std::mem::take(&mut settings.stdout);
    let stderr = std::mem::take(&mut settings.stderr);
    let merges = matches!(stderr.0, Kind::Redirect(Redirect::Stdout));
    let (of_child, stdout) = output(stdout)?;
    let copy = match (merges, &of_child) {
        (false, _) => None,
        (true, Some(of_child)) => Some(of_child.try_clone()?),
        (true, None) => Some(rustix::stdio::stdout().try_clone_to_owned()?),
    };
    if let Some(of_child) = of_child {
        settings.command.stdout(of_child);
    }
    let (of_child, stderr) = match copy {
        Some(copy) => (Some(copy), None),
        None => output(stderr)?,
    };
    if let Some(of_child) = of_child {
        settings.command.stderr(of_child);
    }
    Ok((stdout, stderr))
}

/// The child's end of an output, and the parent's.
fn output(stdio: Stdio) -> io::Result<Outputs> {
    Ok(match stdio.0 {
        Kind::Inherit => (None, None),
        Kind::Redirect(Redirect::DevNull) => {
            let null = std::fs::File::options().write(true).open("/dev/null")?;
            (Some(null.into()), None)
        }
        Kind::Redirect(Redirect::Pipe) => {
            let (reader, writer) = pipe_with(PipeFlags::CLOEXEC)?;
            (Some(writer), Some(reader))
        }
        Kind::Redirect(Redirect::Stdout) => {
            let text = "stdout cannot be redirected to itself";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        }
        Kind::Descriptor(descriptor) => (Some(descriptor), None),
    })
}
