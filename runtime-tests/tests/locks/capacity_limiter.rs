//! trio's limiter.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use asyncio::{CapacityLimiter, current_task, wait_for};
use futures::FutureExt;
use runtime_tests::{caught, on_workers};

use super::*;

/// Catches the panic of an expression, and asserts that it names this line.
macro_rules! refused {
    ($body:expr) => {{
        let (line, found) = (line!(), caught(|| $body));
        assert_eq!(found.place, Some((file!().to_owned(), line)));
        found.text
    }};
}

#[test]
fn as_many_borrow_as_there_are_tokens() {
    everywhere(async || {
        let limiter = Arc::new(CapacityLimiter::new(2));
        let token = limiter.acquire().await;
        assert_eq!(
            token.borrower(),
            &asyncio::Borrower::from(&current_task().unwrap())
        );
        let other = limiter.acquire_on_behalf_of(1).await;
        assert_eq!(
            (limiter.borrowed_tokens(), limiter.available_tokens()),
            (2, 0)
        );
        assert!(limiter.try_acquire_on_behalf_of("third").is_none());
        let notes = Notes::default();
        let mut waiters = Vec::new();
        for place in 0..3 {
            let (limiter, notes) = (Arc::clone(&limiter), notes.clone());
            let waiter = async move {
                let token = limiter.acquire().await;
                notes.add(place);
                token.borrower().clone()
            };
            waiters.push(in_line(waiter).await);
        }
        waiters[1].cancel();
        drop(token);
        for (place, waiter) in waiters.into_iter().enumerate() {
            assert!(waiter.await.is_ok() || place == 1);
        }
        assert_eq!(limiter.borrowed_tokens(), 1);
        drop(other);
        assert_eq!(limiter.borrowed_tokens(), 0);
        assert!([vec![0, 2], vec![0, 1, 2]].contains(&notes.taken()));
    });
}

#[test]
fn raising_the_number_of_tokens_serves_those_who_wait() {
    everywhere(async || {
        let limiter = Arc::new(CapacityLimiter::new(0));
        let waits = |place: usize| {
            let limiter = Arc::clone(&limiter);
            async move { limiter.acquire_on_behalf_of(place).await.borrower().clone() }
        };
        let waiters = [in_line(waits(0)).await, in_line(waits(1)).await];
        assert_eq!(limiter.borrowed_tokens(), 0);
        limiter.set_total_tokens(2);
        for (place, waiter) in waiters.into_iter().enumerate() {
            assert_eq!(waiter.await.unwrap(), place.into());
        }
        let tokens = (
            limiter.acquire_on_behalf_of(0).await,
            limiter.acquire_on_behalf_of(1).await,
        );
        limiter.set_total_tokens(1);
        assert_eq!((limiter.total_tokens(), limiter.available_tokens()), (1, 0));
        assert_eq!(limiter.borrowed_tokens(), 2);
        drop(tokens.0);
        assert!(limiter.try_acquire().is_none(), "one is still borrowed");
        drop(tokens.1);
        assert!(limiter.try_acquire().is_some());
    });
}

#[test]
fn the_same_borrower_twice_is_refused_at_the_line_of_the_caller() {
    on_workers(2, async {
        let limiter = CapacityLimiter::new(3);
        let _token = limiter.acquire_on_behalf_of("me").await;
        let twice = "is already holding one of this CapacityLimiter's tokens";
        let text = refused!(drop(limiter.acquire_on_behalf_of("me")));
        assert_eq!(text, format!("borrower \"me\" {twice}"));
        let text = refused!(drop(limiter.try_acquire_on_behalf_of("me")));
        assert_eq!(text, format!("borrower \"me\" {twice}"));
        let _own = limiter.acquire().await;
        assert!(refused!(drop(limiter.try_acquire())).contains(twice));
        // The borrower of this is known when it is polled: the message names the line.
        let again = AssertUnwindSafe(limiter.acquire()).catch_unwind().await;
        let text = again.unwrap_err().downcast::<String>().unwrap();
        assert!(
            text.contains(twice) && text.contains("capacity_limiter.rs"),
            "{text}"
        );
        assert_eq!(limiter.borrowed_tokens(), 2);
    });
}

/// Two waits on behalf of one borrower: the second is refused, and its token goes to the next.
#[test]
fn a_borrower_that_waits_twice_gets_one_token() {
    everywhere(async || {
        let limiter = CapacityLimiter::new(0);
        let mut first = Box::pin(limiter.acquire_on_behalf_of(1));
        let mut second = Box::pin(limiter.acquire_on_behalf_of(1));
        let mut third = Box::pin(limiter.acquire_on_behalf_of(2));
        assert!(poll_once(&mut first).await.is_pending());
        assert!(poll_once(&mut second).await.is_pending());
        assert!(poll_once(&mut third).await.is_pending());
        limiter.set_total_tokens(2);
        let _token = first.await;
        assert_eq!(limiter.borrowed_tokens(), 2);
        let hook = std::panic::catch_unwind(AssertUnwindSafe(|| second.as_mut().now_or_never()));
        assert!(hook.is_err());
        assert!(third.now_or_never().is_some());
    });
}

#[test]
fn outside_of_tasks_a_borrower_must_be_named() {
    let limiter = CapacityLimiter::new(1);
    let found = caught(|| drop(limiter.acquire().now_or_never()));
    assert!(found.text.contains("no current task"), "{}", found.text);
    assert!(found.text.contains("capacity_limiter.rs"), "{}", found.text);
    let token = limiter.acquire_on_behalf_of(1).now_or_never().unwrap();
    assert_eq!(limiter.borrowed_tokens(), 1);
    drop(token);
    assert_eq!(
        format!("{limiter:?}"),
        "CapacityLimiter { total_tokens: 1, borrowed_tokens: 0 }"
    );
}

#[test]
fn a_wait_that_gives_up_borrows_nothing() {
    everywhere(async || {
        let limiter = CapacityLimiter::new(1);
        let token = limiter.acquire().await;
        let late = wait_for(limiter.acquire_on_behalf_of(1), Duration::from_micros(1)).await;
        assert!(late.is_err());
        let mut dropped = Box::pin(limiter.acquire_on_behalf_of(1));
        assert!(poll_once(&mut dropped).await.is_pending());
        drop(token);
        assert_eq!(limiter.borrowed_tokens(), 1, "it is on its way");
        drop(dropped);
        assert_eq!(limiter.borrowed_tokens(), 0);
        let _token = limiter.acquire_on_behalf_of(1).await;
    });
}
