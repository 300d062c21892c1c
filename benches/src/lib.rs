//! What the comparison and the criterion benches share: every runtime behind
//! one trait, and the work they are given, written once.
//!
//! A workload written three times is three workloads; here the rivals differ
//! only in the few lines of their adapter.

#![forbid(unsafe_code)]

pub mod runtimes;

pub mod work;
