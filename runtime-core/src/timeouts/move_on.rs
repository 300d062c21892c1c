//! Running a body in a scope that can be cancelled by itself: trio's `move_on_after`.
//!
//! To the [`Scope`] of the engine this adds a handle, [`CancelScope`], that makes it due from
//! anywhere, and a shield. While that is up, a request from further out is **hidden** from the body: it
//! is polled as if nothing were on its way. What the body is ready with then is returned, and the
//! request goes on beside it, to the next await outside. If the body waits on, the request is
//! claimed, so that nobody further out drops the body, and the handle holds it.

use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use pin_project_lite::pin_project;

use super::cancel_scope::{CancelScope, CancelScopeState, Delivering, View};
use super::once::Once;
use crate::runtime::{
    CancelWaker, Precision, Raise, Scope, Stamp, Timer, Verdict, current_task, hidden,
    is_delivering, shielded, stamp_of, try_get_running_loop,
};

/// Runs `body` for so long at most, and then goes on without it: `trio.move_on_after`. `None` sets no
/// limit; the body can still be ended, through its [`CancelScope`].
///
/// Gives what the body returns, or `None` if the scope has cancelled it. It is cancelled as by
/// [`timeout`](crate::timeout): at an await that suspends, it may clean up, and if it returns a
/// value all the same, that is the answer. With a delay of zero it is polled once. It runs in the
/// caller's own task, and may borrow from it.
///
/// # Cancellation
/// Goes to the body, unless it is [shielded](CancelScope::set_shield).
///
/// # Panics
/// Outside a task.
///
/// ```
/// use std::time::Duration;
/// # asyncio::run(async {
/// let hour = Duration::from_secs(3600);
/// let late = asyncio::move_on_after(Duration::from_millis(1), async |_scope| {
///     asyncio::sleep(hour).await;
/// });
/// assert_eq!(late.await, None);
///
/// let ended = asyncio::move_on_after(None, async |scope| {
///     let scope = scope.clone(); // any task or thread may hold it
///     asyncio::create_task(async move { scope.cancel() });
///     asyncio::sleep(hour).await;
/// });
/// assert_eq!(ended.await, None);
/// # });
/// ```
#[track_caller]
pub fn move_on_after<T, F>(
    delay: impl Into<Option<Duration>>,
    body: F,
) -> impl Future<Output = Option<T>>
where
    F: AsyncFnOnce(&CancelScope) -> T,
{
    let (delay, location) = (delay.into(), Location::caller());
    let future = async move {
        assert!(
            current_task().is_some(),
            "move_on_after() should be used inside a task: the one at {location} is not"
        );
        // A delay beyond what an `Instant` can say is no limit.
        let deadline = delay.and_then(|delay| now().checked_add(delay));
        let handle = CancelScope::new(deadline);
        Scoped::new(body(&handle), handle.clone(), location).await
    };
    Once::new("move_on_after", location, future)
}

pin_project! {
    #[project = Projection]
    struct Scoped<F> {
        #[pin]
        body: Option<F>,
        scope: Scope,
        handle: Lease,
        alarm: DeadlineTimer,
        // A shield takes requests: it must be polled when one is delivered.
        cancel_waker: CancelWaker,
        raising: Option<Raise>,
    }
}

impl<F> Scoped<F> {
    fn new(body: F, handle: CancelScope, location: &'static Location<'static>) -> Scoped<F> {
        Scoped {
            body: Some(body),
            scope: Scope::new(),
            handle: Lease(handle),
            alarm: DeadlineTimer {
                timer: Timer::new(),
                armed: None,
                location,
            },
            cancel_waker: CancelWaker::default(),
            raising: None,
        }
    }
}

impl<F> Projection<'_, F> {
    /// The body waits, after a poll that began with `view`.
    fn wait(&mut self, view: View, was_open: bool, due: bool, cx: &mut Context<'_>) {
        let handle = &self.handle.0;
        let now = handle.look();
        if now.shielded || view.shielded {
            self.cancel_waker.register_waker(cx.waker());
            if is_delivering() {
                handle.hold();
            }
        }
        if !now.shielded && (now.inhibitor || view.shielded) {
            handle.give_back();
        }
        if self.scope.is_open() && (due || !was_open) {
            // A request from outside is about to come, or its own was given back: look again.
            cx.waker().wake_by_ref();
        } else if !due {
            self.alarm.arm(now.deadline, cx);
        }
    }
}

