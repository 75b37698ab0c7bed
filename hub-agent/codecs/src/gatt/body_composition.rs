//! Body Composition Measurement, characteristic 2A9C, and what an analyser can do, characteristic 2A9B.
//!
//! Source: Bluetooth Body Composition Service 1.0.1, section 3, and GATT Specification Supplement, "Body Composition
//! Measurement": flags u16; body fat u16 in tenths of a per cent; then, each where its flag is set: time (7 bytes),
//! user u8 (255 is unknown), basal metabolism u16 in kJ, muscle u16 in tenths of a per cent, muscle mass, fat free
//! mass, soft lean mass and body water mass u16 each in steps of 0.005 kg or 0.01 lb, impedance u16 in tenths of an
//! ohm, weight and height u16 in steps. A body fat of 0xFFFF says that the measurement was not successful. Flag bits 13
//! to 15 are reserved and ignored.
//!
//! Flag bit 12 says that the measurement comes in two frames, one right after the other: both have it set and both have
//! flags and body fat, the second has the fields that did not fit and never time nor user. [`joined`] makes one of two.
//!
//! Some scales send a layout of their own under this number (Xiaomi: see [`super::xiaomi`]), whose year then stands
//! where the fat does: a fat share above 100 % is never anyone's, so it is read as a sign of that and of nothing else.
//! Where their clock was never set, the fat is nought, and month and day stand where the standard has the year: months
//! end at 12, so no date of theirs reads as one of the years `YEARS`.

use super::{
    bits::{self, named_bits},
    units::{NOT_SUCCESSFUL, Units, tenths},
    weight::{height_resolution, mass_resolution},
};
use crate::{
    Fields, Shown,
    cursor::Cursor,
    date_time::DeviceTimeField,
    error::{DecodeError, EncodeError},
};
use vitals::{Decimal, NoValue, Quantity, time::DEVICE_YEAR_MIN};

const FLAG_IMPERIAL: u16 = 1 << 0;
const FLAG_TIME: u16 = 1 << 1;
const FLAG_USER: u16 = 1 << 2;
const FLAG_BASAL_METABOLISM: u16 = 1 << 3;
const FLAG_MUSCLE: u16 = 1 << 4;
const FLAG_MUSCLE_MASS: u16 = 1 << 5;
const FLAG_FAT_FREE_MASS: u16 = 1 << 6;
const FLAG_SOFT_LEAN_MASS: u16 = 1 << 7;
const FLAG_BODY_WATER_MASS: u16 = 1 << 8;
const FLAG_IMPEDANCE: u16 = 1 << 9;
const FLAG_WEIGHT: u16 = 1 << 10;
const FLAG_HEIGHT: u16 = 1 << 11;
const FLAG_TWO_FRAMES: u16 = 1 << 12;

/// The largest share there is, in tenths of a per cent.
const SHARE_TENTHS_MAX: u16 = 1000;

/// A year that a set clock says and that no month and day of Xiaomi's layout read as: 2048 is 0800 in hexadecimal, and
/// the low bytes of the years before it are above any month.
const YEARS: std::ops::RangeInclusive<u16> = DEVICE_YEAR_MIN..=2047;

/// The length of Xiaomi's frame.
const MAKERS_FRAME_BYTES: usize = super::xiaomi::COMPOSITION_BYTES;

/// One measurement, or one of its two frames, as the analyser said it. Every number is in its own steps, as sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BodyComposition {
    /// The units of masses and height.
    pub units: Units,
    /// Body fat in tenths of a per cent; 0xFFFF where the measurement was not successful.
    pub fat_tenths: u16,
    /// When the analyser says it was taken.
    pub taken_at: DeviceTimeField,
    /// Which of its users, where the frame says; 255 is "unknown".
    pub user_index: Option<u8>,
    /// Basal metabolism in kilojoules.
    pub basal_metabolism_kj: Option<u16>,
    /// Muscle in tenths of a per cent.
    pub muscle_tenths: Option<u16>,
    /// Muscle mass in steps.
    pub muscle_mass_steps: Option<u16>,
    /// Fat free mass in steps.
    pub fat_free_mass_steps: Option<u16>,
    /// Soft lean mass in steps.
    pub soft_lean_mass_steps: Option<u16>,
    /// Body water mass in steps.
    pub body_water_mass_steps: Option<u16>,
    /// Impedance in tenths of an ohm.
    pub impedance_tenths: Option<u16>,
    /// Weight in steps.
    pub weight_steps: Option<u16>,
    /// Height in steps.
    pub height_steps: Option<u16>,
    /// Whether this is one of two frames of a measurement.
    pub is_one_of_two_frames: bool,
}

