//! `race`: runs several awaitables concurrently, and goes on with the first that ends.
//!
//! Every element becomes a task at the call. Its future contains a guard, as a child of a `gather`
//! does; here the guard reports every end, not only failures. The first report says who has won.
//! The others are cancelled then, all with one request, and the race waits for their ends, one
//! after the other. A request of the awaiter that comes meanwhile is kept: the winner's result is
//! the answer, and the request is given back.
//!
//! A request that comes before there is a winner is passed on to all. Then there is none.

use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

use pin_project_lite::pin_project;

use super::gather::{FailureGuard, FirstFailure, is_handle};
use crate::exceptions::{CancelSource, CancelledError, Cause, TaskError};
use crate::runtime::{
    CancelRequest, CancelWaker, Edges, Forwarding, NewTask, Outcome, Propagation, Raise, Stamp,
    Task, is_big, is_request_offered, no_running_loop, propagation_from, reason_at, spawn_here,
    try_get_running_loop,
};
use crate::sync::Arc;

/// Runs awaitables concurrently until the first one ends; the others are cancelled *and waited
/// for*.
///
/// It takes a tuple of up to twelve futures, an array, or a `Vec`, all with the same output. Each
/// future becomes a task at the call, so they run on all workers. The result of the first to end is
/// the answer; it comes when all others have ended, too. So no loser is still cleaning up when the
/// caller goes on, as it may be after a `select`. asyncio has no counterpart: there one writes
/// `wait` with `FIRST_COMPLETED`, cancels the rest and awaits it.
///
/// A value that a loser returns all the same is dropped. A panic of a loser is reported to the
/// loop's exception handler.
///
/// # Errors
/// If the first to end panicked, or was cancelled (not by this race). An `Err` that it returns is a
/// value like any other.
///
/// # Cancellation
/// Cancelling the awaiter before there is a winner cancels all, waits for their ends, and raises
/// the cancellation. While the losers are cleaning up it does not interrupt them: the answer is
/// still the winner's result, and the request is delivered at the next await that suspends. If the
/// future is *dropped*, all are cancelled, and nothing waits for them.
///
/// The losers' [`CancelSource`] is `Race`.
///
/// # Panics
/// If no loop is running here, or there is nobody to run.
///
/// ```
/// use std::time::Duration;
///
/// async fn answer(of: &'static str, after: u64) -> &'static str {
///     asyncio::sleep(Duration::from_millis(after)).await;
///     of
/// }
/// # asyncio::run(async {
/// let first = asyncio::race((answer("the hare", 60_000), answer("the tortoise", 1)));
/// assert_eq!(first.await.unwrap(), "the tortoise");
/// # });
/// ```
#[track_caller]
pub fn race<R: Racers>(racers: R) -> Race<R::Output> {
    if try_get_running_loop().is_err() {
        no_running_loop();
    }
    let mut start = RaceStart {
        first: FirstFailure::new(),
        location: Location::caller(),
        tasks: Vec::new(),
    };
    racers.start(&mut start);
    assert!(!start.tasks.is_empty(), "a race needs at least one future");
    Race {
        tasks: start.tasks,
        first: start.first,
        location: start.location,
        stage: RaceStage::Running,
        edges: Edges::default(),
        cancel_waker: CancelWaker::default(),
    }
}

/// What [`race`] takes: a tuple of up to twelve futures, an array, or a `Vec`, all with the same
/// output.
///
/// Do not implement it: it has hidden methods that may change.
pub trait Racers {
    /// The output of each of them.
    type Output: Send + 'static;

    #[doc(hidden)]
    fn start(self, start: &mut RaceStart<Self::Output>);
}

/// The tasks of a race that is being made.
#[derive(Debug)]
pub struct RaceStart<T> {
    first: Arc<FirstFailure>,
    location: &'static Location<'static>,
    tasks: Vec<Task<T>>,
}

impl<T: Send + 'static> RaceStart<T> {
    fn add_all<F: Future<Output = T> + Send + 'static>(
        &mut self,
        futures: impl Iterator<Item = F>,
    ) {
        let eager = is_handle::<F>();
        // A big future is boxed first: without optimisation, every closure that takes it copies it.
        if const { is_big::<F>() } {
            futures
                .map(Box::pin)
                .for_each(|future| self.add(future, eager));
        } else {
            futures.for_each(|future| self.add(future, eager));
        }
    }

    /// A task or a gather among the racers is polled at once, so that a cancellation reaches it.
    fn add<F: Future<Output = T> + Send + 'static>(&mut self, future: F, eager: bool) {
        let guard = FailureGuard::new(&self.first, self.tasks.len());
        let new = NewTask {
            eager,
            location: self.location,
            ..NewTask::here()
        };
        let task = spawn_here(Racer { future, guard }, new);
        self.tasks.extend(task);
    }
}

