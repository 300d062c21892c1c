//! What a group keeps of its children's ends, and how a child tells it.

use std::any::Any;
use std::fmt::Debug;
use std::panic::Location;

use super::children::Children;
use super::limit::Gate;
use crate::exceptions::{CancelSource, CancelledError, Cause, panic_text};
use crate::runtime::{
    EventLoop, ExceptionContext, Outcome, Parent, TaskHandle, current_task, reason_at,
};
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::{Mutex, StdArc};

/// What the handles of a group, its children and its future share.
pub(super) struct Group<E> {
    pub(super) children: Children,
    failures: Mutex<Failures<E>>,
    pub(super) event_loop: EventLoop,
    /// Where the group was made.
    pub(super) location: &'static Location<'static>,
}

/// What has failed.
struct Failures<E> {
    /// The errors, each with the task that has failed, if it was a child.
    errors: Vec<(E, Option<TaskHandle>)>,
    /// The first panic.
    panic: Option<Box<dyn Any + Send>>,
    /// Why the first failure ends the others.
    first: Option<CancelledError>,
    /// The group's future has been dropped: what fails is reported.
    given_up: bool,
}

/// What is left at the end of a group.
pub(super) struct End<E> {
    pub(super) errors: Vec<E>,
    pub(super) panic: Option<Box<dyn Any + Send>>,
}

impl<E: Debug + Send + 'static> Group<E> {
    pub(super) fn new(event_loop: EventLoop, location: &'static Location<'static>) -> Group<E> {
        let failures = Failures {
            errors: Vec::new(),
            panic: None,
            first: None,
            given_up: false,
        };
        Group {
            children: Children::new(),
            failures: Mutex::new(failures),
            event_loop,
            location,
        }
    }

    /// The error with which the current task's failure, or end, ends the children.
    pub(super) fn error(&self) -> CancelledError {
        CancelledError::new(reason_at(CancelSource::TaskGroup, self.location))
    }

    /// Keeps an error, of a child or the body, for the end of the group.
    pub(super) fn fail(&self, error: E, child: Option<TaskHandle>) {
        let reason = self.error();
        let mut failures = self.failures.lock();
        if failures.given_up {
            drop(failures);
            return self.report(&error, child);
        }
        failures.errors.push((error, child));
        let _later = failures.keep_first(reason);
    }

    /// Keeps a panic, of a child or the body, if it is the first. Returns any other.
    pub(super) fn panic(&self, payload: Box<dyn Any + Send>) -> Option<Box<dyn Any + Send>> {
        let reason = self.error();
        let mut failures = self.failures.lock();
        if failures.given_up || failures.panic.is_some() {
            return Some(payload);
        }
        failures.panic = Some(payload);
        let _later = failures.keep_first(reason);
        None
    }

    /// Ends the children for the first failure.
    pub(super) fn abort_for_failure(&self) {
        let first = self.failures.lock().first.clone();
        self.children.abort(first.unwrap_or_else(|| self.error()));
    }

    /// The end of the group: what has failed. After a panic, the errors are reported.
    pub(super) fn end(&self) -> End<E> {
        self.children.clear();
        let mut failures = self.failures.lock();
        let errors = std::mem::take(&mut failures.errors);
        let panic = failures.panic.take();
        drop(failures);
        if panic.is_none() {
            let errors = errors.into_iter().map(|(error, _)| error).collect();
            return End { errors, panic };
        }
        for (error, child) in errors {
            self.report(&error, child);
        }
        let errors = Vec::new();
        End { errors, panic }
    }

    /// The group's future is dropped before the group is over: the children are cancelled, and
    /// what they fail with is reported.
    pub(super) fn give_up(&self, error: CancelledError) {
        self.children.abort(error);
        self.children.clear();
        let mut failures = self.failures.lock();
        failures.given_up = true;
        let errors = std::mem::take(&mut failures.errors);
        let panic = failures.panic.take();
        drop(failures);
        for (error, child) in errors {
            self.report(&error, child);
        }
        if let Some(payload) = panic {
            self.report_text(text_of(&*payload), current_task());
        }
    }

    /// Reports a panic of the body beside another one.
    pub(super) fn report_panic(&self, payload: Box<dyn Any + Send>) {
        self.report_text(text_of(&*payload), current_task());
    }

    /// Reports an error that nobody gets to the exception handler.
    fn report(&self, error: &E, child: Option<TaskHandle>) {
        self.report_text(format!("{error:?}"), child);
    }

    fn report_text(&self, text: String, child: Option<TaskHandle>) {
        match child {
            Some(child) => child.report_unseen(text),
            None => {
                let context = ExceptionContext::new("unhandled error in a TaskGroup");
                self.event_loop
                    .call_exception_handler(context.with_exception(text));
            }
        }
    }
}

