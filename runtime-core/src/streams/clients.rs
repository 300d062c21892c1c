//! The connections of a server: those that are not over.

use std::collections::HashMap;
use std::fmt;

use crate::locks::Event;
use crate::sync::{Mutex, StdArc, StdWeak};

/// The connections of a server that are not over.
#[derive(Debug)]
pub(super) struct Clients<C> {
    members: Mutex<Members<C>>,
    /// Set when the server is closed, and all connections are over.
    gone: Event,
}

#[derive(Debug)]
struct Members<C> {
    connections: HashMap<u64, StdWeak<C>>,
    last: u64,
    closed: bool,
}

/// That a connection is one of a server's. It ends with the connection, or is dropped with it.
#[derive(Debug, Default)]
pub(super) struct Membership(Option<(StdArc<dyn Departures>, u64)>);

/// What is told of the end of a connection.
trait Departures: fmt::Debug + Send + Sync {
    fn leave(&self, number: u64);
}

impl<C: fmt::Debug + Send + Sync + 'static> Clients<C> {
    pub(super) fn new() -> StdArc<Clients<C>> {
        StdArc::new(Clients {
            members: Mutex::new(Members {
                connections: HashMap::new(),
                last: 0,
                closed: false,
            }),
            gone: Event::new(),
        })
    }

    /// Makes a connection, and counts it until it is over. `None` if nobody is admitted any more.
    pub(super) fn admit(
        self: &StdArc<Self>,
        make: impl FnOnce(Membership) -> StdArc<C>,
    ) -> Option<StdArc<C>> {
        let number = {
            let mut members = self.members.lock();
            members.last += 1;
            members.last
        };
        let connection = make(self.membership(number));
        // It is a member only now, so that whoever closes all members finds it. Nobody else has it
        // yet: it cannot be over.
        let member = StdArc::downgrade(&connection);
        let mut members = self.members.lock();
        if members.closed {
            drop(members);
            return None;
        }
        members.connections.insert(number, member);
        drop(members);
        Some(connection)
    }

    /// Nobody is admitted any more.
    pub(super) fn close(&self) {
        let mut members = self.members.lock();
        members.closed = true;
        let gone = members.connections.is_empty();
        drop(members);
        if gone {
            self.gone.set();
        }
    }

    /// Set when nobody is admitted any more, and all have gone.
    pub(super) fn gone(&self) -> &Event {
        &self.gone
    }

    /// The connections that are there.
    pub(super) fn all(&self) -> Vec<StdArc<C>> {
        let members = self.members.lock();
        let all = members.connections.values();
        all.filter_map(StdWeak::upgrade).collect()
    }

    fn membership(self: &StdArc<Self>, number: u64) -> Membership {
        let clients: StdArc<dyn Departures> = StdArc::<Self>::clone(self);
        Membership(Some((clients, number)))
    }
}

impl<C: fmt::Debug + Send + Sync> Departures for Clients<C> {
    fn leave(&self, number: u64) {
        let mut members = self.members.lock();
        let left = members.connections.remove(&number);
        let gone = members.closed && members.connections.is_empty();
        drop((members, left));
        if gone {
            self.gone.set();
        }
    }
}

impl Membership {
    /// The connection is over.
    pub(super) fn end(&self) {
        if let Some((clients, number)) = &self.0 {
            clients.leave(*number);
        }
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        self.end();
    }
}
