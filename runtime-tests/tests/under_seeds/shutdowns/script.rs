//! The random programs: tasks that wait for each other, clean up, and cancel each other.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::subsequence;

pub(super) const TASKS: usize = 6;
pub(super) const FUTURES: usize = 2;

/// What a task does next. The Python program reads the `Debug` output of this type.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Sleep(u64),
    Await(usize),
    Shield(usize),
    WaitFor(usize, u64),
    Gather(Vec<usize>, bool),
    /// A wait is followed by a sleep, so that the next step has an instant of its own. A wait with
    /// FIRST_COMPLETED, and so a program of a few steps, may end before a new task among those has
    /// begun; in asyncio it never does.
    Wait(Vec<usize>, usize, Option<u64>, u64),
    AsCompleted(Vec<usize>),
    Retry(usize, u32),
    Timeout(u64, Vec<Step>),
    Catch(Vec<Step>, Vec<Step>, bool),
    Finally(Vec<Step>, Vec<Step>),
    /// A failure comes after a sleep, so that what follows has an instant of its own, too.
    Fail(u64),
    AwaitFuture(usize, Option<u64>),
    Acts(u64, Vec<Act>, Option<u64>),
}

/// A part of a step that takes no time.
#[derive(Clone, Copy, Debug)]
pub(super) enum Act {
    Spawn(usize),
    Cancel(usize),
    SetFuture(usize),
    OnDone(usize),
}

/// The steps of the tasks, the first of which is main, and the number of futures.
pub(super) type Program = (Vec<Vec<Step>>, usize);

/// A time, in units. (`World::time` makes sure that no two instants of a program are the same,
/// since the order of equal ones is unspecified.)
fn units() -> impl Strategy<Value = u64> {
    1..7_u64
}

/// A wait for tasks of the numbers from `first` on, so that every program ends.
fn any_wait(first: usize) -> BoxedStrategy<Step> {
    if first == TASKS {
        return units().prop_map(Step::Sleep).boxed();
    }
    let one = first..TASKS;
    let some = subsequence((first..TASKS).collect::<Vec<_>>(), 1..=TASKS - first);
    let (all, each) = (some.clone(), some.clone());
    prop_oneof![
        3 => one.clone().prop_map(Step::Await),
        1 => one.clone().prop_map(Step::Shield),
        1 => (one.clone(), units()).prop_map(|(task, limit)| Step::WaitFor(task, limit)),
        2 => (some, any::<bool>()).prop_map(|(tasks, mode)| Step::Gather(tasks, mode)),
        2 => (all, 0..3_usize, option::of(units()), units())
            .prop_map(|(tasks, mode, limit, rest)| Step::Wait(tasks, mode, limit, rest)),
        1 => each.prop_map(Step::AsCompleted),
        2 => (one, 1..4_u32).prop_map(|(task, times)| Step::Retry(task, times)),
    ]
    .boxed()
}

fn any_act(first: usize) -> BoxedStrategy<Act> {
    let others = prop_oneof![
        2 => (0..TASKS).prop_map(Act::Cancel),
        1 => (0..FUTURES).prop_map(Act::SetFuture),
        1 => (0..TASKS).prop_map(Act::OnDone),
    ];
    if first == TASKS {
        return others.boxed();
    }
    prop_oneof![others, (first..TASKS).prop_map(Act::Spawn)].boxed()
}

/// Acts have an instant of their own, and so has the step that follows them. In asyncio a request
/// reaches the innermost task within the call of `cancel`; in this library it takes a step for each
/// task, so that other tasks may see it earlier or later in the same instant.
fn any_acts(first: usize) -> impl Strategy<Value = Step> {
    let acts = some_acts(first, 1);
    (units(), acts, units()).prop_map(|(time, acts, rest)| Step::Acts(time, acts, Some(rest)))
}

/// Futures are set first. In asyncio a task that has been cancelled before the future is set does
/// not get its value; here it does, since a result that is ready before the task runs is not lost
/// (difference 3).
fn some_acts(first: usize, least: usize) -> impl Strategy<Value = Vec<Act>> {
    vec(any_act(first), least..4).prop_map(move |mut acts| {
        acts.sort_by_key(|act| !matches!(act, Act::SetFuture(_)));
        // Acts that cancel main cancel no other task: the shutdown follows in the next iteration.
        // By then asyncio's request has reached the innermost task, and ours has not.
        if acts.iter().any(|act| matches!(act, Act::Cancel(0))) {
            acts.retain(|act| !matches!(act, Act::Cancel(1..)));
        }
        // A round of the shutdown follows in the next iteration, too, after its last task has
        // ended. So only main, which ends before the shutdown, cancels several tasks at once.
        let mut ended = 0;
        acts.retain(|act| {
            ended += usize::from(matches!(act, Act::Cancel(_)));
            first == 1 || ended < 2 || !matches!(act, Act::Cancel(_))
        });
        acts
    })
}

