//! Glucose Feature, characteristic 2A51: what a meter can do.
//!
//! Source: Bluetooth Glucose Service 1.0.1, section 3.3, and GATT Specification Supplement, "Glucose Feature": one
//! word. Bits 11 to 15 are reserved and ignored.

use super::bits::named_bits;
use crate::{Fields, cursor::Cursor, error::DecodeError};

named_bits! {
    /// What a meter can do, 2A51.
    pub struct GlucoseFeature(u16) {
        /// It notices a low battery while measuring.
        LOW_BATTERY = 0, "low_battery_detection";
        /// It notices a faulty sensor.
        SENSOR_MALFUNCTION = 1, "sensor_malfunction_detection";
        /// It notices too small a sample.
        SAMPLE_SIZE = 2, "sample_size_detection";
        /// It notices a strip put in wrong.
        STRIP_INSERTION = 3, "strip_insertion_error_detection";
        /// It notices a strip of another meter.
        STRIP_TYPE = 4, "strip_type_error_detection";
        /// It notices results it cannot process.
        RESULT_RANGE = 5, "result_high_low_detection";
        /// It notices a temperature too high or too low.
        TEMPERATURE = 6, "temperature_high_low_detection";
        /// It notices an interrupted measurement.
        READ_INTERRUPT = 7, "read_interrupt_detection";
        /// It notices general faults.
        DEVICE_FAULT = 8, "general_device_fault";
        /// It notices that its time may be wrong.
        TIME_FAULT = 9, "time_fault";
        /// It keeps bonds with several hubs.
        MULTIPLE_BOND = 10, "multiple_bond";
    }
}

impl GlucoseFeature {
    /// What it says, as named values.
    #[must_use]
    pub fn shown(self) -> Fields {
        Fields::new().with("features", self.0).with("feature_names", self.names())
    }
}

/// What a meter says it can do, 2A51.
///
/// # Errors
/// [`DecodeError`] unless there are exactly two bytes.
pub fn decode(bytes: &[u8]) -> Result<GlucoseFeature, DecodeError> {
    let mut cursor = Cursor::new(bytes);
    let feature = GlucoseFeature(cursor.word("the features")?);
    cursor.finish()?;
    Ok(feature)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn features_are_named() {
        let feature = decode(&[0x03, 0x04]).unwrap();
        assert_eq!(feature.names(), ["low_battery_detection", "sensor_malfunction_detection", "multiple_bond"]);
        assert!(decode(&[1]).is_err() && decode(&[1, 2, 3]).is_err());
    }
}
