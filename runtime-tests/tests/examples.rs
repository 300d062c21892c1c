//! Tests of the examples: their output is compared with the expected lines, and with what CPython
//! prints for the original programs, which are beside ours in `docs/from-asyncio.md`.
//!
//! `cargo test --workspace` builds the examples. If they are missing, this test builds them; it
//! does not check whether they are up to date.

use std::collections::BTreeMap;
use std::env;
use std::ffi::OsStr;
use std::fmt::Debug;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;
use std::thread;

use runtime_tests::watched;

#[path = "examples/processes.rs"]
mod processes;

#[path = "examples/streams.rs"]
mod streams;

/// The examples, each with a line that identifies its original in the guide.
const PROGRAMS: [(&str, Option<&str>); 34] = [
    ("hello", Some("print('world')")),
    ("say_after", Some("async def say_after(")),
    ("nested", Some("async def nested(")),
    ("create_task", Some("asyncio.ensure_future(coro())")),
    ("display_date", Some("async def display_date(")),
    ("factorial", Some("async def factorial(")),
    ("some_apis", None),
    (
        "run_coroutine_threadsafe",
        Some("asyncio.run_coroutine_threadsafe("),
    ),
    ("introspection", None),
    ("cancel_me", Some("async def cancel_me(")),
    ("event", Some("async def waiter(event)")),
    ("barrier", Some("async def example_barrier(")),
    ("condition", Some("async def consumer(shelf)")),
    ("rate_limit", None),
    ("queue_workers", Some("async def worker(name, queue)")),
    ("pipeline", None),
    ("crawler", None),
    ("echo_server", None),
    ("tcp_proxy", None),
    ("udp_ping", None),
    ("port_scan", None),
    ("unix_socket", None),
    ("tcp_echo_client", None),
    ("tcp_echo_server", None),
    ("http_headers", None),
    ("register_socket", Some("async def wait_for_data(")),
    ("line_server", None),
    ("chat_server", None),
    ("http_get", None),
    ("subprocess_shell", Some("async def run(cmd)")),
    ("get_date", Some("async def get_date()")),
    ("ci_runner", None),
    ("watch", None),
    ("grep_many", None),
];

/// The lines that a program has printed, or why there are none.
type Printed = Result<Vec<String>, String>;

/// One program in both languages.
struct Run {
    rust: Printed,
    /// `None` if there is no original, or no Python.
    python: Option<Printed>,
}

/// The runs of all programs. They run at the same time, since they mostly sleep.
static RUNS: LazyLock<BTreeMap<&str, Run>> = LazyLock::new(|| {
    let has_python = has_python();
    thread::scope(|scope| {
        let runs = PROGRAMS.map(|(name, original)| {
            let rust = scope.spawn(move || printed(&mut Command::new(example(name))));
            let original = original.filter(|_| has_python);
            let python = original.map(|line| {
                scope.spawn(move || {
                    let text = program_in_guide(line)?;
                    printed(Command::new("python3").args(["-c", &text]))
                })
            });
            (name, rust, python)
        });
        let runs = runs.into_iter().map(|(name, rust, python)| {
            let rust = rust.join().expect(name);
            let python = python.map(|python| python.join().expect(name));
            (name, Run { rust, python })
        });
        runs.collect()
    })
});

/// Builds the examples if they are missing.
static BUILT: LazyLock<Result<(), String>> = LazyLock::new(build_what_is_missing);

#[track_caller]
fn run(name: &str) -> &'static Run {
    if let Err(error) = &*BUILT {
        panic!("{error}");
    }
    watched(|| &RUNS[name])
}

impl Run {
    /// The lines that the example has printed.
    #[track_caller]
    fn rust(&self) -> &[String] {
        lines(&self.rust)
    }

    /// Asserts that CPython has printed the same, if there is a CPython, after `normal` has made
    /// both comparable.
    #[track_caller]
    fn is_as_pythons<T: PartialEq + Debug>(&self, normal: impl Fn(&[String]) -> T) {
        if let Some(python) = &self.python {
            assert_eq!(
                normal(self.rust()),
                normal(lines(python)),
                "the output of Rust and of Python"
            );
        }
    }
}

