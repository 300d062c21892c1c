//! Workloads for the scheduler: tasks that start, yield, exchange messages and end.

use std::hint::black_box;

use futures::channel::oneshot;

use crate::runtimes::{Gathers, Groups, Tasks};

/// Starts `count` tasks, each awaited before the next is started.
pub async fn spawn_and_await<R: Tasks>(count: usize) {
    for index in 0..count {
        black_box(R::join(R::spawn(async move { index })).await);
    }
}

/// Starts `count` tasks, then awaits them all in order.
pub async fn spawn_many<R: Tasks>(count: usize) {
    let tasks: Vec<_> = (0..count)
        .map(|index| R::spawn(async move { index }))
        .collect();
    for task in tasks {
        black_box(R::join(task).await);
    }
}

/// Gathers `count` futures that are ready after one yield.
pub async fn gather<R: Gathers>(count: usize) {
    let values = R::gather((0..count).map(|index| async move {
        R::yield_now().await;
        index
    }))
    .await;
    assert_eq!(values.len(), count, "every future gives its value");
}

/// Runs `groups` groups of `children` tasks, one group after the other.
pub async fn groups<R: Groups>(groups: usize, children: usize) {
    for _ in 0..groups {
        R::group((0..children).map(|index| async move {
            black_box(index);
        }))
        .await;
    }
}

/// Starts `tasks` tasks that yield `yields` times each, and awaits them.
pub async fn yields<R: Tasks>(tasks: usize, yields: usize) {
    let tasks: Vec<_> = (0..tasks)
        .map(|_| {
            R::spawn(async move {
                for _ in 0..yields {
                    R::yield_now().await;
                }
            })
        })
        .collect();
    for task in tasks {
        R::join(task).await;
    }
}

/// Starts a chain of `depth` tasks, each of which starts the next, and waits for the last.
pub async fn chain<R: Tasks>(depth: usize) {
    let (done, last) = oneshot::channel();
    link::<R>(depth, done);
    last.await.expect("the last task of the chain signals");
}

fn link<R: Tasks>(depth: usize, done: oneshot::Sender<()>) {
    R::detach(R::spawn(async move {
        match depth {
            0 | 1 => done.send(()).expect("the caller waits for the chain"),
            _ => link::<R>(depth - 1, done),
        }
    }));
}

/// A tree of tasks, ten children each, that sums the numbers of its leaves.
///
/// `leaves` is a power of ten. Returns the sum, so that the caller can check it.
pub async fn skynet<R: Tasks>(leaves: usize) -> usize {
    R::join(subtree::<R>(0, leaves)).await
}

/// The number of tasks in a tree with `leaves` leaves.
pub fn skynet_tasks(leaves: usize) -> usize {
    match leaves {
        0 | 1 => 1,
        _ => leaves + skynet_tasks(leaves / 10),
    }
}

fn subtree<R: Tasks>(first: usize, leaves: usize) -> R::Task<usize> {
    R::spawn(async move {
        if leaves <= 1 {
            return first;
        }
        let part = leaves / 10;
        let children: [_; 10] =
            std::array::from_fn(|index| subtree::<R>(first + index * part, part));
        let mut sum = 0;
        for child in children {
            sum += R::join(child).await;
        }
        sum
    })
}

/// Sends `rounds` questions from one task to another, and an answer to each, each message through a
/// new oneshot channel.
///
/// All runtimes use the channels of the crate `futures`: they differ only in how they schedule a
/// task that was woken.
pub async fn ping_pong<R: Tasks>(rounds: usize) {
    let (first, mut question) = oneshot::channel::<oneshot::Sender<Question>>();
    let answerer = R::spawn(async move {
        while let Ok(reply) = question.await {
            let (next, received) = oneshot::channel();
            question = received;
            if reply.send(Question(next)).is_err() {
                break;
            }
        }
    });
    let mut ask = first;
    for _ in 0..rounds {
        let (reply, answer) = oneshot::channel();
        ask.send(reply).expect("the answerer waits for a question");
        Question(ask) = answer.await.expect("the answerer answers");
    }
    drop(ask);
    R::join(answerer).await;
}

/// The sender for the next question; a separate type because it is recursive.
struct Question(oneshot::Sender<oneshot::Sender<Question>>);

#[cfg(all(test, feature = "others"))]
mod tests {
    use super::*;
    use crate::runtimes::{Asyncio, Smol, Tokio};

    fn every_kind_of_work_ends<R: Gathers>() {
        R::run(2, async {
            spawn_and_await::<R>(10).await;
            spawn_many::<R>(10).await;
            gather::<R>(10).await;
            yields::<R>(3, 5).await;
            chain::<R>(1_000).await;
            assert_eq!(skynet::<R>(100).await, 4_950);
            ping_pong::<R>(10).await;
        });
    }

    #[test]
    fn every_kind_of_work_ends_on_asyncio() {
        every_kind_of_work_ends::<Asyncio>();
    }

    #[test]
    fn every_kind_of_work_ends_on_tokio() {
        every_kind_of_work_ends::<Tokio>();
    }

    #[test]
    fn every_kind_of_work_ends_on_smol() {
        every_kind_of_work_ends::<Smol>();
    }

    #[test]
    fn a_tree_counts_its_inner_tasks_too() {
        assert_eq!(skynet_tasks(1_000), 1_111);
    }
}
