//! `create_subprocess_exec` and `create_subprocess_shell`.

use std::ffi::OsStr;
use std::fmt;
use std::future::Future;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::pin::Pin;
use std::process;
use std::task::{Context, Poll};

use super::child::Child;
use super::launch::Launched;
use super::process::Process;
use super::settings::Settings;
use super::stdio::Stdio;
use crate::exceptions::{NoRunningLoop, TaskError};
use crate::prepared::Prepared;
use crate::runtime::EventLoop;
use crate::streams::{StreamReader, StreamWriter};

/// The limit of the readers: asyncio's.
const LIMIT: usize = 64 << 10;

/// Starts a program. Its arguments are given by [`args`](Command::args); no shell sees them.
///
/// A program without a slash is looked up in the `PATH` of the child's environment. What is
/// returned has settings, and is a future: it begins when it is polled first.
///
/// # Errors
/// There is no such program ([`NotFound`](io::ErrorKind::NotFound)), or it may not be run
/// ([`PermissionDenied`](io::ErrorKind::PermissionDenied)); an argument has a NUL in it; the system
/// is short of something; or there is no current loop. There is no child then.
///
/// # Cancellation
/// A child that has been started already is killed and reaped.
///
/// ```
/// use asyncio::{PIPE, create_subprocess_exec};
///
/// # fn main() -> std::io::Result<()> {
/// asyncio::run(async {
///     let mut sort = create_subprocess_exec("sort").stdin(PIPE).stdout(PIPE).await?;
///     let (sorted, _) = sort.communicate(Some(b"b\na\n")).await?;
///     assert_eq!(sorted.unwrap(), "a\nb\n");
///     assert_eq!(sort.returncode(), Some(0));
///     Ok(())
/// })
/// # }
/// ```
pub fn create_subprocess_exec(program: impl AsRef<OsStr>) -> Command {
    Command {
        state: Prepared::Settings(Settings {
            command: process::Command::new(program),
            stdin: Stdio::inherit(),
            stdout: Stdio::inherit(),
            stderr: Stdio::inherit(),
            limit: LIMIT,
            kill_on_drop: false,
            new_session: false,
            umask: None,
        }),
    }
}

/// Has the shell (`/bin/sh -c`) run `command`.
///
/// Whatever comes from elsewhere and becomes a part of `command` has to be quoted
/// ([`quote`](super::quote)), or it is run as well: better is [`create_subprocess_exec`].
///
/// # Errors
/// Those of [`create_subprocess_exec`]. A command that is not found is none: the shell exits with
/// 127.
///
/// ```
/// use asyncio::{PIPE, create_subprocess_shell};
///
/// # fn main() -> std::io::Result<()> {
/// asyncio::run(async {
///     let mut shell = create_subprocess_shell("echo hello | tr a-z A-Z").stdout(PIPE).await?;
///     let (output, _) = shell.communicate(None).await?;
///     assert_eq!(output.unwrap(), "HELLO\n");
///     Ok(())
/// })
/// # }
/// ```
pub fn create_subprocess_shell(command: impl AsRef<OsStr>) -> Command {
    create_subprocess_exec("/bin/sh").arg("-c").arg(command)
}

/// The future of [`create_subprocess_exec`] and [`create_subprocess_shell`], and its settings.
#[must_use = "futures do nothing unless they are awaited"]
pub struct Command {
    state: Prepared<Settings, Process>,
}

impl Command {
    /// Adds an argument.
    pub fn arg(self, argument: impl AsRef<OsStr>) -> Command {
        self.with(|command| command.arg(argument))
    }

    /// Adds arguments.
    pub fn args(self, arguments: impl IntoIterator<Item: AsRef<OsStr>>) -> Command {
        self.with(|command| command.args(arguments))
    }

