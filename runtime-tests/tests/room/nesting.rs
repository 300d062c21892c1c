//! Tests of long chains of user values on a stack that is too small to recurse through them.
//!
//! Earlier tests nested at most a dozen values, so they did not show that the library dropped, woke
//! and started each link inside the call for the one before it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::task::{Context, Poll, Wake, Waker};

use super::*;
use asyncio::{Future as Later, Runner, Task, TaskHandle, concurrent, create_task, current_task};

/// How many links a chain has.
const LINKS: usize = 100_000;
/// The stack of a test, in KiB: 5 bytes for each link.
const STACK: usize = 512;

/// Counts its drops.
struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// Returns a function that makes counted values, and one that returns how many have been dropped.
fn counter() -> (impl Fn() -> Counted, impl Fn() -> usize) {
    let dropped = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&dropped);
    (
        move || Counted(Arc::clone(&counted)),
        move || dropped.load(Ordering::Relaxed),
    )
}

#[test]
fn futures_joined_by_callbacks_are_dropped_one_after_the_other() {
    on_stack(STACK, || async {
        let (count, dropped) = counter();
        let mut future = Later::<()>::new();
        for _ in 0..LINKS {
            let (next, counted) = (Later::<()>::new(), count());
            next.add_done_callback(move |_| {
                let _counted = counted;
                drop(future.set_result(()));
            });
            future = next;
        }
        drop(future);
        assert_eq!(dropped(), LINKS, "all are dropped when the drop returns");
    });
}

#[test]
fn futures_joined_by_callbacks_end_one_after_the_other() {
    on_stack(STACK, || async {
        let last = Later::<()>::new();
        let mut future = last.clone();
        for _ in 0..LINKS {
            let next = Later::<()>::new();
            next.add_done_callback(move |_| future.set_result(()).unwrap());
            future = next;
        }
        future.set_result(()).unwrap();
        last.await.unwrap();
    });
}

#[test]
fn a_little_nesting_is_dropped_where_it_stands() {
    struct Link(Option<Box<Link>>, Arc<AtomicUsize>);
    impl Drop for Link {
        fn drop(&mut self) {
            let future = Later::<()>::new();
            let rest = self.0.take();
            future.add_done_callback(move |_| drop(rest));
            let before = self.1.load(Ordering::Relaxed);
            drop(future);
            // The rest of the chain was dropped inside that drop.
            self.1.store(before + 1, Ordering::Relaxed);
        }
    }
    on_stack(STACK, || async {
        let order = Arc::new(AtomicUsize::new(0));
        let chain = (0..8).fold(None, |rest, _| {
            Some(Box::new(Link(rest, Arc::clone(&order))))
        });
        drop(chain);
        assert_eq!(
            order.load(Ordering::Relaxed),
            1,
            "each link is dropped inside the drop of the link before it"
        );
    });
}

struct Node(Option<Task<Node>>);

#[test]
fn tasks_whose_outputs_are_tasks_are_dropped_one_after_the_other() {
    on_stack(STACK, || async {
        let mut node = Node(None);
        for _ in 0..LINKS {
            let task = create_task(async move { node });
            task.handle().wait().await;
            node = Node(Some(task));
        }
        drop(node.0);
    });
}

struct Guard(Option<asyncio::Handle>);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.take().into_iter().for_each(|next| next.cancel());
    }
}

#[test]
fn callbacks_that_cancel_one_another_are_dropped_one_after_the_other() {
    on_stack(STACK, || async {
        let event_loop = asyncio::get_running_loop();
        let (count, dropped) = counter();
        let mut first: Option<asyncio::Handle> = None;
        for _ in 0..LINKS {
            let parts = (Guard(first.take()), count());
            first = Some(event_loop.call_soon(move || drop(parts)));
        }
        first.unwrap().cancel();
        // The callback queue may already run some of them, and may just now drop the last one.
        runtime_tests::until(|| dropped() == LINKS).await;
    });
}

asyncio::context_var! {
    static OUTER: asyncio::Context;
    static TASK: TaskHandle
}

#[test]
fn contexts_in_contexts_are_dropped_one_after_the_other() {
    on_stack(STACK, || async {
        let mut context = asyncio::Context::new();
        for _ in 0..LINKS {
            let next = asyncio::Context::new();
            next.run(|| drop(OUTER.set(context)));
            context = next;
        }
        drop(context);
    });
}

#[test]
fn tasks_whose_contexts_hold_tasks_are_dropped_one_after_the_other() {
    on_stack(STACK, || async {
        let mut handle = current_task().unwrap();
        for _ in 0..LINKS {
            let context = asyncio::Context::new();
            context.run(|| drop(TASK.set(handle)));
            let task = asyncio::task::Builder::new()
                .context(context)
                .create_task(async {});
            handle = task.handle();
            task.await.unwrap();
        }
        drop(handle);
    });
}

