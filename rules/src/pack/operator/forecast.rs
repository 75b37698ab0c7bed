//! What a sensor's glucose will be in half an hour: an AR(2) forecast on its logarithm.
//!
//! Source of the figures: Nightscout, lib/plugins/ar2.js: coefficients 1.716 and -0.723 on ln(bg / 140 mg/dL), six steps of
//! five minutes. Invariants: whole numbers all the way, so that every machine forecasts the same; two values five minutes
//! apart, or nothing is known; for trials only.

use super::Ratio;
use crate::state::{Entry, NANO, VALUE_MAX};

/// What the logarithm is counted from: 140 mg/dL.
const CENTRE: i64 = 140 * NANO;

/// The newest value's coefficient and that of the one before, in thousandths.
const COEFFICIENTS: (i64, i64) = (1716, -723);

/// How many steps ahead.
const STEPS: usize = 6;

/// Two values so many seconds apart are one step apart: sensors speak every five minutes, a little early or late.
const STEP_SECS: std::ops::RangeInclusive<i64> = 240..=360;

/// A newest value older than this many seconds forecasts nothing that is not past.
const NEWEST_SECS_MAX: i64 = 360;

/// Binary places of a logarithm.
const PLACES: u32 = 32;

/// The logarithm to base 2 of an amount above nought, in parts of 2^32.
fn log2(amount: i64) -> Option<i64> {
    let whole = u64::try_from(amount).ok().filter(|amount| *amount > 0)?.ilog2();
    // The amount between 1 and 2, with 62 binary places; each squaring gives one place more of its logarithm.
    let mut rest = u128::try_from(amount).ok()? << (62 - whole);
    let mut log = i64::from(whole);
    for _ in 0..PLACES {
        rest = (rest * rest) >> 62;
        log <<= 1;
        if rest >= 1 << 63 {
            rest >>= 1;
            log += 1;
        }
    }
    Some(log)
}

/// The largest amount whose logarithm is not above `log`: the other way round, by halving.
fn power2(log: i64) -> Option<i64> {
    let (mut low, mut high) = (1_i64, VALUE_MAX);
    if log < log2(low)? {
        return Some(0);
    }
    while low < high {
        let middle = low + (high - low + 1) / 2;
        if log2(middle)? <= log { low = middle } else { high = middle - 1 }
    }
    Some(low)
}

/// The forecast from the newest value and the one a step before it.
pub(super) fn forecast(values: &[Entry], at: i64) -> Option<Ratio> {
    let newest = values.last().filter(|newest| at - newest.secs <= NEWEST_SECS_MAX)?;
    let before = values.iter().rev().find(|value| STEP_SECS.contains(&(newest.secs - value.secs)))?;
    let centre = log2(CENTRE)?;
    let (mut before, mut now) = (log2(before.nano)? - centre, log2(newest.nano)? - centre);
    for _ in 0..STEPS {
        let next = (now * COEFFICIENTS.0 + before * COEFFICIENTS.1) / 1000;
        (before, now) = (now, next);
    }
    power2(now + centre).map(Ratio::whole)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn two(before: i64, now: i64, apart: i64) -> Vec<Entry> {
        vec![Entry { secs: 1_000, nano: before * NANO }, Entry { secs: 1_000 + apart, nano: now * NANO }]
    }

    /// The same by its definition, in floating point.
    #[expect(clippy::as_conversions, reason = "an oracle in floating point")]
    fn by_definition(before: i64, now: i64) -> f64 {
        let mut last = [(before as f64 / 140.0).ln(), (now as f64 / 140.0).ln()];
        for _ in 0..6 {
            last = [last[1], -0.723 * last[0] + 1.716 * last[1]];
        }
        140.0 * last[1].exp()
    }

    proptest! {
        #[test]
        fn it_forecasts_what_its_definition_does(before in 40_i64..400, change in -15_i64..15) {
            let now = (before + change).clamp(40, 400);
            let found: f64 = forecast(&two(before, now, 300), 1_300).unwrap().rounded().to_string().parse().unwrap();
            let expected = by_definition(before, now);
            prop_assert!((found - expected).abs() < 0.011, "{} {}", found, expected);
        }
    }

    #[test]
    fn without_two_values_a_step_apart_nothing_is_known() {
        assert!(forecast(&two(100, 95, 300), 1_300).is_some());
        for (apart, at) in [(200, 1_200), (400, 1_400), (300, 1_700)] {
            assert_eq!(forecast(&two(100, 95, apart), at), None, "{apart} {at}");
        }
        assert_eq!(forecast(&two(0, 95, 300), 1_300), None, "no logarithm");
        assert_eq!(forecast(&two(100, 95, 300)[..1], 1_000), None);
    }
}
