//! Weight Measurement, characteristic 2A9D, and what a scale can do, characteristic 2A9E.
//!
//! Source: Bluetooth Weight Scale Service 1.0, section 3, and GATT Specification Supplement, "Weight Measurement":
//! flags u8; weight u16 in steps of 0.005 kg or 0.01 lb; then, each where its flag is set: time (7 bytes), user u8 (255
//! is unknown), body mass index u16 in tenths with height u16 in steps of 0.001 m or 0.1 in. A weight of 0xFFFF says
//! that the measurement was not successful. Flag bits 4 to 7 are reserved and ignored.

use super::{
    bits::{self, named_bits},
    units::{Units, tenths},
};
use crate::{
    Fields,
    cursor::Cursor,
    date_time::DeviceTimeField,
    error::{DecodeError, EncodeError},
};
use vitals::{Decimal, NoValue, Quantity};

const FLAG_IMPERIAL: u8 = 0b0000_0001;
const FLAG_TIME: u8 = 0b0000_0010;
const FLAG_USER: u8 = 0b0000_0100;
const FLAG_BMI_HEIGHT: u8 = 0b0000_1000;

/// What the scale worked out from a height it was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BmiHeight {
    /// Body mass index in tenths, as sent.
    pub bmi_tenths: u16,
    /// Height in steps of the frame's units, as sent.
    pub height_steps: u16,
}

/// One weighing as the scale said it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WeightMeasurement {
    /// The units of weight and height.
    pub units: Units,
    /// Weight in steps of those units, as sent.
    pub weight_steps: u16,
    /// When the scale says it was taken.
    pub taken_at: DeviceTimeField,
    /// Which of the scale's users, where the frame says; 255 is "unknown".
    pub user_index: Option<u8>,
    /// Body mass index and height, where the frame has them.
    pub bmi_height: Option<BmiHeight>,
}

impl WeightMeasurement {
    /// The weight in the unit it was sent in.
    ///
    /// # Errors
    /// [`NoValue::MeasurementFailed`] where the scale says so.
    pub fn patient_value(&self) -> Result<Quantity, NoValue> {
        self.units.mass(self.weight_steps)
    }

    /// Body mass index, where the frame has one.
    #[must_use]
    pub fn bmi(&self) -> Option<Decimal> {
        self.bmi_height.and_then(|pair| tenths(pair.bmi_tenths))
    }

    /// Height in metres or inches, where the frame has one.
    #[must_use]
    pub fn height(&self) -> Option<Decimal> {
        self.bmi_height.and_then(|pair| self.units.height(pair.height_steps))
    }

    /// What it says, as named values.
    #[must_use]
    pub fn shown(&self) -> Fields {
        let weight = self.patient_value().ok();
        Fields::new()
            .with("weight", weight.map(Quantity::value))
            .with("is_successful", weight.is_some())
            .with("unit", self.units.mass_unit().plain())
            .with("time", self.taken_at)
            .with("user_index", self.user_index)
            .with("bmi", self.bmi())
            .with("height", self.height())
            .with("height_unit", self.bmi_height.map(|_| self.units.height_unit()))
    }
}

/// The weighing a 2A9D frame holds.
///
/// # Errors
/// [`DecodeError::Truncated`] where the frame ends before its flags say, [`DecodeError::TooLong`] where it goes on.
///
/// ```
/// use device_codecs::gatt::weight;
/// let weighing = weight::decode(&vitals::hex::decode("08b036f500d606").unwrap()).unwrap();
/// assert_eq!(weighing.patient_value().unwrap().to_string(), "70.000 kg");
/// assert_eq!(weighing.bmi().unwrap().to_string(), "24.5");
/// assert_eq!(weighing.height().unwrap().to_string(), "1.750");
/// ```
pub fn decode(bytes: &[u8]) -> Result<WeightMeasurement, DecodeError> {
    let mut cursor = Cursor::new(bytes);
    let flags = cursor.byte("the flags")?;
    let is_set = |flag: u8| flags & flag != 0;
    let weighing = WeightMeasurement {
        units: Units::from_flag(is_set(FLAG_IMPERIAL)),
        weight_steps: cursor.word("the weight")?,
        taken_at: cursor.time_if(is_set(FLAG_TIME))?,
        user_index: is_set(FLAG_USER).then(|| cursor.byte("the user index")).transpose()?,
        bmi_height: is_set(FLAG_BMI_HEIGHT).then(|| bmi_height(&mut cursor)).transpose()?,
    };
    cursor.finish()?;
    Ok(weighing)
}

