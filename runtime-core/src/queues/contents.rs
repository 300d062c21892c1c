//! What a queue has under its lock: the items, and who has been promised one, or room for one.

use super::buffer::Buffer;
use super::errors::{GetError, PutError, TaskDoneTooOften};
use crate::runtime::{Locked, Resource, WaitQueue};
use crate::sync::{Mutant, broken};

/// The line of those that want an item.
pub(super) const GETTERS: usize = 0;
/// The line of those that have an item and want a slot for it.
pub(super) const PUTTERS: usize = 1;
/// The line of those that wait until every item has been worked off.
pub(super) const JOINERS: usize = 2;
const LINES: usize = 3;

/// The answer to a waiter that is promised an item, or a slot.
const PROMISED: usize = 0;
/// The answer to a waiter of a queue that is shut down.
const SHUT: usize = 1;

/// The items, with all that wait for some.
pub(super) type Items<B> = WaitQueue<Contents<B>, LINES>;
/// The same, locked.
pub(super) type LockedItems<'a, B> = Locked<'a, Contents<B>, LINES>;

/// What is under the lock.
#[derive(Debug)]
pub(super) struct Contents<B> {
    buffer: B,
    maxsize: usize,
    /// How many items in the buffer are reserved for getters that have been woken.
    promised_items: usize,
    /// How many slots are reserved for putters.
    promised_slots: usize,
    /// How many items have a slot and are on their way into it: see `priority`.
    entering: usize,
    unfinished: usize,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Open,
    /// Shut down: what is here may still be taken.
    Draining,
    /// Shut down at once: what was here has been dropped.
    Dropped,
}

/// A moment of a queue.
#[derive(Clone, Copy, Debug)]
pub(super) struct Look {
    pub(super) size: usize,
    pub(super) maxsize: usize,
    pub(super) unfinished: usize,
    pub(super) is_shut: bool,
}

impl<B: Buffer> Contents<B> {
    /// `maxsize` 0 stands for any number.
    pub(super) const fn new(buffer: B, maxsize: usize) -> Contents<B> {
        Contents {
            buffer,
            maxsize: if maxsize == 0 { usize::MAX } else { maxsize },
            promised_items: 0,
            promised_slots: 0,
            entering: 0,
            unfinished: 0,
            state: State::Open,
        }
    }

    fn is_shut(&self) -> bool {
        self.state != State::Open
    }

    /// Whether no item is here or on its way: then getters of a queue that is shut down are told.
    ///
    /// An item that is promised still is here. If its getter goes away, the next one gets it.
    fn is_over(&self) -> bool {
        let none_enters = self.entering == 0 || broken(Mutant::OverWhileEntering);
        self.is_shut() && self.buffer.len() == 0 && none_enters
    }

    fn has_free_item(&self) -> bool {
        let promised = match broken(Mutant::PromiseTwice) {
            true => 0,
            false => self.promised_items,
        };
        self.buffer.len() > promised
    }

    fn has_free_slot(&self) -> bool {
        self.buffer.len() + self.promised_slots + self.entering < self.maxsize
    }
}

impl<B: Buffer> Resource<LINES> for Contents<B> {
    type Shared = ();

    #[inline]
    fn has_turns(line: usize) -> bool {
        // That all is done takes nothing from anybody.
        line != JOINERS
    }

    #[inline]
    fn reserve(&mut self, line: usize, _units: usize) -> Option<usize> {
        match line {
            GETTERS if self.has_free_item() => {
                self.promised_items += 1;
                Some(PROMISED)
            }
            GETTERS => self.is_over().then_some(SHUT),
            PUTTERS if self.is_shut() => Some(SHUT),
            PUTTERS => {
                let free = self.has_free_slot();
                self.promised_slots += usize::from(free);
                free.then_some(PROMISED)
            }
            _ => (self.unfinished == 0).then_some(PROMISED),
        }
    }

    fn restore(&mut self, line: usize, _units: usize, answer: usize) {
        match (line, answer) {
            (GETTERS, PROMISED) if !broken(Mutant::KeepItem) => self.promised_items -= 1,
            (PUTTERS, PROMISED) if !broken(Mutant::KeepSlot) => self.promised_slots -= 1,
            _ => {}
        }
    }
}

/// A promise has been made, or the queue is shut down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Promised,
    ShutDown,
}

impl From<usize> for Answer {
    #[inline]
    fn from(answer: usize) -> Answer {
        match answer {
            PROMISED => Answer::Promised,
            _ => Answer::ShutDown,
        }
    }
}

/// The steps of a queue, each under its lock.
pub(super) trait Steps<B: Buffer> {
    /// Promises a slot, if one is free and nobody waits for it.
    fn promise_slot(&mut self) -> Result<(), PutError<()>>;

    /// Promises an item, if one is free and nobody waits for it.
    fn promise_item(&mut self) -> Result<(), GetError>;

