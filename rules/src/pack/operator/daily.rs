//! Operators over daily values: how unusual a day is for somebody, and how far days drift. A day is one of the calendar in
//! UTC, and its value the median of what was measured on it.
//!
//! Invariants: whole numbers all the way; without a week of days before, nothing is known; for trials only, because no
//! published protocol rests on them.

use super::{DAY_SECS, Ratio};
use crate::state::{Entry, NANO};

/// Fewest days: a week before the newest, so that every day of the week is in it once.
pub(super) const DAYS_MIN: usize = 8;

/// The weighted average moves by one part in so many towards each day.
const EWMA_PARTS: i128 = 4;

/// The weighted average is kept in so many parts of a thousand-millionth.
const EWMA_STEPS: i128 = 1 << 20;

/// The median absolute deviation of a normal distribution times 1.4826 is its standard deviation: in ten-thousandths.
const MAD_TO_SD: i128 = 14_826;

/// The median of amounts, half away from nought where it lies between two; none of none.
fn median(mut amounts: Vec<i64>) -> Option<i64> {
    amounts.sort_unstable();
    let (low, high) = (*amounts.get(amounts.len().checked_sub(1)? / 2)?, *amounts.get(amounts.len() / 2)?);
    let sum = low.checked_add(high)?;
    Some((sum + sum.signum()) / 2)
}

/// The value of each day, the oldest first.
fn days(values: &[Entry]) -> Vec<i64> {
    let day = |value: &Entry| value.secs.div_euclid(DAY_SECS);
    let of_day = |of: &[Entry]| median(of.iter().map(|value| value.nano).collect());
    values.chunk_by(|one, next| day(one) == day(next)).filter_map(of_day).collect()
}

/// How far the newest day is from the weighted average of those before it, in robust standard deviations; none where the days
/// before were all alike, because then nothing says how much is much.
pub(super) fn unusual(values: &[Entry]) -> Option<Ratio> {
    let days = days(values);
    let (now, before) = days.split_last().filter(|_| days.len() >= DAYS_MIN)?;
    let mut average = i128::from(*before.first()?) * EWMA_STEPS;
    for day in before {
        average += (i128::from(*day) * EWMA_STEPS - average) / EWMA_PARTS;
    }
    let middle = median(before.to_vec())?;
    let deviation = median(before.iter().map(|day| (day - middle).abs()).collect())?;
    let far = i128::from(*now) * EWMA_STEPS - average;
    let num = far.checked_mul(i128::from(NANO))?.checked_mul(10_000)?;
    Ratio::new(num, EWMA_STEPS * MAD_TO_SD * i128::from(deviation))
}

/// The cumulative sum of what days lie beyond the median of the first half of them, by more than a slack each.
pub(super) fn cusum(values: &[Entry], slack: i64, is_upward: bool) -> Option<Ratio> {
    let days = days(values);
    let (reference, rest) = days.split_at_checked(days.len() / 2).filter(|_| days.len() >= DAYS_MIN)?;
    let usual = median(reference.to_vec())?;
    let beyond = |sum: i128, day: &i64| {
        let from_usual = i128::from(*day) - i128::from(usual);
        if is_upward {
            (sum + from_usual - i128::from(slack)).max(0)
        } else {
            (sum + from_usual + i128::from(slack)).min(0)
        }
    };
    Ratio::new(rest.iter().fold(0, beyond), 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn series(days: &[i64]) -> Vec<Entry> {
        (0..).zip(days).map(|(day, nano)| Entry { secs: day * DAY_SECS + 30_000, nano: *nano * NANO }).collect()
    }

    fn text(ratio: Option<Ratio>) -> Option<String> {
        ratio.map(|ratio| ratio.rounded().to_string())
    }

    /// By hand: the days before have the median 80 and the median absolute deviation 1.
    #[test]
    fn a_day_is_as_unusual_as_by_hand() {
        let before = [80, 81, 79, 80, 82, 79, 80];
        let far = 84.0 - before.iter().fold(80.0, |average, day| average + (f64::from(*day) - average) / 4.0);
        let days: Vec<i64> = before.iter().map(|day| i64::from(*day)).chain([84]).collect();
        assert_eq!(text(unusual(&series(&days))), Some(format!("{:.2}", far / 1.4826)));
        assert_eq!(unusual(&series(&days[1..])), None, "less than a week before it");
        assert_eq!(unusual(&series(&[80; 12])), None, "all alike");
    }

    #[test]
    fn a_drift_counts_beyond_its_slack_and_from_the_first_half() {
        let days = [80, 80, 80, 80, 81, 82, 79, 84];
        // 0.5, 2.0, 0.5, 4.0 with a slack of a half.
        assert_eq!(text(cusum(&series(&days), NANO / 2, true)).as_deref(), Some("4.00"));
        assert_eq!(text(cusum(&series(&days), NANO / 2, false)).as_deref(), Some("0.00"));
        assert_eq!(text(cusum(&series(&[80, 80, 80, 80, 79, 78, 80, 80]), 0, false)).as_deref(), Some("-3.00"));
    }

    proptest! {
        /// Several values on one day are one day, whatever their order in it.
        #[test]
        fn a_day_counts_once(days in prop::collection::vec(50_i64..100, 8..30), more in 0_i64..3) {
            let one = series(&days);
            let mut several: Vec<Entry> = Vec::new();
            for entry in &one {
                several.extend((0..=more * 2).map(|place| Entry { secs: entry.secs + place - more, ..*entry }));
            }
            prop_assert_eq!(unusual(&one), unusual(&several));
            prop_assert_eq!(cusum(&one, NANO, true), cusum(&several, NANO, true));
        }

        /// A last day further up is never less unusual, and never less of a drift.
        #[test]
        fn further_is_never_less(days in prop::collection::vec(50_i64..100, 8..30), more in 0_i64..20) {
            let mut further = days.clone();
            *further.last_mut().unwrap() += more;
            let z = |days: &[i64]| unusual(&series(days)).map(|ratio| ratio.rounded());
            let drift = |days: &[i64]| cusum(&series(days), NANO, true).map(|ratio| ratio.rounded());
            prop_assert!(z(&days) <= z(&further));
            prop_assert!(drift(&days) <= drift(&further));
        }
    }
}
