//! Tests of panics, of children and of the body, and of what is reported.

use std::panic::{AssertUnwindSafe, resume_unwind};
use std::sync::{Arc, Mutex};

use asyncio::get_running_loop;

use super::*;

/// What a loop's exception handler has been told.
#[derive(Clone, Default)]
struct Reports(Arc<Mutex<Vec<String>>>);

impl Reports {
    /// Collects the reports of the running loop from now on.
    fn collect() -> Reports {
        let reports = Reports::default();
        let to = reports.clone();
        get_running_loop().set_exception_handler(move |_, context| {
            let text = context.exception().map(ToString::to_string);
            to.0.lock().unwrap().push(text.unwrap_or_default());
        });
        reports
    }

    fn sorted(&self) -> Vec<String> {
        let mut reports = self.0.lock().unwrap().clone();
        reports.sort();
        reports
    }
}

async fn panics(text: &'static str) -> Result<(), Oops> {
    checkpoint().await;
    resume_unwind(Box::new(text))
}

/// Awaits a group in a task, and returns the text of its panic.
async fn panic_of<F>(group: F) -> String
where
    F: Future<Output: Send> + Send + 'static,
{
    let Err(error) = create_task(group).await else {
        panic!("it has not panicked")
    };
    let payload = error.into_panic();
    payload.downcast_ref::<&str>().copied().unwrap().to_owned()
}

// TG-9
#[test]
fn the_panic_of_a_child_is_resumed_in_the_parent_after_all_have_ended() {
    on_workers(2, async {
        let reports = Reports::collect();
        let (log, begun) = (Log::default(), Flag::default());
        let (seen, beginning) = (log.clone(), begun.clone());
        let text = panic_of(async move {
            let outcome: Outcome<()> = task_group(async |tg| {
                tg.create_task(waiter(&seen, &beginning));
                until(|| beginning.is_set()).await;
                tg.create_task(panics("oh no"));
                pending().await
            })
            .await;
            drop(outcome);
        })
        .await;
        assert_eq!(text, "oh no");
        assert_eq!(log.notes(), ["cleaned up"]);
        assert_eq!(reports.sorted(), [""; 0]);
    });
}

// TG-9
#[test]
fn the_errors_of_siblings_are_reported_then() {
    on_workers(2, async {
        let reports = Reports::collect();
        let begun = Flag::default();
        let beginning = begun.clone();
        let text = panic_of(async move {
            let outcome: Outcome<()> = task_group(async |tg| {
                let begun = beginning.clone();
                tg.create_task(async move {
                    let wait = async {
                        begun.set();
                        pending::<()>().await
                    };
                    let _caught = catch_cancelled(wait).await;
                    Err::<(), _>(Oops(1))
                });
                until(|| beginning.is_set()).await;
                tg.create_task(panics("oh no"));
                let _caught = catch_cancelled(pending::<()>()).await;
                Err(Oops(2))
            })
            .await;
            drop(outcome);
        })
        .await;
        assert_eq!(text, "oh no");
        until(|| reports.sorted().len() == 2).await;
        assert_eq!(reports.sorted(), ["Oops(1)", "Oops(2)"]);
    });
}

// TG-9
#[test]
fn the_panic_of_the_body_waits_for_the_children() {
    on_workers(2, async {
        let (log, begun) = (Log::default(), Flag::default());
        let (seen, beginning) = (log.clone(), begun.clone());
        let text = panic_of(async move {
            let outcome: Outcome<()> = task_group(async |tg| {
                tg.create_task(waiter(&seen, &beginning));
                until(|| beginning.is_set()).await;
                resume_unwind(Box::new("of the body"))
            })
            .await;
            drop(outcome);
        })
        .await;
        assert_eq!(text, "of the body");
        assert_eq!(log.notes(), ["cleaned up"]);
    });
}

#[test]
fn of_several_panics_the_first_is_resumed_and_the_others_are_reported() {
    on_workers(1, async {
        let reports = Reports::collect();
        let text = panic_of(async {
            let outcome: Outcome<()> = task_group(async |tg| {
                tg.create_task(panics("first"));
                tg.create_task(async {
                    let _caught = catch_cancelled(pending::<()>()).await;
                    panics("second").await
                });
                pending().await
            })
            .await;
            drop(outcome);
        })
        .await;
        assert_eq!(text, "first");
        until(|| reports.sorted().len() == 1).await;
        assert_eq!(reports.sorted(), ["second"]);
    });
}

#[test]
fn the_handle_of_a_child_that_panicked_has_the_text() {
    on_workers(1, async {
        let reports = Reports::collect();
        let mut kept = None;
        let outcome = AssertUnwindSafe(task_group(async |tg| {
            kept = Some(tg.create_task(panics("oh no")));
            pending::<Result<(), Oops>>().await
        }));
        assert!(outcome.catch_unwind().await.is_err());
        let Err(TaskError::Panicked(error)) = kept.unwrap().result() else {
            panic!("it has not panicked")
        };
        assert_eq!(error.message().as_deref(), Some("oh no"));
        checkpoint().await;
        assert_eq!(reports.sorted(), [""; 0]);
        assert_eq!(cancelling(), 0);
    });
}

#[test]
fn a_destructor_that_panics_in_a_cancelled_child_is_a_panic_of_the_child() {
    struct PanicsInDrop;
    impl Drop for PanicsInDrop {
        fn drop(&mut self) {
            resume_unwind(Box::new("in a destructor"));
        }
    }
    on_workers(2, async {
        let begun = Flag::default();
        let beginning = begun.clone();
        let text = panic_of(async move {
            let outcome: Outcome<()> = task_group(async |tg| {
                let begun = beginning.clone();
                tg.start_soon(async move {
                    let _in_drop = PanicsInDrop;
                    begun.set();
                    pending().await
                });
                until(|| beginning.is_set()).await;
                tg.cancel();
                Ok(())
            })
            .await;
            drop(outcome);
        })
        .await;
        assert_eq!(text, "in a destructor");
    });
}

#[test]
fn a_destructor_that_panics_in_the_cancelled_body_is_a_panic_of_the_body() {
    on_workers(2, async {
        let text = panic_of(async {
            let outcome: Outcome<()> = task_group(async |tg| {
                let _in_drop = runtime_tests::on_drop(|| resume_unwind(Box::new("in the body")));
                tg.create_task(fails(1));
                pending().await
            })
            .await;
            drop(outcome);
        })
        .await;
        assert_eq!(text, "in the body");
    });
}

// TG-5: a panic outweighs the request, which is given back all the same.
#[test]
fn after_a_panic_the_request_of_the_parent_is_still_delivered() {
    on_workers(2, async {
        let begun = Flag::default();
        let beginning = begun.clone();
        let parent = create_task(async move {
            let group = task_group(async |tg| {
                tg.create_task(async move {
                    let wait = async {
                        beginning.set();
                        pending::<()>().await
                    };
                    let _caught = catch_cancelled(wait).await;
                    panics("in the cleanup").await
                });
                Ok::<_, Oops>(())
            });
            assert!(AssertUnwindSafe(group).catch_unwind().await.is_err());
            checkpoint().await;
            unreachable!("it arrives here")
        });
        until(|| begun.is_set()).await;
        parent.cancel();
        assert!(parent.await.unwrap_err().is_cancelled());
    });
}
