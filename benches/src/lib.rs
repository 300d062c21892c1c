//! Code shared by `compare` and the criterion benches: the runtimes behind common traits, and the
//! workloads, written once.
//!
//! If a workload were written three times, there would be three workloads; here the runtimes differ
//! only in the few lines of their adapters.

#![forbid(unsafe_code)]

pub mod runtimes;

pub mod work;
