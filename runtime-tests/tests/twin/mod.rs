//! Runs a loom model with a step left out, in a process of its own, and asserts that it fails.

use std::process::Command;

const INSIDE: &str = "ASYNCIO_TWIN";

/// Asserts that `model` fails with a message that contains `complaint`. `test` is the name of the
/// calling test. The model runs in a process of its own, since a model that fails ends its threads
/// in the middle of their work, which may abort the process.
pub(crate) fn must_fail(test: &str, complaint: &str, model: fn()) {
    if std::env::var_os(INSIDE).is_some() {
        return model();
    }
    let this = std::env::current_exe().expect("a test has a program");
    let output = Command::new(this)
        .args([test, "--exact", "--nocapture"])
        .env(INSIDE, "1")
        .env("RUST_BACKTRACE", "0")
        .output()
        .expect("the program starts");
    let printed = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success(), "the model passes: {printed}");
    assert!(
        printed.contains(complaint),
        "failed in another way: {printed}"
    );
}

/// Makes tests of models that must hold, and of twins, which must fail because a step is left out.
macro_rules! models {
    (
        holds { $($holds:ident = $model:path,)* }
        fails { $($fails:ident = $twin:path, $complaint:literal,)* }
    ) => {
        $(
            #[test]
            fn $holds() {
                $model();
            }
        )*
        $(
            #[test]
            fn $fails() {
                twin::must_fail(stringify!($fails), $complaint, $twin);
            }
        )*
    };
}
