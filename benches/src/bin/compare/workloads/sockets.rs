//! The rows about sockets.
//!
//! The CPU figures are those of the whole process: the server, and the thread of the clients, which
//! is the same for all.

use std::net::SocketAddr;

use benches::runtimes::Sockets;
use benches::work::sockets::{self as work, Clients};

use super::laps::{from_outside, in_a_task};
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

fn ask<const CONNECTIONS: usize>(address: SocketAddr, size: usize) -> Sample {
    let each = (size / CONNECTIONS).max(1);
    let mut clients = Clients::connect(address, CONNECTIONS);
    let mut meter = Meter::new();
    while meter.wants_more() {
        meter.start();
        clients.ask(each);
        meter.stop(each * CONNECTIONS);
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
