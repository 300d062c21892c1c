//! The inventory of unsafe code in `SECURITY.md`, held against the walls in the source.

use std::collections::BTreeMap;

use super::plan::Plan;
use super::tables::rows;
use super::violation::Violation;
use super::walls;

const PAGE: &str = "SECURITY.md";

/// Every file behind a wall that `page` leaves out or counts wrongly, and every file that it lists
/// in vain.
pub(crate) fn violations(plan: &Plan<'_>, page: &str) -> Vec<Violation> {
    let there: BTreeMap<&str, usize> = walls::walled(plan).collect();
    let listed: BTreeMap<&str, Option<usize>> = rows(page)
        .map(|row| (row[0], row.get(1).and_then(|blocks| blocks.parse().ok())))
        .collect();
    let wrong = there
        .iter()
        .filter_map(|(path, blocks)| match listed.get(path) {
            Some(Some(said)) if said == blocks => None,
            Some(_) => Some(format!("`{path}` has {blocks} unsafe blocks")),
            None => Some(format!(
                "`{path}`, with {blocks} unsafe blocks, is not listed"
            )),
        });
    let vain = listed.keys().filter(|path| !there.contains_key(*path));
    let vain = vain.map(|path| format!("`{path}` stands behind no wall"));
    wrong
        .chain(vain)
        .map(|what| Violation::of(PAGE, what))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::house::sources::Sources;
    use crate::house::violation::assert_bites;

    fn found(page: &str) -> Vec<Violation> {
        let root = "#[expect(unsafe_code, reason = \"x\")]\nmod a;\nmod b;";
        let a = "// SAFETY: none.\nfn f() { unsafe { g() } }";
        let sources = Sources::of(&[
            ("c/src/lib.rs", root),
            ("c/src/a.rs", a),
            ("c/src/b.rs", ""),
        ]);
        violations(&Plan::of(&sources, "c/src"), page)
    }

    #[test]
    fn an_inventory_that_is_true_is_lawful() {
        assert_eq!(found("| `c/src/a.rs` | 1 | x |"), []);
    }

    #[test]
    fn an_inventory_that_is_not_is_found() {
        assert_bites(&found(""), "`c/src/a.rs`, with 1 unsafe blocks, is not");
        assert_bites(&found("| `c/src/a.rs` | 2 |"), "has 1 unsafe blocks");
        let page = "| `c/src/a.rs` | 1 |\n| `c/src/b.rs` | 0 |";
        assert_bites(&found(page), "`c/src/b.rs` stands behind no wall");
    }
}