pin_project! {
    /// The future that a racer's task runs.
    struct Racer<F> {
        #[pin]
        future: F,
        // Dropped after `future`: when the race is woken, the destructor of `future` has run.
        guard: FailureGuard,
    }
}

impl<F: Future> Future for Racer<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        self.project().future.poll(cx)
    }
}

impl<F> Racers for Vec<F>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    type Output = F::Output;

    fn start(self, start: &mut RaceStart<F::Output>) {
        start.tasks.reserve_exact(self.len());
        start.add_all(self.into_iter());
    }
}

impl<F, const N: usize> Racers for [F; N]
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    type Output = F::Output;

    fn start(self, start: &mut RaceStart<F::Output>) {
        start.tasks.reserve_exact(N);
        start.add_all(self.into_iter());
    }
}

macro_rules! racers {
    ($($F:ident $at:tt,)+) => {
        impl<T: Send + 'static, $($F),+> Racers for ($($F,)+)
        where
            $($F: Future<Output = T> + Send + 'static,)+
        {
            type Output = T;

            fn start(self, start: &mut RaceStart<T>) {
                $(if const { is_big::<$F>() } {
                    start.add(Box::pin(self.$at), is_handle::<$F>());
                } else {
                    start.add(self.$at, is_handle::<$F>());
                })+
            }
        }
    };
}

racers!(F0 0,);
racers!(F0 0, F1 1,);
racers!(F0 0, F1 1, F2 2,);
racers!(F0 0, F1 1, F2 2, F3 3,);
racers!(F0 0, F1 1, F2 2, F3 3, F4 4,);
racers!(F0 0, F1 1, F2 2, F3 3, F4 4, F5 5,);
racers!(F0 0, F1 1, F2 2, F3 3, F4 4, F5 5, F6 6,);
racers!(F0 0, F1 1, F2 2, F3 3, F4 4, F5 5, F6 6, F7 7,);
racers!(F0 0, F1 1, F2 2, F3 3, F4 4, F5 5, F6 6, F7 7, F8 8,);
racers!(F0 0, F1 1, F2 2, F3 3, F4 4, F5 5, F6 6, F7 7, F8 8, F9 9,);
racers!(F0 0, F1 1, F2 2, F3 3, F4 4, F5 5, F6 6, F7 7, F8 8, F9 9, F10 10,);
racers!(F0 0, F1 1, F2 2, F3 3, F4 4, F5 5, F6 6, F7 7, F8 8, F9 9, F10 10, F11 11,);

/// The future of [`race`]: the result of the first to end.
///
/// The racers run whether it is awaited or not. Dropping it cancels them.
#[must_use = "dropping a race cancels it"]
pub struct Race<T> {
    /// Those that are not known to have ended, but for the winner.
    tasks: Vec<Task<T>>,
    first: Arc<FirstFailure>,
    /// Where the race was made.
    location: &'static Location<'static>,
    stage: RaceStage<T>,
    /// To those to which a request has been passed on.
    edges: Edges,
    cancel_waker: CancelWaker,
}

enum RaceStage<T> {
    /// Nobody has ended.
    Running,
    /// There is a winner, and the losers have been cancelled.
    Draining(Result<T, TaskError>, Vec<CancelRequest>),
    /// The awaiter has been cancelled, and all racers with it.
    Cancelled(Vec<CancelRequest>, CancelledError),
    Raising(Raise),
    Over,
}

impl<T> Future for Race<T> {
    type Output = Result<T, TaskError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        loop {
            match std::mem::replace(&mut this.stage, RaceStage::Over) {
                RaceStage::Running => {
                    this.stage = RaceStage::Running;
                    ready!(this.poll_first(cx));
                }
                RaceStage::Draining(result, mut claims) => {
                    if this.poll_all(cx.waker()).is_ready() {
                        let kept = claims.into_iter();
                        kept.for_each(CancelRequest::deliver_again);
                        return Poll::Ready(result);
                    }
                    let claim = CancelRequest::claim_offered();
                    claim.into_iter().for_each(|claim| claim.join(&mut claims));
                    this.stage = RaceStage::Draining(result, claims);
                    return this.wait(cx.waker());
                }
                RaceStage::Cancelled(claims, error) => {
                    if this.poll_all(cx.waker()).is_ready() {
                        this.stage = RaceStage::Raising(raise_of(claims, error));
                        continue;
                    }
                    this.stage = RaceStage::Cancelled(claims, error);
                    if is_request_offered() {
                        this.forward();
                    }
                    return this.wait(cx.waker());
                }
                RaceStage::Raising(mut raise) => {
                    let raised = raise.poll_once(cx.waker());
                    return match raised {
                        Poll::Ready(error) => Poll::Ready(Err(error.into())),
                        Poll::Pending => {
                            this.stage = RaceStage::Raising(raise);
                            Poll::Pending
                        }
                    };
                }
                RaceStage::Over => polled_again(this.location),
            }
        }
    }
}

