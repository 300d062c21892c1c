//! Tests of the standard streams. The program under test is this one, started again.

use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use asyncio::io::{copy, stderr, stdin, stdout};
use futures::io::{AsyncBufReadExt, BufReader};
use futures::{AsyncReadExt, AsyncWriteExt, StreamExt};
use runtime_tests::watched;
use rustix::fs::{OFlags, fcntl_getfl};

use super::*;

/// Names what the child is to do.
const ROLE: &str = "STANDARD_STREAMS_ROLE";

/// Between these the child writes; the test harness writes around them.
const BEGIN: &str = "<<<";
const END: &str = ">>>";

/// Starts this program again, in a role.
fn child(role: &str, input: impl Into<Stdio>, output: impl Into<Stdio>) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["standard::child_process", "--exact", "--nocapture"])
        .env(ROLE, role)
        .stdin(input)
        .stdout(output)
        .spawn()
        .unwrap()
}

/// What a child wrote between the marks.
fn between_marks(all: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(all);
    let begin = text.find(BEGIN).expect("it has begun") + BEGIN.len();
    let end = text.rfind(END).expect("it has ended");
    all[begin..end].to_vec()
}

#[test]
fn child_process() {
    let Ok(role) = std::env::var(ROLE) else {
        return;
    };
    print!("{BEGIN}");
    std::io::stdout().flush().unwrap();
    let without_loop = stdin();
    let ended = Instant::now();
    watched(|| {
        asyncio::run(async {
            match &*role {
                "upper" => upper().await,
                "copy" => {
                    let mut output = stdout();
                    copy(stdin(), &mut output).await.unwrap();
                }
                "patient" => patient(stdin()).await,
                "patient thread" => patient(without_loop).await,
                "waits" => wait_a_little(stdin()).await,
                "waits thread" => wait_a_little(without_loop).await,
                _ => panic!("unknown role {role}"),
            }
        });
    });
    if role.starts_with("waits") {
        assert!(ended.elapsed() < Duration::from_secs(5), "it hangs");
    }
    print!("{END}");
    std::io::stdout().flush().unwrap();
}

async fn upper() {
    let mut output = stdout();
    let mut lines = BufReader::new(stdin()).lines();
    while let Some(line) = lines.next().await {
        let line = line.unwrap().to_uppercase() + "\n";
        output.write_all(line.as_bytes()).await.unwrap();
        output.flush().await.unwrap();
    }
    stderr().write_all(b"").await.unwrap();
}

/// Copies the input with reads that time out.
async fn patient(mut input: asyncio::io::Stdin) {
    let mut output = stdout();
    let mut buffer = [0; 7];
    loop {
        match wait_for(input.read(&mut buffer), TICK / 10).await {
            Ok(Ok(0)) => break,
            Ok(read) => output.write_all(&buffer[..read.unwrap()]).await.unwrap(),
            Err(TimeoutError) => {}
        }
    }
    output.flush().await.unwrap();
}

async fn wait_a_little(mut input: asyncio::io::Stdin) {
    let read = wait_for(input.read(&mut [0; 8]), 5 * TICK).await;
    assert!(matches!(read, Err(TimeoutError)));
}

/// Whether the file description is set to be non-blocking, which all that share it would notice.
fn is_nonblocking(fd: impl AsFd) -> bool {
    fcntl_getfl(fd).unwrap().contains(OFlags::NONBLOCK)
}

#[test]
fn a_conversation_through_pipes() {
    watched(|| {
        let (input, mut to_child) = blocking_pipe();
        let (mut from_child, output) = blocking_pipe();
        let (shared_input, shared_output) =
            (input.try_clone().unwrap(), output.try_clone().unwrap());
        let mut child = child("upper", input, output);
        let mut answer = Vec::new();
        for line in ["one\n", "two\n", "three\n"] {
            to_child.write_all(line.as_bytes()).unwrap();
            while !answer.ends_with(line.to_uppercase().as_bytes()) {
                let mut byte = [0];
                from_child.read_exact(&mut byte).unwrap();
                answer.push(byte[0]);
            }
            assert!(!is_nonblocking(&shared_input));
            assert!(!is_nonblocking(&shared_output));
        }
        drop((to_child, shared_input, shared_output));
        from_child.read_to_end(&mut answer).unwrap();
        assert!(child.wait().unwrap().success());
        assert_eq!(between_marks(&answer), b"ONE\nTWO\nTHREE\n");
    });
}

