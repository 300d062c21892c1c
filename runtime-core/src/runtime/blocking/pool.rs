//! The queue of a pool, and its threads.

use std::cell::Cell;
use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::panic::Location;
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

use super::by_hand::{JobQueue, Ticket};
use super::end::EndWaiters;
use crate::runtime::catch_panic::catch_panic;
use crate::sync::{Arc, Condvar, Mutant, Mutex, MutexGuard, StdArc, broken, local, thread};

local! {
    // The address of the `Shared` whose jobs this thread runs, or zero.
    static SERVED: Cell<usize> = Cell::new(0)
}

/// What a pool runs.
pub(crate) trait Work: Send + 'static {
    /// Runs it, on a thread of the pool. The pool catches a panic.
    fn run(self);

    /// The place that is named if it never ends.
    fn location(&self) -> &'static Location<'static>;
}

/// Called on a thread of the pool when the thread starts, or before it ends.
pub(crate) type Hook = StdArc<dyn Fn() + Send + Sync>;

/// Starts a thread with the given body.
pub(crate) type Start =
    StdArc<dyn Fn(Box<dyn FnOnce() + Send>) -> io::Result<thread::JoinHandle<()>> + Send + Sync>;

/// Returns a `Start` for threads with this name and this stack size in bytes.
pub(crate) fn named(name: String, stack_size: Option<usize>) -> Start {
    StdArc::new(move |body| {
        let mut builder = thread::Builder::new().name(name.clone());
        if let Some(size) = stack_size {
            builder = builder.stack_size(size);
        }
        builder.spawn(body)
    })
}

/// How a pool is built.
#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) max_threads: usize,
    /// How long a thread stays idle before it leaves.
    pub(crate) keep_alive: Duration,
    pub(crate) start: Start,
    pub(crate) on_thread_start: Option<Hook>,
    pub(crate) on_thread_stop: Option<Hook>,
}

/// Why a pool returns a job to its submitter.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// The pool is closed.
    Closed,
    /// The pool has no thread, and none can be started.
    NoThread(io::Error),
}

/// The pool. Dropping it is `finish`: queued jobs are still run, and the drop waits for no thread.
pub(crate) struct Pool<W: Work> {
    shared: Arc<Shared<W>>,
}

/// What the threads share.
struct Shared<W> {
    state: Mutex<State<W>>,
    /// Notified for idle threads.
    work: Condvar,
    /// Notified for the thread in `wait_end`.
    gone: Condvar,
    settings: Settings,
}

struct State<W> {
    queue: VecDeque<W>,
    /// The jobs that are run by hand: threads of the pool leave them alone.
    by_hand: JobQueue<W>,
    closed: bool,
    /// Threads that will look at the queue again.
    serving: usize,
    /// Threads that wait for a job.
    idle: usize,
    /// A thread has been woken or started, and has not arrived yet.
    waking: bool,
    /// One entry for every thread that has not left.
    thread_slots: Vec<Option<ThreadSlot>>,
    last_left: Option<thread::JoinHandle<()>>,
    end_waiters: EndWaiters,
}

struct ThreadSlot {
    thread: thread::JoinHandle<()>,
    running: Option<&'static Location<'static>>,
}

impl<W: Work> Pool<W> {
    /// A pool without threads: they are started on demand.
    pub(crate) fn new(settings: Settings) -> Pool<W> {
        debug_assert!(settings.max_threads > 0, "a pool needs a thread");
        let state = State {
            queue: VecDeque::new(),
            by_hand: JobQueue::new(),
            closed: false,
            serving: 0,
            idle: 0,
            waking: false,
            thread_slots: Vec::new(),
            last_left: None,
            end_waiters: EndWaiters::default(),
        };
        let shared = Shared {
            state: Mutex::new(state),
            work: Condvar::new(),
            gone: Condvar::new(),
            settings,
        };
        Pool {
            shared: Arc::new(shared),
        }
    }

