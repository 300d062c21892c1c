//! What a child's standard streams are connected to.

use std::fs::File;
use std::os::fd::OwnedFd;

/// What a standard stream may be redirected to. The constants [`PIPE`], [`STDOUT`] and [`DEVNULL`]
/// are such values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Redirect {
    /// A pipe, whose other end is a field of the [`Process`](super::Process).
    Pipe,
    /// For the standard error: to where the standard output goes.
    Stdout,
    /// To nowhere: reads find the end, writes are dropped.
    DevNull,
}

/// A pipe, whose other end is a field of the [`Process`](super::Process):
/// `asyncio.subprocess.PIPE`.
pub const PIPE: Redirect = Redirect::Pipe;

/// For the standard error: to where the standard output goes: `asyncio.subprocess.STDOUT`.
pub const STDOUT: Redirect = Redirect::Stdout;

/// To nowhere: reads find the end, writes are dropped: `asyncio.subprocess.DEVNULL`.
pub const DEVNULL: Redirect = Redirect::DevNull;

/// What a standard stream of a child is: the parent's own by default, one of the constants, or a
/// file, a socket or any other descriptor.
#[derive(Debug, Default)]
pub struct Stdio(pub(super) Kind);

#[derive(Debug, Default)]
pub(super) enum Kind {
    #[default]
    Inherit,
    Redirect(Redirect),
    Descriptor(OwnedFd),
}

impl Stdio {
    /// The parent's own.
    #[must_use]
    pub fn inherit() -> Stdio {
        Stdio::default()
    }
}

impl From<Redirect> for Stdio {
    fn from(redirect: Redirect) -> Stdio {
        Stdio(Kind::Redirect(redirect))
    }
}

impl From<OwnedFd> for Stdio {
    fn from(descriptor: OwnedFd) -> Stdio {
        Stdio(Kind::Descriptor(descriptor))
    }
}

impl From<File> for Stdio {
    fn from(file: File) -> Stdio {
        Stdio(Kind::Descriptor(file.into()))
    }
}
