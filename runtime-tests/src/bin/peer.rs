//! Does with subprocesses and with signals what the programs in `tests/subprocess/peers` do with
//! CPython's asyncio, and prints the same.

#[path = "peer/signals.rs"]
mod signals;
#[path = "peer/subprocesses.rs"]
mod subprocesses;

use std::io::{self, Write};

fn say(text: &str) {
    println!("{text}");
    io::stdout().flush().expect("somebody reads");
}

fn main() -> io::Result<()> {
    match std::env::args().nth(1).as_deref() {
        Some("subprocesses") => asyncio::run(subprocesses::main()),
        Some("signals") => asyncio::run(signals::main()),
        other => panic!("there is no script {other:?}"),
    }
}
