//! The supply chain: what a user of the runtime gets with it, by name and version.

use std::collections::{BTreeMap, BTreeSet};

use super::violation::Violation;

/// Other runtimes: one that is built on another has two schedulers.
const BANNED: &[&str] = &["async-std", "mio", "smol", "tokio"];

/// The oldest version of a crate that may be used, and what ails those before it.
const OLDEST: &[(&str, &str, &str)] = &[
    (
        "crossbeam-channel",
        "0.5.15",
        "a double free (RUSTSEC-2025-0024)",
    ),
    (
        "crossbeam-deque",
        "0.8.8",
        "false reports under ThreadSanitizer",
    ),
    ("crossbeam-epoch", "0.9.20", "RUSTSEC-2026-0204"),
    (
        "rustls",
        "0.23.18",
        "a handshake that never ends (RUSTSEC-2024-0399)",
    ),
];

/// A manifest's text, by the name of its package.
pub(crate) type Manifests<'a> = BTreeMap<&'a str, &'a str>;

/// Every banned crate among the normal dependencies of `package`, and every crate
/// in `lock` that is older than it may be.
///
/// The lock does not tell a normal dependency from one of tests. For the packages
/// in `manifests` their own manifests do; others are locked without their tests'.
pub(crate) fn violations(package: &str, manifests: &Manifests<'_>, lock: &str) -> Vec<Violation> {
    let locked = locked(lock);
    let mut found = too_old(&locked);
    let mut seen = BTreeSet::new();
    let mut open = vec![vec![package.to_owned()]];
    while let Some(chain) = open.pop() {
        let Some(name) = chain.last().filter(|name| seen.insert((*name).clone())) else {
            continue;
        };
        if BANNED.contains(&name.as_str()) {
            let what = format!("another runtime comes along: {}", chain.join(" → "));
            found.push(Violation::of("Cargo.lock", what));
        }
        let next = match manifests.get(name.as_str()) {
            Some(manifest) => dependencies(manifest),
            None => locked
                .iter()
                .filter(|locked| locked.name == *name)
                .flat_map(|locked| locked.dependencies.iter().cloned())
                .collect(),
        };
        open.extend(
            next.into_iter()
                .map(|next| [chain.clone(), vec![next]].concat()),
        );
    }
    found
}

/// Every ban that stands here and not in `deny.toml`, or there and not here.
///
/// There each ban has a line of its own: `{ crate = "name:<version", … },`.
pub(crate) fn disagreements(deny: &str) -> Vec<Violation> {
    let old = OLDEST
        .iter()
        .map(|(name, version, _)| format!("{name}:<{version}"));
    let banned = BANNED.iter().map(|name| (*name).to_owned());
    let here: BTreeSet<String> = banned.chain(old).collect();
    let lines = deny.lines().map(str::trim);
    let there = lines.filter_map(|line| line.strip_prefix("{ crate = \"")?.split('"').next());
    let there: BTreeSet<String> = there.map(str::to_owned).collect();
    let missing = here.difference(&there);
    let missing = missing.map(|ban| format!("`{ban}` is banned by the laws of the house only"));
    let more = there.difference(&here);
    let more = more.map(|ban| format!("`{ban}` is banned here only"));
    missing
        .chain(more)
        .map(|what| Violation::of("deny.toml", what))
        .collect()
}

fn too_old(locked: &[Locked]) -> Vec<Violation> {
    let is_old = |locked: &&Locked| {
        let oldest = OLDEST.iter().find(|(name, ..)| *name == locked.name);
        oldest.is_some_and(|(_, version, _)| numbers(&locked.version) < numbers(version))
    };
    let old = locked.iter().filter(is_old);
    old.map(|locked| {
        let ails = OLDEST.iter().find(|(name, ..)| *name == locked.name);
        let (_, oldest, ails) = ails.expect("found above");
        let what = format!(
            "{} {}: {oldest} at least, because of {ails}",
            locked.name, locked.version
        );
        Violation::of("Cargo.lock", what)
    })
    .collect()
}

fn numbers(version: &str) -> Vec<u64> {
    let release = version.split(['-', '+']).next().unwrap_or_default();
    release
        .split('.')
        .map(|number| number.parse().unwrap_or(0))
        .collect()
}

/// One package of a lock file.
#[derive(Debug, Default)]
struct Locked {
    name: String,
    version: String,
    dependencies: Vec<String>,
}

