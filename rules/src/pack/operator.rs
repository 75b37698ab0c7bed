//! The operators that look back: what a list of values comes to at one moment.
//!
//! Invariants: whole numbers all the way, so that a comparison is exact; a window holds both its ends; what cannot be known
//! from the readings there are is `None`, and never a guess.

use crate::state::{Entry, NANO, Series};
use vitals::Decimal;

/// Seconds in a day.
const DAY_SECS: i64 = 86_400;

/// Days of readings that NICE wants of home monitoring at the least (NG136 1.2.7, by way of pharmacy-notebook).
pub const HOME_DAYS_MIN: usize = 4;

/// What is made of the values in a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fold {
    /// The newest.
    Latest,
    /// The mean.
    Mean,
    /// The middle one; of two in the middle, halfway between.
    Median,
    /// The lowest.
    Lowest,
    /// The highest.
    Highest,
    /// The mean without the first day, of at least [`HOME_DAYS_MIN`] days: home blood pressure as NICE averages it.
    HomeAverage,
    /// The newest less the lowest.
    ChangeFromLowest,
    /// The newest less the highest.
    ChangeFromHighest,
    /// The newest less the one before it.
    ChangeFromPrevious,
    /// The newest less the median of those before it: the person's own baseline.
    ChangeFromUsual,
    /// The slope of the least-squares line.
    Slope,
    /// The newest less the oldest, over the time between them.
    Rate,
}

impl Fold {
    /// Least number of values it can be made of.
    #[must_use]
    pub fn least(self) -> usize {
        match self {
            Self::Latest | Self::Mean | Self::Median | Self::Lowest | Self::Highest => 1,
            Self::ChangeFromLowest | Self::ChangeFromHighest | Self::ChangeFromPrevious | Self::Rate => 2,
            Self::Slope => 3,
            Self::HomeAverage => HOME_DAYS_MIN,
            // Fewer are no baseline.
            Self::ChangeFromUsual => 6,
        }
    }

    /// Whether it is an amount in each stretch of time.
    #[must_use]
    pub fn is_per_time(self) -> bool {
        matches!(self, Self::Slope | Self::Rate)
    }
}

/// Which values an operator reads, counted back from the moment it is asked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// How far back, in seconds.
    pub span: i64,
    /// At most so many, the newest.
    pub last: usize,
    /// At least so many; with fewer, nothing is known.
    pub at_least: usize,
}

impl Window {
    /// The values in it at a moment.
    #[must_use]
    pub fn values(self, series: &Series, at: i64) -> &[Entry] {
        let within = series.between(at.saturating_sub(self.span).saturating_sub(1), at);
        within.get(within.len().saturating_sub(self.last)..).unwrap_or_default()
    }
}

/// An exact result: `num / den`, in thousand-millionths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ratio {
    num: i128,
    /// Above nought.
    den: i128,
}

impl Ratio {
    /// A whole number of thousand-millionths.
    #[must_use]
    pub fn whole(nano: i64) -> Self {
        Self { num: nano.into(), den: 1 }
    }

    fn new(num: i128, den: i128) -> Option<Self> {
        (den > 0).then_some(Self { num, den })
    }

    /// How it stands to a bound in thousand-millionths.
    #[must_use]
    pub fn cmp_bound(self, bound: i64) -> Option<std::cmp::Ordering> {
        Some(self.num.cmp(&self.den.checked_mul(bound.into())?))
    }

    /// The same as a decimal of two places, half away from nought: for people to read, never to compare.
    #[must_use]
    pub fn rounded(self) -> Decimal {
        let den = self.den.saturating_mul(i128::from(NANO / 100));
        let half = if self.num < 0 { -(den / 2) } else { den / 2 };
        let cents = i64::try_from(self.num.saturating_add(half) / den.max(1)).unwrap_or(i64::MAX);
        Decimal::from_parts(cents, -2).unwrap_or(Decimal::from(0))
    }
}

