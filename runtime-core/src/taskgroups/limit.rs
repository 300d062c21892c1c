//! A limit on how many children run: the others wait at gates, in the order of their making.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use super::word::Word;
use crate::runtime::is_request_offered;
use crate::sync::{Mutex, StdArc};

/// The gates of a group. A child *runs* if it has entered and does not wait.
#[derive(Debug, Default)]
pub(crate) struct Gates {
    queue: Mutex<Queue>,
}

#[derive(Debug, Default)]
struct Queue {
    /// 0: none has been set.
    limit: usize,
    gates: VecDeque<StdArc<Gate>>,
    /// How many gates are closed: those in the queue, but for the children that have ended there.
    waiting: usize,
}

/// Where one child waits until it may run.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    state: Mutex<GateState>,
}

#[derive(Debug)]
enum GateState {
    Closed(Option<Waker>),
    Open,
    /// The child has ended.
    Gone,
}

impl Default for GateState {
    fn default() -> GateState {
        GateState::Closed(None)
    }
}

impl Gates {
    pub(crate) fn set(&self, limit: usize) {
        self.queue.lock().limit = limit;
    }

    /// A child has entered. It gets a gate if it has to wait: if others wait, or as many run as
    /// may.
    pub(crate) fn take_or_wait(&self, word: &Word) -> Option<StdArc<Gate>> {
        let mut queue = self.queue.lock();
        let runs = word.count() - queue.waiting;
        if queue.limit == 0 || (queue.waiting == 0 && runs <= queue.limit) {
            return None;
        }
        let gate = StdArc::<Gate>::default();
        queue.waiting += 1;
        queue.gates.push_back(StdArc::clone(&gate));
        // One that has left since it was counted has let nobody run in its place.
        let opened = queue.open(word);
        drop(queue);
        opened.into_iter().for_each(Waker::wake);
        Some(gate)
    }

    /// A child with a gate has ended. If it still waited, it waits no longer.
    pub(crate) fn give_up(&self, gate: &Gate) {
        let mut queue = self.queue.lock();
        let before = std::mem::replace(&mut *gate.state.lock(), GateState::Gone);
        if let GateState::Closed(waker) = before {
            queue.waiting -= 1;
            drop(queue);
            drop(waker);
        }
    }

    /// A child has left, or the limit has changed: opens gates.
    pub(crate) fn pass_on(&self, word: &Word) {
        let opened = self.queue.lock().open(word);
        opened.into_iter().for_each(Waker::wake);
    }
}

impl Queue {
    /// Opens as many gates as children may run, the oldest first. Returns the wakers of those that
    /// wait there already.
    fn open(&mut self, word: &Word) -> Vec<Waker> {
        let mut wakers = Vec::new();
        while self.waiting > 0 && word.count() - self.waiting < self.limit {
            let Some(gate) = self.gates.pop_front() else {
                break;
            };
            let mut state = gate.state.lock();
            if let GateState::Closed(waker) = &mut *state {
                wakers.extend(waker.take());
                *state = GateState::Open;
                self.waiting -= 1;
            }
        }
        wakers
    }
}

impl Gate {
    fn poll(&self, waker: &Waker) -> Poll<()> {
        let known = |state: &GateState| match state {
            GateState::Closed(Some(known)) => known.will_wake(waker),
            _ => false,
        };
        if known(&self.state.lock()) {
            return Poll::Pending;
        }
        // A waker's clone and its destructor are user code: outside the lock.
        let new = waker.clone();
        let mut state = self.state.lock();
        if let GateState::Closed(waker) = &mut *state {
            let before = waker.replace(new);
            drop(state);
            drop(before);
            return Poll::Pending;
        }
        drop(state);
        Poll::Ready(())
    }
}

/// The future of a child that waits at a gate first.
pub(crate) struct Gated<R> {
    /// `None` once it has come through.
    pub(crate) gate: Option<StdArc<Gate>>,
    pub(crate) child: Pin<Box<dyn Future<Output = R> + Send>>,
}

impl<R> Future for Gated<R> {
    type Output = R;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<R> {
        if let Some(gate) = &self.gate {
            // A child that is cancelled before it may run never runs, like any other task.
            if gate.poll(cx.waker()).is_pending() || is_request_offered() {
                return Poll::Pending;
            }
            self.gate = None;
        }
        self.child.as_mut().poll(cx)
    }
}
