//! A part of a task that can be cancelled by itself: trio's cancel scope.
//!
//! To the [`Scope`] of the engine this adds a handle, [`CancelScope`], that makes it due from
//! anywhere, and a shield. While that is up, a request from further out is **hidden** from the body: it
//! is polled as if nothing were on its way. What the body is ready with then is returned, and the
//! request goes on beside it, to the next await outside. If the body waits on, the request is
//! claimed, so that nobody further out drops the body, and **held**. It is not lost:
//!
//! * the task's own request is given back when the scope ends, or the shield goes down: requested
//!   once more, and taken off the count again. So it is delivered at the next await that suspends.
//!   If the task's count has come to zero meanwhile, that does nothing, as for every request
//!   that has not been delivered;
//! * the request of another scope cannot be requested anew. It is raised when this one ends, and what
//!   the body has returned is dropped. If the shield goes down, the body is cancelled by its own
//!   scope first.
//!
//! Which of the two it was, the task's count tells: it has grown, or it has not.

use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use pin_project_lite::pin_project;

use crate::exceptions::CancelledError;
use crate::runtime::{
    Attendance, Precision, Raise, Scope, TaskHandle, TaskId, Timer, Verdict, current_task, hidden,
    is_delivering, offer, try_get_running_loop,
};
use crate::sync::{Arc, Mutex};

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
    async move {
        let Some(task) = current_task() else {
            panic!("move_on_after() should be used inside a task: the one at {location} is not")
        };
        // A delay beyond what an `Instant` can say is no limit.
        let deadline = delay.and_then(|delay| now().checked_add(delay));
        let handle = CancelScope::new(deadline, task.cancelling());
        drop(task);
        Scoped::new(body(&handle), handle.clone(), location).await
    }
}

/// The handle of a part of a task that can be cancelled by itself: `trio.CancelScope`.
///
/// The body of [`move_on_after`] is given one. Clones are handles of the same scope; any task and any
/// thread may use them, also after it has ended.
///
/// ```
/// use std::time::Duration;
/// # asyncio::run(async {
/// let mut kept = None;
/// let outcome = asyncio::move_on_after(Duration::from_secs(60), async |scope| {
///     kept = Some(scope.clone());
///     scope.cancel();
///     asyncio::checkpoint().await; // here it arrives
///     unreachable!()
/// });
/// assert_eq!(outcome.await, None::<()>);
/// assert!(kept.unwrap().cancelled_caught());
/// # });
/// ```
#[derive(Clone)]
pub struct CancelScope {
    shared: Arc<Mutex<State>>,
}

struct State {
    deadline: Option<Instant>,
    /// By hand, or because the deadline has passed.
    cancelled: bool,
    shielded: bool,
    stage: Stage,
    /// Woken when anything of the above changes.
    waker: Option<Waker>,
    /// The task that polls the body just now, with a request from outside on its way and no shield up.
    delivering_to: Option<TaskId>,
    /// The highest count of the task's requests that the scope knows of.
    counted: u32,
    held: Held,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Open,
    Ended,
    Cancelled,
}

/// Requests from outside that the body has not seen.
#[derive(Default)]
struct Held {
    of_task: Option<(TaskHandle, CancelledError)>,
    of_scope: Option<CancelledError>,
}

impl CancelScope {
    fn new(deadline: Option<Instant>, counted: u32) -> CancelScope {
        let state = State {
            deadline,
            cancelled: false,
            shielded: false,
            stage: Stage::Open,
            waker: None,
            delivering_to: None,
            counted,
            held: Held::default(),
        };
        CancelScope {
            shared: Arc::new(Mutex::new(state)),
        }
    }

    /// Cancels the body, at its next await that suspends: once, however often it is called. A scope
    /// that has ended stays as it is.
    pub fn cancel(&self) {
        self.change(|state| state.cancelled = true);
    }

    /// Whether the scope was cancelled: by hand, or because its deadline has passed.
    #[must_use]
    pub fn cancel_called(&self) -> bool {
        self.shared.lock().cancelled
    }

    /// Whether the scope has ended because it was cancelled: the outcome is `None`.
    #[must_use]
    pub fn cancelled_caught(&self) -> bool {
        self.shared.lock().stage == Stage::Cancelled
    }

