//! The state of a running program, and the notes of its tasks.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use asyncio::{
    ALL_COMPLETED, FIRST_COMPLETED, FIRST_EXCEPTION, Task, TaskError, TaskHandle, as_completed,
    catch_cancelled, create_task, current_task, finally, gather, get_running_loop, shield, sleep,
    timeout, try_gather, wait, wait_for,
};
use futures::StreamExt;
use futures::future::{BoxFuture, FutureExt};

use super::script::{Act, FUTURES, Program, Step, TASKS};

/// A program that makes more tasks is not compared: its output is too long to read.
const MOST_TASKS: usize = 150;

/// A task of the program has failed, or was cancelled by another one.
#[derive(Debug)]
enum Failed {
    Itself,
    Cancelled,
}

impl From<TaskError> for Failed {
    fn from(error: TaskError) -> Failed {
        assert!(error.is_cancelled(), "a task panicked: {error}");
        Failed::Cancelled
    }
}

/// How a task of the program ends: with its name.
type Outcome = Result<String, Failed>;

/// The state of a running program.
pub(super) struct World {
    program: Program,
    began: Instant,
    futures: Vec<asyncio::Future<()>>,
    book: Mutex<Book>,
}

#[derive(Default)]
struct Book {
    count: usize,
    /// The latest task of each number.
    latest: [Option<(String, TaskHandle)>; TASKS],
    /// The task of each number that no other task awaits yet.
    free: [Option<Task<Outcome>>; TASKS],
    drawn: BTreeMap<String, usize>,
    notes: BTreeMap<String, Vec<String>>,
}

impl World {
    pub(super) fn new(program: Program, began: Instant) -> Arc<World> {
        Arc::new(World {
            program,
            began,
            futures: (0..FUTURES).map(|_| asyncio::Future::new()).collect(),
            book: Mutex::default(),
        })
    }

    pub(super) async fn main(self: Arc<World>) {
        let event_loop = get_running_loop();
        // The handler is called only for late errors of siblings (difference 5).
        event_loop.set_exception_handler(|_, _| {});
        let futures = self.futures.clone();
        event_loop.call_later(Duration::from_secs(1), move || {
            for future in futures {
                let _done_already = future.set_result(());
            }
        });
        let (name, handle) = (self.name("", 0), current_task().unwrap());
        self.know(0, &name, handle);
        let _failed = self.play(0, name).await;
    }

    /// All notes, task by task.
    pub(super) fn notes_as_text(&self) -> String {
        let mut book = self.book.lock().unwrap();
        // The tasks and their handles own references to the world.
        book.free = Default::default();
        book.latest = Default::default();
        if book.count > MOST_TASKS {
            return "too many".to_owned();
        }
        for (name, notes) in &mut book.notes {
            if name.contains(' ') {
                // The order within one instant is unspecified.
                notes.sort();
            }
        }
        let text = |(name, notes): (&String, &Vec<String>)| format!("[{name}] {}", notes.join(" "));
        book.notes.iter().map(text).collect::<Vec<_>>().join(" ")
    }

    fn note(&self, name: &str, what: &str) {
        let time = get_running_loop().time() - self.began;
        let note = format!("{what}@{}", time.as_nanos());
        let notes = &mut self.book.lock().unwrap().notes;
        notes.entry(name.to_owned()).or_default().push(note);
    }

    /// Returns a number that this task has not drawn yet.
    fn draw(&self, name: &str) -> usize {
        let drawn = &mut self.book.lock().unwrap().drawn;
        let drawn = drawn.entry(name.to_owned()).or_default();
        *drawn += 1;
        *drawn
    }

