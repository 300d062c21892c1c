//! Ends the process if a test hangs: a hang is a failure, and the test harness does not report it.

use std::any::type_name;
use std::ffi::OsStr;
use std::io::Write;
use std::process::Command;
use std::thread;
use std::time::Duration;

use crossbeam_channel::{RecvTimeoutError, bounded};

/// How long a test may take.
const LIMIT: Duration = Duration::from_secs(30);

/// Set in the process that [`alone`] starts.
const ALONE: &str = "RULE_TEST_ALONE";

/// Runs the body of a test, and aborts the process if it takes longer than 30 s. The message names
/// the test: the function in which `body` is written.
pub fn watched<B: FnOnce() -> R, R>(body: B) -> R {
    watched_as(test_name::<B>(), body)
}

/// As [`watched`], for a test with the name `name`.
pub(crate) fn watched_as<R>(name: String, body: impl FnOnce() -> R) -> R {
    let (alive, over) = bounded::<()>(0);
    thread::spawn(move || {
        if over.recv_timeout(LIMIT) == Err(RecvTimeoutError::Timeout) {
            // Not `eprintln!`, whose output the test harness captures.
            let _written = writeln!(
                std::io::stderr(),
                "the test {name} hangs: it takes longer than {LIMIT:?}"
            );
            std::process::abort();
        }
    });
    let result = body();
    drop(alive);
    result
}

/// As [`watched`], in a process of its own: for tests that count the threads or descriptors of the
/// whole process.
pub fn alone<B: FnOnce()>(body: B) {
    if is_alone() {
        return watched(body);
    }
    start_alone(&test_name::<B>(), |program| Command::new(program));
}

/// Whether this process has been started for one test.
pub(crate) fn is_alone() -> bool {
    std::env::var_os(ALONE).is_some()
}

/// Starts a test in a process of its own, by a command that runs the program that it is given.
///
/// # Panics
/// If the test fails.
pub(crate) fn start_alone(name: &str, command: impl FnOnce(&OsStr) -> Command) {
    let (_crate_name, path) = name.split_once("::").expect("a test is in a crate");
    let program = std::env::current_exe().expect("a test has a file");
    let output = command(program.as_os_str())
        .args([
            path,
            "--exact",
            "--include-ignored",
            "--nocapture",
            "--test-threads=1",
        ])
        .env(ALONE, "1")
        .output()
        .expect("the test can be started again");
    let printed =
        [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
    assert!(
        output.status.success(),
        "{path}: {}\n{}",
        output.status,
        printed.concat()
    );
    assert!(
        printed[0].contains("1 passed"),
        "no test has the name {path}"
    );
}

/// The name of the function in which a closure, or an async block, of type `B` is written.
pub(crate) fn test_name<B>() -> String {
    let name = type_name::<B>();
    name.split("::{{closure}}")
        .next()
        .unwrap_or(name)
        .to_owned()
}
