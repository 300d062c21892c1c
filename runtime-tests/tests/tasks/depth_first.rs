//! Tests of the order in which new tasks run while many wait: depth first, and fair.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};

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

#[test]
fn a_tree_of_tasks_is_walked_depth_first() {
    for workers in [1, 2, 4] {
        let most = most_alive(workers, Tuning::default());
        assert!(
            most < 20_000 * workers,
            "{most} tasks alive on {workers} workers"
        );
    }
    let breadth_first = Tuning {
        depth_first: false,
        ..Tuning::default()
    };
    assert!(most_alive(1, breadth_first) > 60_000);
}

/// Makes `count` tasks that yield until `stop` is set.
fn backlog(count: usize, stop: &Arc<AtomicBool>) {
    for _ in 0..count {
        let stop = Arc::clone(stop);
        create_task(async move {
            while !stop.load(SeqCst) {
                checkpoint().await;
            }
        });
    }
}

#[test]
fn many_tasks_of_one_poll_begin_in_order() {
    on_workers(1, async {
        let stop = Arc::new(AtomicBool::new(false));
        backlog(500, &stop);
        checkpoint().await;
        let begun = Arc::new(std::sync::Mutex::new(Vec::new()));
        create_task({
            let begun = Arc::clone(&begun);
            async move {
                let _group = (0..300)
                    .map(|number| {
                        let begun = Arc::clone(&begun);
                        create_task(async move { begun.lock().unwrap().push(number) })
                    })
                    .collect::<Vec<_>>();
            }
        })
        .await
        .unwrap();
        until(|| begun.lock().unwrap().len() == 300).await;
        stop.store(true, SeqCst);
        let begun = begun.lock().unwrap();
        let late: Vec<_> = begun
            .iter()
            .copied()
            .filter(|number| (32..299).contains(number))
            .collect();
        assert!(late.is_sorted(), "{late:?}");
    });
}

/// A task that makes two: one for the slot, and for the stack the next one of its kind.
fn chain(
    links: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
) -> Pin<Box<dyn Future<Output = ()> + Send>> {
    Box::pin(async move {
        if !stop.load(SeqCst) && links.fetch_add(1, SeqCst) < 1_000_000 {
            create_task(async {});
            create_task(chain(links, stop));
        }
    })
}

#[test]
fn new_tasks_and_woken_ones_take_turns() {
    on_workers(1, async {
        let stop = Arc::new(AtomicBool::new(false));
        backlog(200, &stop);
        checkpoint().await;
        let (links, turns) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
        create_task(chain(Arc::clone(&links), Arc::clone(&stop)));
        let yielding = create_task({
            let (turns, stop) = (Arc::clone(&turns), Arc::clone(&stop));
            async move {
                while !stop.load(SeqCst) {
                    turns.fetch_add(1, SeqCst);
                    checkpoint().await;
                }
            }
        });
        until(|| turns.load(SeqCst) >= 10).await;
        stop.store(true, SeqCst);
        yielding.await.unwrap();
        let links = links.load(SeqCst);
        assert!(
            (1_000..10_000).contains(&links),
            "{links} new tasks in 10 turns of 200 old ones"
        );
    });
}

#[test]
fn the_oldest_of_the_waiting_new_tasks_gets_its_turn() {
    on_workers(1, async {
        let stop = Arc::new(AtomicBool::new(false));
        backlog(500, &stop);
        checkpoint().await;
        let begun = Arc::new(AtomicBool::new(false));
        let first = create_task({
            let (stop, begun) = (Arc::clone(&stop), Arc::clone(&begun));
            async move {
                // The slot's; then the one that waits below all others on the stack.
                create_task(async {});
                create_task(async move { begun.store(true, SeqCst) });
                while !stop.load(SeqCst) {
                    create_task(async {});
                    create_task(async {});
                    create_task(async {});
                    checkpoint().await;
                }
            }
        });
        until(|| begun.load(SeqCst)).await;
        stop.store(true, SeqCst);
        first.await.unwrap();
    });
}
