//! The rows about sockets.
//!
//! The CPU figures are those of the whole process: the server, and the thread of the clients, which
//! is the same for all.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use benches::runtimes::{Datagrams, Sockets};
use benches::work::datagrams;
use benches::work::sockets::{self as work, Clients};

use super::laps::{from_outside, in_a_task};
use super::memory::growth;
use super::timers::late_sample;
use crate::interpreter::Server;
use crate::machine::process_cpu;
use crate::sample::{Meter, Sample};
use crate::workload::Setup;

/// The number of connections in the rows that do not say.
const CONNECTIONS: usize = 50;

/// A server echoes over `CONNECTIONS` connections.
///
/// Misleading about the latency of one: with many, the answers of one visit to the kernel are
/// written one after the other.
pub(crate) fn echo<R: Sockets, const CONNECTIONS: usize>(setup: Setup) -> Sample {
    R::run(setup.workers, async move {
        let (listener, address) = R::listen().await;
        R::detach(R::spawn(work::serve::<R>(listener)));
        from_outside(move || ask::<CONNECTIONS>(address, setup.size)).await
    })
}

/// The same by a server in Python, which is another process. Its CPU time counts.
///
/// Misleading about programs that do more with what they read: those spend most of their time in
/// their own Python code.
pub(crate) fn python_echo<const CONNECTIONS: usize>(setup: Setup) -> Sample {
    script_echo::<CONNECTIONS>(setup, "asyncio")
}

/// The same by a server in Python, on uvloop.
pub(crate) fn uvloop_echo<const CONNECTIONS: usize>(setup: Setup) -> Sample {
    script_echo::<CONNECTIONS>(setup, "uvloop")
}

fn script_echo<const CONNECTIONS: usize>(setup: Setup, event_loop: &str) -> Sample {
    let server = Server::start(include_str!("../python/echo_server.py"), event_loop);
    ask_with::<CONNECTIONS>(server.address, setup.size, || server.cpu())
}

/// The same without a runtime.
pub(crate) fn bare_echo<const CONNECTIONS: usize>(setup: Setup) -> Sample {
    ask::<CONNECTIONS>(work::serve_bare(), setup.size)
}

/// The same with a timeout around each read.
pub(crate) fn echo_in_time<R: Sockets>(setup: Setup) -> Sample {
    R::run(setup.workers, async move {
        let (listener, address) = R::listen().await;
        R::detach(R::spawn(work::serve_in_time::<R>(listener)));
        from_outside(move || ask::<CONNECTIONS>(address, setup.size)).await
    })
}

/// A client connects, asks once, and closes.
///
/// Misleading about the runtime alone: the kernel makes and ends a connection in most of the time.
pub(crate) fn new_connections<R: Sockets>(setup: Setup) -> Sample {
    R::run(setup.workers, async move {
        let (listener, address) = R::listen().await;
        R::detach(R::spawn(work::serve::<R>(listener)));
        from_outside(move || connect_and_ask(address, setup.size)).await
    })
}

/// The same without a runtime.
pub(crate) fn bare_new_connections(setup: Setup) -> Sample {
    connect_and_ask(work::serve_bare(), setup.size)
}

/// Server and clients are tasks of one runtime.
///
/// Misleading by the connecting, which is in the time: each connection asks many times.
pub(crate) fn both_ends<R: Sockets>(setup: Setup) -> Sample {
    let each = (setup.size / CONNECTIONS).max(1);
    in_a_task::<R, _, _>(setup.workers, each * CONNECTIONS, move || async move {
        let (listener, address) = R::listen().await;
        R::detach(R::spawn(work::serve::<R>(listener)));
        work::ask::<R>(address, CONNECTIONS, each).await;
    })
}

/// Datagrams are sent back: 50 are under way at once, on one socket of the server.
///
/// Misleading about more cores: one task receives and sends all of them.
pub(crate) fn datagrams<R: Datagrams>(setup: Setup) -> Sample {
    R::run(setup.workers, async move {
        let (socket, address) = R::bind().await;
        R::detach(R::spawn(datagrams::serve::<R>(socket)));
        from_outside(move || exchange(address, setup.size)).await
    })
}

/// The same without a runtime.
pub(crate) fn bare_datagrams(setup: Setup) -> Sample {
    exchange(datagrams::serve_bare(), setup.size)
}

fn exchange(address: SocketAddr, size: usize) -> Sample {
    let rounds = (size / datagrams::UNDER_WAY).max(1);
    let client = datagrams::Client::of(address);
    let mut meter = Meter::new();
    while meter.wants_more() {
        meter.start();
        client.ask(rounds);
        meter.stop(rounds * datagrams::UNDER_WAY);
    }
    meter.sample()
}

/// A task blocks one worker: the longest time to an answer over any of 50 connections, over all
/// trials of the sample.
///
/// Misleading on two cores: the task spins, so the client and whoever takes over share the other
/// core.
pub(crate) fn stall_by_one<R: Sockets>(setup: Setup) -> Sample {
    stall::<R>(setup, 1)
}

/// The same with every worker blocked.
///
/// Misleading if one worker gets two of the blocking tasks; see the row of the timers. On two cores
/// the client and whoever takes over have no core of their own.
pub(crate) fn stall_by_all<R: Sockets>(setup: Setup) -> Sample {
    stall::<R>(setup, setup.workers)
}

fn stall<R: Sockets>(setup: Setup, hogs: usize) -> Sample {
    R::run(setup.workers, async move {
        R::join(R::spawn(async move {
            let (listener, address) = R::listen().await;
            R::detach(R::spawn(work::serve::<R>(listener)));
            let mut clients = Clients::connect(address, CONNECTIONS);
            let (mut longest, cpu) = (Duration::ZERO, process_cpu());
            for _ in 0..setup.size {
                let trial = work::stall::<R>(clients, hogs).await;
                longest = longest.max(trial.0);
                clients = trial.1;
            }
            late_sample(&[longest], 1.0, process_cpu() - cpu)
        }))
        .await
    })
}

/// The growth of the process per connection that waits for a question: the registration, and a task
/// with room for a question of 64 bytes. What the kernel keeps does not count.
pub(crate) fn idle<R: Sockets>(setup: Setup) -> Sample {
    work::permit_descriptors();
    R::run(setup.workers, async move {
        R::join(R::spawn(async move {
            let (listener, address) = R::listen().await;
            R::detach(R::spawn(work::serve_idle::<R>(listener)));
            growth(setup.size, |count| work::leave_idle::<R>(address, count)).await
        }))
        .await
    })
}

fn ask<const CONNECTIONS: usize>(address: SocketAddr, size: usize) -> Sample {
    ask_with::<CONNECTIONS>(address, size, || Duration::ZERO)
}

/// The same of a server in another process, whose CPU time is `others`.
fn ask_with<const CONNECTIONS: usize>(
    address: SocketAddr,
    size: usize,
    others: impl Fn() -> Duration,
) -> Sample {
    let each = (size / CONNECTIONS).max(1);
    let mut clients = Clients::connect(address, CONNECTIONS);
    let mut meter = Meter::new();
    while meter.wants_more() {
        let (begin, cpu) = (Instant::now(), process_cpu() + others());
        clients.ask(each);
        let (wall, cpu) = (begin.elapsed(), process_cpu() + others() - cpu);
        meter.add(wall, cpu, each * CONNECTIONS);
    }
    meter.sample()
}

fn connect_and_ask(address: SocketAddr, size: usize) -> Sample {
    let mut meter = Meter::new();
    while meter.wants_more() {
        meter.start();
        work::ask_over_new_connections(address, size);
        meter.stop(size);
    }
    meter.sample()
}
