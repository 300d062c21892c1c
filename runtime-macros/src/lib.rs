//! The attributes `#[asyncio::main]` and `#[asyncio::test]`.
//!
//! Use them through the `asyncio` library, which re-exports both. They are in this separate crate
//! only because attribute macros need a crate of their own.
//!
//! | Option | Value | `main` | `test` |
//! |---|---|---|---|
//! | `workers` | the number of workers, at least 1 | – | 2 |
//! | `debug` | `true` or `false` | – | – |
//! | `start_paused` | `true` or `false`; with a seed always `true` | – | – |
//! | `seed` | the seed of the deterministic mode; with `seeds` the first one | – | – |
//! | `seeds` | the number of seeds to run, at least 1 | – | – |
//! | `max_blocking_threads` | the number of threads for blocking calls, at least 1 | – | – |
//! | `thread_name` | the prefix of the threads' names, a string | – | – |
//! | `crate` | the path of the library, as a string | `"::asyncio"` | `"::asyncio"` |
//!
//! The last two columns are the defaults; without one, the option is that of
//! `asyncio::runners::Builder`, and without a seed the mode is not deterministic. Each value,
//! except that of `crate`, may be any expression of the type that the builder's method takes. A
//! mistake is reported at the wrong token. The function is still expanded, so that one mistake
//! causes one compiler error.

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

/// Turns an `async fn` into a function that runs it to its end on a new event loop.
///
/// The function loses its `async` and keeps its name, visibility, attributes and return type.
/// Without options, the expansion calls `asyncio::run`; with options, it builds a `Runner`. In
/// Python one writes `asyncio.run(main())` for this; here the attribute saves the second function.
///
/// ```text
/// #[asyncio::main(workers = 4, debug = true)]
/// async fn main() -> Result<(), asyncio::TaskError> {
///     let answer = asyncio::create_task(async { 42 }).await?;
///     println!("{answer}");
///     Ok(())
/// }
/// ```
///
/// # Panics
///
/// The expanded function panics in the same cases as `asyncio::run`. If options are given, it also
/// panics if the loop cannot be started (no more threads or file descriptors).
///
/// # Errors
///
/// These are compiler errors at the wrong token: arguments, type parameters, a missing `async`, and
/// an option that is unknown, given twice, or has a literal of the wrong kind.
#[proc_macro_attribute]
pub fn main(options: TokenStream, item: TokenStream) -> TokenStream {
    expand::attribute(expand::Kind::Main, options, item)
}

/// Turns an `async fn` into a test that runs on a new event loop with two workers.
///
/// The function becomes a normal `#[test]`: `#[should_panic]`, `#[ignore]` and a return type of
/// `Result` work as usual. The default is two workers because races do not show on one; Python's
/// `IsolatedAsyncioTestCase` uses one thread.
///
/// With `start_paused = true`, sleeps take no real time. With `seeds = 1000`, the test runs under a
/// thousand schedules, and a failure names the seed that repeats it.
///
/// ```text
/// #[asyncio::test(seeds = 1000)]
/// async fn a_task_returns_its_value() -> Result<(), asyncio::TaskError> {
///     assert_eq!(asyncio::create_task(async { 42 }).await?, 42);
///     Ok(())
/// }
/// ```
///
/// # Panics
///
/// The test fails if the loop cannot be started.
///
/// # Errors
///
/// The same as for [`macro@main`]; a second test attribute on the same function is an error too.
#[proc_macro_attribute]
pub fn test(options: TokenStream, item: TokenStream) -> TokenStream {
    expand::attribute(expand::Kind::Test, options, item)
}
