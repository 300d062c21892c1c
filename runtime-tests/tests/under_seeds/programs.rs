//! Tests with random programs that run in asyncio and on one worker in the deterministic mode: both
//! must take all steps in the same order. (This checks all rules marked \[ST\] at once.)

use std::sync::Mutex;

use asyncio::{Future, Runner};
use futures::FutureExt;
use futures::future::BoxFuture;
use proptest::collection::vec;
use proptest::prelude::*;

use super::player::compare;
use super::*;

const TASKS: usize = 6;
const CALLBACKS: usize = 5;
const FUTURES: usize = 3;

/// What a task or a callback does next. The Python program reads the `Debug` output of this type.
#[derive(Clone, Copy, Debug)]
enum Step {
    Yield,
    Sleep(u64),
    AwaitTask(usize),
    AwaitFuture(usize),
    Spawn(usize),
    CallSoon(usize),
    Set(usize),
    OnFuture(usize, usize),
    OnTask(usize, usize),
}

/// The steps of the tasks, the first of which is main, the steps of the callbacks, and the number
/// of futures.
type Program = (Vec<Vec<Step>>, Vec<Vec<Step>>, usize);

/// A step that takes no time. Tasks and callbacks make only tasks and callbacks with higher
/// numbers, so that every program ends.
fn any_act(tasks: usize, callbacks: usize) -> BoxedStrategy<Step> {
    let future = 0..FUTURES;
    let set = future.clone().prop_map(Step::Set);
    let spawn = later_task(tasks, Step::Spawn);
    if callbacks == CALLBACKS {
        return prop_oneof![set, spawn].boxed();
    }
    let callback = callbacks..CALLBACKS;
    prop_oneof![
        set,
        spawn,
        callback.clone().prop_map(Step::CallSoon),
        (future, callback.clone()).prop_map(|(future, call)| Step::OnFuture(future, call)),
        (1..TASKS, callback).prop_map(|(task, call)| Step::OnTask(task, call)),
    ]
    .boxed()
}

/// A step with one of the tasks from `first` on; `Yield` if there is none.
fn later_task(first: usize, step: fn(usize) -> Step) -> BoxedStrategy<Step> {
    if first == TASKS {
        return Just(Step::Yield).boxed();
    }
    (first..TASKS).prop_map(step).boxed()
}

fn any_wait(tasks: usize) -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => Just(Step::Yield),
        // No two deadlines of a program are the same: the order of equal ones is unspecified.
        1 => (1..100_000_000_u64).prop_map(Step::Sleep),
        3 => later_task(tasks, Step::AwaitTask),
        2 => (0..FUTURES).prop_map(Step::AwaitFuture),
    ]
}

fn any_program() -> impl Strategy<Value = Program> {
    let task = |number| {
        let step = prop_oneof![3 => any_act(number + 1, 0), 2 => any_wait(number + 1)];
        vec(step, 0..10).boxed()
    };
    let callback = |number| vec(any_act(1, number + 1), 0..4).boxed();
    let tasks: Vec<_> = (0..TASKS).map(task).collect();
    let callbacks: Vec<_> = (0..CALLBACKS).map(callback).collect();
    (tasks, callbacks, Just(FUTURES))
}

/// The state of a running program.
struct World {
    program: Program,
    futures: Vec<Future<()>>,
    tasks: Mutex<Vec<Option<Spawned>>>,
    notes: Mutex<Vec<String>>,
}

struct Spawned {
    handle: TaskHandle,
    /// `None` once a task awaits it.
    task: Option<Task<()>>,
}

impl World {
    fn note(&self, what: String) {
        self.notes.lock().unwrap().push(what);
    }

    fn handle(&self, task: usize) -> Option<TaskHandle> {
        let tasks = self.tasks.lock().unwrap();
        tasks[task].as_ref().map(|spawned| spawned.handle.clone())
    }

    fn take(&self, task: usize) -> Option<Task<()>> {
        self.tasks.lock().unwrap()[task].as_mut()?.task.take()
    }

    fn act(self: &Arc<World>, step: Step) {
        let world = Arc::clone(self);
        match step {
            Step::Spawn(task) if self.handle(task).is_none() => {
                let made = create_task(world.play(task));
                let (handle, made) = (made.handle(), Some(made));
                self.tasks.lock().unwrap()[task] = Some(Spawned { handle, task: made });
            }
            Step::CallSoon(callback) => {
                get_running_loop().call_soon(move || world.call(callback));
            }
            Step::Set(future) => {
                let _done_already = self.futures[future].set_result(());
            }
            Step::OnFuture(future, callback) => {
                self.futures[future].add_done_callback(move |_| world.call(callback));
            }
            Step::OnTask(task, callback) => {
                if let Some(handle) = self.handle(task) {
                    handle.add_done_callback(move |_| world.call(callback));
                }
            }
            _ => {}
        }
    }

    fn call(self: &Arc<World>, callback: usize) {
        self.note(format!("c.{callback}"));
        for step in &self.program.1[callback] {
            self.act(*step);
        }
    }

    fn play(self: Arc<World>, task: usize) -> BoxFuture<'static, ()> {
        async move {
            for (place, step) in self.program.0[task].iter().enumerate() {
                self.note(format!("t.{task}.{place}"));
                self.take_step(*step).await;
            }
            self.note(format!("t.{task}.end"));
        }
        .boxed()
    }

    async fn take_step(self: &Arc<World>, step: Step) {
        match step {
            Step::Yield => sleep(Duration::ZERO).await,
            Step::Sleep(nanoseconds) => sleep(Duration::from_nanos(nanoseconds)).await,
            Step::AwaitFuture(future) => self.futures[future].clone().await.unwrap(),
            Step::AwaitTask(other) => match (self.take(other), self.handle(other)) {
                (Some(task), _) => task.await.unwrap(),
                (None, Some(handle)) => handle.wait().await,
                (None, None) => {}
            },
            act => self.act(act),
        }
    }
}

/// Runs `program` on this library, and returns the order of its steps.
fn ours(program: &Program, seed: u64) -> String {
    let builder = Runner::builder().workers(1).deterministic(seed);
    let mut runner = builder.build().unwrap();
    runner.run(async {
        let world = Arc::new(World {
            program: program.clone(),
            futures: (0..FUTURES).map(|_| Future::new()).collect(),
            tasks: Mutex::new((0..TASKS).map(|_| None).collect()),
            notes: Mutex::default(),
        });
        let futures = world.futures.clone();
        get_running_loop().call_later(Duration::from_secs(1), move || {
            for future in futures {
                let _done_already = future.set_result(());
            }
        });
        Arc::clone(&world).play(0).await;
        sleep(Duration::from_secs(2)).await;
        let notes = std::mem::take(&mut *world.notes.lock().unwrap());
        notes.join(" ")
    })
}

// TF-1, TF-4, LH-1
#[test]
fn any_program_takes_its_steps_in_asyncio_s_order() {
    let empty: Program = (Vec::from([Vec::new()]), Vec::new(), 0);
    let ours = |program: &Program| ours(program, 0);
    compare(include_str!("programs.py"), &empty, any_program(), ours);
}
