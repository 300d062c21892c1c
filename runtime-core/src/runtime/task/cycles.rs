//! Tasks that await each other in a cycle, found among those that pass a request on.
//!
//! An awaiter that is cancelled passes its request on, and stays until the task that it awaits has
//! ended. In a cycle no task would ever end. So an awaiter that passes a request on adds an
//! **edge**, from itself to the task that it awaits, for as long as it waits; and one that finds
//! the request there already asks whether its edge closes a cycle. (The last edge of a cycle
//! always does.)
//!
//! A task has one awaiter, so at most one edge comes *in*; from a task that awaits several at once,
//! several go *out*. A new edge closes a cycle if the path *backward* along the edges in, from the
//! awaiter, reaches the awaited task. The path *forward*, from the awaited task, is walked at the
//! same pace, and if either path comes to an end, there is no cycle: in a chain of a million tasks,
//! whose edges are added in any order, a check costs as much as the shorter of two pieces, and all
//! checks together a few steps each.
//!
//! The path backward may reach a cycle in which neither of the two is, and which has not been
//! checked yet: an awaiter there awaits another task besides. So the walk ends where it has been
//! before.
//!
//! All edges are under one lock, by numbers: no task is touched here, and none is kept. An edge
//! keeps the numbers of both its ends, since a handle may be carried out of its awaiter, and
//! outlive it.

use crate::sync::{Mutex, StdArc, global};

/// A task in the graph.
#[derive(Clone, Debug)]
pub(crate) struct Node(StdArc<Number>);

/// The number of a task, for as long as this lives.
#[derive(Debug)]
struct Number(u32);

/// An edge. Dropped, it is gone.
#[derive(Debug)]
#[must_use = "an edge is gone when it is dropped"]
pub(crate) struct Edge {
    awaiter: Node,
    awaited: Node,
}

/// No task.
const NONE: u32 = u32::MAX;
/// More than one, or one of them that are left.
const SEVERAL: u32 = u32::MAX - 1;

#[derive(Clone, Copy, Debug)]
struct Edges {
    /// The task that awaits this one.
    comes_in: u32,
    /// The task that this one awaits; for a number that is free, the next free one.
    goes_out: u32,
    /// How many go out.
    count_out: u32,
}

const NO_EDGES: Edges = Edges {
    comes_in: NONE,
    goes_out: NONE,
    count_out: 0,
};

#[derive(Debug)]
struct Graph {
    nodes: Vec<Edges>,
    /// The first of the free numbers.
    free: u32,
    used: usize,
}

global! {
    static GRAPH: Mutex<Graph> = Mutex::new(Graph {
        nodes: Vec::new(),
        free: NONE,
        used: 0,
    })
}

fn with_graph<R>(work: impl FnOnce(&mut Graph) -> R) -> R {
    work(&mut GRAPH.lock())
}

impl Node {
    pub(crate) fn new() -> Node {
        Node(StdArc::new(Number(with_graph(Graph::add))))
    }

    fn number(&self) -> u32 {
        self.0.0
    }

    /// The awaiter of `awaited` passes a request on.
    pub(crate) fn awaits(&self, awaited: &Node) -> Edge {
        let edge = Edge {
            awaiter: self.clone(),
            awaited: awaited.clone(),
        };
        with_graph(|graph| graph.link(&edge));
        edge
    }
}

impl Drop for Number {
    fn drop(&mut self) {
        with_graph(|graph| graph.remove(self.0));
    }
}

impl Edge {
    fn ends(&self) -> (u32, u32) {
        (self.awaiter.number(), self.awaited.number())
    }

    /// Whether this edge closes a cycle.
    pub(crate) fn closes_a_cycle(&self) -> bool {
        with_graph(|graph| graph.closes_a_cycle(self))
    }
}

impl Drop for Edge {
    fn drop(&mut self) {
        with_graph(|graph| graph.unlink(self));
    }
}

impl Graph {
    fn add(&mut self) -> u32 {
        self.used += 1;
        if self.free == NONE {
            self.nodes.push(NO_EDGES);
            let number = u32::try_from(self.nodes.len() - 1).unwrap_or(SEVERAL);
            assert!(
                number < SEVERAL,
                "four thousand million tasks are cancelled"
            );
            return number;
        }
        let number = self.free;
        let node = &mut self.nodes[number as usize];
        self.free = node.goes_out;
        *node = NO_EDGES;
        number
    }

