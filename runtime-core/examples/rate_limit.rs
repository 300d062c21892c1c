//! Requests to a service that allows three at a time, and a new one each fiftieth of a second.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use asyncio::{MissedTickBehavior, Semaphore};

/// How many requests may be under way.
const AT_A_TIME: usize = 3;
/// How long there is no new request after one.
const PERIOD: Duration = Duration::from_millis(20);

/// The service: it needs a while for an answer, and counts what is under way.
#[derive(Default)]
struct Service {
    under_way: AtomicUsize,
    most: AtomicUsize,
}

impl Service {
    async fn ask(&self, question: u64) -> u64 {
        let now = self.under_way.fetch_add(1, Ordering::Relaxed) + 1;
        self.most.fetch_max(now, Ordering::Relaxed);
        asyncio::sleep(Duration::from_millis(50 + question % 3 * 20)).await;
        self.under_way.fetch_sub(1, Ordering::Relaxed);
        question * question
    }
}

#[asyncio::main]
async fn main() {
    let service = Arc::new(Service::default());
    let places = Arc::new(Semaphore::new(AT_A_TIME));
    let mut pace = asyncio::interval(PERIOD);
    // After a pause, the next ones keep their distance as well.
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let begin = Instant::now();

    let mut answers = Vec::new();
    for question in 0..12 {
        // First a place, then the pace: so a place that becomes free late delays no other.
        let place = Arc::clone(&places).acquire_owned().await;
        pace.tick().await;
        let service = Arc::clone(&service);
        answers.push(asyncio::create_task(async move {
            let answer = service.ask(question).await;
            drop(place);
            answer
        }));
    }
    let mut sum = 0;
    for answer in answers {
        sum += answer.await.unwrap();
    }

    println!("12 answers, whose sum is {sum}");
    println!("at most {} at a time", service.most.load(Ordering::Relaxed));
    let fastest = PERIOD * 11;
    println!("not faster than allowed: {}", begin.elapsed() >= fastest);
}
