//! No file imports itself by way of others.

use std::collections::BTreeMap;

use super::paths::{paths, resolve};
use super::plan::Plan;
use super::violation::Violation;

/// Every cycle among the imports of `plan`, largest possible, each told once.
pub(crate) fn violations(plan: &Plan<'_>) -> Vec<Violation> {
    let mut search = Search {
        edges: &edges(plan),
        order: BTreeMap::new(),
        stack: Vec::new(),
        cycles: Vec::new(),
    };
    for at in 0..plan.modules.len() {
        search.visit(at);
    }
    let cycles = search.cycles.iter().filter(|cycle| cycle.len() > 1);
    cycles
        .map(|cycle| {
            let files: Vec<&str> = cycle
                .iter()
                .map(|&at| plan.modules[at].file.path.as_str())
                .collect();
            Violation::of(
                files[0],
                format!("a cycle of imports: {}", files.join(", ")),
            )
        })
        .collect()
}

/// For each module, the modules that it imports.
fn edges(plan: &Plan<'_>) -> Vec<Vec<usize>> {
    let imports = |module: usize| {
        let paths = paths(plan.modules[module].file);
        let targets = paths
            .iter()
            .filter(|path| !(path.tested || path.called || path.exported))
            .filter_map(|path| resolve(plan, &plan.modules[module], path));
        let mut imports: Vec<usize> = targets
            .flat_map(|target| {
                let fits = move |&at: &usize| plan.modules[at].path == target.module;
                (0..plan.modules.len()).filter(fits)
            })
            .filter(|&at| at != module && !plan.modules[at].tested)
            .collect();
        imports.sort_unstable();
        imports.dedup();
        imports
    };
    (0..plan.modules.len())
        .map(|at| {
            if plan.modules[at].tested {
                Vec::new()
            } else {
                imports(at)
            }
        })
        .collect()
}

/// Tarjan's search for strongly connected components.
struct Search<'a> {
    edges: &'a [Vec<usize>],
    /// The number under which each module was reached.
    order: BTreeMap<usize, usize>,
    stack: Vec<usize>,
    cycles: Vec<Vec<usize>>,
}

impl Search<'_> {
    /// The lowest number on the stack that can be reached from `at`.
    fn visit(&mut self, at: usize) -> usize {
        if let Some(&number) = self.order.get(&at) {
            return if self.stack.contains(&at) {
                number
            } else {
                usize::MAX
            };
        }
        let number = self.order.len();
        self.order.insert(at, number);
        self.stack.push(at);
        let edges = self.edges;
        let reached = edges[at].iter().map(|&next| self.visit(next)).min();
        let lowest = number.min(reached.unwrap_or(usize::MAX));
        if lowest == number {
            let start = self
                .stack
                .iter()
                .position(|&entry| entry == at)
                .unwrap_or(0);
            let mut cycle = self.stack.split_off(start);
            cycle.sort_unstable();
            self.cycles.push(cycle);
        }
        lowest
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::house::sources::Sources;
    use crate::house::violation::assert_bites;

    fn found(a: &str, b: &str, c: &str) -> Vec<Violation> {
        let sources = Sources::of(&[
            ("x/src/lib.rs", "mod a;\nmod b;\nmod c;\npub use c::C;"),
            ("x/src/a.rs", a),
            ("x/src/b.rs", b),
            ("x/src/c.rs", c),
        ]);
        violations(&Plan::of(&sources, "x/src"))
    }

    #[test]
    fn a_chain_is_no_cycle() {
        assert_eq!(
            found("", "use crate::a::A;", "use crate::{a::A, b::B};"),
            []
        );
    }

    #[test]
    fn a_cycle_of_three_is_found_once() {
        let cycle = found(
            "use super::b::B;",
            "use super::c::C;",
            "fn f() { crate::a::g() }",
        );
        assert_bites(&cycle, "x/src/a.rs, x/src/b.rs, x/src/c.rs");
    }

    #[test]
    fn a_cycle_by_way_of_a_re_export_is_found() {
        assert_bites(&found("", "", "use crate::D;"), "x/src/lib.rs, x/src/c.rs");
    }

    #[test]
    fn tests_close_no_cycle() {
        let a = "#[cfg(test)] mod tests { use crate::b::B; }";
        assert_eq!(found(a, "use crate::a::A;", ""), []);
    }
}
