//! The jobs of a pool that are run by hand instead of by a thread of the pool: deterministic mode.

use std::collections::VecDeque;

/// Names a job in the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ticket(u64);

/// The queue of the jobs that are to be run by hand, the oldest first.
#[derive(Debug)]
pub(super) struct JobQueue<W> {
    waiting: VecDeque<(Ticket, W)>,
    issued: u64,
    /// How many jobs are running.
    pub(super) running: usize,
}

impl<W> JobQueue<W> {
    pub(super) fn new() -> JobQueue<W> {
        JobQueue {
            waiting: VecDeque::new(),
            issued: 0,
            running: 0,
        }
    }

    /// How many jobs wait or run.
    pub(super) fn left(&self) -> usize {
        self.waiting.len() + self.running
    }

    pub(super) fn push(&mut self, work: W) -> Ticket {
        let ticket = Ticket(self.issued);
        self.issued += 1;
        self.waiting.push_back((ticket, work));
        ticket
    }

    /// Takes the job of `ticket` if it is among the first `threads` of the queue. The pool's
    /// threads could have reached such a job by now: all of them but one may be kept by older jobs,
    /// while the last one runs any number. If the job is further back, or has been taken already,
    /// takes the oldest job. So every order of tickets leads to an order in which the pool could
    /// run the jobs.
    pub(super) fn take(&mut self, ticket: Ticket, threads: usize) -> Option<W> {
        let mut within_reach = self.waiting.iter().take(threads);
        let place = within_reach.position(|(number, _)| *number == ticket);
        self.waiting
            .remove(place.unwrap_or(0))
            .map(|(_, work)| work)
    }

    pub(super) fn take_oldest(&mut self) -> Option<W> {
        self.waiting.pop_front().map(|(_, work)| work)
    }

    pub(super) fn take_all(&mut self) -> impl Iterator<Item = W> {
        std::mem::take(&mut self.waiting)
            .into_iter()
            .map(|(_, work)| work)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue(jobs: usize) -> (JobQueue<usize>, Vec<Ticket>) {
        let mut queue = JobQueue::new();
        let tickets = (0..jobs).map(|job| queue.push(job)).collect();
        (queue, tickets)
    }

    #[test]
    fn for_one_thread_any_order_of_tickets_is_the_order_of_arrival() {
        let (mut jobs, tickets) = queue(4);
        let order = [3, 1, 0, 2].map(|ticket| jobs.take(tickets[ticket], 1));
        assert_eq!(order, [Some(0), Some(1), Some(2), Some(3)]);
        assert_eq!(jobs.take(tickets[0], 1), None);
    }

    #[test]
    fn a_thread_held_up_by_the_oldest_leaves_the_others_to_the_next() {
        let (mut jobs, tickets) = queue(4);
        let order = [1, 2, 3, 0].map(|ticket| jobs.take(tickets[ticket], 2));
        assert_eq!(order, [Some(1), Some(2), Some(3), Some(0)]);
    }

    #[test]
    fn a_job_out_of_reach_waits_for_the_oldest() {
        let (mut jobs, tickets) = queue(4);
        let order = [3, 3, 1, 2].map(|ticket| jobs.take(tickets[ticket], 2));
        assert_eq!(order, [Some(0), Some(1), Some(2), Some(3)]);
    }
}
