//! Random trees of tasks that await, supervise, and clean up after each other are shut down, over
//! and over: on real threads, and under seeds.
//!
//! Nobody is cancelled but by the shutdown. So no task may ever see another one's cancellation as a
//! value, no supervisor may start a worker anew because of it, no cleanup may be cut short, and
//! every task has been asked to end exactly once, however often that reaches it: by its own part of
//! the shutdown, and by that of each task that awaits it.
//!
//! `ASYNCIO_SHUTDOWNS` says how many trees there are for each kind of loop, instead of those of a
//! usual run: a long one is 10000. `ASYNCIO_SHUTDOWNS_FROM` is the number of the first.

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

/// How many there are of something.
#[derive(Debug, Default)]
struct Count(AtomicU64);

impl Count {
    fn add(&self) {
        // Read after the loop has been closed, which joins its threads.
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What is counted of one tree.
#[derive(Debug, Default)]
struct World {
    born: Count,
    gone: Count,
    /// Cleanups that began when their task had been cancelled. A shutdown that comes later may cut
    /// one short.
    cleans: Count,
    cleaned: Count,
    /// Ends of other tasks, seen as errors. There is to be none.
    seen: Count,
    restarted: Count,
    reports: Count,
    /// Tasks that were asked to end more than once.
    asked_twice: Count,
    is_closing: AtomicBool,
}

type Shared = Arc<World>;

/// Counted in its future, whatever becomes of that.
struct Member(Shared);

impl Member {
    fn new(world: &Shared) -> Member {
        world.born.add();
        Member(Arc::clone(world))
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.0.gone.add();
    }
}

impl World {
    fn is_closing(&self) -> bool {
        self.is_closing.load(Ordering::SeqCst)
    }

    /// Takes the value of a task that nobody but the shutdown may cancel.
    fn value<T>(&self, ended: Result<T, TaskError>) -> Option<T> {
        if ended.is_err() {
            self.seen.add();
        }
        ended.ok()
    }

    /// What every cleanup does: it takes a while, and looks how often its task has been asked to
    /// end. It counts if that was asked before it began: later requests interrupt it.
    async fn cleanup(self: Shared, mut dice: Dice, before: Before) {
        let counts = before.0.load(Ordering::SeqCst);
        if counts {
            self.cleans.add();
        }
        match dice.below(4) {
            0 => {}
            1 => checkpoint().await,
            2 => sleep(Duration::from_micros(dice.below(200))).await,
            // It is born during the shutdown, whose next round may end it.
            _ => create_task(checkpoint()).handle().wait().await,
        }
        if counts {
            self.cleaned.add();
            let asked = current_task().expect("it is a task's").cancelling();
            if asked != 1 {
                self.asked_twice.add();
            }
        }
    }
}

/// Whether a task had been asked to end when the body of its cleanup was dropped.
#[derive(Clone, Default)]
struct Before(Arc<AtomicBool>);

impl Before {
    /// The body, which notes it.
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
        let asked = current_task().is_some_and(|me| me.cancelling() > 0);
        self.0.0.store(asked, Ordering::SeqCst);
    }
}

/// A small random source: a test repeats its choices, if not its timing.
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

    /// Another one, of its own.
    fn split(&mut self) -> Dice {
        Dice::new(self.below(1 << 32))
    }
}

/// What one task of the tree does: it waits for others, in one way or another, or for nothing.
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

/// The body, with or without something that cleans up after it.
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
        // As often as it is polled it would hold virtual time.
        _ => asyncio::Future::<()>::new().await.unwrap(),
    }
}

/// Grows a tree, shuts its loop down at some moment, and looks what has come of it.
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
        what("nobody panics, and nothing is reported")
    );
    assert_eq!(
        world.seen.get(),
        0,
        "{}",
        what("no end is seen as an error")
    );
    assert_eq!(
        world.restarted.get(),
        0,
        "{}",
        what("nobody restarts its worker")
    );
    assert_eq!(
        world.cleans.get(),
        world.cleaned.get(),
        "{}",
        what("cleanups run to their end")
    );
    assert_eq!(
        world.asked_twice.get(),
        0,
        "{}",
        what("one cause counts once")
    );
    assert_eq!(
        world.born.get(),
        world.gone.get(),
        "{}",
        what("every task ends")
    );
}

/// Shuts down as many trees as are asked for; `usual` if nobody asks.
fn shut_down_trees(usual: u64, runner: impl Fn(u64) -> Runner) {
    let number = |name: &str| env::var(name).ok().and_then(|text| text.parse().ok());
    let first = number("ASYNCIO_SHUTDOWNS_FROM").unwrap_or(0);
    for seed in first..first + number("ASYNCIO_SHUTDOWNS").unwrap_or(usual) {
        // Each is watched, so that there may be any number.
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
    ended.expect("nothing but the shutdown ends it, and that is no value")
}
