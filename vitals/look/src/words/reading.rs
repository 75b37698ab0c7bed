//! Readings in words: values, reasons for no value, and what was noticed.

use super::measure::measure;
use vitals::{Flag, Kind, Measure, NoValue, Quantity, Value, WhyUnassigned};

/// What people call a measure.
///
/// ```
/// assert_eq!(look::words::kind(vitals::Kind::Spo2), "Oxygen level");
/// ```
#[must_use]
pub fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::BloodPressure => "Blood pressure",
        Kind::Pulse => "Pulse",
        Kind::HeartRate => "Heart rate",
        Kind::Spo2 => "Oxygen level",
        Kind::Weight => "Weight",
        Kind::Height => "Height",
        Kind::Bmi => "Body mass index (BMI)",
        Kind::BodyComposition => "Body composition",
        Kind::Temperature => "Temperature",
        // Not "blood glucose": a sensor's is of another fluid, and the value says which.
        Kind::Glucose => "Glucose",
        Kind::GlucoseContext => "Beside a glucose reading",
        Kind::Ketone => "Blood ketone",
        Kind::RespiratoryRate => "Breathing rate",
        Kind::Consciousness => "Consciousness",
        Kind::SuppliedOxygen => "Supplied oxygen",
        Kind::PeakFlow => "Peak flow",
        Kind::Fev1 => "Breath out in one second (FEV1)",
        Kind::Fvc => "Whole breath out (FVC)",
        Kind::Steps => "Steps",
        Kind::Symptom => "Symptom",
    }
}

/// An amount with its unit, every digit as it came: "37.50°C", "1,050mg/dL".
///
/// ```
/// use vitals::{Decimal, Quantity, Unit};
/// let temperature = Quantity::new(Decimal::parse("37.50").unwrap(), Unit::Celsius);
/// assert_eq!(look::words::quantity(temperature), "37.50°C");
/// ```
#[must_use]
pub fn quantity(quantity: Quantity) -> String {
    let (amount, unit) = (quantity.value().to_string(), quantity.unit().plain());
    // Only units that are words have a plural: " minutes", but not "mmHg".
    let one = unit.strip_suffix('s').filter(|one| amount == "1" && one.starts_with(' '));
    format!("{}{}", grouped(&amount), one.unwrap_or(unit))
}

/// The value, or why there is none.
///
/// ```
/// use vitals::{NoValue, Value};
/// let failed = Value::NotMeasured(NoValue::NotANumber);
/// assert_eq!(look::words::value(&failed), "no value: the device said that it has no value");
/// ```
#[must_use]
pub fn value(value: &Value<Measure>) -> String {
    match value {
        Value::Measured(found) => measure(found),
        Value::NotMeasured(why) => no_value(*why),
    }
}

/// Why there is no value, from the registry of error codes: "no value: the device's message ended early".
#[must_use]
pub fn no_value(why: NoValue) -> String {
    let sentence = why.code().meaning().happened;
    let mut letters = sentence.strip_suffix('.').unwrap_or(sentence).chars();
    let first = letters.next().map(|letter| letter.to_ascii_lowercase());
    format!("no value: {}{}", first.map(String::from).unwrap_or_default(), letters.as_str())
}

/// What was noticed about a reading.
#[must_use]
pub fn flag(flag: Flag) -> &'static str {
    match flag {
        Flag::BodyMovement => "the body moved during the measurement",
        Flag::CuffTooLoose => "the cuff was too loose",
        Flag::IrregularPulse => "an irregular pulse was found",
        Flag::PulseAboveRange => "the pulse was above what the device can measure",
        Flag::PulseBelowRange => "the pulse was below what the device can measure",
        Flag::ImproperPosition => "the cuff was in the wrong position",
        Flag::DeviceDoubts => "the device doubts its own value",
        Flag::DeviceTimeMissing => "the device gave no time",
        Flag::DeviceTimeImpossible => "the device gave a date that does not exist",
        Flag::DeviceClockNotSet => "the device's clock is not set",
        Flag::HubClockAhead => "the hub's clock is ahead",
        Flag::DeviceTimeInFuture => "the device's clock is ahead",
        Flag::DeviceTimeAmbiguous => "the time happened twice, the earlier was used",
        Flag::ArrivedLate => "it reached us late",
        Flag::UndatedFromMemory => "the device took it from its memory and does not say when",
        Flag::PartImplausible => "a number beside it cannot be right and was left out",
        Flag::TypedIn => "a person typed it in",
    }
}

/// Why a reading belongs to nobody yet, as a sentence.
#[must_use]
pub fn unassigned(why: WhyUnassigned) -> &'static str {
    match why {
        WhyUnassigned::NotBound => "No person is linked to this device.",
        WhyUnassigned::UserUnknown => "The device does not know which of its users it was.",
        WhyUnassigned::PatientNotOnHub => "The hub named a person who is not linked to that hub.",
        WhyUnassigned::NobodyMeasured => "Nobody was measured: the device was checked or shown.",
    }
}

/// A comma in whole numbers over 999 (content guide); the digits after the point stay as they are.
pub(super) fn grouped(number: &str) -> String {
    let (sign, digits) = number.strip_prefix('-').map_or(("", number), |digits| ("\u{2212}", digits));
    let (whole, fraction) = digits.split_once('.').map_or((digits, None), |(whole, fraction)| (whole, Some(fraction)));
    let mut shown = String::from(sign);
    for (place, digit) in whole.chars().enumerate() {
        if place > 0 && (whole.len() - place).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    if let Some(fraction) = fraction {
        shown.push('.');
        shown.push_str(fraction);
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use vitals::{Decimal, Unit};

    fn number(text: &str) -> Decimal {
        Decimal::parse(text).unwrap()
    }

    #[test]
    fn every_digit_is_shown_and_none_is_added() {
        for (came, shown) in [
            ("0", "0"),
            ("999", "999"),
            ("1000", "1,000"),
            ("1234567.8900", "1,234,567.8900"),
            ("-2.50", "\u{2212}2.50"),
        ] {
            assert_eq!(grouped(&number(came).to_string()), shown);
        }
    }

    #[test]
    fn one_is_not_several() {
        for (amount, unit, shown) in [
            ("1", Unit::Minutes, "1 minute"),
            ("1.0", Unit::Minutes, "1.0 minutes"),
            ("2", Unit::Seconds, "2 seconds"),
            ("1", Unit::Steps, "1 step"),
            ("1", Unit::MillimetresOfMercury, "1mmHg"),
        ] {
            assert_eq!(quantity(Quantity::new(number(amount), unit)), shown);
        }
    }

    #[test]
    fn every_missing_value_says_why() {
        for why in NoValue::ALL {
            let words = no_value(why);
            let reason = words.strip_prefix("no value: the ").expect("starts with the reason");
            assert!(reason.len() > 10 && !words.ends_with('.'), "{words}");
        }
        assert_eq!(no_value(NoValue::FrameTruncated), "no value: the device's message ended early");
    }
}
