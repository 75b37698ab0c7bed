//! Blood Pressure Measurement, characteristic 2A35, to the device's exact words and back.
//!
//! Source: Bluetooth Blood Pressure Service 1.1.1 and GATT Specification Supplement: flags u8; systolic, diastolic and
//! mean arterial pressure as SFLOAT; then, each where its flag is set: time (7 bytes), pulse rate SFLOAT, user index
//! u8, status u16. Flag bits 5 to 7 are reserved and ignored (a real cuff sends 0xDE); so are reserved status bits,
//! which are kept raw (a real cuff sends 0x0144).

use crate::{
    Fields,
    cursor::Cursor,
    date_time::DeviceTimeField,
    error::{DecodeError, EncodeError},
};
use vitals::{
    Unit,
    float11073::{DeviceNumber, to_sfloat},
};

const FLAG_KILOPASCALS: u8 = 0b0000_0001;
const FLAG_TIME: u8 = 0b0000_0010;
const FLAG_PULSE: u8 = 0b0000_0100;
const FLAG_USER: u8 = 0b0000_1000;
const FLAG_STATUS: u8 = 0b0001_0000;

/// The unit of the three pressures of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PressureUnit {
    /// Millimetres of mercury.
    MmHg,
    /// Kilopascals.
    KPa,
}

impl PressureUnit {
    /// The unit as a quantity has it.
    #[must_use]
    pub fn unit(self) -> Unit {
        match self {
            Self::MmHg => Unit::MillimetresOfMercury,
            Self::KPa => Unit::Kilopascals,
        }
    }
}

/// One measurement as the cuff said it: numbers may be special, the time impossible, the user unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BloodPressureMeasurement {
    /// The higher pressure, in `unit`.
    pub systolic: DeviceNumber,
    /// The lower pressure, in `unit`.
    pub diastolic: DeviceNumber,
    /// Mean arterial pressure, in `unit`; many cuffs send "not a number".
    pub mean: DeviceNumber,
    /// The unit of the three pressures.
    pub unit: PressureUnit,
    /// When the cuff says it was taken.
    pub taken_at: DeviceTimeField,
    /// Pulse rate in beats a minute, where the frame has it.
    pub pulse: Option<DeviceNumber>,
    /// Which of the cuff's users, where the frame says; 255 is "unknown".
    pub user_index: Option<u8>,
    /// Measurement status as sent, reserved bits and all, where the frame has it.
    pub status: Option<u16>,
}

impl BloodPressureMeasurement {
    /// What it says, as named values.
    #[must_use]
    pub fn shown(&self) -> Fields {
        Fields::new()
            .with("systolic", self.systolic)
            .with("diastolic", self.diastolic)
            .with("mean", self.mean)
            .with("unit", self.unit.unit().plain())
            .with("time", self.taken_at)
            .with("pulse", self.pulse)
            .with("user_index", self.user_index)
            .with("status", self.status)
    }
}

/// The measurement a 2A35 frame holds.
///
/// # Errors
/// [`DecodeError::Truncated`] where the frame ends before its flags say, [`DecodeError::TooLong`] where it goes on.
///
/// ```
/// use device_codecs::{error::DecodeError, gatt::blood_pressure};
/// let frame = vitals::hex::decode("1e8a00580078000000041114293b3c00012700").unwrap();
/// let measurement = blood_pressure::decode(&frame).unwrap();
/// assert_eq!((measurement.systolic.to_string(), measurement.diastolic.to_string()), ("138".into(), "88".into()));
/// assert_eq!(measurement.taken_at.stated().unwrap().to_string(), "????-04-17T20:41:59");
/// assert!(matches!(blood_pressure::decode(&frame[..18]), Err(DecodeError::Truncated { .. })));
/// ```
pub fn decode(bytes: &[u8]) -> Result<BloodPressureMeasurement, DecodeError> {
    let mut cursor = Cursor::new(bytes);
    let flags = cursor.byte("the flags")?;
    let is_set = |flag: u8| flags & flag != 0;
    let measurement = BloodPressureMeasurement {
        systolic: cursor.number("the systolic pressure")?,
        diastolic: cursor.number("the diastolic pressure")?,
        mean: cursor.number("the mean arterial pressure")?,
        unit: if is_set(FLAG_KILOPASCALS) { PressureUnit::KPa } else { PressureUnit::MmHg },
        taken_at: if is_set(FLAG_TIME) {
            DeviceTimeField::from_bytes(cursor.take("the time")?)
        } else {
            DeviceTimeField::Absent
        },
        pulse: is_set(FLAG_PULSE).then(|| cursor.number("the pulse rate")).transpose()?,
        user_index: is_set(FLAG_USER).then(|| cursor.byte("the user index")).transpose()?,
        status: is_set(FLAG_STATUS).then(|| cursor.word("the status")).transpose()?,
    };
    cursor.finish()?;
    Ok(measurement)
}

/// The 2A35 frame of a measurement.
///
/// # Errors
/// [`EncodeError::NumberDoesNotFit`] where a number has more digits than an SFLOAT holds.
pub fn encode(measurement: &BloodPressureMeasurement) -> Result<Vec<u8>, EncodeError> {
    let number = |number: DeviceNumber, field: &'static str| {
        to_sfloat(number).map(u16::to_le_bytes).ok_or(EncodeError::NumberDoesNotFit { field })
    };
    let time = measurement.taken_at.to_bytes();
    let flag = |flag: u8, is_set: bool| if is_set { flag } else { 0 };
    let mut bytes = vec![
        flag(FLAG_KILOPASCALS, measurement.unit == PressureUnit::KPa)
            | flag(FLAG_TIME, time.is_some())
            | flag(FLAG_PULSE, measurement.pulse.is_some())
            | flag(FLAG_USER, measurement.user_index.is_some())
            | flag(FLAG_STATUS, measurement.status.is_some()),
    ];
    bytes.extend(number(measurement.systolic, "the systolic pressure")?);
    bytes.extend(number(measurement.diastolic, "the diastolic pressure")?);
    bytes.extend(number(measurement.mean, "the mean arterial pressure")?);
    bytes.extend(time.into_iter().flatten());
    if let Some(pulse) = measurement.pulse {
        bytes.extend(number(pulse, "the pulse rate")?);
    }
    bytes.extend(measurement.user_index);
    bytes.extend(measurement.status.into_iter().flat_map(u16::to_le_bytes));
    Ok(bytes)
}

#[cfg(test)]
#[path = "blood_pressure_tests.rs"]
mod tests;
