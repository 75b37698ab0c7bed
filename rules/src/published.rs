//! Published tables and rules as they stand at their sources, by their names there.
//!
//! For reports, and to hold our own protocols to. None of them raises an alert: what raises one is a protocol, with its own limits.

mod news2;
mod over_days;

pub use news2::News2Response;
pub use over_days::{HomeAverage, NoHomeAverage, home_average, weight_gain_days};

use crate::{
    pack::operator::met_for,
    state::{Entry, NANO},
};
use vitals::Decimal;

/// Bands of one measure: the first begins below everything, each other at its own lowest amount.
#[derive(Debug, Clone, Copy)]
pub struct Bands {
    /// The step an amount is brought to before it is looked up: places after the point.
    places: u32,
    /// The name of the lowest band.
    lowest: &'static str,
    /// Where each other band begins, in the last place, and its name.
    from: &'static [(i32, &'static str)],
}

impl Bands {
    /// The band an amount is in; none where it is too large to look up.
    ///
    /// ```
    /// use rules::published::KETONE;
    /// assert_eq!(KETONE.of(vitals::Decimal::parse("1.6").unwrap()), Some("impending_dka"));
    /// ```
    #[must_use]
    pub fn of(&self, amount: Decimal) -> Option<&'static str> {
        let amount = amount.divided_rounded(Decimal::from(1), self.places)?;
        let exponent = i8::try_from(self.places).ok()?;
        let begins = |from: i32| Decimal::from_parts(from.into(), -exponent);
        let holds = |(from, _): &&(i32, &str)| begins(*from).is_some_and(|from| from <= amount);
        Some(self.from.iter().rev().find(holds).map_or(self.lowest, |(_, name)| *name))
    }
}

/// Glucose in mg/dL. Source: ATTD consensus, Table 1 (care.diabetesjournals.org highwire 53358).
pub const GLUCOSE_MG: Bands = Bands {
    places: 0,
    lowest: "low_level2",
    from: &[(54, "low_level1"), (70, "in_range"), (181, "high_level1"), (251, "high_level2")],
};

/// Glucose in mmol/L. Source: the same.
pub const GLUCOSE: Bands = Bands {
    places: 1,
    lowest: "low_level2",
    from: &[(30, "low_level1"), (39, "in_range"), (101, "high_level1"), (140, "high_level2")],
};

/// Ketone (beta-hydroxybutyrate) in mmol/L. Source: care.diabetesjournals.org highwire 57712, Table 1. Our protocol is red
/// from 3.0 itself, the criterion of ketoacidosis.
pub const KETONE: Bands =
    Bands { places: 1, lowest: "normal", from: &[(6, "ketonaemia"), (16, "impending_dka"), (31, "probable_dka")] };

/// Oxygen saturation in percent. Source: COVID Oximetry @home (thewhitehorsepractice.nhs.uk; pmsinstruments.co.uk). Not for
/// known chronic lung disease or a lower usual saturation.
pub const OXIMETRY_AT_HOME: Bands = Bands { places: 0, lowest: "red", from: &[(93, "amber"), (95, "green")] };

/// Where a saturation lies against a target of 88 to 92%. Source: BTS oxygen guideline (thorax.bmj.com Table 3; emj 38/3/170).
pub const TARGET_88_92: Bands = Bands { places: 0, lowest: "below", from: &[(88, "in_target"), (93, "above")] };

/// Systolic home average in mmHg. Source: NICE NG136 by way of diabetes.madeeasier.io.
const HOME_SYSTOLIC: Bands = Bands { places: 0, lowest: "normal", from: &[(135, "stage1"), (150, "stage2")] };

/// Diastolic home average in mmHg. Source: the same.
const HOME_DIASTOLIC: Bands = Bands { places: 0, lowest: "normal", from: &[(85, "stage1"), (95, "stage2")] };

/// Systolic pressure typed into one live service's form, in mmHg. Source: help.patchs.ai 14962711849111: an example of how
/// local limits differ.
const INTAKE_SYSTOLIC: Bands = Bands { places: 0, lowest: "none", from: &[(150, "urgent"), (170, "emergency")] };

/// Diastolic pressure of the same form.
const INTAKE_DIASTOLIC: Bands = Bands { places: 0, lowest: "none", from: &[(95, "urgent"), (115, "emergency")] };

