//! Law 3, second half: what is shared between threads passes through `sync`.

use super::paths::{Path, paths};
use super::plan::{Module, Plan};
use super::violation::Violation;

/// The cfg under which the models are built.
const MODEL_CFG: &str = "asyncio_loom";

/// What only the seam may name.
const SHARED: &[&[&str]] = &[
    &["std", "sync"],
    &["std", "thread"],
    &["core", "sync"],
    &["alloc", "sync"],
    &["crossbeam_channel"],
    &["crossbeam_deque"],
    &["loom"],
];

/// A file that may name one thing past the seam, and why.
#[derive(Debug)]
pub(crate) struct Exemption {
    /// The file's path from the workspace's root.
    pub(crate) path: &'static str,
    /// The start of the names that it may use, like `std::sync::LazyLock`.
    pub(crate) name: &'static str,
    /// Why that hides nothing from the models.
    pub(crate) reason: &'static str,
}

/// Every name that goes past the seam, every cfg of the models out of its place,
/// and every exemption that exempts nothing.
pub(crate) fn violations(plan: &Plan<'_>, exemptions: &[Exemption]) -> Vec<Violation> {
    let mut found = Vec::new();
    let mut used = vec![false; exemptions.len()];
    for module in plan.modules.iter().filter(|module| !module.tested) {
        found.extend(misplaced_cfg(module));
        for path in paths(module.file) {
            if path.tested || !goes_past(module, &path) {
                continue;
            }
            let written = path.segments.join("::");
            let fits = |exemption: &Exemption| {
                exemption.path == module.file.path && written.starts_with(exemption.name)
            };
            if let Some(at) = exemptions.iter().position(fits) {
                used[at] = true;
                continue;
            }
            let what = format!("`{written}` goes past the seam: models would not see it");
            found.push(Violation::at(&module.file.path, path.line, what));
        }
    }
    let idle = exemptions.iter().zip(used).filter(|(_, used)| !used);
    found.extend(idle.map(|(exemption, _)| {
        let what = format!("the exemption for `{}` exempts nothing", exemption.name);
        Violation::of(exemption.path, what)
    }));
    found
}

fn goes_past(module: &Module<'_>, path: &Path) -> bool {
    if module.path.first().is_some_and(|first| first == "sync") {
        return false;
    }
    SHARED.iter().any(|shared| {
        let is_crate = shared.len() == 1;
        // One word alone is a variable, unless it is imported.
        let counts = !is_crate || path.imported || path.segments.len() > 1;
        counts
            && path
                .segments
                .iter()
                .zip(*shared)
                .filter(|(a, b)| a == b)
                .count()
                == shared.len()
    })
}

/// The models' cfg may stand in `sync/mod.rs`, which picks a face, and in `lib.rs`,
/// where it opens the hidden door for the models.
fn misplaced_cfg(module: &Module<'_>) -> Vec<Violation> {
    if module.path.is_empty() || module.path == ["sync"] {
        return Vec::new();
    }
    let file = module.file;
    (0..file.tokens.len())
        .filter(|&at| file.tokens[at].is(MODEL_CFG) && !file.tested[at])
        .map(|at| {
            let what = "the models' cfg stands in sync/mod.rs, lib.rs and tests only";
            Violation::at(&file.path, file.tokens[at].line, what)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::house::sources::Sources;
    use crate::house::violation::assert_bites;

    fn found(a: &str, exemptions: &[Exemption]) -> Vec<Violation> {
        let sources = Sources::of(&[
            (
                "c/src/lib.rs",
                "mod sync;\n\nmod a;\n#[cfg(asyncio_loom)] pub mod models {}",
            ),
            (
                "c/src/sync/mod.rs",
                "#[cfg(asyncio_loom)] mod model;\nmod real;",
            ),
            ("c/src/sync/model.rs", "pub use loom::sync::Arc;"),
            (
                "c/src/sync/real.rs",
                "pub use std::{sync::Arc, thread}; pub use crossbeam_deque as deque;",
            ),
            ("c/src/a.rs", a),
        ]);
        violations(&Plan::of(&sources, "c/src"), exemptions)
    }

    #[test]
    fn what_is_shared_comes_from_the_seam() {
        let a = "use crate::sync::Arc; use std::{task, time}; fn f(loom: u8) { loom; }";
        assert_eq!(found(a, &[]), []);
    }

    #[test]
    fn names_past_the_seam_are_found() {
        for a in [
            "use std::sync::Arc;",
            "use std::{task::Waker, thread};",
            "fn f() { std::thread::sleep() }",
            "use ::crossbeam_channel::bounded;",
            "use crossbeam_deque as deque;",
            "use loom;",
            "fn f() { core::sync::atomic::fence() }",
        ] {
            assert_bites(&found(a, &[]), "goes past the seam");
        }
    }

    #[test]
    fn the_cfg_of_the_models_has_its_places() {
        assert_bites(
            &found("fn f() { cfg!(asyncio_loom); }", &[]),
            "the models' cfg",
        );
        assert_eq!(found("#[cfg(all(test, not_loom))] mod t {}", &[]), []);
        assert_eq!(
            found(
                "#[cfg(test)] mod t { #[cfg(asyncio_loom)] use std::thread; }",
                &[]
            ),
            []
        );
    }

    #[test]
    fn an_exemption_covers_what_it_names_and_must_be_needed() {
        let exemption = || Exemption {
            path: "c/src/a.rs",
            name: "std::sync::LazyLock",
            reason: "x",
        };
        assert_eq!(found("use std::sync::LazyLock;", &[exemption()]), []);
        assert_bites(&found("", &[exemption()]), "exempts nothing");
        assert_eq!(found("use std::sync::Arc;", &[exemption()]).len(), 2);
    }
}
