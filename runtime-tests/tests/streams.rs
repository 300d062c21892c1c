//! `asyncio::streams`: readers, writers, servers.

#[path = "streams/basics.rs"]
mod basics;
