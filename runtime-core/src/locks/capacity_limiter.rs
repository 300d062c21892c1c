//! Tokens that tasks borrow, of which each borrower has one at most.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::runtime::{Resource, TaskHandle, TaskId, WaitQueue, Waiter, current_task};
use crate::sync::{Mutant, broken, const_fn};

/// A limit for how many tasks do something at the same time: trio's `CapacityLimiter`.
///
/// It differs from a [`Semaphore`](super::Semaphore) in two things. It knows its borrowers: a task
/// that borrows a second token, and might so wait for itself, is told. And the number of tokens
/// can be changed at any time.
///
/// ```
/// # asyncio::run(async {
/// let limiter = asyncio::CapacityLimiter::new(2);
/// let token = limiter.acquire().await;
/// let other = limiter.acquire_on_behalf_of("connection 1").await;
/// assert_eq!(limiter.available_tokens(), 0);
/// limiter.set_total_tokens(3);
/// assert_eq!(limiter.available_tokens(), 1);
/// drop((token, other));
/// assert_eq!(limiter.borrowed_tokens(), 0);
/// # });
/// ```
pub struct CapacityLimiter {
    queue: WaitQueue<Tokens>,
}

struct Tokens {
    total: usize,
    /// Those that are reserved for a waiter included.
    borrowed: usize,
    borrowers: BTreeSet<Borrower>,
}

impl Resource<1> for Tokens {
    type Shared = ();

    fn reserve(&mut self, _line: usize, _units: usize) -> Option<usize> {
        let free = self.borrowed < self.total;
        self.borrowed += usize::from(free);
        free.then_some(0)
    }

    fn restore(&mut self, _line: usize, _units: usize, _answer: usize) {
        self.borrowed -= 1;
    }
}

impl CapacityLimiter {
    const_fn! {
        /// Makes a limiter with `total_tokens` tokens. `usize::MAX` is no limit.
        #[must_use]
        pub fn new(total_tokens: usize) -> CapacityLimiter {
            let borrowers = BTreeSet::new();
            let tokens = Tokens { total: total_tokens, borrowed: 0, borrowers };
            CapacityLimiter { queue: WaitQueue::new((), tokens) }
        }
    }

    /// Borrows a token on behalf of the task that awaits this; waits if there is none.
    ///
    /// Tokens are given in the order in which the borrowers came. Unlike trio's, this does not
    /// yield if a token is there.
    ///
    /// # Cancellation
    /// A wait that is cancelled or dropped borrows nothing; a token that it had been given goes to
    /// the next in line.
    ///
    /// # Panics
    /// If the task has borrowed a token of this limiter already (trio raises `RuntimeError`), or
    /// if no task awaits it: [`acquire_on_behalf_of`](CapacityLimiter::acquire_on_behalf_of) can
    /// be used outside of tasks. The message names the line of this call.
    #[track_caller]
    pub fn acquire(&self) -> AcquireToken<'_> {
        AcquireToken {
            limiter: self,
            borrower: None,
            location: Location::caller(),
            waiter: self.queue.wait(0, 1),
        }
    }

    /// Borrows a token on behalf of `borrower`; waits if there is none.
    ///
    /// # Cancellation
    /// As for [`acquire`](CapacityLimiter::acquire).
    ///
    /// # Panics
    /// If `borrower` has borrowed a token of this limiter already: at once, or when it would get
    /// the second.
    #[track_caller]
    pub fn acquire_on_behalf_of(&self, borrower: impl Into<Borrower>) -> AcquireToken<'_> {
        let borrower = borrower.into();
        assert!(!self.has(&borrower), "{borrower} {TWICE}");
        AcquireToken {
            borrower: Some(borrower),
            ..self.acquire()
        }
    }

    /// Borrows a token on behalf of the current task, if one is there and nobody waits.
    ///
    /// # Panics
    /// If the task has borrowed a token of this limiter already, and outside of tasks.
    #[must_use]
    #[track_caller]
    pub fn try_acquire(&self) -> Option<BorrowedToken<'_>> {
        self.try_acquire_on_behalf_of(current_borrower(Location::caller()))
    }

    /// Borrows a token on behalf of `borrower`, if one is there and nobody waits.
    ///
    /// # Panics
    /// If `borrower` has borrowed a token of this limiter already.
    #[must_use]
    #[track_caller]
    pub fn try_acquire_on_behalf_of(
        &self,
        borrower: impl Into<Borrower>,
    ) -> Option<BorrowedToken<'_>> {
        let borrower = borrower.into();
        let mut locked = self.queue.lock();
        let is_new = !locked.borrowers.contains(&borrower);
        let taken = is_new && locked.waiting(0) == 0 && locked.reserve(0, 1).is_some();
        if taken {
            locked.borrowers.insert(borrower.clone());
        }
        drop(locked);
        assert!(is_new, "{borrower} {TWICE}");
        taken.then(|| BorrowedToken {
            limiter: self,
            borrower,
        })
    }

    /// How many tokens there are, borrowed ones included.
    #[must_use]
    pub fn total_tokens(&self) -> usize {
        self.queue.lock().total
    }

    /// Changes the number of tokens.
    ///
    /// If there are more than before, waiters get them. If there are fewer than are borrowed,
    /// nobody loses a token, but no new one is given until enough have come back. With 0, all wait
    /// until the number is raised.
    pub fn set_total_tokens(&self, total_tokens: usize) {
        let mut locked = self.queue.lock();
        locked.total = total_tokens;
        locked.serve(0);
    }

    /// How many tokens are borrowed, or on their way to a waiter.
    #[must_use]
    pub fn borrowed_tokens(&self) -> usize {
        self.queue.lock().borrowed
    }

    /// How many tokens can be borrowed now. (trio's is negative if more are borrowed than there
    /// are in total.)
    #[must_use]
    pub fn available_tokens(&self) -> usize {
        let locked = self.queue.lock();
        locked.total.saturating_sub(locked.borrowed)
    }

    fn has(&self, borrower: &Borrower) -> bool {
        self.queue.lock().borrowers.contains(borrower)
    }
}

