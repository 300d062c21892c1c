//! Tests of the shutdown with random trees of tasks that await, supervise and clean up after each
//! other: on real threads, and under seeds.
//!
//! Only the shutdown cancels tasks. So no task may see the cancellation of another one as a value,
//! no supervisor may restart a worker because of it, no cleanup may be cut short, and every task
//! must have counted exactly one request, although the shutdown may reach it in several ways:
//! directly, and through each task that awaits it.
//!
//! `ASYNCIO_SHUTDOWNS` is the number of trees for each kind of loop, instead of that of a usual
//! run; a long run has 10000. `ASYNCIO_SHUTDOWNS_FROM` is the number of the first.

use std::env;
use std::fmt::Debug;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use asyncio::{
    Runner, TaskError, catch_cancelled, checkpoint, create_task, current_task, finally,
    get_running_loop, sleep,
};
use futures::future::{BoxFuture, FutureExt};
use runtime_tests::watched;

#[path = "shutdown_trees/combinators.rs"]
mod combinators;

const HOUR: Duration = Duration::from_secs(3600);

/// A counter.
#[derive(Debug, Default)]
struct Count(AtomicU64);

impl Count {
    fn add(&self) {
        // Relaxed, since it is read after the close of the loop, which joins its threads.
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// The counters of one tree.
#[derive(Debug, Default)]
struct World {
    made: Count,
    dropped: Count,
    /// Cleanups that began after their task had been cancelled. Other cleanups are not counted: a
    /// shutdown that begins later may cut them short.
    cleans: Count,
    cleaned: Count,
    /// Ends of other tasks that an awaiter saw as errors. There must be none.
    seen: Count,
    restarted: Count,
    reports: Count,
    /// Tasks that have counted more than one request, or none.
    asked_twice: Count,
    is_closing: AtomicBool,
}

type Shared = Arc<World>;

/// Owned by a counted future: its making and its drop are those of the future.
struct Member(Shared);

impl Member {
    fn new(world: &Shared) -> Member {
        world.made.add();
        Member(Arc::clone(world))
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.0.dropped.add();
    }
}

impl World {
    fn is_closing(&self) -> bool {
        self.is_closing.load(Ordering::SeqCst)
    }

    /// Takes the value of a task that only the shutdown cancels.
    fn value<T>(&self, ended: Result<T, TaskError>) -> Option<T> {
        if ended.is_err() {
            self.seen.add();
        }
        ended.ok()
    }

    /// The body of every cleanup: it takes some time, and then checks how many requests its task
    /// has counted. It is counted only if the request came before it began, since a later one
    /// interrupts it.
    async fn cleanup(self: Shared, mut dice: Dice, before: Before) {
        let counts = before.0.load(Ordering::SeqCst);
        if counts {
            self.cleans.add();
        }
        match dice.below(4) {
            0 => {}
            1 => checkpoint().await,
            2 => sleep(Duration::from_micros(dice.below(200))).await,
            // The task is made during the shutdown, whose next round may cancel it.
            _ => create_task(checkpoint()).handle().wait().await,
        }
        if counts {
            self.cleaned.add();
            let asked = current_task().expect("it runs in a task").cancelling();
            if asked != 1 {
                self.asked_twice.add();
            }
        }
    }
}

/// Whether a task had been cancelled when the body before its cleanup was dropped.
#[derive(Clone, Default)]
struct Before(Arc<AtomicBool>);

impl Before {
    /// Returns `body`, which records this when it is dropped.
    fn noted_by(&self, body: impl Future<Output = ()> + Send + 'static) -> BoxFuture<'static, ()> {
        let noter = Noter(self.clone());
        async move {
            let _noter = noter;
            body.await;
        }
        .boxed()
    }
}

struct Noter(Before);

impl Drop for Noter {
    fn drop(&mut self) {
        let asked = current_task().is_some_and(|task| task.cancelling() > 0);
        self.0.0.store(asked, Ordering::SeqCst);
    }
}

/// A small pseudo-random generator: every run makes the same choices, though not with the same
/// timing.
#[derive(Clone)]
struct Dice(u64);

impl Dice {
    fn new(seed: u64) -> Dice {
        let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        dice.below(1);
        dice.below(1);
        dice
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 32) % limit
    }

    /// Returns a new generator whose seed is drawn from this one.
    fn split(&mut self) -> Dice {
        Dice::new(self.below(1 << 32))
    }
}

/// The body of one task of the tree: it waits for other tasks in a random way; at depth 0 it waits
/// for a timer, a future or nothing.
fn tree(world: &Shared, mut dice: Dice, depth: u32) -> BoxFuture<'static, ()> {
    let member = Member::new(world);
    let body = if depth == 0 {
        leaf(dice.split()).boxed()
    } else {
        combinators::any(world, dice.split(), depth)
    };
    let guarded = guarded(world, dice, body);
    async move {
        let _member = member;
        guarded.await;
    }
    .boxed()
}

/// Wraps `body` in a random kind of cleanup, or in none.
fn guarded(world: &Shared, mut dice: Dice, body: BoxFuture<'static, ()>) -> BoxFuture<'static, ()> {
    let before = Before::default();
    let cleanup = Arc::clone(world).cleanup(dice.split(), before.clone());
    match dice.below(6) {
        0 => body,
        1 | 2 => finally(before.noted_by(body), cleanup).boxed(),
        3 => {
            let inner = Before::default();
            let first = Arc::clone(world).cleanup(dice.split(), inner.clone());
            let body = finally(inner.noted_by(body), first);
            finally(before.noted_by(body), cleanup).boxed()
        }
        suppresses => async move {
            if let Err(cancelled) = catch_cancelled(before.noted_by(body)).await {
                cleanup.await;
                if suppresses == 4 {
                    cancelled.raise().await;
                }
            }
        }
        .boxed(),
    }
}

async fn leaf(mut dice: Dice) {
    match dice.below(5) {
        0 => std::future::pending().await,
        1 => sleep(HOUR).await,
        2 => sleep(Duration::from_micros(dice.below(300))).await,
        3 => loop {
            sleep(Duration::from_micros(1 + dice.below(50))).await;
        },
        // Not a loop of checkpoints: that would keep a paused clock from moving.
        _ => asyncio::Future::<()>::new().await.unwrap(),
    }
}

/// Makes a tree, shuts its loop down at a random moment, and checks the counters.
fn shut_down_a_tree(mut runner: Runner, seed: u64) {
    let world = Shared::default();
    let (of_main, of_handler) = (Arc::clone(&world), Arc::clone(&world));
    runner.run(async move {
        get_running_loop().set_exception_handler(move |_, _| of_handler.reports.add());
        let mut dice = Dice::new(seed);
        for _ in 0..=dice.below(3) {
            let depth = 1 + dice.below(4) as u32;
            create_task(tree(&of_main, dice.split(), depth));
        }
        match dice.below(4) {
            0 => {}
            1 => checkpoint().await,
            2 => {
                for _ in 0..dice.below(60) {
                    checkpoint().await;
                }
            }
            _ => sleep(Duration::from_micros(dice.below(500))).await,
        }
        of_main.is_closing.store(true, Ordering::SeqCst);
    });
    runner.close();
    let what = |name: &str| format!("tree {seed}: {name}: {world:?}");
    assert_eq!(
        world.reports.get(),
        0,
        "{}",
        what("a task panicked, or something else was reported")
    );
    assert_eq!(
        world.seen.get(),
        0,
        "{}",
        what("an awaiter saw the end of a task as an error")
    );
    assert_eq!(
        world.restarted.get(),
        0,
        "{}",
        what("a supervisor restarted its worker")
    );
    assert_eq!(
        world.cleans.get(),
        world.cleaned.get(),
        "{}",
        what("a cleanup was cut short")
    );
    assert_eq!(
        world.asked_twice.get(),
        0,
        "{}",
        what("a task has not counted exactly one request")
    );
    assert_eq!(
        world.made.get(),
        world.dropped.get(),
        "{}",
        what("a task has not ended")
    );
}

/// Shuts down as many trees as `ASYNCIO_SHUTDOWNS` says; `usual` if it is not set.
fn shut_down_trees(usual: u64, runner: impl Fn(u64) -> Runner) {
    let number = |name: &str| env::var(name).ok().and_then(|text| text.parse().ok());
    let first = number("ASYNCIO_SHUTDOWNS_FROM").unwrap_or(0);
    for seed in first..first + number("ASYNCIO_SHUTDOWNS").unwrap_or(usual) {
        // The watchdog's limit is for each tree, so that there may be any number.
        watched(|| shut_down_a_tree(runner(seed), seed));
    }
}

fn on_threads(workers: usize) -> Runner {
    let builder = Runner::builder().workers(workers);
    builder.build().expect("a loop can be started")
}

fn under_seed(workers: usize, seed: u64) -> Runner {
    let builder = Runner::builder().workers(workers).deterministic(seed);
    builder.build().expect("a loop can be started")
}

// RU-4, RU-5, CA-3, CA-4, CA-8
#[test]
fn a_tree_on_one_worker_is_shut_down_once_and_quietly() {
    shut_down_trees(300, |_| on_threads(1));
}

#[test]
fn a_tree_on_two_workers_is_shut_down_once_and_quietly() {
    shut_down_trees(300, |_| on_threads(2));
}

#[test]
fn a_tree_on_four_workers_is_shut_down_once_and_quietly() {
    shut_down_trees(300, |_| on_threads(4));
}

#[test]
fn a_tree_in_asyncio_s_order_is_shut_down_once_and_quietly() {
    shut_down_trees(300, |seed| under_seed(1, seed));
}

#[test]
fn a_tree_under_a_seed_is_shut_down_once_and_quietly() {
    shut_down_trees(1000, |seed| under_seed(3, seed));
}

fn assert_value<T, E: Debug>(ended: Result<T, E>) -> T {
    ended.expect("only the shutdown cancels it, and its awaiter must not see that as a value")
}