    /// Queues `work`.
    ///
    /// # Errors
    /// Returns `work` and the reason.
    pub(crate) fn submit(&self, work: W) -> Result<(), (W, Refusal)> {
        let mut state = self.shared.state.lock();
        if state.closed {
            return Err((work, Refusal::Closed));
        }
        state.queue.push_back(work);
        match wake_or_start(&self.shared, &mut state) {
            WakeUp::Failed(error) if state.serving == 0 && !broken(Mutant::SwallowRefusal) => {
                let work = state.queue.pop_back().expect("pushed above");
                Err((work, Refusal::NoThread(error)))
            }
            wake_up => {
                drop(state);
                self.shared.follow(&wake_up);
                Ok(())
            }
        }
    }

    /// Queues `work` for the holder of the returned claim, instead of for a thread.
    ///
    /// # Errors
    /// Returns `work` if the pool is closed.
    pub(crate) fn submit_by_hand(&self, work: W) -> Result<Claim<W>, (W, Refusal)> {
        let mut state = self.shared.state.lock();
        if state.closed {
            return Err((work, Refusal::Closed));
        }
        let ticket = state.by_hand.push(work);
        drop(state);
        Ok(Claim {
            shared: Arc::clone(&self.shared),
            ticket,
        })
    }

    /// Runs, on this thread, every job that waits to be run by hand.
    pub(crate) fn run_by_hand(&self) {
        while self.shared.run_by_hand(JobQueue::take_oldest) {}
    }

    /// Whether the current thread is one of the pool's, or runs one of its jobs by hand.
    pub(crate) fn is_served_here(&self) -> bool {
        SERVED.with(Cell::get) == address(&self.shared)
    }

    /// Refuses jobs from now on. Queued jobs are still run.
    pub(crate) fn finish(&self) {
        self.shared.state.lock().closed = true;
        self.shared.work.notify_all();
    }

    /// Refuses jobs from now on, and returns the queued ones.
    pub(crate) fn close(&self) -> VecDeque<W> {
        let left = {
            let mut state = self.shared.state.lock();
            state.closed = true;
            let mut left = std::mem::take(&mut state.queue);
            left.extend(state.by_hand.take_all());
            left
        };
        self.shared.work.notify_all();
        self.shared.note_end();
        left
    }

    /// Returns ready when every job has ended and every thread has left. Until then `waker` is
    /// kept, and is woken then. The pool must be closed. The last thread may still have to end, and
    /// to be joined: by `wait_end`.
    pub(crate) fn poll_end(&self, waker: &Waker) -> Poll<()> {
        // Outside the lock: both may be foreign code.
        let waker = waker.clone();
        let _spare;
        let mut state = self.shared.state.lock();
        debug_assert!(state.closed, "threads leave when the pool is closed");
        if state.is_over() {
            return Poll::Ready(());
        }
        _spare = state.end_waiters.add(waker);
        Poll::Pending
    }

    /// The locations of the jobs that run on threads of the pool.
    pub(crate) fn running(&self) -> Vec<&'static Location<'static>> {
        self.shared.state.lock().running().collect()
    }

    /// Waits until every thread has left and no job is being run by hand. The pool must be closed.
    ///
    /// # Errors
    /// At the deadline, returns the locations of the jobs that still run. Their threads are left
    /// behind.
    pub(crate) fn wait_end(
        &self,
        deadline: Option<Instant>,
    ) -> Result<(), Vec<&'static Location<'static>>> {
        let mut state = self.shared.state.lock();
        debug_assert!(state.closed, "threads leave when the pool is closed");
        while state.by_hand.running > 0 || state.thread_slots.iter().any(Option::is_some) {
            let Some(deadline) = deadline else {
                state = self.shared.gone.wait(state);
                continue;
            };
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(state.running().collect());
            }
            (state, _) = self.shared.gone.wait_timeout(state, left);
        }
        let last = state.last_left.take();
        drop(state);
        join(last);
        Ok(())
    }
}