/// The graver of two bands: of a pressure, either part that reaches a bound counts.
fn graver(systolic: (Bands, Decimal), diastolic: (Bands, Decimal)) -> Option<&'static str> {
    let rank = |(bands, amount): (Bands, Decimal)| {
        let name = bands.of(amount)?;
        let place = bands.from.iter().position(|(_, known)| *known == name);
        Some((place.map_or(0, |place| place + 1), name))
    };
    let (systolic, diastolic) = (rank(systolic)?, rank(diastolic)?);
    Some(systolic.max(diastolic).1)
}

/// The stage of a home average in mmHg: `normal`, `stage1` or `stage2`.
#[must_use]
pub fn home_average_stage(systolic: Decimal, diastolic: Decimal) -> Option<&'static str> {
    graver((HOME_SYSTOLIC, systolic), (HOME_DIASTOLIC, diastolic))
}

/// What one live service's form makes of a pressure in mmHg: `none`, `urgent` or `emergency`.
#[must_use]
pub fn intake_flag(systolic: Decimal, diastolic: Decimal) -> Option<&'static str> {
    graver((INTAKE_SYSTOLIC, systolic), (INTAKE_DIASTOLIC, diastolic))
}

/// Whether a clinic pressure in mmHg is severe: 180 or more over 120 or more, either (NICE NG136 1.5.1).
#[must_use]
pub fn is_severe(systolic: Decimal, diastolic: Decimal) -> bool {
    systolic >= Decimal::from(180) || diastolic >= Decimal::from(120)
}

/// Whether systolic pressure falls by 20 mmHg or more on standing, or diastolic, where both are known, by 10 or more.
///
/// Source: NICE NG136 1.1.6 as amended 2023. Each pair is lying or seated, then standing; none where a difference is too large.
#[must_use]
pub fn is_postural_drop(systolic: (Decimal, Decimal), diastolic: Option<(Decimal, Decimal)>) -> Option<bool> {
    let falls =
        |(before, standing): (Decimal, Decimal), by: u16| Some(before.plus(standing.negated())? >= Decimal::from(by));
    Some(falls(systolic, 20)? || diastolic.map(|pair| falls(pair, 10)).unwrap_or(Some(false))?)
}

/// What a repeat makes of a saturation in percent, as the NHS advice for oximetry at home has it.
///
/// 92 or less twice is an `emergency`, 93 or 94 twice is for the `gp_or_111`; a green repeat is
/// `no_escalation_keep_monitoring`. Source: transcript by procoronavirus; a repeat graver than the first counts for what it is.
#[must_use]
pub fn oximetry_repeat(repeat: Decimal) -> Option<&'static str> {
    Some(match OXIMETRY_AT_HOME.of(repeat)? {
        "red" => "emergency",
        "amber" => "gp_or_111",
        _ => "no_escalation_keep_monitoring",
    })
}

/// The trend arrow of a rate in mg/dL a minute, over 15 to 20 minutes. Source: Dexcom user manual, page 47, whose bounds are
/// 1, 2 and 3; the names are ours but for the first.
#[must_use]
pub fn sensor_trend(rate: Decimal) -> &'static str {
    let is_up = rate > Decimal::from(0);
    let amount = if is_up { rate } else { rate.negated() };
    match (is_up, amount) {
        (_, amount) if amount <= Decimal::from(1) => "flat",
        (true, amount) if amount <= Decimal::from(2) => "rising_slowly",
        (true, amount) if amount <= Decimal::from(3) => "rising",
        (true, _) => "rising_fast",
        (false, amount) if amount <= Decimal::from(2) => "falling_slowly",
        (false, amount) if amount <= Decimal::from(3) => "falling",
        (false, _) => "falling_fast",
    }
}

/// How many episodes of low glucose, level 2, these sensor values hold: each (minute, mg/dL), in order. An episode is 15
/// minutes or more below 54, with no gap of more than 15 (ATTD consensus, row 12).
#[must_use]
pub fn low_episodes(values: &[(u32, u16)]) -> usize {
    let secs = |minute: u32| i64::from(minute) * 60;
    let kept: Vec<Entry> =
        values.iter().map(|(minute, amount)| Entry { secs: secs(*minute), nano: i64::from(*amount) * NANO }).collect();
    let lasts = |until: usize| {
        let at = kept.get(until)?.secs;
        met_for(kept.get(..=until)?, at, secs(15), |nano| nano < 54 * NANO)
    };
    // An episode is counted where it becomes one.
    let becomes = |until: &usize| {
        let before = until.checked_sub(1).and_then(lasts).unwrap_or(-1);
        lasts(*until).is_some_and(|now| now >= secs(15) && before < secs(15))
    };
    (0..kept.len()).filter(becomes).count()
}

