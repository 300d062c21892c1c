//! The examples of subprocesses, signals and threads.

use std::io::{BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use runtime_tests::watched;
use rustix::process::{Pid, Signal, kill_process};

use super::*;

#[test]
fn subprocess_shell_shows_how_a_command_failed() {
    let run = run("subprocess_shell");
    let lines = run.rust();
    assert_eq!(lines[..2], ["['ls /zzz' exited with 2]", "[stderr]"]);
    assert!(lines[2].contains("/zzz"), "{lines:?}");
    run.is_as_pythons(<[String]>::to_vec);
}

#[test]
fn get_date_reads_a_date() {
    let run = run("get_date");
    assert_eq!(without_digits(run.rust()), ["Current date: 0-0-0 0:0:0"]);
    run.is_as_pythons(without_digits);
}

/// The lines up to a point, with one zero for each number.
fn without_digits(lines: &[String]) -> Vec<String> {
    let lines = lines.iter().map(|line| {
        let seconds = line.split('.').next().unwrap_or_default();
        let zeros = seconds.replace(|letter: char| letter.is_ascii_digit(), "0");
        let mut zeros: Vec<char> = zeros.chars().collect();
        zeros.dedup_by(|second, first| *second == '0' && *first == '0');
        zeros.into_iter().collect()
    });
    lines.collect()
}

#[test]
fn watch_runs_a_command_by_a_signal_and_by_the_timer() {
    let expected = [
        "run 1, by the start:",
        "hello",
        "run 2, by SIGHUP:",
        "hello",
        "run 3, by the timer:",
        "hello",
    ];
    assert_eq!(run("watch").rust(), expected);
}

#[test]
fn grep_many_finds_a_function_among_many_files() {
    let lines = run("grep_many").rust();
    assert!(lines[0].starts_with("src/threads.rs:"), "{lines:?}");
    assert!(lines[0].contains(": pub fn to_thread<"), "{lines:?}");
    let count = lines[1].strip_prefix("1 found in ");
    let count = count.and_then(|rest| rest.strip_suffix(" files")?.parse::<u32>().ok());
    assert!(count.is_some_and(|count| count > 100), "{lines:?}");
}

/// Runs `ci_runner`, and returns its exit code and its lines, without the seconds.
fn ci_runner(arguments: &[&str]) -> (Option<i32>, Vec<String>) {
    let _built = run("hello");
    let output = Command::new(example("ci_runner")).args(arguments).output();
    let output = output.expect("it can be started");
    assert!(output.stderr.is_empty(), "{output:?}");
    let text = String::from_utf8_lossy(&output.stdout);
    let lines = text.lines().map(|line| match line.split_once(" (") {
        Some((what, _seconds)) => what.to_owned(),
        None => line.to_owned(),
    });
    (output.status.code(), lines.collect())
}

#[test]
fn ci_runner_shows_lines_and_a_summary_and_fails_if_one_has_failed() {
    let (code, lines) = watched(|| ci_runner(&[]));
    assert_eq!(code, Some(1));
    let rule = lines.iter().position(|line| line == "----");
    let (live, summary) = lines.split_at(rule.expect("a summary"));
    let of = |name: &str| -> Vec<&str> {
        let lines = live.iter().filter_map(|line| line.split_once(" | "));
        let lines = lines.filter(|(command, _)| *command == name);
        lines.map(|(_, line)| line).collect()
    };
    assert_eq!(of("count"), ["1", "2", "3"]);
    assert_eq!(of("both"), ["to the output", "to the error"]);
    assert_eq!(of("fails"), ["this goes wrong"]);
    assert_eq!(of("pipe"), ["UPPER CASE"]);
    let expected = [
        "----",
        "count: ok",
        "both: ok",
        "fails: failed with 3",
        "pipe: ok",
        "3 of 4 succeeded",
    ];
    assert_eq!(summary, expected);
}

#[test]
fn ci_runner_succeeds_if_all_do() {
    let (code, lines) = watched(|| ci_runner(&["true", "a: echo b"]));
    assert_eq!(code, Some(0));
    let expected = ["a | b", "----", "true: ok", "a: ok", "2 of 2 succeeded"];
    assert_eq!(lines, expected);
}

#[test]
fn ci_runner_ends_what_takes_too_long() {
    let slow = "slow: sleep 1000 & echo $!; sleep 1000";
    let killed = "killed: kill -KILL $$";
    let (code, lines) = watched(|| ci_runner(&["--timeout", "1", slow, killed]));
    assert_eq!(code, Some(1));
    let expected = [
        "slow: not over after 1s",
        "killed: ended by signal 9",
        "0 of 2 succeeded",
    ];
    assert_eq!(lines[2..], expected);
    let sleeper = lines[0].strip_prefix("slow | ").expect("its number");
    end_of(sleeper);
}

#[test]
fn a_ctrl_c_kills_what_the_commands_of_ci_runner_have_started() {
    let _built = run("hello");
    watched(|| {
        let mut command = Command::new(example("ci_runner"));
        command.args(["a: sleep 1000 & echo $!; wait", "b: sleep 1000 & echo $!"]);
        let mut child = command.stdout(Stdio::piped()).spawn().expect("it starts");
        let output = BufReader::new(child.stdout.take().expect("it is a pipe"));
        let mut lines = output.lines().map(|line| line.expect("a line"));
        let numbers: Vec<String> = lines.by_ref().take(2).collect();
        let pid = Pid::from_child(&child);
        kill_process(pid, Signal::INT).expect("it runs");
        let status = child.wait().expect("it ends");
        assert_eq!(status.signal(), Some(2), "{status:?}");
        for line in numbers {
            end_of(line.split(' ').next_back().expect("its number"));
        }
    });
}

/// Waits until a process is gone, or a zombie, whose parent may take its time.
fn end_of(pid: &str) {
    assert!(pid.parse::<u32>().is_ok(), "{pid}");
    let path = format!("/proc/{pid}/stat");
    let start = Instant::now();
    while std::fs::read_to_string(&path).is_ok_and(|stat| !stat.contains(") Z ")) {
        assert!(start.elapsed() < Duration::from_secs(20), "{pid} runs on");
        std::thread::sleep(Duration::from_millis(1));
    }
}
