//! Tests of the attributes `#[asyncio::main]` and `#[asyncio::test]`, in every form they accept.

use std::num::ParseIntError;
use std::panic::Location;

#[asyncio::main]
async fn plain() {}

#[asyncio::main]
async fn answer() -> u32 {
    42
}

/// A body with the `?` operator, an early `return`, and a value at the end.
#[asyncio::main]
async fn parse(/* no arguments, but a comment */) -> Result<u32, ParseIntError> {
    let parsed: u32 = "4".parse()?;
    if parsed == 0 {
        return Ok(0);
    }
    "x".parse()
}

const WORKERS: usize = 2;

#[asyncio::main(
    workers = WORKERS + 1,
    debug = true,
    max_blocking_threads = 8,
    thread_name = "every-option",
)]
async fn every_option() -> &'static str {
    "every option"
}

#[asyncio::main(debug = cfg!(debug_assertions))]
async fn expression() -> bool {
    cfg!(debug_assertions)
}

#[asyncio::main(crate = "asyncio")]
async fn named_crate() -> u32 {
    1
}

mod renamed {
    pub(super) use asyncio as my_asyncio;
}

#[asyncio::main(crate = "crate::renamed::my_asyncio", workers = 1)]
async fn renamed_crate() -> u32 {
    2
}

#[asyncio::main]
async fn opaque() -> impl Iterator<Item = u32> {
    1..4
}

#[asyncio::main]
async fn never_send() -> std::rc::Rc<u32> {
    let value = std::rc::Rc::new(7);
    asyncio::sleep(std::time::Duration::ZERO).await;
    value
}

struct Rows<const NUMBER: usize>;

/// The return type has braces, which come before those of the body.
#[asyncio::main]
pub(crate) async fn constrained() -> Rows<{ 1 + 1 }>
where
    String: Clone,
{
    Rows
}

#[test]
fn main_hands_back_what_the_function_returns() {
    plain();
    assert_eq!(answer(), 42);
    assert_eq!(every_option(), "every option");
    assert_eq!(expression(), cfg!(debug_assertions));
    let Rows::<2> = constrained();
    assert_eq!(opaque().sum::<u32>(), 6);
    assert_eq!(*never_send(), 7);
}

#[test]
fn question_mark_and_return_leave_the_function_only() {
    assert!(parse().is_err());
}

#[test]
fn the_library_may_have_another_name() {
    assert_eq!(named_crate() + renamed_crate(), 3);
}

#[test]
fn the_body_keeps_the_places_of_the_users_source() {
    #[asyncio::main]
    async fn place() -> (&'static Location<'static>, u32) {
        (Location::caller(), line!())
    }
    let (place, line) = place();
    assert_eq!((place.file(), place.line()), (file!(), line));
}

macro_rules! made_by_a_macro {
    ($visibility:vis $name:ident -> $output:ty $body:block, $workers:expr, $debug:literal) => {
        #[asyncio::main(workers = $workers, debug = $debug)]
        $visibility async fn $name() -> $output $body
    };
}

made_by_a_macro!(pub(crate) made -> Option<u8> { Some(3) }, 1 + 1, false);

#[test]
fn the_attribute_takes_what_a_macro_made() {
    assert_eq!(made(), Some(3));
}

#[asyncio::test]
async fn a_test_runs_inside_a_loop() {
    assert!(asyncio::try_get_running_loop().is_ok());
}

#[asyncio::test(workers = 1)]
async fn a_test_may_have_one_worker() {
    asyncio::sleep(std::time::Duration::ZERO).await;
}

#[asyncio::test(workers = 4, debug = true, thread_name = "test")]
async fn a_test_takes_the_options_of_main() {
    let task = asyncio::create_task(async { 5 });
    assert_eq!(task.await.ok(), Some(5));
}

#[asyncio::test]
async fn a_test_may_return_a_result() -> Result<(), ParseIntError> {
    let parsed: u32 = "4".parse()?;
    assert_eq!(parsed, 4);
    Ok(())
}

#[asyncio::test]
#[should_panic(expected = "as it should")]
async fn a_test_may_be_one_that_panics() {
    panic!("as it should");
}