/// Limits of a sensor's alarms in mg/dL, by default those of Nightscout (lib/settings.js; figures only).
#[derive(Debug, Clone, Copy)]
pub struct SensorLimits {
    /// Urgent below.
    pub low_urgent: u16,
    /// Warn below.
    pub low: u16,
    /// Warn above.
    pub high: u16,
    /// Urgent above.
    pub high_urgent: u16,
}

impl Default for SensorLimits {
    fn default() -> Self {
        Self { low_urgent: 55, low: 80, high: 180, high_urgent: 260 }
    }
}

impl SensorLimits {
    /// The level of one value in mg/dL: `urgent`, `warn`, or none. On a limit is not beyond it.
    #[must_use]
    pub fn level(self, amount: Decimal) -> Option<&'static str> {
        if amount > self.high_urgent.into() || amount < self.low_urgent.into() {
            Some("urgent")
        } else if amount > self.high.into() || amount < self.low.into() {
            Some("warn")
        } else {
            None
        }
    }
}

/// How stale the newest reading is, in minutes since it: `urgent`, `warn`, or none.
#[must_use]
pub fn staleness(minutes: i64, warn_after: i64, urgent_after: i64) -> Option<&'static str> {
    match minutes {
        minutes if minutes > urgent_after => Some("urgent"),
        minutes if minutes > warn_after => Some("warn"),
        _ => None,
    }
}

/// What a sensor's values may come to in the next half hour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forecast {
    /// Glucose in mg/dL at each of the next six steps of 5 minutes, between 36 and 400.
    pub steps: Vec<Decimal>,
    /// `urgent`, `warn`, or none.
    pub level: Option<&'static str>,
    /// `high` or `low`, where there is a level.
    pub event: Option<&'static str>,
}

