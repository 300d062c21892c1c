//! The slack of timers: how late a timer may fire, so that many timers share one wake-up.

use std::time::Duration;

use super::clock::Tick;

/// The slack as a fraction of the delay, with a limit. A timed wake-up costs the processor 20 to 30
/// microseconds: ten thousand exact timers of one second each would use most of a core.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Slack {
    pub(crate) fraction: f64,
    pub(crate) at_most: Duration,
}

impl Default for Slack {
    fn default() -> Slack {
        Slack {
            fraction: 0.002,
            at_most: Duration::from_millis(2),
        }
    }
}

impl Slack {
    /// Returns the tick at which a timer for `when`, made at `now`, fires: the first point of a
    /// common grid that is not before `when`. The grid is as wide as the limit, or else the largest
    /// power of two that fits into the slack, so that timers with similar delays share its points.
    pub(crate) fn apply(&self, now: Tick, when: Tick) -> Tick {
        let limit = u64::try_from(self.at_most.as_nanos()).unwrap_or(u64::MAX);
        let wanted = (when.since(now).as_nanos() as f64 * self.fraction) as u64;
        let grid = if wanted >= limit {
            limit
        } else {
            wanted.checked_ilog2().map_or(0, |log| 1 << log)
        };
        if grid < 2 || when == Tick::NEVER {
            return when;
        }
        let fires = when.0.checked_next_multiple_of(grid).unwrap_or(when.0);
        Tick(fires.min(Tick::NEVER.0 - 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timer_is_never_early_and_late_by_the_slack_at_most() {
        let slack = Slack::default();
        for delay in (0..60)
            .map(|log| 1u64 << log)
            .flat_map(|delay| [delay - 1, delay, delay + 1])
        {
            for now in [0, 1, 999_999_937] {
                let when = Tick(now + delay);
                let fires = slack.apply(Tick(now), when);
                let late = fires.since(when);
                assert!(fires >= when);
                assert!(
                    late.as_nanos() <= u128::from(delay) / 500,
                    "{delay}: {late:?}"
                );
                assert!(late <= Duration::from_millis(2));
            }
        }
    }

    #[test]
    fn timers_of_a_second_meet_on_a_grid_of_two_milliseconds() {
        let slack = Slack::default();
        let fires: std::collections::BTreeSet<_> = (0..10_000u64)
            .map(|start| slack.apply(Tick(start * 100_000), Tick(start * 100_000 + 1_000_000_000)))
            .map(|tick| tick.0)
            .collect();
        assert!(fires.len() <= 501, "{} wake-ups", fires.len());
    }
}
