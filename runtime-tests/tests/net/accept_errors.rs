//! Each error of `accept`, which `strace` puts in the place of a connection.

use std::sync::{Arc, Mutex};
use std::time::Instant;

use futures::StreamExt;
use runtime_tests::under_strace;

use super::*;

const CLIENTS: usize = 3;

/// An option of `strace`: the first `times` calls of `accept4` of a thread fail.
fn failing(error: &str, times: usize) -> String {
    format!("inject=accept4:error={error}:when=1..{times}")
}

/// Serves three clients by `incoming`, on one worker, so that one thread makes all calls. Returns
/// what has been reported, and how long it took.
fn served_by_incoming() -> (Vec<String>, Duration) {
    let reports = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&reports);
    let time = on_workers(1, async move {
        get_running_loop().set_exception_handler(move |_, context| {
            seen.lock().unwrap().push(context.message().to_owned());
        });
        let listener = TcpListener::bind(loopback()).await.unwrap();
        let address = listener.local_addr().unwrap();
        let connect = |_| std::net::TcpStream::connect(address).unwrap();
        let clients: Vec<_> = (0..CLIENTS).map(connect).collect();
        let begin = Instant::now();
        let mut incoming = listener.incoming();
        for mut client in clients {
            let stream = wait_for(incoming.next(), PATIENCE).await.unwrap().unwrap();
            stream.write_all(b"hello").await.unwrap();
            let mut buffer = [0; 5];
            std::io::Read::read_exact(&mut client, &mut buffer).unwrap();
            assert_eq!(&buffer, b"hello");
        }
        begin.elapsed()
    });
    (std::mem::take(&mut reports.lock().unwrap()), time)
}

/// The listener has paused once, for a second, and reported that.
fn assert_paused((reports, time): (Vec<String>, Duration), message: &str) {
    assert_eq!(reports, [message]);
    assert!(time >= Duration::from_secs(1), "{time:?}");
    assert!(time < Duration::from_secs(6), "{time:?}");
}

#[test]
fn fault_if_the_system_is_short_of_something_incoming_reports_it_and_tries_again_after_a_second() {
    for error in ["ENFILE", "ENOBUFS", "ENOMEM"] {
        let trace = under_strace(&["trace=accept4", &failing(error, 1)], || {
            let message = "socket.accept() out of system resource";
            assert_paused(served_by_incoming(), message);
        });
        let Some(trace) = trace else { return };
        assert_eq!(trace.injected(), 1, "{error}");
        let calls = trace.count("accept4");
        assert!(
            calls <= 2 * CLIENTS + 1,
            "{error}: {calls} calls: that is spinning"
        );
    }
}

#[test]
fn fault_an_error_of_one_connection_is_passed_over_without_a_pause() {
    for error in ["ECONNABORTED", "EPERM", "EPROTO"] {
        let trace = under_strace(&["trace=accept4", &failing(error, 16)], || {
            let (reports, time) = served_by_incoming();
            assert!(reports.is_empty(), "{reports:?}");
            assert!(time < Duration::from_secs(1), "{time:?}");
        });
        let Some(trace) = trace else { return };
        assert_eq!(trace.injected(), 16, "{error}");
        let calls = trace.count("accept4") - 16;
        assert!(
            calls <= 2 * CLIENTS,
            "{error}: {calls} calls: that is spinning"
        );
    }
}

// With an error that never ends, the loop would do nothing else.
#[test]
fn fault_seventeen_errors_of_one_connection_in_a_row_are_taken_for_one_of_the_system() {
    let trace = under_strace(&["trace=accept4", &failing("ECONNABORTED", 17)], || {
        assert_paused(served_by_incoming(), "Accept failed on a socket");
    });
    let Some(trace) = trace else { return };
    assert_eq!(trace.injected(), 17);
}

#[test]
fn fault_accept_itself_returns_each_error_and_the_listener_stays_good() {
    use rustix::io::Errno;
    let errors = [
        ("ENFILE", Errno::NFILE),
        ("ENOBUFS", Errno::NOBUFS),
        ("ENOMEM", Errno::NOMEM),
        ("ECONNABORTED", Errno::CONNABORTED),
        ("EPERM", Errno::PERM),
        ("EPROTO", Errno::PROTO),
    ];
    for (name, _) in errors {
        let trace = under_strace(&["trace=accept4", &failing(name, 1)], || {
            on_workers(1, async {
                let listener = TcpListener::bind(loopback()).await.unwrap();
                let _client = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
                let error = listener.accept().await.unwrap_err();
                let is_it = |(_, errno): &(_, Errno)| Some(*errno) == Errno::from_io_error(&error);
                assert!(errors.iter().any(is_it), "{error}");
                listener.accept().await.unwrap();
            });
        });
        let Some(trace) = trace else { return };
        assert_eq!((trace.injected(), trace.count("accept4")), (1, 2), "{name}");
    }
}
