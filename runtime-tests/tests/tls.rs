//! `asyncio::streams` under TLS.

#[path = "tls/certificates.rs"]
mod certificates;
#[path = "tls/peer.rs"]
mod peer;

#[path = "tls/basics.rs"]
mod basics;
#[path = "tls/ends.rs"]
mod ends;
#[path = "tls/flow.rs"]
mod flow;
#[path = "tls/handshakes.rs"]
mod handshakes;
#[path = "tls/programs.rs"]
mod programs;
#[path = "tls/start_tls.rs"]
mod start_tls;
#[path = "tls/storms.rs"]
mod storms;
#[path = "tls/verification.rs"]
mod verification;
