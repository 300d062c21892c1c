//! Law 3, first half: unsafe code stands behind walls, and says why it is sound.

use super::lexer::{Comment, Kind, Token};
use super::plan::{Module, Plan, is_wall};
use super::sources::File;
use super::violation::Violation;

/// How many lines above an `unsafe` its reason may end: attributes, and the start
/// of a long expression, stand between.
const REACH: usize = 6;

/// Every `unsafe` outside of a wall or without its reason, and every wall that is
/// not on a `mod` line.
pub(crate) fn violations(plan: &Plan<'_>) -> Vec<Violation> {
    let mut found = Vec::new();
    for module in &plan.modules {
        found.extend(hidden_walls(module));
        for at in occurrences(module.file, "unsafe") {
            let line = module.file.tokens[at].line;
            if !module.walled {
                let what = "`unsafe` outside of a wall: no `mod` line above expects it";
                found.push(Violation::at(&module.file.path, line, what));
            }
            let missing = reason(&module.file.tokens, at)
                .filter(|reason| !is_explained(&module.file.comments, line, reason));
            if let Some(reason) = missing {
                let what = format!("`unsafe` without `{reason}` above it");
                found.push(Violation::at(&module.file.path, line, what));
            }
        }
    }
    found
}

/// The number of unsafe blocks in all modules of `plan`.
pub(crate) fn unsafe_blocks(plan: &Plan<'_>) -> usize {
    plan.modules.iter().map(|module| blocks(module.file)).sum()
}

/// The path of every file behind a wall, and how many unsafe blocks it has.
pub(crate) fn walled<'a>(plan: &'a Plan<'_>) -> impl Iterator<Item = (&'a str, usize)> {
    let walled = plan.modules.iter().filter(|module| module.walled);
    walled.map(|module| (module.file.path.as_str(), blocks(module.file)))
}

fn blocks(file: &File) -> usize {
    let is_block = |at: &usize| file.tokens.get(at + 1).is_some_and(|next| next.is("{"));
    occurrences(file, "unsafe").filter(is_block).count()
}

fn occurrences<'a>(file: &'a File, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    (0..file.tokens.len()).filter(move |&at| file.tokens[at].is(word))
}

/// `unsafe_code` lifted by anything but an `expect` with a reason on a `mod` line.
fn hidden_walls(module: &Module<'_>) -> Vec<Violation> {
    let tokens = &module.file.tokens;
    let on_mod_line = |at: &usize| {
        let mut lines = module.declared.iter();
        lines.any(|line| line.tokens.contains(at) && is_wall(&tokens[line.tokens.clone()]))
    };
    let is_ban = |at: &usize| *at > 1 && (tokens[at - 2].is("deny") || tokens[at - 2].is("forbid"));
    occurrences(module.file, "unsafe_code")
        .filter(|at| !on_mod_line(at) && !is_ban(at))
        .map(|at| {
            let what = "a wall is `#[expect(unsafe_code, reason = \"…\")]` on a `mod` line";
            Violation::at(&module.file.path, tokens[at].line, what)
        })
        .collect()
}

/// What must be written above the `unsafe` at `at`; `None` for the type of a pointer.
fn reason(tokens: &[Token], at: usize) -> Option<&'static str> {
    let mut after = tokens[at + 1..]
        .iter()
        .filter(|token| token.kind != Kind::Text)
        .peekable();
    after.next_if(|token| token.is("extern"));
    let next = after.next()?;
    if next.is("fn") {
        let is_pointer = after.next().is_some_and(|token| token.is("("));
        return (!is_pointer).then_some("# Safety");
    }
    match next.is("trait") {
        true => Some("# Safety"),
        false => Some("SAFETY:"),
    }
}

/// Whether a run of comments that ends shortly above `line` holds `reason`.
fn is_explained(comments: &[Comment], line: usize, reason: &str) -> bool {
    let mut first_of_run_below = line + 1;
    for comment in comments
        .iter()
        .rev()
        .filter(|comment| comment.first <= line)
    {
        let is_near = comment.last + REACH >= line;
        let joins_run = comment.last + 1 >= first_of_run_below;
        if !is_near && !joins_run {
            return false;
        }
        if comment.text.contains(reason) {
            return true;
        }
        first_of_run_below = comment.first;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::house::sources::Sources;
    use crate::house::violation::assert_bites;

    const WALL: &str = "#[expect(unsafe_code, reason = \"x\")]\nmod a;";

    fn found(root: &str, a: &str) -> (Vec<Violation>, usize) {
        let sources = Sources::of(&[("c/src/lib.rs", root), ("c/src/a.rs", a)]);
        let plan = Plan::of(&sources, "c/src");
        (violations(&plan), unsafe_blocks(&plan))
    }

    const LAWFUL: &str = "
// SAFETY: a long
// story, told
// in more lines
// than a reach
// has, as some
// stories need
// to be told
unsafe impl Send for A {}
/// Does.
///
/// # Safety
///
/// Never call it.
#[inline]
pub unsafe fn f(g: unsafe fn(u8), h: unsafe extern \"C\" fn(u8)) {
    let x =
        // SAFETY: by the caller.
        unsafe { g(1) };
}
/// # Safety
/// None.
unsafe trait T {}
";

    #[test]
    fn explained_code_behind_a_wall_is_lawful() {
        assert_eq!(found(WALL, LAWFUL), (Vec::new(), 1));
    }

    #[test]
    fn unsafe_code_outside_of_a_wall_is_found() {
        let a = "// SAFETY: none.\nfn f() { unsafe { g() } }";
        assert_bites(&found("mod a;", a).0, "outside of a wall");
    }

    #[test]
    fn unsafe_code_without_a_reason_is_found() {
        let far = "// SAFETY: too far.\n\n\n\n\n\n\nfn f() { unsafe { g() } }";
        for a in [
            far,
            "fn f() { unsafe { g() } }",
            "unsafe impl Send for A {}",
        ] {
            assert_bites(&found(WALL, a).0, "without `SAFETY:`");
        }
        for a in [
            "unsafe fn f() {}",
            "unsafe trait T {}",
            "unsafe extern \"C\" fn f() {}",
        ] {
            assert_bites(&found(WALL, a).0, "without `# Safety`");
        }
    }

    #[test]
    fn a_wall_elsewhere_than_on_a_mod_line_is_found() {
        let text = "on a `mod` line";
        assert_bites(&found("mod a;", "#![allow(unsafe_code)]").0, text);
        assert_bites(
            &found("#[allow(unsafe_code, reason = \"x\")] mod a;", "").0,
            text,
        );
        assert_bites(&found("#[expect(unsafe_code)] mod a;", "").0, text);
        assert_eq!(found("#![deny(unsafe_code)]\nmod a;", "").0, []);
    }
}