fn bmi_height(cursor: &mut Cursor<'_>) -> Result<BmiHeight, DecodeError> {
    Ok(BmiHeight { bmi_tenths: cursor.word("the body mass index")?, height_steps: cursor.word("the height")? })
}

/// The 2A9D frame of a weighing.
///
/// # Errors
/// None today: every weighing fits. The form is that of the other codecs.
pub fn encode(weighing: &WeightMeasurement) -> Result<Vec<u8>, EncodeError> {
    let time = weighing.taken_at.to_bytes();
    let mut bytes = vec![
        bits::flag(FLAG_IMPERIAL, weighing.units == Units::Imperial)
            | bits::flag(FLAG_TIME, time.is_some())
            | bits::flag(FLAG_USER, weighing.user_index.is_some())
            | bits::flag(FLAG_BMI_HEIGHT, weighing.bmi_height.is_some()),
    ];
    bytes.extend(weighing.weight_steps.to_le_bytes());
    bytes.extend(time.into_iter().flatten());
    bytes.extend(weighing.user_index);
    if let Some(BmiHeight { bmi_tenths, height_steps }) = weighing.bmi_height {
        bytes.extend(bmi_tenths.to_le_bytes());
        bytes.extend(height_steps.to_le_bytes());
    }
    Ok(bytes)
}

named_bits! {
    /// What a scale can do, 2A9E. Bits 3 to 6 and 7 to 9 are the resolutions of weight and height.
    pub struct WeightScaleFeature(u32) {
        /// It dates its weighings.
        TIME = 0, "timestamp";
        /// It knows several users.
        MULTIPLE_USERS = 1, "multiple_users";
        /// It works out the body mass index.
        BMI = 2, "bmi";
    }
}

/// The resolution that a code of a scale's features stands for.
pub(super) fn mass_resolution(code: u32) -> Option<&'static str> {
    match code {
        1 => Some("0.5 kg or 1 lb"),
        2 => Some("0.2 kg or 0.5 lb"),
        3 => Some("0.1 kg or 0.2 lb"),
        4 => Some("0.05 kg or 0.1 lb"),
        5 => Some("0.02 kg or 0.05 lb"),
        6 => Some("0.01 kg or 0.02 lb"),
        7 => Some("0.005 kg or 0.01 lb"),
        _ => None,
    }
}

/// The resolution that a code of a scale's features stands for.
pub(super) fn height_resolution(code: u32) -> Option<&'static str> {
    match code {
        1 => Some("0.01 m or 1 in"),
        2 => Some("0.005 m or 0.5 in"),
        3 => Some("0.001 m or 0.1 in"),
        _ => None,
    }
}

impl WeightScaleFeature {
    /// What it says, as named values.
    #[must_use]
    pub fn shown(self) -> Fields {
        Fields::new()
            .with("timestamp", self.has(Self::TIME))
            .with("multiple_users", self.has(Self::MULTIPLE_USERS))
            .with("bmi", self.has(Self::BMI))
            .with("mass_resolution", mass_resolution(self.0 >> 3 & 0b1111))
            .with("height_resolution", height_resolution(self.0 >> 7 & 0b111))
    }
}

/// What a scale says it can do, 2A9E.
///
/// # Errors
/// [`DecodeError`] unless there are exactly four bytes.
pub fn decode_feature(bytes: &[u8]) -> Result<WeightScaleFeature, DecodeError> {
    let mut cursor = Cursor::new(bytes);
    let feature = WeightScaleFeature(cursor.long_word("the features")?);
    cursor.finish()?;
    Ok(feature)
}

#[cfg(test)]
#[path = "weight_tests.rs"]
mod tests;
