//! Glucose Measurement Context, characteristic 2A34: what stood beside a measurement, joined by its sequence number.
//!
//! Source: Bluetooth Glucose Service 1.0.1, section 3.2, and GATT Specification Supplement, "Glucose Measurement
//! Context": flags u8; sequence number u16; then, each where its flag is set: extended flags u8 (all reserved); kind of
//! carbohydrate u8 with kilograms SFLOAT; meal u8; tester (low half) and health (high half); exercise u16 seconds with
//! u8 per cent; medication u8 with SFLOAT in kilograms or litres; glycated haemoglobin SFLOAT in per cent. The extended
//! flags stand first although their flag is bit 7.

use super::bits;
use crate::{
    Fields,
    cursor::Cursor,
    error::{DecodeError, EncodeError},
};
use vitals::float11073::DeviceNumber;

const FLAG_CARBOHYDRATE: u8 = 0b0000_0001;
const FLAG_MEAL: u8 = 0b0000_0010;
const FLAG_TESTER_HEALTH: u8 = 0b0000_0100;
const FLAG_EXERCISE: u8 = 0b0000_1000;
const FLAG_MEDICATION: u8 = 0b0001_0000;
const FLAG_LITRES: u8 = 0b0010_0000;
const FLAG_HBA1C: u8 = 0b0100_0000;
const FLAG_EXTENDED: u8 = 0b1000_0000;

/// What was eaten or drunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Carbohydrate {
    /// Of what meal, as sent: 1 breakfast, 2 lunch, 3 dinner, 4 snack, 5 drink, 6 supper, 7 brunch.
    pub id: u8,
    /// How much, in kilograms.
    pub kilograms: DeviceNumber,
}

/// Who measured, and how the person was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TesterHealth {
    /// Four bits as sent: 1 self, 2 health care professional, 3 laboratory, 15 not available.
    pub tester: u8,
    /// Four bits as sent: 1 minor, 2 major health issues, 3 menses, 4 stress, 5 none, 15 not available.
    pub health: u8,
}

/// Exercise before the measurement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exercise {
    /// How long, in seconds; 65535 says longer than fits.
    pub duration_secs: u16,
    /// How hard, in per cent.
    pub intensity_percent: u8,
}

/// The unit of a medication.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MedicationUnit {
    /// Kilograms.
    Kilograms,
    /// Litres.
    Litres,
}

/// What was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Medication {
    /// As sent: 1 rapid, 2 short, 3 intermediate, 4 long acting, 5 pre-mixed insulin.
    pub id: u8,
    /// How much, in `unit`.
    pub amount: DeviceNumber,
    /// The unit of the amount.
    pub unit: MedicationUnit,
}

/// What stood beside one measurement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GlucoseContext {
    /// The sequence number of the measurement it belongs to.
    pub sequence: u16,
    /// Extended flags as sent, where the frame has them; all are reserved.
    pub extended_flags: Option<u8>,
    /// What was eaten, where the frame says.
    pub carbohydrate: Option<Carbohydrate>,
    /// As sent: 1 before a meal, 2 after, 3 fasting, 4 casual, 5 bedtime.
    pub meal: Option<u8>,
    /// Who measured, where the frame says.
    pub tester_health: Option<TesterHealth>,
    /// Exercise, where the frame says.
    pub exercise: Option<Exercise>,
    /// Medication, where the frame says.
    pub medication: Option<Medication>,
    /// Glycated haemoglobin in per cent, where the frame says.
    pub hba1c_percent: Option<DeviceNumber>,
}

/// What the meal code means, where it is not reserved.
#[must_use]
pub fn meal_name(code: u8) -> Option<&'static str> {
    match code {
        1 => Some("preprandial"),
        2 => Some("postprandial"),
        3 => Some("fasting"),
        4 => Some("casual"),
        5 => Some("bedtime"),
        _ => None,
    }
}

impl GlucoseContext {
    /// What it says, as named values.
    #[must_use]
    pub fn shown(&self) -> Fields {
        let unit = |unit: MedicationUnit| match unit {
            MedicationUnit::Kilograms => "kg",
            MedicationUnit::Litres => "L",
        };
        Fields::new()
            .with("sequence", self.sequence)
            .with("extended_flags", self.extended_flags)
            .with("carb_id", self.carbohydrate.map(|carbohydrate| carbohydrate.id))
            .with("carb_kg", self.carbohydrate.map(|carbohydrate| carbohydrate.kilograms))
            .with("meal", self.meal)
            .with("meal_name", self.meal.and_then(meal_name))
            .with("tester", self.tester_health.map(|pair| pair.tester))
            .with("health", self.tester_health.map(|pair| pair.health))
            .with("exercise_s", self.exercise.map(|exercise| exercise.duration_secs))
            .with("exercise_pct", self.exercise.map(|exercise| exercise.intensity_percent))
            .with("medication_id", self.medication.map(|medication| medication.id))
            .with("medication", self.medication.map(|medication| medication.amount))
            .with("medication_unit", self.medication.map(|medication| unit(medication.unit)))
            .with("hba1c_pct", self.hba1c_percent)
    }
}

