//! The table of asyncio's names in `docs/names.md`, held against this library, against the tests,
//! and against CPython.

use std::io::Write;
use std::process::Command;

use runtime_tests::newest_python;

use super::paths::PATHS;
use super::*;

/// A line of the table.
struct Row<'a> {
    /// What asyncio calls it: `Queue.put`.
    names: Vec<String>,
    /// Its path here.
    here: Option<&'a str>,
    /// A file and a function.
    test: Option<(&'a str, &'a str)>,
}

/// What stands between backticks.
fn quoted(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

/// The lines of the table, in the order of the page.
fn rows(page: &str) -> Vec<Row<'_>> {
    let lines = page.lines().filter(|line| line.starts_with("| `"));
    lines.map(row).collect()
}

fn row(line: &str) -> Row<'_> {
    let cells: Vec<&str> = line.trim_matches('|').split(" | ").collect();
    let [asyncio, here, _different, test] = cells[..] else {
        panic!("four columns: {line}")
    };
    let mut owner = "";
    let mut names = Vec::new();
    for name in quoted(asyncio) {
        // Of several the first has the owner.
        let (of, last) = name.rsplit_once('.').unwrap_or((owner, name));
        owner = of;
        names.push(format!("{of}.{last}"));
    }
    let test: Vec<&str> = quoted(test).collect();
    let test = match test[..] {
        [] => None,
        [file, function] => Some((file, function)),
        _ => panic!("one test: {line}"),
    };
    Row {
        names,
        here: quoted(here).next(),
        test,
    }
}

fn names_page() -> String {
    fs::read_to_string(here().join("../docs/names.md")).expect("the names can be read")
}

#[test]
fn every_name_that_is_here_compiles_and_has_a_test() {
    let (page, tests) = (names_page(), tests());
    let rows = rows(&page);
    assert!(rows.len() > 200, "{} rows", rows.len());
    let compiled: BTreeSet<&str> = PATHS.iter().map(|(path, _)| *path).collect();
    let mut complaints = Vec::new();
    for row in &rows {
        let name = &row.names[0];
        if row.here.is_some() != row.test.is_some() {
            complaints.push(format!("{name}: a path and a test go together"));
        }
        if let Some(path) = row.here.filter(|path| !compiled.contains(path)) {
            complaints.push(format!("{name}: {path} is not in tests/rules/paths.rs"));
        }
        let missing = row.test.filter(|(path, function)| {
            let file = tests.file(path);
            !file.is_some_and(|file| has_test(file, function))
        });
        if let Some((path, function)) = missing {
            complaints.push(format!("{name}: there is no {function} in tests/{path}"));
        }
    }
    assert_none(complaints);
}

#[test]
fn every_path_that_compiles_stands_in_the_table_and_in_its_expression() {
    let page = names_page();
    let named: BTreeSet<&str> = rows(&page).iter().filter_map(|row| row.here).collect();
    let mut complaints = Vec::new();
    for (path, expression) in PATHS {
        if !named.contains(path) {
            complaints.push(format!("{path} is not in docs/names.md"));
        }
        let last = path.rsplit("::").next().unwrap_or_default();
        if !expression.contains(last) {
            complaints.push(format!("{path} is not what `{expression}` uses"));
        }
    }
    assert_none(complaints);
}

#[test]
fn every_name_of_asyncio_has_a_line_and_none_has_two() {
    let page = names_page();
    let mut named = BTreeSet::new();
    let all = rows(&page).into_iter().flat_map(|row| row.names);
    let twice = all.filter(|name| !named.insert(name.clone()));
    assert_none(
        twice
            .map(|name| format!("{name} stands there twice"))
            .collect(),
    );
    let Some(python) = newest_python(13) else {
        // Not `eprintln!`, whose output the test harness captures.
        let message = "SKIPPED: asyncio's names: there is no Python 3.13 or newer";
        let _closed = writeln!(std::io::stderr(), "{message}");
        return;
    };
    let program = here().join("tests/rules/names.py");
    let output = Command::new(python).arg(program).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let theirs = String::from_utf8(output.stdout).unwrap();
    assert!(theirs.lines().count() > 150, "{theirs}");
    let missing = theirs.lines().filter(|name| !named.contains(*name));
    let complaint = |name| format!("{name} is not in docs/names.md");
    assert_none(missing.map(complaint).collect());
}

#[test]
fn a_row_has_names_a_path_and_a_test() {
    let text = "\
| asyncio | here | different | test |
|---|---|---|---|
| `loop.start`, `stop` | `asyncio::X::start` | of `X` | `a/b.rs`: `it_starts` |
| `asyncio.other` | – | no | – |
";
    let rows = rows(text);
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[0].names, ["loop.start", "loop.stop"]);
    assert_eq!(rows[0].here, Some("asyncio::X::start"));
    assert_eq!(rows[0].test, Some(("a/b.rs", "it_starts")));
    assert_eq!(rows[1].names, ["asyncio.other"]);
    assert!(rows[1].here.is_none() && rows[1].test.is_none());
}
