//! The paths that a file names, and the modules they lead to.

use super::lexer::{Kind, Token};
use super::plan::{Module, Plan};
use super::sources::{File, group_end};

/// One path, as it is written; a `use` with braces makes several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Path {
    /// Its names; a glob ends with `*`.
    pub(crate) segments: Vec<String>,
    /// The line of its first name.
    pub(crate) line: usize,
    /// Whether it stands in a `use`.
    pub(crate) imported: bool,
    /// Whether it calls a macro: `crate::name!`.
    pub(crate) called: bool,
    /// Whether it starts with `$crate`, and so is resolved where a macro is used.
    pub(crate) exported: bool,
    /// Whether it stands in an item under `#[cfg(test)]`.
    pub(crate) tested: bool,
    /// The inline modules around it.
    pub(crate) inline: Vec<String>,
}

/// Where a path leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    /// The deepest module on the way.
    pub(crate) module: Vec<String>,
    /// The names after it.
    pub(crate) rest: Vec<String>,
}

/// Every path in `file`: all of those in `use`, and in code those of two names or more.
pub(crate) fn paths(file: &File) -> Vec<Path> {
    let mut scan = Scan {
        file,
        found: Vec::new(),
        inline: Vec::new(),
    };
    scan.run(0, file.tokens.len());
    scan.found
}

/// The module of this crate that `path` leads to from `module`, if it is one of this crate's.
pub(crate) fn resolve(plan: &Plan<'_>, module: &Module<'_>, path: &Path) -> Option<Target> {
    let mut segments = path.segments.iter().peekable();
    let here: Vec<String> = module.path.iter().chain(&path.inline).cloned().collect();
    let mut at = match segments.peek()?.as_str() {
        "crate" => Vec::new(),
        "self" | "super" => here,
        child => {
            let is_child = module.declared.iter().any(|line| line.name == *child);
            return (is_child && path.inline.is_empty())
                .then(|| walk(plan, here, path.segments.clone()));
        }
    };
    while let Some(step) =
        segments.next_if(|name| ["crate", "self", "super"].contains(&name.as_str()))
    {
        if step == "super" {
            at.pop();
        }
    }
    // Inline modules are part of the file they stand in.
    while !plan.has(&at) && at.pop().is_some() {}
    Some(walk(plan, at, segments.cloned().collect()))
}

fn walk(plan: &Plan<'_>, mut module: Vec<String>, mut rest: Vec<String>) -> Target {
    while let Some(name) = rest.first() {
        module.push(name.clone());
        if !plan.has(&module) {
            module.pop();
            break;
        }
        rest.remove(0);
    }
    Target { module, rest }
}

struct Scan<'a> {
    file: &'a File,
    found: Vec<Path>,
    inline: Vec<String>,
}

impl Scan<'_> {
    fn token(&self, at: usize) -> Option<&Token> {
        self.file.tokens.get(at)
    }

    fn is(&self, at: usize, text: &str) -> bool {
        self.token(at).is_some_and(|token| token.is(text))
    }

    fn run(&mut self, mut at: usize, end: usize) {
        while at < end {
            at = if self.is(at, "mod") && self.is(at + 2, "{") {
                let close = group_end(&self.file.tokens, at + 2);
                self.inline.push(self.file.tokens[at + 1].text.clone());
                self.run(at + 3, close - 1);
                self.inline.pop();
                close
            } else if self.is(at, "pub") && self.is(at + 1, "(") {
                // `pub(in crate::a)` says who may look, and names nothing.
                group_end(&self.file.tokens, at + 1)
            } else if self.is(at, "use") && !self.is(at + 1, "<") {
                self.tree(at + 1, &Vec::new())
            } else if self.token(at).is_some_and(|token| token.kind == Kind::Word) {
                self.code(at)
            } else {
                at + 1
            };
        }
    }

    /// A path in code, from its first word; returns what follows it.
    fn code(&mut self, start: usize) -> usize {
        let (segments, mut at) = self.segments(start);
        if self.is(at, "::") {
            at += 1;
        }
        if segments.len() > 1 {
            self.add(start, segments, false, self.is(at, "!"));
        }
        at
    }

    /// A tree of a `use`, after `prefix`; returns what follows it.
    fn tree(&mut self, start: usize, prefix: &[String]) -> usize {
        let begin = start + usize::from(self.is(start, "::"));
        let (segments, mut at) = self.segments(begin);
        let whole: Vec<String> = prefix.iter().cloned().chain(segments).collect();
        let after = at + usize::from(self.is(at, "::"));
        if self.is(after, "{") {
            let close = group_end(&self.file.tokens, after);
            at = after + 1;
            while at < close - 1 {
                at = self.tree(at, &whole);
                at += usize::from(self.is(at, ","));
            }
            return close;
        }
        if self.is(after, "*") {
            let globbed = [whole, vec!["*".to_owned()]].concat();
            self.add(start, globbed, true, false);
            return after + 1;
        }
        self.add(start, whole, true, false);
        if self.is(at, "as") {
            at + 2
        } else {
            at.max(start + 1)
        }
    }

    /// Words with `::` between, from `at`; and what follows the last word.
    fn segments(&self, mut at: usize) -> (Vec<String>, usize) {
        let mut segments = Vec::new();
        while let Some(token) = self.token(at).filter(|token| token.kind == Kind::Word) {
            segments.push(token.text.clone());
            at += 1;
            let goes_on = self
                .token(at + 1)
                .is_some_and(|token| token.kind == Kind::Word);
            if !(self.is(at, "::") && goes_on) {
                break;
            }
            at += 1;
        }
        (segments, at)
    }

    fn add(&mut self, start: usize, segments: Vec<String>, imported: bool, called: bool) {
        self.found.push(Path {
            segments,
            line: self.file.tokens[start].line,
            imported,
            called,
            exported: start > 0 && self.is(start - 1, "$"),
            tested: self.file.tested[start],
            inline: self.inline.clone(),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::house::sources::Sources;

    fn written(source: &str) -> Vec<String> {
        let sources = Sources::of(&[("a.rs", source)]);
        let found = paths(sources.file("a.rs").expect("the file"));
        found.iter().map(|path| path.segments.join("::")).collect()
    }

    #[test]
    fn a_use_is_taken_apart() {
        let source =
            "pub(in crate::x) use crate::{a, b::{self, C as D, e::*}, super_};\nuse ::std::sync;";
        let expected = [
            "crate::a",
            "crate::b::self",
            "crate::b::C",
            "crate::b::e::*",
            "crate::super_",
            "std::sync",
        ];
        assert_eq!(written(source), expected);
    }

    #[test]
    fn paths_in_code_are_found_past_their_generics() {
        let source = "fn f(x: super::a::B<crate::c::D>) -> impl Sized + use<> { Vec::<self::e::F>::new(); x.super_ }";
        assert_eq!(
            written(source),
            ["super::a::B", "crate::c::D", "self::e::F"]
        );
    }

    #[test]
    fn super_leaves_an_inline_module_before_the_file() {
        let sources = Sources::of(&[
            ("c/src/lib.rs", "mod a;\n\nmod b;"),
            ("c/src/a.rs", ""),
            (
                "c/src/b.rs",
                "mod inline { use super::X; use super::super::a::Y; }",
            ),
        ]);
        let plan = Plan::of(&sources, "c/src");
        let module = &plan.modules[2];
        let targets: Vec<String> = paths(module.file)
            .iter()
            .filter_map(|path| resolve(&plan, module, path))
            .map(|target| format!("{} {}", target.module.join("::"), target.rest.join("::")))
            .collect();
        assert_eq!(targets, ["b X", "a Y"]);
    }
}
