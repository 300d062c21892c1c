//! Tests of polling a future after its end: the panic says what the future is, and where it was
//! made. (The place of the second poll is unknown: an `await` passes no location on.)

use super::*;
use std::future::Future;
use std::pin::{Pin, pin};

/// Polls `future` to its end, and then once more. Returns the text of the panic.
async fn polled_again<F: Future>(future: F) -> String {
    let mut future = pin!(future);
    future.as_mut().await;
    let mut context = Context::from_waker(Waker::noop());
    caught(|| future.as_mut().poll(&mut context).is_ready()).text
}

/// Asserts that the panic names what the future is, and one of the lines of the macro's call.
macro_rules! named {
    ($what:literal, $future:expr) => {{
        let (line, text) = (line!(), polled_again($future).await);
        let place = |line| format!("{}:{line}:", file!());
        let named = (line..line + 6).any(|line| text.contains(&place(line)));
        assert!(named && text.contains($what), "{}: {text}", place(line));
        assert!(text.contains("polled after its end"), "{text}");
    }};
}

#[test]
fn what_is_polled_after_its_end_is_named_with_the_line_that_made_it() {
    const SECOND: Duration = Duration::from_secs(1);
    on_workers(1, async {
        named!("Task-", create_task(async {}));
        named!(
            "fetch",
            asyncio::task::Builder::new()
                .name("fetch")
                .create_task(async {})
        );
        named!("Task-", create_local_task(async {}));
        named!("Task-", asyncio::to_thread(|| ()));
        named!("Task-", asyncio::shield(create_task(async {})));
        named!("gather", asyncio::gather((async {},)));
        named!("gather", asyncio::gather(()));
        named!(
            "gather",
            asyncio::gather_all([async {}]).return_exceptions()
        );
        named!("gather", asyncio::try_gather([create_task(async {})]));
        named!("wait", asyncio::wait([create_task(async {})]));
        named!(
            "wait",
            asyncio::wait([create_task(async {})]).return_when(asyncio::FIRST_COMPLETED)
        );
        named!("timeout", asyncio::wait_for(async {}, SECOND));
        named!("timeout", asyncio::timeout(SECOND, async |_| ()));
        named!(
            "timeout",
            asyncio::timeout_at(Instant::now() + SECOND, async |_| ())
        );
        named!(
            "move_on_after",
            asyncio::move_on_after(SECOND, async |_| ())
        );
        named!("catch_cancelled", asyncio::catch_cancelled(async {}));
        named!("finally", asyncio::finally(async {}, async {}));
        named!("sleep", asyncio::sleep(Duration::ZERO).with_result(1));
        let (line, mut ticks) = (line!(), asyncio::interval(SECOND));
        let text = polled_again(ticks.tick()).await;
        assert!(text.contains("tick of the interval"), "{text}");
        assert!(text.contains(&format!("{}:{line}:", file!())), "{text}");
    });
}

#[test]
fn what_has_no_single_result_may_be_polled_again() {
    on_workers(1, async {
        let mut context = Context::from_waker(Waker::noop());
        let mut ready = |future: &mut (dyn Future<Output = ()> + Unpin)| {
            assert!(Pin::new(future).poll(&mut context).is_ready());
        };
        let mut sleep = asyncio::sleep(Duration::ZERO);
        (&mut sleep).await;
        ready(&mut sleep);
        let mut stepped_aside = checkpoint();
        (&mut stepped_aside).await;
        ready(&mut stepped_aside);
        let mut end = create_task(async {}).handle().wait();
        (&mut end).await;
        ready(&mut end);
    });
}
