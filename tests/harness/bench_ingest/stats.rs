//! Percentiles and medians.

use std::time::Duration;

/// How long things took, the shortest first.
#[derive(Debug, Clone, Default)]
pub(super) struct Spread(Vec<Duration>);

impl Spread {
    pub(super) fn new(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        Self(times)
    }

    pub(super) fn count(&self) -> usize {
        self.0.len()
    }

    /// The time that so many of a hundred did not exceed, in microseconds: the nearest rank.
    pub(super) fn micros(&self, of_a_hundred: usize) -> f64 {
        let rank = (self.0.len() * of_a_hundred).div_ceil(100).max(1);
        self.0.get(rank - 1).map_or(f64::NAN, |time| time.as_secs_f64() * 1e6)
    }
}

/// The middle one; of an even number the higher of the two in the middle. Not a number where there is none.
pub(super) fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().filter(|value| value.is_finite()).collect();
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// A count as a number to divide by or into.
pub(super) fn real(count: impl TryInto<u32>) -> f64 {
    f64::from(count.try_into().unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_the_nearest_rank() {
        let check = |count: u64, of_a_hundred, expected: f64| {
            let spread = Spread::new((1..=count).rev().map(Duration::from_micros).collect());
            assert!((spread.micros(of_a_hundred) - expected).abs() < 1e-6, "p{of_a_hundred} of {count}");
        };
        check(100, 50, 50.0);
        check(100, 99, 99.0);
        check(1000, 99, 990.0);
        check(1, 50, 1.0);
        check(3, 99, 3.0);
        assert!(Spread::default().micros(50).is_nan());
        assert!((median([3.0, f64::NAN, 1.0, 2.0]) - 2.0).abs() < 1e-9);
    }
}
