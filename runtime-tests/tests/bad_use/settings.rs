//! Tests of settings at their extremes: each is refused at the caller's line, or works.
//!
//! Earlier tests of settings used zero, but no value that is too big; those of the environment
//! variables used only valid values.

use super::*;
use std::process::Command;

/// Set in the process that [`output_with`] starts.
const PART: &str = "BAD_USE_PART";

#[test]
fn too_many_workers_are_refused_at_the_line_of_the_caller() {
    assert!(refused!(Runner::builder().workers(1025)).contains("at most 1,024 workers"));
    assert!(refused!(Runner::builder().workers(usize::MAX)).contains("at most 1,024 workers"));
    assert!(refused!(Runner::builder().max_spare_workers(1025)).contains("at most 1,024 spare"));
}

#[test]
fn as_many_workers_as_may_be_are_started_soon() {
    watched(|| {
        let before = Instant::now();
        let mut runner = Runner::builder().workers(1024).build().unwrap();
        // It takes a second on an idle machine.
        assert!(
            before.elapsed() < Duration::from_secs(10),
            "{:?}",
            before.elapsed()
        );
        assert_eq!(
            runner.run(async { create_task(async { 1 }).await.unwrap() }),
            1
        );
    });
}

#[test]
fn a_thread_has_a_name_without_a_nul_and_a_stack_of_some_size() {
    assert!(refused!(Runner::builder().thread_name("a\0b")).contains("NUL"));
    assert!(refused!(Runner::builder().thread_stack_size(0)).contains("from 64 KiB"));
    assert!(refused!(Runner::builder().thread_stack_size(usize::MAX)).contains("to 1 TiB"));
    watched(|| {
        let builder = Runner::builder()
            .workers(2)
            .thread_name("")
            .thread_stack_size(1 << 40);
        if let Ok(mut runner) = builder.build() {
            runner.run(async { create_task(async {}).await.unwrap() });
        }
    });
}

#[test]
fn the_pool_for_blocking_calls_takes_any_number_and_any_time() {
    watched(|| {
        let builder = Runner::builder()
            .workers(1)
            .max_blocking_threads(usize::MAX)
            .blocking_keep_alive(Duration::MAX);
        let mut runner = builder.build().unwrap();
        assert_eq!(
            runner.run(async { asyncio::to_thread(|| 1).await.unwrap() }),
            1
        );
        let builder = Runner::builder()
            .workers(1)
            .blocking_keep_alive(Duration::ZERO);
        let mut runner = builder.build().unwrap();
        assert_eq!(
            runner.run(async { asyncio::to_thread(|| 1).await.unwrap() }),
            1
        );
    });
}

#[test]
fn there_may_be_as_many_spare_workers_as_workers() {
    let spares = |builder: asyncio::runners::Builder| {
        let text = format!("{builder:?}");
        let (_, rest) = text.split_once("max_spare_workers: ").unwrap();
        rest.split_once(',').unwrap().0.parse::<usize>().unwrap()
    };
    assert_eq!(spares(Runner::builder().workers(7)), 7);
    assert_eq!(spares(Runner::builder().max_spare_workers(3).workers(7)), 3);
    assert_eq!(spares(Runner::builder().workers(7).max_spare_workers(0)), 0);
}

/// Runs this test in a process in which `variable` has that value. Returns whether it passed, and
/// its output.
fn output_with(variable: &str, value: &str) -> (bool, String) {
    let test = "settings::what_the_environment_says_is_held_to_what_the_builder_takes";
    let output = Command::new(std::env::current_exe().unwrap())
        .args([test, "--exact", "--nocapture"])
        .env(PART, "1")
        .env(variable, value)
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    (
        output.status.success(),
        String::from_utf8_lossy(&said).into_owned(),
    )
}

#[test]
fn what_the_environment_says_is_held_to_what_the_builder_takes() {
    if std::env::var_os(PART).is_some() {
        let runner = Runner::builder().build().unwrap();
        println!("workers: {}", runner.get_loop().metrics().workers);
        return;
    }
    for value in [
        "abc",
        "0",
        "-1",
        "70000",
        "1025",
        "1.5",
        "2 3",
        "18446744073709551616",
    ] {
        let (passed, said) = output_with("ASYNCIO_WORKERS", value);
        assert!(
            !passed && said.contains(&format!("ASYNCIO_WORKERS={value:?}")),
            "{said}"
        );
        assert!(said.contains("from 1 to 1024"), "{said}");
        assert!(
            said.contains("settings.rs"),
            "the line of the caller: {said}"
        );
    }
    for (value, workers) in [("3", Some(3)), (" 3 ", Some(3)), ("", None), (" ", None)] {
        let (passed, said) = output_with("ASYNCIO_WORKERS", value);
        let expected = workers.map_or(String::new(), |workers| format!("workers: {workers}"));
        assert!(passed && said.contains(&expected), "{value:?}: {said}");
    }
    for value in ["yes", "2", "-1"] {
        let (passed, said) = output_with("ASYNCIO_DEBUG", value);
        assert!(
            !passed && said.contains(&format!("ASYNCIO_DEBUG={value:?}")),
            "{said}"
        );
    }
    for value in ["", "0", "1", " 1"] {
        assert!(output_with("ASYNCIO_DEBUG", value).0);
    }
}
