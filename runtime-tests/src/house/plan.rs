//! The floor plan of one crate: its modules, as the `mod` lines declare them.

use super::lexer::{Kind, Token};
use super::sources::{File, Sources, attribute_end, group_end, is_test_cfg};
use super::violation::Violation;

/// One `mod` line.
#[derive(Debug)]
pub(crate) struct Declared {
    /// The module's name.
    pub(crate) name: String,
    /// The number of its group, from 0, counted from the ground.
    pub(crate) floor: usize,
    /// Its line.
    pub(crate) line: usize,
    /// Whether it says `pub`, in whatever form.
    pub(crate) public: bool,
    /// Where its attributes and itself stand among the file's tokens.
    pub(crate) tokens: std::ops::Range<usize>,
}

/// One module that has a file of its own.
#[derive(Debug)]
pub(crate) struct Module<'a> {
    /// Its path from the crate's root; empty for the root.
    pub(crate) path: Vec<String>,
    /// Its file.
    pub(crate) file: &'a File,
    /// The modules it declares, in order.
    pub(crate) declared: Vec<Declared>,
    /// Whether its `mod` line or an ancestor's stands under `#[cfg(test)]`.
    pub(crate) tested: bool,
    /// Whether its `mod` line or an ancestor's lifts the ban on unsafe code.
    pub(crate) walled: bool,
}

/// The modules of one crate.
#[derive(Debug)]
pub(crate) struct Plan<'a> {
    /// Every module; the root first, children after their parent.
    pub(crate) modules: Vec<Module<'a>>,
}

impl<'a> Plan<'a> {
    /// The plan of the crate, or of the part of one, whose root stands in `folder`.
    pub(crate) fn of(sources: &'a Sources, folder: &str) -> Self {
        let mut plan = Self {
            modules: Vec::new(),
        };
        let roots = ["lib.rs", "mod.rs"].map(|root| sources.file(&format!("{folder}/{root}")));
        if let Some(file) = roots.into_iter().flatten().next() {
            plan.add(sources, Vec::new(), file, false, false);
        }
        plan
    }

    /// Whether there is a module with this path.
    pub(crate) fn has(&self, path: &[String]) -> bool {
        self.modules.iter().any(|module| module.path == path)
    }

    /// The floor of the module `path` among its siblings.
    pub(crate) fn floor(&self, path: &[String]) -> Option<usize> {
        let (name, parent) = path.split_last()?;
        self.modules
            .iter()
            .filter(|module| module.path == parent)
            .flat_map(|module| &module.declared)
            .find(|declared| declared.name == *name)
            .map(|declared| declared.floor)
    }

    fn add(
        &mut self,
        sources: &'a Sources,
        path: Vec<String>,
        file: &'a File,
        tested: bool,
        walled: bool,
    ) {
        let declared = declarations(file);
        let at = self.modules.len();
        self.modules.push(Module {
            path,
            file,
            declared: Vec::new(),
            tested,
            walled,
        });
        for line in &declared {
            let attributes = &file.tokens[line.tokens.clone()];
            let Some(child) = child_file(sources, file, &line.name, attributes) else {
                continue;
            };
            let mut path = self.modules[at].path.clone();
            path.push(line.name.clone());
            let tested = tested || has_attribute(attributes, is_test_cfg);
            let walled = walled || has_attribute(attributes, is_wall);
            self.add(sources, path, child, tested, walled);
        }
        self.modules[at].declared = declared;
    }
}

/// Files below `folder` that no `mod` line leads to: rustc never sees them.
pub(crate) fn orphans(sources: &Sources, plan: &Plan<'_>, folder: &str) -> Vec<Violation> {
    let below = format!("{folder}/");
    let programs = [format!("{below}bin/"), format!("{below}main.rs")];
    sources
        .files()
        .filter(|file| file.path.starts_with(&below))
        .filter(|file| {
            !programs
                .iter()
                .any(|program| file.path.starts_with(program))
        })
        .filter(|file| {
            !plan
                .modules
                .iter()
                .any(|module| module.file.path == file.path)
        })
        .map(|file| Violation::of(&file.path, "no `mod` line leads to this file"))
        .collect()
}

/// `#[expect(unsafe_code, reason = "…")]`.
pub(crate) fn is_wall(attribute: &[Token]) -> bool {
    let expects = attribute
        .windows(3)
        .any(|found| found[0].is("expect") && found[1].is("(") && found[2].is("unsafe_code"));
    expects && attribute.iter().any(|token| token.is("reason"))
}

fn has_attribute(tokens: &[Token], fits: impl Fn(&[Token]) -> bool) -> bool {
    (0..tokens.len())
        .filter_map(|at| Some(at..attribute_end(tokens, at)?))
        .any(|attribute| fits(&tokens[attribute]))
}

