//! Law 1: a file names only modules that stand on a lower floor.

use super::paths::{Path, Target, paths, resolve};
use super::plan::{Module, Plan};
use super::violation::Violation;

/// Every path in `plan` that leads up, sideways, or to what an ancestor re-exports.
pub(crate) fn violations(plan: &Plan<'_>) -> Vec<Violation> {
    let mut found = Vec::new();
    for module in plan.modules.iter().filter(|module| !module.tested) {
        for path in paths(module.file).iter().filter(|path| !path.tested) {
            let breach =
                resolve(plan, module, path).and_then(|target| breach(plan, module, path, &target));
            found.extend(breach.map(|what| Violation::at(&module.file.path, path.line, what)));
        }
    }
    found
}

fn breach(plan: &Plan<'_>, module: &Module<'_>, path: &Path, target: &Target) -> Option<String> {
    let written = path.segments.join("::");
    let (from, to) = (&module.path, &target.module);
    let common = from.iter().zip(to).take_while(|(a, b)| a == b).count();
    if common == from.len() {
        // Itself, or a descendant: a folder stands above what it holds.
        return None;
    }
    if common == to.len() {
        let is_macro = path.called && target.rest.len() == 1;
        let text =
            format!("`{written}` names what an ancestor holds: name the module it comes from");
        return (!is_macro && !path.exported).then_some(text);
    }
    let ours = plan.floor(&from[..=common])?;
    let theirs = plan.floor(&to[..=common])?;
    let (us, them) = (&from[common], &to[common]);
    match theirs.cmp(&ours) {
        std::cmp::Ordering::Less => None,
        std::cmp::Ordering::Equal => Some(format!(
            "`{written}`: `{us}` and `{them}` are on one floor, and strangers"
        )),
        std::cmp::Ordering::Greater => {
            Some(format!("`{written}`: `{them}` is on a floor above `{us}`"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::house::sources::Sources;
    use crate::house::violation::assert_bites;

    fn found(a: &str, b: &str, child: &str) -> Vec<Violation> {
        let sources = Sources::of(&[
            (
                "c/src/lib.rs",
                "mod ground;\n\nmod a;\nmod b;\n\nmod top;\npub use top::Top;",
            ),
            ("c/src/ground.rs", ""),
            ("c/src/a.rs", a),
            ("c/src/b/mod.rs", b),
            ("c/src/b/low.rs", ""),
            ("c/src/b/child.rs", child),
            ("c/src/top.rs", "use crate::{a::A, b::child::C};"),
        ]);
        violations(&Plan::of(&sources, "c/src"))
    }

    const B: &str = "mod low;\n\nmod child;\npub use low::Low;";

    #[test]
    fn a_name_from_below_is_lawful() {
        let child =
            "use super::low::Low; use crate::ground::G; fn f() { crate::log!(); self::g() }";
        assert_eq!(found("use crate::ground::G;", B, child), []);
    }

    #[test]
    fn a_name_from_above_is_found() {
        assert_bites(
            &found("fn f() -> crate::top::Top {}", B, ""),
            "`top` is on a floor above `a`",
        );
        assert_bites(
            &found("", B, "use crate::top::Top;"),
            "`top` is on a floor above `b`",
        );
    }

    #[test]
    fn a_neighbour_is_a_stranger() {
        assert_bites(&found("use crate::b::Low;", B, ""), "on one floor");
        assert_bites(&found("", B, "use super::super::a::A;"), "on one floor");
    }

    #[test]
    fn the_lowest_common_ancestor_decides() {
        let b = "mod child;\n\nmod low;";
        assert_bites(
            &found("", b, "use crate::b::low::Low;"),
            "`low` is on a floor above `child`",
        );
    }

    #[test]
    fn what_an_ancestor_re_exports_is_not_named() {
        assert_bites(
            &found("", B, "use super::Low;"),
            "names what an ancestor holds",
        );
        assert_bites(
            &found("", B, "use super::*;"),
            "names what an ancestor holds",
        );
        assert_bites(
            &found("use crate::Top;", B, ""),
            "names what an ancestor holds",
        );
    }

    #[test]
    fn tests_and_exported_macros_may() {
        let child = "#[cfg(test)] mod tests { use super::super::*; use crate::top::Top; }";
        let a = "macro_rules! m { () => { $crate::Top::new() } }";
        assert_eq!(found(a, B, child), []);
    }

    #[test]
    fn visibility_and_prose_name_nothing() {
        let a = "//! crate::top::Top\npub(in crate::top) fn f() { \"crate::top::Top\"; }";
        assert_eq!(found(a, B, ""), []);
    }
}