/// The right, and the duty, to run one job by hand.
pub(crate) struct Claim<W: Work> {
    shared: Arc<Shared<W>>,
    ticket: Ticket,
}

impl<W: Work> Claim<W> {
    /// Runs the job on this thread, or an older job if a thread of the pool could not have reached
    /// this one yet. If no job is left, does nothing.
    pub(crate) fn run(self) {
        let threads = self.shared.settings.max_threads;
        self.shared
            .run_by_hand(|line| line.take(self.ticket, threads));
    }

    /// Removes the job that `run` would have run, and returns it.
    pub(crate) fn give_up(self) -> Option<W> {
        let threads = self.shared.settings.max_threads;
        let work = self.shared.state.lock().by_hand.take(self.ticket, threads);
        self.shared.note_end();
        work
    }
}

impl<W: Work> Drop for Pool<W> {
    fn drop(&mut self) {
        self.finish();
    }
}

impl<W> State<W> {
    /// Whether no job is left, and no thread.
    fn is_over(&self) -> bool {
        let jobs = self.queue.len() + self.by_hand.left();
        self.closed && jobs == 0 && self.thread_slots.iter().all(Option::is_none)
    }

    fn running(&self) -> impl Iterator<Item = &'static Location<'static>> {
        self.thread_slots
            .iter()
            .flatten()
            .filter_map(|thread_slot| thread_slot.running)
    }
}

/// What `wake_or_start` did, and what it leaves to the caller.
#[derive(Debug)]
#[must_use]
enum WakeUp {
    /// Nothing is left to do: no thread is needed, or one is on its way.
    None,
    /// The caller must notify an idle thread, after it has released the lock.
    Wake,
    /// A thread was needed, and cannot be started.
    Failed(io::Error),
}

/// Wakes or starts a thread for the queued jobs, if one is needed.
fn wake_or_start<W: Work>(shared: &Arc<Shared<W>>, state: &mut State<W>) -> WakeUp {
    if state.queue.is_empty() || state.waking {
        return WakeUp::None;
    }
    if state.idle > 0 {
        state.waking = true;
        return WakeUp::Wake;
    }
    if state.serving == shared.settings.max_threads {
        return WakeUp::None;
    }
    match start(shared, state) {
        Ok(()) => WakeUp::None,
        Err(error) => WakeUp::Failed(error),
    }
}

fn start<W: Work>(shared: &Arc<Shared<W>>, state: &mut State<W>) -> io::Result<()> {
    let place = state.thread_slots.iter().position(Option::is_none);
    let place = place.unwrap_or_else(|| {
        state.thread_slots.push(None);
        state.thread_slots.len() - 1
    });
    let thread = {
        let shared = Arc::clone(shared);
        (shared.settings.start.clone())(Box::new(move || serve(&shared, place)))?
    };
    state.thread_slots[place] = Some(ThreadSlot {
        thread,
        running: None,
    });
    state.serving += 1;
    state.waking = true;
    Ok(())
}

/// The body of a thread.
fn serve<W: Work>(shared: &Arc<Shared<W>>, place: usize) {
    SERVED.with(|served| served.set(address(shared)));
    // Before the hook, which may take its time: the next wake-up need not wait for it.
    shared.state.lock().waking = false;
    call_hook(shared.settings.on_thread_start.as_ref());
    while let Some(work) = next(shared, place) {
        // A job catches its own panics; this catches those of its destructors.
        catch_panic(|| work.run());
    }
    call_hook(shared.settings.on_thread_stop.as_ref());
    shared.leave(place);
}