impl<E> Failures<E> {
    /// Keeps the reason of the first failure. Returns another, to be dropped after the lock.
    fn keep_first(&mut self, reason: CancelledError) -> Option<CancelledError> {
        if self.first.is_some() {
            return Some(reason);
        }
        self.first = Some(reason);
        None
    }
}

fn text_of(payload: &(dyn Any + Send)) -> String {
    panic_text(payload)
        .unwrap_or("a panic that is no text")
        .to_owned()
}

/// A child's part in its group: the parent of its task.
pub(super) struct Member<E> {
    /// `None` for a child that was refused.
    group: Option<StdArc<Group<E>>>,
    /// Where it waits until it may run, if the number of those that run is limited.
    gate: Option<StdArc<Gate>>,
    /// Whether it has failed. (Relaxed: only its completer touches this.)
    failed: AtomicBool,
}

impl<E: Debug + Send + 'static> Member<E> {
    pub(super) fn new(group: &StdArc<Group<E>>, gate: Option<StdArc<Gate>>) -> Member<E> {
        Member {
            group: Some(StdArc::clone(group)),
            gate,
            failed: AtomicBool::new(false),
        }
    }

    pub(super) fn refused() -> Member<E> {
        Member {
            group: None,
            gate: None,
            failed: AtomicBool::new(false),
        }
    }

    #[cold]
    fn fail(&self, error: E) {
        if let Some(group) = &self.group {
            group.fail(error, current_task());
            self.failed.store(true, Ordering::Relaxed);
        }
    }

    /// Gives the payload of a panic to the group, which resumes it in its parent. The handle gets
    /// its text. A panic beside that one is reported.
    fn take_panic(&self, payload: Box<dyn Any + Send>) -> Box<dyn Any + Send> {
        let Some(group) = &self.group else {
            return payload;
        };
        self.failed.store(true, Ordering::Relaxed);
        let text = text_of(&*payload);
        match group.panic(payload) {
            None => Box::new(text),
            Some(payload) => {
                group.report_text(text, current_task());
                payload
            }
        }
    }

    #[inline]
    fn leave(&self) {
        let Some(group) = &self.group else { return };
        if self.failed.load(Ordering::Relaxed) {
            group.abort_for_failure();
        }
        group.children.leave(self.gate.as_deref());
    }

    fn cause_of_group(&self) -> Cause {
        let group = self.group.as_ref();
        group.map_or(Cause::default(), |group| group.children.cause())
    }
}

impl<U: 'static, E: Debug + Send + 'static> Parent<Result<U, E>> for Member<E> {
    type Value = U;

    const TAKES_PANICS: bool = true;

    #[inline]
    fn receive(&self, output: Result<U, E>) -> Outcome<U> {
        match output {
            Ok(value) => Outcome::Returned(value),
            Err(error) => {
                self.fail(error);
                Outcome::Failed
            }
        }
    }

    fn receive_panic(&self, payload: Box<dyn Any + Send>) -> Box<dyn Any + Send> {
        self.take_panic(payload)
    }

    #[inline]
    fn child_has_ended(&self) {
        self.leave();
    }

    fn cause(&self) -> Cause {
        self.cause_of_group()
    }
}

/// A child of `start_soon`, which has no error.
impl<E: Debug + Send + 'static> Parent<()> for Member<E> {
    type Value = ();

    const TAKES_PANICS: bool = true;

    #[inline]
    fn receive(&self, (): ()) -> Outcome<()> {
        Outcome::Returned(())
    }

    fn receive_panic(&self, payload: Box<dyn Any + Send>) -> Box<dyn Any + Send> {
        self.take_panic(payload)
    }

    #[inline]
    fn child_has_ended(&self) {
        self.leave();
    }

    fn cause(&self) -> Cause {
        self.cause_of_group()
    }
}