impl BodyComposition {
    /// The weight, where the frame has one, in the unit it was sent in.
    ///
    /// # Errors
    /// [`NoValue::MeasurementFailed`] where the measurement was not successful.
    pub fn weight(&self) -> Result<Option<Quantity>, NoValue> {
        self.weight_steps.map(|steps| self.units.mass(steps)).transpose()
    }

    /// Whether this can only be the second of two frames: the first has the time and the user, where the analyser knows
    /// either. One that knows neither cannot be told apart and counts as a second too: whose it is, nobody can say.
    #[must_use]
    pub fn is_second_of_two_frames(&self) -> bool {
        self.is_one_of_two_frames && self.taken_at == DeviceTimeField::Absent && self.user_index.is_none()
    }

    /// Body fat in per cent.
    ///
    /// # Errors
    /// [`NoValue::MeasurementFailed`] where the measurement was not successful.
    pub fn fat_percent(&self) -> Result<Decimal, NoValue> {
        tenths(self.fat_tenths).ok_or(NoValue::MeasurementFailed)
    }

    /// What it says, as named values.
    #[must_use]
    pub fn shown(&self) -> Fields {
        let mass = |steps: Option<u16>| steps.and_then(|steps| self.units.mass(steps).ok()).map(Quantity::value);
        Fields::new()
            .with("body_fat_pct", self.fat_percent().ok())
            .with("is_successful", self.fat_tenths != NOT_SUCCESSFUL)
            .with("unit", self.units.mass_unit().plain())
            .with("time", self.taken_at)
            .with("user_index", self.user_index)
            .with("basal_metabolism_kj", self.basal_metabolism_kj.filter(|kj| *kj != NOT_SUCCESSFUL))
            .with("muscle_pct", self.muscle_tenths.and_then(tenths))
            .with("muscle_mass", mass(self.muscle_mass_steps))
            .with("fat_free_mass", mass(self.fat_free_mass_steps))
            .with("soft_lean_mass", mass(self.soft_lean_mass_steps))
            .with("body_water_mass", mass(self.body_water_mass_steps))
            .with("impedance_ohm", self.impedance_tenths.and_then(tenths))
            .with("weight", mass(self.weight_steps))
            .with("height", self.height_steps.and_then(|steps| self.units.height(steps)))
            .with("is_one_of_two_frames", self.is_one_of_two_frames)
    }
}

/// The measurement a 2A9C frame holds, in the standard's layout.
///
/// # Errors
/// [`DecodeError::MakersOwnLayout`] where the fat share is impossible, or where a frame as long as the one maker's that
/// we know has another length by the standard, or neither fat nor a likely year; otherwise [`DecodeError::Truncated`] and
/// [`DecodeError::TooLong`].
///
/// ```
/// use device_codecs::{error::DecodeError, gatt::body_composition};
/// let frame = vitals::hex::decode("0c007800054006").unwrap();
/// assert_eq!(body_composition::decode(&frame).unwrap().fat_percent().unwrap().to_string(), "12.0");
/// let xiaomi = vitals::hex::decode("0204e307011d1135010000282d").unwrap();
/// assert_eq!(body_composition::decode(&xiaomi), Err(DecodeError::MakersOwnLayout));
/// ```
pub fn decode(bytes: &[u8]) -> Result<BodyComposition, DecodeError> {
    let decoded = decode_standard(bytes);
    let is_explained = match &decoded {
        // No fat at all: somebody in socks, or a maker's frame without a year. The standard's year tells.
        Ok(read) => read.fat_tenths != 0 || year(read.taken_at).is_some_and(|year| YEARS.contains(&year)),
        Err(DecodeError::Truncated { .. } | DecodeError::TooLong { .. }) => false,
        Err(_) => true,
    };
    if is_explained || bytes.len() != MAKERS_FRAME_BYTES { decoded } else { Err(DecodeError::MakersOwnLayout) }
}

