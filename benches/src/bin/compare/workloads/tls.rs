//! The rows about TLS.
//!
//! The CPU figures are those of the whole process: the server, and the thread of the client, which
//! is the same for all.

use benches::runtimes::Secure;
use benches::work::tls::Ends;

use super::laps::from_outside;
use crate::sample::{Meter, Sample};
use crate::workload::Setup;

/// The size of a question after a handshake.
const QUESTION: usize = 64;

/// A server echoes blocks of 64 KiB.
pub(crate) fn blocks<R: Secure>(setup: Setup) -> Sample {
    const BLOCK: usize = 64 << 10;
    R::run(setup.workers, async move {
        let ends = Ends::new();
        let address = R::serve_secure(ends.server.clone(), BLOCK).await;
        let measure = move || {
            let mut client = ends.connect(address);
            let mut meter = Meter::new();
            while meter.wants_more() {
                meter.start();
                client.ask(BLOCK, setup.size);
                meter.stop(setup.size);
            }
            meter.sample()
        };
        from_outside(measure).await
    })
}

/// A client connects, makes a whole handshake, asks once, and closes.
///
/// Misleading about the runtime alone: most of the time is the cryptography of both ends.
pub(crate) fn handshakes<R: Secure>(setup: Setup) -> Sample {
    R::run(setup.workers, async move {
        let ends = Ends::new();
        let address = R::serve_secure(ends.server.clone(), QUESTION).await;
        let measure = move || {
            let mut meter = Meter::new();
            while meter.wants_more() {
                meter.start();
                for _ in 0..setup.size {
                    ends.connect(address).ask(QUESTION, 1);
                }
                meter.stop(setup.size);
            }
            meter.sample()
        };
        from_outside(measure).await
    })
}
