//! Finds a CPython to compare with.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

/// The newest Python 3 here, with its minor version.
static NEWEST: LazyLock<Option<(u32, PathBuf)>> = LazyLock::new(|| {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let mut candidates = Vec::new();
    for folder in std::env::split_paths(&paths) {
        let names = (11..=20).map(|minor| format!("python3.{minor}"));
        let names = names.chain(["python3".to_owned()]);
        candidates.extend(names.map(|name| folder.join(name)));
        if folder.ends_with("shims") {
            // pyenv's: beside them is what they may start.
            let versions = std::fs::read_dir(folder.with_file_name("versions"));
            let versions = versions.into_iter().flatten().flatten();
            candidates.extend(versions.map(|version| version.path().join("bin/python3")));
        }
    }
    let found = candidates.into_iter().filter(|path| path.exists());
    let found = found.filter_map(|path| Some((version(&path)?, path)));
    found.max_by_key(|found| found.0)
});

/// The newest Python 3 here, if its minor version is at least `minor`.
#[must_use]
pub fn newest_python(minor: u32) -> Option<&'static Path> {
    let newest = NEWEST.as_ref().filter(|newest| newest.0 >= minor);
    newest.map(|newest| newest.1.as_path())
}

/// The minor version of a Python 3.
fn version(python: &Path) -> Option<u32> {
    let program = "import sys; print(sys.version_info[1] if sys.version_info[0] == 3 else 0)";
    let output = Command::new(python).args(["-c", program]).output().ok()?;
    String::from_utf8(output.stdout).ok()?.trim().parse().ok()
}
