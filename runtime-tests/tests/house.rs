//! The laws of the house, held against the source tree as it stands.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

#[path = "../src/house/mod.rs"]
mod house;

use house::plan::{Plan, orphans};
use house::seam::Exemption;
use house::sources::Sources;
use house::violation::Violation;
use house::{catalogue, cycles, door, floors, inventory, lengths, manners, seam, supply, walls};

/// How many unsafe blocks runtime-core has. When the number must change,
/// have the change reviewed, block by block, and then edit it.
const UNSAFE_BLOCKS: usize = 210;

/// What may go past the seam, and why the models lose nothing by it.
const EXEMPTIONS: &[Exemption] = &[Exemption {
    path: "runtime-core/src/sys/portable.rs",
    name: "std::sync",
    reason: "the platforms stand below the seam; a model has a poller of its own",
}];

const ENGINE: &str = "runtime-core/src";

/// The trees that are held to the laws, this test's own among them.
const TREES: &[&str] = &[
    ENGINE,
    "runtime-timer/src",
    "runtime-macros/src",
    "runtime-tests/src/house",
];

static SOURCES: LazyLock<Sources> =
    LazyLock::new(|| Sources::read(&root()).expect("the source tree can be read"));

fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().expect("the workspace's folder").to_owned()
}

fn text(path: &str) -> String {
    fs::read_to_string(root().join(path)).expect(path)
}

fn plans() -> impl Iterator<Item = Plan<'static>> {
    TREES.iter().map(|folder| Plan::of(&SOURCES, folder))
}

#[track_caller]
fn assert_none(violations: impl IntoIterator<Item = Violation>) {
    let mut lines: Vec<String> = violations
        .into_iter()
        .map(|found| found.to_string())
        .collect();
    lines.sort();
    assert!(
        lines.is_empty(),
        "{} violations:\n{}",
        lines.len(),
        lines.join("\n")
    );
}

#[test]
fn every_tree_has_a_plan() {
    for plan in plans() {
        assert!(!plan.modules.is_empty(), "its root was not found");
    }
}

#[test]
fn every_file_has_its_mod_line() {
    let found = TREES.iter().zip(plans());
    assert_none(found.flat_map(|(folder, plan)| orphans(&SOURCES, &plan, folder)));
}

#[test]
fn law_1_a_file_names_only_lower_floors() {
    assert_none(plans().flat_map(|plan| floors::violations(&plan)));
}

#[test]
fn law_1_no_import_goes_in_a_cycle() {
    assert_none(plans().flat_map(|plan| cycles::violations(&plan)));
}

#[test]
fn law_2_the_engine_has_one_door() {
    assert_none(door::violations(&Plan::of(&SOURCES, ENGINE)));
}

#[test]
fn law_3_unsafe_code_stands_behind_walls_and_is_explained() {
    assert_none(plans().flat_map(|plan| walls::violations(&plan)));
}

#[test]
fn law_3_the_number_of_unsafe_blocks_is_known() {
    let found = walls::unsafe_blocks(&Plan::of(&SOURCES, ENGINE));
    assert!(
        found == UNSAFE_BLOCKS,
        "runtime-core has {found} unsafe blocks, {UNSAFE_BLOCKS} are known: have the change \
         reviewed, and then edit UNSAFE_BLOCKS in this test"
    );
}

#[test]
fn law_3_the_inventory_of_unsafe_code_is_true() {
    let plan = Plan::of(&SOURCES, ENGINE);
    assert_none(inventory::violations(&plan, &text("SECURITY.md")));
}

#[test]
fn law_3_what_is_shared_passes_through_the_seam() {
    assert_none(seam::violations(&Plan::of(&SOURCES, ENGINE), EXEMPTIONS));
    assert!(
        EXEMPTIONS
            .iter()
            .all(|exemption| !exemption.reason.is_empty())
    );
}

#[test]
fn every_model_and_every_step_is_listed() {
    assert_none(catalogue::violations(&SOURCES, &text("docs/models.md")));
}

#[test]
fn every_file_has_manners() {
    assert_none(manners::violations(&SOURCES));
}

#[test]
fn no_file_function_or_line_is_too_long() {
    assert_none(lengths::violations(&SOURCES));
}

#[test]
fn no_other_runtime_and_no_old_crate_comes_along() {
    let packages = ["runtime-core", "runtime-macros", "runtime-timer"];
    let manifests = packages.map(|name| (name, text(&format!("{name}/Cargo.toml"))));
    let manifests: BTreeMap<&str, &str> = manifests
        .iter()
        .map(|(name, text)| (*name, text.as_str()))
        .collect();
    assert_none(supply::violations(
        "runtime-core",
        &manifests,
        &text("Cargo.lock"),
    ));
}

#[test]
fn cargo_deny_bans_the_same_crates() {
    assert_none(supply::disagreements(&text("deny.toml")));
}
