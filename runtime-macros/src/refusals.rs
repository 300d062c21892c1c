//! Doctests of what the attributes refuse: examples that must not compile.
//!
//! An example that does not compile may fail for any reason. So each has a second example that must
//! compile and differs only in the refused token. Both use a stub of the library with the items
//! that the expansion needs.

/// The source text of the module `stub`.
macro_rules! stub {
    () => {
        "
mod stub {
    pub fn run<F: Future>(_: F) -> F::Output { unreachable!() }
    pub mod seeds {
        pub fn explore<R>(_: u64, _: u64, _: impl FnMut(u64) -> R) -> R { unreachable!() }
    }
    pub struct Runner;
    pub struct Builder;
    impl Runner {
        pub fn builder() -> Builder { Builder }
        pub fn run<F: Future>(&mut self, _: F) -> F::Output { unreachable!() }
    }
    impl Builder {
        pub fn workers(self, _: usize) -> Self { self }
        pub fn debug(self, _: bool) -> Self { self }
        pub fn start_paused(self, _: bool) -> Self { self }
        pub fn deterministic(self, _: u64) -> Self { self }
        pub fn max_blocking_threads(self, _: usize) -> Self { self }
        pub fn thread_name(self, _: impl Into<String>) -> Self { self }
        pub fn build(self) -> std::io::Result<Runner> { Ok(Runner) }
    }
}
"
    };
}

/// One example that is refused, and its counterpart that is accepted.
macro_rules! refused {
    ($name:ident: $refused:literal, but not $accepted:literal) => {
        #[doc = concat!("```compile_fail\n", stub!(), $refused, "\nfn main() {}\n```")]
        #[doc = concat!("```no_run\n", stub!(), $accepted, "\nfn main() {}\n```")]
        #[expect(dead_code, reason = "an item that carries the examples")]
        fn $name() {}
    };
}

refused!(a_function_that_is_not_async:
    r#"#[runtime_macros::main(crate = "stub")] fn f() {}"#, but not
    r#"#[runtime_macros::main(crate = "stub")] async fn f() {}"#);

refused!(arguments:
    r#"#[runtime_macros::main(crate = "stub")] async fn f(x: u8) {}"#, but not
    r#"#[runtime_macros::main(crate = "stub")] async fn f() {}"#);

refused!(type_parameters:
    r#"#[runtime_macros::main(crate = "stub")] async fn f<T>() {}"#, but not
    r#"#[runtime_macros::main(crate = "stub")] async fn f() {}"#);

refused!(an_unsafe_function:
    r#"#[runtime_macros::main(crate = "stub")] async unsafe fn f() {}"#, but not
    r#"#[runtime_macros::main(crate = "stub")] async fn f() {}"#);

refused!(what_is_no_function:
    r#"#[runtime_macros::main(crate = "stub")] struct F;"#, but not
    r#"#[runtime_macros::main(crate = "stub")] async fn f() {}"#);

refused!(an_unknown_option:
    r#"#[runtime_macros::main(crate = "stub", worker = 2)] async fn f() {}"#, but not
    r#"#[runtime_macros::main(crate = "stub", workers = 2)] async fn f() {}"#);

refused!(an_option_given_twice:
    r#"#[runtime_macros::main(crate = "stub", workers = 2, workers = 2)] async fn f() {}"#, but not
    r#"#[runtime_macros::main(crate = "stub", workers = 2, debug = true)] async fn f() {}"#);

refused!(an_option_without_a_value:
    r#"#[runtime_macros::main(crate = "stub", debug)] async fn f() {}"#, but not
    r#"#[runtime_macros::main(crate = "stub", debug = true)] async fn f() {}"#);

refused!(a_literal_of_another_kind:
    r#"#[runtime_macros::main(crate = "stub", thread_name = 'a')] async fn f() {}"#, but not
    r#"#[runtime_macros::main(crate = "stub", thread_name = "a")] async fn f() {}"#);

refused!(no_workers:
    r#"#[runtime_macros::main(crate = "stub", workers = 0)] async fn f() {}"#, but not
    r#"#[runtime_macros::main(crate = "stub", workers = 1)] async fn f() {}"#);

refused!(an_expression_of_another_type:
    r#"#[runtime_macros::main(crate = "stub", debug = 1 + 1)] async fn f() {}"#, but not
    r#"#[runtime_macros::main(crate = "stub", debug = 1 + 1 == 2)] async fn f() {}"#);

refused!(a_body_of_another_type:
    r#"#[runtime_macros::main(crate = "stub")] async fn f() -> u8 { "" }"#, but not
    r#"#[runtime_macros::main(crate = "stub")] async fn f() -> u8 { 0 }"#);

refused!(a_number_for_start_paused:
    r#"#[runtime_macros::test(crate = "stub", start_paused = 1)] async fn f() {}"#, but not
    r#"#[runtime_macros::test(crate = "stub", start_paused = true)] async fn f() {}"#);

refused!(no_seeds:
    r#"#[runtime_macros::test(crate = "stub", seeds = 0)] async fn f() {}"#, but not
    r#"#[runtime_macros::test(crate = "stub", seeds = 10)] async fn f() {}"#);