/// What a 2A9C frame says by the standard; or, where it is in the one maker's layout that we know, by that, together with
/// the fat share that the standard would have made of it.
pub(super) fn shown_whichever(bytes: &[u8]) -> Result<Shown, DecodeError> {
    match decode(bytes) {
        Err(DecodeError::MakersOwnLayout) => {
            let makers = super::xiaomi::decode_composition(bytes).map_err(|_neither| DecodeError::MakersOwnLayout)?;
            let fat = bytes.get(2..4).and_then(|word| <[u8; 2]>::try_from(word).ok()).map(u16::from_le_bytes);
            Ok(makers
                .shown()
                .with("is_makers_own_layout", true)
                .with("body_fat_pct_by_the_standard", fat.and_then(tenths))
                .into())
        }
        standard => standard.map(|composition| composition.shown().into()),
    }
}

/// The year as sent.
fn year(time: DeviceTimeField) -> Option<u16> {
    let [low, high, ..] = time.to_bytes()?;
    Some(u16::from_le_bytes([low, high]))
}

fn decode_standard(bytes: &[u8]) -> Result<BodyComposition, DecodeError> {
    let mut cursor = Cursor::new(bytes);
    let flags = cursor.word("the flags")?;
    let is_set = |flag: u16| flags & flag != 0;
    let fat_tenths = cursor.word("the body fat")?;
    if fat_tenths > SHARE_TENTHS_MAX && fat_tenths != NOT_SUCCESSFUL {
        return Err(DecodeError::MakersOwnLayout);
    }
    let taken_at = cursor.time_if(is_set(FLAG_TIME))?;
    let user_index = is_set(FLAG_USER).then(|| cursor.byte("the user index")).transpose()?;
    let mut word = |flag: u16, field: &'static str| is_set(flag).then(|| cursor.word(field)).transpose();
    let measurement = BodyComposition {
        units: Units::from_flag(is_set(FLAG_IMPERIAL)),
        fat_tenths,
        taken_at,
        user_index,
        basal_metabolism_kj: word(FLAG_BASAL_METABOLISM, "the basal metabolism")?,
        muscle_tenths: word(FLAG_MUSCLE, "the muscle share")?,
        muscle_mass_steps: word(FLAG_MUSCLE_MASS, "the muscle mass")?,
        fat_free_mass_steps: word(FLAG_FAT_FREE_MASS, "the fat free mass")?,
        soft_lean_mass_steps: word(FLAG_SOFT_LEAN_MASS, "the soft lean mass")?,
        body_water_mass_steps: word(FLAG_BODY_WATER_MASS, "the body water mass")?,
        impedance_tenths: word(FLAG_IMPEDANCE, "the impedance")?,
        weight_steps: word(FLAG_WEIGHT, "the weight")?,
        height_steps: word(FLAG_HEIGHT, "the height")?,
        is_one_of_two_frames: is_set(FLAG_TWO_FRAMES),
    };
    cursor.finish()?;
    Ok(measurement)
}

/// The one of two fields that is there; nothing where both are, which two frames of one measurement never have.
fn one(first: Option<u16>, second: Option<u16>) -> Option<Option<u16>> {
    if first.is_some() && second.is_some() { None } else { Some(first.or(second)) }
}

/// One measurement of its two frames, or `None` where they are not the two of one.
///
/// Both must say that they are one of two, in the same units and with the same body fat, the second without time and
/// user, and no field may come twice.
#[must_use]
pub fn joined(first: &BodyComposition, second: &BodyComposition) -> Option<BodyComposition> {
    let belongs = first.is_one_of_two_frames
        && second.is_one_of_two_frames
        && first.units == second.units
        && first.fat_tenths == second.fat_tenths
        && second.taken_at == DeviceTimeField::Absent
        && second.user_index.is_none();
    if !belongs {
        return None;
    }
    Some(BodyComposition {
        basal_metabolism_kj: one(first.basal_metabolism_kj, second.basal_metabolism_kj)?,
        muscle_tenths: one(first.muscle_tenths, second.muscle_tenths)?,
        muscle_mass_steps: one(first.muscle_mass_steps, second.muscle_mass_steps)?,
        fat_free_mass_steps: one(first.fat_free_mass_steps, second.fat_free_mass_steps)?,
        soft_lean_mass_steps: one(first.soft_lean_mass_steps, second.soft_lean_mass_steps)?,
        body_water_mass_steps: one(first.body_water_mass_steps, second.body_water_mass_steps)?,
        impedance_tenths: one(first.impedance_tenths, second.impedance_tenths)?,
        weight_steps: one(first.weight_steps, second.weight_steps)?,
        height_steps: one(first.height_steps, second.height_steps)?,
        is_one_of_two_frames: false,
        ..*first
    })
}

