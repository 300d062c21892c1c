//! The rows about buffered streams.
//!
//! The CPU figures are those of the whole process: the server, and the thread of the client, which
//! is the same for all.

use std::net::SocketAddr;

use benches::runtimes::Streams;
use benches::work::streams::{self as work, Client};

use super::laps::from_outside;
use crate::sample::{Meter, Sample};
use crate::workload::Setup;

/// A server echoes lines, one at a time.
///
/// Misleading about the streams alone: most of the time is the kernel's.
pub(crate) fn lines<R: Streams>(setup: Setup) -> Sample {
    R::run(setup.workers, async move {
        let address = work::serve_lines::<R>().await;
        from_outside(move || measure(address, setup.size, Client::ask_lines)).await
    })
}

/// A server echoes lines that come in bursts: it reads many at a time, and flushes each.
pub(crate) fn bursts<R: Streams>(setup: Setup) -> Sample {
    let size = setup.size.next_multiple_of(work::BURST);
    R::run(setup.workers, async move {
        let address = work::serve_lines::<R>().await;
        from_outside(move || measure(address, size, Client::ask_bursts)).await
    })
}

/// A server echoes blocks of 64 KiB.
pub(crate) fn blocks<R: Streams>(setup: Setup) -> Sample {
    R::run(setup.workers, async move {
        let address = work::serve_blocks::<R>().await;
        from_outside(move || measure(address, setup.size, Client::ask_blocks)).await
    })
}

fn measure(address: SocketAddr, size: usize, ask: fn(&mut Client, usize)) -> Sample {
    let mut client = Client::connect(address);
    let mut meter = Meter::new();
    while meter.wants_more() {
        meter.start();
        ask(&mut client, size);
        meter.stop(size);
    }
    meter.sample()
}
