//! What the types may do: which are `Send` and `Sync`, and which are constants.

use std::cell::Cell;
use std::marker::PhantomData;
use std::rc::Rc;

use asyncio::locks::*;

fn send<T: Send + ?Sized>() {}
fn sync<T: Sync + ?Sized>() {}

/// Whether a type is `Sync`, and whether it is `Send`, found without asking for it.
struct Is<T: ?Sized>(PhantomData<T>);

/// Asserts that a type is not what is asked.
macro_rules! is_not {
    ($what:ident, $($type:ty),+ $(,)?) => {$({
        // Of two methods that fit, Rust takes the inherent one: that of a type that is.
        #[allow(dead_code, reason = "it is found instead of the other if a type is")]
        trait IsNot { fn found(&self) -> bool { false } }
        impl<T: ?Sized> IsNot for &Is<T> {}
        #[allow(dead_code, reason = "no type is")]
        trait IsSo { fn found(&self) -> bool { true } }
        impl<T: ?Sized + $what> IsSo for Is<T> {}
        assert!(!(&Is::<$type>(PhantomData)).found(), stringify!($type));
    })+};
}

#[test]
fn what_is_shared_by_threads_can_be() {
    sync::<Lock<Cell<u8>>>();
    send::<LockGuard<'static, Cell<u8>>>();
    send::<OwnedLockGuard<Cell<u8>>>();
    sync::<LockGuard<'static, u8>>();
    sync::<RwLock<u8>>();
    send::<RwLockReadGuard<'static, u8>>();
    sync::<RwLockWriteGuard<'static, u8>>();
    send::<OwnedRwLockWriteGuard<Vec<u8>>>();
    sync::<OnceCell<u8>>();
    sync::<Lock<dyn std::any::Any + Send>>();
    sync::<(
        Event,
        Condition,
        Barrier,
        Semaphore,
        BoundedSemaphore,
        CapacityLimiter,
    )>();
    send::<(
        Event,
        Condition,
        Barrier,
        Semaphore,
        BoundedSemaphore,
        CapacityLimiter,
    )>();
    send::<(
        WaitEvent<'static>,
        WaitBarrier<'static>,
        AcquireToken<'static>,
    )>();
    send::<(
        AcquireLock<'static, u8>,
        AcquireRead<'static, u8>,
        AcquireWrite<'static, u8>,
    )>();
    let (lock, condition) = (Lock::new(Cell::new(1)), Condition::new());
    let guard = lock.try_acquire().unwrap();
    fn is_send(_future: &impl Send) {}
    is_send(&condition.wait(guard));
}

#[test]
fn what_is_not_shared_by_threads_cannot_be() {
    is_not!(Sync, LockGuard<'static, Cell<u8>>, OwnedLockGuard<Cell<u8>>);
    is_not!(
        Sync,
        RwLock<Cell<u8>>,
        OnceCell<Cell<u8>>,
        RwLockReadGuard<'static, Cell<u8>>
    );
    is_not!(
        Sync,
        RwLockWriteGuard<'static, Cell<u8>>,
        OwnedRwLockReadGuard<Cell<u8>>
    );
    is_not!(Sync, Lock<Rc<u8>>, OnceCell<Rc<u8>>);
    is_not!(
        Send,
        LockGuard<'static, Rc<u8>>,
        OwnedLockGuard<Rc<u8>>,
        Lock<Rc<u8>>
    );
    is_not!(
        Send,
        RwLockReadGuard<'static, Cell<u8>>,
        OwnedRwLockWriteGuard<Cell<u8>>
    );
}

static LOCK: Lock<u8> = Lock::new(1);
static EVENT: Event = Event::new();
static CONDITION: Condition = Condition::new();
static SEMAPHORE: Semaphore = Semaphore::new(1);
static BOUNDED: BoundedSemaphore = BoundedSemaphore::new(1);
static BARRIER: Barrier = Barrier::new(1);
static RW_LOCK: RwLock<u8> = RwLock::new(1);
static CELL: OnceCell<u8> = OnceCell::new();
static LIMITER: CapacityLimiter = CapacityLimiter::new(1);

#[asyncio::test]
async fn all_can_be_statics() {
    let guard = CONDITION
        .wait_for(LOCK.acquire().await, |value| *value == 1)
        .await;
    EVENT.set();
    EVENT.wait().await;
    let permits = (SEMAPHORE.acquire().await, BOUNDED.acquire().await);
    assert_eq!(BARRIER.wait().await, Ok(0));
    let token = LIMITER.acquire().await;
    let sum = *guard + *RW_LOCK.read().await + *CELL.get_or_init(async || 1).await;
    assert_eq!(sum, 3);
    drop((permits, token));
}

#[test]
fn a_lock_has_what_is_expected_of_it() {
    let mut lock = Lock::from(3);
    *lock.get_mut() += 1;
    assert_eq!(format!("{lock:?}"), "Lock { value: 4 }");
    let guard = lock.try_acquire().unwrap();
    assert_eq!(format!("{lock:?} {guard:?}"), "Lock { value: <locked> } 4");
    drop(guard);
    assert_eq!(lock.into_inner(), 4);
    assert_eq!(Lock::<u8>::default().into_inner(), 0);
    assert_eq!(format!("{:?}", Event::default()), "Event { set: false }");
    let barrier = Barrier::new(2);
    let shown = "Barrier { parties: 2, n_waiting: 0, broken: false }";
    assert_eq!(format!("{barrier:?}"), shown);
}
