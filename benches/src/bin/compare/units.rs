//! How figures are written.

/// A duration in the unit that leaves one to three digits before the point.
pub(crate) fn duration(nanoseconds: f64) -> String {
    let (value, unit) = match nanoseconds {
        ns if ns < 1e3 => (ns, "ns"),
        ns if ns < 1e6 => (ns / 1e3, "µs"),
        ns if ns < 1e9 => (ns / 1e6, "ms"),
        ns => (ns / 1e9, "s"),
    };
    let places = if value < 10.0 {
        2
    } else {
        usize::from(value < 100.0)
    };
    format!("{value:.places$} {unit}")
}

/// A ratio with two or three significant digits.
pub(crate) fn digits(ratio: f64) -> String {
    let places = match ratio {
        ratio if ratio < 0.1 => 3,
        ratio if ratio < 10.0 => 2,
        _ => 0,
    };
    format!("{ratio:.places$}")
}

/// A ratio as a factor.
pub(crate) fn times(ratio: f64) -> String {
    format!("×{}", digits(ratio))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_written_in_its_own_unit() {
        assert_eq!(duration(7.25), "7.25 ns");
        assert_eq!(duration(442.0), "442 ns");
        assert_eq!(duration(15_400.0), "15.4 µs");
        assert_eq!(duration(150e6), "150 ms");
    }

    #[test]
    fn a_ratio_keeps_the_digits_that_count() {
        assert_eq!(digits(0.0041), "0.004");
        assert_eq!(digits(0.354), "0.35");
        assert_eq!(digits(61.7), "62");
    }
}