/// The autoregressive forecast of two sensor values in mg/dL, 5 minutes apart, on the logarithm of a value over 140 with the
/// coefficients -0.723 and 1.716 (Nightscout, lib/plugins/ar2.js; figures only).
///
/// The loss is the mean square of the decimal logarithm of each step over 120: above 0.05 warn, above 0.10 urgent. In floating
/// point, so it decides nothing: for trial runs, in which nobody is told.
#[must_use]
pub fn forecast(previous: u16, current: u16, limits: SensorLimits) -> Forecast {
    let (mut before, mut now) = ((f64::from(previous) / 140.0).ln(), (f64::from(current) / 140.0).ln());
    let (mut steps, mut loss) = (Vec::new(), 0.0);
    for _ in 0..6 {
        (before, now) = (now, -0.723 * before + 1.716 * now);
        let amount = (140.0 * now.exp()).round().clamp(36.0, 400.0);
        loss += (amount / 120.0).log10().powi(2) / 6.0;
        steps.extend(Decimal::parse(&format!("{amount:.0}")));
    }
    let level = match loss {
        loss if loss > 0.10 => Some("urgent"),
        loss if loss > 0.05 => Some("warn"),
        _ => None,
    };
    let is_high = steps.last().is_some_and(|last| *last > limits.high.into());
    let event = level.map(|_| if is_high { "high" } else { "low" });
    Forecast { steps, level, event }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn rows(kind: &str, count: usize) -> Vec<Value> {
        let all = include_str!("../tests/vectors/clinical.jsonl").lines();
        let rows: Vec<Value> =
            all.map(|line| serde_json::from_str::<Value>(line).unwrap()).filter(|row| row["kind"] == kind).collect();
        assert_eq!(rows.len(), count, "{kind}");
        rows
    }

    fn amount(row: &Value, name: &str) -> Decimal {
        Decimal::parse(&row["input"][name].to_string()).unwrap()
    }

    fn whole(value: &Value) -> u16 {
        u16::try_from(value.as_u64().unwrap()).unwrap()
    }

    /// Every row of a kind is answered as it is published.
    fn check(kind: &str, count: usize, answer: impl Fn(&Value) -> Value) {
        for row in rows(kind, count) {
            let expected = row["expected"].as_object().unwrap();
            let answer = answer(&row);
            for (name, value) in answer.as_object().unwrap() {
                assert_eq!(Some(value), expected.get(name), "{row}");
            }
        }
    }

    #[test]
    fn the_public_cases_hold() {
        use serde_json::json;
        let pressures = |row: &Value, systolic: &str, diastolic: &str| (amount(row, systolic), amount(row, diastolic));
        check("hbpm_average_stage", 4, |row| {
            let (systolic, diastolic) = pressures(row, "avg_systolic", "avg_diastolic");
            json!({"stage": home_average_stage(systolic, diastolic)})
        });
        check("bp_severe_single", 3, |row| {
            let (systolic, diastolic) = pressures(row, "systolic", "diastolic");
            json!({"severe": is_severe(systolic, diastolic)})
        });
        check("bp_intake_flag_example", 3, |row| {
            let (systolic, diastolic) = pressures(row, "systolic", "diastolic");
            json!({"flag": intake_flag(systolic, diastolic)})
        });
        check("postural_drop", 1, |row| {
            let pair = pressures(row, "lying_or_seated_systolic", "standing_systolic");
            json!({"flag": is_postural_drop(pair, None)})
        });
        check("oximetry_home_band", 4, |row| json!({"band": OXIMETRY_AT_HOME.of(amount(row, "spo2"))}));
        check("oximetry_home_retest", 3, |row| {
            let repeat = &row["input"]["readings"][1][1];
            json!({"outcome": oximetry_repeat(Decimal::from(whole(repeat)))})
        });
        check("spo2_target_88_92", 2, |row| json!({"position": TARGET_88_92.of(amount(row, "spo2"))}));
        check("glucose_band_mgdl", 5, |row| json!({"band": GLUCOSE_MG.of(amount(row, "mgdl"))}));
        check("glucose_band_mmol", 4, |row| json!({"band": GLUCOSE.of(amount(row, "mmol"))}));
        check("ketone_band", 4, |row| json!({"band": KETONE.of(amount(row, "mmol"))}));
        check("cgm_trend", 2, |row| json!({"trend": sensor_trend(amount(row, "mgdl_per_min"))}));
        check("nightscout_threshold", 6, |row| json!({"level": SensorLimits::default().level(amount(row, "mgdl"))}));
        check("stale_data", 2, |row| {
            let input = |name: &str| row["input"][name].as_i64().unwrap();
            json!({"level": staleness(input("minutes_since_last"), input("warn_after"), input("urgent_after"))})
        });
        check("cgm_hypo_event_level2", 2, |row| {
            let (minutes, amount) = (u32::from(whole(&row["input"]["minutes_below"])), whole(&row["input"]["mgdl"]));
            json!({"events": low_episodes(&[(0, amount), (minutes / 2, amount), (minutes, amount)])})
        });
        check("nightscout_ar2", 4, |row| {
            let input = &row["input"];
            let found =
                forecast(whole(&input["previous_mgdl"]), whole(&input["current_mgdl"]), SensorLimits::default());
            let steps: Vec<u64> = found.steps.iter().filter_map(|step| step.whole()).collect();
            json!({"level": found.level, "event": found.event, "forecast_mgdl_5min_steps": steps})
        });
    }

    #[test]
    fn what_the_public_cases_leave_out() {
        let decimal = |text: &str| Decimal::parse(text).unwrap();
        assert_eq!(
            is_postural_drop((decimal("140"), decimal("125")), Some((decimal("80"), decimal("70")))),
            Some(true)
        );
        assert_eq!(
            is_postural_drop((decimal("140"), decimal("121")), Some((decimal("80"), decimal("71")))),
            Some(false)
        );
        for (rate, trend) in [
            ("-1.0", "flat"),
            ("-1.1", "falling_slowly"),
            ("2.0", "rising_slowly"),
            ("-3.1", "falling_fast"),
            ("3.0", "rising"),
        ] {
            assert_eq!(sensor_trend(decimal(rate)), trend);
        }
        // 15 minutes are an episode; broken by one value, two halves are none.
        assert_eq!(low_episodes(&[(0, 50), (10, 50), (15, 53), (20, 50)]), 1);
        assert_eq!(low_episodes(&[(0, 50), (10, 50), (12, 54), (15, 50), (25, 50)]), 0);
        assert_eq!(low_episodes(&[(0, 50), (15, 50), (20, 90), (30, 50), (45, 50), (60, 50)]), 2);
        assert_eq!(KETONE.of(decimal("3.0")), Some("impending_dka"));
        assert_eq!(oximetry_repeat(decimal("94")), Some("gp_or_111"));
        assert_eq!(staleness(16, 15, 30), Some("warn"));
    }
}
