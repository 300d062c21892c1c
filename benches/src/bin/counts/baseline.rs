//! The counts that are written down, and what they were taken with.

use std::env;
use std::fmt;
use std::process::Command;

/// What the file begins with.
const HEAD: &str = "\
# Instructions of one operation, by `counts`: see docs/performance.md. Written by
#   cargo run --profile counts -p benches --no-default-features --bin counts -- --renew
";

/// Begins the line of what the counts were taken with.
const TAKEN_WITH: &str = "taken with ";

/// The contents of a file of counts.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Baseline {
    /// The compiler, the target and the C library: with others, the counts would be others.
    pub(crate) taken_with: String,
    /// The count and the name of each row.
    pub(crate) counts: Vec<(u64, String)>,
}

impl Baseline {
    /// Reads the contents of a file.
    ///
    /// # Errors
    /// A message if it has another form.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut taken_with = None;
        let mut counts = Vec::new();
        let lines = text.lines().map(str::trim);
        for line in lines.filter(|line| !line.is_empty() && !line.starts_with('#')) {
            if let Some(words) = line.strip_prefix(TAKEN_WITH) {
                taken_with = Some(words.to_owned());
                continue;
            }
            let parts = line.split_once(' ');
            let row = parts.and_then(|(count, name)| Some((count.parse().ok()?, name)));
            let (count, name) = row.ok_or_else(|| format!("not a count and a name: {line}"))?;
            counts.push((count, name.trim().to_owned()));
        }
        Ok(Self {
            taken_with: taken_with.ok_or("it does not say what it was taken with")?,
            counts,
        })
    }

    /// The count of this row.
    pub(crate) fn count(&self, row: &str) -> Option<u64> {
        let mut counts = self.counts.iter();
        counts
            .find(|(_, name)| name == row)
            .map(|(count, _)| *count)
    }
}

impl fmt::Display for Baseline {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "{HEAD}{TAKEN_WITH}{}", self.taken_with)?;
        for (count, name) in &self.counts {
            writeln!(formatter, "{count:>6} {name}")?;
        }
        Ok(())
    }
}

/// What counts are taken with on this machine.
///
/// # Errors
/// A message if the compiler does not say its version.
pub(crate) fn here() -> Result<String, String> {
    let rustc = env::var("RUSTC").unwrap_or_else(|_| "rustc".into());
    let version = answer(&rustc, "-vV").ok_or_else(|| format!("{rustc} does not run"))?;
    let line = |start: &str| version.lines().find_map(|line| line.strip_prefix(start));
    let rustc = line("rustc ").ok_or("rustc does not say its version")?;
    let target = line("host: ").ok_or("rustc does not say its target")?;
    // Its allocator and its copying of memory are counted too.
    let library = answer("getconf", "GNU_LIBC_VERSION");
    let library = library.map_or("another C library".into(), |line| line.trim().to_owned());
    Ok(format!("rustc {rustc}, {target}, {library}"))
}

fn answer(program: &str, argument: &str) -> Option<String> {
    let output = Command::new(program).arg(argument).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let baseline = Baseline {
            taken_with: "rustc 1.95.0 (59807616e 2026-04-14), some target, glibc 2.36".into(),
            counts: vec![(900, "spawn and await one".into()), (12_345, "echo".into())],
        };
        let read = Baseline::parse(&baseline.to_string());
        assert_eq!(read.as_ref(), Ok(&baseline));
        assert_eq!(baseline.count("echo"), Some(12_345));
        assert_eq!(baseline.count("spawn"), None);
    }

    #[test]
    fn another_form_is_refused() {
        assert!(Baseline::parse("").is_err());
        assert!(Baseline::parse("taken with rustc\nyield 346").is_err());
    }
}
