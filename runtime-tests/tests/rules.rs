//! The rules in `docs/rules.md` and the tests that cite them, held against each other.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

#[path = "../src/house/lexer.rs"]
mod lexer;
#[path = "rules/names.rs"]
mod names;
#[path = "rules/paths.rs"]
mod paths;
#[path = "../src/house/sources.rs"]
mod sources;

use sources::{File, Sources};

/// Every chapter that asyncio's rules have, those to come included.
const CHAPTERS: &[&str] = &[
    "TF", "CA", "SH", "TO", "WF", "GA", "WA", "AC", "TG", "TS", "RU", "QU", "LK", "EV", "CO", "SE",
    "BA", "SR", "SW", "SV", "SP", "LH", "CG",
];

fn here() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

/// The tests, each by its path from their folder.
fn tests() -> Sources {
    Sources::read(&here().join("tests")).expect("the tests can be read")
}

fn page() -> String {
    fs::read_to_string(here().join("../docs/rules.md")).expect("the rules can be read")
}

/// The rules that a comment cites: `TF-4`, and `Difference 3` for `difference 3`.
fn cited(comment: &str) -> Vec<String> {
    let is_part = |letter: char| letter.is_alphanumeric() || letter == '-' || letter == '_';
    let words = comment.split(|letter: char| !is_part(letter));
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    let mut found = Vec::new();
    for (at, word) in words.iter().enumerate() {
        match *word {
            "difference" | "Difference" => found.extend(numbers(&words[at + 1..]).take(1)),
            "differences" | "Differences" => found.extend(numbers(&words[at + 1..])),
            word if is_tag(word) => found.push(word.to_owned()),
            _ => {}
        }
    }
    found
}

/// Whether `word` is a chapter and a number.
fn is_tag(word: &str) -> bool {
    let parts = word.split_once('-');
    parts.is_some_and(|(chapter, number)| CHAPTERS.contains(&chapter) && is_number(number))
}

fn is_number(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|digit| digit.is_ascii_digit())
}

/// The differences whose numbers `words` begin with: `3, 4 and 15`.
fn numbers(words: &[&str]) -> impl Iterator<Item = String> {
    let numbers = words.iter().filter(|word| **word != "and");
    let numbers = numbers.take_while(|word| is_number(word));
    numbers.map(|number| format!("Difference {number}"))
}

/// The rules that `page` has an entry for, in its order: lines that begin with `- **TF-4**`.
fn entries(page: &str) -> Vec<&str> {
    let lines = page.lines();
    let entries = lines.filter_map(|line| line.strip_prefix("- **")?.split_once("**"));
    entries.map(|(rule, _)| rule).collect()
}

/// The tests that `page` names, each with its file. They stand in items that begin with `Tests:`,
/// and may go over several lines; each file stands before its functions.
fn named(page: &str) -> Vec<(&str, &str)> {
    let (mut inside, mut file) = (false, "");
    let mut found = Vec::new();
    for line in page.lines().map(str::trim) {
        if line.is_empty() || line.starts_with("- ") || line.starts_with('#') {
            inside = line.starts_with("- Tests:");
        }
        let quoted = line.split('`').skip(1).step_by(2);
        for name in quoted.filter(|_| inside) {
            if name.ends_with(".rs") {
                file = name;
            } else {
                found.push((file, name));
            }
        }
    }
    found
}

/// Whether a function of `file` has that name, and no parameters, as a test.
fn has_test(file: &File, name: &str) -> bool {
    file.text.contains(&format!("fn {name}()"))
}

#[track_caller]
fn assert_none(mut complaints: Vec<String>) {
    complaints.sort();
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}

#[test]
fn every_rule_that_a_test_cites_is_in_the_rules() {
    let (tests, page) = (tests(), page());
    let known: BTreeSet<&str> = entries(&page).into_iter().collect();
    let (mut citations, mut complaints) = (0, Vec::new());
    for file in tests.files() {
        for comment in &file.comments {
            for rule in cited(&comment.text) {
                citations += 1;
                if !known.contains(rule.as_str()) {
                    let place = format!("{}:{}", file.path, comment.first);
                    complaints.push(format!("{place}: {rule} is not in docs/rules.md"));
                }
            }
        }
    }
    assert!(citations > 0, "no test cites a rule");
    assert_none(complaints);
}

#[test]
fn every_test_that_the_rules_name_exists() {
    let (tests, page) = (tests(), page());
    let named = named(&page);
    assert!(!named.is_empty(), "the rules name no test");
    let missing = named.into_iter().filter(|(path, name)| {
        let file = tests.file(path);
        !file.is_some_and(|file| has_test(file, name))
    });
    let complaints = missing.map(|(path, name)| format!("there is no {name} in tests/{path}"));
    assert_none(complaints.collect());
}

#[test]
fn every_rule_stands_in_the_rules_once() {
    let page = page();
    let mut seen = BTreeSet::new();
    let twice = entries(&page)
        .into_iter()
        .filter(|rule| !seen.insert(*rule));
    assert_none(
        twice
            .map(|rule| format!("{rule} stands there twice"))
            .collect(),
    );
}

#[test]
fn a_citation_is_a_chapter_and_a_number() {
    assert_eq!(
        cited("// TF-4, WF-10: and `CA-7`."),
        ["TF-4", "WF-10", "CA-7"]
    );
    assert_eq!(cited("//! GA-2's, RU-1 to RU-3"), ["GA-2", "RU-1", "RU-3"]);
    assert!(cited("// UTF-8, XX-4, TF-, TF-4a, tf-4, TF 4").is_empty());
}

#[test]
fn a_difference_is_cited_by_its_number() {
    assert_eq!(cited("// Difference 3: 4 of them"), ["Difference 3"]);
    let several = ["Difference 3", "Difference 4", "Difference 15"];
    assert_eq!(cited("// Differences 3, 4 and 15: those"), several);
    assert!(cited("// what a difference: no").is_empty());
}

#[test]
fn tests_are_named_behind_their_files() {
    let page = "\
- **TF-1** [ST] `create_task` starts.
  - Here: `x.rs`.
  - Tests: `a.rs`: `one`,
    `two`; `b/c.rs`:
    `three`.
- **TF-2** `four`
  - Tests: no test yet.

`five`
";
    assert_eq!(entries(page), ["TF-1", "TF-2"]);
    let expected = [("a.rs", "one"), ("a.rs", "two"), ("b/c.rs", "three")];
    assert_eq!(named(page), expected);
}
