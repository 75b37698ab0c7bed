//! The operators that look back: what a list of values comes to at one moment.
//!
//! Invariants: whole numbers all the way, so that a comparison is exact; a window holds both its ends; what cannot be known
//! from the readings there are is `None`, and never a guess.

mod daily;
mod forecast;

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
    /// How far the newest day is from the person's own weighted average, in robust standard deviations. For trials.
    Unusual,
    /// How far daily values have drifted from what they were, beyond a slack in thousand-millionths. For trials.
    Cusum {
        /// What a day may differ without counting.
        slack: i64,
        /// Whether a drift upwards is looked for.
        is_upward: bool,
    },
    /// What a sensor's glucose will be in half an hour. For trials.
    Forecast,
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
            Self::Unusual | Self::Cusum { .. } => daily::DAYS_MIN,
            Self::Forecast => 2,
        }
    }

    /// Whether no published protocol rests on it: it may run on trial and tell nobody.
    #[must_use]
    pub fn is_for_trials(self) -> bool {
        matches!(self, Self::Unusual | Self::Cusum { .. } | Self::Forecast)
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
        self.rounded_to(2).unwrap_or(Decimal::from(0))
    }

    /// The same of any number of places up to nine; none where it is too large.
    #[must_use]
    pub fn rounded_to(self, places: u8) -> Option<Decimal> {
        let step = NANO / 10_i64.checked_pow(places.into()).filter(|tens| *tens <= NANO)?;
        let den = self.den.checked_mul(step.into())?;
        let half = if self.num < 0 { -(den / 2) } else { den / 2 };
        let number = i64::try_from(self.num.checked_add(half)? / den).ok()?;
        Decimal::from_parts(number, -i8::try_from(places).ok()?)
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
        Fold::Unusual => enough().and_then(daily::unusual),
        Fold::Cusum { slack, is_upward } => daily::cusum(enough()?, slack, is_upward),
        Fold::Forecast => enough().and_then(|values| forecast::forecast(values, at)),
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
mod tests;
