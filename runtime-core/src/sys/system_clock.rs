//! The clock of 64-bit Linux that `Instant` reads, read directly.

use std::ffi::c_int;
use std::time::{Duration, Instant};

const CLOCK_MONOTONIC: c_int = 1;

/// The C type of the same name, on 64-bit Linux.
#[repr(C)]
struct Timespec {
    tv_sec: i64,
    tv_nsec: i64,
}

// That of the C library, which `Instant` calls. (That of `rustix` crashes under valgrind.)
// SAFETY: the declaration is that of the C library.
unsafe extern "C" {
    fn clock_gettime(clock: c_int, time: *mut Timespec) -> c_int;
}

/// What the clock says. It is never negative.
#[inline]
pub(super) fn nanoseconds() -> Option<u64> {
    let mut time = Timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `time` is a `timespec`, and may be written.
    let failed = unsafe { clock_gettime(CLOCK_MONOTONIC, &raw mut time) };
    let seconds = (time.tv_sec as u64).wrapping_mul(1_000_000_000);
    (failed == 0).then(|| seconds.wrapping_add(time.tv_nsec as u64))
}

/// What the clock said at an instant. `Instant` does not tell; but it counts seconds from the
/// least number of an `i64`, so how far one can go back from it does.
pub(super) fn nanoseconds_at(instant: Instant) -> Option<u64> {
    let goes_back = |seconds, nanos| instant.checked_sub(Duration::new(seconds, nanos)).is_some();
    let seconds = greatest(u64::BITS, |seconds| goes_back(seconds, 0));
    let nanos = greatest(30, |nanos| {
        nanos < 1_000_000_000 && goes_back(seconds, nanos as u32)
    });
    let seconds = seconds.checked_sub(i64::MIN.unsigned_abs())?;
    seconds.checked_mul(1_000_000_000)?.checked_add(nanos)
}

/// The greatest number of so many bits that holds, if all below it do.
fn greatest(bits: u32, holds: impl Fn(u64) -> bool) -> u64 {
    (0..bits).rev().fold(0, |found, bit| {
        let more = found | 1 << bit;
        if holds(more) { more } else { found }
    })
}
