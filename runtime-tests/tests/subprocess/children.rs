//! How a child exits, and what signals do.

use std::io;
use std::sync::Arc;

use super::*;

#[asyncio::test(workers = 2)]
async fn the_return_code_is_the_exit_status_or_the_signal() {
    for (command, code) in [
        ("exit 0", 0),
        ("exit 7", 7),
        ("exit 300", 300 % 256),
        ("kill -TERM $$", -15),
        ("kill -KILL $$", -9),
        ("no-such-command-anywhere 2>/dev/null", 127),
    ] {
        let process = create_subprocess_shell(command).await.unwrap();
        assert_eq!(process.wait().await.unwrap(), code, "{command}");
        assert_eq!(process.returncode(), Some(code));
        // Again, at once.
        assert_eq!(process.wait().await.unwrap(), code);
    }
}

#[asyncio::test(workers = 2)]
async fn the_return_code_is_unknown_until_the_exit() {
    let mut process = create_subprocess_exec("cat").stdin(PIPE).await.unwrap();
    assert_eq!(process.returncode(), None);
    process.stdin.take();
    assert_eq!(process.wait().await.unwrap(), 0);
}

#[asyncio::test(workers = 2)]
async fn many_tasks_may_wait() {
    let mut process = create_subprocess_exec("cat").stdin(PIPE).await.unwrap();
    let stdin = process.stdin.take();
    let process = Arc::new(process);
    let waiting: Vec<_> = (0..50)
        .map(|_| {
            let process = Arc::clone(&process);
            asyncio::create_task(async move { process.wait().await.unwrap() })
        })
        .collect();
    asyncio::checkpoint().await;
    drop(stdin);
    for task in waiting {
        assert_eq!(task.await.unwrap(), 0);
    }
}

#[asyncio::test(workers = 2)]
async fn signals_end_a_child() {
    let terminate = create_subprocess_exec("sleep").arg("1000").await.unwrap();
    terminate.terminate().unwrap();
    assert_eq!(terminate.wait().await.unwrap(), -15);
    let kill = create_subprocess_exec("sleep").arg("1000").await.unwrap();
    kill.kill().unwrap();
    assert_eq!(kill.wait().await.unwrap(), -9);
    let hangup = create_subprocess_exec("sleep").arg("1000").await.unwrap();
    hangup.send_signal(1).unwrap();
    assert_eq!(hangup.wait().await.unwrap(), -1);
}

#[asyncio::test(workers = 2)]
async fn no_signal_goes_to_a_child_that_has_exited() {
    let process = create_subprocess_exec("true").await.unwrap();
    process.wait().await.unwrap();
    for outcome in [process.kill(), process.terminate(), process.send_signal(0)] {
        assert!(outcome.is_err());
    }
    let error = process.kill().unwrap_err();
    assert_eq!(error.raw_os_error(), Some(3), "ESRCH");
}

#[asyncio::test(workers = 2)]
async fn a_signal_that_does_not_exist_is_refused() {
    let process = create_subprocess_exec("sleep").arg("1000").await.unwrap();
    let error = process.send_signal(4000).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    process.kill().unwrap();
    process.wait().await.unwrap();
}

#[asyncio::test(workers = 2)]
async fn the_exit_is_noticed_while_another_process_keeps_the_pipe() {
    let mut process = create_subprocess_shell("sleep 1000 & echo $!")
        .stdout(PIPE)
        .await
        .unwrap();
    let line = process.stdout.as_mut().unwrap().readline().await.unwrap();
    let waited = wait_for(process.wait(), PATIENCE).await;
    assert_eq!(waited.unwrap().unwrap(), 0);
    let sleeper = String::from_utf8(line.to_vec()).unwrap();
    output_of(create_subprocess_exec("kill").arg(sleeper.trim())).await;
}

#[asyncio::test(workers = 2)]
async fn two_hundred_children_at_once_are_all_reaped() {
    let mut children = Vec::new();
    for code in 0..200 {
        let command = create_subprocess_shell(format!("read line; exit {code}"));
        children.push(command.stdin(PIPE).await.unwrap());
    }
    for child in &mut children {
        child.stdin.take();
    }
    for (child, code) in children.iter().zip(0..) {
        assert_eq!(child.wait().await.unwrap(), code);
        assert!(!exists(child.pid()) || child.returncode().is_some());
    }
}

#[asyncio::test(workers = 2)]
async fn a_wait_that_is_cancelled_leaves_the_child_alone() {
    let mut process = create_subprocess_exec("cat").stdin(PIPE).await.unwrap();
    assert!(wait_for(process.wait(), TICK).await.is_err());
    assert_eq!(process.returncode(), None);
    process.stdin.take();
    assert_eq!(process.wait().await.unwrap(), 0);
}

#[asyncio::test(workers = 2)]
async fn a_pidfd_stands_for_the_child() {
    let process = create_subprocess_exec("sleep").arg("1000").await.unwrap();
    if let Some(pidfd) = process.pidfd() {
        rustix::process::pidfd_send_signal(pidfd, rustix::process::Signal::KILL).unwrap();
    } else {
        process.kill().unwrap();
    }
    assert_eq!(process.wait().await.unwrap(), -9);
}

/// A text that uses a process whenever it is written to.
struct Using<'a>(&'a asyncio::Process);

impl std::fmt::Write for Using<'_> {
    fn write_str(&mut self, _text: &str) -> std::fmt::Result {
        let _code = self.0.returncode();
        Ok(())
    }
}

// A text may be written to where it has to wait: the process is not locked meanwhile, or the thread
// that polls would wait for it.
#[test]
fn fault_a_process_is_not_locked_while_it_is_shown() {
    let (shown, is_shown) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        asyncio::run(async {
            let process = create_subprocess_exec("true").await.unwrap();
            std::fmt::Write::write_fmt(&mut Using(&process), format_args!("{process:?}")).unwrap();
            process.wait().await.unwrap();
        });
        shown.send(()).unwrap();
    });
    is_shown.recv_timeout(PATIENCE).expect("it is shown");
}
