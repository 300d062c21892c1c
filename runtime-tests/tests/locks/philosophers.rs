//! Dining philosophers: each needs two locks, which it takes in the order of their numbers.

use std::time::Duration;

use asyncio::{Condition, Lock, Semaphore, checkpoint, wait_for};

use super::*;

const SEATS: usize = 5;
const MEALS: usize = 4;

async fn all<F>(make: impl Fn(usize) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let tasks: Vec<_> = (0..SEATS).map(|seat| create_task(make(seat))).collect();
    for task in tasks {
        task.await.unwrap();
    }
}

/// LK-3: nobody starves, and no fork is in two hands.
#[test]
fn philosophers_with_ordered_forks_all_eat() {
    everywhere(async || {
        let forks: Arc<[Lock<usize>; SEATS]> = Arc::default();
        all(|seat| {
            let forks = Arc::clone(&forks);
            async move {
                let (low, high) = (seat.min((seat + 1) % SEATS), seat.max((seat + 1) % SEATS));
                for _ in 0..MEALS {
                    let mut first = forks[low].acquire().await;
                    checkpoint().await;
                    let mut second = forks[high].acquire().await;
                    (*first, *second) = (*first + 1, *second + 1);
                }
            }
        })
        .await;
        for fork in forks.iter() {
            assert_eq!(*fork.acquire().await, 2 * MEALS);
        }
    });
}

/// LK-3, SE-2: any order of the forks will do if one seat stays free; and some lose patience.
#[test]
fn philosophers_with_a_waiter_all_eat() {
    everywhere(async || {
        let table = Arc::new((Semaphore::new(SEATS - 1), <[Lock<usize>; SEATS]>::default()));
        all(|seat| {
            let table = Arc::clone(&table);
            async move {
                let (seats, forks) = &*table;
                let mut meals = 0;
                while meals < MEALS {
                    let _seat = seats.acquire().await;
                    let mut first = forks[seat].acquire().await;
                    let second = forks[(seat + 1) % SEATS].acquire();
                    match wait_for(second, Duration::from_micros(50)).await {
                        Ok(mut second) => (*first, *second) = (*first + 1, *second + 1),
                        Err(_) => continue,
                    }
                    meals += 1;
                }
            }
        })
        .await;
        assert_eq!(table.0.available_permits(), SEATS - 1);
        for fork in &table.1 {
            assert_eq!(*fork.acquire().await, 2 * MEALS);
        }
    });
}

/// CO-3: all forks behind one lock, and a condition for who finds them taken.
#[test]
fn philosophers_with_a_condition_all_eat() {
    everywhere(async || {
        let table = Arc::new((Lock::new([false; SEATS]), Condition::new()));
        all(|seat| {
            let table = Arc::clone(&table);
            async move {
                let (forks, put_back) = &*table;
                let (left, right) = (seat, (seat + 1) % SEATS);
                for _ in 0..MEALS {
                    let guard = forks.acquire().await;
                    let free = |forks: &mut [bool; SEATS]| !forks[left] && !forks[right];
                    let mut guard = put_back.wait_for(guard, free).await;
                    (guard[left], guard[right]) = (true, true);
                    drop(guard);
                    checkpoint().await;
                    let mut guard = forks.acquire().await;
                    (guard[left], guard[right]) = (false, false);
                    drop(guard);
                    put_back.notify_all();
                }
            }
        })
        .await;
        assert_eq!(*table.0.acquire().await, [false; SEATS]);
    });
}
