//! The attributes `#[asyncio::main]` and `#[asyncio::test]`.
//!
//! Use them through the `asyncio` library, which re-exports both; this crate is
//! apart only because attributes must live in a crate of their own.
//!
//! | Option | Value | Default for `main` | Default for `test` |
//! |---|---|---|---|
//! | `workers` | number of worker threads, at least 1 | the builder's | 2 |
//! | `debug` | `true` or `false` | the builder's | the builder's |
//! | `start_paused` | `true` or `false`; under a seed always `true` | `false` | `false` |
//! | `seed` | the seed of the deterministic mode | – | – |
//! | `seeds` | how many seeds are tried, at least 1 | – | – |
//! | `max_blocking_threads` | number of threads for blocking calls, at least 1 | the builder's | the builder's |
//! | `thread_name` | a string | the builder's | the builder's |
//! | `crate` | the path under which the library is known, as a string | `"::asyncio"` | `"::asyncio"` |
//!
//! Each value but that of `crate` may be any expression of the builder's type.
//! A mistake is reported at the token that made it, and only there: the function
//! is still expanded, so that one mistake makes one error.

#![forbid(unsafe_code)]

use proc_macro::TokenStream;

mod literal;
mod refusal;
mod token;

mod function;
mod parse;

mod expand;
#[cfg(doctest)]
mod refusals;

/// Runs an `async fn` to its end on a runtime of its own.
///
/// The function loses its `async` and keeps everything else: name, visibility,
/// attributes, return type. Without options its body is handed to
/// `asyncio::run`; with options a `Runner` is built for it. Python's asyncio has
/// `asyncio.run(main())` for this; the attribute spares the second function.
///
/// ```text
/// #[asyncio::main(workers = 4, debug = true)]
/// async fn main() -> Result<(), Box<dyn Error>> {
///     let (reader, writer) = asyncio::open_connection("localhost:7").await?;
///     …
/// }
/// ```
///
/// # Panics
///
/// The expanded function panics where `asyncio::run` does, and, when options are
/// given, if the runtime cannot be started (no more threads, no more file
/// descriptors).
///
/// # Errors
///
/// Arguments, type parameters, a missing `async`, an option that is unknown,
/// given twice or has an unfit literal are errors of the compiler, at the token
/// that is wrong.
#[proc_macro_attribute]
pub fn main(options: TokenStream, item: TokenStream) -> TokenStream {
    expand::attribute(expand::Kind::Main, options, item)
}

/// Makes a test of an `async fn`, run on a runtime of its own with two workers.
///
/// The function becomes a plain `#[test]`: `#[should_panic]`, `#[ignore]` and a
/// return type of `Result` work as they do there. Two workers are the default
/// because races do not show on one; Python's `IsolatedAsyncioTestCase` knows one
/// thread only.
///
/// ```text
/// #[asyncio::test]
/// async fn a_queue_keeps_its_order() -> Result<(), QueueShutDown> { … }
/// ```
///
/// # Panics
///
/// The test fails if its runtime cannot be started.
///
/// # Errors
///
/// As for [`macro@main`]; a second test attribute on the same function is an
/// error too.
#[proc_macro_attribute]
pub fn test(options: TokenStream, item: TokenStream) -> TokenStream {
    expand::attribute(expand::Kind::Test, options, item)
}