/// What a borrower is told that has a token.
const TWICE: &str = "is already holding one of this CapacityLimiter's tokens";

fn current_borrower(location: &'static Location<'static>) -> Borrower {
    match current_task() {
        Some(task) => Borrower::from(&task),
        None => panic!(
            "no current task: outside of tasks, borrow with acquire_on_behalf_of() (called at \
             {location})"
        ),
    }
}

impl fmt::Debug for CapacityLimiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CapacityLimiter")
            .field("total_tokens", &self.total_tokens())
            .field("borrowed_tokens", &self.borrowed_tokens())
            .finish()
    }
}

pin_project! {
    /// Waits for a token: made by [`CapacityLimiter::acquire`].
    #[must_use = "futures do nothing unless they are awaited"]
    pub struct AcquireToken<'a> {
        limiter: &'a CapacityLimiter,
        // `None` until the first poll if it is the task that polls.
        borrower: Option<Borrower>,
        location: &'static Location<'static>,
        #[pin]
        waiter: Waiter<'a, Tokens>,
    }
}

impl<'a> Future for AcquireToken<'a> {
    type Output = BorrowedToken<'a>;

    fn poll(self: Pin<&mut Self>, with: &mut Context<'_>) -> Poll<BorrowedToken<'a>> {
        let this = self.project();
        let (limiter, location) = (*this.limiter, *this.location);
        let borrower = this.borrower.get_or_insert_with(|| {
            let task = current_borrower(location);
            refuse_if(limiter.has(&task), &task, location);
            task
        });
        this.waiter.poll(with).map(|(mut locked, _)| {
            let is_new = locked.borrowers.insert(borrower.clone()) || broken(Mutant::BorrowTwice);
            if !is_new && !broken(Mutant::KeepRefused) {
                locked.restore(0, 1, 0);
                locked.serve(0);
            }
            drop(locked);
            refuse_if(!is_new, borrower, location);
            BorrowedToken {
                limiter,
                borrower: borrower.clone(),
            }
        })
    }
}

fn refuse_if(has_one: bool, borrower: &Borrower, location: &'static Location<'static>) {
    assert!(!has_one, "{borrower} {TWICE} (acquired at {location})");
}

impl fmt::Debug for AcquireToken<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AcquireToken")
            .field("borrower", &self.borrower)
            .finish_non_exhaustive()
    }
}

/// A token of a [`CapacityLimiter`], which gets it back when this is dropped.
#[must_use = "the token is given back when this is dropped"]
pub struct BorrowedToken<'a> {
    limiter: &'a CapacityLimiter,
    borrower: Borrower,
}

impl BorrowedToken<'_> {
    /// On whose behalf the token is borrowed.
    #[must_use]
    pub fn borrower(&self) -> &Borrower {
        &self.borrower
    }
}

impl Drop for BorrowedToken<'_> {
    fn drop(&mut self) {
        let mut locked = self.limiter.queue.lock();
        if !broken(Mutant::TokenBeforeBorrower) {
            locked.borrowers.remove(&self.borrower);
        }
        locked.restore(0, 1, 0);
        locked.serve(0);
        if broken(Mutant::TokenBeforeBorrower) {
            drop(locked);
            self.limiter.queue.lock().borrowers.remove(&self.borrower);
        }
    }
}

impl fmt::Debug for BorrowedToken<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BorrowedToken")
            .field("borrower", &self.borrower)
            .finish_non_exhaustive()
    }
}

/// On whose behalf a token of a [`CapacityLimiter`] is borrowed: a task, a number, or a name.
///
/// trio takes any object. Borrowers are the same here if they are made of the same task, number or
/// name.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Borrower(Who);

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Who {
    Task(u64),
    Number(u64),
    Name(Cow<'static, str>),
}

impl fmt::Debug for Borrower {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Borrower {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Who::Task(id) => write!(f, "task {id}"),
            Who::Number(number) => write!(f, "borrower {number}"),
            Who::Name(name) => write!(f, "borrower {name:?}"),
        }
    }
}

impl From<TaskId> for Borrower {
    fn from(task: TaskId) -> Borrower {
        Borrower(Who::Task(task.0))
    }
}

impl From<&TaskHandle> for Borrower {
    fn from(task: &TaskHandle) -> Borrower {
        Borrower::from(task.id())
    }
}

impl From<u64> for Borrower {
    fn from(number: u64) -> Borrower {
        Borrower(Who::Number(number))
    }
}

impl From<u32> for Borrower {
    fn from(number: u32) -> Borrower {
        Borrower::from(u64::from(number))
    }
}

impl From<usize> for Borrower {
    fn from(number: usize) -> Borrower {
        Borrower::from(number as u64)
    }
}

impl From<i32> for Borrower {
    fn from(number: i32) -> Borrower {
        // Each number is another borrower, and the same as in the other types.
        Borrower::from(i64::from(number) as u64)
    }
}

impl From<&'static str> for Borrower {
    fn from(name: &'static str) -> Borrower {
        Borrower(Who::Name(Cow::Borrowed(name)))
    }
}

impl From<String> for Borrower {
    fn from(name: String) -> Borrower {
        Borrower(Who::Name(Cow::Owned(name)))
    }
}
