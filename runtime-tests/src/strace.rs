//! Runs the body of a test under `strace`, which counts its system calls and makes them fail.

use std::env;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::watchdog::{is_alone, start_alone, test_name, watched};

/// The system calls of a process.
#[derive(Debug)]
pub struct Trace(String);

impl Trace {
    /// How often the process has made a system call.
    #[must_use]
    pub fn count(&self, call: &str) -> usize {
        let begins = |line: &&str| {
            let after_thread = line.trim_start().split_once(' ');
            after_thread.is_some_and(|(_, rest)| {
                let arguments = rest.trim_start().strip_prefix(call);
                arguments.is_some_and(|arguments| arguments.starts_with('('))
            })
        };
        self.0.lines().filter(begins).count()
    }

    /// How often this text is in the trace.
    #[must_use]
    pub fn matches(&self, text: &str) -> usize {
        self.0.matches(text).count()
    }

    /// How often `strace` has made a system call fail.
    #[must_use]
    pub fn injected(&self) -> usize {
        self.matches("(INJECTED)")
    }

    /// How often `strace` has made this system call fail.
    #[must_use]
    pub fn injected_into(&self, call: &str) -> usize {
        // The result may stand in a line of its own: `<... CALL resumed>`.
        let failed = |line: &&str| line.contains("(INJECTED)") && line.contains(call);
        self.0.lines().filter(failed).count()
    }
}

/// Runs the body of a test in a process of its own under `strace`, with these options of it
/// (`trace=…`, `inject=…`), and returns the trace. `None` in that process, once the body has run;
/// and where there is no `strace`, or it is not permitted, which is said on standard error.
///
/// A call in a loop is ended by the first `None`. The trace has the calls of all threads, those of
/// the test harness as well.
pub fn under_strace<B: FnOnce()>(options: &[&str], body: B) -> Option<Trace> {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    if is_alone() {
        watched(body);
        return None;
    }
    let name = test_name::<B>();
    if let Err(why) = is_permitted() {
        // Not `eprintln!`, whose output the test harness captures.
        let _written = writeln!(std::io::stderr(), "the test {name} is skipped: {why}");
        return None;
    }
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let file = env::temp_dir().join(format!("asyncio-trace-{}-{number}", std::process::id()));
    start_alone(&name, |program| {
        let mut strace = strace(&file);
        let options = options.iter().flat_map(|option| ["-e", option]);
        strace.args(options).arg(program);
        strace
    });
    let trace = fs::read_to_string(&file).expect("strace has written the trace");
    fs::remove_file(&file).expect("the trace is still there");
    Some(Trace(trace))
}

/// `strace` with all threads, and only those calls traced that options name.
fn strace(output: &Path) -> Command {
    let mut strace = Command::new("strace");
    strace
        .args(["-f", "--seccomp-bpf", "-qq", "-o"])
        .arg(output);
    strace
}

/// Whether `strace` is there, and may trace. Otherwise why not.
fn is_permitted() -> &'static Result<(), String> {
    static PERMITTED: OnceLock<Result<(), String>> = OnceLock::new();
    PERMITTED.get_or_init(|| {
        let probe = strace(Path::new("/dev/null"))
            .args(["-e", "trace=accept4"])
            .args(["-e", "inject=accept4:error=ENFILE:when=1..2", "true"])
            .stdin(Stdio::null())
            .output();
        match probe {
            Err(error) => Err(format!("strace cannot be started: {error}")),
            Ok(output) if output.status.success() => Ok(()),
            Ok(output) => Err(format!(
                "strace does not work here: {}",
                String::from_utf8_lossy(&output.stderr).trim()
            )),
        }
    })
}
