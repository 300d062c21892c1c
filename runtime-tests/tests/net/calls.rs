//! How many system calls a server makes for an echo, and how many workers an event wakes.
//!
//! The calls are counted by `strace`. The client is a thread of the same process, which uses `read`
//! and `write`: `recvfrom`, `sendto`, waits in the poller and most futexes are the server's.

use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::sync::mpsc;

use asyncio::EventLoop;
use runtime_tests::{Trace, under_strace};

use super::*;

/// The portable poller registers a descriptor again for each event, and makes more calls.
fn is_portable() -> bool {
    let portable = std::env::var_os("ASYNCIO_POLLER").is_some();
    if portable {
        let _written = writeln!(io::stderr(), "skipped: other pollers make more calls");
    }
    portable
}

/// Runs a client in a thread, with this number of connections to a server that echoes.
fn serve_a_thread<T: Send + 'static>(
    workers: usize,
    connections: usize,
    client: impl FnOnce(Vec<File>, EventLoop) -> T + Send + 'static,
) -> T {
    on_workers(workers, async move {
        let listener = TcpListener::bind(loopback()).await.unwrap();
        let address = listener.local_addr().unwrap();
        let event_loop = get_running_loop();
        let outcome = task_group(async |group| {
            let serving = group.create_task(serve(group.clone(), listener));
            let client = to_thread(move || {
                let connect = |_| {
                    let stream = std::net::TcpStream::connect(address).unwrap();
                    stream.set_nodelay(true).unwrap();
                    File::from(OwnedFd::from(stream))
                };
                client((0..connections).map(connect).collect(), event_loop)
            });
            let answer = client.await.unwrap();
            serving.cancel();
            Ok::<_, io::Error>(answer)
        });
        outcome.await.unwrap()
    })
}

/// Asks once over a connection, and waits for the answer.
fn ask(stream: &mut File) {
    stream.write_all(&[7; 64]).unwrap();
    stream.read_exact(&mut [0; 64]).unwrap();
}

/// How often somebody has waited in the poller, for as long as it takes. A busy worker looks into
/// it besides, without waiting, each 100 µs: how often that is depends on the machine, and on how
/// slow `strace` makes it.
fn waits(trace: &Trace) -> usize {
    let calls = ["epoll_wait", "epoll_pwait", "epoll_pwait2"];
    let all: usize = calls.into_iter().map(|call| trace.count(call)).sum();
    // The room for events, and the timeout.
    all - trace.matches("256, 0")
}

const ECHOES: usize = 500;

// The read is short, which shows that the next one would block: it is not made. One connection
// alone has one wait for each question. The futexes are those of the start and the end: if each
// event woke another worker, and that one went to sleep again, there would be two for each.
#[test]
fn an_echo_over_one_connection_is_one_read_one_write_and_one_wait() {
    if is_portable() {
        return;
    }
    let waits_and_futexes = "trace=recvfrom,sendto,epoll_wait,epoll_pwait,?epoll_pwait2,futex";
    let trace = under_strace(&[waits_and_futexes], || {
        serve_a_thread(4, 1, |mut streams, _| {
            for _ in 0..ECHOES {
                ask(&mut streams[0]);
            }
        });
    });
    let Some(trace) = trace else { return };
    assert_eq!(trace.count("sendto"), ECHOES);
    let reads = trace.count("recvfrom");
    // One more finds the end of the stream; some more find nothing, before the first question.
    assert!(reads <= ECHOES + 10, "{reads} reads");
    let waits = waits(&trace);
    assert!(waits <= ECHOES + ECHOES / 2, "{waits} waits");
    let futexes = trace.count("futex");
    assert!(futexes <= ECHOES, "{futexes} calls for futexes");
}

const CONNECTIONS: usize = 50;
const ROUNDS: usize = 20;

/// Blocks the worker while all questions of a round are written, and lets it answer them then.
fn ask_at_once(streams: &mut [File], event_loop: &EventLoop) {
    let (begun, has_begun) = mpsc::channel();
    let (written, all_written) = mpsc::channel();
    let hog = event_loop.create_task(async move {
        begun.send(()).unwrap();
        all_written.recv().unwrap();
    });
    has_begun.recv().unwrap();
    for stream in &mut *streams {
        stream.write_all(&[7; 64]).unwrap();
    }
    written.send(()).unwrap();
    for stream in streams {
        stream.read_exact(&mut [0; 64]).unwrap();
    }
    drop(hog);
}

#[test]
fn an_echo_over_fifty_connections_is_one_read_and_one_write() {
    if is_portable() {
        return;
    }
    let trace = under_strace(&["trace=recvfrom,sendto"], || {
        serve_a_thread(1, CONNECTIONS, |mut streams, event_loop| {
            for _ in 0..ROUNDS {
                ask_at_once(&mut streams, &event_loop);
            }
        });
    });
    let Some(trace) = trace else { return };
    assert_eq!(trace.count("sendto"), CONNECTIONS * ROUNDS);
    let reads = trace.count("recvfrom");
    assert!(reads <= CONNECTIONS * (ROUNDS + 3), "{reads} reads");
}

#[test]
fn questions_that_come_together_share_their_waits() {
    if is_portable() {
        return;
    }
    let trace = under_strace(&["trace=epoll_wait,epoll_pwait,?epoll_pwait2"], || {
        serve_a_thread(1, CONNECTIONS, |mut streams, event_loop| {
            for _ in 0..ROUNDS {
                ask_at_once(&mut streams, &event_loop);
            }
        });
    });
    let Some(trace) = trace else { return };
    let (waits, echoes) = (waits(&trace), CONNECTIONS * ROUNDS);
    // One for each round, one that the client's task interrupts, and those of the connecting.
    assert!(waits <= echoes / 2, "{waits} waits for {echoes} echoes");
}

// A worker that is woken in vain parks once more.
#[test]
fn a_lone_event_wakes_no_other_worker() {
    let (parks, steals) = serve_a_thread(4, 1, |mut streams, event_loop| {
        let mut ask_often = |times| (0..times).for_each(|_| ask(&mut streams[0]));
        ask_often(50);
        let before = event_loop.metrics();
        ask_often(ECHOES);
        let after = event_loop.metrics();
        (after.parks - before.parks, after.steals - before.steals)
    });
    assert!(parks <= (ECHOES + ECHOES / 4) as u64, "{parks} parks");
    assert!(steals <= ECHOES as u64 / 10, "{steals} steals");
}