/// The context a 2A34 frame holds.
///
/// # Errors
/// [`DecodeError::Truncated`] where the frame ends before its flags say, [`DecodeError::TooLong`] where it goes on.
///
/// ```
/// use device_codecs::gatt::glucose_context;
/// let context = glucose_context::decode(&vitals::hex::decode("02070002").unwrap()).unwrap();
/// assert_eq!((context.sequence, context.meal), (7, Some(2)));
/// ```
pub fn decode(bytes: &[u8]) -> Result<GlucoseContext, DecodeError> {
    let mut cursor = Cursor::new(bytes);
    let flags = cursor.byte("the flags")?;
    let is_set = |flag: u8| flags & flag != 0;
    let context = GlucoseContext {
        sequence: cursor.word("the sequence number")?,
        extended_flags: is_set(FLAG_EXTENDED).then(|| cursor.byte("the extended flags")).transpose()?,
        carbohydrate: is_set(FLAG_CARBOHYDRATE).then(|| carbohydrate(&mut cursor)).transpose()?,
        meal: is_set(FLAG_MEAL).then(|| cursor.byte("the meal")).transpose()?,
        tester_health: is_set(FLAG_TESTER_HEALTH)
            .then(|| cursor.byte("the tester and health"))
            .transpose()?
            .map(bits::nibbles)
            .map(|(tester, health)| TesterHealth { tester, health }),
        exercise: is_set(FLAG_EXERCISE).then(|| exercise(&mut cursor)).transpose()?,
        medication: is_set(FLAG_MEDICATION).then(|| medication(&mut cursor, is_set(FLAG_LITRES))).transpose()?,
        hba1c_percent: is_set(FLAG_HBA1C).then(|| cursor.number("the HbA1c")).transpose()?,
    };
    cursor.finish()?;
    Ok(context)
}

fn carbohydrate(cursor: &mut Cursor<'_>) -> Result<Carbohydrate, DecodeError> {
    Ok(Carbohydrate { id: cursor.byte("the carbohydrate")?, kilograms: cursor.number("the carbohydrate")? })
}

fn exercise(cursor: &mut Cursor<'_>) -> Result<Exercise, DecodeError> {
    Ok(Exercise {
        duration_secs: cursor.word("the exercise duration")?,
        intensity_percent: cursor.byte("the exercise intensity")?,
    })
}

fn medication(cursor: &mut Cursor<'_>, is_litres: bool) -> Result<Medication, DecodeError> {
    let unit = if is_litres { MedicationUnit::Litres } else { MedicationUnit::Kilograms };
    Ok(Medication { id: cursor.byte("the medication")?, amount: cursor.number("the medication")?, unit })
}

/// The 2A34 frame of a context.
///
/// # Errors
/// [`EncodeError::NumberDoesNotFit`] where a number has more digits than an SFLOAT holds.
pub fn encode(context: &GlucoseContext) -> Result<Vec<u8>, EncodeError> {
    let is_litres = context.medication.is_some_and(|medication| medication.unit == MedicationUnit::Litres);
    let mut bytes = vec![
        bits::flag(FLAG_CARBOHYDRATE, context.carbohydrate.is_some())
            | bits::flag(FLAG_MEAL, context.meal.is_some())
            | bits::flag(FLAG_TESTER_HEALTH, context.tester_health.is_some())
            | bits::flag(FLAG_EXERCISE, context.exercise.is_some())
            | bits::flag(FLAG_MEDICATION, context.medication.is_some())
            | bits::flag(FLAG_LITRES, is_litres)
            | bits::flag(FLAG_HBA1C, context.hba1c_percent.is_some())
            | bits::flag(FLAG_EXTENDED, context.extended_flags.is_some()),
    ];
    bytes.extend(context.sequence.to_le_bytes());
    bytes.extend(context.extended_flags);
    if let Some(Carbohydrate { id, kilograms }) = context.carbohydrate {
        bytes.push(id);
        bytes.extend(bits::number(kilograms, "the carbohydrate")?);
    }
    bytes.extend(context.meal);
    bytes.extend(context.tester_health.map(|pair| bits::from_nibbles(pair.tester, pair.health)));
    if let Some(Exercise { duration_secs, intensity_percent }) = context.exercise {
        bytes.extend(duration_secs.to_le_bytes());
        bytes.push(intensity_percent);
    }
    if let Some(Medication { id, amount, unit: _ }) = context.medication {
        bytes.push(id);
        bytes.extend(bits::number(amount, "the medication")?);
    }
    if let Some(hba1c) = context.hba1c_percent {
        bytes.extend(bits::number(hba1c, "the HbA1c")?);
    }
    Ok(bytes)
}

#[cfg(test)]
#[path = "glucose_context_tests.rs"]
mod tests;
