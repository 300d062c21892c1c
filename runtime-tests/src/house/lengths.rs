//! How long a file, a function and a line may be.

use super::lexer::Token;
use super::sources::{File, Sources, group_end};
use super::violation::Violation;

/// The length of the longest file that is still read in one go.
const LINES: usize = 500;

/// The length of the longest function, from `fn` to its last brace.
const FUNCTION: usize = 70;

/// The width of the widest line.
const COLUMNS: usize = 100;

/// Everything in `sources` that is too long.
pub(crate) fn violations(sources: &Sources) -> Vec<Violation> {
    sources.files().flat_map(too_long).collect()
}

fn too_long(file: &File) -> Vec<Violation> {
    let mut found = Vec::new();
    let lines = file.text.lines().count();
    if lines > LINES {
        let what = format!("{lines} lines, of {LINES} at most: make it two files");
        found.push(Violation::of(&file.path, what));
    }
    for (name, first, last) in functions(&file.tokens) {
        let lines = last - first + 1;
        if lines > FUNCTION {
            let what = format!("`{name}` has {lines} lines, of {FUNCTION} at most");
            found.push(Violation::at(&file.path, first, what));
        }
    }
    for (index, line) in file.text.lines().enumerate() {
        let columns = line.chars().count();
        if columns > COLUMNS && can_be_wrapped(line) {
            let what = format!("{columns} columns, of {COLUMNS} at most");
            found.push(Violation::at(&file.path, index + 1, what));
        }
    }
    found
}

/// An address, a text that is compared, and a few long names stay on one line.
fn can_be_wrapped(line: &str) -> bool {
    let few = line.split_whitespace().count() <= 3;
    !few && !line.contains("://") && !line.contains('"')
}

/// Each function with a body: its name, its first and its last line.
fn functions(tokens: &[Token]) -> impl Iterator<Item = (&str, usize, usize)> {
    let each = tokens.iter().enumerate();
    each.filter(|(_, token)| token.is("fn"))
        .filter_map(|(at, first)| {
            let name = tokens.get(at + 1)?;
            let open = body(tokens, at)?;
            let last = tokens.get(group_end(tokens, open).checked_sub(1)?)?;
            Some((name.text.as_str(), first.line, last.line))
        })
}

/// Where the body of the function whose `fn` is at `at` opens. None for a declaration, and for the
/// type of a function pointer.
fn body(tokens: &[Token], at: usize) -> Option<usize> {
    let mut at = at + 1;
    while let Some(token) = tokens.get(at) {
        if token.is("{") {
            return Some(at);
        }
        if [";", ",", "=", ")", "]", "}"]
            .iter()
            .any(|mark| token.is(mark))
        {
            return None;
        }
        let group = token.is("(") || token.is("[");
        at = if group { group_end(tokens, at) } else { at + 1 };
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::house::violation::assert_bites;

    fn found(text: &str) -> Vec<Violation> {
        violations(&Sources::of(&[("c/src/a.rs", text)]))
    }

    #[test]
    fn a_file_of_five_hundred_lines_is_the_longest() {
        let lines = |number: usize| format!("//! x\n{}", "\n".repeat(number - 1));
        assert_eq!(found(&lines(500)), []);
        assert_bites(&found(&lines(501)), "501 lines");
    }

    #[test]
    fn a_function_may_not_be_longer_than_the_limit() {
        let lines = |number: usize| {
            let body = "    x();\n".repeat(number - 3);
            format!("//! x\nfn f(g: fn(u8), x: [u8; 2]) -> u8\n{{\n{body}}}")
        };
        assert_eq!(found(&lines(FUNCTION)), []);
        assert_bites(&found(&lines(FUNCTION + 1)), "a.rs:2: `f` has ");
    }

    #[test]
    fn a_line_may_not_be_wider_than_the_limit() {
        let wide = |columns: usize| format!("//! x y z {}", "é".repeat(columns - 10));
        assert_eq!(found(&wide(COLUMNS)), []);
        assert_bites(&found(&wide(COLUMNS + 1)), "columns, of");
        assert_eq!(found(&format!("//! https://{}", "x".repeat(96))), []);
    }
}
