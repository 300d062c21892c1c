//! Tests of look-ups: the threads of their own, and resolvers in place of the system.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Instant;

use asyncio::net::{Resolve, Resolving, SystemResolver};
use asyncio::{Runner, checkpoint, gather, get_running_loop, to_thread};
use runtime_tests::{alone, begun, soon, until, watched};

use super::*;

/// A name that the system refuses without asking anybody.
const NO_NAME: &str = "no name";

/// How many threads of this process look names up.
fn lookup_threads() -> usize {
    let threads = std::fs::read_dir("/proc/self/task").unwrap();
    threads
        .filter_map(|thread| std::fs::read_to_string(thread.ok()?.path().join("comm")).ok())
        .filter(|name| name.starts_with("asyncio-names"))
        .count()
}

/// A gate before the look-ups: while it is shut, the threads that make them hang when they start,
/// as they do if no name server answers.
#[derive(Clone, Default)]
struct Gate(Arc<(Mutex<bool>, Condvar)>);

impl Gate {
    /// For `on_thread_start`.
    fn pass(&self) {
        if std::thread::current().name() != Some("asyncio-names") {
            return;
        }
        let (open, opened) = &*self.0;
        let shut = opened.wait_while(open.lock().unwrap(), |open| !*open);
        drop(shut.unwrap());
    }

    fn open(&self) {
        *self.0.0.lock().unwrap() = true;
        self.0.1.notify_all();
    }

    fn builder(&self) -> asyncio::runners::Builder {
        let gate = self.clone();
        Runner::builder()
            .workers(2)
            .on_thread_start(move || gate.pass())
    }
}

#[test]
fn this_machine_is_found() {
    on_workers(2, async {
        let event_loop = get_running_loop();
        let found = event_loop.getaddrinfo("localhost", 8080).await.unwrap();
        assert!(!found.is_empty());
        for address in found {
            assert!(address.ip().is_loopback());
            assert_eq!(address.port(), 8080);
        }
        let (host, service) = event_loop
            .getnameinfo(([127, 0, 0, 1], 65000).into())
            .await
            .unwrap();
        assert!(!host.is_empty());
        assert_eq!(service, "65000");
    });
}

#[test]
fn an_address_that_is_written_out_needs_no_thread_and_no_resolver() {
    alone(|| {
        let unasked = |host: String, _port| async move { panic!("{host} was looked up") };
        let mut runner = Runner::builder().resolver(unasked).build().unwrap();
        runner.run(async {
            let event_loop = get_running_loop();
            for host in ["127.0.0.1", "::1"] {
                let found = event_loop.getaddrinfo(host, 80).await.unwrap();
                assert_eq!(found, [SocketAddr::new(host.parse().unwrap(), 80)]);
            }
            TcpListener::bind("127.0.0.1:0").await.unwrap();
            TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        });
        soon(|| lookup_threads() == 0);
    });
}

#[test]
fn an_error_names_the_host() {
    on_workers(2, async {
        let event_loop = get_running_loop();
        let expected = "failed to look up address information for no name:80: ";
        let errors = [
            event_loop.getaddrinfo(NO_NAME, 80).await.unwrap_err(),
            TcpStream::connect((NO_NAME, 80)).await.unwrap_err(),
            TcpStream::connect("no name:80").await.unwrap_err(),
            TcpListener::bind((NO_NAME, 80)).await.unwrap_err(),
        ];
        for error in errors {
            let text = error.to_string();
            assert!(text.starts_with(expected), "{text}");
            assert!(
                !text[expected.len()..].contains("lookup"),
                "said twice: {text}"
            );
        }
        let nul = event_loop.getaddrinfo("a\0b", 80).await.unwrap_err();
        assert_eq!(nul.kind(), io::ErrorKind::InvalidInput);
    });
}

#[test]
fn there_are_threads_when_there_are_look_ups_and_the_end_joins_them() {
    alone(|| {
        asyncio::run(async {
            assert_eq!(lookup_threads(), 0);
            let event_loop = get_running_loop();
            for _ in 0..20 {
                event_loop.getaddrinfo("localhost", 80).await.unwrap();
            }
            assert!((1..=8).contains(&lookup_threads()));
        });
        assert_eq!(lookup_threads(), 0);
    });
}

