//! Finds the newest CPython, and runs scripts with it.

use std::env;
use std::fmt;
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::sample::Sample;
use crate::workload::Runtime;

/// The variable that names an interpreter, instead of the search. The parent also sets it for its
/// child processes, to the interpreter that it has found.
pub(crate) const VARIABLE: &str = "ASYNCIO_BENCH_PYTHON";

/// The minor versions of Python 3 that are searched for; [`QUESTION`] contains the oldest too.
const OLDEST: u32 = 9;
const NEWEST: u32 = 19;

/// A script that fails unless it runs in a CPython with asyncio. It prints the version, that of
/// uvloop or a dash, and the path of the executable, because the file in `PATH` may be a script
/// that only starts it.
const QUESTION: &str = "\
import asyncio, platform, sys
assert platform.python_implementation() == 'CPython' and sys.version_info >= (3, 9)
try:
    from uvloop import __version__ as uvloop
except ImportError:
    uvloop = '-'
print(platform.python_version(), uvloop, sys.executable)";

/// An interpreter that has answered [`QUESTION`].
#[derive(Debug)]
pub(crate) struct Interpreter {
    pub(crate) path: PathBuf,
    version: String,
    uvloop: Option<String>,
}

impl Interpreter {
    /// The interpreter that [`VARIABLE`] names, or else the newest in `PATH` or among pyenv's
    /// versions.
    ///
    /// # Errors
    /// A message if there is none.
    pub(crate) fn find() -> Result<Self, String> {
        if let Some(path) = env::var_os(VARIABLE) {
            return Self::ask(Path::new(&path))
                .ok_or_else(|| format!("{VARIABLE} does not name a CPython 3.{OLDEST} or later"));
        }
        let folders = folders();
        let mut found = names()
            .flat_map(|name| folders.iter().map(move |folder| folder.join(&name)))
            .filter(|path| path.is_file());
        found.find_map(|path| Self::ask(&path)).ok_or_else(|| {
            format!("no CPython 3.{OLDEST} or later was found, and {VARIABLE} is not set")
        })
    }

    fn ask(path: &Path) -> Option<Self> {
        let answer = Command::new(path)
            .args(["-I", "-c", QUESTION])
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .output()
            .ok()?;
        let line = String::from_utf8(answer.stdout).ok()?;
        let mut words = line.trim_end().splitn(3, ' ');
        let (version, uvloop, path) = (words.next()?, words.next()?, words.next()?);
        answer.status.success().then(|| Self {
            path: path.into(),
            version: version.into(),
            uvloop: (uvloop != "-").then(|| uvloop.into()),
        })
    }

    /// Whether it runs what is measured of this runtime.
    pub(crate) fn runs(&self, runtime: Runtime) -> bool {
        match runtime {
            Runtime::Uvloop => self.uvloop.is_some(),
            _ => true,
        }
    }
}

impl fmt::Display for Interpreter {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "CPython {}, ", self.version)?;
        match &self.uvloop {
            Some(version) => write!(formatter, "with uvloop {version}"),
            None => formatter.write_str("without uvloop, which is left out"),
        }
    }
}

/// The names of the executable, the newest version first, and last the name without a version.
fn names() -> impl Iterator<Item = String> {
    (OLDEST..=NEWEST)
        .rev()
        .map(|minor| format!("python3.{minor}"))
        .chain(["python3".into()])
}

fn folders() -> Vec<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let home = env::var_os("HOME").unwrap_or_default();
    let versions = fs::read_dir(Path::new(&home).join(".pyenv/versions"));
    let of_pyenv = versions.into_iter().flatten().flatten();
    env::split_paths(&path)
        .chain(of_pyenv.map(|version| version.path().join("bin")))
        .collect()
}

/// Replaces this process by the interpreter with this script. So the process contains only what is
/// measured, and killing it ends the script.
pub(crate) fn become_script(script: &str, size: usize) -> Sample {
    let error = match Interpreter::find() {
        // `-I`: no variable and no package of the user changes what is measured.
        Ok(interpreter) => Command::new(interpreter.path)
            .args(["-I", "-c", script])
            .arg(size.to_string())
            .exec()
            .to_string(),
        Err(error) => error,
    };
    panic!("{error}");
}

/// A server in a process of its own, for a client in this one. It ends with this value.
#[derive(Debug)]
pub(crate) struct Server {
    process: Child,
    pub(crate) address: SocketAddr,
}

impl Server {
    /// Starts a script that listens, prints its port, and serves until its input ends.
    pub(crate) fn start(script: &str, argument: &str) -> Self {
        let interpreter = Interpreter::find().expect("the parent has found an interpreter");
        let mut process = Command::new(interpreter.path)
            .args(["-I", "-c", script, argument])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the interpreter starts");
        let mut line = String::new();
        let output = process.stdout.take().expect("it is piped");
        let read = BufReader::new(output).read_line(&mut line);
        read.expect("the server prints its port");
        let port = line.trim().parse().expect("a port is a number");
        Self {
            process,
            address: (Ipv4Addr::LOCALHOST, port).into(),
        }
    }

    /// The CPU time of its only thread.
    pub(crate) fn cpu(&self) -> Duration {
        let path = format!("/proc/{}/schedstat", self.process.id());
        let times = fs::read_to_string(path).expect("Linux has this file");
        let nanoseconds = times.split_whitespace().next();
        let nanoseconds = nanoseconds.and_then(|word| word.parse().ok());
        Duration::from_nanos(nanoseconds.expect("the first is the time on a CPU"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // An error says that it has ended.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_version_is_asked_first_and_the_bare_name_last() {
        let names: Vec<_> = names().collect();
        assert_eq!(names.first().map(String::as_str), Some("python3.19"));
        assert_eq!(names.last().map(String::as_str), Some("python3"));
        let place = |name| names.iter().position(|other| other == name);
        assert!(place("python3.13") < place("python3.9"));
    }

    #[test]
    fn other_programs_are_not_taken_for_python() {
        assert!(Interpreter::ask(Path::new("/bin/true")).is_none());
        assert!(Interpreter::ask(Path::new("/nowhere/python3")).is_none());
    }
}
