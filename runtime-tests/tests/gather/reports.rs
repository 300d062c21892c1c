//! Tests that each error that no awaiter sees is reported to the exception handler once.

use std::future::{pending, ready};
use std::process::Command;

use asyncio::{Task, TaskError, all_tasks, catch_cancelled, create_task, gather, try_gather};
use futures::channel::oneshot;
use runtime_tests::{Flag, begun, on_workers, until};

use super::{Error, Post};

/// Set in the process that `reports_of` starts.
const ALONE: &str = "GATHER_REPORTS_ALONE";

/// Runs `body` on two workers, in a process of its own, and returns what was reported.
fn reports_of(test: &str, body: impl Future<Output = ()>) -> Vec<String> {
    if std::env::var_os(ALONE).is_some() {
        on_workers(2, body);
        std::process::exit(0);
    }
    let name = format!("reports::{test}");
    let output = Command::new(std::env::current_exe().unwrap())
        .args([&*name, "--exact", "--nocapture"])
        .env(ALONE, "1")
        .output()
        .unwrap();
    let printed = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{printed}");
    let mut reports: Vec<String> = printed
        .lines()
        .filter_map(|line| line.strip_prefix("asyncio: Task exception was never retrieved: "))
        .map(|line| line.rsplit_once(": ").unwrap().1.to_owned())
        .collect();
    reports.sort();
    reports
}

/// Makes a future that fails when the sender sends.
fn fails(number: usize) -> (oneshot::Sender<()>, impl Future<Output = Result<(), Error>>) {
    let (go, wait) = oneshot::channel();
    let failing = async move {
        wait.await.unwrap();
        Err(Error::Own(number))
    };
    (go, failing)
}

// GA-2, difference 5
#[test]
fn late_panics_of_siblings_are_reported_once_each() {
    let reports = reports_of("late_panics_of_siblings_are_reported_once_each", async {
        let (go, wait) = oneshot::channel::<()>();
        let late = Post::default();
        let post = late.clone();
        let panics = async { std::panic::resume_unwind(Box::new("first")) };
        let panics_later = async move {
            post.leave();
            wait.await.unwrap();
            std::panic::resume_unwind(Box::new("later"))
        };
        let ended = gather((panics, panics_later)).await;
        let error = ended.map(|((), ())| ()).unwrap_err();
        assert!(error.is_panic());
        go.send(()).unwrap();
        late.wait().await.wait().await;
    });
    assert_eq!(reports, ["later"]);
}

// GA-2, difference 5
#[test]
fn late_errors_of_siblings_are_reported_once_each() {
    let reports = reports_of("late_errors_of_siblings_are_reported_once_each", async {
        let (go_two, two) = fails(2);
        let (go_three, three) = fails(3);
        let fine = ready(Ok(()));
        let one = ready(Err::<(), _>(Error::Own(1)));
        let late = [Post::default(), Post::default()];
        let [two_post, three_post] = late.clone();
        let two = async move {
            two_post.leave();
            two.await
        };
        let three = async move {
            three_post.leave();
            three.await
        };
        assert_eq!(
            try_gather((two, fine, three, one)).await,
            Err(Error::Own(1))
        );
        for go in [go_two, go_three] {
            go.send(()).unwrap();
        }
        for post in late {
            post.wait().await.wait().await;
        }
    });
    assert_eq!(reports, ["Own(2)", "Own(3)"]);
}

// GA-2: a second error counts as late even if it came before the first poll of the gather.
#[test]
fn an_error_that_came_second_is_reported_by_the_gather_itself() {
    let reports = reports_of(
        "an_error_that_came_second_is_reported_by_the_gather_itself",
        async {
            let children = [1, 2].map(|number| ready(Err::<(), _>(Error::Own(number))));
            let before = all_tasks().len();
            let gathered = try_gather(children);
            until(|| all_tasks().len() == before).await;
            let Err(Error::Own(first)) = gathered.await else {
                panic!("the gather has not failed");
            };
            eprintln!("asyncio: Task exception was never retrieved: the other: {first}");
        },
    );
    assert!(
        [["1", "Own(2)"], ["2", "Own(1)"]].contains(&[&*reports[0], &*reports[1]]),
        "{reports:?}"
    );
    assert_eq!(reports.len(), 2);
}

// GA-2
#[test]
fn what_is_returned_is_not_reported() {
    let reports = reports_of("what_is_returned_is_not_reported", async {
        let panicking = || async { std::panic::resume_unwind(Box::new("seen")) };
        let (one, two): (Result<(), _>, Result<(), _>) =
            gather((panicking(), panicking())).return_exceptions().await;
        assert!(one.is_err() && two.is_err());
        let children = [1, 2].map(|number| ready(Err::<(), _>(Error::Own(number))));
        let results = try_gather(children).return_exceptions().await;
        assert!(results.iter().all(Result::is_err));
        // An `Err` in a plain gather is a value.
        drop(gather(children_with_err()).await.unwrap());
    });
    assert_eq!(reports, [""; 0]);
}

fn children_with_err() -> [std::future::Ready<Result<(), Error>>; 2] {
    [1, 2].map(|number| ready(Err(Error::Own(number))))
}

// GA-2: the cancellation of a sibling is not reported as an error.
#[test]
fn a_late_cancellation_is_not_reported() {
    let reports = reports_of("a_late_cancellation_is_not_reported", async {
        let tasks = [create_task(pending::<()>()), create_task(pending())];
        let handles = tasks.each_ref().map(Task::handle);
        let gathered = try_gather(tasks);
        handles[0].cancel();
        assert!(matches!(gathered.await, Err(TaskError::Cancelled(_))));
        handles[1].cancel();
        handles[1].wait().await;
        // The child of the gather that awaits this task ends next.
        until(|| all_tasks().len() == 1).await;
    });
    assert_eq!(reports, [""; 0]);
}

// GA-7
#[test]
fn errors_that_a_cancelled_gather_drops_are_reported() {
    let reports = reports_of("errors_that_a_cancelled_gather_drops_are_reported", async {
        let flags = [Flag::default(), Flag::default()];
        let children = flags.clone().map(|flag| async move {
            let body = async {
                flag.set();
                pending::<()>().await;
            };
            let _ = catch_cancelled(body).await;
            Err::<(), _>(Error::Own(1))
        });
        let awaiter = begun(async { try_gather(children).await }).await;
        until(|| flags.iter().all(Flag::is_set)).await;
        awaiter.cancel();
        assert!(awaiter.await.unwrap_err().is_cancelled());
    });
    assert_eq!(reports, ["Own(1)", "Own(1)"]);
}