#[test]
fn eager_starts_nest_a_little_and_then_wait_in_line() {
    fn deep(levels: u32) -> std::pin::Pin<Box<dyn Future<Output = u32> + Send>> {
        Box::pin(async move {
            let name = format!("deep {levels}");
            assert_eq!(current_task().unwrap().get_name(), name);
            if levels == 0 {
                return 0;
            }
            let builder = asyncio::task::Builder::new().name(format!("deep {}", levels - 1));
            let child = builder.eager_start(true).create_task(deep(levels - 1));
            assert_eq!(current_task().unwrap().get_name(), name);
            child.await.unwrap() + 1
        })
    }
    on_stack(STACK, || async {
        let builder = asyncio::task::Builder::new().name("deep 10000");
        assert_eq!(builder.create_task(deep(10_000)).await.unwrap(), 10_000);
    });
    // The first sixteen levels have begun when `create_task` returns.
    on_stack(STACK, || async {
        let begun = Arc::new(AtomicUsize::new(0));
        fn nested(n: usize, begun: Arc<AtomicUsize>) -> Task<()> {
            let eager = asyncio::task::Builder::new().eager_start(true);
            eager.create_task(async move {
                begun.fetch_add(1, Ordering::Relaxed);
                if n > 1 {
                    nested(n - 1, begun).await.unwrap();
                }
            })
        }
        let all = nested(100, Arc::clone(&begun));
        assert_eq!(begun.load(Ordering::Relaxed), 16);
        all.await.unwrap();
        assert_eq!(begun.load(Ordering::Relaxed), 100);
    });
}

struct Value(Option<concurrent::Future<Value>>);

#[test]
fn values_that_own_futures_for_threads_are_dropped_one_after_the_other() {
    on_stack(STACK, || async {
        let event_loop = asyncio::get_running_loop();
        let mut value = Value(None);
        for _ in 0..LINKS {
            let coro = async move { value };
            let future = asyncio::run_coroutine_threadsafe(coro, &event_loop);
            while !future.done() {
                asyncio::checkpoint().await;
            }
            value = Value(Some(future));
        }
        drop(value.0);
    });
}

#[test]
fn callbacks_of_a_closed_loop_run_one_after_the_other() {
    with_stack(STACK, || {
        let mut runner = Runner::builder().workers(1).build().unwrap();
        let event_loop = runner.get_loop().clone();
        // None of them ever runs: no thread runs the loop.
        let submit =
            || asyncio::run_coroutine_threadsafe(std::future::pending::<()>(), &event_loop);
        let futures: Vec<_> = (0..LINKS / 10).map(|_| submit()).collect();
        runner.close();
        assert!(futures.iter().all(concurrent::Future::cancelled));
        let (sender, receiver) = mpsc::channel();
        struct Chain(Vec<concurrent::Future<()>>, mpsc::Sender<()>);
        fn follow(mut chain: Chain) {
            if let Some(future) = chain.0.pop() {
                future.add_done_callback(move |_| follow(chain));
            } else {
                chain.1.send(()).unwrap();
            }
        }
        follow(Chain(futures, sender));
        receiver.recv().unwrap();
    });
}

#[test]
fn destructors_that_make_tasks_on_a_closed_loop_do_so_one_after_the_other() {
    struct Again(usize, asyncio::EventLoop, Counted);
    impl Drop for Again {
        fn drop(&mut self) {
            if self.0 > 0 {
                let counted = Counted(Arc::clone(&self.2.0));
                let again = Again(self.0 - 1, self.1.clone(), counted);
                let task = self.1.create_task(async move { drop(again) });
                drop(task);
            }
        }
    }
    with_stack(STACK, || {
        let mut runner = Runner::builder().workers(1).build().unwrap();
        let event_loop = runner.get_loop().clone();
        runner.close();
        let (count, dropped) = counter();
        drop(Again(LINKS, event_loop.clone(), count()));
        assert_eq!(dropped(), LINKS + 1);
        let call = |again| event_loop.call_soon(move || drop(again));
        let _handle = call(Again(LINKS, event_loop.clone(), count()));
        assert_eq!(dropped(), 2 * (LINKS + 1));
    });
}

/// A waker that ends the future that it owns.
struct Ends(Later<()>);

impl Wake for Ends {
    fn wake(self: Arc<Self>) {
        let _once = self.0.set_result(());
    }
}

fn polled_with_ends_of(mut future: Later<()>, next: Later<()>) -> Later<()> {
    let waker = Waker::from(Arc::new(Ends(next)));
    let poll = Future::poll(
        std::pin::Pin::new(&mut future),
        &mut Context::from_waker(&waker),
    );
    assert!(poll.is_pending());
    future
}

