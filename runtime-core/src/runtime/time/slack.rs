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

/// The slack in whole numbers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Grid {
    /// The fraction, in units of 2⁻⁶⁴: at most the whole delay.
    fraction: u64,
    /// The limit, in nanoseconds: two or more.
    limit: u64,
}

impl From<Slack> for Grid {
    fn from(slack: Slack) -> Grid {
        let limit = u64::try_from(slack.at_most.as_nanos()).unwrap_or(u64::MAX);
        if limit < 2 {
            return Grid {
                fraction: 0,
                limit: u64::MAX,
            };
        }
        // Rounded up, as far as an `f64` can say: the limit of the default belongs to one second.
        let fraction = (slack.fraction * 2f64.powi(64)).ceil() as u64;
        Grid { fraction, limit }
    }
}

impl Grid {
    /// Returns the tick at which a timer for `when`, made at `now`, fires: the first point of a
    /// common grid that is not before `when`. The grid is as wide as the limit, or else the largest
    /// power of two that fits into the slack, so that timers with similar delays share its points.
    #[inline]
    pub(crate) fn apply(&self, now: Tick, when: Tick) -> Tick {
        if when == Tick::NEVER {
            return when;
        }
        let delay = when.0.saturating_sub(now.0);
        let wanted = ((u128::from(delay) * u128::from(self.fraction)) >> 64) as u64;
        let fires = if wanted >= self.limit {
            when.0.checked_next_multiple_of(self.limit)
        } else {
            let between = (1 << (wanted | 1).ilog2()) - 1;
            when.0.checked_add(between).map(|last| last & !between)
        };
        Tick(fires.map_or(when.0, |fires| fires.min(Tick::NEVER.0 - 1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timer_is_never_early_and_late_by_the_slack_at_most() {
        let slack = Grid::from(Slack::default());
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
    fn no_slack_is_none_and_a_large_one_is_the_delay_at_most() {
        let (now, when) = (Tick(1_000_003), Tick(9_000_017));
        let fires = |fraction, at_most| Grid::from(Slack { fraction, at_most }).apply(now, when);
        let second = Duration::from_secs(1);
        assert_eq!(fires(0.5, Duration::ZERO), when);
        assert_eq!(fires(0.5, Duration::from_nanos(1)), when);
        assert_eq!(fires(0.0, second), when);
        for fraction in [1.0, 3.0, f64::MAX] {
            let late = fires(fraction, second).since(when);
            assert!(late <= when.since(now), "{fraction}: {late:?}");
        }
        let always = Grid::from(Slack {
            fraction: 1.0,
            at_most: second,
        });
        assert_eq!(always.apply(now, Tick::NEVER), Tick::NEVER);
        assert!(always.apply(now, Tick(u64::MAX - 1)) < Tick::NEVER);
    }

    #[test]
    fn timers_of_a_second_meet_on_a_grid_of_two_milliseconds() {
        let slack = Grid::from(Slack::default());
        let fires: std::collections::BTreeSet<_> = (0..10_000u64)
            .map(|start| slack.apply(Tick(start * 100_000), Tick(start * 100_000 + 1_000_000_000)))
            .map(|tick| tick.0)
            .collect();
        assert!(fires.len() <= 501, "{} wake-ups", fires.len());
    }
}
