//! Looks names up: a future waits for a thread that asks the system.

use std::io;
use std::net::SocketAddr;
use std::panic::Location;

use super::blocking::{FunctionPool, Refusal};
use super::event_loop::EventLoop;
use super::lookups::{AddressOf, InFlight, NameOf, Question, Resolve};
use super::offload::{Outstanding, submit};
use crate::exceptions::LoopClosed;
use crate::sync::StdArc;

impl EventLoop {
    /// The addresses of `host`, by the system, each with `port`.
    pub(crate) async fn system_addresses(
        &self,
        host: &str,
        port: u16,
    ) -> io::Result<Vec<SocketAddr>> {
        let host = host.to_owned();
        let lookups = self.shared().lookups();
        let lookups = lookups.ok_or_else(|| io::Error::other(LoopClosed))?;
        self.look_up(&lookups.pool, &lookups.addresses, AddressOf { host, port })
            .await
    }

    /// The names of the host and the service at `address`, by the system.
    pub(crate) async fn system_names(&self, address: SocketAddr) -> io::Result<(String, String)> {
        let lookups = self.shared().lookups();
        let lookups = lookups.ok_or_else(|| io::Error::other(LoopClosed))?;
        self.look_up(&lookups.pool, &lookups.names, NameOf(address))
            .await
    }

    /// What the loop asks for addresses in place of the system.
    pub(crate) fn resolver(&self) -> Option<&dyn Resolve> {
        self.shared().options.resolver.as_deref()
    }

    /// Asks `question` on a thread of `pool`, or waits for the look-up that does that already. A
    /// paused clock stands still meanwhile.
    async fn look_up<Q: Question>(
        &self,
        pool: &FunctionPool,
        in_flight: &StdArc<InFlight<Q>>,
        question: Q,
    ) -> io::Result<Q::Answer> {
        let shared = self.shared();
        // Dropped last: the clock may go on when nothing waits any more.
        let _outstanding = Outstanding::new(shared);
        let (waiter, job) = in_flight.join(question, Location::caller());
        if let Some(job) = job {
            match submit(shared, pool, job) {
                Ok(()) => {}
                Err((job, Refusal::Closed)) => job.refuse(LoopClosed.to_string()),
                Err((job, Refusal::NoThread(error))) => {
                    job.refuse(format!("can't start new thread: {error}"));
                }
            }
        }
        waiter.await
    }
}
