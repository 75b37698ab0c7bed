//! What is left of a measure once what nobody can have is taken out of it.
//!
//! Invariants: nought never stands for "not told"; what came beside a value never costs us the value; no number is
//! changed. A number of the measure's own that is outside its range stays: the service says so of it, and keeps it.

use vitals::{
    Decimal, Flag, Measure, NoValue, Quantity, Value,
    catalogue::{self, Component, Role},
};

/// The value without what nobody can have, and a flag where a number was left out that was not just nought.
pub(super) fn sound(value: Value<Measure>) -> (Value<Measure>, Option<Flag>) {
    let measure = match value {
        Value::Measured(measure) => measure,
        Value::NotMeasured(_) => return (value, None),
    };
    if let Some(reason) = no_measurement(&measure) {
        return (Value::NotMeasured(reason), None);
    }
    let numbers = catalogue::numbers(&measure);
    let is_wrong = |(known, sent): &(&Component, Quantity)| {
        known.role == Role::Beside && !known.is_plausible(sent.value()) && !is_nought(*sent)
    };
    let flag = numbers.iter().any(is_wrong).then_some(Flag::PartImplausible);
    let (rest, _is_less) = catalogue::without_implausible_parts(&measure);
    (Value::Measured(rest), flag)
}

/// Why the numbers of a measure's own are no measurement at all, where they are not.
///
/// A lower pressure of nought comes of a measurement that failed, whatever cuff sends it; pressures the wrong way round stay,
/// and the service says so of them (0013). Elsewhere devices send nought for "none" where nobody can have it; a ketone of nought is a result.
fn no_measurement(measure: &Measure) -> Option<NoValue> {
    if let Measure::BloodPressure(pressure) = measure {
        return (pressure.diastolic.value() <= Decimal::from(0)).then_some(NoValue::MeasurementFailed);
    }
    let is_none = |(known, sent): &(&Component, Quantity)| {
        known.role == Role::Own && is_nought(*sent) && !known.is_plausible(sent.value())
    };
    catalogue::numbers(measure).iter().any(is_none).then_some(NoValue::MeasurementInvalid)
}

fn is_nought(sent: Quantity) -> bool {
    sent.value() == Decimal::from(0)
}