#[test]
fn threads_without_look_ups_leave_after_a_while() {
    alone(|| {
        let builder = Runner::builder().blocking_keep_alive(TICK);
        builder.build().unwrap().run(async {
            let event_loop = get_running_loop();
            for _ in 0..3 {
                event_loop.getaddrinfo("localhost", 80).await.unwrap();
                until(|| lookup_threads() == 0).await;
            }
        });
    });
}

#[test]
fn look_ups_have_eight_threads_and_the_same_look_up_takes_one() {
    alone(|| {
        let gate = Gate::default();
        gate.builder().build().unwrap().run(async {
            let event_loop = get_running_loop();
            let look_up = |port| create_task(event_loop.getaddrinfo("localhost", port));
            let mut tasks: Vec<_> = (0..50).map(|_| look_up(1)).collect();
            until(|| lookup_threads() == 1).await;
            for _ in 0..1000 {
                checkpoint().await;
            }
            assert_eq!(lookup_threads(), 1);
            // A thread that hangs when it starts wakes no other, so each comes with a look-up.
            let mut port = 2;
            until(|| {
                tasks.push(look_up(port));
                port += 1;
                lookup_threads() == 8
            })
            .await;
            for _ in 0..1000 {
                tasks.push(look_up(port));
                port += 1;
                checkpoint().await;
            }
            assert_eq!(lookup_threads(), 8);
            gate.open();
            for task in tasks {
                assert!(task.await.unwrap().unwrap()[0].ip().is_loopback());
            }
        });
    });
}

#[test]
fn look_ups_and_blocking_functions_do_not_take_threads_from_each_other() {
    watched(|| {
        let gate = Gate::default();
        let builder = gate.builder().max_blocking_threads(1);
        builder.build().unwrap().run(async {
            let event_loop = get_running_loop();
            let mut waiting = Vec::new();
            for port in 0..20 {
                waiting.push(begun(event_loop.getaddrinfo("localhost", port)).await);
            }
            assert_eq!(to_thread(|| 1).await.unwrap(), 1);
            gate.open();
            // The other way round.
            let (release, held) = std::sync::mpsc::channel::<()>();
            let blocked = to_thread(move || held.recv().is_ok());
            event_loop.getaddrinfo("localhost", 80).await.unwrap();
            release.send(()).unwrap();
            assert!(blocked.await.unwrap());
            for task in waiting {
                task.await.unwrap().unwrap();
            }
        });
    });
}

#[test]
fn a_look_up_that_is_given_up_ends_at_once_and_the_loop_does_not_wait_for_it() {
    watched(|| {
        let gate = Gate::default();
        let mut runner = gate.builder().build().unwrap();
        let begin = Instant::now();
        runner.run(async {
            let event_loop = get_running_loop();
            let task = begun(event_loop.getaddrinfo("localhost", 80)).await;
            task.cancel();
            assert!(task.await.unwrap_err().is_cancelled());
            let connecting = wait_for(TcpStream::connect("localhost:80"), TICK).await;
            assert!(connecting.is_err());
            // One that is left behind.
            let event_loop = get_running_loop();
            drop(begun(event_loop.getaddrinfo("localhost", 81)).await);
        });
        drop(runner);
        // The documented 200 ms, and room for a busy machine.
        assert!(
            begin.elapsed() < Duration::from_secs(5),
            "{:?}",
            begin.elapsed()
        );
        gate.open();
    });
}

#[test]
fn one_that_gives_up_does_not_give_up_for_the_others() {
    watched(|| {
        let gate = Gate::default();
        gate.builder().build().unwrap().run(async {
            let event_loop = get_running_loop();
            let look_up = || begun(event_loop.getaddrinfo("localhost", 80));
            let (first, second, third) = (look_up().await, look_up().await, look_up().await);
            first.cancel();
            assert!(first.await.unwrap_err().is_cancelled());
            third.cancel();
            assert!(third.await.unwrap_err().is_cancelled());
            gate.open();
            assert!(second.await.unwrap().unwrap()[0].ip().is_loopback());
        });
    });
}

