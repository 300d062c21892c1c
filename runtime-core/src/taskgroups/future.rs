//! The future of a group: it runs the body, waits for the children, and says what came of them.

use std::any::Any;
use std::fmt::Debug;
use std::future::Future;
use std::panic::{AssertUnwindSafe, Location, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use super::error::ExceptionGroup;
use super::group::TaskGroup;
use super::member::{End, Group};
use super::scope::GroupControl;
use crate::exceptions::{CancelReason, CancelSource, CancelledError};
use crate::runtime::{
    CancelRequest, CancelWaker, Raise, TaskHandle, current_task, deliver_error_again, ends_with,
    hidden, is_request_offered, newest_raise, try_get_running_loop,
};
use crate::scopes::{Once, Scoped};
use crate::sync::StdArc;

/// Runs `body`, and then waits for all tasks that were made in its [`TaskGroup`]:
/// `async with asyncio.TaskGroup()`.
///
/// The body is given the group, by which it makes children. It runs in the caller's own task, and
/// may borrow from it; the children run on all workers. The value of the body is the answer once
/// all children have ended; until then, children may make more. **The future never ends while a
/// child runs.** Where no child says what type its errors have, the body does:
/// `Ok::<_, MyError>(value)`.
///
/// # Errors
/// The first child that returns an `Err`, or panics, aborts the group, and so does a body that
/// returns an `Err`: all children are cancelled, each once, and the body is cancelled at its next
/// await that suspends. All of them may clean up. Then the errors of all children and of the body
/// come in one [`ExceptionGroup`]. Children that end cancelled are no error. (The abort is not
/// counted in [`cancelling`](crate::TaskHandle::cancelling), where asyncio counts it for a while.)
///
/// # Cancellation
/// A request that reaches the body and leaves it, or comes while the group waits, cancels all
/// children; the group waits for them, and raises the cancellation. The children get one request
/// from it, however often the caller is cancelled. If there are errors, they come instead, and the
/// request is given back: it is delivered at the next await that suspends.
///
/// A body that is cancelled by an abort sees an ordinary cancellation, whose
/// [source](crate::CancelReason::source) is `CancelSource::TaskGroup`. If it goes on all the same,
/// it is not cancelled again.
///
/// If the future is *dropped*, as the loser of a `select`, all children are cancelled, and nothing
/// waits for them; what they fail with is reported to the loop's exception handler. If it is leaked
/// (`mem::forget`), they run on.
///
/// # Panics
/// Outside a task. If a child or the body panics: the group is aborted, waits for all, and resumes
/// the first panic. Other panics, and errors, are reported to the exception handler then.
///
/// ```
/// async fn price(of: &'static str) -> Result<u32, String> {
///     match of {
///         "tea" => Ok(2),
///         "cake" => Ok(4),
///         other => Err(format!("no {other} today")),
///     }
/// }
/// # use asyncio::task_group;
/// # asyncio::run(async {
/// let total = task_group(async |tg| {
///     let (tea, cake) = (tg.create_task(price("tea")), tg.create_task(price("cake")));
///     Ok(tea.await.unwrap() + cake.await.unwrap())
/// });
/// assert_eq!(total.await, Ok(6));
///
/// let outcome = task_group(async |tg| {
///     tg.create_task(price("soup"));
///     Ok(())
/// });
/// assert_eq!(outcome.await.unwrap_err().errors(), ["no soup today"]);
/// # });
/// ```
#[track_caller]
pub fn task_group<T, E, F>(body: F) -> impl Future<Output = Result<T, ExceptionGroup<E>>>
where
    E: Debug + Send + 'static,
    F: AsyncFnOnce(&TaskGroup<E>) -> Result<T, E>,
{
    let location = Location::caller();
    let future = async move {
        if current_task().is_none() || try_get_running_loop().is_err() {
            no_parent(location)
        }
        let group = TaskGroup::new(location);
        let future = GroupFuture::new(body(&group), &group.group);
        future.await
    };
    Once::new("task group", location, future)
}

#[cold]
fn no_parent(location: &Location<'_>) -> ! {
    panic!(
        "the task group made at {location} is used outside a task: cannot determine the parent task"
    )
}

pin_project! {
    struct GroupFuture<F, T, E>
    where
        E: Debug,
        E: Send,
        E: 'static,
    {
        #[pin]
        body: Option<Scoped<F, GroupControl>>,
        group: StdArc<Group<E>>,
        stage: GroupStage<T>,
        // Which task polls it.
        parent: Option<TaskHandle>,
        cancel_waker: CancelWaker,
    }

    impl<F, T, E> PinnedDrop for GroupFuture<F, T, E>
    where
        E: Debug,
        E: Send,
        E: 'static,
    {
        fn drop(this: Pin<&mut Self>) {
            let this = this.project();
            if !matches!(this.stage, GroupStage::Over) {
                this.group.give_up(error_of_drop(this.group));
            }
        }
    }
}

enum GroupStage<T> {
    /// The body runs.
    Body,
    /// The body has ended; children run.
    Waiting(Waiting<T>),
    /// All have ended, and the cancellation of the parent goes on.
    Raising(Raise),
    /// The answer has been given, or the panic resumed.
    Over,
}

/// What is known while the group waits for its children.
struct Waiting<T> {
    /// The body's value, if it has returned one.
    value: Option<T>,
    /// The parent's requests, one of each owner.
    claims: Vec<CancelRequest>,
    /// What has ended the body, or come since.
    error: Option<CancelledError>,
}

impl<F, T, E> GroupFuture<F, T, E>
where
    F: Future<Output = Result<T, E>>,
    E: Debug + Send + 'static,
{
    fn new(body: F, group: &StdArc<Group<E>>) -> GroupFuture<F, T, E> {
        let control = group.children.scope().control();
        GroupFuture {
            body: Some(Scoped::new(body, control, group.location)),
            group: StdArc::clone(group),
            stage: GroupStage::Body,
            parent: None,
            cancel_waker: CancelWaker::default(),
        }
    }
}

impl<F, T, E> Future for GroupFuture<F, T, E>
where
    F: Future<Output = Result<T, E>>,
    E: Debug + Send + 'static,
{
    type Output = Result<T, ExceptionGroup<E>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.as_mut().note_parent();
        if matches!(self.stage, GroupStage::Body) && !self.as_mut().poll_body(cx) {
            self.project().cancel_waker.register_waker(cx.waker());
            return Poll::Pending;
        }
        self.poll_end(cx)
    }
}

