//! Medians, quantiles and ratios.

/// The median; for an even number of values, the mean of the middle two. `None` if there are no
/// values.
pub(crate) fn median(values: &[f64]) -> Option<f64> {
    let sorted = sorted(values);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => None,
        length if length % 2 == 1 => Some(sorted[middle]),
        _ => Some((sorted[middle - 1] + sorted[middle]) / 2.0),
    }
}

/// The smallest value that at least the fraction `part` (0 to 1) of the values does not exceed.
/// `None` if there are no values.
pub(crate) fn quantile(values: &[f64], part: f64) -> Option<f64> {
    let sorted = sorted(values);
    let rank = (part * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.max(1) - 1).copied()
}

/// The smallest value.
pub(crate) fn best(values: &[f64]) -> Option<f64> {
    values.iter().copied().min_by(f64::total_cmp)
}

/// The ratio of one runtime to another, over the rounds in which both have a sample.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ratio {
    /// The median of the ratios within each round.
    pub(crate) median: f64,
    /// The smallest and the largest of these ratios.
    pub(crate) range: (f64, f64),
    /// The ratio of the best samples of all rounds.
    pub(crate) best: f64,
}

impl Ratio {
    /// `None` if there is no round in which both have a sample.
    pub(crate) fn within_rounds(ours: &[Option<f64>], theirs: &[Option<f64>]) -> Option<Self> {
        let ratios: Vec<f64> = ours
            .iter()
            .zip(theirs)
            .filter_map(|(ours, theirs)| Some((*ours)? / (*theirs)?))
            .collect();
        let present = |values: &[Option<f64>]| values.iter().flatten().copied().collect::<Vec<_>>();
        Some(Self {
            median: median(&ratios)?,
            range: (best(&ratios)?, quantile(&ratios, 1.0)?),
            best: best(&present(ours))? / best(&present(theirs))?,
        })
    }
}

fn sorted(values: &[f64]) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_median_is_the_middle_or_the_mean_of_two() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), Some(2.5));
        assert_eq!(median(&[]), None);
    }

    #[test]
    fn a_quantile_is_one_of_the_values() {
        let values: Vec<f64> = (1..=100).map(f64::from).collect();
        assert_eq!(quantile(&values, 0.5), Some(50.0));
        assert_eq!(quantile(&values, 0.99), Some(99.0));
        assert_eq!(quantile(&values, 0.0), Some(1.0));
        assert_eq!(quantile(&[], 0.5), None);
    }

    #[test]
    fn a_ratio_is_taken_within_its_round() {
        // The machine is ten times slower in the second round, for both.
        let ours = [Some(1.0), Some(10.0), None];
        let theirs = [Some(2.0), Some(20.0), Some(2.0)];
        let ratio = Ratio::within_rounds(&ours, &theirs).expect("two rounds have both");
        assert_eq!(
            (ratio.median, ratio.range, ratio.best),
            (0.5, (0.5, 0.5), 0.5)
        );
    }

    #[test]
    fn without_a_common_round_there_is_no_ratio() {
        assert!(Ratio::within_rounds(&[Some(1.0), None], &[None, Some(1.0)]).is_none());
    }
}
