//! The rows about buffered streams.
//!
//! The CPU figures are those of the whole process: the server, and the thread of the client, which
//! is the same for all.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use benches::runtimes::Streams;
use benches::work::sockets::permit_descriptors;
use benches::work::streams::{self as work, Client};

use super::laps::from_outside;
use super::memory::growth;
use crate::interpreter::Server;
use crate::machine::process_cpu;
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

/// The lines by a server in Python, with asyncio's own loop.
///
/// Misleading about programs that do more with what they read: those spend most of their time in
/// their own Python code.
pub(crate) fn python_lines(setup: Setup) -> Sample {
    by_script(setup, "asyncio lines", Client::ask_lines)
}

/// The same on uvloop.
pub(crate) fn uvloop_lines(setup: Setup) -> Sample {
    by_script(setup, "uvloop lines", Client::ask_lines)
}

/// The blocks by a server in Python, with asyncio's own loop.
pub(crate) fn python_blocks(setup: Setup) -> Sample {
    by_script(setup, "asyncio blocks", Client::ask_blocks)
}

/// The same on uvloop.
pub(crate) fn uvloop_blocks(setup: Setup) -> Sample {
    by_script(setup, "uvloop blocks", Client::ask_blocks)
}

fn by_script(setup: Setup, argument: &str, ask: fn(&mut Client, usize)) -> Sample {
    let server = Server::start(include_str!("../python/echo_server.py"), argument);
    measure_with(server.address, setup.size, ask, || server.cpu())
}

/// The growth of the process per connection whose reader waits for a line. What the kernel keeps
/// does not count.
pub(crate) fn idle<R: Streams>(setup: Setup) -> Sample {
    permit_descriptors();
    R::run(setup.workers, async move {
        R::join(R::spawn(async move {
            let address = work::serve_idle::<R>().await;
            growth(setup.size, |count| work::leave_idle::<R>(address, count)).await
        }))
        .await
    })
}

fn measure(address: SocketAddr, size: usize, ask: fn(&mut Client, usize)) -> Sample {
    measure_with(address, size, ask, || Duration::ZERO)
}

/// The same of a server in another process, whose CPU time is `others`.
fn measure_with(
    address: SocketAddr,
    size: usize,
    ask: fn(&mut Client, usize),
    others: impl Fn() -> Duration,
) -> Sample {
    let mut client = Client::connect(address);
    let mut meter = Meter::new();
    while meter.wants_more() {
        let (begin, cpu) = (Instant::now(), process_cpu() + others());
        ask(&mut client, size);
        let (wall, cpu) = (begin.elapsed(), process_cpu() + others() - cpu);
        meter.add(wall, cpu, size);
    }
    meter.sample()
}
