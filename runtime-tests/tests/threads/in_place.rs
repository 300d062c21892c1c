//! Blocking where one is: `asyncio::blocking`.

use super::*;
use asyncio::blocking;

#[test]
fn a_task_in_the_workers_own_queue_runs_while_the_worker_blocks() {
    on_workers(2, async {
        for _ in 0..200 {
            let (send, receive) = mpsc::channel();
            // One in the slot, one in the queue.
            let tasks = [(); 2].map(|()| {
                let send = send.clone();
                create_task(async move { send.send(()).unwrap() })
            });
            blocking(|| {
                receive.recv().unwrap();
                receive.recv().unwrap();
            });
            for task in tasks {
                task.await.unwrap();
            }
        }
    });
}

#[test]
fn what_the_function_makes_and_wakes_runs_elsewhere_at_once() {
    on_workers(2, async {
        for _ in 0..200 {
            let (ask, asked) = futures::channel::oneshot::channel::<()>();
            let (answer, answered) = mpsc::channel();
            let waiting = begun(async move {
                asked.await.unwrap();
                let there = create_task(async move { answer.send(()).unwrap() });
                there.await.unwrap();
            });
            let waiting = waiting.await;
            blocking(|| {
                assert!(current_task().is_some());
                ask.send(()).unwrap();
                answered.recv().unwrap();
            });
            waiting.await.unwrap();
        }
    });
}

#[test]
fn the_only_worker_is_stood_in_for() {
    on_workers(1, async {
        let (send, receive) = mpsc::channel();
        let task = create_task(async move { send.send(5).unwrap() });
        assert_eq!(blocking(|| receive.recv().unwrap()), 5);
        task.await.unwrap();
    });
}

#[test]
fn outside_a_worker_the_function_just_runs() {
    assert_eq!(blocking(|| 3), 3);
    watched(|| {
        let runner = Runner::builder().workers(2).build().unwrap();
        let event_loop = runner.get_loop().clone();
        let value = thread::spawn(move || event_loop.block_on(async { blocking(|| 4) }));
        assert_eq!(value.join().unwrap(), Ok(4));
    });
}

#[test]
fn a_panic_passes_through_and_the_worker_is_back_at_work() {
    on_workers(1, async {
        let task = create_task(async { blocking(|| panic!("inside")) });
        assert!(task.await.unwrap_err().is_panic());
        let local = asyncio::create_local_task(async { 1 });
        assert_eq!(local.await.unwrap(), 1);
        assert_eq!(create_task(async { 2 }).await.unwrap(), 2);
    });
}
