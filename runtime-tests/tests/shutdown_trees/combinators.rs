//! The ways in which a task of a tree waits for others.

use std::sync::Arc;

use asyncio::{
    FIRST_COMPLETED, Task, as_completed, catch_cancelled, create_local_task, create_task, gather,
    gather_all, get_running_loop, move_on_after, run_coroutine_threadsafe, shield, timeout,
    to_thread, wait, wait_for,
};
use futures::future::{BoxFuture, Either, FutureExt, join, join_all, select, select_all};
use futures::stream::{FuturesUnordered, StreamExt};

use super::{Dice, HOUR, Shared, assert_value, tree};

/// Makes the tasks that one task waits for.
struct Nursery {
    world: Shared,
    dice: Dice,
    depth: u32,
}

impl Nursery {
    fn body(&mut self) -> BoxFuture<'static, ()> {
        tree(&self.world, self.dice.split(), self.depth - 1)
    }

    fn task(&mut self) -> Task<()> {
        create_task(self.body())
    }

    fn bodies(&mut self) -> Vec<BoxFuture<'static, ()>> {
        (0..=self.dice.below(2)).map(|_| self.body()).collect()
    }

    fn tasks(&mut self) -> Vec<Task<()>> {
        self.bodies().into_iter().map(create_task).collect()
    }
}

/// Returns a body that waits for other tasks in a random way.
pub(super) fn any(world: &Shared, mut dice: Dice, depth: u32) -> BoxFuture<'static, ()> {
    let way = dice.below(20);
    let world = Arc::clone(world);
    let nursery = Nursery { world, dice, depth };
    match way {
        0..=4 => awaits(nursery, way).boxed(),
        5..=8 => gathers(nursery, way).boxed(),
        9..=11 => limits(nursery, way).boxed(),
        12..=15 => foreign(nursery, way).boxed(),
        16 => supervises(nursery).boxed(),
        17 => supervises_many(nursery).boxed(),
        18 => completes(nursery).boxed(),
        _ => threads(nursery).boxed(),
    }
}

async fn awaits(mut nursery: Nursery, way: u64) {
    match way {
        0 => nursery.task().await.unwrap(),
        1 => assert_value(create_local_of(&mut nursery).await),
        2 => assert_value(shield(nursery.task()).await),
        3 => {
            let ended = catch_cancelled(nursery.task()).await;
            match ended {
                Ok(ended) => assert_value(ended),
                Err(cancelled) => cancelled.raise().await,
            }
        }
        _ => {
            let ended = nursery.task().await;
            nursery.world.value(ended);
        }
    }
}

fn create_local_of(nursery: &mut Nursery) -> Task<()> {
    create_local_task(nursery.body())
}

async fn gathers(mut nursery: Nursery, way: u64) {
    let bodies = nursery.bodies();
    match way {
        5 => drop(assert_value(gather(bodies).await)),
        6 => gather(bodies)
            .return_exceptions()
            .await
            .into_iter()
            .for_each(assert_value),
        7 => drop(assert_value(gather_all(bodies).await)),
        _ => drop(assert_value(gather(nursery.tasks()).await)),
    }
}

async fn limits(mut nursery: Nursery, way: u64) {
    let task = nursery.task();
    match way {
        9 => assert_value(assert_value(wait_for(task, HOUR).await)),
        10 => assert_value(assert_value(timeout(HOUR, async |_| task.await).await)),
        _ => assert_value(move_on_after(HOUR, async |_| task.await).await.unwrap()),
    }
}

/// Waits through combinators of other crates, which are not aware of cancellation.
async fn foreign(mut nursery: Nursery, way: u64) {
    match way {
        12 => {
            let (left, right) = join(nursery.task(), nursery.task()).await;
            assert_value(left);
            assert_value(right);
        }
        13 => {
            let (ended, other) = match select(nursery.task(), nursery.task()).await {
                Either::Left((ended, other)) | Either::Right((ended, other)) => (ended, other),
            };
            assert_value(ended);
            assert_value(other.await);
        }
        14 => {
            let mut tasks: FuturesUnordered<_> = nursery.tasks().into_iter().collect();
            while let Some(ended) = tasks.next().await {
                assert_value(ended);
            }
        }
        _ => {
            let (ended, _, rest) = select_all(nursery.tasks()).await;
            assert_value(ended);
            join_all(rest).await.into_iter().for_each(assert_value);
        }
    }
}

/// Restarts its worker when that has returned or failed.
async fn supervises(mut nursery: Nursery) {
    for _ in 0..3 {
        let ended = nursery.task().await;
        if nursery.world.value(ended).is_none() {
            nursery.world.restarted.add();
        } else if nursery.world.is_closing() {
            return;
        }
    }
}

async fn supervises_many(mut nursery: Nursery) {
    let mut workers = nursery.tasks();
    for _ in 0..4 {
        let (done, pending) = wait(workers).return_when(FIRST_COMPLETED).await;
        workers = pending;
        for mut task in done {
            let ended = task.result();
            if nursery.world.value(ended).is_none() {
                nursery.world.restarted.add();
            } else if nursery.world.is_closing() {
                continue;
            }
            workers.push(nursery.task());
        }
        if workers.is_empty() {
            return;
        }
    }
}

async fn completes(mut nursery: Nursery) {
    let mut tasks = as_completed(nursery.tasks());
    while let Some(ended) = tasks.next().await {
        nursery.world.value(ended);
    }
}

async fn threads(mut nursery: Nursery) {
    if nursery.dice.below(2) == 0 {
        let time = std::time::Duration::from_micros(nursery.dice.below(100));
        assert_value(to_thread(move || std::thread::sleep(time)).await);
    }
    let ended = run_coroutine_threadsafe(nursery.body(), &get_running_loop()).await;
    nursery.world.value(ended);
}
