//! Tests with random programs of task groups: every task must see the same events, at the same
//! instants, as in asyncio.

use std::sync::Mutex;

use asyncio::{Runner, TaskGroup, task_group};
use futures::FutureExt;
use futures::future::BoxFuture;
use proptest::collection::vec;
use proptest::prelude::*;
use runtime_tests::on_drop;

use super::player::compare;
use super::*;

const TASKS: usize = 8;

/// What a task does next. The Python program reads the `Debug` output of this type.
#[derive(Clone, Debug)]
enum Step {
    Sleep(u64),
    Fail(u32),
    /// Adds the task with this number to the innermost group.
    Spawn(usize),
    Cancel(usize),
    /// Cancels the group that is so many further out than the innermost.
    CancelGroup(usize),
    /// A group with this body. Whether its errors are handled.
    GroupOf(Vec<Step>, bool),
    /// Steps, and what follows if they are cancelled. Whether the cancellation is raised then.
    Catch(Vec<Step>, Vec<Step>, bool),
}

/// The steps of each task; the first is the root.
type Program = Vec<Vec<Step>>;

/// How long to sleep. It does not shrink: no two instants of a program are to be the same.
fn instants() -> impl Strategy<Value = u64> {
    (1..100_000_000_u64).no_shrink()
}

/// A step of the task `number`. Tasks make only tasks with higher numbers, so every program ends.
fn any_step(number: usize) -> impl Strategy<Value = Step> {
    let sleep = instants().prop_map(Step::Sleep);
    let spawn = (number + 1..=TASKS).prop_map(move |task| match task {
        TASKS => Step::Sleep(1_000_003 * (number as u64 + 1)),
        task => Step::Spawn(task),
    });
    let cancel = (0..TASKS).prop_filter_map("itself", move |task| {
        (task != number).then_some(Step::Cancel(task))
    });
    let leaf = prop_oneof![
        6 => sleep,
        6 => spawn,
        1 => (1..100_u32).prop_map(Step::Fail),
        1 => cancel,
        1 => (0..2_usize).prop_map(Step::CancelGroup),
    ];
    leaf.prop_recursive(3, 16, 5, |step| {
        let some = || steps_of(step.clone(), 1..5);
        prop_oneof![
            3 => (some(), any::<bool>()).prop_map(|(body, handles)| Step::GroupOf(body, handles)),
            2 => (some(), some(), any::<bool>())
                .prop_map(|(steps, after, raises)| Step::Catch(steps, after, raises)),
        ]
    })
}

/// Steps, each at an instant of its own.
fn steps_of(
    step: impl Strategy<Value = Step>,
    count: std::ops::Range<usize>,
) -> impl Strategy<Value = Vec<Step>> {
    vec((instants(), step, instants()), count).prop_map(|steps| {
        let steps = steps.into_iter();
        steps
            .flat_map(|(before, step, after)| [Step::Sleep(before), step, Step::Sleep(after)])
            .collect()
    })
}

fn any_program() -> impl Strategy<Value = Program> {
    let root = (steps_of(any_step(0), 2..6), any::<bool>()).prop_map(|(steps, handles)| {
        Vec::from([Step::GroupOf(steps, handles), Step::Sleep(1_000)])
    });
    let tasks: Vec<_> = (1..TASKS)
        .map(|number| steps_of(any_step(number), 1..5).boxed())
        .collect();
    (root, tasks).prop_map(|(root, mut tasks)| {
        tasks.insert(0, root);
        tasks
    })
}

type Groups = Vec<TaskGroup<u32>>;

/// The state of a running program.
struct World {
    program: Program,
    tasks: Mutex<Vec<Option<TaskHandle>>>,
    notes: Mutex<Vec<Vec<String>>>,
    begin: std::time::Instant,
}

impl World {
    fn note(&self, task: usize, what: &str) {
        let now = get_running_loop().time() - self.begin;
        self.notes.lock().unwrap()[task].push(format!("{}.{what}", now.as_nanos()));
    }

