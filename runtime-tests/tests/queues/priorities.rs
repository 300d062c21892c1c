//! The order of a priority queue, and comparisons that misbehave.

use std::cell::Cell;
use std::cmp::Ordering;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use asyncio::{PriorityQueue, Queue, create_task};
use runtime_tests::{caught, on_workers};

use super::{Census, Item};

/// QU-1: items that are equal come out in the order in which they were put.
#[asyncio::test(workers = 4)]
async fn equal_items_keep_their_order() {
    #[derive(Debug)]
    struct Entry(u8, usize);
    impl Ord for Entry {
        fn cmp(&self, other: &Entry) -> Ordering {
            self.0.cmp(&other.0)
        }
    }
    impl PartialOrd for Entry {
        fn partial_cmp(&self, other: &Entry) -> Option<Ordering> {
            Some(self.cmp(other))
        }
    }
    impl PartialEq for Entry {
        fn eq(&self, other: &Entry) -> bool {
            self.0 == other.0
        }
    }
    impl Eq for Entry {}

    let queue = PriorityQueue::new(0);
    let mut expected = Vec::new();
    for number in 0..300_usize {
        let priority = (number * 7 % 5) as u8;
        queue.put(Entry(priority, number)).await.unwrap();
        expected.push((priority, number));
    }
    expected.sort_unstable();
    for expected in expected {
        let Entry(priority, number) = queue.get().await.unwrap();
        assert_eq!((priority, number), expected);
    }
}

/// QU-1: puts and gets in any order, beside a sorted list.
#[test]
fn a_priority_queue_is_as_a_sorted_list() {
    let queue = PriorityQueue::new(0);
    let mut list: Vec<u32> = Vec::new();
    let mut state = 1_u32;
    for _ in 0..20_000 {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let number = state >> 20;
        if state >> 8 & 3 == 0 {
            let smallest = (0..list.len()).min_by_key(|&index| list[index]);
            let expected = smallest.map(|index| list.swap_remove(index));
            assert_eq!(queue.get_nowait().ok(), expected);
        } else {
            queue.put_nowait(number).unwrap();
            list.push(number);
        }
        assert_eq!(queue.qsize(), list.len());
    }
}

thread_local! { static COMPARISONS: Cell<usize> = const { Cell::new(usize::MAX) } }

/// An item whose comparison panics when the thread has made so many.
#[derive(Debug)]
struct Fragile(Item);

impl Ord for Fragile {
    fn cmp(&self, other: &Fragile) -> Ordering {
        let left = COMPARISONS.get().checked_sub(1).expect("a comparison");
        COMPARISONS.set(left);
        self.0.cmp(&other.0)
    }
}

impl PartialOrd for Fragile {
    fn partial_cmp(&self, other: &Fragile) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Fragile {
    fn eq(&self, other: &Fragile) -> bool {
        self.0 == other.0
    }
}

impl Eq for Fragile {}

/// QU-1, QU-3: a comparison that panics loses and doubles nothing, and the queue goes on.
#[test]
fn a_comparison_that_panics_changes_nothing() {
    runtime_tests::watched(|| {
        let census = Census::default();
        let queue = PriorityQueue::new(0);
        let (mut panics, mut inside) = (0, 0);
        for round in 0..2_000_usize {
            COMPARISONS.set(round % 7);
            let item = Fragile(census.item(round * 31 % 101));
            let put = catch_unwind(AssertUnwindSafe(|| queue.put_nowait(item)));
            inside += usize::from(put.is_ok());
            panics += usize::from(put.is_err());
            COMPARISONS.set(round % 5);
            if round % 3 == 0 && inside > 0 {
                let got = catch_unwind(AssertUnwindSafe(|| queue.get_nowait()));
                inside -= usize::from(got.is_ok());
                panics += usize::from(got.is_err());
            }
            assert_eq!((queue.qsize(), census.count()), (inside, inside));
        }
        assert!(panics > 100, "{panics}");
        COMPARISONS.set(usize::MAX);
        let mut last = 0;
        while let Ok(item) = queue.get_nowait() {
            assert!(item.0.number >= last);
            last = item.0.number;
            inside -= 1;
        }
        assert_eq!((inside, census.count()), (0, 0));
    });
}

/// QU-3: a putter or getter whose comparison panics leaves its room or its item to the others.
#[test]
fn after_a_panic_the_others_are_served() {
    on_workers(2, async {
        let census = Census::default();
        let queue = Arc::new(PriorityQueue::new(2));
        for number in [1, 2] {
            queue.put(Fragile(census.item(number))).await.unwrap();
        }
        let waiting = {
            let (queue, item) = (Arc::clone(&queue), Fragile(census.item(0)));
            runtime_tests::begun(async move { queue.put(item).await.unwrap() }).await
        };
        drop(queue.get_nowait().unwrap());
        waiting.await.unwrap();
        let failing = {
            let queue = Arc::clone(&queue);
            create_task(async move {
                COMPARISONS.set(0);
                let got = catch_unwind(AssertUnwindSafe(|| queue.get_nowait()));
                COMPARISONS.set(usize::MAX);
                assert!(got.is_ok(), "two items are not compared");
                assert!(queue.get_nowait().is_ok());
            })
        };
        failing.await.unwrap();
        assert_eq!(census.count(), 0);
    });
}

/// An item whose comparison uses the queue that it is in.
struct Nosy(u8, Arc<PriorityQueue<Nosy>>, Use);

#[derive(Clone, Copy)]
enum Use {
    Size,
    Put,
    Get,
    Shutdown,
    Other,
}

impl Ord for Nosy {
    fn cmp(&self, other: &Nosy) -> Ordering {
        let queue = &self.1;
        match self.2 {
            Use::Size => assert!(queue.qsize() < 10 && !queue.full()),
            Use::Put => drop(queue.put_nowait(Nosy(9, Arc::clone(queue), Use::Size))),
            Use::Get => drop(queue.get_nowait()),
            Use::Shutdown => queue.shutdown(true),
            Use::Other => Queue::new(0).put_nowait(()).unwrap(),
        }
        self.0.cmp(&other.0)
    }
}

impl PartialOrd for Nosy {
    fn partial_cmp(&self, other: &Nosy) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Nosy {
    fn eq(&self, other: &Nosy) -> bool {
        self.0 == other.0
    }
}

impl Eq for Nosy {}

/// A comparison may look at its queue, and is told what else it must not do.
#[test]
fn a_comparison_that_uses_its_queue_does_not_hang() {
    runtime_tests::watched(|| {
        for using in [Use::Size, Use::Put, Use::Get, Use::Shutdown, Use::Other] {
            let queue = Arc::new(PriorityQueue::new(0));
            let item = |number| Nosy(number, Arc::clone(&queue), using);
            queue.put_nowait(item(1)).map_err(drop).unwrap();
            match using {
                Use::Size | Use::Other => queue.put_nowait(item(0)).map_err(drop).unwrap(),
                _ => {
                    let panic = caught(|| queue.put_nowait(item(0)).map_err(drop));
                    assert!(panic.text.contains("a comparison"), "{}", panic.text);
                }
            }
            queue.shutdown(true);
            assert_eq!(queue.qsize(), 0);
        }
    });
}

/// Several threads compare at the same time as others look.
#[test]
fn a_priority_queue_is_used_by_many_threads() {
    let queue = PriorityQueue::new(3);
    runtime_tests::from_many_threads(async |_| {
        queue.put(1).await.unwrap();
        assert!(queue.qsize() <= 3);
        assert_eq!(queue.get().await, Ok(1));
    });
    assert!(queue.empty());
}