    /// Fills a promised slot, if the queue is not shut down.
    fn fill_slot(&mut self, item: B::Item) -> Result<(), B::Item>;

    /// Takes a promised item. There is none if the queue has been shut down at once meanwhile.
    fn take_promised(&mut self) -> Option<B::Item>;

    /// Gives back a promised slot.
    fn give_slot_back(&mut self);

    /// Gives back a promised item.
    fn give_item_back(&mut self);

    /// Begins to fill a promised slot, if the queue is not shut down. Either
    /// [`enter`](Steps::enter) or [`stay_out`](Steps::stay_out) follows.
    fn begin_entering(&mut self) -> bool;

    /// The item is there. Returns false if the queue has been shut down at once meanwhile: the
    /// item is to be dropped.
    fn enter(&mut self, item: B::Item) -> bool;

    /// The item does not come.
    fn stay_out(&mut self);

    /// Notes that one item has been worked off.
    fn task_done(&mut self) -> Result<(), TaskDoneTooOften>;

    /// Shuts the queue down. Returns the items that are to be dropped, without the lock.
    fn shut_down(&mut self, immediate: bool) -> Option<B>;

    fn look(&self) -> Look;
}

impl<B: Buffer> Steps<B> for LockedItems<'_, B> {
    #[inline]
    fn promise_slot(&mut self) -> Result<(), PutError<()>> {
        let waiting = self.waiting(PUTTERS);
        let contents = &mut **self;
        if contents.is_shut() {
            return Err(PutError::ShutDown(()));
        }
        if waiting > 0 || !contents.has_free_slot() {
            return Err(PutError::Full(()));
        }
        contents.promised_slots += 1;
        Ok(())
    }

    #[inline]
    fn promise_item(&mut self) -> Result<(), GetError> {
        let waiting = self.waiting(GETTERS);
        let contents = &mut **self;
        if waiting == 0 && contents.has_free_item() {
            contents.promised_items += 1;
            return Ok(());
        }
        Err(match contents.is_over() {
            true => GetError::ShutDown,
            false => GetError::Empty,
        })
    }

    #[inline]
    fn fill_slot(&mut self, item: B::Item) -> Result<(), B::Item> {
        let contents = &mut **self;
        contents.promised_slots -= 1;
        if contents.is_shut() && !broken(Mutant::FillAfterEnd) {
            return Err(item);
        }
        contents.buffer.push(item);
        contents.unfinished += 1;
        self.serve(GETTERS);
        Ok(())
    }

    #[inline]
    fn take_promised(&mut self) -> Option<B::Item> {
        let contents = &mut **self;
        contents.promised_items -= 1;
        let item = contents.buffer.pop()?;
        if contents.is_shut() {
            // The others are told if it was the last.
            if !broken(Mutant::DrainSilently) {
                self.serve(GETTERS);
            }
        } else {
            self.serve(PUTTERS);
        }
        Some(item)
    }

    fn give_slot_back(&mut self) {
        self.promised_slots -= 1;
        self.serve(PUTTERS);
    }

    fn give_item_back(&mut self) {
        self.promised_items -= 1;
        self.serve(GETTERS);
    }

    fn begin_entering(&mut self) -> bool {
        self.promised_slots -= 1;
        let open = !self.is_shut();
        self.entering += usize::from(open);
        open
    }

    fn enter(&mut self, item: B::Item) -> bool {
        self.entering -= 1;
        let stays = self.state != State::Dropped;
        if stays {
            self.buffer.push(item);
            self.unfinished += 1;
        }
        self.serve(GETTERS);
        stays
    }

    fn stay_out(&mut self) {
        self.entering -= 1;
        self.serve(PUTTERS);
        // Of a queue that is shut down: they may have waited for the item.
        self.serve(GETTERS);
    }

    fn task_done(&mut self) -> Result<(), TaskDoneTooOften> {
        self.unfinished = self.unfinished.checked_sub(1).ok_or(TaskDoneTooOften(()))?;
        self.serve(JOINERS);
        Ok(())
    }

    fn shut_down(&mut self, immediate: bool) -> Option<B> {
        if self.state == State::Open {
            self.state = State::Draining;
        }
        let dropped = immediate.then(|| {
            self.state = State::Dropped;
            self.buffer.take_all()
        });
        let count = dropped.as_ref().map_or(0, B::len);
        self.unfinished = self.unfinished.saturating_sub(count);
        if !broken(Mutant::ShutDownSilently) {
            for line in [GETTERS, PUTTERS, JOINERS] {
                self.serve(line);
            }
        }
        dropped
    }

    fn look(&self) -> Look {
        Look {
            size: self.buffer.len(),
            maxsize: self.maxsize,
            unfinished: self.unfinished,
            is_shut: self.is_shut(),
        }
    }
}