/// The 2A9C frame of a measurement.
///
/// # Errors
/// [`EncodeError::NumberDoesNotFit`] for a body fat above 100 %, which would not be read back.
pub fn encode(measurement: &BodyComposition) -> Result<Vec<u8>, EncodeError> {
    if measurement.fat_tenths > SHARE_TENTHS_MAX && measurement.fat_tenths != NOT_SUCCESSFUL {
        return Err(EncodeError::NumberDoesNotFit { field: "the body fat" });
    }
    let time = measurement.taken_at.to_bytes();
    let words = [
        (FLAG_BASAL_METABOLISM, measurement.basal_metabolism_kj),
        (FLAG_MUSCLE, measurement.muscle_tenths),
        (FLAG_MUSCLE_MASS, measurement.muscle_mass_steps),
        (FLAG_FAT_FREE_MASS, measurement.fat_free_mass_steps),
        (FLAG_SOFT_LEAN_MASS, measurement.soft_lean_mass_steps),
        (FLAG_BODY_WATER_MASS, measurement.body_water_mass_steps),
        (FLAG_IMPEDANCE, measurement.impedance_tenths),
        (FLAG_WEIGHT, measurement.weight_steps),
        (FLAG_HEIGHT, measurement.height_steps),
    ];
    let flags = bits::flag(FLAG_IMPERIAL, measurement.units == Units::Imperial)
        | bits::flag(FLAG_TIME, time.is_some())
        | bits::flag(FLAG_USER, measurement.user_index.is_some())
        | bits::flag(FLAG_TWO_FRAMES, measurement.is_one_of_two_frames)
        | words.iter().fold(0, |flags, (flag, word)| flags | bits::flag(*flag, word.is_some()));
    let mut bytes = [flags.to_le_bytes(), measurement.fat_tenths.to_le_bytes()].concat();
    bytes.extend(time.into_iter().flatten());
    bytes.extend(measurement.user_index);
    bytes.extend(words.into_iter().filter_map(|(_, word)| word).flat_map(u16::to_le_bytes));
    Ok(bytes)
}

named_bits! {
    /// What an analyser can do, 2A9B. Bits 11 to 14 and 15 to 17 are the resolutions of mass and height.
    pub struct BodyCompositionFeature(u32) {
        /// It dates its measurements.
        TIME = 0, "timestamp";
        /// It knows several users.
        MULTIPLE_USERS = 1, "multiple_users";
        /// It has basal metabolism.
        BASAL_METABOLISM = 2, "basal_metabolism";
        /// It has the muscle share.
        MUSCLE = 3, "muscle_pct";
        /// It has muscle mass.
        MUSCLE_MASS = 4, "muscle_mass";
        /// It has fat free mass.
        FAT_FREE_MASS = 5, "fat_free_mass";
        /// It has soft lean mass.
        SOFT_LEAN_MASS = 6, "soft_lean_mass";
        /// It has body water mass.
        BODY_WATER_MASS = 7, "body_water_mass";
        /// It has impedance.
        IMPEDANCE = 8, "impedance";
        /// It has weight.
        WEIGHT = 9, "weight";
        /// It has height.
        HEIGHT = 10, "height";
    }
}

impl BodyCompositionFeature {
    /// What it says, as named values.
    #[must_use]
    pub fn shown(self) -> Fields {
        Fields::new()
            .with("features", self.0)
            .with("feature_names", self.names())
            .with("mass_resolution", mass_resolution(self.0 >> 11 & 0b1111))
            .with("height_resolution", height_resolution(self.0 >> 15 & 0b111))
    }
}

/// What an analyser says it can do, 2A9B.
///
/// # Errors
/// [`DecodeError`] unless there are exactly four bytes.
pub fn decode_feature(bytes: &[u8]) -> Result<BodyCompositionFeature, DecodeError> {
    let mut cursor = Cursor::new(bytes);
    let feature = BodyCompositionFeature(cursor.long_word("the features")?);
    cursor.finish()?;
    Ok(feature)
}

#[cfg(test)]
#[path = "body_composition_tests.rs"]
mod tests;
