//! Tests of races of a limit with the value, and with a cancellation, on several threads.

use super::*;
use asyncio::{EventLoop, Runner, TaskHandle};
use futures::StreamExt;
use futures::channel::mpsc;

/// How many races each test runs.
const RACES: u32 = 20_000;

/// A small pseudo-random generator: every run makes the same choices, though not with the same
/// timing.
struct Dice(u64);

impl Dice {
    fn micros(&mut self, below: u64) -> Duration {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        Duration::from_micros((self.0 >> 32) % below)
    }
}

/// Spins for `time`: the windows of these races are shorter than a sleep can be.
fn spin(time: Duration) {
    let until = Instant::now() + time;
    while Instant::now() < until {
        std::hint::spin_loop();
    }
}

// WF-8
#[test]
fn no_item_is_lost_between_a_limit_and_a_channel() {
    watched(|| {
        let mut runner = Runner::builder().workers(2).build().unwrap();
        let event_loop = runner.get_loop().clone();
        let consumers: Vec<_> = (0..4).map(|n| consumer(&event_loop, n)).collect();
        let received = runner.run(async {
            let mut received = 0;
            for (producer, task) in consumers {
                received += task.await.unwrap();
                producer.join().unwrap();
            }
            received
        });
        assert_eq!(received, RACES, "every item must be received once");
    });
}

/// A foreign thread that sends, and a task that receives with limits about as long as the pauses of
/// the sender.
fn consumer(event_loop: &EventLoop, seed: u64) -> (thread::JoinHandle<()>, asyncio::Task<u32>) {
    let (send, mut receive) = mpsc::unbounded();
    let task = event_loop.create_task(async move {
        let mut dice = Dice(0x9e37_79b9 + seed);
        let mut expected = 0;
        while expected < RACES / 4 {
            match wait_for(receive.next(), dice.micros(60)).await {
                Ok(item) => {
                    assert_eq!(
                        item,
                        Some(expected),
                        "an item is lost, doubled or out of order"
                    );
                    expected += 1;
                }
                Err(_timed_out) => assert_eq!(current_task().unwrap().cancelling(), 0),
            }
        }
        expected
    });
    let producer = thread::spawn(move || {
        let mut dice = Dice(0x2545_f491 + seed);
        for item in 0..RACES / 4 {
            spin(dice.micros(60));
            send.unbounded_send(item).unwrap();
        }
    });
    (producer, task)
}

// WF-8, TO-5
#[test]
fn no_cancellation_is_swallowed_by_a_limit_that_comes_with_it() {
    watched(|| {
        let mut runner = Runner::builder().workers(2).build().unwrap();
        let event_loop = runner.get_loop().clone();
        let (asked, asking) = std::sync::mpsc::channel::<TaskHandle>();
        let canceller = thread::spawn(move || {
            let mut dice = Dice(0x1234_5677);
            let mut accepted = 0;
            for task in asking {
                spin(dice.micros(50));
                accepted += u32::from(task.cancel());
            }
            accepted
        });
        let caught = runner.run(async move {
            let mut dice = Dice(0x7654_3211);
            let mut caught = 0;
            for _ in 0..RACES / 4 {
                let limit = dice.micros(50);
                let asked = asked.clone();
                let task = event_loop.create_task(async move {
                    // The task has begun. A cancel before its first poll would drop it unpolled.
                    asked.send(current_task().unwrap()).unwrap();
                    racer(limit).await
                });
                caught += u32::from(task.await.unwrap());
            }
            caught
        });
        assert_eq!(
            canceller.join().unwrap(),
            caught,
            "accepted requests and deliveries"
        );
    });
}

/// Lets limits expire until a cancellation arrives. Returns `true` if it arrives exactly once.
async fn racer(limit: Duration) -> bool {
    let caught = catch_cancelled(async {
        loop {
            // There is no shield: the request may come before, with, or after the expiry.
            let outcome = wait_for(pending::<()>(), limit).await;
            assert_eq!(outcome, timed_out());
            checkpoint().await;
        }
    })
    .await;
    let Err(_cancelled) = caught;
    assert_eq!(current_task().unwrap().cancelling(), 1);
    // A second delivery of the same request would end the task here.
    for _ in 0..3 {
        checkpoint().await;
    }
    true
}

// WF-3, WF-8
#[test]
fn a_task_that_ends_with_the_limit_gives_its_value_or_has_none() {
    from_many_threads(async |event_loop| {
        let mut dice = Dice(u64::from(Instant::now().elapsed().subsec_nanos() + 1));
        for _ in 0..5 {
            let (pause, limit) = (dice.micros(80), dice.micros(80));
            let returned = Flag::default();
            let returning = returned.clone();
            let task = event_loop.create_task(async move {
                sleep(pause).await;
                returning.set();
                11
            });
            match wait_for(task, limit).await {
                Ok(value) => assert_eq!(value.unwrap(), 11),
                Err(_timed_out) => assert!(!returned.is_set(), "a value was lost"),
            }
        }
    });
}
