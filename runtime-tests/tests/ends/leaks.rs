//! Loops that are closed while all of their kinds of descriptors are in use leave nothing.

use std::fs;
use std::sync::Arc;

use asyncio::signals::SIGUSR1;
use asyncio::{
    Event, PIPE, Process, Server, StreamReader, StreamWriter, create_subprocess_exec, create_task,
    get_running_loop, open_connection, start_server,
};
use runtime_tests::{alone, soon};
use rustix::io::Errno;
use rustix::process::{Signal, WaitId, WaitIdOptions, getpid, kill_process, waitid};

use super::workers;

/// What a loop has in use when it is closed.
struct InUse {
    _server: Server,
    _connection: (StreamReader, StreamWriter),
    _child: Process,
}

async fn echo(mut reader: StreamReader, writer: StreamWriter) {
    while let Ok(line) = reader.readline().await {
        if line.is_empty() {
            break;
        }
        writer.write(&line);
    }
}

/// Makes all that a loop can have in use, and uses each once.
async fn make() -> InUse {
    let come = Arc::new(Event::new());
    let set = Arc::clone(&come);
    let event_loop = get_running_loop();
    let handler = event_loop.add_signal_handler(SIGUSR1, move || set.set());
    handler.unwrap();
    kill_process(getpid(), Signal::USR1).unwrap();
    come.wait().await;

    let server = start_server(echo, "127.0.0.1:0").await.unwrap();
    let (mut reader, writer) = open_connection(server.local_addrs()[0]).await.unwrap();
    writer.write(b"to the server\n");
    assert_eq!(reader.readline().await.unwrap(), "to the server\n");

    let cat = create_subprocess_exec("cat").stdin(PIPE).stdout(PIPE);
    let mut child = cat.await.unwrap();
    child.stdin.as_ref().unwrap().write(b"to the child\n");
    let line = child.stdout.as_mut().unwrap().readline().await.unwrap();
    assert_eq!(line, "to the child\n");
    InUse {
        _server: server,
        _connection: (reader, writer),
        _child: child,
    }
}

/// Makes a loop and closes it. What is in use is kept by a task, or outlives the loop.
fn make_and_close(outlives: bool) {
    let mut runner = workers(2);
    let kept = runner.run(async move {
        let in_use = make().await;
        if outlives {
            return Some(in_use);
        }
        let _detached = create_task(async move {
            let _in_use = in_use;
            std::future::pending::<()>().await;
        });
        None
    });
    drop(runner);
    drop(kept);
}

fn entries(folder: &str) -> usize {
    fs::read_dir(folder).unwrap().count()
}

/// How much memory the process has, in KiB.
fn memory() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    number.expect("a number of KiB")
}

/// Waits until there are no more threads than there were.
fn no_more_threads(before: usize) {
    soon(|| entries("/proc/self/task") <= before);
}

/// Makes and closes many loops, and compares the process before and after.
fn nothing_grows(loops: u32) {
    let threads = entries("/proc/self/task");
    // The first ones make what the process keeps.
    for round in 0..20 {
        make_and_close(round % 2 == 0);
    }
    no_more_threads(threads);
    let (descriptors, before) = (entries("/proc/self/fd"), memory());
    for round in 0..loops {
        make_and_close(round % 2 == 0);
    }
    assert_eq!(entries("/proc/self/fd"), descriptors, "descriptors");
    no_more_threads(threads);
    let child = waitid(WaitId::All, WaitIdOptions::EXITED | WaitIdOptions::NOHANG);
    assert_eq!(
        child.err(),
        Some(Errno::CHILD),
        "there is no child, nor a zombie"
    );
    let grown = memory().saturating_sub(before);
    assert!(grown < 4096, "{grown} KiB more after {loops} loops");
}

#[test]
fn a_hundred_loops_that_are_closed_in_use_leave_nothing() {
    alone(|| nothing_grows(100));
}

#[test]
#[ignore = "it takes long: see CONTRIBUTING.md"]
fn a_thousand_loops_that_are_closed_in_use_leave_nothing() {
    alone(|| nothing_grows(1000));
}
