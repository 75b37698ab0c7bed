//! The bounds of the two comparators, what each rule may detect, and the minutes of a touch: the rows of `judged.toml`.

use crate::{
    cohort::{Person, Reading, Signal, Stratum},
    lines::{Priority, Touch},
    parameters::{Cause, Grade},
};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use thiserror::Error;
use vitals::Decimal;

/// The file as it lies beside the code.
pub const FILE: &str = include_str!("../judged.toml");

/// A source shorter than this is a word, not a source.
const SOURCE_LETTERS_MIN: usize = 12;

/// Whose minutes an alert takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lane {
    /// A clinician's.
    Clinical,
    /// Whoever calls people who did not measure.
    Welfare,
    /// Whoever looks after devices.
    Equipment,
}

/// One bound of a comparator.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Threshold {
    /// Its rule, `a/...` or `b/...`.
    pub rule: String,
    /// How urgent.
    pub priority: Priority,
    /// Of which number.
    pub signal: Signal,
    /// At or above this it breaches: a decimal.
    pub above: Option<String>,
    /// At or below this it breaches: a decimal.
    pub below: Option<String>,
    /// Whether the bound is a distance from the person's usual value.
    #[serde(default)]
    pub from_usual: bool,
    /// Whether it is a rise above the lowest of so many days before.
    pub rise_in_days: Option<i64>,
    /// For whom.
    pub strata: Vec<Stratum>,
    /// Only for people with a target of 88 to 92%, or only for those without; none for both.
    pub scale_2: Option<bool>,
    /// Which episodes it may detect.
    pub causes: BTreeSet<String>,
    /// Where the bound comes from.
    pub source: String,
    #[serde(skip)]
    above_milli: Option<i64>,
    #[serde(skip)]
    below_milli: Option<i64>,
}

impl Threshold {
    /// Whether it is for this person.
    #[must_use]
    pub fn is_for(&self, person: &Person) -> bool {
        self.strata.contains(&person.stratum) && self.scale_2.is_none_or(|scale_2| scale_2 == person.scale_2)
    }

    /// Whether a value breaches it, for somebody with this usual value; moved towards more alerts by `wider`, in
    /// thousandths of the distance from usual to bound.
    #[must_use]
    pub fn is_breached(&self, value: i64, usual: i64, wider: i64) -> bool {
        let origin = if self.from_usual { usual } else { 0 };
        let moved = |bound: i64| {
            let bound = origin + bound;
            bound - (bound - usual) * wider / 1000
        };
        self.above_milli.is_some_and(|above| value >= moved(above))
            || self.below_milli.is_some_and(|below| value <= moved(below))
    }
}

/// A rule that is no threshold.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct ListedRow {
    rule: String,
    lane: Lane,
    causes: BTreeSet<String>,
    source: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct MinutesRow {
    touch: Touch,
    minutes: String,
    grade: Grade,
    source: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    threshold: Vec<Threshold>,
    listed: Vec<ListedRow>,
    minutes: Vec<MinutesRow>,
}

/// What a rule is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Whose minutes its alerts take.
    pub lane: Lane,
    /// Which episodes it may detect.
    pub causes: BTreeSet<String>,
}

/// The minutes of one touch, with where they come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Minutes {
    /// Thousandths of a minute.
    pub milli: i64,
    /// How far they are to be trusted.
    pub grade: Grade,
    /// Where they come from.
    pub source: String,
}

/// Everything in the file.
#[derive(Debug, Clone)]
pub struct Judged {
    /// The bounds.
    pub thresholds: Vec<Threshold>,
    /// What each rule may detect.
    pub listed: BTreeMap<String, Listed>,
    /// Minutes of staff for a touch.
    pub minutes: BTreeMap<Touch, Minutes>,
}

/// Why the file is refused.
#[derive(Debug, Error)]
pub enum NotJudged {
    /// It is not in its form.
    #[error("read what alerts are judged by")]
    Form(#[from] toml::de::Error),
    /// A row has no source.
    #[error("read what alerts are judged by: {0} has no source")]
    NoSource(String),
    /// A bound is no decimal, or there is not exactly one.
    #[error(
        "read what alerts are judged by: {0} has no bound that is a decimal with at most three places, or two of them"
    )]
    NoNumber(String),
    /// A rule names a cause that the cohort does not have.
    #[error("read what alerts are judged by: {0} may detect {1}, which is no cause of the cohort")]
    NoCause(String, String),
    /// A touch has no minutes.
    #[error("read what alerts are judged by: {0:?} has no minutes")]
    NoMinutes(Touch),
}

/// A decimal in thousandths.
fn milli(text: &str) -> Option<i64> {
    let (mantissa, scale) = Decimal::parse(text).ok()?.to_parts();
    mantissa.checked_mul(10_i64.checked_pow(3_u32.checked_sub(scale)?)?)
}

impl Judged {
    /// Reads the file, against the causes of the cohort.
    ///
    /// # Errors
    /// [`NotJudged`] for another form, a row without source, a bound that is no number, or an unknown cause.
    pub fn read(text: &str, causes: &[Cause]) -> Result<Self, NotJudged> {
        let mut file: File = toml::from_str(text)?;
        let sourced = |rule: &str, source: &str| {
            if source.trim().len() < SOURCE_LETTERS_MIN { Err(NotJudged::NoSource(rule.to_owned())) } else { Ok(()) }
        };
        let mut listed = BTreeMap::new();
        for threshold in &mut file.threshold {
            sourced(&threshold.rule, &threshold.source)?;
            let no_number = || NotJudged::NoNumber(threshold.rule.clone());
            let (above, below) = match (&threshold.above, &threshold.below) {
                (Some(above), None) => (Some(milli(above).ok_or_else(no_number)?), None),
                (None, Some(below)) => (None, Some(milli(below).ok_or_else(no_number)?)),
                _ => return Err(no_number()),
            };
            (threshold.above_milli, threshold.below_milli) = (above, below);
            let one = Listed { lane: Lane::Clinical, causes: threshold.causes.clone() };
            listed.insert(threshold.rule.clone(), one);
        }
        for row in file.listed {
            sourced(&row.rule, &row.source)?;
            listed.insert(row.rule, Listed { lane: row.lane, causes: row.causes });
        }
        for (rule, one) in &listed {
            let unknown = one.causes.iter().find(|cause| causes.iter().all(|known| known.name != **cause));
            if let Some(cause) = unknown {
                return Err(NotJudged::NoCause(rule.clone(), cause.clone()));
            }
        }
        let mut minutes = BTreeMap::new();
        for row in file.minutes {
            let name = format!("{:?}", row.touch);
            sourced(&name, &row.source)?;
            let milli = milli(&row.minutes).ok_or(NotJudged::NoNumber(name))?;
            minutes.insert(row.touch, Minutes { milli, grade: row.grade, source: row.source });
        }
        match Touch::ALL.into_iter().find(|touch| !minutes.contains_key(touch)) {
            Some(touch) => Err(NotJudged::NoMinutes(touch)),
            None => Ok(Self { thresholds: file.threshold, listed, minutes }),
        }
    }

    /// Whether a reading filed under somebody is red by the published bounds: then a human must see it within the
    /// hour, whatever any protocol makes of it.
    #[must_use]
    pub fn is_red(&self, person: &Person, reading: &Reading) -> bool {
        self.thresholds.iter().any(|threshold| {
            threshold.priority == Priority::High
                && threshold.rule.starts_with("a/")
                && threshold.is_for(person)
                && reading.value(threshold.signal).is_some_and(|value| threshold.is_breached(value, value, 0))
        })
    }
}
