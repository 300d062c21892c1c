//! Ctrl-C and its like, sent to a program of its own.

use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// A program that is ready for signals.
struct Program {
    child: Child,
    output: BufReader<ChildStdout>,
}

impl Program {
    fn start(scenario: &str) -> Program {
        Program::run(Command::new(env!("CARGO_BIN_EXE_signalled")).arg(scenario))
    }

    fn run(command: &mut Command) -> Program {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n");
        Program { child, output }
    }

    fn send(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Waits for a line.
    fn wait_for(&mut self, expected: &str) {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        assert_eq!(line.trim_end(), expected);
    }

    /// What it writes from now on, and how it ends.
    fn end(mut self) -> (Vec<String>, ExitStatus) {
        let mut text = String::new();
        self.output.read_to_string(&mut text).unwrap();
        (
            text.lines().map(str::to_owned).collect(),
            self.child.wait().unwrap(),
        )
    }
}

#[test]
fn an_interrupt_cancels_main_and_then_ends_the_process() {
    let program = Program::start("cleanup");
    program.send(Signal::INT);
    let (output, status) = program.end();
    assert_eq!(output, ["cleanup"]);
    assert_eq!(status.signal(), Some(2));
}

#[test]
fn a_main_that_suppresses_the_interrupt_returns_its_value() {
    let program = Program::start("suppress");
    program.send(Signal::INT);
    let (output, status) = program.end();
    assert_eq!(output, ["by Some(2)", "returned 42", "end"]);
    assert!(status.success());
}

#[test]
fn a_second_interrupt_ends_the_process_at_once() {
    let began = Instant::now();
    let mut program = Program::start("twice");
    program.send(Signal::INT);
    program.wait_for("cleanup");
    program.send(Signal::INT);
    let (output, status) = program.end();
    assert!(output.is_empty());
    assert_eq!(status.signal(), Some(2));
    assert!(began.elapsed() < Duration::from_secs(20));
}

#[test]
fn a_second_interrupt_ends_a_loop_that_is_stuck() {
    let mut program = Program::start("stuck");
    // Two that come at once may count as one. Main, which sleeps a minute, hears of none.
    let began = Instant::now();
    while program.child.try_wait().unwrap().is_none() {
        assert!(began.elapsed() < Duration::from_secs(20), "it does not end");
        program.send(Signal::INT);
        std::thread::sleep(Duration::from_millis(20));
    }
    let (output, status) = program.end();
    assert!(output.is_empty());
    assert_eq!(status.signal(), Some(2));
}

#[test]
fn an_interrupt_ends_the_wait_for_a_thread_and_the_run_waits_for_its_function() {
    let program = Program::start("thread");
    program.send(Signal::INT);
    let (output, status) = program.end();
    assert_eq!(output, ["cancelled", "function"]);
    assert_eq!(status.signal(), Some(2));
}

#[test]
fn try_run_returns_the_error_of_an_interrupt() {
    let program = Program::start("try_run");
    program.send(Signal::INT);
    let (output, status) = program.end();
    assert_eq!(output, ["cleanup", "by Some(2)", "end"]);
    assert!(status.success());
}

#[test]
fn a_program_that_handles_interrupts_itself_gets_all_of_them() {
    let mut program = Program::start("own_handler");
    for number in 1..=3 {
        program.send(Signal::INT);
        program.wait_for(&format!("interrupt {number}"));
    }
    let (output, status) = program.end();
    assert_eq!(output, ["end"]);
    assert!(status.success());
}

#[test]
fn an_interrupt_after_the_run_does_what_it_did_before() {
    let program = Program::start("after");
    program.send(Signal::INT);
    let (output, status) = program.end();
    assert!(output.is_empty());
    assert_eq!(status.signal(), Some(2));
}

#[test]
fn a_program_that_ignores_interrupts_is_left_alone() {
    let script = format!(
        "trap '' INT; exec {} cleanup",
        env!("CARGO_BIN_EXE_signalled")
    );
    let program = Program::run(Command::new("sh").arg("-c").arg(script));
    program.send(Signal::INT);
    std::thread::sleep(Duration::from_millis(100));
    program.send(Signal::TERM);
    let (output, status) = program.end();
    assert!(output.is_empty());
    assert_eq!(status.signal(), Some(15));
}

#[test]
fn a_termination_ends_the_process_unless_it_is_to_cancel_main() {
    let program = Program::start("cleanup");
    program.send(Signal::TERM);
    let (output, status) = program.end();
    assert!(output.is_empty());
    assert_eq!(status.signal(), Some(15));
    let program = Program::start("terminate");
    program.send(Signal::TERM);
    let (output, status) = program.end();
    assert_eq!(output, ["cleanup"]);
    assert_eq!(status.signal(), Some(15));
}

#[test]
fn interrupts_are_left_alone_if_that_is_asked_for_and_on_other_threads() {
    for scenario in ["not_handled", "other_thread"] {
        let program = Program::start(scenario);
        program.send(Signal::INT);
        let (output, status) = program.end();
        assert!(output.is_empty(), "{scenario}");
        assert_eq!(status.signal(), Some(2), "{scenario}");
    }
}

#[test]
fn a_cancellation_by_the_program_stays_one_if_an_interrupt_comes_as_well() {
    let program = Program::start("by_code");
    program.send(Signal::INT);
    let (output, status) = program.end();
    assert_eq!(output, ["by None", "end"]);
    assert!(status.success());
}

#[test]
fn fault_each_of_many_runs_is_interrupted() {
    let mut program = Program::start("again");
    for _ in 1..1000 {
        program.send(Signal::INT);
        program.wait_for("ready");
    }
    program.send(Signal::INT);
    let (output, status) = program.end();
    assert_eq!(output, ["end"]);
    assert!(status.success(), "{status}");
}

#[test]
fn fault_a_program_may_begin_to_handle_interrupts_after_the_first() {
    let mut program = Program::start("own_handler_later");
    program.send(Signal::INT);
    program.wait_for("by Some(2)");
    program.wait_for("handles");
    for number in 2..=3 {
        program.send(Signal::INT);
        program.wait_for(&format!("interrupt {number}"));
    }
    program.wait_for("does not");
    program.send(Signal::INT);
    let (output, status) = program.end();
    assert!(output.is_empty());
    assert_eq!(status.signal(), Some(2));
}

#[test]
fn a_storm_of_signals_loses_no_kind() {
    let program = Program::start("storm");
    for _ in 0..50_000 {
        program.send(Signal::USR1);
        program.send(Signal::USR2);
    }
    let (output, status) = program.end();
    assert_eq!(output, ["some true true", "end"]);
    assert!(status.success());
}
