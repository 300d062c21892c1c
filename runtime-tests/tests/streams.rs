//! `asyncio::streams`: readers, writers, servers.

#[path = "streams/basics.rs"]
mod basics;
#[path = "streams/frames.rs"]
mod frames;
