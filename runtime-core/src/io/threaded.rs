//! A standard stream whose operations block: a thread of its own makes them.
//!
//! There is one for each stream of the process, whatever the number of loops. The thread is not one
//! of a loop's, and nobody joins it: a read that waits for a key holds up neither the end of a loop
//! nor that of the process.
//!
//! What the thread has read stays here until somebody takes it. So a read that is cancelled loses
//! nothing. It reads only when it is asked to: what nobody wants stays for others.

use std::io;
use std::mem::take;
use std::task::{Context, Poll, Waker};

use crate::runtime::wake_catching;
use crate::sync::thread::{self, Thread};
use crate::sync::{PoisonError, StdMutex, StdMutexGuard};

/// How many bytes one operation of the thread moves at most.
pub(super) const MOST: usize = 64 * 1024;

/// What the thread does when it is asked.
#[derive(Clone, Copy, Debug)]
pub(super) enum Operation {
    /// Waits for some bytes, and reads them into the vector, which is empty. It is the end if none
    /// are there afterwards.
    Read(fn(&mut Vec<u8>) -> io::Result<()>),
    /// Writes all bytes.
    Write(fn(&[u8]) -> io::Result<()>),
}

/// A standard stream with its thread.
#[derive(Debug)]
pub(super) struct Threaded {
    name: &'static str,
    operation: Operation,
    state: StdMutex<State>,
}

#[derive(Debug)]
struct State {
    /// What has been read and not been taken, or is to be written.
    bytes: Vec<u8>,
    /// The end, or an error: for the next who asks, once.
    outcome: Option<io::Result<()>>,
    /// The thread has been asked, and has not answered yet.
    asked: bool,
    wakers: Vec<Waker>,
    started: bool,
    /// The thread, once it runs. It looks at `asked` before it parks for the first time.
    thread: Option<Thread>,
}

impl Threaded {
    pub(super) const fn new(name: &'static str, operation: Operation) -> Threaded {
        Threaded {
            name,
            operation,
            state: StdMutex::new(State {
                bytes: Vec::new(),
                outcome: None,
                asked: false,
                wakers: Vec::new(),
                started: false,
                thread: None,
            }),
        }
    }

    pub(super) fn poll_read(
        &'static self,
        cx: &Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        self.poll(cx, |state| {
            let count = state.bytes.len().min(buffer.len());
            if count > 0 || buffer.is_empty() {
                buffer[..count].copy_from_slice(&state.bytes[..count]);
                state.bytes.drain(..count);
                return Some(Ok(count));
            }
            state.outcome.take().map(|outcome| outcome.map(|()| 0))
        })
    }

    /// Takes some of `data`. The thread writes it afterwards.
    pub(super) fn poll_write(
        &'static self,
        cx: &Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll(cx, |state| {
            if let Some(Err(error)) = state.outcome.take() {
                return Some(Err(error));
            }
            let count = data.len().min(MOST - state.bytes.len());
            state.bytes.extend_from_slice(&data[..count]);
            (count > 0 || data.is_empty()).then_some(Ok(count))
        })
    }

    /// Waits until everything has been written.
    pub(super) fn poll_flush(&'static self, cx: &Context<'_>) -> Poll<io::Result<()>> {
        self.poll(cx, |state| match state.outcome.take() {
            Some(Err(error)) => Some(Err(error)),
            _ => (state.bytes.is_empty() && !state.asked).then_some(Ok(())),
        })
    }

    /// Looks for an answer, asks the thread for what is to be done, and waits for it if there was
    /// no answer.
    fn poll<R>(
        &'static self,
        cx: &Context<'_>,
        look: impl FnOnce(&mut State) -> Option<io::Result<R>>,
    ) -> Poll<io::Result<R>> {
        // Cloning and dropping it is user code: outside the lock.
        let mut waker = Some(cx.waker().clone());
        let mut state = self.lock();
        let answer = look(&mut state);
        let writes = matches!(self.operation, Operation::Write(_));
        if answer.is_none() || writes && !state.bytes.is_empty() {
            if let Err(error) = self.ask(&mut state) {
                // Nobody was asked before: so all bytes to write are of this call.
                state.bytes.clear();
                return Poll::Ready(Err(error));
            }
        }
        if let Some(answer) = answer {
            return Poll::Ready(answer);
        }
        if !state.wakers.iter().any(|other| other.will_wake(cx.waker())) {
            state.wakers.extend(waker.take());
        }
        drop(state);
        Poll::Pending
    }

    /// Asks the thread, unless it has been. The first time, this starts it.
    fn ask(&'static self, state: &mut State) -> io::Result<()> {
        if state.asked {
            return Ok(());
        }
        if !state.started {
            let builder = thread::Builder::new().name(self.name.to_owned());
            drop(builder.spawn(move || self.serve())?);
            state.started = true;
        }
        state.asked = true;
        if let Some(thread) = &state.thread {
            thread.unpark();
        }
        Ok(())
    }

    /// What the thread does, as long as the process lives.
    fn serve(&self) {
        self.lock().thread = Some(thread::current());
        loop {
            let mut state = self.lock();
            if !state.asked {
                drop(state);
                thread::park();
                continue;
            }
            let mut bytes = take(&mut state.bytes);
            drop(state);
            let outcome = match self.operation {
                Operation::Read(read) => read(&mut bytes),
                Operation::Write(write) => write(&bytes),
            };
            let mut state = self.lock();
            match self.operation {
                Operation::Read(_) => {
                    state.outcome = (bytes.is_empty() || outcome.is_err()).then_some(outcome);
                    state.bytes = bytes;
                    state.asked = false;
                }
                Operation::Write(_) => {
                    if outcome.is_err() {
                        state.outcome = Some(outcome);
                    }
                    state.asked = !state.bytes.is_empty();
                }
            }
            let wakers = take(&mut state.wakers);
            drop(state);
            wakers.into_iter().for_each(wake_catching);
        }
    }

    fn lock(&self) -> StdMutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
