//! Whichever way a child is left: no zombie, no descriptor, no process stays.

use std::future::Future;
use std::task::Poll;

use asyncio::Runner;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::*;

#[asyncio::test(workers = 2)]
async fn a_dropped_process_is_reaped_when_it_exits() {
    let mut pids = Vec::new();
    for _ in 0..50 {
        let process = create_subprocess_exec("true").await.unwrap();
        pids.push(process.pid());
    }
    for pid in pids {
        gone(pid).await;
    }
}

#[asyncio::test(workers = 2)]
async fn a_dropped_process_runs_on_unless_it_is_to_be_killed() {
    let sleeper = || create_subprocess_exec("sleep").arg("1000");
    let runs_on = sleeper().await.unwrap();
    let (pid, pidfd) = (
        runs_on.pid(),
        runs_on.pidfd().map(|fd| fd.try_clone_to_owned()),
    );
    drop(runs_on);
    let killed = sleeper().kill_on_drop(true).await.unwrap();
    let killed_pid = killed.pid();
    drop(killed);
    gone(killed_pid).await;
    let mut later = sleeper().await.unwrap();
    later.kill_on_drop(true);
    let later_pid = later.pid();
    drop(later);
    gone(later_pid).await;
    assert!(exists(pid));
    match pidfd {
        Some(fd) => {
            rustix::process::pidfd_send_signal(fd.unwrap(), rustix::process::Signal::KILL).unwrap();
        }
        None => {
            let pid = rustix::process::Pid::from_raw(pid.cast_signed()).unwrap();
            rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
        }
    }
    gone(pid).await;
}

#[test]
fn the_end_of_the_loop_kills_and_reaps_its_children() {
    let pids = asyncio::run(async {
        let kept = create_subprocess_exec("sleep").arg("1000").await.unwrap();
        let dropped = create_subprocess_exec("sleep").arg("1000").await.unwrap();
        let pids = [kept.pid(), dropped.pid()];
        drop(dropped);
        std::mem::forget(kept);
        pids
    });
    for pid in pids {
        assert!(!exists(pid), "{pid} is left");
    }
}

#[test]
fn a_process_outlives_its_loop_and_knows_how_it_ended() {
    let process =
        asyncio::run(async { create_subprocess_exec("sleep").arg("1000").await.unwrap() });
    assert_eq!(process.returncode(), Some(-9));
    assert!(process.kill().is_err());
}

#[asyncio::test(workers = 2)]
async fn a_start_that_is_cancelled_leaves_no_child() {
    for round in 0..100_u32 {
        let mut start = std::pin::pin!(create_subprocess_exec("sleep").arg("98765.4321"));
        let polls = round % 4;
        for _ in 0..polls {
            let polled = std::future::poll_fn(|cx| Poll::Ready(start.as_mut().poll(cx))).await;
            if let Poll::Ready(process) = polled {
                process.unwrap().kill().unwrap();
                break;
            }
            asyncio::checkpoint().await;
        }
    }
    let none_left = async {
        while is_running("98765.4321") {
            asyncio::sleep(10 * TICK).await;
        }
    };
    wait_for(none_left, PATIENCE)
        .await
        .expect("all are killed and reaped");
}

/// Whether there is a process with such an argument, or a zombie of this process.
fn is_running(argument: &str) -> bool {
    let processes = std::fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    let mut lines = processes.filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok());
    lines.any(|line| {
        let mut words = line.split(|&byte| byte == 0);
        words.any(|word| word == argument.as_bytes())
    })
}

#[test]
fn children_leak_no_descriptor() {
    let count = || std::fs::read_dir("/proc/self/fd").unwrap().count();
    runtime_tests::alone(|| {
        let mut runner = Runner::builder().workers(2).build().unwrap();
        let one = async || {
            let mut process = create_subprocess_exec("true").stdout(PIPE).await.unwrap();
            process.communicate(None).await.unwrap();
        };
        runner.run(one());
        let before = count();
        runner.run(async {
            for _ in 0..100 {
                one().await;
            }
            let missing = create_subprocess_exec("/no/such/program")
                .stdout(PIPE)
                .await;
            assert!(missing.is_err());
        });
        let after = count();
        assert!(after <= before, "{after} descriptors, {before} before");
    });
}

/// How many children this process has, zombies among them.
fn children() -> usize {
    let threads = std::fs::read_dir("/proc/self/task").unwrap().flatten();
    let children = threads.map(|thread| thread.path().join("children"));
    // A thread may have ended meanwhile: its children are another's then.
    let children = children.filter_map(|children| std::fs::read_to_string(children).ok());
    children
        .map(|children| children.split_whitespace().count())
        .sum()
}

// Whichever step lacks a descriptor.
#[test]
fn a_start_that_lacks_descriptors_leaves_none_and_no_child() {
    let open = || std::fs::read_dir("/proc/self/fd").unwrap().count();
    runtime_tests::alone(|| {
        let mut runner = Runner::builder().workers(2).build().unwrap();
        let all = getrlimit(Resource::Nofile);
        let start = async || {
            let command = create_subprocess_exec("true").stdin(PIPE).stdout(PIPE);
            let process = command.stderr(PIPE).await?;
            process.wait().await
        };
        runner.run(start()).unwrap();
        let before = open();
        let mut failed = 0;
        for extra in 0..40 {
            let current = Some(before as u64 + extra);
            setrlimit(Resource::Nofile, Rlimit { current, ..all }).unwrap();
            let started = runner.run(start());
            setrlimit(Resource::Nofile, all).unwrap();
            match started {
                Ok(code) => assert_eq!(code, 0),
                Err(error) => {
                    assert_eq!(error.raw_os_error(), Some(24), "{extra}: {error}");
                    failed += 1;
                }
            }
            // The thread that has polled may have the child for a moment more.
            runner.run(async {
                let closed = async {
                    while open() > before {
                        asyncio::sleep(TICK).await;
                    }
                };
                let closed = wait_for(closed, PATIENCE).await;
                closed.expect("no descriptor is left");
            });
            assert_eq!(children(), 0, "with {extra}");
        }
        assert!(0 < failed && failed < 40, "{failed}");
    });
}
