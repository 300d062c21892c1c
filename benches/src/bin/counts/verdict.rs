//! Compares counts with those that are written down.

use std::fmt::{self, Write};

use crate::baseline::Baseline;
use crate::rows::Row;

/// What a row may rise, and what it may fall unmentioned, in per cent.
const TOLERATED: u64 = 3;

/// What becomes of one row.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Change {
    /// There is nothing to compare it with.
    Unknown,
    /// By this share, within what is tolerated.
    Within(f64),
    Rise(f64),
    Fall(f64),
}

impl Change {
    fn of(count: u64, before: Option<u64>) -> Self {
        let Some(before) = before else {
            return Self::Unknown;
        };
        let share = count as f64 / before as f64 - 1.0;
        // In whole numbers: what is tolerated exactly is tolerated.
        if 100 * count > (100 + TOLERATED) * before {
            Self::Rise(share)
        } else if 100 * count < (100 - TOLERATED) * before {
            Self::Fall(share)
        } else {
            Self::Within(share)
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (share, word) = match *self {
            Self::Unknown => return formatter.pad("–"),
            Self::Within(share) => (share, ""),
            Self::Rise(share) => (share, " RISE"),
            Self::Fall(share) => (share, " fall"),
        };
        formatter.pad(&format!("{:+.1} %{word}", 100.0 * share))
    }
}

/// The table, and whether the check passes.
#[derive(Debug)]
pub(crate) struct Verdict {
    pub(crate) table: String,
    pub(crate) passes: bool,
}

/// Compares the counts of these rows, which were taken `with` this, to the baseline.
pub(crate) fn compare(
    rows: &[&Row],
    counts: &[u64],
    with: &str,
    baseline: Option<&Baseline>,
) -> Verdict {
    let comparable = baseline.filter(|baseline| baseline.taken_with == with);
    let mut changes = Vec::new();
    let mut table = format!(
        "{:<24} {:>7} {:>8} {:>12} {:>6}\n",
        "instructions of one", "count", "baseline", "change", "goal"
    );
    for (row, &count) in rows.iter().zip(counts) {
        let before = comparable.and_then(|baseline| baseline.count(row.name));
        let change = Change::of(count, before);
        changes.push(change);
        let number = |number: Option<u64>| number.map_or("–".into(), |number| number.to_string());
        let (before, goal) = (number(before), number(row.goal));
        let name = row.name;
        let _ = writeln!(
            table,
            "{name:<24} {count:>7} {before:>8} {change:>12} {goal:>6}"
        );
    }
    let any = |wanted: fn(&Change) -> bool| changes.iter().any(wanted);
    let passes = match (baseline, comparable) {
        (None, _) => true,
        (Some(baseline), None) => {
            let before = &baseline.taken_with;
            let _ = writeln!(
                table,
                "NOT COMPARED: the baseline is of {before}; this is {with}. Renew it."
            );
            true
        }
        (_, Some(_)) if any(|change| matches!(change, Change::Rise(_))) => {
            table += "A row has risen by more than 3 %. Find out why; if it has to be, renew \
                      the baseline in the same commit.\n";
            false
        }
        (_, Some(_)) if any(|change| *change == Change::Unknown) => {
            table += "A row is not in the baseline: renew it.\n";
            false
        }
        (_, Some(_)) => {
            if any(|change| matches!(change, Change::Fall(_))) {
                table += "A row has fallen by more than 3 %: renew the baseline, so that it does \
                          not rise again unseen.\n";
            }
            true
        }
    };
    Verdict { table, passes }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::ROWS;

    const HERE: &str = "rustc 1";

    fn against(before: u64, taken_with: &str, count: u64) -> Verdict {
        let row = &ROWS[0];
        let baseline = Baseline {
            taken_with: taken_with.into(),
            counts: vec![(before, row.name.into())],
        };
        compare(&[row], &[count], HERE, Some(&baseline))
    }

    #[test]
    fn a_rise_fails() {
        assert!(against(1_000, HERE, 1_030).passes);
        let risen = against(1_000, HERE, 1_031);
        assert!(!risen.passes);
        assert!(risen.table.contains("+3.1 % RISE"), "{}", risen.table);
    }

    #[test]
    fn a_fall_passes_and_is_told() {
        let fallen = against(1_000, HERE, 900);
        assert!(fallen.passes);
        assert!(fallen.table.contains("-10.0 % fall"), "{}", fallen.table);
        assert!(fallen.table.contains("renew the baseline"));
        assert!(!against(1_000, HERE, 970).table.contains("renew"));
    }

    #[test]
    fn another_compiler_is_not_compared() {
        let other = against(1_000, "rustc 2", 2_000);
        assert!(other.passes);
        assert!(other.table.contains("NOT COMPARED"), "{}", other.table);
    }

    #[test]
    fn a_row_that_is_not_written_down_fails() {
        let rows = [&ROWS[0], &ROWS[1]];
        let baseline = Baseline {
            taken_with: HERE.into(),
            counts: vec![(7, ROWS[1].name.into())],
        };
        let verdict = compare(&rows, &[7, 7], HERE, Some(&baseline));
        assert!(!verdict.passes);
        assert!(verdict.table.contains("not in the baseline"));
    }
}