// The tasks are not pinned, and neither is the result.
impl<T> Unpin for Race<T> {}

/// The awaiter's requests go on outward; those whose owner is not around here are given back.
fn raise_of(claims: Vec<CancelRequest>, error: CancelledError) -> Raise {
    let claims = claims.into_iter();
    Raise::of_claims(
        claims.filter(CancelRequest::is_from_around).collect(),
        error,
    )
}

impl<T> Race<T> {
    fn wait<R>(&mut self, waker: &Waker) -> Poll<R> {
        self.cancel_waker.register_waker(waker);
        Poll::Pending
    }

    /// Waits until the first has ended, or the awaiter is cancelled; the stage says which.
    fn poll_first(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(first) = self.first.poll(cx.waker()) else {
            if is_request_offered() {
                self.forward();
            }
            return self.wait(cx.waker());
        };
        // Its future has been dropped: it ends in a moment.
        ready!(self.tasks[first].poll_done(cx.waker()));
        let ended = &mut self.tasks[first];
        let handle = ended.handle();
        if let Some(Outcome::Cancelled(error)) = ended.peek() {
            let error = error.clone();
            match propagation_from(handle.reference(), &error) {
                Propagation::None => {}
                Propagation::RequestComes => return self.wait(cx.waker()),
                Propagation::Raise(raise) => {
                    let _passed = self.forward_to_all(&error);
                    self.stage = RaceStage::Cancelled(raise.into_claims(), error);
                    return Poll::Ready(());
                }
            }
        }
        let result = self.tasks.swap_remove(first).result();
        self.cancel_losers();
        self.stage = RaceStage::Draining(result, Vec::new());
        Poll::Ready(())
    }

    /// Waits until all have ended, one after the other.
    fn poll_all(&mut self, waker: &Waker) -> Poll<()> {
        while let Some(last) = self.tasks.last_mut() {
            ready!(last.poll_done(waker));
            // Its panic is reported here.
            drop(self.tasks.pop());
        }
        self.edges = Edges::default();
        Poll::Ready(())
    }

    /// Passes the request that has reached this await on to all racers. If all have ended since
    /// they were looked at, it waits for the next await.
    fn forward(&mut self) {
        let Some(request) = CancelRequest::offered() else {
            return;
        };
        match self.forward_to_all(request.error()) {
            Forwarding::On => {}
            // In a cycle no task would ever end: the request goes on outward.
            Forwarding::TooLate | Forwarding::InACycle => return,
        }
        let claim = request.claim();
        match &mut self.stage {
            RaceStage::Cancelled(claims, _) => claim.join(claims),
            stage => {
                let error = claim.error().clone();
                *stage = RaceStage::Cancelled(vec![claim], error);
            }
        }
    }

    fn forward_to_all(&mut self, error: &CancelledError) -> Forwarding {
        let tasks = &self.tasks;
        self.edges.forward(error, |show| {
            tasks
                .iter()
                .for_each(|task| show(task.handle().reference()));
        })
    }

    #[cold]
    fn cancel_losers(&mut self) {
        let error = CancelledError::new(reason_at(CancelSource::Race, self.location));
        let error = error.caused_by(Cause::request(Stamp::now().0));
        if self.forward_to_all(&error) == Forwarding::InACycle {
            // There is no task here that awaits them.
            let losers = self.tasks.iter();
            losers.for_each(|loser| {
                loser.handle().cancel_for(error.clone());
            });
        }
    }
}

impl<T> Drop for Race<T> {
    fn drop(&mut self) {
        if let RaceStage::Running = self.stage {
            self.cancel_losers();
        }
    }
}

#[cold]
fn polled_again(location: &Location<'_>) -> ! {
    panic!("the race made at {location} was polled after its end")
}

impl<T> fmt::Debug for Race<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.stage {
            RaceStage::Running => "running",
            RaceStage::Draining(..) => "draining",
            RaceStage::Cancelled(..) | RaceStage::Raising(_) => "cancelled",
            RaceStage::Over => "done",
        };
        f.debug_struct("Race")
            .field("state", &state)
            .finish_non_exhaustive()
    }
}
