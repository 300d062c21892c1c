//! What holds for every file: a first line, and nothing left unfinished.

use super::lexer::{Comment, Kind, Token};
use super::sources::{File, Sources};
use super::violation::Violation;

/// Every breach of manners in `sources`.
pub(crate) fn violations(sources: &Sources) -> Vec<Violation> {
    let mut found = Vec::new();
    for file in sources.files() {
        if !file.text.starts_with("//!") {
            let what = "the first line says what the file is for: `//! …`";
            found.push(Violation::at(&file.path, 1, what));
        }
        found.extend(unfinished(file));
    }
    found
}

fn unfinished(file: &File) -> Vec<Violation> {
    let in_code = (0..file.tokens.len()).filter_map(|at| {
        let what = unfinished_code(&file.tokens[at..])?;
        Some(Violation::at(&file.path, file.tokens[at].line, what))
    });
    let examples = file.comments.iter().flat_map(|comment| {
        let lines = untested_examples(comment);
        lines.map(|line| Violation::at(&file.path, line, "an example that is not even compiled"))
    });
    in_code.chain(examples).collect()
}

fn unfinished_code(tokens: &[Token]) -> Option<&'static str> {
    match tokens {
        [word, mark, ..] if mark.is("!") && (word.is("todo") || word.is("unimplemented")) => {
            Some("something is left to be written")
        }
        [hash, bracket, word, end, ..]
            if hash.is("#") && bracket.is("[") && word.is("ignore") && !has_reason(end) =>
        {
            Some("a test is ignored without a reason: `#[ignore = \"…\"]`")
        }
        _ => None,
    }
}

fn has_reason(after_ignore: &Token) -> bool {
    after_ignore.kind == Kind::Mark && after_ignore.text == "="
}

/// The lines at which a comment opens a code block that says `ignore`.
fn untested_examples(comment: &Comment) -> impl Iterator<Item = usize> {
    let is_ignored = |line: &str| {
        let line = line.trim_start_matches(['/', '!', '*', ' ']);
        let info = line.strip_prefix("```");
        info.is_some_and(|info| {
            info.split(',')
                .any(|word| word.trim().starts_with("ignore"))
        })
    };
    let lines = comment.text.lines().enumerate();
    lines.filter_map(move |(at, line)| is_ignored(line).then_some(comment.first + at))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::house::violation::assert_bites;

    fn found(text: &str) -> Vec<Violation> {
        violations(&Sources::of(&[("c/src/a.rs", text)]))
    }

    #[test]
    fn the_first_line_says_what_the_file_is_for() {
        assert_bites(&found("use std::fmt;\n//! x"), "the first line");
    }

    #[test]
    fn what_is_left_to_be_written_is_found() {
        assert_bites(
            &found("//! x\nfn f() { todo!() }"),
            "a.rs:2: something is left",
        );
        assert_bites(
            &found("//! x\nfn f() { unimplemented!(\"y\") }"),
            "something is left",
        );
        assert_eq!(found("//! todo!\nfn todo() { \"todo!()\"; }"), []);
    }

    #[test]
    fn a_test_is_ignored_for_a_reason() {
        assert_bites(&found("//! x\n#[ignore]\nfn f() {}"), "without a reason");
        assert_eq!(
            found("//! x\n#[ignore = \"needs a network\"]\nfn f() {}"),
            []
        );
    }

    #[test]
    fn an_example_is_compiled() {
        assert_bites(
            &found("//! x\n/// ```rust,ignore\n/// ```"),
            "a.rs:2: an example",
        );
        assert_bites(&found("//! ```ignore\n//! ```"), "an example");
        assert_eq!(
            found("//! ```no_run\n//! ```\n//! ```text\n//! ignore\n//! ```"),
            []
        );
    }
}