/// The `mod` lines of a file, in order. Modules written inline are no lines.
fn declarations(file: &File) -> Vec<Declared> {
    let tokens = &file.tokens;
    let lines: Vec<&str> = file.text.lines().collect();
    let mut found: Vec<Declared> = Vec::new();
    let (mut at, mut start, mut public) = (0, 0, false);
    while at < tokens.len() {
        if let Some(end) = attribute_end(tokens, at) {
            if tokens[at + 1].is("!") {
                start = end;
            }
            at = end;
        } else if tokens[at].is("pub") {
            public = true;
            at += 1;
            if tokens.get(at).is_some_and(|token| token.is("(")) {
                at = group_end(tokens, at);
            }
        } else {
            let end = match tokens[at].is("{") || tokens[at].is("(") || tokens[at].is("[") {
                true => group_end(tokens, at),
                false => at + 1,
            };
            if let Some(name) = mod_line(&tokens[at..]) {
                let (line, end) = (tokens[at].line, at + 3);
                let floor = found.last().map_or(0, |before| {
                    let parted = lines[before.line..line]
                        .iter()
                        .any(|line| line.trim().is_empty());
                    before.floor + usize::from(parted)
                });
                let name = name.to_owned();
                found.push(Declared {
                    name,
                    floor,
                    line,
                    public,
                    tokens: start..end,
                });
                at = end;
            } else {
                at = end;
            }
            (start, public) = (at, false);
        }
    }
    found
}

fn mod_line(tokens: &[Token]) -> Option<&str> {
    match tokens {
        [keyword, name, end, ..] if keyword.is("mod") && end.is(";") => Some(&name.text),
        _ => None,
    }
}

fn child_file<'a>(
    sources: &'a Sources,
    parent: &File,
    name: &str,
    attributes: &[Token],
) -> Option<&'a File> {
    let (folder, file) = parent.path.rsplit_once('/')?;
    let named = attributes
        .windows(3)
        .find(|found| found[0].is("path") && found[1].is("=") && found[2].kind == Kind::Text);
    if let Some(found) = named {
        return sources.file(&format!("{folder}/{}", found[2].text));
    }
    let folder = match file {
        "lib.rs" | "mod.rs" => folder.to_owned(),
        _ => parent.path.trim_end_matches(".rs").to_owned(),
    };
    sources
        .file(&format!("{folder}/{name}.rs"))
        .or_else(|| sources.file(&format!("{folder}/{name}/mod.rs")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::house::violation::assert_bites;

    #[test]
    fn blank_lines_part_the_floors_and_attributes_do_not() {
        let sources = Sources::of(&[(
            "c/src/lib.rs",
            "//! x\n#![a]\nmod a;\n// why\n#[cfg(\n  x\n)]\npub(crate) mod b;\n\nuse a::A;\npub mod c;\nmod inline { mod d; }\nmod e;",
        )]);
        let declared = declarations(sources.file("c/src/lib.rs").expect("the root"));
        let floors: Vec<_> = declared
            .iter()
            .map(|line| (line.name.as_str(), line.floor, line.public))
            .collect();
        assert_eq!(
            floors,
            [
                ("a", 0, false),
                ("b", 0, true),
                ("c", 1, true),
                ("e", 1, false)
            ]
        );
    }

    #[test]
    fn a_file_without_a_mod_line_is_found() {
        let sources = Sources::of(&[
            ("c/src/lib.rs", "mod a;"),
            ("c/src/a/mod.rs", "mod b;"),
            ("c/src/a/b.rs", ""),
            ("c/src/bin/tool.rs", ""),
            ("c/src/a/lost.rs", ""),
        ]);
        let plan = Plan::of(&sources, "c/src");
        assert_bites(
            &orphans(&sources, &plan, "c/src"),
            "a/lost.rs: no `mod` line",
        );
    }

    #[test]
    fn a_wall_and_a_test_reach_down_to_the_children() {
        let sources = Sources::of(&[
            (
                "c/src/lib.rs",
                "#[expect(unsafe_code, reason = \"x\")]\nmod a;\n#[cfg(test)] mod t;",
            ),
            ("c/src/a/mod.rs", "mod b;"),
            ("c/src/a/b.rs", ""),
            ("c/src/t.rs", ""),
        ]);
        let plan = Plan::of(&sources, "c/src");
        let seen: Vec<_> = plan
            .modules
            .iter()
            .map(|module| (module.path.join("::"), module.walled, module.tested))
            .collect();
        let expected = [
            ("", false, false),
            ("a", true, false),
            ("a::b", true, false),
            ("t", false, true),
        ];
        assert_eq!(
            seen,
            expected.map(|(path, walled, tested)| (path.to_owned(), walled, tested))
        );
    }
}
