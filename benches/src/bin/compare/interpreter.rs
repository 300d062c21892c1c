//! The newest CPython at hand.

use std::env;
use std::fmt;
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::sample::Sample;

/// Names an interpreter instead of the search; the parent tells its children
/// by it which one was found.
pub(crate) const VARIABLE: &str = "ASYNCIO_BENCH_PYTHON";

/// The second numbers of the versions 3.x that are looked for; the oldest
/// stands in [`QUESTION`] as well.
const OLDEST: u32 = 9;
const NEWEST: u32 = 19;

/// Fails unless it is a CPython with asyncio; then tells its version, and where
/// it really is: what stands in `PATH` may be a script that only finds it.
const QUESTION: &str = "\
import asyncio, platform, sys
assert platform.python_implementation() == 'CPython' and sys.version_info >= (3, 9)
print(platform.python_version(), sys.executable)";

/// An interpreter that has answered.
#[derive(Debug)]
pub(crate) struct Interpreter {
    pub(crate) path: PathBuf,
    version: String,
}

impl Interpreter {
    /// The one that [`VARIABLE`] names, else the newest in `PATH` or under
    /// pyenv's versions.
    pub(crate) fn find() -> Result<Self, String> {
        if let Some(path) = env::var_os(VARIABLE) {
            return Self::ask(Path::new(&path))
                .ok_or_else(|| format!("{VARIABLE} names no CPython from 3.{OLDEST} on"));
        }
        let folders = folders();
        let mut found = names()
            .flat_map(|name| folders.iter().map(move |folder| folder.join(&name)))
            .filter(|path| path.is_file());
        found.find_map(|path| Self::ask(&path)).ok_or_else(|| {
            format!("no CPython from 3.{OLDEST} on was found, nor does {VARIABLE} name one")
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
        let (version, path) = line.trim_end().split_once(' ')?;
        answer.status.success().then(|| Self {
            path: path.into(),
            version: version.into(),
        })
    }
}

impl fmt::Display for Interpreter {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "CPython {}", self.version)
    }
}

/// The newest first, and last the name that tells no version.
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

/// Puts the interpreter with this script in the place of this process: what is
/// measured is then alone in it, and is ended with it.
pub(crate) fn become_script(script: &str, size: usize) -> Sample {
    let error = match Interpreter::find() {
        // `-I`: no variable or package of the user's changes what is measured.
        Ok(interpreter) => Command::new(interpreter.path)
            .args(["-I", "-c", script])
            .arg(size.to_string())
            .exec()
            .to_string(),
        Err(error) => error,
    };
    panic!("{error}");
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
    fn what_is_no_python_is_not_taken_for_one() {
        assert!(Interpreter::ask(Path::new("/bin/true")).is_none());
        assert!(Interpreter::ask(Path::new("/nowhere/python3")).is_none());
    }
}