/// What the values of a window come to.
///
/// `own` is the value of the reading that is judged, which may not be in the list because its device doubts it: such a value
/// may raise an alert and belongs to no average.
#[must_use]
pub fn fold(fold: Fold, window: Window, per_secs: i64, series: &Series, at: i64, own: Option<i64>) -> Option<Ratio> {
    let values = window.values(series, at);
    let enough = || (values.len() >= window.at_least).then_some(values);
    let change = || now_and_before(values, at, own).filter(|(_, before)| before.len() + 1 >= window.at_least);
    match fold {
        Fold::Latest => own.or_else(|| values.last().map(|last| last.nano)).map(Ratio::whole),
        Fold::Mean => enough().and_then(mean),
        Fold::Median => enough().and_then(median),
        Fold::Lowest => enough().and_then(lowest),
        Fold::Highest => enough().and_then(highest),
        Fold::HomeAverage => enough().and_then(home_average),
        Fold::Slope => slope(enough()?, per_secs),
        Fold::Rate => rate(enough()?, per_secs),
        Fold::ChangeFromLowest => {
            let (now, before) = change()?;
            less(now, Ratio::whole(before.iter().map(|value| value.nano).min()?.min(now)))
        }
        Fold::ChangeFromHighest => {
            let (now, before) = change()?;
            less(now, Ratio::whole(before.iter().map(|value| value.nano).max()?.max(now)))
        }
        Fold::ChangeFromPrevious => {
            let (now, before) = change()?;
            less(now, Ratio::whole(before.last()?.nano))
        }
        Fold::ChangeFromUsual => {
            let (now, before) = change()?;
            less(now, median(before)?)
        }
    }
}

fn len(values: &[Entry]) -> i128 {
    i128::try_from(values.len()).unwrap_or(i128::MAX)
}

fn sum(values: &[Entry]) -> i128 {
    values.iter().map(|value| i128::from(value.nano)).sum()
}

fn mean(values: &[Entry]) -> Option<Ratio> {
    Ratio::new(sum(values), len(values))
}

fn lowest(values: &[Entry]) -> Option<Ratio> {
    values.iter().map(|value| value.nano).min().map(Ratio::whole)
}

fn highest(values: &[Entry]) -> Option<Ratio> {
    values.iter().map(|value| value.nano).max().map(Ratio::whole)
}

fn median(values: &[Entry]) -> Option<Ratio> {
    let mut amounts: Vec<i64> = values.iter().map(|value| value.nano).collect();
    amounts.sort_unstable();
    let (low, high) = (amounts.get(amounts.len().checked_sub(1)? / 2)?, amounts.get(amounts.len() / 2)?);
    Ratio::new(i128::from(*low) + i128::from(*high), 2)
}

/// The values without those of the first day, where there are days enough. A day is one of the calendar in UTC: in summer
/// the hour after a British midnight counts to the day before.
fn home_average(values: &[Entry]) -> Option<Ratio> {
    let day = |value: &Entry| value.secs.div_euclid(DAY_SECS);
    let first = values.first().map(day)?;
    let days = 1 + values.windows(2).filter(|pair| pair.first().map(day) != pair.last().map(day)).count();
    let rest = values.get(values.partition_point(|value| day(value) <= first)..)?;
    if days < HOME_DAYS_MIN { None } else { mean(rest) }
}

fn slope(values: &[Entry], per_secs: i64) -> Option<Ratio> {
    let from = values.first()?.secs;
    let (mut seconds, mut squares, mut products) = (0_i128, 0_i128, 0_i128);
    for value in values {
        let after = i128::from(value.secs - from);
        seconds += after;
        squares += after * after;
        products += after * i128::from(value.nano);
    }
    let num = len(values).checked_mul(products)?.checked_sub(seconds.checked_mul(sum(values))?)?;
    let den = len(values).checked_mul(squares)?.checked_sub(seconds.checked_mul(seconds)?)?;
    Ratio::new(num.checked_mul(per_secs.into())?, den)
}

fn rate(values: &[Entry], per_secs: i64) -> Option<Ratio> {
    let (oldest, newest) = (values.first()?, values.last()?);
    let num = (i128::from(newest.nano) - i128::from(oldest.nano)).checked_mul(per_secs.into())?;
    Ratio::new(num, i128::from(newest.secs) - i128::from(oldest.secs))
}

/// The newest value and those before it: what was taken at the moment itself is the newest, in the list or not.
fn now_and_before(values: &[Entry], at: i64, own: Option<i64>) -> Option<(i64, &[Entry])> {
    match (own, values.split_last()) {
        (Some(own), Some((last, before))) if (last.secs, last.nano) == (at, own) => Some((own, before)),
        (Some(own), _) => Some((own, values)),
        (None, Some((last, before))) => Some((last.nano, before)),
        (None, None) => None,
    }
}

