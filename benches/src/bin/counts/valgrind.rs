//! Counts instructions: runs this program under valgrind.

use std::env;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::thread;

use crate::rows::{Row, Runtime};

/// Whether there is a valgrind.
pub(crate) fn exists() -> bool {
    let version = Command::new("valgrind")
        .arg("--version")
        .stdout(Stdio::null())
        .status();
    version.is_ok_and(|status| status.success())
}

/// The instructions of one operation of each row.
///
/// # Errors
/// A message if a row cannot be counted.
pub(crate) fn count_all(rows: &[&Row], runtime: Runtime) -> Result<Vec<u64>, String> {
    let counts = Mutex::new(vec![Ok(0); rows.len()]);
    let todo = Mutex::new(rows.iter().enumerate());
    let work = || {
        loop {
            let next = todo.lock().expect("nobody panics").next();
            let Some((place, row)) = next else { return };
            let count = count(row, runtime);
            counts.lock().expect("nobody panics")[place] = count;
        }
    };
    // Side by side: other load does not change a count.
    let processors = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..processors.min(rows.len()) {
            scope.spawn(work);
        }
    });
    let counts = counts.into_inner().expect("nobody panics");
    counts.into_iter().collect()
}

/// Two runs, of which one does three times as many operations: the difference is without the start
/// and the end of the program.
fn count(row: &Row, runtime: Runtime) -> Result<u64, String> {
    let few = count_run(row, runtime, row.ops)?;
    let many = count_run(row, runtime, 3 * row.ops)?;
    let more = many.checked_sub(few).ok_or("more work took less")?;
    let ops = 2 * row.ops as u64;
    Ok((more + ops / 2) / ops)
}

fn count_run(row: &Row, runtime: Runtime, ops: usize) -> Result<u64, String> {
    let failed = |why: &str| format!("{}, {ops} times on {}: {why}", row.name, runtime.name());
    let program = env::current_exe().map_err(|error| failed(&error.to_string()))?;
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(program)
        .args(["--run", runtime.name(), row.name, &ops.to_string()])
        // What the user has set for the runtime is not what is counted.
        .env_remove("ASYNCIO_DEBUG")
        .env_remove("ASYNCIO_TUNE")
        .env_remove("ASYNCIO_POLLER")
        .stdin(Stdio::null())
        .output()
        .map_err(|error| failed(&error.to_string()))?;
    let said = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        return Err(failed(&format!("{}\n{said}", output.status)));
    }
    collected(&said).ok_or_else(|| failed(&format!("no count in\n{said}")))
}

/// The number in callgrind's line `==123== Collected : 456`.
fn collected(said: &str) -> Option<u64> {
    let line = said.lines().find(|line| line.contains("Collected :"))?;
    line.rsplit(' ').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_is_in_the_line_collected() {
        let said = "==7== Events    : Ir\n==7== Collected : 8090576\n==7== \n";
        assert_eq!(collected(said), Some(8_090_576));
        assert_eq!(collected("==7== Events    : Ir"), None);
    }
}
