//! How a child is to be started.

use std::process;

use super::stdio::Stdio;

/// The settings of a child.
#[derive(Debug)]
pub(super) struct Settings {
    /// The program, its arguments, its environment.
    pub(super) command: process::Command,
    pub(super) stdin: Stdio,
    pub(super) stdout: Stdio,
    pub(super) stderr: Stdio,
    pub(super) limit: usize,
    pub(super) kill_on_drop: bool,
    pub(super) new_session: bool,
    pub(super) umask: Option<u32>,
}
