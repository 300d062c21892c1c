//! Tests of the order in which new tasks run while many wait: depth first, and fair.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

use asyncio::{Tuning, checkpoint, create_task};
use runtime_tests::{on_workers, until, watched};

/// How many tasks of a tree exist, and the most that existed at a time.
#[derive(Default)]
struct Alive {
    now: AtomicUsize,
    most: AtomicUsize,
}

/// Counts one task from its creation until its future is dropped.
struct Counted(Arc<Alive>);

impl Counted {
    fn new(alive: &Arc<Alive>) -> Counted {
        let now = alive.now.fetch_add(1, SeqCst) + 1;
        alive.most.fetch_max(now, SeqCst);
        Counted(Arc::clone(alive))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.now.fetch_sub(1, SeqCst);
    }
}

/// A tree of tasks in which each inner one makes ten and awaits them. Returns the sum of the
/// leaves.
fn tree(counted: Counted, leaves: usize) -> Pin<Box<dyn Future<Output = usize> + Send>> {
    Box::pin(async move {
        if leaves == 1 {
            return 1;
        }
        let children: Vec<_> = (0..10)
            .map(|_| create_task(tree(Counted::new(&counted.0), leaves / 10)))
            .collect();
        let mut sum = 0;
        for child in children {
            sum += child.await.unwrap();
        }
        sum
    })
}

fn most_alive(workers: usize, tuning: Tuning) -> usize {
    watched(|| {
        let alive = Arc::new(Alive::default());
        let mut runner = asyncio::Runner::builder()
            .workers(workers)
            .tuning(tuning)
            .build()
            .unwrap();
        let root = Counted::new(&alive);
        let sum = runner.run(async { create_task(tree(root, 100_000)).await.unwrap() });
        assert_eq!((sum, alive.now.load(SeqCst)), (100_000, 0));
        alive.most.load(SeqCst)
    })
}

/// Whether it holds in one of some runs. On a crowded machine a worker may be stopped for long;
/// then a spare one takes over, which has no stack.
fn once_in_some_runs(holds: impl Fn() -> bool) -> bool {
    (0..10).any(|_| holds())
}

#[test]
fn a_tree_of_tasks_is_walked_depth_first() {
    for workers in [1, 2, 4] {
        let few = || most_alive(workers, Tuning::default()) < 20_000 * workers;
        assert!(once_in_some_runs(few), "on {workers} workers");
    }
    let breadth_first = Tuning {
        depth_first: false,
        ..Tuning::default()
    };
    assert!(once_in_some_runs(|| most_alive(1, breadth_first) > 50_000));
}

/// Runs `main` on a worker beside `count` tasks that yield until it ends, or sets its flag.
fn beside<T: Send + 'static>(count: usize, main: impl AsyncFnOnce(Arc<AtomicBool>) -> T) -> T {
    on_workers(1, async {
        let stop = Arc::new(AtomicBool::new(false));
        for _ in 0..count {
            create_task(turns(Arc::default(), Arc::clone(&stop)));
        }
        checkpoint().await;
        let result = main(Arc::clone(&stop)).await;
        stop.store(true, SeqCst);
        result
    })
}

/// Yields until `stop` is set, and counts its turns.
async fn turns(count: Arc<AtomicUsize>, stop: Arc<AtomicBool>) {
    while !stop.load(SeqCst) {
        count.fetch_add(1, SeqCst);
        checkpoint().await;
    }
}

/// A task that makes one for the slot, and for the stack `more` of its own kind.
fn breed(
    more: usize,
    made: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
) -> Pin<Box<dyn Future<Output = ()> + Send>> {
    Box::pin(async move {
        if !stop.load(SeqCst) && made.fetch_add(1, SeqCst) < 100_000 {
            create_task(async {});
            for _ in 0..more {
                create_task(breed(more, Arc::clone(&made), Arc::clone(&stop)));
            }
        }
    })
}

#[test]
fn many_tasks_of_one_poll_begin_in_order() {
    beside(500, async |_| {
        let begun = Arc::new(Mutex::new(Vec::new()));
        let all = Arc::clone(&begun);
        let maker = create_task(async move {
            for number in 0..300 {
                let begun = Arc::clone(&all);
                create_task(async move { begun.lock().unwrap().push(number) });
            }
        });
        maker.await.unwrap();
        until(|| begun.lock().unwrap().len() == 300).await;
        let mut begun = begun.lock().unwrap().clone();
        // The last one was in the slot, and the first ones came before it was known that many come.
        begun.retain(|number| (32..299).contains(number));
        assert!(begun.is_sorted(), "{begun:?}");
    });
}

#[test]
fn new_tasks_and_woken_ones_take_turns() {
    let new_in_ten_turns = || {
        beside(200, async |stop| {
            let (made, old) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
            create_task(breed(1, Arc::clone(&made), Arc::clone(&stop)));
            create_task(turns(Arc::clone(&old), stop));
            until(|| old.load(SeqCst) >= 10).await;
            made.load(SeqCst)
        })
    };
    // Ten turns of two hundred old tasks.
    assert!(once_in_some_runs(
        || (1_000..10_000).contains(&new_in_ten_turns())
    ));
}

#[test]
fn the_oldest_new_task_gets_its_turn_although_newer_ones_keep_coming() {
    beside(500, async |stop| {
        let begun = Arc::new(AtomicUsize::new(usize::MAX));
        let made = Arc::<AtomicUsize>::default();
        let (last, count) = (Arc::clone(&begun), Arc::clone(&made));
        create_task(async move {
            create_task(async {});
            // Below all that come after it: each of those leaves one more than it takes.
            let made = Arc::clone(&count);
            create_task(async move { last.store(made.load(SeqCst), SeqCst) });
            create_task(breed(2, count, stop));
        });
        until(|| begun.load(SeqCst) < usize::MAX).await;
        let made = begun.load(SeqCst);
        assert!(made < 50_000, "it began after {made} newer ones");
    });
}