    /// `units` units of time, and a fraction that no other call gets.
    fn time(&self, name: &str, units: u64) -> Duration {
        let text = format!("{name}#{}", self.draw(name));
        let hash = |fraction: u64, byte| (fraction ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
        let fraction = text.bytes().fold(0xcbf2_9ce4_8422_2325, hash);
        let fraction = fraction.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        Duration::from_nanos((units << 24) + (fraction >> 40))
    }

    fn name(&self, parent: &str, number: usize) -> String {
        self.book.lock().unwrap().count += 1;
        format!("{parent}/{number}.{}", self.draw(parent))
    }

    fn enough(&self) -> bool {
        self.book.lock().unwrap().count > MOST_TASKS
    }

    fn know(self: &Arc<World>, number: usize, name: &str, handle: TaskHandle) {
        let (world, of) = (Arc::clone(self), name.to_owned());
        handle.add_done_callback(move |task| {
            if task.cancelled() {
                world.note(&of, "cancelled");
            }
        });
        self.book.lock().unwrap().latest[number] = Some((name.to_owned(), handle));
    }

    fn make(self: &Arc<World>, parent: &str, number: usize) -> Task<Outcome> {
        let name = self.name(parent, number);
        let task = create_task(Arc::clone(self).play(number, name.clone()));
        self.know(number, &name, task.handle());
        task
    }

    fn take(self: &Arc<World>, parent: &str, number: usize) -> Task<Outcome> {
        let free = self.book.lock().unwrap().free[number].take();
        free.unwrap_or_else(|| self.make(parent, number))
    }

    fn take_all(self: &Arc<World>, parent: &str, numbers: &[usize]) -> Vec<Task<Outcome>> {
        let take = |number: &usize| self.take(parent, *number);
        numbers.iter().map(take).collect()
    }

    async fn play(self: Arc<World>, number: usize, name: String) -> Outcome {
        self.note(&name, "began");
        let ended = self.run(&name, &self.program.0[number]).await;
        let end = if ended.is_ok() { "returned" } else { "failed" };
        self.note(&name, end);
        ended.map(|()| name)
    }

    /// The task that a gather makes.
    fn child(self: &Arc<World>, parent: &str, number: usize) -> BoxFuture<'static, Outcome> {
        let (world, name) = (Arc::clone(self), self.name(parent, number));
        async move {
            world.know(number, &name, current_task().unwrap());
            world.play(number, name).await
        }
        .boxed()
    }