    /// Sets a variable of the child's environment, which is otherwise the parent's.
    pub fn env(self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Command {
        self.with(|command| command.env(name, value))
    }

    /// Sets variables of the child's environment.
    pub fn envs<K, V>(self, variables: impl IntoIterator<Item = (K, V)>) -> Command
    where
        K: AsRef<OsStr>,
        V: AsRef<OsStr>,
    {
        self.with(|command| command.envs(variables))
    }

    /// Removes a variable from the child's environment.
    pub fn env_remove(self, name: impl AsRef<OsStr>) -> Command {
        self.with(|command| command.env_remove(name))
    }

    /// Empties the child's environment: it gets only what is set after this. `env=` of asyncio is
    /// this and [`envs`](Command::envs).
    pub fn env_clear(self) -> Command {
        self.with(|command| command.env_clear())
    }

    /// Sets the directory in which the child begins. A program with a slash, but not at the
    /// beginning, should not be combined with it: systems differ in what that means.
    pub fn current_dir(self, directory: impl AsRef<Path>) -> Command {
        self.with(|command| command.current_dir(directory))
    }

    /// Sets the standard input: [`PIPE`](super::PIPE), [`DEVNULL`](super::DEVNULL), a file, or any
    /// other descriptor.
    pub fn stdin(mut self, stdin: impl Into<Stdio>) -> Command {
        self.state.set(|settings| settings.stdin = stdin.into());
        self
    }

    /// Sets the standard output.
    pub fn stdout(mut self, stdout: impl Into<Stdio>) -> Command {
        self.state.set(|settings| settings.stdout = stdout.into());
        self
    }

    /// Sets the standard error; [`STDOUT`](super::STDOUT) is to where the standard output goes.
    pub fn stderr(mut self, stderr: impl Into<Stdio>) -> Command {
        self.state.set(|settings| settings.stderr = stderr.into());
        self
    }

    /// Sets the limit of the readers of the pipes, in bytes; by default 64 KiB. See
    /// [`StreamReader`].
    ///
    /// # Panics
    /// The limit is 0.
    #[track_caller]
    pub fn limit(mut self, limit: usize) -> Command {
        assert!(limit > 0, "Limit cannot be <= 0");
        self.state.set(|settings| settings.limit = limit);
        self
    }

    /// Whether the child is killed when its [`Process`] is dropped. By default it is not.
    pub fn kill_on_drop(mut self, kill: bool) -> Command {
        self.state.set(|settings| settings.kill_on_drop = kill);
        self
    }

    /// Sets the user of the child, by its number.
    pub fn uid(self, user: u32) -> Command {
        self.with(|command| command.uid(user))
    }

    /// Sets the group of the child, by its number.
    pub fn gid(self, group: u32) -> Command {
        self.with(|command| command.gid(group))
    }

    /// Puts the child into a process group; 0 is a new one, with the child's number.
    pub fn process_group(self, group: i32) -> Command {
        self.with(|command| command.process_group(group))
    }

    /// Whether the child gets a session of its own (`setsid`), without a terminal. Starting the
    /// child takes longer then if the parent has much memory.
    pub fn start_new_session(mut self, new: bool) -> Command {
        self.state.set(|settings| settings.new_session = new);
        self
    }

    /// Sets which permissions the files lack that the child makes. Starting the child takes longer
    /// then if the parent has much memory.
    pub fn umask(mut self, mask: u32) -> Command {
        self.state.set(|settings| settings.umask = Some(mask));
        self
    }

    fn with(mut self, set: impl FnOnce(&mut process::Command) -> &mut process::Command) -> Command {
        self.state.set(|settings| {
            set(&mut settings.command);
        });
        self
    }
}

impl Future for Command {
    type Output = io::Result<Process>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<Process>> {
        self.state.poll(cx, start)
    }
}

impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Command").finish_non_exhaustive()
    }
}

async fn start(settings: Settings) -> io::Result<Process> {
    let event_loop = EventLoop::current();
    let event_loop = event_loop.ok_or_else(|| io::Error::other(NoRunningLoop))?;
    let (limit, kill_on_drop) = (settings.limit, settings.kill_on_drop);
    let launching = event_loop.run_in_executor(None, || Launched::start(settings));
    let mut launched = launching.await.map_err(refused)??;
    let reader = |pipe: Option<OwnedFd>| {
        let connect = |pipe| StreamReader::of_pipe(&event_loop, pipe, limit);
        pipe.map(connect).transpose()
    };
    let stdout = reader(launched.stdout.take())?;
    let stderr = reader(launched.stderr.take())?;
    let connect = |pipe| StreamWriter::of_pipe(&event_loop, pipe);
    let stdin = launched.stdin.take().map(connect).transpose()?;
    let child = Child::of(&event_loop, launched)?;
    let mut process = Process::new(child, kill_on_drop);
    process.stdin = stdin;
    process.stdout = stdout;
    process.stderr = stderr;
    Ok(process)
}

/// The pool takes no more calls.
fn refused(error: TaskError) -> io::Error {
    io::Error::other(error)
}