    fn task(
        self: Arc<World>,
        number: usize,
        groups: Groups,
    ) -> BoxFuture<'static, Result<(), u32>> {
        async move {
            let world = Arc::clone(&self);
            let ended = Arc::new(AtomicUsize::new(0));
            let has_ended = Arc::clone(&ended);
            let _cancelled = on_drop(move || {
                if has_ended.load(Ordering::Relaxed) == 0 {
                    world.note(number, "cancelled");
                }
            });
            let outcome = self.run(number, groups, self.program[number].clone()).await;
            ended.store(1, Ordering::Relaxed);
            self.note(number, if outcome.is_ok() { "end" } else { "failed" });
            outcome
        }
        .boxed()
    }

    fn run(
        self: &Arc<World>,
        number: usize,
        groups: Groups,
        steps: Vec<Step>,
    ) -> BoxFuture<'static, Result<(), u32>> {
        let world = Arc::clone(self);
        async move {
            for step in steps {
                world.take_step(number, &groups, step).await?;
            }
            Ok(())
        }
        .boxed()
    }

    async fn take_step(
        self: &Arc<World>,
        number: usize,
        groups: &Groups,
        step: Step,
    ) -> Result<(), u32> {
        match step {
            Step::Sleep(nanoseconds) => {
                self.note(number, "sleep");
                sleep(Duration::from_nanos(nanoseconds)).exact().await;
                Ok(())
            }
            Step::Fail(error) => Err(error),
            Step::Spawn(task) => {
                self.spawn(number, groups, task);
                Ok(())
            }
            Step::Cancel(task) => {
                let task = self.tasks.lock().unwrap()[task].clone();
                if let Some(task) = task {
                    task.cancel();
                }
                Ok(())
            }
            Step::CancelGroup(outward) => {
                let group = groups.iter().rev().nth(outward);
                group.into_iter().for_each(TaskGroup::cancel);
                Ok(())
            }
            Step::GroupOf(body, handles) => self.group(number, groups, body, handles).await,
            Step::Catch(steps, after, raises) => {
                let caught = catch_cancelled(self.run(number, groups.clone(), steps)).await;
                let Err(cancelled) = caught else {
                    return caught.expect("it is a value");
                };
                self.note(number, "caught");
                let outcome = self.run(number, groups.clone(), after).await;
                if outcome.is_ok() && raises {
                    cancelled.raise().await;
                }
                let task = asyncio::current_task().unwrap();
                while task.cancelling() > 0 {
                    task.uncancel();
                }
                outcome
            }
        }
    }

    fn spawn(self: &Arc<World>, number: usize, groups: &Groups, task: usize) {
        let Some(group) = groups.last() else { return };
        if self.tasks.lock().unwrap()[task].is_some() {
            return;
        }
        let made = group.create_task(Arc::clone(self).task(task, groups.clone()));
        if made.done() {
            self.note(number, "refused");
        } else {
            self.note(number, "spawn");
            self.tasks.lock().unwrap()[task] = Some(made.handle());
        }
    }

    async fn group(
        self: &Arc<World>,
        number: usize,
        groups: &Groups,
        body: Vec<Step>,
        handles: bool,
    ) -> Result<(), u32> {
        self.note(number, "enter");
        let outcome = task_group(async |tg| {
            let mut groups = groups.clone();
            groups.push(tg.clone());
            self.run(number, groups, body).await
        });
        match outcome.await {
            Ok(()) => self.note(number, "returned"),
            Err(group) if group.is_cancelled() => self.note(number, "quiet"),
            Err(group) => {
                let mut errors = group.into_errors();
                errors.sort_unstable();
                self.note(number, &format!("errors{errors:?}").replace(' ', ""));
                if !handles {
                    return Err(1000);
                }
            }
        }
        Ok(())
    }
}

/// Runs `program` on this library, and returns what its tasks have seen.
fn ours(program: &Program) -> String {
    let builder = Runner::builder().workers(1).deterministic(0);
    let mut runner = builder.build().unwrap();
    runner.run(async {
        let world = Arc::new(World {
            program: program.clone(),
            tasks: Mutex::new(vec![None; TASKS.max(program.len())]),
            notes: Mutex::new(vec![Vec::new(); program.len()]),
            begin: get_running_loop().time(),
        });
        let root = create_task(Arc::clone(&world).task(0, Vec::new()));
        world.tasks.lock().unwrap()[0] = Some(root.handle());
        root.handle().wait().await;
        sleep(Duration::from_secs(10)).await;
        let notes = std::mem::take(&mut *world.notes.lock().unwrap());
        let tasks = notes.into_iter().map(|notes| notes.join("|"));
        tasks
            .chain(["end".to_owned()])
            .collect::<Vec<_>>()
            .join(" ")
    })
}

// TG-1, TG-2, TG-3, TG-4, TG-5, TG-6, TG-7, TG-10, TG-11, TG-12, TG-13, TG-17, TG-18, TG-20,
// TG-21, TG-22. A long run is `PROPTEST_CASES=10000`.
#[test]
fn any_program_of_groups_sees_what_asyncio_s_sees() {
    let empty: Program = Vec::from([Vec::new()]);
    compare(
        include_str!("group_programs.py"),
        &empty,
        any_program(),
        ours,
    );
}