#[track_caller]
fn lines(printed: &Printed) -> &[String] {
    match printed {
        Ok(lines) => lines,
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn hello_says_hello_and_then_world() {
    let run = run("hello");
    assert_eq!(run.rust(), ["hello", "world"]);
    run.is_as_pythons(<[String]>::to_vec);
}

#[test]
fn say_after_takes_two_seconds_at_least() {
    let run = run("say_after");
    let expected = [
        "started at …",
        "hello",
        "task1 result is: 1",
        "world",
        "finished at …",
    ];
    assert_eq!(without_times(run.rust()), expected);
    assert!(seconds_between(run.rust()) >= 2, "{:?}", run.rust());
    run.is_as_pythons(without_times);
}

#[test]
fn nested_prints_nothing() {
    let run = run("nested");
    assert!(run.rust().is_empty(), "{:?}", run.rust());
    run.is_as_pythons(<[String]>::to_vec);
}

#[test]
fn create_task_prints_nothing() {
    let run = run("create_task");
    assert!(run.rust().is_empty(), "{:?}", run.rust());
    run.is_as_pythons(<[String]>::to_vec);
}

#[test]
fn display_date_prints_the_date_five_times() {
    let run = run("display_date");
    assert_eq!(run.rust().len(), 5, "{:?}", run.rust());
    run.is_as_pythons(<[String]>::len);
}

// The three tasks run on several workers, so only the lines of each task are in order.
#[test]
fn factorial_computes_three_factorials() {
    let run = run("factorial");
    let expected = [
        "Task A: Compute factorial(2)...",
        "Task A: factorial(2) = 2",
        "Task B: Compute factorial(2)...",
        "Task B: Compute factorial(3)...",
        "Task B: factorial(3) = 6",
        "Task C: Compute factorial(2)...",
        "Task C: Compute factorial(3)...",
        "Task C: Compute factorial(4)...",
        "Task C: factorial(4) = 24",
    ];
    assert_eq!(by_task(run.rust()), expected);
    run.is_as_pythons(by_task);
}

#[test]
fn some_apis_keep_what_they_promise() {
    let lines = run("some_apis").rust();
    assert_eq!(lines.len(), 8, "{lines:?}");
    assert_eq!(lines[0], "shield: the awaiter gave up (timed out)");
    assert_eq!(lines[1], "shield: the task has finished");
    assert!(
        lines[2].starts_with("wait_for: timed out after "),
        "{lines:?}"
    );
    assert!(lines[3].starts_with("wait: "), "{lines:?}");
    assert_eq!(lines[4], "as_completed: 1");
    assert_eq!(lines[7], "run_coroutine_threadsafe: 3");
}

#[test]
fn run_coroutine_threadsafe_prints_nothing() {
    let run = run("run_coroutine_threadsafe");
    assert!(run.rust().is_empty(), "{:?}", run.rust());
    run.is_as_pythons(<[String]>::to_vec);
}

#[test]
fn introspection_finds_everybody() {
    let lines = run("introspection").rust();
    assert!(
        lines.contains(&"4 tasks have not ended:".to_owned()),
        "{lines:?}"
    );
    for name in ["a", "b", "c"] {
        assert!(lines.contains(&format!("worker {name} runs")), "{lines:?}");
    }
    assert_eq!(lines.last().map(String::as_str), Some("1 is left"));
}

#[test]
fn cancel_me_cleans_up_and_is_cancelled() {
    let run = run("cancel_me");
    let expected = [
        "cancel_me(): before sleep",
        "cancel_me(): cancel sleep",
        "cancel_me(): after sleep",
        "main(): cancel_me is cancelled now",
    ];
    assert_eq!(run.rust(), expected);
    run.is_as_pythons(<[String]>::to_vec);
}

#[test]
fn event_is_waited_for() {
    let run = run("event");
    assert_eq!(run.rust(), ["waiting for it ...", "... got it!"]);
    run.is_as_pythons(<[String]>::to_vec);
}

#[test]
fn barrier_lets_three_pass() {
    let run = run("barrier");
    assert_eq!(waiting(run.rust()), ["2/3", "barrier passed", "0/3"]);
    run.is_as_pythons(waiting);
}

#[test]
fn condition_lets_two_take_turns() {
    let run = run("condition");
    let expected = [1, 2, 3].map(|item| [format!("produced {item}"), format!("consumed {item}")]);
    assert_eq!(run.rust(), expected.concat());
    run.is_as_pythons(<[String]>::to_vec);
}

#[test]
fn rate_limit_keeps_both_limits() {
    let lines = run("rate_limit").rust();
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert_eq!(lines[0], "12 answers, whose sum is 506");
    let most = lines[1].strip_prefix("at most ");
    let most = most.and_then(|rest| rest.strip_suffix(" at a time"));
    assert!(
        most.is_some_and(|most| ["1", "2", "3"].contains(&most)),
        "{lines:?}"
    );
    assert_eq!(lines[2], "not faster than allowed: true");
}

/// The lines, where each that shows a barrier is shortened to how many wait for how many. Those
/// that asyncio shows while the last group leaves are left out.
fn waiting(lines: &[String]) -> Vec<String> {
    let after = |line: &str, what: &str| {
        let (_, rest) = line.split_once(what)?;
        let number = rest
            .trim_start()
            .split(|letter: char| !letter.is_ascii_digit());
        number.map(str::to_owned).next()
    };
    let lines = lines.iter().filter(|line| !line.contains("[draining"));
    let lines = lines.map(|line| {
        let ours = after(line, "n_waiting:").zip(after(line, "parties:"));
        let theirs = || after(line, "waiters:").zip(after(line, "/"));
        match ours.or_else(theirs) {
            Some((waiting, parties)) => format!("{waiting}/{parties}"),
            None => line.clone(),
        }
    });
    lines.collect()
}

#[test]
fn queue_workers_share_the_work() {
    let run = run("queue_workers");
    let worked = "worker has slept for … seconds".to_owned();
    let mut expected = vec![worked; 20];
    expected.push("====".to_owned());
    expected.push("3 workers slept in parallel for … seconds".to_owned());
    expected.push("total expected sleep time: … seconds".to_owned());
    assert_eq!(without_seconds(run.rust()), expected);
    run.is_as_pythons(without_seconds);
}

#[test]
fn a_pipeline_is_drained() {
    let lines = run("pipeline").rust();
    assert_eq!(lines, ["42 is four-two", "100 numbers have 850 letters"]);
}

#[test]
fn a_crawler_reads_every_page_once() {
    let lines = run("crawler").rust();
    let expected = ["43 pages, 845 bytes", "not found: /40, /41, /42"];
    assert_eq!(lines, expected);
}

#[test]
fn sockets_do_what_they_show() {
    let lines = |name: &str| run(name).rust();
    let echoed = [
        "hello -> hello",
        "how are you? -> how are you?",
        "bye -> bye",
    ];
    assert_eq!(lines("echo_server"), echoed);
    let mut proxied = lines("tcp_proxy").to_vec();
    proxied.sort_unstable();
    let expected = [
        "1000000 bytes there, 7 bytes back",
        "the server has counted 1000000",
    ];
    assert_eq!(proxied, expected);
    let pinged = "ping 1|ping 2|ping 3 is lost|ping 3|ping 4|5 packets were sent";
    assert_eq!(lines("udp_ping").join("|"), pinged);
    assert_eq!(lines("port_scan"), ["3 of our 3 ports are open"]);
    let added = [
        "1 2 3 -> 6",
        "40 2 -> 42",
        "one two -> error: invalid digit found in string",
    ];
    assert_eq!(lines("unix_socket"), added);
}

#[test]
fn a_page_is_fetched_over_tls() {
    let lines = run("http_get").rust();
    let expected = ["TLSv1.3", "HTTP/1.0 200 OK", "You have asked for /a/page"];
    assert_eq!(lines, expected);
}

/// The lines without seconds, and without the numbers of workers.
fn without_seconds(lines: &[String]) -> Vec<String> {
    let words = |line: &String| {
        let words = line.split(' ').map(|word| match word.parse::<f64>() {
            Ok(_) if word.contains('.') => "…",
            _ if word.starts_with("worker-") => "worker",
            _ => word,
        });
        words.collect::<Vec<_>>().join(" ")
    };
    lines.iter().map(words).collect()
}

/// The lines without the time of day in them.
fn without_times(lines: &[String]) -> Vec<String> {
    let lines = lines.iter().map(|line| match line.split_once(" at ") {
        Some((what, _time)) => format!("{what} at …"),
        None => line.clone(),
    });
    lines.collect()
}

/// How many seconds lie between the times in the first and in the last line.
fn seconds_between(lines: &[String]) -> u32 {
    let seconds = |line: Option<&String>| {
        let (_, time) = line?.split_once(" at ")?;
        let mut parts = time.split(':').map(|part| part.parse::<u32>().ok());
        parts.try_fold(0, |sum, part| Some(60 * sum + part?))
    };
    let begin = seconds(lines.first()).expect("a time in the first line");
    let end = seconds(lines.last()).expect("a time in the last line");
    // There may be a midnight between them.
    (end + 24 * 3600 - begin) % (24 * 3600)
}

/// The lines, sorted by the task that they name; those of one task keep their order.
fn by_task(lines: &[String]) -> Vec<String> {
    let mut lines = lines.to_vec();
    lines.sort_by_key(|line| line.split(':').next().map(str::to_owned));
    lines
}

/// Runs a program, and returns the lines that it prints. A failure, or output on standard error, is
/// an error.
fn printed(command: &mut Command) -> Printed {
    let output = command.output();
    let output = output.map_err(|error| format!("{command:?} could not be started: {error}"))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let complaints = text(&output.stderr);
    if !output.status.success() || !complaints.is_empty() {
        return Err(format!("{command:?}: {}\n{complaints}", output.status));
    }
    Ok(text(&output.stdout).lines().map(str::to_owned).collect())
}

/// The folder in which cargo puts the examples: beside the folder of this test.
fn folder() -> PathBuf {
    let test = env::current_exe().expect("a test has a file");
    let profile = test.parent().and_then(Path::parent);
    profile
        .expect("a test is in target/<profile>/deps")
        .join("examples")
}

fn example(name: &str) -> PathBuf {
    folder()
        .join(name)
        .with_extension(env::consts::EXE_EXTENSION)
}

fn build_what_is_missing() -> Result<(), String> {
    if PROGRAMS.iter().all(|(name, _)| example(name).is_file()) {
        return Ok(());
    }
    let folder = folder();
    let profile = folder.parent().and_then(Path::file_name);
    let profile = profile.filter(|profile| *profile != "debug");
    let status = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "-p", "runtime-core", "--examples"])
        .args(["--features", "tls"])
        .arg("--profile")
        .arg(profile.unwrap_or(OsStr::new("dev")))
        .current_dir(root())
        .status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("the examples cannot be built: {status}")),
        Err(error) => Err(format!("cargo could not be started: {error}")),
    }
}

fn root() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().expect("the workspace's folder")
}

/// Whether there is a Python that is new enough. Prints a message if there is not.
fn has_python() -> bool {
    let version = "import sys; print(sys.version_info >= (3, 11))";
    let output = Command::new("python3").args(["-c", version]).output();
    let found = output.is_ok_and(|output| output.stdout.starts_with(b"True"));
    if !found {
        // Not `eprintln!`, whose output the test harness captures.
        let message = "SKIPPED: there is no Python 3.11 or newer to compare with";
        let _closed = writeln!(std::io::stderr(), "{message}");
    }
    found
}

/// The Python program in the guide that contains `line`.
fn program_in_guide(line: &str) -> Result<String, String> {
    let path = root().join("docs/from-asyncio.md");
    let guide = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
    let blocks = guide.split("```python\n").skip(1);
    let blocks = blocks.filter_map(|rest| rest.split("```").next());
    let found: Vec<_> = blocks
        .filter(|block| block.contains(line) && block.contains("asyncio.run("))
        .collect();
    match found[..] {
        [program] => Ok(program.to_owned()),
        _ => Err(format!(
            "the guide has {} programs with {line:?}",
            found.len()
        )),
    }
}
