//! a15: two tasks that await each other are cancelled, each on a thread of its own.

use super::test_scheduler::TestScheduler;
use crate::runtime::{Task, TaskHandle};
use crate::sync::{Arc, Mutant, Mutex, explore, explore_less, thread};

/// Two runners; one task has its shutdown request, and passes it on to the other (2 threads).
/// Both end.
pub fn a_cycle_ends_where_one_passes_on() {
    let name = "a15: a cycle ends where one passes on";
    explore(name, None, || meet([Some(shut_down), None]));
}

/// The same, with both tasks cancelled from outside.
pub fn a_cycle_that_is_cancelled_ends() {
    let name = "a15: a cycle that is cancelled ends";
    explore_less(2, name, None, || meet([Some(cancel), Some(cancel)]));
}

/// The edge is added after the request has been passed on.
pub fn without_the_edge_first() {
    let step = Some(Mutant::EdgeAfterRequest);
    explore("a15 twin", step, || meet([Some(shut_down), None]));
}

type Request = fn(&TaskHandle);

fn shut_down(task: &TaskHandle) {
    assert!(task.reference().cancel_for_shutdown());
}

fn cancel(task: &TaskHandle) {
    assert!(task.cancel());
}

type Slot = Arc<Mutex<Option<Task<()>>>>;

/// A task that awaits the one in the slot.
fn await_other(scheduler: &TestScheduler, slot: &Slot) -> Task<()> {
    let slot = slot.clone();
    scheduler.spawn(async move {
        let other = slot.lock().take().expect("filled before the first poll");
        let _ended = other.await;
    })
}

fn meet(requests: [Option<Request>; 2]) {
    let scheduler = TestScheduler::new();
    let slots: [Slot; 2] = [Arc::default(), Arc::default()];
    let [one, other] = [0, 1].map(|place| await_other(&scheduler, &slots[place]));
    let handles = [one.handle(), other.handle()];
    *slots[0].lock() = Some(other);
    *slots[1].lock() = Some(one);
    scheduler.run_all();
    for (request, task) in requests.iter().zip(&handles) {
        request.iter().for_each(|request| request(task));
    }
    let runner = {
        let scheduler = scheduler.clone();
        thread::spawn(move || scheduler.run_one())
    };
    // One poll each at once; what follows from them comes on one thread, in the order of the queue.
    scheduler.run_one();
    runner.join().expect("a panic would have ended the model");
    scheduler.run_all();
    let done = handles.iter().all(TaskHandle::done);
    assert!(done, "they wait for each other");
}