#[test]
fn a_paused_clock_stands_still_until_the_system_has_answered() {
    watched(|| {
        let gate = Gate::default();
        let mut runner = gate.builder().start_paused(true).build().unwrap();
        runner.run(async {
            let event_loop = get_running_loop();
            let begin = event_loop.time();
            let look_up = TcpListener::bind(("localhost", 0));
            let look_up = wait_for(look_up, Duration::from_secs(3600));
            let opener = std::thread::spawn(move || {
                std::thread::sleep(Duration::from_millis(20));
                gate.open();
            });
            look_up.await.unwrap().unwrap();
            assert_eq!(event_loop.time(), begin);
            opener.join().unwrap();
            sleep(Duration::from_secs(3600)).await;
            event_loop.getnameinfo(loopback()).await.unwrap();
        });
    });
}

#[test]
fn a_look_up_that_was_given_up_does_not_hold_a_paused_clock() {
    watched(|| {
        let gate = Gate::default();
        let mut runner = gate.builder().start_paused(true).build().unwrap();
        runner.run(async {
            let event_loop = get_running_loop();
            let task = begun(event_loop.getaddrinfo("localhost", 80)).await;
            task.cancel();
            assert!(task.await.is_err());
            sleep(Duration::from_secs(3600)).await;
        });
        gate.open();
    });
}

#[test]
fn a_closed_loop_looks_nothing_up() {
    watched(|| {
        for used in [false, true] {
            let mut runner = Runner::new();
            let event_loop = runner.get_loop().clone();
            if used {
                let found = runner.run(event_loop.getaddrinfo("localhost", 80));
                assert!(found.is_ok());
            }
            runner.close();
            let closed = futures::executor::block_on(event_loop.getaddrinfo("localhost", 80));
            let error = closed.unwrap_err().to_string();
            assert!(error.contains("Event loop is closed"), "{error}");
        }
    });
}

#[test]
fn other_threads_and_executors_may_ask() {
    watched(|| {
        let runner = Runner::builder().workers(2).build().unwrap();
        let event_loop = runner.get_loop();
        let foreign = futures::executor::block_on(event_loop.getaddrinfo("localhost", 80));
        assert!(foreign.unwrap()[0].ip().is_loopback());
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let look_up = event_loop.getaddrinfo("localhost", 80);
                    assert!(event_loop.block_on(look_up).unwrap().is_ok());
                });
            }
        });
    });
}

#[test]
fn many_look_ups_at_once_are_all_answered() {
    on_workers(2, async {
        let event_loop = &get_running_loop();
        let look_ups = (0..500).map(|number| event_loop.getaddrinfo("localhost", number % 16));
        for found in gather(look_ups.collect::<Vec<_>>()).await.unwrap() {
            assert!(found.unwrap()[0].ip().is_loopback());
        }
    });
}

/// Knows one host, and nothing else; counts what it is asked.
#[derive(Clone, Default)]
struct OneHost(Arc<AtomicUsize>);

impl Resolve for OneHost {
    fn resolve<'a>(&'a self, host: &'a str, port: u16) -> Resolving<'a> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Box::pin(async move {
            // As long as a name server takes that is far away.
            sleep(Duration::from_secs(60)).await;
            match host {
                "here.test" => Ok(vec![([127, 0, 0, 1], port).into()]),
                "nowhere.test" => Ok(Vec::new()),
                "real" => SystemResolver.resolve("localhost", port).await,
                _ => Err(io::Error::new(io::ErrorKind::NotFound, "no such host")),
            }
        })
    }
}

