//! Tests of `cancel_and_wait`.

use std::future::pending;

use asyncio::{Task, catch_cancelled, checkpoint, finally};
use runtime_tests::Log;

use super::*;

/// A task that waits, and notes its cleanup, which awaits.
async fn waiting(log: &Log) -> Task<u32> {
    let log = log.clone();
    begun(finally(pending::<u32>(), async move {
        checkpoint().await;
        log.note("cleaned up");
    }))
    .await
}

#[test]
fn it_waits_until_the_task_has_cleaned_up() {
    on_workers(2, async {
        let log = Log::default();
        let task = waiting(&log).await;
        assert!(task.cancel_and_wait().await.unwrap_err().is_cancelled());
        assert_eq!(log.notes(), ["cleaned up"]);
    });
}

#[test]
fn it_cancels_in_the_call() {
    on_workers(1, async {
        let log = Log::default();
        let task = waiting(&log).await;
        let handle = task.handle();
        let waiting = task.cancel_and_wait();
        assert_eq!(handle.cancelling(), 1);
        drop(waiting);
        until(|| handle.done()).await;
    });
}

#[test]
fn a_task_that_suppresses_it_gives_its_value() {
    on_workers(2, async {
        let task = begun(async {
            let _caught = catch_cancelled(pending::<()>()).await;
            42
        })
        .await;
        assert_eq!(task.cancel_and_wait().await.unwrap(), 42);
    });
}

#[test]
fn a_task_that_is_done_gives_its_value() {
    on_workers(1, async {
        let task = create_task(async { 42 });
        until(|| task.done()).await;
        assert_eq!(task.cancel_and_wait().await.unwrap(), 42);
    });
}

// CA-4
#[test]
fn a_cancelled_caller_passes_it_on_and_waits() {
    on_workers(2, async {
        let log = Log::default();
        let (cleaning, task) = (Flag::default(), waiting(&log).await);
        let inner = cleaning.clone();
        let outer = create_task(async move {
            let slow = begun(finally(pending::<()>(), async move {
                inner.set();
                // Interrupted by the second request (CA-8).
                pending::<()>().await;
            }))
            .await;
            drop(task.cancel_and_wait().await);
            drop(slow.cancel_and_wait().await);
        });
        until(|| cleaning.is_set()).await;
        outer.cancel();
        assert!(outer.await.unwrap_err().is_cancelled());
        assert_eq!(log.notes(), ["cleaned up"]);
    });
}

#[test]
fn a_handle_cancels_and_waits_too() {
    on_workers(2, async {
        let log = Log::default();
        let handle = waiting(&log).await.handle();
        handle.cancel_and_wait().await;
        assert!(handle.cancelled());
        assert_eq!(log.notes(), ["cleaned up"]);
    });
}
