//! Tests of the order of steps, which asyncio's single thread gives, and which the deterministic
//! mode with one worker guarantees as well: the rules marked \[ST\]. Each program is compared with
//! the same one in Python, if there is a Python.

use std::io::Write;
use std::process::Command;
use std::sync::{Arc, Mutex};

use asyncio::{EventLoop, Runner};
use runtime_tests::watched;

use super::*;

/// A log of what has happened, in order.
#[derive(Clone, Default)]
struct Notes(Arc<Mutex<Vec<String>>>);

impl Notes {
    fn add(&self, what: impl Into<String>) {
        self.0.lock().unwrap().push(what.into());
    }

    /// Returns a callback that adds `what`.
    fn adds(&self, what: &str) -> impl FnOnce() + Send + use<> {
        let (notes, what) = (self.clone(), what.to_owned());
        move || notes.add(what)
    }

    fn taken(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

/// Runs `program` on one worker, under several seeds, and `python`, whose last line is
/// `asyncio.run(main())`. Asserts that both log `expected`.
fn check(expected: &str, python: &str, program: impl AsyncFn(Notes, EventLoop)) {
    let expected: Vec<_> = expected.split_whitespace().collect();
    watched(|| {
        if let Some(theirs) = in_python(python) {
            let theirs: Vec<_> = theirs.split_whitespace().collect();
            assert_eq!(theirs, expected, "the order in Python");
        }
        for seed in 0..20 {
            let builder = Runner::builder().workers(1).deterministic(seed);
            let notes = Notes::default();
            let mut runner = builder.build().unwrap();
            runner.run(async { program(notes.clone(), get_running_loop()).await });
            assert_eq!(notes.taken(), expected, "the order here, seed {seed}");
        }
    });
}

/// Runs `program` in Python, and returns what it prints. Prints a message and returns `None` if
/// there is no Python 3.11 or newer.
fn in_python(program: &str) -> Option<String> {
    let header = "import asyncio, sys\n\
        if sys.version_info < (3, 11): sys.exit(77)\n\
        note = print\n";
    let program = format!("{header}{program}");
    let output = Command::new("python3").args(["-c", &program]).output();
    let output = output
        .ok()
        .filter(|output| output.status.code() != Some(77));
    let Some(output) = output else {
        // Not `eprintln!`, whose output the test harness captures.
        let message = "SKIPPED: there is no Python 3.11 or newer to compare with";
        let _closed = writeln!(std::io::stderr(), "{message}");
        return None;
    };
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

// TF-1
#[test]
fn tasks_start_in_the_order_of_their_creation_and_never_inside_it() {
    let python = r#"
async def child(name):
    note(name)
async def parent(name):
    note(name)
    task = asyncio.create_task(child(name + ".child"))
    note(name + ":made")
    await asyncio.sleep(0)
    note(name + ":again")
    await task
async def main():
    tasks = [asyncio.create_task(parent(name)) for name in "abc"]
    note("main")
    for task in tasks:
        await task
asyncio.run(main())
"#;
    let expected = "main a a:made b b:made c c:made \
        a.child a:again b.child b:again c.child c:again";
    check(expected, python, async |notes, _| {
        let parent = |name: &'static str| {
            let notes = notes.clone();
            create_task(async move {
                notes.add(name);
                let add = notes.adds(&format!("{name}.child"));
                let task = create_task(async move { add() });
                notes.add(format!("{name}:made"));
                sleep(Duration::ZERO).await;
                notes.add(format!("{name}:again"));
                task.await.unwrap();
            })
        };
        let tasks = ["a", "b", "c"].map(parent);
        notes.add("main");
        for task in tasks {
            task.await.unwrap();
        }
    });
}

// TF-4: callbacks are deferred, and run in the order of their registration.
#[test]
fn done_callbacks_run_in_the_order_of_their_registration() {
    let python = r#"
async def main():
    future = asyncio.get_running_loop().create_future()
    for name in "abc":
        future.add_done_callback(lambda _, name=name: note(name))
    future.set_result(None)
    note("set")
    future.add_done_callback(lambda _: note("late"))
    note("added")
    await asyncio.sleep(0)
    note("main")
asyncio.run(main())
"#;
    check(
        "set added a b c late main",
        python,
        async |notes, event_loop| {
            let future = event_loop.create_future::<()>();
            for name in ["a", "b", "c"] {
                let add = notes.adds(name);
                future.add_done_callback(|_| add());
            }
            future.set_result(()).unwrap();
            notes.add("set");
            let add = notes.adds("late");
            future.add_done_callback(|_| add());
            notes.add("added");
            sleep(Duration::ZERO).await;
            notes.add("main");
        },
    );
}

// TF-4: a task that awaits a future is one more entry among its callbacks.
#[test]
fn a_task_that_awaits_a_future_has_its_place_among_the_callbacks() {
    let python = r#"
async def awaits(future, name):
    await future
    note(name)
async def main():
    future = asyncio.get_running_loop().create_future()
    tasks = []
    for name in "ace":
        future.add_done_callback(lambda _, name=name: note(name))
        tasks.append(asyncio.create_task(awaits(future, chr(ord(name) + 1))))
        await asyncio.sleep(0)
    future.set_result(None)
    note("set")
    for task in tasks:
        await task
asyncio.run(main())
"#;
    check("set a b c d e f", python, async |notes, event_loop| {
        let future = event_loop.create_future::<()>();
        let mut tasks = Vec::new();
        for (callback, task) in [("a", "b"), ("c", "d"), ("e", "f")] {
            let (add, then, future) = (notes.adds(callback), notes.adds(task), future.clone());
            future.add_done_callback(|_| add());
            tasks.push(create_task(async {
                future.await.unwrap();
                then();
            }));
            sleep(Duration::ZERO).await;
        }
        future.set_result(()).unwrap();
        notes.add("set");
        for task in tasks {
            task.await.unwrap();
        }
    });
}

// TF-4: the same for the awaiter of a task.
#[test]
fn who_awaits_a_task_has_its_place_among_the_callbacks() {
    let python = r#"
async def inner():
    await asyncio.sleep(0)
    note("inner")
async def awaits(task):
    await task
    note("awaiter")
async def main():
    task = asyncio.create_task(inner())
    task.add_done_callback(lambda _: note("before"))
    awaiter = asyncio.create_task(awaits(task))
    await asyncio.sleep(0)
    task.add_done_callback(lambda _: note("after"))
    await awaiter
asyncio.run(main())
"#;
    check("inner before awaiter after", python, async |notes, _| {
        let add = notes.adds("inner");
        let task = create_task(async {
            sleep(Duration::ZERO).await;
            add();
        });
        let (handle, before, after) = (task.handle(), notes.adds("before"), notes.adds("after"));
        handle.add_done_callback(|_| before());
        let add = notes.adds("awaiter");
        let awaiter = create_task(async {
            task.await.unwrap();
            add();
        });
        sleep(Duration::ZERO).await;
        handle.add_done_callback(|_| after());
        awaiter.await.unwrap();
    });
}

// LH-1: the order of callbacks among themselves.
#[test]
fn what_a_callback_schedules_runs_behind_what_waits_already() {
    let python = r#"
async def main():
    loop = asyncio.get_running_loop()
    def nested(name):
        note(name)
        loop.call_soon(note, name + "2")
    for name in "abc":
        loop.call_soon(nested, name)
    cancelled = loop.call_soon(note, "never")
    cancelled.cancel()
    cancelled.cancel()
    note("main")
    await asyncio.sleep(0.001)
asyncio.run(main())
"#;
    check("main a b c a2 b2 c2", python, async |notes, event_loop| {
        for name in ["a", "b", "c"] {
            let (add, then) = (notes.adds(name), notes.adds(&format!("{name}2")));
            event_loop.call_soon(move || {
                add();
                get_running_loop().call_soon(then);
            });
        }
        let cancelled = event_loop.call_soon(notes.adds("never"));
        cancelled.cancel();
        cancelled.cancel();
        notes.add("main");
        sleep(TICK).await;
    });
}

// LH-1
#[test]
fn what_a_callback_schedules_runs_in_the_next_turn() {
    let python = r#"
async def main():
    loop = asyncio.get_running_loop()
    def nested(name):
        note(name)
        loop.call_soon(note, name + "2")
    for name in "abc":
        loop.call_soon(nested, name)
    note("main")
    await asyncio.sleep(0)
    note("main2")
    await asyncio.sleep(0)
    note("main3")
asyncio.run(main())
"#;
    let expected = "main a b c main2 a2 b2 c2 main3";
    check(expected, python, async |notes, event_loop| {
        for name in ["a", "b", "c"] {
            let (add, then) = (notes.adds(name), notes.adds(&format!("{name}2")));
            event_loop.call_soon(move || {
                add();
                get_running_loop().call_soon(then);
            });
        }
        for name in ["main", "main2", "main3"] {
            notes.add(name);
            if name != "main3" {
                sleep(Duration::ZERO).await;
            }
        }
    });
}

// TF-1, LH-1: there is one queue, of callbacks and of tasks.
#[test]
fn callbacks_and_tasks_run_in_one_order() {
    let python = r#"
async def child(name):
    note(name)
async def main():
    loop = asyncio.get_running_loop()
    loop.call_soon(note, "a")
    task = asyncio.create_task(child("b"))
    loop.call_soon(note, "c")
    other = asyncio.create_task(child("d"))
    loop.call_soon(note, "e")
    await task
    await other
asyncio.run(main())
"#;
    check("a b c d e", python, async |notes, event_loop| {
        let task = |name| {
            let add = notes.adds(name);
            create_task(async { add() })
        };
        event_loop.call_soon(notes.adds("a"));
        let first = task("b");
        event_loop.call_soon(notes.adds("c"));
        let second = task("d");
        event_loop.call_soon(notes.adds("e"));
        first.await.unwrap();
        second.await.unwrap();
    });
}

// LH-1
#[test]
fn timers_fire_in_the_order_of_their_instants() {
    let python = r#"
async def main():
    loop = asyncio.get_running_loop()
    loop.call_later(0.04, note, "d")
    loop.call_later(0.02, note, "b")
    cancelled = loop.call_later(0.025, note, "never")
    loop.call_later(0.01, lambda: (note("a"), loop.call_later(0.02, note, "c"), cancelled.cancel()))
    loop.call_later(-1, note, "asap")
    note("main")
    await asyncio.sleep(0.05)
    note("end")
asyncio.run(main())
"#;
    check(
        "main asap a b c d end",
        python,
        async |notes, event_loop| {
            let later = |ticks: u32, name| {
                get_running_loop().call_later(TICK * 10 * ticks, notes.adds(name))
            };
            later(4, "d");
            later(2, "b");
            let cancelled = event_loop.call_later(25 * TICK, notes.adds("never"));
            let (add, then) = (notes.adds("a"), notes.adds("c"));
            event_loop.call_later(10 * TICK, move || {
                add();
                get_running_loop().call_later(20 * TICK, then);
                cancelled.cancel();
            });
            // There is no negative `Duration`; an instant in the past means the same.
            let past = event_loop.time().checked_sub(TICK).unwrap();
            event_loop.call_at(past, notes.adds("asap"));
            notes.add("main");
            sleep(50 * TICK).await;
            notes.add("end");
        },
    );
}
