//! The list of models in `docs/models.md`, held against the tests and the steps that they break.

use std::collections::BTreeSet;

use super::sources::{File, Sources, group_end};
use super::tables::rows;
use super::violation::Violation;

const PAGE: &str = "docs/models.md";
const TESTS: &str = "runtime-tests/tests/loom_";
const STEPS: &str = "runtime-core/src/sync/mutant.rs";

/// Every test of a model and every step that `page` leaves out, and every name that it lists in
/// vain.
pub(crate) fn violations(sources: &Sources, page: &str) -> Vec<Violation> {
    let tests = sources.files().filter(|file| file.path.starts_with(TESTS));
    let tests = tests.flat_map(tests_of).collect();
    let steps = sources.file(STEPS).into_iter().flat_map(steps_of).collect();
    let rows: Vec<Vec<&str>> = rows(page).collect();
    let listed = rows.iter().map(|row| row[0]).collect();
    // A row of a test that must hold has numbers, one of a test that must fail names the step.
    let second = rows.iter().filter_map(|row| row.get(1).copied());
    let broken = second.filter(|cell| cell.parse::<usize>().is_err());
    let mut found = differences("test", &tests, &listed);
    found.extend(differences("step", &steps, &broken.collect()));
    found
}

fn differences(what: &str, there: &BTreeSet<&str>, listed: &BTreeSet<&str>) -> Vec<Violation> {
    let missing = there.difference(listed);
    let missing = missing.map(|name| format!("the {what} `{name}` is not listed"));
    let vain = listed.difference(there);
    let vain = vain.map(|name| format!("there is no {what} `{name}`"));
    missing
        .chain(vain)
        .map(|what| Violation::of(PAGE, what))
        .collect()
}

/// The names before the `=` signs in `models! { holds { name = path, } … }`.
fn tests_of(file: &File) -> impl Iterator<Item = &str> {
    let pairs = file.tokens.windows(4);
    let pairs = pairs.filter(|found| found[1].is("=") && found[3].is("::"));
    pairs.map(|found| found[0].text.as_str())
}

/// The variants of the enum in `file`.
fn steps_of(file: &File) -> impl Iterator<Item = &str> {
    let tokens = &file.tokens;
    let open = tokens.iter().position(|token| token.is("enum"));
    let open = open.map_or(tokens.len(), |at| at + 2);
    let end = group_end(tokens, open);
    let pairs = tokens.get(open..end).unwrap_or_default().windows(2);
    let pairs = pairs.filter(|found| found[1].is(","));
    pairs.map(|found| found[0].text.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::house::violation::assert_bites;

    fn found(page: &str) -> Vec<Violation> {
        let tests = "models! { holds { a = m::a, } fails { b = m::b, \"x\", } }";
        let steps = "#[derive(Debug)] pub(crate) enum Mutant { /// x, y\n One, }";
        let sources = Sources::of(&[
            ("runtime-tests/tests/loom_x.rs", tests),
            ("runtime-tests/tests/other.rs", "fn f() { c = m::c; }"),
            (STEPS, steps),
        ]);
        violations(&sources, page)
    }

    #[test]
    fn a_page_that_lists_all_is_lawful() {
        assert_eq!(found("| `a` | 2 | 3 |\n| `b` | `One` | x |\n"), []);
    }

    #[test]
    fn what_is_not_listed_is_found() {
        assert_bites(&found("| `b` | `One` |"), "the test `a` is not listed");
        assert_bites(&found("| `a` | 2 |\n| `b` | 2 |"), "the step `One` is not");
    }

    #[test]
    fn what_is_listed_in_vain_is_found() {
        let page = "| `a` | 2 |\n| `b` | `One` |\n";
        assert_bites(&found(&format!("{page}| `c` | 2 |")), "no test `c`");
        assert_bites(&found(&format!("{page}| `a` | `Two` |")), "no step `Two`");
    }
}
