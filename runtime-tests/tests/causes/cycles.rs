//! Tests of cancellations of tasks that await each other in a cycle.

use super::*;

type Place = Arc<Mutex<Option<Task<()>>>>;

/// How a task of a cycle awaits the next one.
#[derive(Clone, Copy, Debug)]
enum Way {
    Plain,
    WaitFor,
    Gather,
    Joined,
}

const WAYS: [Way; 4] = [Way::Plain, Way::WaitFor, Way::Gather, Way::Joined];

async fn await_by(way: Way, task: Task<()>) {
    match way {
        Way::Plain => drop(task.await),
        Way::WaitFor => drop(wait_for(task, HOUR).await),
        Way::Gather => drop(asyncio::gather((task,)).await),
        Way::Joined => drop(futures::future::join(task, pending::<()>()).await),
    }
}

/// Makes `length` tasks, each of which awaits the next, and the last of which awaits the first.
async fn cycle(length: usize, way: Way) -> Vec<TaskHandle> {
    let places: Vec<Place> = (0..length).map(|_| Place::default()).collect();
    let await_now = Arc::new(AtomicUsize::new(0));
    let tasks: Vec<_> = (0..length)
        .map(|n| {
            let next = places[(n + 1) % length].clone();
            let await_now = await_now.clone();
            create_task(async move {
                until(|| next.lock().unwrap().is_some()).await;
                let task = next.lock().unwrap().take().expect("it is there");
                await_now.fetch_add(1, Ordering::SeqCst);
                await_by(way, task).await;
            })
        })
        .collect();
    let handles = tasks.iter().map(Task::handle).collect();
    for (task, place) in tasks.into_iter().zip(&places) {
        *place.lock().unwrap() = Some(task);
    }
    until(|| await_now.load(Ordering::SeqCst) == length).await;
    handles
}

/// Cycles used to be detected by a count of hops, so a request went round 65,536 times before it
/// was dropped.
#[test]
fn a_request_ends_a_cycle_at_once() {
    for (way, length) in WAYS
        .into_iter()
        .flat_map(|way| [(way, 2), (way, 3), (way, 10)])
    {
        on_workers(2, async move {
            let tasks = cycle(length, way).await;
            checkpoint().await;
            let before = get_running_loop().metrics().polls;
            tasks[length / 2].cancel();
            for task in &tasks {
                task.wait().await;
                assert!(task.cancelled(), "{way:?}, {length}");
                assert_eq!(task.cancelling(), 1, "{way:?}, {length}: counted once");
            }
            let polls = get_running_loop().metrics().polls - before;
            assert!(
                polls < 100 * length as u64,
                "{way:?}, {length}: {polls} polls"
            );
        });
    }
}

#[test]
fn a_shutdown_ends_cycles_at_once() {
    for (way, workers) in WAYS
        .into_iter()
        .flat_map(|way| [(way, 1), (way, 2), (way, 4)])
    {
        watched(|| {
            let mut runner = runner(workers);
            let tasks = runner.run(async move {
                let mut tasks = cycle(2, way).await;
                tasks.extend(cycle(5, way).await);
                tasks
            });
            let event_loop = runner.get_loop().clone();
            let before = event_loop.metrics().polls;
            runner.close();
            let polls = event_loop.metrics().polls - before;
            assert!(tasks.iter().all(TaskHandle::cancelled), "{way:?}");
            assert!(polls < 500, "{way:?}, {workers} workers: {polls} polls");
        });
    }
}

#[test]
fn tasks_of_a_cycle_that_are_cancelled_by_several_at_once_end() {
    on_workers(4, async {
        for _ in 0..100 {
            let tasks = cycle(3, Way::Plain).await;
            let cancellers: Vec<_> = tasks
                .iter()
                .cloned()
                .map(|task| create_task(async move { task.cancel() }))
                .collect();
            for canceller in cancellers {
                canceller.await.unwrap();
            }
            for task in &tasks {
                task.wait().await;
                assert!(task.cancelled());
            }
        }
    });
}

/// In earlier tests, no gather that learns of the shutdown from the end of a child was part of a
/// cycle.
#[test]
fn a_shutdown_ends_a_gather_in_a_cycle_whoever_comes_first() {
    async fn left(place: Place) -> Task<()> {
        until(|| place.lock().unwrap().is_some()).await;
        let task = place.lock().unwrap().take();
        task.expect("it is there")
    }
    for (seed, child_first) in (0..300).flat_map(|seed| [(seed, false), (seed, true)]) {
        watched(|| {
            let mut runner = Runner::builder().deterministic(seed).build().unwrap();
            runner.run(async move {
                let [gathering, awaiting, child]: [Place; 3] = Default::default();
                let child_place = child.clone();
                let make_child =
                    move || *child_place.lock().unwrap() = Some(create_task(pending()));
                if child_first {
                    make_child();
                }
                let next = gathering.clone();
                let awaits = create_task(async move { drop(left(next).await.await) });
                *awaiting.lock().unwrap() = Some(awaits);
                let gathers = create_task(async move {
                    let children = (left(child).await, left(awaiting).await);
                    drop(asyncio::gather(children).await);
                });
                *gathering.lock().unwrap() = Some(gathers);
                if !child_first {
                    make_child();
                }
                for _ in 0..50 {
                    checkpoint().await;
                }
            });
            runner.close();
        });
    }
}
