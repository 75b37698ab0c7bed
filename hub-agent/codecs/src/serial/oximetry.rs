//! What a record of an oximeter says of a person, whatever the maker.

use super::sample::Live;
use vitals::{Decimal, NoValue, Value};

/// Saturation and pulse rate, each a value or the reason there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Oximetry {
    /// Oxygen saturation, in per cent.
    pub saturation: Value<Decimal>,
    /// Pulse rate, in beats a minute.
    pub rate: Value<Decimal>,
}

impl Oximetry {
    /// Neither has a value, for the same reason.
    #[must_use]
    pub fn without(reason: NoValue) -> Self {
        Self { saturation: Value::NotMeasured(reason), rate: Value::NotMeasured(reason) }
    }

    /// Each where the device sent a number other than nought, unless something spoils the whole record. Nought is how
    /// several of these devices say "none"; nobody has it.
    #[must_use]
    pub fn new(saturation: Option<Decimal>, rate: Option<Decimal>, spoilt: Option<NoValue>) -> Self {
        let value = |number: Option<Decimal>| match (spoilt, number) {
            (Some(reason), _) => Value::NotMeasured(reason),
            (None, Some(number)) if number != Decimal::from(0) => Value::Measured(number),
            (None, _) => Value::NotMeasured(NoValue::MeasurementInvalid),
        };
        Self { saturation: value(saturation), rate: value(rate) }
    }

    /// As the sampler sees it. Without a saturation it is not usable: an oximeter's reading is one of saturation.
    #[must_use]
    pub fn live(&self) -> Live {
        let saturation = self.saturation.measured().copied();
        Live { saturation, rate: self.rate.measured().copied(), is_usable: saturation.is_some() }
    }
}

/// A number, or that the device says there is none.
pub(crate) fn no_number<T: Into<crate::Shown>>(number: Option<T>) -> crate::Shown {
    number.map_or(crate::Shown::NoNumber(vitals::float11073::Special::NotANumber), Into::into)
}