    /// When the scope cancels itself; none: never.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.shared.lock().deadline
    }

    /// Moves the deadline; none: takes it away. One that is past cancels the body at its next await
    /// that suspends. What has been cancelled stays cancelled.
    pub fn set_deadline(&self, deadline: impl Into<Option<Instant>>) {
        let deadline = deadline.into();
        self.change(|state| state.deadline = deadline);
    }

    /// Whether the body is shielded.
    #[must_use]
    pub fn shield(&self) -> bool {
        self.shared.lock().shielded
    }

    /// Shields the body from requests that come from outside the scope, from now on, or no longer. Its own
    /// deadline and [`cancel`](CancelScope::cancel) still reach it: so a cleanup can be given its
    /// time, and no more.
    ///
    /// What is hidden from the body is not lost. A cancellation of the task is delivered at the next
    /// await that suspends after the scope has ended, or after the shield went down, unless the
    /// task's [`uncancel`](TaskHandle::uncancel) has withdrawn it. A limit further out ends with its
    /// scope: when this one ends, the limit takes over at once, and what the body has returned is dropped.
    ///
    /// ```
    /// use std::time::Duration;
    /// # asyncio::run(async {
    /// let minute = Duration::from_secs(60);
    /// let task = asyncio::create_task(async move {
    ///     let saved = asyncio::move_on_after(minute, async |scope| {
    ///         scope.set_shield(true);
    ///         asyncio::current_task().unwrap().cancel();
    ///         asyncio::sleep(Duration::from_millis(1)).await; // undisturbed
    ///     });
    ///     assert_eq!(saved.await, Some(()));
    ///     asyncio::sleep(minute).await; // here it arrives
    /// });
    /// assert!(task.await.unwrap_err().is_cancelled());
    /// # });
    /// ```
    pub fn set_shield(&self, shielded: bool) {
        let mut on_its_way_to = None;
        self.change(|state| {
            state.shielded = shielded;
            on_its_way_to = state.delivering_to.filter(|_| shielded);
        });
        // Called by the body, with a request on its way: what it awaits next is not to see that.
        let here = on_its_way_to.is_some() && current_task().map(|task| task.id()) == on_its_way_to;
        if here && is_delivering() {
            self.hold();
        }
    }

    /// Changes an open scope, and has its future look at what has changed.
    fn change(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.shared.lock();
        if state.stage == Stage::Open {
            change(&mut state);
            let waker = state.waker.take();
            drop(state);
            waker.into_iter().for_each(Waker::wake);
        }
    }

    /// Registers who is to hear of a change, and says how things are.
    fn attend(&self, waker: &Waker) -> View {
        let state = self.shared.lock();
        let known = state.waker.as_ref();
        if known.is_some_and(|known| known.will_wake(waker)) {
            return state.view();
        }
        drop(state);
        // A waker's clone and its destructor are user code: outside the lock.
        let new = waker.clone();
        let mut state = self.shared.lock();
        let old = state.waker.replace(new);
        // Under the lock that stored the waker: whoever changes it from now on finds that.
        let view = state.view();
        drop(state);
        drop(old);
        view
    }

    fn look(&self) -> View {
        self.shared.lock().view()
    }

    /// Whether the scope is cancelled, now that its deadline has passed.
    fn pass_deadline(&self) {
        self.shared.lock().cancelled = true;
    }

    /// Claims the request on its way, and keeps it until the scope ends or the shield goes down.
    #[cold]
    fn hold(&self) {
        let Some(task) = current_task() else { return };
        let Some(error) = offer(|_| true) else { return };
        let count = task.cancelling();
        let mut state = self.shared.lock();
        if count > state.counted {
            state.counted = count;
            // Of several the first message stands.
            state.held.of_task.get_or_insert((task, error));
        } else {
            state.counted = count;
            state.held.of_scope = Some(error);
            drop(state);
            drop(task);
        }
    }

    /// The shield is down, and the body waits.
    fn pass_on(&self, waker: &Waker) {
        let mut state = self.shared.lock();
        let of_task = state.held.of_task.take();
        let of_scope = state.held.of_scope.is_some();
        drop(state);
        if let Some((task, error)) = of_task {
            give_back(&task, &error);
        }
        if of_scope {
            waker.wake_by_ref();
        }
    }

    /// Ends the scope, and answers which requests it still holds.
    fn end(&self, stage: Stage) -> Held {
        let mut state = self.shared.lock();
        if state.stage == Stage::Open {
            state.stage = stage;
        }
        state.delivering_to = None;
        let waker = state.waker.take();
        let held = std::mem::take(&mut state.held);
        drop(state);
        drop(waker);
        held
    }
}

/// How things are.
#[derive(Clone, Copy)]
struct View {
    deadline: Option<Instant>,
    cancelled: bool,
    shielded: bool,
    holds: bool,
}

impl State {
    fn view(&self) -> View {
        let held = &self.held;
        View {
            deadline: self.deadline,
            cancelled: self.cancelled || (held.of_scope.is_some() && !self.shielded),
            shielded: self.shielded,
            holds: held.of_task.is_some() || held.of_scope.is_some(),
        }
    }
}

