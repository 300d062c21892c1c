//! Tests with random programs that are shut down at random instants: every task must see the same
//! events as in asyncio.

use std::sync::Mutex;

use asyncio::Runner;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner};
use runtime_tests::watched;

use super::player::Player;
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
    let Some(player) = Player::start(include_str!("shutdowns.py"), &empty) else {
        return;
    };
    let player = Mutex::new(player);
    let config = Config {
        failure_persistence: None,
        max_shrink_iters: 4000,
        ..Config::default()
    };
    // The programs are the same in every run, so that a failure is due to a change of the code.
    let random = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let played = TestRunner::new_with_rng(config, random).run(&any_program(), |program| {
        // The watchdog's limit is for each program, so that there may be any number.
        watched(|| {
            let theirs = player.lock().unwrap().play(&program).unwrap_or_default();
            let ours = ours(&program);
            prop_assert!(ours == theirs, "\n   ours {ours}\n theirs {theirs}\n");
            Ok(())
        })
    });
    if let Err(TestError::Fail(reason, program)) = &played {
        panic!("{}{program:?}", reason.message());
    }
    played.unwrap();
}

// RU-4, CA-3, CA-4, CA-5, CA-8, CA-11, GA-5, GA-7, WA-6, AC-5, SH-1, SH-6, TO-1, TO-5, WF-3, WF-6.
// A long run is `PROPTEST_CASES=100000`.
#[test]
fn any_program_sees_of_its_shutdown_what_asyncio_s_sees() {
    play_programs();
}