/// Takes the next job. `None` if the thread is to leave: it is not counted as serving any more.
fn next<W: Work>(shared: &Arc<Shared<W>>, place: usize) -> Option<W> {
    let mut state = shared.state.lock();
    state.thread_slot(place).running = None;
    loop {
        if let Some(work) = state.queue.pop_front() {
            state.thread_slot(place).running = Some(work.location());
            let wake_up = wake_or_start(shared, &mut state);
            drop(state);
            shared.follow(&wake_up);
            return Some(work);
        }
        let timed_out;
        (state, timed_out) = shared.wait_for_job(state);
        let nothing = state.queue.is_empty() || broken(Mutant::LeaveWithWork);
        if nothing && (state.closed || timed_out) {
            if broken(Mutant::LeaveUnlocked) {
                drop(state);
                state = shared.state.lock();
            }
            state.serving -= 1;
            return None;
        }
    }
}

impl<W> State<W> {
    fn thread_slot(&mut self, place: usize) -> &mut ThreadSlot {
        self.thread_slots[place]
            .as_mut()
            .expect("a thread has its slot until it leaves")
    }
}

impl<W: Work> Shared<W> {
    /// Runs the job that `take` takes, on this thread. False if there was none.
    fn run_by_hand(&self, take: impl FnOnce(&mut JobQueue<W>) -> Option<W>) -> bool {
        let work = {
            let mut state = self.state.lock();
            let work = take(&mut state.by_hand);
            state.by_hand.running += usize::from(work.is_some());
            work
        };
        let Some(work) = work else { return false };
        let before = SERVED.with(|served| served.replace(address(self)));
        catch_panic(|| work.run());
        SERVED.with(|served| served.set(before));
        self.state.lock().by_hand.running -= 1;
        self.gone.notify_all();
        self.note_end();
        true
    }
}

impl<W> Shared<W> {
    /// Waits for a job. True if none came within the keep-alive time.
    fn wait_for_job<'a>(
        &'a self,
        state: MutexGuard<'a, State<W>>,
    ) -> (MutexGuard<'a, State<W>>, bool) {
        let mut state = state;
        if state.closed {
            return (state, false);
        }
        if self.settings.keep_alive.is_zero() {
            return (state, true);
        }
        state.idle += 1;
        let (mut state, timed_out) = self.work.wait_timeout(state, self.settings.keep_alive);
        state.idle -= 1;
        state.waking &= broken(Mutant::WakeUpStays);
        (state, timed_out)
    }

    fn follow(&self, wake_up: &WakeUp) {
        if matches!(wake_up, WakeUp::Wake) {
            self.work.notify_one();
        }
    }

    /// Wakes those that wait in `poll_end`, if the pool is at its end.
    fn note_end(&self) {
        let waiters = {
            let mut state = self.state.lock();
            if state.is_over() {
                std::mem::take(&mut state.end_waiters)
            } else {
                EndWaiters::default()
            }
        };
        waiters.wake();
    }

    /// Removes a thread from the list of threads, and joins the thread that left before it.
    fn leave(&self, place: usize) {
        if broken(Mutant::EndBeforeLeave) {
            self.note_end();
        }
        let before = {
            let mut state = self.state.lock();
            let thread_slot = state.thread_slots[place]
                .take()
                .expect("a thread that leaves has its slot");
            state.last_left.replace(thread_slot.thread)
        };
        join(before);
        self.gone.notify_all();
        if !broken(Mutant::EndBeforeLeave) {
            self.note_end();
        }
    }
}

fn address<W>(shared: &Shared<W>) -> usize {
    std::ptr::from_ref(shared).addr()
}

fn join(thread: Option<thread::JoinHandle<()>>) {
    // A destructor of a thread-local may have panicked: the panic hook has reported it.
    let _panicked = thread.map(thread::JoinHandle::join);
}

fn call_hook(hook: Option<&Hook>) {
    if let Some(hook) = hook {
        catch_panic(|| hook());
    }
}

impl<W: Work> fmt::Debug for Pool<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.shared.state.lock();
        f.debug_struct("Pool")
            .field("queued", &state.queue.len())
            .field("threads", &state.serving)
            .field("idle", &state.idle)
            .field("closed", &state.closed)
            .finish()
    }
}
