//! Signals interrupt system calls. No user of the loop sees that.
//!
//! A signal with a handler that is sent to a process goes to its main thread, as long as that can
//! take it; the main thread of a test only waits for the test. So the calls of the loop's threads
//! are interrupted in two other ways: `strace` makes them answer EINTR, and a process that is
//! stopped and continued has the waits of all its threads interrupted, also without a handler.

use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use asyncio::net::{UdpSocket, UnixDatagram, UnixListener, UnixStream};
use futures::future::join_all;
use runtime_tests::under_strace;
use rustix::process::{Pid, Signal, kill_process};

use super::*;

/// Asks over each of `connections` until `end`.
async fn echo_until(end: Instant, connections: usize) {
    let listener = TcpListener::bind(loopback()).await.unwrap();
    let address = listener.local_addr().unwrap();
    let ask = |_| async move {
        let stream = TcpStream::connect(address).await.unwrap();
        let mut number = 0_u32;
        while Instant::now() < end {
            stream.write_all(&number.to_be_bytes()).await.unwrap();
            let mut answer = [0; 4];
            stream.read_exact(&mut answer).await.unwrap();
            assert_eq!(u32::from_be_bytes(answer), number);
            number += 1;
        }
        assert!(number > 0);
    };
    let outcome = task_group(async |group| {
        let serving = group.create_task(serve(group.clone(), listener));
        join_all((0..connections).map(ask)).await;
        serving.cancel();
        Ok::<_, io::Error>(())
    });
    outcome.await.unwrap();
}

