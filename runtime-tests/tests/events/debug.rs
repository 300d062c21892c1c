//! Tests of the debug mode: LH-6.

use std::process::Command;
use std::time::{Duration, Instant};

use asyncio::{create_task, get_running_loop};
use runtime_tests::on_workers;

use super::drained;

/// Set in the child process, whose standard error is checked: whether it is in debug mode.
const MODE: &str = "EVENTS_TEST_DEBUG";

fn keep_busy() {
    let until = Instant::now() + Duration::from_millis(10);
    while Instant::now() < until {
        std::hint::spin_loop();
    }
}

/// Runs [`in_the_child`] in a process of its own, and returns what it writes to standard error.
fn child(debug: bool) -> String {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["debug::in_the_child", "--exact", "--nocapture"])
        .env(MODE, if debug { "1" } else { "0" })
        .output()
        .unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn in_the_child() {
    let Ok(mode) = std::env::var(MODE) else {
        return;
    };
    on_workers(2, async {
        let event_loop = get_running_loop();
        event_loop.set_debug(mode == "1");
        assert_eq!(event_loop.get_debug(), mode == "1");
        create_task(async { keep_busy() }).await.unwrap();
        event_loop.set_slow_callback_duration(Duration::from_millis(5));
        create_task(async { keep_busy() }).await.unwrap();
        event_loop.call_soon(keep_busy);
        drained(&event_loop).await;
    });
}

// LH-6
#[test]
fn debug_mode_names_what_keeps_its_worker_too_long() {
    let said = child(true);
    let lines: Vec<_> = said
        .lines()
        .filter(|line| line.contains("Executing"))
        .collect();
    assert_eq!(lines.len(), 2, "the first task is below the limit: {said}");
    assert!(lines[0].starts_with("asyncio: Executing <Task-"), "{said}");
    assert!(lines[0].contains(" created at "), "{said}");
    assert!(lines[1].starts_with("asyncio: Executing <callback registered at "));
    assert!(
        lines.iter().all(|line| line.contains("debug.rs:")),
        "{said}"
    );
    assert!(
        lines.iter().all(|line| line.ends_with(" seconds")),
        "{said}"
    );
}

#[test]
fn without_debug_mode_nothing_is_said() {
    assert_eq!(child(false), "");
}

#[test]
fn a_callback_may_take_a_tenth_of_a_second_at_first() {
    on_workers(1, async {
        let event_loop = get_running_loop();
        let limit = event_loop.slow_callback_duration();
        assert_eq!(limit, Duration::from_millis(100));
        event_loop.set_slow_callback_duration(Duration::MAX);
        assert!(event_loop.slow_callback_duration() > limit);
    });
}
