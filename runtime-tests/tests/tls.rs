//! `asyncio::streams` under TLS.

#[path = "tls/certificates.rs"]
mod certificates;
#[path = "tls/peer.rs"]
mod peer;

#[path = "tls/basics.rs"]
mod basics;
#[path = "tls/verification.rs"]
mod verification;
