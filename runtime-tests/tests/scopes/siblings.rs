//! Tests of limits beside each other: a limit is not affected by its siblings.

use super::*;

#[asyncio::test(start_paused = true)]
async fn a_limit_outlives_an_outer_one_that_a_sibling_has_claimed() {
    let when = now() + TICK;
    let task = create_task(async move {
        let outcome = timeout_at(when, async |_| {
            let one = timeout_at(when, async |_| pending::<()>().await);
            let two = async {
                catch_cancelled(pending::<()>()).await.unwrap_err();
                5
            };
            join(one, two).await
        });
        outcome.await
    });
    let outcome = end(task).await.expect("the inner limit arrives");
    assert_eq!(outcome.unwrap(), Ok((Err(TimeoutError), 5)));
}

#[asyncio::test(start_paused = true)]
async fn a_limit_outlives_an_outer_one_that_an_awaited_task_has_claimed() {
    let when = now() + TICK;
    let task = create_task(async move {
        let outcome = timeout_at(when, async |_| {
            let one = wait_for(pending::<()>(), TICK);
            let two = create_task(async {
                catch_cancelled(pending::<()>()).await.unwrap_err();
                5
            });
            join(one, two).await.0
        });
        outcome.await
    });
    let outcome = end(task).await.expect("the inner limit arrives");
    assert_eq!(outcome.unwrap(), Ok(Err(TimeoutError)));
}

#[asyncio::test(start_paused = true)]
async fn a_later_limit_stays_local_when_a_sibling_has_claimed_the_outer_one() {
    let task = create_task(async {
        let outcome = timeout(TICK, async |_| {
            let one = timeout(5 * TICK, async |_| pending::<()>().await);
            let two = async {
                catch_cancelled(pending::<()>()).await.unwrap_err();
                sleep(10 * TICK).await;
                5
            };
            join(one, two).await
        });
        outcome.await
    });
    let outcome = end(task).await.unwrap();
    assert_eq!(outcome.unwrap(), Ok((Err(TimeoutError), 5)));
}

// Difference 4: the end of a cancelled task is a value.
#[asyncio::test(start_paused = true)]
async fn what_a_limit_has_cancelled_is_a_value_when_it_is_awaited_again() {
    let one = create_task(async {
        let mut inner = create_task(pending::<()>());
        assert!(wait_for(&mut inner, TICK).await.is_err());
        inner.await.unwrap_err().is_cancelled()
    });
    let two = create_task(async {
        let mut both = gather((pending::<()>(), pending::<()>()));
        assert!(wait_for(&mut both, TICK).await.is_err());
        both.await.unwrap_err().is_cancelled()
    });
    let three = create_task(async {
        let mut future = run_coroutine_threadsafe(pending::<()>(), &get_running_loop());
        assert!(wait_for(&mut future, TICK).await.is_err());
        future.await.unwrap_err().is_cancelled()
    });
    for task in [one, two, three] {
        assert!(end(task).await.unwrap().expect("nobody cancels it"));
    }
}

#[asyncio::test(start_paused = true, workers = 1)]
async fn limits_of_one_task_that_expire_together_cost_no_more_than_each() {
    let spend = async |count: u32| {
        let task = create_task(async move {
            let when = now() + TICK;
            let limited = |_| {
                timeout_at(when, async |_| {
                    catch_cancelled(pending::<()>()).await.is_err()
                })
            };
            let limits: FuturesUnordered<_> = (0..count).map(limited).collect();
            limits.count().await
        });
        let begin = Instant::now();
        assert_eq!(task.await.unwrap(), count as usize);
        begin.elapsed()
    };
    // The best of a few attempts, since other programs share the machine.
    let (mut few, mut many) = (Duration::MAX, Duration::MAX);
    for _ in 0..5 {
        few = few.min(spend(500).await);
        many = many.min(spend(8_000).await);
    }
    // 16 times as many limits; with a quadratic cost the factor would be 256.
    assert!(many < few * 80, "{few:?}, {many:?}");
}
