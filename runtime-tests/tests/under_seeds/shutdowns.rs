//! Tests with random programs that are shut down at random instants: every task must see the same
//! events as in asyncio.

use asyncio::Runner;

use super::player::compare;
use super::*;

#[path = "shutdowns/script.rs"]
mod script;
#[path = "shutdowns/world.rs"]
mod world;

use script::{Program, any_program};
use world::World;

/// Runs `program` on this library, and returns what its tasks have seen.
fn ours(program: &Program) -> String {
    let builder = Runner::builder().workers(1).deterministic(0);
    let mut runner = builder.build().unwrap();
    let world = World::new(program.clone(), runner.get_loop().time());
    let _may_be_cancelled = runner.try_run(Arc::clone(&world).main());
    runner.close();
    world.notes_as_text()
}

/// Runs and compares as many programs as `PROPTEST_CASES` says; none if there is no Python.
fn play_programs() {
    let empty: Program = (Vec::from([Vec::new()]), 0);
    compare(include_str!("shutdowns.py"), &empty, any_program(), ours);
}

// RU-4, CA-3, CA-4, CA-5, CA-8, CA-11, GA-5, GA-7, WA-6, AC-5, SH-1, SH-6, TO-1, TO-5, WF-3, WF-6.
// A long run is `PROPTEST_CASES=100000`.
#[test]
fn any_program_sees_of_its_shutdown_what_asyncio_s_sees() {
    play_programs();
}