/// Sleeps in each of `tasks` until `end`; no sleep is lost, nor too short.
async fn sleep_until_end(end: Instant, tasks: u32) {
    let tasks = (1..=tasks).map(|number| {
        create_task(async move {
            while Instant::now() < end {
                let (begin, delay) = (Instant::now(), number * TICK / 10);
                let slept = wait_for(sleep(delay), PATIENCE).await;
                slept.expect("a timer is lost");
                assert!(begin.elapsed() >= delay);
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
}

/// Datagrams, a Unix socket and a file.
async fn other_sockets() {
    let (left, right) = (UdpSocket::bind(loopback()), UdpSocket::bind(loopback()));
    let (left, right) = (left.await.unwrap(), right.await.unwrap());
    for number in 0..20 {
        let to = right.local_addr().unwrap();
        assert_eq!(left.send_to(&[number; 3], to).await.unwrap(), 3);
        let mut buffer = [0; 8];
        assert_eq!(right.peek(&mut buffer).await.unwrap(), 3);
        assert_eq!(right.recv_from(&mut buffer).await.unwrap().0, 3);
        assert_eq!(buffer[..3], [number; 3]);
    }
    let path = socket_path("signals");
    let (left, right) = (UnixDatagram::unbound(), UnixDatagram::bind(&path));
    let (left, right) = (left.unwrap(), right.unwrap());
    for number in 0..20 {
        assert_eq!(left.send_to(&[number; 3], &path).await.unwrap(), 3);
        let mut buffer = [0; 8];
        assert_eq!(right.recv(&mut buffer).await.unwrap(), 3);
        assert_eq!(buffer[..3], [number; 3]);
    }
    std::fs::remove_file(&path).unwrap();
    let listener = UnixListener::bind(&path).unwrap();
    let client = UnixStream::connect(&path).await.unwrap();
    let (server, _address) = listener.accept().await.unwrap();
    std::fs::remove_file(path).unwrap();
    let file = std::fs::File::open("/proc/self/exe").unwrap();
    let sending = create_task(async move {
        let event_loop = get_running_loop();
        event_loop.sendfile(&server, &file, 0, Some(500_000)).await
    });
    let mut received = vec![0; 500_000];
    client.read_exact(&mut received).await.unwrap();
    assert_eq!(sending.await.unwrap().unwrap(), 500_000);
    let mut begin = vec![0; 500_000];
    let mut file = std::fs::File::open("/proc/self/exe").unwrap();
    file.read_exact(&mut begin).unwrap();
    assert!(received == begin);
}

#[test]
fn fault_each_second_system_call_of_a_socket_is_interrupted_and_nobody_sees_it() {
    let calls = "recvfrom,sendto,recvmsg,sendmsg,accept4,sendfile,epoll_wait,epoll_pwait,\
                 ?epoll_pwait2";
    let inject = format!("inject={calls}:error=EINTR:when=1+2");
    let trace = under_strace(&[&format!("trace={calls}"), &inject], || {
        on_workers(2, async {
            let end = Instant::now() + Duration::from_millis(500);
            let sleeps = create_task(sleep_until_end(end, 20));
            echo_until(end, 10).await;
            other_sockets().await;
            sleeps.await.unwrap();
        });
    });
    let Some(trace) = trace else { return };
    for call in ["recvfrom", "sendto", "accept4", "sendfile"] {
        assert!(trace.injected_into(call) > 0, "no {call} was interrupted");
    }
    assert!(trace.injected() > 100, "only {} calls", trace.injected());
}

// A callback that is called in vain may block its worker.
#[test]
fn fault_a_reader_is_not_called_because_the_look_at_its_descriptor_was_interrupted() {
    let options = [
        "trace=poll,?ppoll",
        "inject=poll,?ppoll:error=EINTR:when=1..9",
    ];
    let trace = under_strace(&options, || {
        on_workers(2, async {
            let event_loop = get_running_loop();
            let (mut reader, mut writer) = std::os::unix::net::UnixStream::pair().unwrap();
            reader.set_nonblocking(true).unwrap();
            let watched = reader.try_clone().unwrap();
            let [read, in_vain] = [(); 2].map(|()| Arc::new(AtomicUsize::new(0)));
            let (count, vain) = (Arc::clone(&read), Arc::clone(&in_vain));
            let callback = move || {
                match reader.read_exact(&mut [0; 1]) {
                    Ok(()) => count.fetch_add(1, Ordering::Relaxed),
                    Err(_) => vain.fetch_add(1, Ordering::Relaxed),
                };
            };
            // There is nothing to read yet, and all looks of both workers are interrupted.
            event_loop.add_reader(&watched, callback).unwrap();
            sleep(20 * TICK).await;
            assert_eq!(in_vain.load(Ordering::Relaxed), 0, "called in vain");
            writer.write_all(b"x").unwrap();
            until(|| read.load(Ordering::Relaxed) == 1).await;
            assert!(event_loop.remove_reader(&watched));
        });
    });
    let Some(trace) = trace else { return };
    assert!(trace.injected() >= 9, "only {} calls", trace.injected());
}

#[test]
#[ignore = "the other process of the test below"]
fn works_for_two_seconds() {
    on_workers(2, async {
        let end = Instant::now() + Duration::from_secs(2);
        let sleeps = create_task(sleep_until_end(end, 50));
        echo_until(end, 20).await;
        sleeps.await.unwrap();
    });
}

/// Ends the process at the end of a test, also of one that fails.
struct Killed(std::process::Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ended = self.0.kill();
        let _ended = self.0.wait();
    }
}

#[test]
fn fault_a_storm_of_signals_loses_no_timer_and_no_byte() {
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "signals::works_for_two_seconds"])
        .args(["--ignored", "--nocapture", "--test-threads=1"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = Killed(child.unwrap());
    let id = Pid::from_child(&child.0);
    let begin = Instant::now();
    let mut stops = 0;
    let status = loop {
        kill_process(id, Signal::STOP).unwrap();
        kill_process(id, Signal::CONT).unwrap();
        stops += 1;
        // Time in which it runs.
        std::thread::sleep(TICK / 2);
        if let Some(status) = child.0.try_wait().unwrap() {
            break status;
        }
        assert!(begin.elapsed() < 3 * PATIENCE, "it does not end");
    };
    let mut said = String::new();
    let mut errors = child.0.stderr.take().unwrap();
    errors.read_to_string(&mut said).unwrap();
    assert!(status.success(), "{status}\n{said}");
    assert!(!said.contains("the poller failed"), "{said}");
    assert!(stops > 500, "only {stops} stops");
}
