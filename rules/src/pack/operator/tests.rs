//! The operators against their definitions, in floating point, and against the public cases.

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
        // Each has tests beside it.
        Fold::Unusual | Fold::Cusum { .. } | Fold::Forecast => return None,
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
    let all = include_str!("../../../tests/vectors/clinical.jsonl").lines();
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
        let window = Window { span: row["input"]["window_days"].as_i64().unwrap() * DAY_SECS, last: 64, at_least: 2 };
        let limit = Decimal::parse(&row["input"]["limit_kg"].to_string()).unwrap();
        let (mut history, mut alerts) = (History::default(), Vec::new());
        for day in days {
            let (at, weight) = (day[0].as_i64().unwrap() * DAY_SECS, Decimal::parse(&day[1].to_string()).unwrap());
            history.put(key, Entry { secs: at, nano: crate::pack::item::nano(weight).unwrap() }, 100 * DAY_SECS);
            let gain = fold(Fold::ChangeFromLowest, window, 1, history.of(key), at, None);
            let is_over = gain.and_then(|gain| gain.cmp_bound(crate::pack::item::nano(limit).unwrap()));
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
                let readings = readings.as_array().unwrap().iter().map(|reading| reading[component].as_i64().unwrap());
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
