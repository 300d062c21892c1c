//! The page: what the pictures show, and the rows that grow.

use std::fmt::Write;
use std::thread;

use super::measure::{Curve, RUNTIMES, Strip};
use crate::cli::Options;
use crate::units::times;
use crate::workload::Runtime;

/// The subjects, in the order of the page; the rows whose names contain one of the parts. A row
/// belongs to the first that fits.
const SUBJECTS: [(&str, &[&str]); 7] = [
    ("memory", &["memory of"]),
    ("sockets", &["sockets:"]),
    ("streams", &["streams:", "tls:"]),
    ("children", &["children:"]),
    ("timers", &["timer", "timeout"]),
    (
        "sharing",
        &[
            "channel",
            "lock,",
            "lock held",
            "semaphore",
            "event",
            "queue",
        ],
    ),
    ("tasks", &[""]),
];

fn subject(strip: &Strip) -> &'static str {
    let fits = |parts: &[&str]| parts.iter().any(|part| strip.title.contains(part));
    let found = SUBJECTS.iter().find(|(_, parts)| fits(parts));
    found.map_or("tasks", |(name, _)| name)
}

/// The strips of each subject that has any; tasks come first.
pub(super) fn by_subject(strips: &[Strip]) -> Vec<(&'static str, Vec<&Strip>)> {
    let subjects = SUBJECTS.iter().rev().map(|(name, _)| {
        let own = strips.iter().filter(|strip| subject(strip) == *name);
        (*name, own.collect::<Vec<_>>())
    });
    subjects.filter(|(_, own)| !own.is_empty()).collect()
}

/// The path of the picture of a subject, from the page.
pub(super) fn picture(subject: &str) -> String {
    format!("growth/{subject}.svg")
}

/// The text of the page.
pub(super) fn write(strips: &[Strip], options: &Options) -> String {
    let mut page = String::from(INTRODUCTION);
    page += &named(strips);
    for (subject, _) in by_subject(strips) {
        let mut title = subject.to_owned();
        title[..1].make_ascii_uppercase();
        let path = picture(subject);
        let _ = write!(page, "\n## {title}\n\n![{title}: cost by size]({path})\n");
    }
    let most = strips.iter().map(|strip| strip.others).fold(0.0, f64::max);
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let _ = write!(
        page,
        "\n## The run\n\n{cores} cores, the best of {} rounds at scale {}. Others used at most \
         {:.0} % of the machine during a row.\n",
        options.rounds,
        options.scale,
        100.0 * most
    );
    page
}

/// The rows that grow: those of asyncio, and beside each the same for the other runtime.
fn named(strips: &[Strip]) -> String {
    let mut lines = String::new();
    for strip in strips {
        for curve in of(strip, Runtime::Asyncio).filter(|curve| curve.rises()) {
            let growth = curve.growth().map_or("–".into(), times);
            let other = of(strip, RUNTIMES[0]).find(|other| other.workers == curve.workers);
            let other = other.and_then(Curve::growth).map_or("–".into(), times);
            let (name, workers) = (&strip.title, curve.workers);
            let _ = writeln!(lines, "| {name} | {workers} | {growth} | {other} |");
        }
    }
    match lines.is_empty() {
        true => "No row grows by more than a quarter.\n".into(),
        false => format!("{HEADING}{lines}"),
    }
}

fn of(strip: &Strip, runtime: Runtime) -> impl Iterator<Item = &Curve> {
    let curves = strip.curves.iter();
    curves.filter(move |curve| curve.runtime == runtime)
}

const INTRODUCTION: &str = "\
# How the cost grows

This page is for everyone who wants to know whether an operation gets dearer when there is more of
it. After it you know which rows of `compare` do, at up to ten times their size, with 1, 2 and 4
workers.

A chart shows the time (or the memory) of one operation against the size: the number of tasks,
timers, questions or whatever the row is about. Both axes are logarithmic. **A flat line is what
should be**: ten times the work takes ten times as long. A line that falls from the first point to
the second has a fixed cost, which a lap of the smallest size does not hide. The number at the end
of a line says how many times dearer the last step makes an operation; it is bold if that is more
than a quarter. (A step is to ten times the size; the last one of connections is to twice as many.)

More workers than cores show what the threads cost one another, not how the runtime scales.

The page and its pictures are written by one command, on a machine that does nothing else:

```sh
cargo run --release -p benches --bin compare -- --growth docs
```

## Rows that grow

";

const HEADING: &str = "\
By more than a quarter in the last step:

| row | workers | asyncio | tokio |
|---|--:|--:|--:|
";