/// The last step of a body. A cleanup, which begins with a sleep, follows it, so these steps need
/// no sleep after them.
fn last_of_a_body(first: usize) -> impl Strategy<Value = Option<Step>> {
    let acts = (units(), some_acts(first, 1));
    prop_oneof![
        4 => Just(None),
        1 => acts.prop_map(|(time, acts)| Some(Step::Acts(time, acts, None))),
        1 => (0..FUTURES).prop_map(|future| Some(Step::AwaitFuture(future, None))),
    ]
}

fn any_step(first: usize) -> impl Strategy<Value = Step> {
    let simple = prop_oneof![
        4 => units().prop_map(Step::Sleep),
        4 => any_wait(first),
        2 => any_acts(first),
        1 => (0..FUTURES, units()).prop_map(|(future, rest)| Step::AwaitFuture(future, Some(rest))),
    ];
    simple.prop_recursive(2, 8, 3, move |inner| {
        let failing = (vec(inner.clone(), 1..3), fails())
            .prop_map(followed)
            .boxed();
        let last = (failing.clone(), last_of_a_body(first)).prop_map(followed);
        prop_oneof![
            (failing.clone(), any_cleanup(inner.clone()), any::<bool>())
                .prop_map(|(body, handler, keeps)| Step::Catch(body, handler, keeps)),
            (last, any_cleanup(inner))
                .prop_map(|(body, cleanup)| Step::Finally(body, unfailing(cleanup))),
            (units(), failing).prop_map(|(limit, body)| Step::Timeout(limit, body)),
        ]
    })
}

fn fails() -> impl Strategy<Value = Option<Step>> {
    prop_oneof![4 => Just(None), 1 => units().prop_map(|units| Some(Step::Fail(units)))]
}

fn followed((mut steps, last): (Vec<Step>, Option<Step>)) -> Vec<Step> {
    steps.extend(last);
    steps
}

/// A cleanup begins with a sleep, for the reason given at [`any_acts`].
fn any_cleanup<S: Strategy<Value = Step>>(inner: S) -> impl Strategy<Value = Vec<Step>> {
    (units(), vec(inner, 0..2)).prop_map(|(delay, mut steps)| {
        steps.insert(0, Step::Sleep(delay));
        steps
    })
}

/// Replaces failures: the cleanup of a `finally` returns `()`, so it cannot return an error.
fn unfailing(steps: Vec<Step>) -> Vec<Step> {
    let all = steps.into_iter().map(|step| match step {
        Step::Fail(units) => Step::Sleep(units),
        Step::Timeout(limit, body) => Step::Timeout(limit, unfailing(body)),
        Step::Catch(body, handler, keeps) => {
            Step::Catch(unfailing(body), unfailing(handler), keeps)
        }
        Step::Finally(body, cleanup) => Step::Finally(unfailing(body), cleanup),
        other => other,
    });
    all.collect()
}

fn any_task(number: usize) -> impl Strategy<Value = Vec<Step>> {
    (vec(any_step(number + 1), 0..4), fails()).prop_map(followed)
}

/// Main makes some tasks, and ends some time later.
fn any_main() -> impl Strategy<Value = Vec<Step>> {
    let some = subsequence((1..TASKS).collect::<Vec<_>>(), 1..=TASKS - 2);
    let (step, rest) = (option::of(any_step(1)), some_acts(1, 0));
    (some, step, units(), rest).prop_map(|(tasks, step, time, rest)| {
        let spawns = tasks.into_iter().map(Act::Spawn).collect();
        let mut main = Vec::from([Step::Acts(1, spawns, Some(1))]);
        main.extend(step);
        main.push(Step::Acts(time, rest, None));
        main
    })
}

pub(super) fn any_program() -> impl Strategy<Value = Program> {
    let others: Vec<_> = (1..TASKS).map(|number| any_task(number).boxed()).collect();
    (any_main(), others).prop_map(|(main, mut tasks)| {
        tasks.insert(0, main);
        (tasks, FUTURES)
    })
}