fn less(now: i64, from: Ratio) -> Option<Ratio> {
    Ratio::new(i128::from(now) * from.den - from.num, from.den)
}

/// How many of the values in a window meet a test, and how many there are; `own` counts where it is not among them.
#[must_use]
pub fn met(values: &[Entry], last: usize, at: i64, own: Option<i64>, meets: impl Fn(i64) -> bool) -> (usize, usize) {
    let is_among = |own: i64| values.last().is_some_and(|value| (value.secs, value.nano) == (at, own));
    let extra = own.filter(|own| !is_among(*own));
    let room = last.saturating_sub(usize::from(extra.is_some()));
    let newest = values.get(values.len().saturating_sub(room)..).unwrap_or_default();
    let among = newest.iter().filter(|value| meets(value.nano)).count();
    (among + usize::from(extra.is_some_and(meets)), newest.len() + usize::from(extra.is_some()))
}

/// For how many seconds up to its newest value a list has met a test, with no gap longer than `gap` seconds; none where it
/// does not meet it, or its newest is older than a gap.
#[must_use]
pub fn met_for(values: &[Entry], at: i64, gap: i64, meets: impl Fn(i64) -> bool) -> Option<i64> {
    let (mut from, mut newest) = (None, None);
    for value in values.iter().rev() {
        let follows = from.unwrap_or(at).saturating_sub(value.secs) <= gap;
        if !follows || !meets(value.nano) {
            // Two values of one second that disagree are no unbroken stretch.
            if from == Some(value.secs) {
                from = None;
            }
            break;
        }
        newest.get_or_insert(value.secs);
        from = Some(value.secs);
    }
    Some(newest?.saturating_sub(from?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::{History, SeriesKey};
    use proptest::{prelude::*, sample::select};
    use serde_json::Value;

    const FOLDS: [Fold; 12] = [
        Fold::Latest,
        Fold::Mean,
        Fold::Median,
        Fold::Lowest,
        Fold::Highest,
        Fold::HomeAverage,
        Fold::ChangeFromLowest,
        Fold::ChangeFromHighest,
        Fold::ChangeFromPrevious,
        Fold::ChangeFromUsual,
        Fold::Slope,
        Fold::Rate,
    ];

    fn series(values: &[(i64, i64)]) -> Series {
        let key = SeriesKey::of("weight", &[]);
        let mut history = History::default();
        for (secs, amount) in values {
            history.put(key, Entry { secs: *secs, nano: amount * NANO }, i64::MAX);
        }
        history.of(key).clone()
    }

    /// The same by the definition, in floating point: for comparison only.
    #[expect(clippy::as_conversions, reason = "an oracle in floating point")]
    fn by_definition(what: Fold, values: &[(i64, i64)]) -> Option<f64> {
        let amounts: Vec<f64> = values.iter().map(|(_, amount)| *amount as f64).collect();
        let seconds: Vec<f64> = values.iter().map(|(secs, _)| *secs as f64).collect();
        let mean = |of: &[f64]| of.iter().sum::<f64>() / of.len() as f64;
        let median = |of: &[f64]| {
            let mut sorted = of.to_vec();
            sorted.sort_by(f64::total_cmp);
            (sorted[(sorted.len() - 1) / 2] + sorted[sorted.len() / 2]) / 2.0
        };
        let (last, before) = amounts.split_last()?;
        let least = |of: &[f64]| of.iter().copied().fold(f64::INFINITY, f64::min);
        let most = |of: &[f64]| of.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        if values.len() < what.least() {
            return None;
        }
        Some(match what {
            Fold::Latest => *last,
            Fold::Mean => mean(&amounts),
            Fold::Median => median(&amounts),
            Fold::Lowest => least(&amounts),
            Fold::Highest => most(&amounts),
            Fold::HomeAverage => {
                let day = |secs: i64| secs.div_euclid(86_400);
                let days: std::collections::BTreeSet<i64> = values.iter().map(|(secs, _)| day(*secs)).collect();
                let rest: Vec<f64> = values
                    .iter()
                    .filter(|(secs, _)| day(*secs) > *days.first().unwrap())
                    .map(|(_, amount)| *amount as f64)
                    .collect();
                return (days.len() >= 4).then(|| mean(&rest));
            }
            Fold::ChangeFromLowest => last - least(&amounts),
            Fold::ChangeFromHighest => last - most(&amounts),
            Fold::ChangeFromPrevious => last - before.last()?,
            Fold::ChangeFromUsual => last - median(before),
            Fold::Slope => {
                let (x, y) = (mean(&seconds), mean(&amounts));
                let top: f64 = seconds.iter().zip(&amounts).map(|(a, b)| (a - x) * (b - y)).sum();
                let below: f64 = seconds.iter().map(|a| (a - x) * (a - x)).sum();
                top / below * 86_400.0
            }
            Fold::Rate => (last - amounts.first()?) / (seconds.last()? - seconds.first()?) * 86_400.0,
        })
    }

    proptest! {
        #[test]
        #[expect(clippy::as_conversions, reason = "an oracle in floating point")]
        fn every_operator_is_what_its_definition_says(
            values in prop::collection::btree_map(0_i64..900_000, 50_i64..250, 1..40), what in select(FOLDS.to_vec()),
        ) {
            let values: Vec<(i64, i64)> = values.into_iter().collect();
            let window = Window { span: 1_000_000, last: 64, at_least: what.least() };
            let found = fold(what, window, 86_400, &series(&values), 900_000, None);
            let expected = by_definition(what, &values);
            prop_assert_eq!(found.is_some(), expected.is_some());
            if let (Some(found), Some(expected)) = (found, expected) {
                let found = found.num as f64 / found.den as f64 / 1e9;
                prop_assert!((found - expected).abs() < 1e-6 * (1.0 + expected.abs()), "{} {}", found, expected);
            }
        }

        /// A window holds both its ends, and of what is in it only the newest.
        #[test]
        fn a_window_holds_what_it_says(
            values in prop::collection::btree_map(0_i64..100, 0_i64..9, 1..30), span in 0_i64..60, last in 1_usize..20, at in 0_i64..100,
        ) {
            let values: Vec<(i64, i64)> = values.into_iter().collect();
            let window = Window { span, last, at_least: 1 };
            let expected: Vec<i64> = values.iter().map(|(secs, _)| *secs).filter(|secs| (at - span..=at).contains(secs)).collect();
            let expected = &expected[expected.len().saturating_sub(last)..];
            let kept = series(&values);
            let found: Vec<i64> = window.values(&kept, at).iter().map(|entry| entry.secs).collect();
            prop_assert_eq!(found, expected);
        }
    }

    /// A comparison is exact where floating point is not: the mean of 0.1, 0.2 and 0.3 is 0.2.
    #[test]
    fn a_mean_on_its_bound_is_on_it() {
        let key = SeriesKey::of("weight", &[]);
        let mut history = History::default();
        for (secs, tenths) in [(1, 1), (2, 2), (3, 3)] {
            history.put(key, Entry { secs, nano: tenths * NANO / 10 }, 10);
        }
        let window = Window { span: 10, last: 64, at_least: 1 };
        let mean = fold(Fold::Mean, window, 1, history.of(key), 3, None).unwrap();
        assert_eq!(mean.cmp_bound(NANO / 5), Some(std::cmp::Ordering::Equal));
        assert_eq!(mean.rounded().to_string(), "0.20");
    }

    #[test]
    fn a_value_that_is_not_kept_counts_for_what_it_is_and_for_no_average() {
        let kept = series(&[(1, 90), (2, 92)]);
        let window = Window { span: 100, last: 64, at_least: 1 };
        let of = |what, own| fold(what, window, 1, &kept, 3, own).map(|ratio| ratio.rounded().to_string());
        assert_eq!(of(Fold::Mean, Some(50 * NANO)).as_deref(), Some("91.00"));
        assert_eq!(of(Fold::ChangeFromHighest, Some(50 * NANO)).as_deref(), Some("-42.00"));
        assert_eq!(of(Fold::Latest, Some(50 * NANO)).as_deref(), Some("50.00"));
        let (values, below) = (window.values(&kept, 3), |nano: i64| nano < 91 * NANO);
        assert_eq!(met(values, 3, 3, Some(50 * NANO), below), (2, 3));
        assert_eq!(met(values, 2, 3, Some(50 * NANO), below), (1, 2));
        assert_eq!(met(values, 2, 2, Some(92 * NANO), below), (1, 2), "it is among them already");
    }

    #[test]
    fn a_stretch_is_unbroken_up_to_now() {
        let values = |secs: &[i64]| series(&secs.iter().map(|secs| (*secs, 1)).collect::<Vec<_>>()).entries().to_vec();
        let stretch = |secs: &[i64], at| met_for(&values(secs), at, 10, |_| true);
        assert_eq!(stretch(&[0, 10, 20], 20), Some(20));
        assert_eq!(stretch(&[0, 11, 20], 20), Some(9), "a gap is a break");
        assert_eq!(stretch(&[0, 10], 21), None, "nothing is known of now");
        let both = series(&[(0, 1), (5, 1), (5, 2)]).entries().to_vec();
        assert_eq!(met_for(&both, 5, 10, |nano| nano == 2 * NANO), None, "the two of one second disagree");
    }

    fn rows(kind: &str) -> Vec<Value> {
        let all = include_str!("../../tests/vectors/clinical.jsonl").lines();
        all.map(|line| serde_json::from_str::<Value>(line).unwrap()).filter(|row| row["kind"] == kind).collect()
    }

    /// The published cases of weight gain: more than 2 kg over the lowest of the 3 days before.
    #[test]
    fn weight_gain_is_as_published() {
        let rows = rows("hf_weight_gain");
        assert_eq!(rows.len(), 4);
        for row in rows {
            let days = row["input"]["day_weight_kg"].as_array().unwrap();
            let key = SeriesKey::of("weight", &[]);
            let window =
                Window { span: row["input"]["window_days"].as_i64().unwrap() * DAY_SECS, last: 64, at_least: 2 };
            let limit = Decimal::parse(&row["input"]["limit_kg"].to_string()).unwrap();
            let (mut history, mut alerts) = (History::default(), Vec::new());
            for day in days {
                let (at, weight) = (day[0].as_i64().unwrap() * DAY_SECS, Decimal::parse(&day[1].to_string()).unwrap());
                history.put(key, Entry { secs: at, nano: super::super::item::nano(weight).unwrap() }, 100 * DAY_SECS);
                let gain = fold(Fold::ChangeFromLowest, window, 1, history.of(key), at, None);
                let is_over = gain.and_then(|gain| gain.cmp_bound(super::super::item::nano(limit).unwrap()));
                alerts.extend((is_over == Some(std::cmp::Ordering::Greater)).then_some(at / DAY_SECS));
            }
            let expected: Vec<i64> =
                row["expected"]["alert_days"].as_array().unwrap().iter().map(|day| day.as_i64().unwrap()).collect();
            assert_eq!(alerts, expected, "{row}");
        }
    }

    /// The published cases of the home average, four readings a day.
    #[test]
    fn the_home_average_is_as_published() {
        let rows = rows("hbpm_average");
        assert_eq!(rows.len(), 2);
        for row in rows {
            let days = row["input"]["days"].as_array().unwrap();
            for (component, expected) in [(0, "avg_systolic"), (1, "avg_diastolic")] {
                let of_day = |(day, readings): (usize, &Value)| {
                    let start = i64::try_from(day).unwrap() * DAY_SECS;
                    let readings =
                        readings.as_array().unwrap().iter().map(|reading| reading[component].as_i64().unwrap());
                    (0..).zip(readings).map(|(place, amount)| (start + place * 600, amount)).collect::<Vec<_>>()
                };
                let values: Vec<(i64, i64)> = days.iter().enumerate().flat_map(of_day).collect();
                let window = Window { span: 7 * DAY_SECS, last: 64, at_least: HOME_DAYS_MIN };
                let average = fold(Fold::HomeAverage, window, 1, &series(&values), 7 * DAY_SECS, None);
                let one_place = average.map(|average| average.rounded().divided_rounded(Decimal::from(1), 1).unwrap());
                let expected = row["expected"].get(expected).map(|number| Decimal::parse(&number.to_string()).unwrap());
                assert_eq!(one_place, expected, "{row}");
            }
        }
    }
}
