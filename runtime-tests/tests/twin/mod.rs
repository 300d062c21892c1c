//! Runs a model with a step left out, in a process of its own, and sees it fail.

use std::process::Command;

const INSIDE: &str = "ASYNCIO_TWIN";

/// `test` is the calling test's name. The process is its own because a model that fails takes its
/// threads down in the middle of their work, which may abort.
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
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success(), "the model passes: {said}");
    assert!(said.contains(complaint), "failed in another way: {said}");
}

/// Tests of models that must hold, and of models that must fail without a step.
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
