//! A Python process that runs programs: it reads one per line, and answers each with a line.

use std::fmt::Debug;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner};
use runtime_tests::watched;

/// Plays as many random programs as `PROPTEST_CASES` says to `script` and to `ours`, and compares
/// what the two answer. Plays none if there is no Python.
pub(super) fn compare<P: Clone + Debug>(
    script: &str,
    empty: &P,
    any_program: impl Strategy<Value = P>,
    ours: impl Fn(&P) -> String,
) {
    let Some(player) = Player::start(script, empty) else {
        return;
    };
    let player = Mutex::new(player);
    let config = Config {
        failure_persistence: None,
        max_shrink_iters: 4000,
        ..Config::default()
    };
    // The programs are the same in every run, so that a failure is due to a change of the code.
    let random = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let played = TestRunner::new_with_rng(config, random).run(&any_program, |program| {
        // The watchdog's limit is for each program, so that there may be any number.
        watched(|| {
            let theirs = player.lock().unwrap().play(&program).unwrap_or_default();
            let ours = ours(&program);
            prop_assert!(ours == theirs, "\n   ours {ours}\n theirs {theirs}\n");
            Ok(())
        })
    });
    if let Err(TestError::Fail(reason, program)) = &played {
        panic!("{}{program:?}", reason.message());
    }
    played.unwrap();
}

struct Player(Child);

impl Player {
    /// Starts `script`, and lets it run the program `empty`. Prints a message and returns `None` if
    /// there is no suitable Python.
    fn start(script: &str, empty: &impl Debug) -> Option<Player> {
        let started = Player::try_start(script, empty);
        if started.is_none() {
            // Not `eprintln!`, whose output the test harness captures.
            let message = "SKIPPED: there is no Python 3.11 or newer to compare with";
            let _closed = writeln!(std::io::stderr(), "{message}");
        }
        started
    }

    fn try_start(script: &str, empty: &impl Debug) -> Option<Player> {
        let script = [include_str!("still_clock.py"), script].concat();
        let mut python = Command::new("python3");
        python.args(["-c", &script]);
        python.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut player = Player(python.spawn().ok()?);
        player.play(empty)?;
        Some(player)
    }

    /// Runs `program` in Python, and returns what asyncio did. `None` if the process has ended.
    fn play(&mut self, program: &impl Debug) -> Option<String> {
        writeln!(self.0.stdin.as_mut()?, "{program:?}").ok()?;
        let (mut notes, mut output) = (String::new(), BufReader::new(self.0.stdout.as_mut()?));
        output.read_line(&mut notes).ok()?;
        (!notes.is_empty()).then(|| notes.trim_end().to_owned())
    }
}

impl Drop for Player {
    fn drop(&mut self) {
        // The process ends when its input ends.
        drop(self.0.stdin.take());
        let _status = self.0.wait();
    }
}