async fn ask_one_host() {
    let event_loop = get_running_loop();
    let begin = event_loop.time();
    let found = event_loop.getaddrinfo("here.test", 80).await.unwrap();
    assert_eq!(found, [SocketAddr::from(([127, 0, 0, 1], 80))]);
    let error = event_loop.getaddrinfo("there.test", 80).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::NotFound);
    let text = "failed to look up address information for there.test:80: no such host";
    assert_eq!(error.to_string(), text);
    assert_eq!(
        event_loop.getaddrinfo("nowhere.test", 80).await.unwrap(),
        []
    );
    let error = TcpStream::connect("nowhere.test:80").await.unwrap_err();
    assert!(error.to_string().contains("nowhere.test:80"), "{error}");
    let listener = TcpListener::bind(("here.test", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let client = TcpStream::connect(("here.test", port)).await.unwrap();
    assert_eq!(client.peer_addr().unwrap(), listener.local_addr().unwrap());
    assert!(event_loop.time() - begin >= Duration::from_secs(360));
    let real = event_loop.getaddrinfo("real", 80).await.unwrap();
    assert!(real[0].ip().is_loopback());
}

#[test]
fn a_resolver_is_asked_in_place_of_the_system() {
    watched(|| {
        let resolver = OneHost::default();
        let builder = Runner::builder()
            .start_paused(true)
            .resolver(resolver.clone());
        builder.build().unwrap().run(ask_one_host());
        assert_eq!(resolver.0.load(Ordering::Relaxed), 7);
    });
}

#[test]
fn a_resolver_is_asked_under_any_seed() {
    watched(|| {
        for seed in 0..100 {
            let builder = Runner::builder().deterministic(seed);
            let builder = builder.resolver(OneHost::default());
            builder.build().unwrap().run(ask_one_host());
        }
    });
}

#[test]
fn under_a_seed_the_system_is_asked_on_the_thread_of_the_loop() {
    alone(|| {
        let schedule = |seed| {
            let mut runner = Runner::builder().deterministic(seed).build().unwrap();
            runner.run(async {
                let event_loop = &get_running_loop();
                let look_ups =
                    (0..20).map(|number| event_loop.getaddrinfo("localhost", number % 4));
                for found in gather(look_ups.collect::<Vec<_>>()).await.unwrap() {
                    assert!(found.unwrap()[0].ip().is_loopback());
                }
                assert_eq!(lookup_threads(), 0);
            });
            runner.get_loop().metrics().schedule
        };
        for seed in 0..50 {
            assert_eq!(schedule(seed), schedule(seed), "seed {seed}");
        }
    });
}

#[test]
fn a_cancelled_look_up_drops_the_future_of_the_resolver() {
    struct Noted(Arc<AtomicUsize>);
    impl Drop for Noted {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
    watched(|| {
        let dropped = Arc::new(AtomicUsize::new(0));
        let note = Arc::clone(&dropped);
        let resolver = move |_host: String, _port: u16| {
            let noted = Noted(Arc::clone(&note));
            async move {
                std::future::pending::<()>().await;
                drop(noted);
                Ok(Vec::new())
            }
        };
        let builder = Runner::builder().start_paused(true).resolver(resolver);
        builder.build().unwrap().run(async {
            let connecting = TcpStream::connect("anywhere:80");
            assert!(wait_for(connecting, Duration::from_secs(60)).await.is_err());
            assert_eq!(dropped.load(Ordering::SeqCst), 1);
        });
    });
}

#[test]
fn without_a_loop_the_system_resolver_is_an_error() {
    let resolving = SystemResolver.resolve("localhost", 80);
    let error = futures::executor::block_on(resolving).unwrap_err();
    assert!(
        error.to_string().contains("no running event loop"),
        "{error}"
    );
}

/// Limits the memory that this process may map.
fn limit_memory(limit: Option<usize>) {
    let limit = limit.map_or("unlimited".to_owned(), |limit| limit.to_string());
    let status = std::process::Command::new("prlimit")
        .args(["--pid", &std::process::id().to_string()])
        .arg(format!("--as={limit}:"))
        .status();
    assert!(status.expect("prlimit is there").success());
}

#[test]
fn without_any_thread_a_look_up_is_an_error() {
    alone(|| {
        let builder = Runner::builder().workers(1).thread_stack_size(1 << 30);
        builder.build().unwrap().run(async {
            let event_loop = get_running_loop();
            let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
            let pages = pages.split(' ').next().unwrap().parse::<usize>();
            limit_memory(Some(pages.unwrap() * 4096 + (256 << 20)));
            let refused = event_loop.getaddrinfo("localhost", 80).await.unwrap_err();
            let text = refused.to_string();
            assert!(text.contains("can't start new thread"), "{text}");
            assert!(text.contains("localhost:80"), "{text}");
            limit_memory(None);
            event_loop.getaddrinfo("localhost", 80).await.unwrap();
        });
    });
}