impl<F, T, E> GroupFuture<F, T, E>
where
    F: Future<Output = Result<T, E>>,
    E: Debug + Send + 'static,
{
    fn note_parent(self: Pin<&mut Self>) {
        let this = self.project();
        if this.parent.as_ref().is_some_and(TaskHandle::is_current) {
            return;
        }
        let Some(parent) = current_task() else {
            no_parent(this.group.location)
        };
        *this.parent = Some(parent.clone());
        this.group.children.set_parent(parent);
    }

    /// Polls the body. True when it has ended, in whichever way.
    fn poll_body(self: Pin<&mut Self>, cx: &mut Context<'_>) -> bool {
        let mut this = self.project();
        let Some(body) = this.body.as_mut().as_pin_mut() else {
            return true;
        };
        let noted = newest_raise();
        let mut waiting = Waiting {
            value: None,
            claims: Vec::new(),
            error: None,
        };
        let mut raised = None;
        let mut panicked = None;
        match catch_unwind(AssertUnwindSafe(|| body.poll(cx))) {
            Ok(Poll::Ready(Some(Ok(value)))) => waiting.value = Some(value),
            Ok(Poll::Ready(Some(Err(error)))) => {
                this.group.fail(error, None);
                this.group.abort_for_failure();
            }
            // The group's own request has ended it.
            Ok(Poll::Ready(None)) => {}
            Err(payload) => panicked = Some(payload),
            Ok(Poll::Pending) => match Raise::claim_all(noted) {
                Some(raise) => raised = Some(raise),
                None => return false,
            },
        }
        let dropped = catch_unwind(AssertUnwindSafe(|| match &mut raised {
            // What is claimed in there goes on with the raise, when the children have ended. A
            // request that is about to come is not taken along, as a cleanup would do it: it is
            // claimed when it comes, and so it can be given back.
            Some(raise) => raise.collect_claims(true, || hidden(|| this.body.set(None))),
            None => hidden(|| this.body.set(None)),
        }));
        panicked = panicked.or(dropped.err());
        if let Some(payload) = panicked {
            keep_panic(this.group, payload);
        }
        if let Some(raise) = raised {
            let error = raise.error().clone();
            this.group
                .children
                .abort(because_of_group(&error, this.group));
            waiting.claims = raise.into_claims();
            waiting.error = Some(error);
        }
        *this.stage = GroupStage::Waiting(waiting);
        true
    }

    /// Waits for the children, and then for the raise.
    fn poll_end(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<<Self as Future>::Output> {
        let this = self.as_mut().project();
        if let GroupStage::Waiting(waiting) = this.stage {
            if !this.group.children.exit(cx.waker()) {
                this.cancel_waker.register_waker(cx.waker());
                if is_request_offered() {
                    waiting.claim(this.group);
                }
                return Poll::Pending;
            }
            let GroupStage::Waiting(waiting) = std::mem::replace(this.stage, GroupStage::Over)
            else {
                unreachable!("it has just been looked at")
            };
            match waiting.end(this.group.end()) {
                Answer::Outcome(outcome) => return Poll::Ready(outcome),
                Answer::Panic(payload) => resume_unwind(payload),
                Answer::Raise(raise) => *this.stage = GroupStage::Raising(raise),
            }
        }
        match this.stage {
            GroupStage::Raising(raise) => Pin::new(raise).poll(cx).map(|never| match never {}),
            _ => unreachable!("the future around this one is polled until its end"),
        }
    }
}

/// What the group gives.
enum Answer<T, E> {
    Outcome(Result<T, ExceptionGroup<E>>),
    Panic(Box<dyn Any + Send>),
    Raise(Raise),
}

impl<T> Waiting<T> {
    /// Claims the request that has reached this await. The first cancels the children.
    #[cold]
    fn claim<E: Debug + Send + 'static>(&mut self, group: &Group<E>) {
        let Some(claim) = CancelRequest::claim_offered() else {
            return;
        };
        group.children.abort(because_of_group(claim.error(), group));
        self.error.get_or_insert_with(|| claim.error().clone());
        claim.join(&mut self.claims);
    }

    /// All children have ended.
    fn end<E>(self, end: End<E>) -> Answer<T, E> {
        let Waiting {
            value,
            claims,
            error,
        } = self;
        if end.panic.is_some() || !end.errors.is_empty() {
            // The parent's requests are not lost: they are given back.
            hidden(|| drop(value));
            let cause = error.as_ref().map(CancelledError::cause);
            if !claims
                .iter()
                .any(|claim| Some(claim.error().cause()) == cause)
            {
                error.iter().for_each(deliver_error_again);
            }
            claims.into_iter().for_each(CancelRequest::deliver_again);
            return match end.panic {
                Some(payload) => Answer::Panic(payload),
                None => Answer::Outcome(Err(ExceptionGroup::new(end.errors))),
            };
        }
        let had_claims = !claims.is_empty();
        // Those whose owner is not around here any more are given back.
        let claims: Vec<_> = claims
            .into_iter()
            .filter(CancelRequest::is_from_around)
            .collect();
        match (value, error) {
            (Some(value), Some(_)) if had_claims && claims.is_empty() => Answer::Outcome(Ok(value)),
            (value, Some(error)) => {
                hidden(|| drop(value));
                Answer::Raise(Raise::of_claims(claims, error))
            }
            (Some(value), None) => Answer::Outcome(Ok(value)),
            (None, None) => Answer::Outcome(Err(ExceptionGroup::new(Vec::new()))),
        }
    }
}

/// The error with which a request of the parent cancels the children.
fn because_of_group<E: Debug + Send + 'static>(
    error: &CancelledError,
    group: &Group<E>,
) -> CancelledError {
    error.clone().because(group.error().reason().clone())
}

/// The same where the group's future is dropped, perhaps because its task ends.
fn error_of_drop<E: Debug + Send + 'static>(group: &Group<E>) -> CancelledError {
    match ends_with() {
        Some(error) => because_of_group(&error, group),
        None => CancelledError::new(CancelReason::with(
            CancelSource::TaskGroup,
            None,
            group.location,
        )),
    }
}

/// Keeps the panic of the body, or reports it beside another.
fn keep_panic<E: Debug + Send + 'static>(group: &Group<E>, payload: Box<dyn Any + Send>) {
    if let Some(second) = group.panic(payload) {
        group.report_panic(second);
    }
    group.abort_for_failure();
}