#[test]
fn wakers_that_end_the_next_future_wake_one_after_the_other() {
    on_stack(STACK, || async {
        let last = Later::<()>::new();
        let mut next = last.clone();
        let mut kept = Vec::new();
        for _ in 0..LINKS {
            let future = Later::<()>::new();
            kept.push(polled_with_ends_of(future.clone(), next));
            next = future;
        }
        next.set_result(()).unwrap();
        assert!(
            last.done(),
            "the whole chain has run when the outermost call returns"
        );
        drop(kept);
    });
}

#[test]
fn wakers_that_own_the_next_future_are_dropped_one_after_the_other() {
    on_stack(STACK, || async {
        let mut next = Later::<()>::new();
        for _ in 0..LINKS {
            next = polled_with_ends_of(Later::<()>::new(), next);
        }
        drop(next);
    });
    struct Owns(#[expect(dead_code, reason = "owned, and not looked at")] Option<Task<()>>);
    impl Wake for Owns {
        fn wake(self: Arc<Self>) {}
    }
    on_stack(STACK, || async {
        let mut owned = None;
        for _ in 0..LINKS {
            let mut task = create_task(std::future::pending::<()>());
            let waker = Waker::from(Arc::new(Owns(owned)));
            let poll = Future::poll(
                std::pin::Pin::new(&mut task),
                &mut Context::from_waker(&waker),
            );
            assert!(matches!(poll, Poll::Pending));
            owned = Some(task);
        }
        drop(owned);
    });
}

#[test]
fn gathers_of_gathers_end_and_are_dropped_however_many_there_are() {
    type Nested = std::pin::Pin<Box<dyn Future<Output = u32> + Send>>;
    const DEEP: u32 = 10_000;
    let nested = || {
        let innermost: Nested = Box::pin(async {
            asyncio::checkpoint().await;
            0
        });
        (0..DEEP).fold(innermost, |inner, _| {
            let gather = asyncio::gather((inner,));
            Box::pin(async { gather.await.unwrap().0 + 1 })
        })
    };
    on_stack(STACK, move || async move {
        assert_eq!(nested().await, DEEP);
        drop(nested());
    });
}

#[test]
fn a_forced_end_drops_what_destructors_wake() {
    with_stack(STACK, || {
        let mut runner = Runner::builder().workers(1).build().unwrap();
        runner.run(async {
            let mut next = Later::<()>::new();
            for _ in 0..LINKS {
                let (future, ends) = (Later::<()>::new(), SetOnDrop(next));
                let waits = future.clone();
                create_task(async move {
                    let _ends = ends;
                    loop {
                        // No cancellation ends this task.
                        let _ = asyncio::catch_cancelled(waits.clone()).await;
                    }
                });
                next = future;
            }
            asyncio::checkpoint().await;
        });
        let _forced = runner.shutdown_timeout(Duration::from_millis(1));
    });
}

struct SetOnDrop(Later<()>);

impl Drop for SetOnDrop {
    fn drop(&mut self) {
        let _once = self.0.set_result(());
    }
}

#[test]
fn a_run_deep_inside_destructors_works_as_elsewhere() {
    struct Link(usize, mpsc::Sender<usize>);
    impl Drop for Link {
        fn drop(&mut self) {
            asyncio::run(async {
                let future = Later::<()>::new();
                let sent = future.clone();
                let sender = create_task(async move { sent.set_result(()).unwrap() });
                future.await.unwrap();
                sender.await.unwrap();
            });
            self.1.send(self.0).unwrap();
            if self.0 > 0 {
                let rest = Link(self.0 - 1, self.1.clone());
                let future = Later::<()>::new();
                future.add_done_callback(move |_| drop(rest));
                drop(future);
            }
        }
    }
    runtime_tests::watched(|| {
        let outer = Runner::builder().workers(1).build().unwrap();
        let _entered = outer.get_loop().enter();
        let (sender, receiver) = mpsc::channel();
        drop(Link(40, sender));
        let order: Vec<_> = receiver.try_iter().collect();
        assert_eq!(order, (0..=40).rev().collect::<Vec<_>>());
    });
}

/// The values of tasks and of concurrent futures were dropped without recursion before; those of a
/// plain future were not.
#[test]
fn values_that_own_futures_are_dropped_one_after_the_other() {
    #[derive(Clone)]
    struct Link(#[expect(dead_code, reason = "it is owned")] Option<asyncio::Future<Link>>);
    on_stack(512, || async {
        let mut chain = None;
        for _ in 0..50_000 {
            let future = asyncio::Future::new();
            future.set_result(Link(chain)).unwrap();
            chain = Some(future);
        }
        drop(chain);
    });
}
