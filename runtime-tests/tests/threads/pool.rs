//! Tests of the threads of the pool: how many there are, how long they live, and what happens if
//! none can be started.

use super::*;

fn pool_threads() -> usize {
    let threads = std::fs::read_dir("/proc/self/task").unwrap();
    threads
        .filter_map(|thread| std::fs::read_to_string(thread.ok()?.path().join("comm")).ok())
        .filter(|name| name.starts_with("asyncio-blockin"))
        .count()
}

#[test]
fn functions_run_side_by_side_up_to_the_bound_and_no_further() {
    watched(|| {
        let builder = Runner::builder().workers(2).max_blocking_threads(3);
        builder.build().unwrap().run(async {
            let (meeting, running) = (Arc::new(Barrier::new(3)), Arc::new(AtomicUsize::new(0)));
            let most = Arc::new(AtomicUsize::new(0));
            let calls: Vec<_> = (0..30)
                .map(|_| {
                    let (meeting, running, most) = (meeting.clone(), running.clone(), most.clone());
                    to_thread(move || {
                        let now = running.fetch_add(1, Ordering::SeqCst) + 1;
                        most.fetch_max(now, Ordering::SeqCst);
                        meeting.wait();
                        running.fetch_sub(1, Ordering::SeqCst);
                    })
                })
                .collect();
            for call in calls {
                call.await.unwrap();
            }
            assert_eq!(most.load(Ordering::SeqCst), 3);
        });
    });
}

#[test]
fn the_close_joins_every_thread() {
    alone(|| {
        asyncio::run(async {
            for _ in 0..100 {
                to_thread(|| ()).await.unwrap();
            }
            assert!(pool_threads() > 0);
        });
        soon(|| pool_threads() == 0);
    });
}

#[test]
fn threads_without_work_leave_after_a_while_and_others_come() {
    alone(|| {
        let builder = Runner::builder()
            .workers(1)
            .blocking_keep_alive(Duration::from_millis(1));
        builder.build().unwrap().run(async {
            for _ in 0..3 {
                let meeting = Arc::new(Barrier::new(4));
                let calls = [(); 4].map(|()| {
                    let meeting = meeting.clone();
                    to_thread(move || meeting.wait().is_leader())
                });
                for call in calls {
                    call.await.unwrap();
                }
                until(|| pool_threads() == 0).await;
            }
        });
    });
}

#[test]
fn ten_thousand_functions_give_ten_thousand_values() {
    on_workers(2, async {
        let calls: Vec<_> = (0..10_000)
            .map(|number| to_thread(move || number))
            .collect();
        for (number, call) in calls.into_iter().enumerate() {
            assert_eq!(call.await.unwrap(), number);
        }
    });
}

#[test]
fn every_thread_of_the_pool_runs_both_hooks_once() {
    watched(|| {
        let (starts, stops) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let count = |counter: &Arc<AtomicUsize>| {
            let counter = counter.clone();
            move || {
                if thread::current().name() == Some("pooled-blocking") {
                    counter.fetch_add(1, Ordering::SeqCst);
                }
            }
        };
        let builder = Runner::builder()
            .workers(1)
            .thread_name("pooled")
            .on_thread_start(count(&starts))
            .on_thread_stop(count(&stops));
        builder.build().unwrap().run(async {
            let meeting = Arc::new(Barrier::new(2));
            let calls = [(); 2].map(|()| {
                let meeting = meeting.clone();
                to_thread(move || meeting.wait().is_leader())
            });
            for call in calls {
                call.await.unwrap();
            }
        });
        let counted = (starts.load(Ordering::SeqCst), stops.load(Ordering::SeqCst));
        assert_eq!(counted, (2, 2));
    });
}

#[test]
fn a_hook_that_panics_leaves_the_pool_alive() {
    watched(|| {
        let on_the_pool = || assert_ne!(thread::current().name(), Some("asyncio-blocking"));
        let builder = Runner::builder()
            .workers(1)
            .on_thread_start(on_the_pool)
            .on_thread_stop(on_the_pool);
        let value = builder
            .build()
            .unwrap()
            .run(async { to_thread(|| 5).await.unwrap() });
        assert_eq!(value, 5);
    });
}

#[test]
fn a_panic_of_a_function_that_nobody_waits_for_is_reported_and_the_pool_lives() {
    watched(|| {
        let builder = Runner::builder().workers(1).max_blocking_threads(1);
        builder.build().unwrap().run(async {
            let reports = reports(&get_running_loop());
            for _ in 0..3 {
                let (open, gate) = blocked();
                let call = begun_on_thread(move || {
                    gate();
                    panic!("the panic of a cancelled call");
                });
                let call = call.await;
                call.cancel();
                assert!(call.await.unwrap_err().is_cancelled());
                open.send(()).unwrap();
                let reported = |text: String| text.contains("of a cancelled call");
                until(|| reports.try_recv().is_ok_and(reported)).await;
            }
            let on_drop_of_the_value = to_thread(|| on_drop(|| panic!("in a destructor")));
            drop(on_drop_of_the_value);
            assert_eq!(to_thread(|| 5).await.unwrap(), 5);
        });
    });
}

/// Limits the address space of this process to `limit` bytes, or lifts the limit.
fn limit_memory(limit: Option<usize>) {
    let limit = limit.map_or("unlimited".to_owned(), |limit| limit.to_string());
    let status = std::process::Command::new("prlimit")
        .args(["--pid", &std::process::id().to_string()])
        .arg(format!("--as={limit}:"))
        .status();
    assert!(status.expect("prlimit is there").success());
}

/// The size of the address space of this process, in bytes.
fn memory() -> usize {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
    pages.split(' ').next().unwrap().parse::<usize>().unwrap() * 4096
}

#[test]
fn without_any_thread_a_call_is_an_error_and_with_one_it_waits_for_it() {
    alone(|| {
        let builder = Runner::builder().workers(1).thread_stack_size(1 << 30);
        builder.build().unwrap().run(async {
            limit_memory(Some(memory() + (256 << 20)));
            let refused = to_thread(|| 1).await.unwrap_err();
            assert!(
                refused.to_string().contains("can't start new thread"),
                "{refused}"
            );
            limit_memory(None);
            let (open, gate) = blocked();
            let first = begun_on_thread(gate).await;
            limit_memory(Some(memory() + (256 << 20)));
            let second = to_thread(|| 2);
            checkpoint().await;
            assert!(!second.done());
            open.send(()).unwrap();
            first.await.unwrap();
            assert_eq!(second.await.unwrap(), 2);
            limit_memory(None);
        });
    });
}
