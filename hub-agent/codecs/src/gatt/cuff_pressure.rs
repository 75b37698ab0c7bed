//! Intermediate Cuff Pressure, characteristic 2A36, and what a cuff can do, characteristic 2A49.
//!
//! Source: Bluetooth Blood Pressure Service 1.1.1, sections 3.2 and 3.3. 2A36 has the layout of 2A35 with the cuff's
//! pressure in place of the systolic; the two numbers after it are not used (NaN; some devices send nought) and are not
//! kept. A cuff pressure is never a reading: the cuff is still filling.

use super::{
    bits::named_bits,
    blood_pressure::{self, BloodPressureMeasurement, PressureUnit},
};
use crate::{
    Fields,
    cursor::Cursor,
    date_time::DeviceTimeField,
    error::{DecodeError, EncodeError},
};
use vitals::float11073::{DeviceNumber, Special};

/// The pressure in the cuff at one moment of a measurement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CuffPressure {
    /// The pressure, in `unit`.
    pub pressure: DeviceNumber,
    /// The unit of the pressure.
    pub unit: PressureUnit,
    /// When, by the cuff's clock.
    pub taken_at: DeviceTimeField,
    /// Pulse rate in beats a minute, where the frame has it.
    pub pulse: Option<DeviceNumber>,
    /// Which of the cuff's users, where the frame says; 255 is "unknown".
    pub user_index: Option<u8>,
    /// Measurement status as sent, where the frame has it.
    pub status: Option<u16>,
}

impl CuffPressure {
    /// What it says, as named values.
    #[must_use]
    pub fn shown(&self) -> Fields {
        Fields::new()
            .with("cuff_pressure", self.pressure)
            .with("unit", self.unit.unit().plain())
            .with("time", self.taken_at)
            .with("pulse", self.pulse)
            .with("user_index", self.user_index)
            .with("status", self.status)
    }
}

/// The cuff pressure a 2A36 frame holds.
///
/// # Errors
/// As for 2A35, whose field names the errors use.
pub fn decode(bytes: &[u8]) -> Result<CuffPressure, DecodeError> {
    let BloodPressureMeasurement { systolic, diastolic: _, mean: _, unit, taken_at, pulse, user_index, status } =
        blood_pressure::decode(bytes)?;
    Ok(CuffPressure { pressure: systolic, unit, taken_at, pulse, user_index, status })
}

/// The 2A36 frame of a cuff pressure, with NaN in the two numbers that are not used.
///
/// # Errors
/// [`EncodeError::NumberDoesNotFit`] where a number has more digits than an SFLOAT holds.
pub fn encode(cuff: &CuffPressure) -> Result<Vec<u8>, EncodeError> {
    let not_used = DeviceNumber::Special(Special::NotANumber);
    blood_pressure::encode(&BloodPressureMeasurement {
        systolic: cuff.pressure,
        diastolic: not_used,
        mean: not_used,
        unit: cuff.unit,
        taken_at: cuff.taken_at,
        pulse: cuff.pulse,
        user_index: cuff.user_index,
        status: cuff.status,
    })
}

named_bits! {
    /// What a cuff can do, 2A49. Bits 6 to 8 came with version 1.1 of the service.
    pub struct BloodPressureFeature(u16) {
        /// It notices body movement.
        BODY_MOVEMENT = 0, "body_movement_detection";
        /// It notices a loose cuff.
        CUFF_FIT = 1, "cuff_fit_detection";
        /// It notices an irregular pulse.
        IRREGULAR_PULSE = 2, "irregular_pulse_detection";
        /// It notices a pulse rate outside its range.
        PULSE_RANGE = 3, "pulse_rate_range_detection";
        /// It notices a wrong position of the arm.
        POSITION = 4, "measurement_position_detection";
        /// It keeps bonds with several hubs.
        MULTIPLE_BOND = 5, "multiple_bond";
        /// It protects its records with a CRC.
        E2E_CRC = 6, "e2e_crc";
        /// It has the User Data Service.
        USER_DATA = 7, "user_data_service";
        /// It has a clock that people set.
        USER_FACING_TIME = 8, "user_facing_time";
    }
}

impl BloodPressureFeature {
    /// What it says, as named values.
    #[must_use]
    pub fn shown(self) -> Fields {
        Fields::new()
            .with("bits", self.0)
            .with("body_movement_detection", self.has(Self::BODY_MOVEMENT))
            .with("cuff_fit_detection", self.has(Self::CUFF_FIT))
            .with("irregular_pulse_detection", self.has(Self::IRREGULAR_PULSE))
            .with("pulse_rate_range_detection", self.has(Self::PULSE_RANGE))
            .with("measurement_position_detection", self.has(Self::POSITION))
            .with("multiple_bond", self.has(Self::MULTIPLE_BOND))
            .with("e2e_crc", self.has(Self::E2E_CRC))
            .with("user_data_service", self.has(Self::USER_DATA))
            .with("user_facing_time", self.has(Self::USER_FACING_TIME))
    }
}

/// What a cuff says it can do, 2A49.
///
/// # Errors
/// [`DecodeError`] unless there are exactly two bytes.
pub fn decode_feature(bytes: &[u8]) -> Result<BloodPressureFeature, DecodeError> {
    let mut cursor = Cursor::new(bytes);
    let feature = BloodPressureFeature(cursor.word("the features")?);
    cursor.finish()?;
    Ok(feature)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use vitals::float11073::sfloat;

    /// Row 7 of the public vectors (Nordic): 11.1 kPa with the two unused numbers nought.
    #[test]
    fn the_cuff_pressure_is_the_first_number() {
        let cuff = decode(&vitals::hex::decode("156ff0000000003c001200").unwrap()).unwrap();
        assert_eq!((cuff.pressure.to_string().as_str(), cuff.unit), ("11.1", PressureUnit::KPa));
        assert_eq!(cuff.taken_at, DeviceTimeField::Absent);
        assert_eq!(cuff.pulse.map(|pulse| pulse.to_string()).as_deref(), Some("60"));
        assert_eq!((cuff.user_index, cuff.status), (None, Some(18)));
    }

    /// Row 8 of the public vectors.
    #[test]
    fn features_are_named() {
        let feature = decode_feature(&[0x3f, 0x00]).unwrap();
        assert_eq!(feature.0, 63);
        assert!(feature.has(BloodPressureFeature::MULTIPLE_BOND) && !feature.has(BloodPressureFeature::E2E_CRC));
        assert_eq!(feature.shown().get("user_facing_time"), Some(&false.into()));
        assert_eq!(feature.names().len(), 6);
        assert_eq!(decode_feature(&[0x3f]), Err(DecodeError::Truncated { field: "the features" }));
        assert_eq!(decode_feature(&[0, 0, 0]), Err(DecodeError::TooLong { left_bytes: 1 }));
    }

    proptest! {
        #[test]
        fn what_is_encoded_decodes_to_the_same(
            pressure: u16, is_kpa: bool, time in proptest::option::of(any::<[u8; 7]>()),
            pulse: Option<u16>, user_index: Option<u8>, status: Option<u16>,
        ) {
            let cuff = CuffPressure {
                pressure: sfloat(pressure),
                unit: if is_kpa { PressureUnit::KPa } else { PressureUnit::MmHg },
                taken_at: time.map_or(DeviceTimeField::Absent, DeviceTimeField::from_bytes),
                pulse: pulse.map(sfloat),
                user_index,
                status,
            };
            prop_assert_eq!(decode(&encode(&cuff).unwrap()), Ok(cuff));
        }
    }
}