impl fmt::Debug for CancelScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.shared.lock();
        f.debug_struct("CancelScope")
            .field("stage", &state.stage)
            .field("deadline", &state.deadline)
            .field("cancel_called", &state.cancelled)
            .field("shield", &state.shielded)
            .finish()
    }
}

pin_project! {
    struct Scoped<F> {
        #[pin]
        body: Option<F>,
        scope: Scope,
        handle: Lease,
        alarm: Alarm,
        // A shield takes requests: it must be polled when one is delivered.
        attendance: Attendance,
        raising: Option<Raise>,
    }
}

impl<F> Scoped<F> {
    fn new(body: F, handle: CancelScope, location: &'static Location<'static>) -> Scoped<F> {
        Scoped {
            body: Some(body),
            scope: Scope::new(),
            handle: Lease(handle),
            alarm: Alarm {
                timer: Timer::new(),
                armed: None,
                location,
            },
            attendance: Attendance::default(),
            raising: None,
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
        let view = handle.attend(cx.waker());
        let due = this.scope.is_open() && (view.cancelled || this.alarm.is_due(view.deadline, cx));
        if due && !view.cancelled {
            handle.pass_deadline();
        }
        let body = this.body.as_mut().as_pin_mut().expect(POLLED_AGAIN);
        let verdict = if view.shielded {
            hidden(|| this.scope.poll(due, body, cx))
        } else {
            let _delivering = is_delivering().then(|| Delivering::to(handle));
            this.scope.poll(due, body, cx)
        };
        let (outcome, raised) = match verdict {
            Verdict::Pending => {
                let now = handle.look();
                if now.shielded || view.shielded {
                    this.attendance.attend(cx.waker());
                    if is_delivering() {
                        handle.hold();
                    }
                }
                if !now.shielded && (now.holds || view.shielded) {
                    handle.pass_on(cx.waker());
                }
                if due && this.scope.is_open() {
                    // A request from outside is about to come, or was taken back: look again.
                    cx.waker().wake_by_ref();
                } else if !due {
                    this.alarm.arm(now.deadline, cx);
                }
                return Poll::Pending;
            }
            Verdict::Ready(value) => (Some(value), None),
            Verdict::Expired => (None, None),
            Verdict::Raised(error) => (None, Some(error)),
        };
        this.alarm.timer.cancel();
        hidden(|| this.body.set(None));
        let stage = match (&outcome, &raised) {
            (None, None) => Stage::Cancelled,
            _ => Stage::Ended,
        };
        let held = handle.end(stage);
        // What the body has raised for the task's sake stands for all that came from outside.
        let Some(error) = raised.or_else(|| held.give_back()) else {
            return Poll::Ready(outcome);
        };
        hidden(|| drop(outcome));
        let raise = this.raising.insert(Raise::new(error));
        Pin::new(raise).poll(cx).map(|never| match never {})
    }
}

/// A handle whose scope ends with it: also where it is dropped in its midst.
struct Lease(CancelScope);

impl Drop for Lease {
    fn drop(&mut self) {
        // Another scope's request ends here: nobody could raise it any more.
        let _of_scope = self.0.end(Stage::Ended).give_back();
    }
}

/// While the body is polled with a request from outside on its way.
struct Delivering<'a>(&'a CancelScope);

impl Delivering<'_> {
    #[cold]
    fn to(handle: &CancelScope) -> Delivering<'_> {
        handle.shared.lock().delivering_to = current_task().map(|task| task.id());
        Delivering(handle)
    }
}

impl Drop for Delivering<'_> {
    fn drop(&mut self) {
        self.0.shared.lock().delivering_to = None;
    }
}

impl Held {
    /// Gives the task's request back to it, and returns what is to be raised.
    fn give_back(self) -> Option<CancelledError> {
        if let Some((task, error)) = self.of_task {
            give_back(&task, &error);
        }
        self.of_scope
    }
}

/// Has a request delivered once more that the task has counted already.
fn give_back(task: &TaskHandle, error: &CancelledError) {
    let _alive = match error.message() {
        Some(message) => task.cancel_with(message.to_owned()),
        None => task.cancel(),
    };
    // If all were taken back meanwhile, this drops it.
    task.uncancel();
}

/// The timer of the deadline.
struct Alarm {
    timer: Timer,
    /// What it is armed for.
    armed: Option<Instant>,
    location: &'static Location<'static>,
}

impl Alarm {
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
        let poll = self.timer.poll(when, Precision::Shared, self.location, cx);
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

const POLLED_AGAIN: &str = "a move_on_after was polled after its end";
