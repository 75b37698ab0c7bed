//! Readings in words: values, reasons for no value, and what was noticed.

use vitals::{
    BloodPressure, Flag, Kind, Measure, NoValue, Quantity, Unit, Value, WhyUnassigned,
    measure::{Arm, Posture},
};

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
        Kind::Spo2 => "Oxygen level",
        Kind::Weight => "Weight",
        Kind::Temperature => "Temperature",
        Kind::Glucose => "Blood glucose",
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
    format!("{}{}", grouped(&quantity.value().to_string()), quantity.unit().plain())
}

/// The main value of a measure: "182/118mmHg", "pulse 96 beats a minute", "14.2mmol/L".
///
/// ```
/// use vitals::{Decimal, Measure, quantity::PerMinute};
/// let pulse = Measure::Pulse(PerMinute::new(Decimal::from(96)));
/// assert_eq!(look::words::measure(&pulse), "pulse 96 beats a minute");
/// ```
#[must_use]
pub fn measure(measure: &Measure) -> String {
    match measure {
        Measure::BloodPressure(both) => pressure(both),
        Measure::Pulse(rate) => format!("pulse {}", quantity(rate.quantity())),
        Measure::Spo2(share) => quantity(share.quantity()),
        Measure::Weight(mass) => quantity(mass.quantity()),
        Measure::Temperature(degrees) => quantity(degrees.quantity()),
        Measure::Glucose(glucose) => quantity(glucose.quantity()),
    }
}

/// What came with the main value: "pulse 96 beats a minute", "mean 120mmHg", "sitting", "left arm".
#[must_use]
pub fn details(measure: &Measure) -> Vec<String> {
    let Measure::BloodPressure(pressure) = measure else { return Vec::new() };
    let pulse = pressure.pulse.map(|rate| format!("pulse {}", quantity(rate.quantity())));
    let mean = pressure.mean.map(|mean| format!("mean {}", quantity(mean.quantity())));
    let posture = pressure.posture.map(|posture| match posture {
        Posture::Sitting => "sitting".to_owned(),
        Posture::Standing => "standing".to_owned(),
        Posture::Lying => "lying down".to_owned(),
    });
    let arm = pressure.arm.map(|arm| match arm {
        Arm::Left => "left arm".to_owned(),
        Arm::Right => "right arm".to_owned(),
    });
    [pulse, mean, posture, arm].into_iter().flatten().collect()
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
        Flag::DeviceTimeMissing => "the device gave no time",
        Flag::DeviceTimeImpossible => "the device gave a date that does not exist",
        Flag::DeviceClockNotSet => "the device's clock is not set",
        Flag::HubClockAhead => "the hub's clock is ahead",
        Flag::DeviceTimeInFuture => "the device's clock is ahead",
        Flag::DeviceTimeAmbiguous => "the time happened twice, the earlier was used",
        Flag::ArrivedLate => "it reached us late",
    }
}

/// Why a reading belongs to nobody yet, as a sentence.
#[must_use]
pub fn unassigned(why: WhyUnassigned) -> &'static str {
    match why {
        WhyUnassigned::NotBound => "No person is linked to this device.",
        WhyUnassigned::UserUnknown => "The device does not know which of its users it was.",
        WhyUnassigned::PatientNotOnHub => "The hub named a person who is not linked to that hub.",
    }
}

fn pressure(both: &BloodPressure) -> String {
    let amount = |pressure: vitals::quantity::MmHg| grouped(&pressure.value().to_string());
    format!("{}/{}{}", amount(both.systolic), amount(both.diastolic), Unit::MillimetresOfMercury.plain())
}

/// A comma in whole numbers over 999 (content guide); the digits after the point stay as they are.
fn grouped(number: &str) -> String {
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
    use vitals::{
        Decimal,
        quantity::{Glucose, Kilograms, MmHg, PerMinute, Percent},
    };

    fn number(text: &str) -> Decimal {
        Decimal::parse(text).unwrap()
    }

    #[test]
    fn nothing_stands_between_amount_and_unit() {
        let pressure = BloodPressure {
            systolic: MmHg::new(number("182")),
            diastolic: MmHg::new(number("118")),
            mean: Some(MmHg::new(number("139.3"))),
            pulse: Some(PerMinute::new(number("96"))),
            posture: Some(Posture::Lying),
            arm: Some(Arm::Left),
        };
        let both = Measure::BloodPressure(pressure);
        assert_eq!(measure(&both), "182/118mmHg");
        assert_eq!(details(&both), ["pulse 96 beats a minute", "mean 139.3mmHg", "lying down", "left arm"]);
        for (shown, expected) in [
            (Measure::Spo2(Percent::new(number("94"))), "94%"),
            (Measure::Weight(Kilograms::new(number("82.40"))), "82.40kg"),
            (
                Measure::Glucose(Glucose::new(Quantity::new(number("14.2"), Unit::MillimolesPerLitre)).unwrap()),
                "14.2mmol/L",
            ),
            (
                Measure::Glucose(Glucose::new(Quantity::new(number("1050"), Unit::MilligramsPerDecilitre)).unwrap()),
                "1,050mg/dL",
            ),
        ] {
            assert_eq!(measure(&shown), expected);
        }
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
    fn every_missing_value_says_why() {
        for why in NoValue::ALL {
            let words = no_value(why);
            let reason = words.strip_prefix("no value: the ").expect("starts with the reason");
            assert!(reason.len() > 10 && !words.ends_with('.'), "{words}");
        }
        assert_eq!(no_value(NoValue::FrameTruncated), "no value: the device's message ended early");
    }
}