fn locked(lock: &str) -> Vec<Locked> {
    let mut packages: Vec<Locked> = Vec::new();
    for line in lock.lines().map(str::trim) {
        if line == "[[package]]" {
            packages.push(Locked::default());
        }
        let Some(package) = packages.last_mut() else {
            continue;
        };
        if let Some(name) = line.strip_prefix("name = ") {
            package.name = unquoted(name).to_owned();
        } else if let Some(version) = line.strip_prefix("version = ") {
            package.version = unquoted(version).to_owned();
        } else if line.starts_with('"') {
            // "name", or "name version" where there are several.
            let name = unquoted(line.trim_end_matches(',')).split(' ').next();
            package.dependencies.extend(name.map(str::to_owned));
        }
    }
    packages
}

/// The packages that a manifest always depends on, tests and builds apart.
fn dependencies(manifest: &str) -> Vec<String> {
    let mut found = Vec::new();
    let (mut listed, mut table) = (false, None);
    for line in manifest.lines().map(str::trim) {
        if let Some(header) = line
            .strip_prefix('[')
            .and_then(|line| line.strip_suffix(']'))
        {
            found.extend(table.take());
            listed = is_normal(header);
            table = header.rsplit_once('.').and_then(|(before, name)| {
                (is_normal(before) && !listed).then(|| name.trim_matches('"').to_owned())
            });
        } else if table.is_some() {
            if let Some(package) = package(line) {
                table = Some(package);
            }
            if line.replace(' ', "") == "optional=true" {
                table = None;
            }
        } else if let Some((name, value)) = line.split_once('=').filter(|_| listed) {
            if !line.starts_with('#') && !value.replace(' ', "").contains("optional=true") {
                let name = name.trim().split('.').next().unwrap_or_default();
                found.push(package(value).unwrap_or_else(|| name.trim_matches('"').to_owned()));
            }
        }
    }
    found.extend(table);
    found
}

fn is_normal(header: &str) -> bool {
    header == "dependencies" || (header.starts_with("target.") && header.ends_with(".dependencies"))
}

/// The package's own name, where a manifest calls it by another.
fn package(value: &str) -> Option<String> {
    let (_, after) = value.split_once("package")?;
    let quoted = after.trim_start().strip_prefix('=')?.trim_start();
    quoted
        .strip_prefix('"')?
        .split('"')
        .next()
        .map(str::to_owned)
}

fn unquoted(text: &str) -> &str {
    text.trim().trim_matches('"')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::house::violation::assert_bites;

    const MANIFEST: &str = r#"
[package]
name = "core"
[dependencies]
a.workspace = true
macros = { path = "x" }
other = { version = "1", optional = true }
[dependencies.renamed]
package = "b"
[target.'cfg(unix)'.dependencies]
c = "1"
[dev-dependencies]
tokio = "1"
"#;

    fn found(a: &str, channel: &str) -> Vec<Violation> {
        let lock = format!(
            "version = 4\n[[package]]\nname = \"a\"\nversion = \"1.0.0\"\ndependencies = [\n \"{a}\",\n]\n\
             [[package]]\nname = \"crossbeam-channel\"\nversion = \"{channel}\"\n\
             [[package]]\nname = \"core\"\ndependencies = [\n \"a\",\n \"tokio 1.0.0\",\n]\n"
        );
        let manifests = BTreeMap::from([
            ("core", MANIFEST),
            ("macros", "[dev-dependencies]\nmio = \"1\""),
        ]);
        violations("core", &manifests, &lock)
    }

    #[test]
    fn dependencies_of_tests_and_optional_ones_are_left_out() {
        assert_eq!(dependencies(MANIFEST), ["a", "macros", "b", "c"]);
        assert_eq!(found("b", "0.5.15"), []);
    }

    #[test]
    fn another_runtime_is_found_however_deep() {
        assert_bites(&found("mio", "0.5.16"), "core → a → mio");
        assert_bites(&found("tokio 1.2.3", "0.6.0"), "core → a → tokio");
    }

    #[test]
    fn an_old_version_is_found() {
        assert_bites(
            &found("b", "0.5.13"),
            "crossbeam-channel 0.5.13: 0.5.15 at least",
        );
        assert_bites(&found("b", "0.5.9"), "RUSTSEC-2025-0024");
    }
    #[test]
    fn a_ban_that_stands_in_one_place_is_found() {
        let both = BANNED.iter().map(|name| (*name).to_owned());
        let old = OLDEST
            .iter()
            .map(|(name, version, _)| format!("{name}:<{version}"));
        let lines = both
            .chain(old)
            .map(|ban| format!("    {{ crate = \"{ban}\" }},\n"));
        let deny: String = lines.collect();
        assert_eq!(disagreements(&deny), []);
        let more = format!("{deny}{{ crate = \"openssl\" }},");
        assert_bites(&disagreements(&more), "`openssl` is banned here only");
        let fewer = deny
            .replace("\"mio\"", "\"\"")
            .replace("{ crate = \"\" },", "");
        assert_bites(&disagreements(&fewer), "`mio` is banned by the laws");
    }
}
