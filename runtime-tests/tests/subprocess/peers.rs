//! The same scripts in CPython's asyncio and here print the same, line by line. And what the kernel
//! is asked for when a child starts.

use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{self, Output, Stdio};

use runtime_tests::{newest_python, under_strace, watched};

use super::*;

/// The lines that a program prints, and the signal that ends it.
fn transcript(command: &mut process::Command) -> (Vec<String>, Option<i32>) {
    let run = || command.stdin(Stdio::null()).output().unwrap();
    let Output {
        status,
        stdout,
        stderr,
    } = watched(run);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(status.code().unwrap_or(0) == 0, "{}", text(&stderr));
    (
        text(&stdout).lines().map(str::to_owned).collect(),
        status.signal(),
    )
}

/// Has asyncio and this library play a script, and compares; returns how many lines there are.
fn compare(script: &str) -> Option<usize> {
    let Some(python) = newest_python(11) else {
        // Not `eprintln!`, whose output the test harness captures.
        let _closed = writeln!(
            std::io::stderr(),
            "SKIPPED: {script}: there is no Python 3.11"
        );
        return None;
    };
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let file = here
        .join("tests/subprocess/peers")
        .join(format!("{script}.py"));
    let theirs = transcript(process::Command::new(python).arg(file));
    let ours = transcript(process::Command::new(env!("CARGO_BIN_EXE_peer")).arg(script));
    assert_eq!(ours, theirs, "ours and asyncio's");
    Some(ours.0.len())
}

#[test]
fn subprocesses_do_what_asyncios_do() {
    assert!(compare("subprocesses").is_none_or(|lines| lines > 40));
}

#[test]
fn signals_do_what_asyncios_do() {
    assert!(compare("signals").is_none_or(|lines| lines > 25));
}

/// How a child of this process is made, with the arguments that the kernel sees.
const CLONES: &str = "trace=clone,clone3,vfork,fork";

fn wait_for_true(set: fn(Command) -> Command) {
    asyncio::run(async move {
        let process = set(create_subprocess_exec("true")).await.unwrap();
        assert_eq!(process.wait().await.unwrap(), 0);
    });
}

#[test]
fn a_child_shares_the_memory_until_its_program_starts() {
    let trace = under_strace(&[CLONES], || wait_for_true(|command| command));
    let Some(trace) = trace else { return };
    assert_eq!(
        trace.matches("CLONE_VFORK") + trace.count("vfork"),
        1,
        "{trace:?}"
    );
}

#[test]
fn a_child_with_a_mask_of_permissions_is_a_copy() {
    let trace = under_strace(&[CLONES], || wait_for_true(|command| command.umask(0o027)));
    let Some(trace) = trace else { return };
    assert_eq!(
        trace.matches("CLONE_VFORK") + trace.count("vfork"),
        0,
        "{trace:?}"
    );
    assert!(trace.matches("SIGCHLD") > 0, "{trace:?}");
}
