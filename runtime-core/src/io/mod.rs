//! The standard streams of the process, and copying from one stream to another.
//!
//! Everything here goes by the traits of the `futures` crate, `AsyncRead` and `AsyncWrite`, whose
//! extensions (`AsyncReadExt`, `AsyncBufReadExt`, `BufReader`) work on it.

mod copy;
mod threaded;

mod standard;

mod stdio;

pub use copy::{copy, copy_bidirectional};
pub use stdio::{Stderr, Stdin, Stdout, stderr, stdin, stdout};
