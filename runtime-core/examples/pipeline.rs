//! Stages that are joined by bounded queues. When the work is over, the queues are shut down one
//! after the other, and each stage finishes what it has.

use std::sync::Arc;

use asyncio::{Queue, QueueShutDown, create_task, gather};

/// How many items may wait between two stages: a fast stage waits for a slow one.
const ROOM: usize = 4;

/// Takes numbers, and puts them into words, until there are no more.
async fn spell(numbers: Arc<Queue<usize>>, words: Arc<Queue<(usize, String)>>) -> usize {
    let mut count = 0;
    while let Ok(number) = numbers.get().await {
        // Some take longer than others.
        asyncio::checkpoint().await;
        let text = number.to_string();
        let digits = text.chars().map(|digit| match digit {
            '0' => "zero",
            '1' => "one",
            '2' => "two",
            '3' => "three",
            '4' => "four",
            '5' => "five",
            '6' => "six",
            '7' => "seven",
            '8' => "eight",
            _ => "nine",
        });
        let word = digits.collect::<Vec<_>>().join("-");
        words.put((number, word)).await.expect("it is open");
        count += 1;
    }
    count
}

/// Takes words, and returns the number of their letters.
async fn count(words: Arc<Queue<(usize, String)>>) -> usize {
    let mut letters = 0;
    loop {
        match words.get().await {
            Ok((number, word)) => {
                if number % 100 == 42 {
                    println!("{number} is {word}");
                }
                letters += word.len();
            }
            Err(QueueShutDown(())) => return letters,
        }
    }
}

#[asyncio::main]
async fn main() {
    let numbers = Arc::new(Queue::new(ROOM));
    let words = Arc::new(Queue::new(ROOM));

    let spellers: Vec<_> = (0..3)
        .map(|_| create_task(spell(Arc::clone(&numbers), Arc::clone(&words))))
        .collect();
    let counter = create_task(count(Arc::clone(&words)));

    for number in 0..100 {
        numbers.put(number).await.expect("it is open");
    }

    // What is in the queue is still taken; then the spellers end.
    numbers.shutdown(false);
    let spelled = gather(spellers).await.expect("no speller fails");
    let spelled = spelled.into_iter().map(Result::unwrap).sum::<usize>();
    // Now nobody puts words any more.
    words.shutdown(false);
    let letters = counter.await.expect("the counter does not fail");

    println!("{spelled} numbers have {letters} letters");
}
