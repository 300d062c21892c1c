//! Tests of deadlocks that the deterministic mode finds: in a run, and in the shutdown after it.

use super::*;

fn seeded(workers: usize) -> Runner {
    let builder = Runner::builder().workers(workers).deterministic(1);
    builder.build().unwrap()
}

/// Makes a task that never ends, not even after a cancellation.
async fn begin_endless() {
    begun(finally(pending::<()>(), pending::<()>())).await;
}

#[test]
fn a_cleanup_that_never_ends_is_reported_with_its_place() {
    for workers in [1, 2] {
        watched(|| {
            for explicitly in [true, false] {
                let dropped = Flag::default();
                let probe = dropped.set_on_drop();
                let found = caught(|| {
                    let mut runner = seeded(workers);
                    runner.run(async {
                        begin_endless().await;
                        begun(async move {
                            let _probe = probe;
                            drop(catch_cancelled(pending::<()>()).await);
                            pending::<()>().await;
                        })
                        .await;
                    });
                    if explicitly {
                        runner.close();
                    }
                });
                let expected = "deadlock in the shutdown: every task waits";
                assert!(found.text.contains(expected), "{}", found.text);
                assert_eq!(
                    found.text.matches(" created at ").count(),
                    2,
                    "{}",
                    found.text
                );
                assert!(dropped.is_set());
            }
        });
    }
}

#[test]
fn a_deadlock_of_the_shutdown_does_not_hide_the_panic_of_main() {
    watched(|| {
        let found = caught(|| {
            seeded(2).run(async {
                begin_endless().await;
                panic_any(7_u8);
            });
        });
        assert_eq!(found.payload.downcast_ref(), Some(&7_u8));
    });
}

#[test]
fn a_limit_ends_a_deadlock_of_the_shutdown_as_it_ends_any_wait() {
    watched(|| {
        let mut runner = seeded(2);
        runner.run(begin_endless());
        let begin = Instant::now();
        let error = runner
            .shutdown_timeout(Duration::from_secs(20))
            .unwrap_err();
        assert!(error.stuck().is_empty(), "{error}");
        assert!(begin.elapsed() < Duration::from_secs(10));
    });
}

#[test]
fn a_deadlock_closes_the_runner_and_names_the_line_of_its_run() {
    watched(|| {
        let mut runner = seeded(2);
        let line = line!() + 1;
        let found = caught(|| runner.run(begun_and_pending()));
        assert!(found.text.starts_with("deadlock: every task waits"));
        assert_eq!(
            found.text.matches(" created at ").count(),
            2,
            "{}",
            found.text
        );
        assert_eq!(found.place, Some((file!().to_owned(), line)));
        assert!(runner.get_loop().is_closed());
        assert_eq!(caught(|| runner.run(async {})).text, "Runner is closed");
        runner.close();
    });
}

async fn begun_and_pending() {
    begin_endless().await;
    pending::<()>().await;
}
