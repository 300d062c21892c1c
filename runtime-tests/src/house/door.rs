//! Law 2: the engine has one door, and does not use it itself.

use super::paths::{paths, resolve};
use super::plan::Plan;
use super::violation::Violation;

const ENGINE: &str = "runtime";

/// Every path that reaches past the door, and every use of the door from within.
pub(crate) fn violations(plan: &Plan<'_>) -> Vec<Violation> {
    let mut found = public_modules(plan);
    for module in plan.modules.iter().filter(|module| !module.tested) {
        let is_inside = module.path.first().is_some_and(|first| first == ENGINE);
        for path in paths(module.file).iter().filter(|path| !path.tested) {
            let Some(target) = resolve(plan, module, path) else {
                continue;
            };
            if target.module.first().is_none_or(|first| first != ENGINE) {
                continue;
            }
            let written = path.segments.join("::");
            // A module and a function behind the door may share a name: the last
            // name of a path from outside is what the door hands out.
            let reaches_past = target.module.len() > 1 && !target.rest.is_empty();
            let uses_door = target.module.len() == 1 && module.path.len() > 1;
            let what = match is_inside {
                false if reaches_past => format!("`{written}` reaches past the engine's door"),
                true if uses_door => format!("`{written}`: the engine uses its own door"),
                _ => continue,
            };
            found.push(Violation::at(&module.file.path, path.line, what));
        }
    }
    found
}

fn public_modules(plan: &Plan<'_>) -> Vec<Violation> {
    plan.modules
        .iter()
        .filter(|module| module.path == [ENGINE])
        .flat_map(|module| module.declared.iter().map(move |line| (module, line)))
        .filter(|(_, line)| line.public)
        .map(|(module, line)| {
            let what = format!("`mod {}` is not private: a second door", line.name);
            Violation::at(&module.file.path, line.line, what)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::house::sources::Sources;
    use crate::house::violation::assert_bites;

    fn found(engine: &str, inside: &str, outside: &str) -> Vec<Violation> {
        let sources = Sources::of(&[
            ("c/src/lib.rs", "mod runtime;\n\nmod tasks;"),
            ("c/src/runtime/mod.rs", engine),
            ("c/src/runtime/task.rs", ""),
            ("c/src/runtime/handle.rs", inside),
            ("c/src/tasks.rs", outside),
        ]);
        violations(&Plan::of(&sources, "c/src"))
    }

    const ENGINE: &str = "mod task;\n\nmod handle;\npub use handle::handle;";

    #[test]
    fn the_door_is_open_to_all_outside() {
        let outside = "use crate::runtime::handle; fn f() { crate::runtime::Loop::new() }";
        assert_eq!(found(ENGINE, "use super::task::T;", outside), []);
    }

    #[test]
    fn reaching_past_the_door_is_found() {
        let text = "reaches past the engine's door";
        assert_bites(&found(ENGINE, "", "use crate::runtime::task::T;"), text);
        assert_bites(
            &found(ENGINE, "", "use crate::runtime::{Loop, task::{T}};"),
            text,
        );
    }

    #[test]
    fn the_engine_using_its_door_is_found() {
        assert_bites(
            &found(ENGINE, "use crate::runtime::Loop;", ""),
            "its own door",
        );
        assert_bites(
            &found(ENGINE, "fn f() { super::spawn() }", ""),
            "its own door",
        );
    }

    #[test]
    fn a_public_module_is_a_second_door() {
        let engine = "pub(crate) mod task;\n\nmod handle;";
        assert_bites(&found(engine, "", ""), "a second door");
    }
}
