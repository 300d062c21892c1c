//! Includes the README and the guides in `docs/` as doc tests: every program in them is compiled,
//! and run unless it says `no_run`.

#[doc = include_str!("../../README.md")]
struct Readme;

#[doc = include_str!("../../docs/cancellation.md")]
struct Cancellation;

#[doc = include_str!("../../docs/from-asyncio.md")]
struct FromAsyncio;

#[doc = include_str!("../../docs/testing.md")]
struct Testing;
