//! Handlers and streams of signals. Each test is alone in its process.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use asyncio::signals::{SIGHUP, SIGKILL, SIGSTOP, SIGUSR1, SIGUSR2, SIGWINCH};
use asyncio::{Event, get_running_loop};
use futures::StreamExt;
use runtime_tests::{alone, on_workers};
use rustix::process::{Resource, Rlimit, Signal, getpid, getrlimit, kill_process, setrlimit};

fn send(signal: Signal) {
    kill_process(getpid(), signal).unwrap();
}

/// An event, and what sets it.
fn event() -> (Arc<Event>, impl FnMut() + Send) {
    let event = Arc::new(Event::new());
    let set = Arc::clone(&event);
    (event, move || set.set())
}

#[test]
fn a_handler_is_called_until_it_is_removed() {
    alone(|| {
        on_workers(2, async {
            let event_loop = get_running_loop();
            let (first, set) = event();
            event_loop.add_signal_handler(SIGUSR1, set).unwrap();
            for _ in 0..3 {
                send(Signal::USR1);
                first.wait().await;
                first.clear();
            }
            let (second, set) = event();
            event_loop.add_signal_handler(SIGUSR1, set).unwrap();
            send(Signal::USR1);
            second.wait().await;
            assert!(!first.is_set(), "it was replaced");
            assert!(event_loop.remove_signal_handler(SIGUSR1));
            assert!(!event_loop.remove_signal_handler(SIGUSR1));
            assert!(!event_loop.remove_signal_handler(SIGUSR2));
        });
    });
}

#[test]
fn a_signal_that_cannot_be_handled_is_refused() {
    alone(|| {
        on_workers(2, async {
            let event_loop = get_running_loop();
            for signal in [SIGKILL, SIGSTOP, 0, -1, 4000] {
                let error = event_loop.add_signal_handler(signal, || {}).unwrap_err();
                assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{signal}");
                assert!(event_loop.signal(signal).is_err(), "{signal}");
            }
        });
    });
}

#[test]
fn handlers_may_be_added_from_any_thread() {
    alone(|| {
        on_workers(2, async {
            let event_loop = get_running_loop();
            let (come, set) = event();
            let other = event_loop.clone();
            let added = std::thread::spawn(move || other.add_signal_handler(SIGHUP, set));
            added.join().unwrap().unwrap();
            send(Signal::HUP);
            come.wait().await;
        });
    });
}

#[test]
fn each_stream_and_each_loop_sees_the_signal() {
    alone(|| {
        let ready = Arc::new(std::sync::Barrier::new(3));
        let all_ready = ready.clone();
        let wait = move || {
            on_workers(2, async {
                let event_loop = get_running_loop();
                let mut streams = [(); 3].map(|()| event_loop.signal(SIGUSR1).unwrap());
                ready.wait();
                for stream in &mut streams {
                    assert_eq!(stream.next().await, Some(()));
                }
            });
        };
        let others = [std::thread::spawn(wait.clone()), std::thread::spawn(wait)];
        all_ready.wait();
        send(Signal::USR1);
        for other in others {
            other.join().unwrap();
        }
    });
}

#[test]
fn a_closed_loop_has_no_handlers() {
    alone(|| {
        let calls = Arc::new(AtomicUsize::new(0));
        let count = calls.clone();
        on_workers(2, async move {
            let call = move || {
                count.fetch_add(1, Ordering::Relaxed);
            };
            // One whose default is to do nothing, since it is the default again afterwards.
            get_running_loop()
                .add_signal_handler(SIGWINCH, call)
                .unwrap();
        });
        assert_eq!(Arc::strong_count(&calls), 1, "the handler is dropped");
        send(Signal::WINCH);
        assert_eq!(calls.load(Ordering::Relaxed), 0);
    });
}

#[test]
fn signals_leave_no_descriptor() {
    alone(|| {
        let count = || std::fs::read_dir("/proc/self/fd").unwrap().count();
        on_workers(2, async {
            let event_loop = get_running_loop();
            event_loop.add_signal_handler(SIGUSR1, || {}).unwrap();
            event_loop.remove_signal_handler(SIGUSR1);
            let before = count();
            for _ in 0..100 {
                event_loop.add_signal_handler(SIGUSR1, || {}).unwrap();
                drop(event_loop.signal(SIGUSR2).unwrap());
            }
            assert!(event_loop.remove_signal_handler(SIGUSR1));
            assert!(
                count() <= before,
                "{} descriptors, {before} before",
                count()
            );
        });
    });
}

// Whoever comes last wins, and nothing stays that cannot be removed.
#[test]
fn fault_a_handler_that_is_replaced_or_removed_while_it_is_added_does_not_stay() {
    alone(|| {
        let calls = Arc::new(AtomicUsize::new(0));
        on_workers(2, async {
            let event_loop = get_running_loop();
            let change = || {
                let (event_loop, calls) = (event_loop.clone(), calls.clone());
                move || {
                    for _ in 0..2000 {
                        let calls = calls.clone();
                        let call = move || {
                            calls.fetch_add(1, Ordering::Relaxed);
                        };
                        event_loop.add_signal_handler(SIGWINCH, call).unwrap();
                        event_loop.remove_signal_handler(SIGWINCH);
                    }
                }
            };
            let threads = [(); 3].map(|()| std::thread::spawn(change()));
            for thread in threads {
                thread.join().unwrap();
            }
            event_loop.remove_signal_handler(SIGWINCH);
            let kept = || Arc::strong_count(&calls) - 1;
            // A callback that is stopped may be dropped by the loop, a little later.
            for _ in 0..1000 {
                if kept() == 0 {
                    break;
                }
                asyncio::sleep(std::time::Duration::from_millis(1)).await;
            }
            assert_eq!(kept(), 0, "handlers are left");
        });
    });
}

#[test]
fn a_handler_that_cannot_be_replaced_stays() {
    alone(|| {
        on_workers(2, async {
            let event_loop = get_running_loop();
            let all = getrlimit(Resource::Nofile);
            let mut failed = 0;
            for extra in 0..20 {
                let (old, set_old) = event();
                let (new, set_new) = event();
                event_loop.add_signal_handler(SIGUSR1, set_old).unwrap();
                let open = std::fs::read_dir("/proc/self/fd").unwrap().count();
                let current = Some(open as u64 + extra);
                setrlimit(Resource::Nofile, Rlimit { current, ..all }).unwrap();
                let replaced = event_loop.add_signal_handler(SIGUSR1, set_new);
                setrlimit(Resource::Nofile, all).unwrap();
                failed += usize::from(replaced.is_err());
                send(Signal::USR1);
                match replaced {
                    Ok(()) => new.wait().await,
                    Err(_) => old.wait().await,
                };
                assert!(event_loop.remove_signal_handler(SIGUSR1));
            }
            assert!(0 < failed && failed < 20, "{failed}");
        });
    });
}