    fn run<'a>(
        self: &'a Arc<World>,
        name: &'a str,
        steps: &'a [Step],
    ) -> BoxFuture<'a, Result<(), Failed>> {
        async move {
            for step in steps {
                if !self.enough() {
                    self.take_step(name, step).await?;
                }
            }
            Ok(())
        }
        .boxed()
    }

    async fn take_step(self: &Arc<World>, name: &str, step: &Step) -> Result<(), Failed> {
        match step {
            Step::Sleep(units) => {
                sleep(self.time(name, *units)).await;
                self.note(name, "slept");
            }
            Step::AwaitFuture(future, rest) => {
                self.futures[*future].clone().await.unwrap();
                self.note(name, "got");
                self.rest(name, *rest).await;
            }
            Step::Acts(units, acts, rest) => {
                sleep(self.time(name, *units)).await;
                acts.iter().for_each(|act| self.act(name, *act));
                self.rest(name, *rest).await;
            }
            Step::Timeout(..) | Step::Catch(..) | Step::Finally(..) => {
                return self.enclose(name, step).await;
            }
            Step::Fail(units) => {
                sleep(self.time(name, *units)).await;
                return Err(Failed::Itself);
            }
            wait => self.wait(name, wait).await,
        }
        Ok(())
    }

    async fn rest(&self, name: &str, units: Option<u64>) {
        if let Some(units) = units {
            sleep(self.time(name, units)).await;
        }
    }

    fn act(self: &Arc<World>, name: &str, act: Act) {
        let latest = |number: usize| self.book.lock().unwrap().latest[number].clone();
        match act {
            Act::Spawn(number) if self.book.lock().unwrap().free[number].is_none() => {
                let task = self.make(name, number);
                self.book.lock().unwrap().free[number] = Some(task);
            }
            Act::Cancel(number) => {
                if let Some((_, task)) = latest(number) {
                    let answer = if task.cancel() { "True" } else { "False" };
                    self.note(name, &format!("cancels:{answer}"));
                }
            }
            Act::SetFuture(future) => {
                let _done_already = self.futures[future].set_result(());
            }
            Act::OnDone(number) => {
                if let Some((other, task)) = latest(number) {
                    let (world, name) = (Arc::clone(self), format!("{name} callback"));
                    task.add_done_callback(move |task| {
                        let end = if task.cancelled() { "True" } else { "False" };
                        world.note(&name, &format!("{other}:{end}"));
                    });
                }
            }
            Act::Spawn(_) => {}
        }
    }

    async fn wait(self: &Arc<World>, name: &str, step: &Step) {
        match step {
            Step::Await(number) => {
                let ended = self.take(name, *number).await;
                self.note(name, &end_as_text(ended));
            }
            Step::Shield(number) => {
                let ended = shield(self.take(name, *number)).await;
                self.note(name, &end_as_text(ended));
            }
            Step::WaitFor(number, limit) => {
                let task = self.take(name, *number);
                let ended = wait_for(task, self.time(name, *limit)).await;
                self.note(name, &ended.map_or("timeout".to_owned(), end_as_text));
            }
            Step::Gather(numbers, all) => self.gather(name, numbers, *all).await,
            Step::Wait(numbers, mode, limit, rest) => {
                let tasks = self.take_all(name, numbers);
                let wait = wait(tasks).timeout(limit.map(|units| self.time(name, units)));
                let (done, pending) = match mode {
                    0 => wait.return_when(ALL_COMPLETED).await,
                    1 => wait.return_when(FIRST_COMPLETED).await,
                    _ => wait.return_when(FIRST_EXCEPTION).await,
                };
                // How many of the tasks that end in one instant FIRST_COMPLETED returns depends on
                // the moment at which the awaiter runs (WA-3), so it is not compared.
                match mode {
                    0 => self.note(name, &format!("waited:{}+{}", done.len(), pending.len())),
                    _ => self.note(name, "waited"),
                }
                self.rest(name, Some(*rest)).await;
            }
            Step::AsCompleted(numbers) => {
                // Tasks that have ended before come first, in an unspecified order: leave them out.
                let mut tasks = self.take_all(name, numbers);
                tasks.retain(|task| !task.done());
                let mut tasks = as_completed(tasks);
                while let Some(ended) = tasks.next().await {
                    self.note(&format!("{name} completed"), &end_as_text(ended));
                }
            }
            Step::Retry(number, times) => self.retry(name, *number, *times).await,
            _ => {}
        }
    }

    async fn gather(self: &Arc<World>, name: &str, numbers: &[usize], all: bool) {
        let children: Vec<_> = numbers
            .iter()
            .map(|number| self.child(name, *number))
            .collect();
        let ended = if all {
            let ended = gather(children).return_exceptions().await;
            ended
                .into_iter()
                .map(end_as_text)
                .collect::<Vec<_>>()
                .join("+")
        } else {
            let ended = try_gather(children).await;
            end_as_text(Ok(ended.map(|names| names.join("+"))))
        };
        self.note(name, &ended);
    }

    async fn retry(self: &Arc<World>, name: &str, number: usize, times: u32) {
        for _ in 0..times {
            let ended = self.make(name, number).await;
            let failed = !matches!(ended, Ok(Ok(_)));
            self.note(name, &end_as_text(ended));
            if !failed {
                return;
            }
            self.note(name, "restarts");
        }
    }

    async fn enclose(self: &Arc<World>, name: &str, step: &Step) -> Result<(), Failed> {
        match step {
            Step::Timeout(limit, body) => {
                let limit = self.time(name, *limit);
                let ended = timeout(limit, async |_| {
                    self.run(name, body).await?;
                    self.note(name, "in-time");
                    Ok(())
                });
                ended.await.unwrap_or_else(|_late| {
                    self.note(name, "timeout");
                    Ok(())
                })
            }
            Step::Catch(body, handler, keeps) => {
                let error = match catch_cancelled(self.run(name, body)).await {
                    Ok(ended) => return ended,
                    Err(error) => error,
                };
                self.note(name, "caught");
                self.run(name, handler).await?;
                self.note(name, "handled");
                if !keeps {
                    error.raise().await;
                }
                Ok(())
            }
            Step::Finally(body, cleanup) => {
                let cleanup = async {
                    self.note(name, "cleans");
                    let _nothing_fails_there = self.run(name, cleanup).await;
                    self.note(name, "cleaned");
                };
                finally(self.run(name, body), cleanup).await
            }
            _ => Ok(()),
        }
    }
}

/// What an awaiter notes of the end of a task.
fn end_as_text(ended: Result<Outcome, TaskError>) -> String {
    match ended.unwrap_or_else(|error| Err(Failed::from(error))) {
        Ok(name) => name,
        Err(Failed::Itself) => "failed".to_owned(),
        Err(Failed::Cancelled) => "cancelled".to_owned(),
    }
}