impl<F: Future> Future for Scoped<F> {
    type Output = Option<F::Output>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        if let Some(raise) = this.raising {
            return Pin::new(raise).poll(cx).map(|never| match never {});
        }
        let entered = this.scope.enter();
        debug_assert!(entered, "move_on_after() has looked for the task");
        let handle = &this.handle.0;
        let view = handle.register_waker(cx.waker());
        handle.note_delivered();
        let was_open = this.scope.is_open();
        let asked = view.cancelled.or_else(|| {
            let asked = this.alarm.asked(view.deadline.filter(|_| was_open), cx)?;
            handle.pass_deadline(asked);
            Some(asked)
        });
        let asked = asked.filter(|_| was_open);
        let due = asked.is_some();
        let body = this.body.as_mut().as_pin_mut().expect(NOT_OVER);
        let verdict = if view.shielded {
            shielded(handle.before_shield(), || {
                let delivery = asked.and_then(|asked| this.scope.delivery(asked, cx.waker()));
                this.scope.poll(delivery, body, cx)
            })
        } else {
            let _delivering = is_delivering().then(|| Delivering::to(handle));
            let delivery = asked.and_then(|asked| this.scope.delivery(asked, cx.waker()));
            this.scope.poll(delivery, body, cx)
        };
        let (outcome, mut raised) = match verdict {
            Verdict::Pending => {
                this.wait(view, was_open, due, cx);
                return Poll::Pending;
            }
            Verdict::Ready(value) => (Some(value), None),
            Verdict::Expired => (None, None),
            Verdict::Raised(raise) => (None, Some(raise)),
        };
        this.alarm.timer.cancel();
        match &mut raised {
            Some(raise) => this
                .scope
                .drop_raised(raise, || hidden(|| this.body.set(None))),
            None => hidden(|| this.body.set(None)),
        }
        let stage = match (&outcome, &raised) {
            (None, None) => CancelScopeState::Cancelled,
            _ => CancelScopeState::Ended,
        };
        handle.end(stage);
        let Some(raise) = raised else {
            return Poll::Ready(outcome);
        };
        let raise = this.raising.insert(raise);
        Pin::new(raise).poll(cx).map(|never| match never {})
    }
}

/// A handle whose scope ends with it: also where it is dropped in its midst.
struct Lease(CancelScope);

impl Drop for Lease {
    fn drop(&mut self) {
        self.0.end(CancelScopeState::Ended);
    }
}

/// The timer of the deadline.
struct DeadlineTimer {
    timer: Timer,
    /// What it is armed for.
    armed: Option<Instant>,
    location: &'static Location<'static>,
}

impl DeadlineTimer {
    /// When the deadline came, if it has. One that was past when it was set has asked for nothing before
    /// that.
    fn asked(&mut self, deadline: Option<Instant>, cx: &mut Context<'_>) -> Option<Stamp> {
        let waited = self.armed == deadline;
        let when = deadline.filter(|_| self.is_due(deadline, cx))?;
        Some(if waited { stamp_of(when) } else { Stamp::now() })
    }

    /// Whether the deadline has come. The timer is armed only once the body has been found waiting: before
    /// that, a look at the clock is enough.
    fn is_due(&mut self, deadline: Option<Instant>, cx: &mut Context<'_>) -> bool {
        match (deadline, self.armed) {
            (Some(when), Some(armed)) if when == armed => self.poll(when, cx),
            (Some(when), _) => when <= now(),
            (None, _) => false,
        }
    }

    fn arm(&mut self, deadline: Option<Instant>, cx: &mut Context<'_>) {
        if self.armed == deadline {
            return;
        }
        self.timer.cancel();
        self.armed = deadline;
        if deadline.is_some_and(|when| self.poll(when, cx)) {
            // It has come while the body was polled: this poll's look was too early.
            cx.waker().wake_by_ref();
        }
    }

    fn poll(&mut self, when: Instant, cx: &mut Context<'_>) -> bool {
        let poll = self
            .timer
            .poll(Some(when), Precision::Shared, self.location, cx);
        match poll {
            Poll::Ready(Ok(())) => true,
            Poll::Ready(Err(error)) => {
                panic!("{error}: the scope made at {} has no loop", self.location)
            }
            Poll::Pending => false,
        }
    }
}

/// The time of the loop whose task this is.
fn now() -> Instant {
    try_get_running_loop()
        .expect("a task runs on a loop")
        .time()
}

const NOT_OVER: &str = "nobody polls it after its end: `Once` has looked";
