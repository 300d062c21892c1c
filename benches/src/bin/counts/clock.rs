//! The clock of the counted program, in place of the system's.
//!
//! What the runtime does may depend on time: a busy worker looks around after 61 turns or 100 µs,
//! and the monitor looks at the workers every one to three milliseconds. Under valgrind, which
//! makes a program fifty times slower, both would happen far more often than in a real program, and
//! how often would depend on the load of the machine.
//!
//! So the counted program has a clock of its own, which is decades ahead of the system's and moves
//! by a nanosecond at each reading. No wait ends by time, since it would end in decades: the
//! monitor never looks. A worker looks around after 61 turns. Both are as in a program whose turns
//! are short and whose workers are not stuck, but for the few looks of the monitor.

use std::ffi::c_int;
use std::sync::atomic::{AtomicI64, Ordering};

/// The C type of the same name, on 64-bit Linux.
#[derive(Debug)]
#[repr(C)]
struct Timespec {
    tv_sec: i64,
    tv_nsec: i64,
}

/// More seconds than a machine is up.
const AHEAD: i64 = 1_000_000_000;

/// How often a clock was read. Relaxed: nothing is published by it.
static READINGS: AtomicI64 = AtomicI64::new(0);

/// The C function of the same name. The standard library calls it for every clock; the linker takes
/// this one, because the program comes before the C library.
///
/// # Safety
/// `time` points to a writable `timespec`, as the C function requires.
#[unsafe(no_mangle)]
unsafe extern "C" fn clock_gettime(_clock: c_int, time: *mut Timespec) -> c_int {
    let now = Timespec {
        tv_sec: AHEAD,
        // Fewer readings than there are nanoseconds in a second: a count ends long before.
        tv_nsec: READINGS.fetch_add(1, Ordering::Relaxed),
    };
    // SAFETY: the caller passes a pointer to a writable `timespec`.
    unsafe { time.write(now) };
    0
}