#[test]
fn a_conversation_through_sockets() {
    watched(|| {
        let (mut ours, theirs) = std::os::unix::net::UnixStream::pair().unwrap();
        let shared = theirs.try_clone().unwrap();
        let stdio = |socket: &std::os::unix::net::UnixStream| {
            Stdio::from(OwnedFd::from(socket.try_clone().unwrap()))
        };
        let mut child = child("upper", stdio(&theirs), stdio(&theirs));
        drop(theirs);
        ours.write_all(b"one\ntwo\n").unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"TWO\n") {
            let mut byte = [0];
            ours.read_exact(&mut byte).unwrap();
            answer.push(byte[0]);
        }
        assert!(!is_nonblocking(&shared));
        drop(shared);
        ours.shutdown(std::net::Shutdown::Write).unwrap();
        ours.read_to_end(&mut answer).unwrap();
        assert!(child.wait().unwrap().success());
        assert_eq!(between_marks(&answer), b"ONE\nTWO\n");
    });
}

#[test]
fn a_terminal_stays_blocking_for_others() {
    watched(|| {
        use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
        let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&ours).unwrap();
        unlockpt(&ours).unwrap();
        let name = ptsname(&ours, Vec::new()).unwrap().into_string().unwrap();
        let open = || {
            let options = OFlags::RDWR | OFlags::NOCTTY;
            rustix::fs::open(&*name, options, rustix::fs::Mode::empty()).unwrap()
        };
        let terminal = open();
        let mut ours = std::fs::File::from(ours);
        let (input, output) = (terminal.try_clone().unwrap(), terminal.try_clone().unwrap());
        let mut child = child("upper", input, output);
        let mut answer = Vec::new();
        let mut read_to = |ours: &mut std::fs::File, expected: &[u8]| {
            while !answer.ends_with(expected) {
                let mut byte = [0];
                ours.read_exact(&mut byte).unwrap();
                answer.push(byte[0]);
            }
        };
        // Two lines at once: a terminal hands out one after the other.
        ours.write_all(b"one\ntwo\n").unwrap();
        read_to(&mut ours, b"TWO\r\n");
        assert!(!is_nonblocking(&terminal));
        // Control and D: the end.
        ours.write_all(b"\x04").unwrap();
        read_to(&mut ours, END.as_bytes());
        assert!(!is_nonblocking(&terminal));
        // What the test harness still writes must have room.
        std::thread::spawn(move || {
            let mut rest = Vec::new();
            let _hung_up = ours.read_to_end(&mut rest);
        });
        assert!(child.wait().unwrap().success());
    });
}

#[test]
fn files_are_read_and_written_by_threads() {
    watched(|| {
        let (from, to) = (socket_path("file-from"), socket_path("file-to"));
        let data: String = (0..50_000).map(|number| format!("{number}\n")).collect();
        std::fs::write(&from, &data).unwrap();
        let input = std::fs::File::open(&from).unwrap();
        let output = std::fs::File::create(&to).unwrap();
        let mut child = child("copy", input, output);
        assert!(child.wait().unwrap().success());
        assert!(between_marks(&std::fs::read(&to).unwrap()) == data.as_bytes());
        for path in [from, to] {
            std::fs::remove_file(path).unwrap();
        }
    });
}

#[test]
fn a_closed_or_empty_input_has_an_end() {
    watched(|| {
        for _ in 0..3 {
            let child = child("copy", Stdio::null(), Stdio::piped());
            let output = child.wait_with_output().unwrap();
            assert!(output.status.success());
            assert_eq!(between_marks(&output.stdout), b"");
        }
    });
}

#[track_caller]
fn reads_that_time_out_lose_nothing(role: &str) {
    watched(|| {
        let mut child = child(role, Stdio::piped(), Stdio::piped());
        let mut to_child = child.stdin.take().unwrap();
        let writing = std::thread::spawn(move || {
            for number in 0..300 {
                to_child.write_all(format!("{number};").as_bytes()).unwrap();
                std::thread::yield_now();
            }
        });
        let output = child.wait_with_output().unwrap();
        writing.join().unwrap();
        assert!(output.status.success());
        let expected: String = (0..300).map(|number| format!("{number};")).collect();
        assert_eq!(between_marks(&output.stdout), expected.as_bytes());
    });
}

#[test]
fn reads_of_the_input_that_time_out_lose_nothing() {
    reads_that_time_out_lose_nothing("patient");
}

#[test]
fn reads_by_the_thread_that_time_out_lose_nothing() {
    reads_that_time_out_lose_nothing("patient thread");
}

#[track_caller]
fn a_read_that_waits_does_not_hold_up_the_end(role: &str) {
    watched(|| {
        // Nothing is ever written into it.
        let (input, to_child) = blocking_pipe();
        let child = child(role, input, Stdio::piped());
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success());
        assert_eq!(between_marks(&output.stdout), b"");
        drop(to_child);
    });
}

#[test]
fn a_read_of_the_input_that_waits_does_not_hold_up_the_end() {
    a_read_that_waits_does_not_hold_up_the_end("waits");
}

#[test]
fn a_read_by_the_thread_that_waits_does_not_hold_up_the_end() {
    a_read_that_waits_does_not_hold_up_the_end("waits thread");
}
