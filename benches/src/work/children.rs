//! Workloads on child processes.

use std::sync::Arc;

use crate::runtimes::Processes;

/// Starts `true` and waits for its end, `count` times.
pub async fn one_by_one<R: Processes>(count: usize) {
    for _ in 0..count {
        R::run_true().await;
    }
}

/// Starts `true` in `count` tasks, and waits for all ends.
pub async fn at_once<R: Processes>(count: usize) {
    let tasks: Vec<_> = (0..count).map(|_| R::spawn(R::run_true())).collect();
    for task in tasks {
        R::join(task).await;
    }
}

/// Sends data to `cat`, and receives it again.
///
/// # Panics
/// Another number of bytes comes back.
pub async fn through_cat<R: Processes>(data: Arc<[u8]>) {
    let received = R::through_cat(&data).await;
    assert_eq!(received, data.len());
}

#[cfg(all(test, feature = "others"))]
mod tests {
    use super::*;
    use crate::runtimes::{Asyncio, Smol, Tokio};

    fn children_are_waited_for<R: Processes>() {
        R::run(2, async {
            one_by_one::<R>(2).await;
            at_once::<R>(10).await;
            through_cat::<R>(vec![7; 1_000_000].into()).await;
        });
    }

    #[test]
    fn children_of_asyncio_are_waited_for() {
        children_are_waited_for::<Asyncio>();
    }

    #[test]
    fn children_of_tokio_are_waited_for() {
        children_are_waited_for::<Tokio>();
    }

    #[test]
    fn children_of_smol_are_waited_for() {
        children_are_waited_for::<Smol>();
    }
}
