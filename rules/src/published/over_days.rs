//! Published rules over several days, through the operators that our protocols look back with.

use super::home_average_stage;
use crate::{
    pack::operator::{Fold, HOME_DAYS_MIN, Ratio, Window, fold},
    state::{Entry, History, READINGS_MAX, SeriesKey, VALUE_MAX},
};
use std::cmp::Ordering;
use thiserror::Error;
use vitals::Decimal;

/// Seconds in a day.
const DAY_SECS: i64 = 86_400;

/// A home blood pressure as NICE averages it: without the first day, of at least four (NG136 1.2.7, by way of
/// pharmacy-notebook).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HomeAverage {
    /// Systolic in mmHg, to one place.
    pub systolic: Decimal,
    /// Diastolic in mmHg, to one place.
    pub diastolic: Decimal,
    /// How many readings it is made of.
    pub readings: usize,
    /// `normal`, `stage1` or `stage2`.
    pub stage: &'static str,
}

/// Why there is no home average.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum NoHomeAverage {
    /// Too few days.
    #[error("fewer than {HOME_DAYS_MIN} days")]
    TooFewDays,
    /// More readings than a list holds: the first day might be gone.
    #[error("more than {READINGS_MAX} readings")]
    TooManyReadings,
    /// A pressure that no list holds.
    #[error("a pressure too large to average")]
    TooLarge,
}

/// The home average of readings by day, each systolic and diastolic in mmHg.
///
/// ```
/// use rules::published::home_average;
/// use vitals::Decimal;
/// let reading = (Decimal::from(136), Decimal::from(86));
/// assert_eq!(home_average(&[vec![reading], vec![reading]]).unwrap_err().to_string(), "fewer than 4 days");
/// assert_eq!(home_average(&vec![vec![reading]; 4]).unwrap().stage, "stage1");
/// ```
///
/// # Errors
/// [`NoHomeAverage`] where the readings do not make one.
pub fn home_average(days: &[Vec<(Decimal, Decimal)>]) -> Result<HomeAverage, NoHomeAverage> {
    if days.iter().map(Vec::len).sum::<usize>() > READINGS_MAX {
        return Err(NoHomeAverage::TooManyReadings);
    }
    let with_readings: Vec<_> = days.iter().filter(|day| !day.is_empty()).collect();
    if with_readings.len() < HOME_DAYS_MIN {
        return Err(NoHomeAverage::TooFewDays);
    }
    let average = |of: fn(&(Decimal, Decimal)) -> Decimal| {
        let day = |(day, readings): (i64, &Vec<(Decimal, Decimal)>)| {
            (0..).zip(readings).map(|(place, reading)| (day * DAY_SECS + place, of(reading))).collect::<Vec<_>>()
        };
        let values: Vec<(i64, Decimal)> = (0..).zip(days).flat_map(day).collect();
        let until = values.last()?.0;
        let window = Window { span: until, last: READINGS_MAX, at_least: HOME_DAYS_MIN };
        let mut history = History::default();
        for (secs, amount) in values {
            history.put(key(), Entry { secs, nano: nano(amount)? }, until);
        }
        over(Fold::HomeAverage, window, &history, until)?.rounded_to(1)
    };
    let (systolic, diastolic) = average(|pair| pair.0).zip(average(|pair| pair.1)).ok_or(NoHomeAverage::TooLarge)?;
    let readings = with_readings.iter().skip(1).map(|day| day.len()).sum();
    let stage = home_average_stage(systolic, diastolic).ok_or(NoHomeAverage::TooLarge)?;
    Ok(HomeAverage { systolic, diastolic, readings, stage })
}

/// The days on which a weight in kg is more than `limit` above the lowest of the `window_days` before it.
///
/// Source of 2 kg in 3 days: ESC heartfailurematters.org. Days are counted from any; none where a number is too large.
///
/// ```
/// use rules::published::weight_gain_days;
/// use vitals::Decimal;
/// let kg = |text: &str| Decimal::parse(text).unwrap();
/// let days = weight_gain_days(&[(0, kg("80.0")), (1, kg("82.1")), (5, kg("82.2"))], kg("2"), 3);
/// assert_eq!(days, Some(vec![1]));
/// ```
#[must_use]
pub fn weight_gain_days(weights: &[(i64, Decimal)], limit: Decimal, window_days: i64) -> Option<Vec<i64>> {
    let span = window_days.checked_mul(DAY_SECS)?;
    let (window, limit) = (Window { span, last: READINGS_MAX, at_least: 2 }, nano(limit)?);
    let (mut known, mut days) = (History::default(), Vec::new());
    for (day, weight) in weights {
        let at = day.checked_mul(DAY_SECS)?;
        known.put(key(), Entry { secs: at, nano: nano(*weight)? }, span);
        let gain = over(Fold::ChangeFromLowest, window, &known, at);
        let is_more = gain.and_then(|gain| gain.cmp_bound(limit)) == Some(Ordering::Greater);
        days.extend(is_more.then_some(*day));
    }
    Some(days)
}

/// The one list that is looked back on here.
fn key() -> SeriesKey {
    SeriesKey::of("published", &[])
}

fn over(what: Fold, window: Window, history: &History, at: i64) -> Option<Ratio> {
    fold(what, window, 1, history.of(key()), at, None)
}

fn nano(amount: Decimal) -> Option<i64> {
    let (mantissa, places) = amount.to_parts();
    let tens = 10_i64.checked_pow(9_u32.checked_sub(places)?)?;
    mantissa.checked_mul(tens).filter(|nano| (-VALUE_MAX..=VALUE_MAX).contains(nano))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rounded once, from the exact mean: 83.2453 is 83.2, though at two places it is 83.25.
    #[test]
    fn an_average_is_rounded_once() {
        let day = |systolic: u16, readings: usize| vec![(Decimal::from(systolic), Decimal::from(70)); readings];
        let days = [day(200, 1), day(83, 20), day(83, 20), [day(83, 12), day(96, 1)].concat()];
        let average = home_average(&days).unwrap();
        assert_eq!((average.systolic.to_string().as_str(), average.readings), ("83.2", 53));
    }

    #[test]
    fn days_and_readings_have_their_limits() {
        let pair = (Decimal::from(136), Decimal::from(86));
        assert_eq!(home_average(&vec![vec![pair]; 3]), Err(NoHomeAverage::TooFewDays));
        assert_eq!(home_average(&[vec![pair; 61], vec![pair], vec![pair], vec![]]), Err(NoHomeAverage::TooFewDays));
        assert_eq!(
            home_average(&[vec![pair; 62], vec![pair], vec![pair], vec![pair]]),
            Err(NoHomeAverage::TooManyReadings)
        );
        let huge = (Decimal::parse("1000001").unwrap(), Decimal::from(86));
        assert_eq!(home_average(&vec![vec![huge]; 4]), Err(NoHomeAverage::TooLarge));
        assert_eq!(weight_gain_days(&[(i64::MAX, Decimal::from(80))], Decimal::from(2), 3), None);
        // The third day back counts, the fourth does not.
        let kg = |day: i64, kilos: u16| (day, Decimal::from(kilos));
        assert_eq!(weight_gain_days(&[kg(0, 80), kg(3, 83)], Decimal::from(2), 3), Some(vec![3]));
        assert_eq!(weight_gain_days(&[kg(0, 80), kg(4, 83)], Decimal::from(2), 3), Some(vec![]));
        assert_eq!(weight_gain_days(&[kg(0, 80), kg(3, 82)], Decimal::from(2), 3), Some(vec![]));
    }
}
