//! The source files of a workspace, each with its tokens.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use super::lexer::{Comment, Token, lex};

/// One file.
#[derive(Debug)]
pub(crate) struct File {
    /// Its path from the workspace's root, with `/` between.
    pub(crate) path: String,
    /// Its text.
    pub(crate) text: String,
    /// Its tokens.
    pub(crate) tokens: Vec<Token>,
    /// Its comments.
    pub(crate) comments: Vec<Comment>,
    /// For each token, whether it belongs to an item under `#[cfg(test)]`.
    pub(crate) tested: Vec<bool>,
}

/// Every Rust file, by its path.
#[derive(Debug, Default)]
pub(crate) struct Sources {
    files: BTreeMap<String, File>,
}

impl Sources {
    /// Reads every Rust file under `root`, but for build output and hidden folders.
    ///
    /// # Errors
    ///
    /// If a folder or a file cannot be read.
    pub(crate) fn read(root: &Path) -> io::Result<Self> {
        let mut sources = Self::default();
        sources.read_folder(root, "")?;
        Ok(sources)
    }

    /// A tree that stands in memory only.
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        let mut sources = Self::default();
        for (path, text) in files {
            sources.add((*path).to_owned(), (*text).to_owned());
        }
        sources
    }

    /// The file at `path`.
    pub(crate) fn file(&self, path: &str) -> Option<&File> {
        self.files.get(path)
    }

    /// Every file, in the order of paths.
    pub(crate) fn files(&self) -> impl Iterator<Item = &File> {
        self.files.values()
    }

    fn read_folder(&mut self, folder: &Path, prefix: &str) -> io::Result<()> {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = format!("{prefix}{name}");
            if entry.file_type()?.is_dir() {
                if name != "target" && !name.starts_with('.') {
                    self.read_folder(&entry.path(), &format!("{path}/"))?;
                }
            } else if name.ends_with(".rs") {
                self.add(path, fs::read_to_string(entry.path())?);
            }
        }
        Ok(())
    }

    fn add(&mut self, path: String, text: String) {
        let (tokens, comments) = lex(&text);
        let tested = tested(&tokens);
        let file = File {
            path: path.clone(),
            text,
            tokens,
            comments,
            tested,
        };
        self.files.insert(path, file);
    }
}

/// Where the attribute that starts at `at` ends: past its `]`. `None` if none starts.
pub(crate) fn attribute_end(tokens: &[Token], at: usize) -> Option<usize> {
    let bracket = if tokens.get(at + 1)?.is("!") {
        at + 2
    } else {
        at + 1
    };
    if !tokens[at].is("#") || !tokens.get(bracket)?.is("[") {
        return None;
    }
    Some(group_end(tokens, bracket))
}

/// Past the bracket that closes the one at `open`.
pub(crate) fn group_end(tokens: &[Token], open: usize) -> usize {
    let mut depth = 0;
    for (at, token) in tokens.iter().enumerate().skip(open) {
        if token.is("{") || token.is("[") || token.is("(") {
            depth += 1;
        } else if token.is("}") || token.is("]") || token.is(")") {
            depth -= 1;
            if depth == 0 {
                return at + 1;
            }
        }
    }
    tokens.len()
}

/// Whether an attribute is a `cfg` that holds in tests only.
pub(crate) fn is_test_cfg(attribute: &[Token]) -> bool {
    let at = attribute.iter().position(|token| token.is("["));
    at.is_some_and(|at| {
        attribute.get(at + 1).is_some_and(|word| word.is("cfg")) && needs_test(attribute, at + 1)
    })
}

/// Whether the condition at `at` can hold in tests only. `cfg(…)` has one
/// condition inside of it, and so is an `all`.
fn needs_test(tokens: &[Token], at: usize) -> bool {
    if !tokens.get(at + 1).is_some_and(|open| open.is("(")) {
        return tokens[at].is("test");
    }
    let close = group_end(tokens, at + 1) - 1;
    let mut inside = Vec::new();
    let mut next = at + 2;
    while next < close {
        inside.push(needs_test(tokens, next));
        while next < close && !tokens[next].is(",") {
            next = match tokens[next].is("(") {
                true => group_end(tokens, next),
                false => next + 1,
            };
        }
        next += 1;
    }
    match tokens[at].text.as_str() {
        "cfg" | "all" => inside.contains(&true),
        "any" => !inside.contains(&false),
        _ => false,
    }
}

fn tested(tokens: &[Token]) -> Vec<bool> {
    let mut tested = vec![false; tokens.len()];
    for at in 0..tokens.len() {
        let Some(end) = attribute_end(tokens, at) else {
            continue;
        };
        if is_test_cfg(&tokens[at..end]) {
            tested[at..item_end(tokens, end)].fill(true);
        }
    }
    tested
}

/// Past the item that starts at `at`: its first braces, or its semicolon.
fn item_end(tokens: &[Token], mut at: usize) -> usize {
    while at < tokens.len() {
        if tokens[at].is("{") {
            return group_end(tokens, at);
        }
        if tokens[at].is(";") {
            return at + 1;
        }
        at = match tokens[at].is("(") || tokens[at].is("[") {
            true => group_end(tokens, at),
            false => at + 1,
        };
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_item_under_cfg_test_is_a_test() {
        let sources = Sources::of(&[(
            "a.rs",
            "fn a() {} #[cfg(test)] mod tests { fn b() {} } fn c() {} #[cfg(not(test))] fn d() {}",
        )]);
        let file = sources.file("a.rs").expect("the file");
        let in_tests = |name: &str| {
            let at = file.tokens.iter().position(|token| token.is(name));
            at.is_some_and(|at| file.tested[at])
        };
        assert_eq!(
            ["a", "b", "c", "d"].map(in_tests),
            [false, true, false, false]
        );
    }

    #[test]
    fn a_condition_is_of_tests_only_if_it_cannot_hold_without() {
        let is_test = |condition: &str| is_test_cfg(&lex(&format!("#[cfg({condition})]")).0);
        for condition in [
            "test",
            "all(test, not(x))",
            "all(unix, any(test, all(a = \"b\", test)))",
        ] {
            assert!(is_test(condition), "{condition}");
        }
        for condition in [
            "not(test)",
            "any(test, unix)",
            "all(unix, not(test))",
            "x = \"test\"",
        ] {
            assert!(!is_test(condition), "{condition}");
        }
    }
}