    fn remove(&mut self, number: u32) {
        self.used -= 1;
        if self.used == 0 {
            // A million that were cancelled together leave no room behind.
            self.nodes = Vec::new();
            self.free = NONE;
            return;
        }
        let free = self.free;
        let node = &mut self.nodes[number as usize];
        *node = NO_EDGES;
        node.goes_out = free;
        self.free = number;
    }

    fn link(&mut self, edge: &Edge) {
        let (awaiter, awaited) = edge.ends();
        let from = &mut self.nodes[awaiter as usize];
        from.goes_out = if from.count_out == 0 {
            awaited
        } else {
            SEVERAL
        };
        from.count_out += 1;
        self.nodes[awaited as usize].comes_in = awaiter;
    }

    fn unlink(&mut self, edge: &Edge) {
        let (awaiter, awaited) = edge.ends();
        let from = &mut self.nodes[awaiter as usize];
        from.count_out -= 1;
        if from.count_out == 0 {
            from.goes_out = NONE;
        }
        let to = &mut self.nodes[awaited as usize];
        // Otherwise another task awaits it by now.
        if to.comes_in == awaiter {
            to.comes_in = NONE;
        }
    }

    fn closes_a_cycle(&self, edge: &Edge) -> bool {
        let (awaiter, awaited) = edge.ends();
        let (mut backward, mut forward) = (awaiter, awaited);
        // Where the path backward was after 1, 2, 4, 8 steps: in a cycle, it comes there again.
        let (mut visited, mut steps, mut next_visit) = (awaiter, 0_u64, 1_u64);
        while backward != awaited {
            backward = self.nodes[backward as usize].comes_in;
            // The awaiter is in a cycle, or on a path out of one, and this edge is not.
            if backward == NONE || backward == visited {
                return false;
            }
            steps += 1;
            if steps == next_visit {
                (visited, next_visit) = (backward, 2 * next_visit);
            }
            if forward != SEVERAL {
                forward = self.nodes[forward as usize].goes_out;
            }
            if forward == NONE {
                return false;
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nodes<const N: usize>() -> [Node; N] {
        std::array::from_fn(|_| Node::new())
    }

    #[test]
    fn the_last_edge_of_a_cycle_closes_it_in_whichever_order_they_come() {
        for first in 0..4 {
            let nodes = nodes::<4>();
            let edges: Vec<_> = (first..first + 4)
                .map(|n| nodes[n % 4].awaits(&nodes[(n + 1) % 4]))
                .inspect(|edge| {
                    let last = edge.awaiter.number() == nodes[(first + 3) % 4].number();
                    assert_eq!(edge.closes_a_cycle(), last);
                })
                .collect();
            assert_eq!(edges.len(), 4);
        }
    }

    #[test]
    fn a_chain_is_no_cycle_and_neither_is_a_fan() {
        let nodes = nodes::<6>();
        let chain = [0, 2, 1].map(|n| nodes[n].awaits(&nodes[n + 1]));
        assert!(chain.iter().all(|edge| !edge.closes_a_cycle()));
        let fan = [4, 5].map(|n| nodes[3].awaits(&nodes[n]));
        assert!(fan.iter().all(|edge| !edge.closes_a_cycle()));
        assert!(nodes[5].awaits(&nodes[0]).closes_a_cycle());
    }

    #[test]
    fn who_awaits_itself_is_a_cycle() {
        let [node] = nodes();
        assert!(node.awaits(&node).closes_a_cycle());
    }

    #[test]
    fn a_cycle_further_back_ends_the_walk() {
        // The first awaits the second, and beside it the third, which awaits the first.
        let nodes = nodes::<7>();
        let cycle = [(0, 1), (0, 2), (2, 0)].map(|(one, other)| nodes[one].awaits(&nodes[other]));
        // Beyond the new edge there are several, so that the path forward does not end either.
        let fan = [5, 6].map(|n| nodes[4].awaits(&nodes[n]));
        assert!(!nodes[1].awaits(&nodes[4]).closes_a_cycle());
        assert!(cycle[2].closes_a_cycle());
        drop(fan);
    }

    #[test]
    fn an_edge_outlives_its_tasks() {
        let [one, other] = nodes();
        let edge = one.awaits(&other);
        drop((one, other));
        let [next, after] = nodes();
        let new = next.awaits(&after);
        drop(edge);
        assert!(after.awaits(&next).closes_a_cycle());
        drop(new);
    }

    #[test]
    fn a_dropped_edge_is_gone() {
        let [one, other] = nodes();
        drop(one.awaits(&other));
        assert!(!other.awaits(&one).closes_a_cycle());
    }
}
