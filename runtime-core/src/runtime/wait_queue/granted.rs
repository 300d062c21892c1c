//! The waiters that have a turn, by their tickets.

use std::collections::BTreeMap;
use std::ptr::NonNull;

use super::list::Node;

/// Pointers to nodes under W1: one that is here exists, because it leaves when it uses its turn.
#[derive(Debug, Default)]
pub(super) struct Granted {
    /// One of them. Most queues have one at a time, which needs no allocation.
    one: Option<(u64, NonNull<Node>)>,
    others: BTreeMap<u64, NonNull<Node>>,
}

impl Granted {
    pub(super) fn len(&self) -> usize {
        usize::from(self.one.is_some()) + self.others.len()
    }

    #[inline]
    pub(super) fn insert(&mut self, node: &Node) {
        let (ticket, node) = (node.ticket.get(), NonNull::from(node));
        match &mut self.one {
            Some(_) => drop(self.others.insert(ticket, node)),
            one => *one = Some((ticket, node)),
        }
    }

    #[inline]
    pub(super) fn remove(&mut self, ticket: u64) -> Option<NonNull<Node>> {
        match self.one {
            Some((one, node)) if one == ticket => {
                self.one = None;
                Some(node)
            }
            _ => self.others.remove(&ticket),
        }
    }
}
