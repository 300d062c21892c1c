//! The memory of many tasks is given back when they have ended, and used again by the next ones.
//!
//! This is a test of its own because it counts what its process allocates. The tests take turns.

use std::sync::{Arc, Mutex, PoisonError};

use std::time::Duration;

use asyncio::{Event, Runner, Task, Tuning, create_task, sleep};

#[expect(unsafe_code, reason = "an allocator that counts")]
#[path = "task_memory/counting.rs"]
mod counting;

use counting::bytes;

const MEBIBYTE: usize = 1 << 20;

/// What a task takes at least.
const SMALLEST: usize = 100;

/// One test at a time.
static TURN: Mutex<()> = Mutex::new(());

fn runner(tuning: Tuning) -> Runner {
    let builder = Runner::builder().workers(2).tuning(tuning);
    builder.build().expect("the loop starts")
}

/// So many tasks that wait for `end`.
fn tasks(count: usize, end: &Arc<Event>) -> Vec<Task<()>> {
    let wait = |end: Arc<Event>| async move {
        end.wait().await;
    };
    (0..count)
        .map(|_| create_task(wait(Arc::clone(end))))
        .collect()
}

/// Ends them all, in no order.
async fn end_all(mut tasks: Vec<Task<()>>, end: &Event) {
    let mut number = 1;
    for last in (1..tasks.len()).rev() {
        number = number * 16_807 % 2_147_483_647;
        tasks.swap(last, number % (last + 1));
    }
    end.set();
    for task in tasks {
        task.await.expect("it ends");
    }
}

#[test]
fn the_memory_of_ended_tasks_is_given_back() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let before = bytes();
    for tuning in [
        Tuning::default(),
        Tuning {
            task_memory: false,
            ..Tuning::default()
        },
    ] {
        let mut runner = runner(tuning);
        runner.run(async {
            const COUNT: usize = 200_000;
            let idle = bytes();
            let end = Arc::new(Event::new());
            let waiting = tasks(COUNT, &end);
            assert!(bytes() - idle > COUNT * SMALLEST);
            end_all(waiting, &end).await;
            // When the workers sleep, they keep hardly anything, and two mebibytes are in slabs.
            // The rest is not the tasks'.
            sleep(Duration::from_millis(50)).await;
            let kept = bytes().saturating_sub(idle);
            assert!(kept < 8 * MEBIBYTE, "{kept} bytes are kept");
        });
        drop(runner);
        let left = bytes().saturating_sub(before);
        assert!(left < MEBIBYTE / 4, "{left} bytes are left by a loop");
    }
}

#[test]
fn memory_between_tasks_that_live_on_is_used_again() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let before = bytes();
    let mut runner = runner(Tuning::default());
    let survivors = runner.run(async {
        const COUNT: usize = 20_000;
        let (mut survivors, last) = (Vec::new(), Arc::new(Event::new()));
        let idle = bytes();
        for _ in 0..30 {
            let end = Arc::new(Event::new());
            let mut waiting = Vec::new();
            for _ in 0..COUNT / 100 {
                waiting.extend(tasks(99, &end));
                survivors.extend(tasks(1, &last));
            }
            end_all(waiting, &end).await;
        }
        // Without that, each of the rounds would have taken two mebibytes.
        let kept = bytes() - idle;
        assert!(kept < 16 * MEBIBYTE, "{kept} bytes are kept");
        last.set();
        survivors
    });
    drop(runner);
    // A handle keeps its task: these are freed one by one, by a thread without a worker.
    assert!(bytes() - before > survivors.len() * SMALLEST);
    drop(survivors);
    let left = bytes().saturating_sub(before);
    assert!(left < MEBIBYTE / 4, "{left} bytes are left");
}
