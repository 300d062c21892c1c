//! Tests of memory: big futures on small stacks, what handles keep allocated, and deep nesting.

use std::future::Future;
use std::hint::black_box;
use std::thread;
use std::time::Duration;

use runtime_tests::watched;

#[path = "room/big.rs"]
mod big_futures;
#[path = "room/kept.rs"]
mod kept;
#[path = "room/nesting.rs"]
mod nesting;

/// Runs `body`, watched, on a thread with a stack of `kibibytes`. An overflow ends the process.
fn with_stack<R: Send + 'static>(kibibytes: usize, body: impl FnOnce() -> R + Send + 'static) -> R {
    watched(move || {
        let thread = thread::Builder::new().stack_size(kibibytes * 1024);
        let outcome = thread.spawn(body).expect("a thread can be started").join();
        outcome.unwrap_or_else(|payload| std::panic::resume_unwind(payload))
    })
}

/// Runs `main` on a thread with a stack of `kibibytes`, on a loop whose only worker is that thread.
fn on_stack<F, M>(kibibytes: usize, main: M) -> F::Output
where
    F: Future<Output: Send + 'static>,
    M: FnOnce() -> F + Send + 'static,
{
    with_stack(kibibytes, || {
        let builder = asyncio::Runner::builder().workers(1);
        builder.build().unwrap().run(main())
    })
}

/// A future of a little more than `N` bytes: a buffer that is alive across an await.
async fn big<const N: usize>() -> u8 {
    let buffer = [7u8; N];
    asyncio::checkpoint().await;
    black_box(&buffer)[N / 2]
}

const SECOND: Duration = Duration::from_secs(1);
