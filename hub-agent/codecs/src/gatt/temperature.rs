//! Temperature Measurement 2A1C, Intermediate Temperature 2A1E (the same layout), Temperature Type 2A1D and
//! Measurement Interval 2A21.
//!
//! Source: Bluetooth Health Thermometer Service 1.0, section 3, and GATT Specification Supplement, "Temperature
//! Measurement": flags u8; FLOAT; then, each where its flag is set: time (7 bytes), temperature type u8. Flag bits 3 to
//! 7 are reserved and ignored. An intermediate temperature is never a reading: the thermometer is still rising.

use super::bits;
use crate::{
    Fields,
    cursor::Cursor,
    date_time::DeviceTimeField,
    error::{DecodeError, EncodeError},
};
use vitals::{NoValue, Quantity, Unit, float11073::DeviceNumber};

const FLAG_FAHRENHEIT: u8 = 0b0000_0001;
const FLAG_TIME: u8 = 0b0000_0010;
const FLAG_TYPE: u8 = 0b0000_0100;

/// The unit of a temperature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TemperatureUnit {
    /// Degrees Celsius.
    Celsius,
    /// Degrees Fahrenheit.
    Fahrenheit,
}

impl TemperatureUnit {
    /// The unit as a quantity has it.
    #[must_use]
    pub fn unit(self) -> Unit {
        match self {
            Self::Celsius => Unit::Celsius,
            Self::Fahrenheit => Unit::Fahrenheit,
        }
    }
}

/// Where on the body the temperature was taken, as sent. Reserved codes are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TemperatureType(pub u8);

impl TemperatureType {
    /// The place, where the code is not reserved.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        match self.0 {
            1 => Some("armpit"),
            2 => Some("body"),
            3 => Some("ear"),
            4 => Some("finger"),
            5 => Some("gastro_intestinal_tract"),
            6 => Some("mouth"),
            7 => Some("rectum"),
            8 => Some("toe"),
            9 => Some("tympanum"),
            _ => None,
        }
    }
}

/// One temperature as the thermometer said it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TemperatureMeasurement {
    /// The temperature, in `unit`.
    pub temperature: DeviceNumber,
    /// The unit it was sent in.
    pub unit: TemperatureUnit,
    /// When the thermometer says it was taken.
    pub taken_at: DeviceTimeField,
    /// Where it was taken, where the frame says.
    pub place: Option<TemperatureType>,
}

impl TemperatureMeasurement {
    /// The temperature in the unit it was sent in.
    ///
    /// # Errors
    /// The reason there is none: a special value, or a number beyond any we keep.
    pub fn patient_value(&self) -> Result<Quantity, NoValue> {
        self.temperature.quantity(self.unit.unit())
    }

    /// What it says, as named values.
    #[must_use]
    pub fn shown(&self) -> Fields {
        Fields::new()
            .with("temperature", self.temperature)
            .with("unit", self.unit.unit().plain())
            .with("time", self.taken_at)
            .with("type", self.place.map(|place| place.0))
            .with("type_name", self.place.and_then(TemperatureType::name))
    }
}

/// The temperature a 2A1C or 2A1E frame holds.
///
/// # Errors
/// [`DecodeError::Truncated`] where the frame ends before its flags say, [`DecodeError::TooLong`] where it goes on.
///
/// ```
/// use device_codecs::gatt::temperature;
/// let frame = vitals::hex::decode("06840f00fedc070c050b0c1504").unwrap();
/// let measurement = temperature::decode(&frame).unwrap();
/// assert_eq!(measurement.patient_value().unwrap().to_string(), "39.72 Cel");
/// assert_eq!(measurement.place.unwrap().name(), Some("finger"));
/// ```
pub fn decode(bytes: &[u8]) -> Result<TemperatureMeasurement, DecodeError> {
    let mut cursor = Cursor::new(bytes);
    let flags = cursor.byte("the flags")?;
    let is_set = |flag: u8| flags & flag != 0;
    let measurement = TemperatureMeasurement {
        temperature: cursor.long_number("the temperature")?,
        unit: if is_set(FLAG_FAHRENHEIT) { TemperatureUnit::Fahrenheit } else { TemperatureUnit::Celsius },
        taken_at: cursor.time_if(is_set(FLAG_TIME))?,
        place: is_set(FLAG_TYPE).then(|| cursor.byte("the temperature type")).transpose()?.map(TemperatureType),
    };
    cursor.finish()?;
    Ok(measurement)
}

/// The 2A1C or 2A1E frame of a temperature.
///
/// # Errors
/// [`EncodeError::NumberDoesNotFit`] where the number has more digits than a FLOAT holds.
pub fn encode(measurement: &TemperatureMeasurement) -> Result<Vec<u8>, EncodeError> {
    let time = measurement.taken_at.to_bytes();
    let mut bytes = vec![
        bits::flag(FLAG_FAHRENHEIT, measurement.unit == TemperatureUnit::Fahrenheit)
            | bits::flag(FLAG_TIME, time.is_some())
            | bits::flag(FLAG_TYPE, measurement.place.is_some()),
    ];
    bytes.extend(bits::long_number(measurement.temperature, "the temperature")?);
    bytes.extend(time.into_iter().flatten());
    bytes.extend(measurement.place.map(|place| place.0));
    Ok(bytes)
}

/// Where a thermometer always measures, 2A1D.
///
/// # Errors
/// [`DecodeError`] unless there is exactly one byte.
pub fn decode_type(bytes: &[u8]) -> Result<TemperatureType, DecodeError> {
    let mut cursor = Cursor::new(bytes);
    let place = TemperatureType(cursor.byte("the temperature type")?);
    cursor.finish()?;
    Ok(place)
}

/// How often a thermometer measures, 2A21, in seconds; nought means only when asked.
///
/// # Errors
/// [`DecodeError`] unless there are exactly two bytes.
pub fn decode_interval(bytes: &[u8]) -> Result<u16, DecodeError> {
    let mut cursor = Cursor::new(bytes);
    let seconds = cursor.word("the measurement interval")?;
    cursor.finish()?;
    Ok(seconds)
}

/// The bytes that set how often a thermometer measures, 2A21.
#[must_use]
pub fn encode_interval(seconds: u16) -> [u8; 2] {
    seconds.to_le_bytes()
}

#[cfg(test)]
#[path = "temperature_tests.rs"]
mod tests;
