//! Glucose Measurement, characteristic 2A18.
//!
//! Source: Bluetooth Glucose Service 1.0.1, section 3.1, and GATT Specification Supplement, "Glucose Measurement":
//! flags u8; sequence number u16; base time (7 bytes); then, each where its flag is set: time offset i16 in minutes;
//! concentration SFLOAT in kg/L or mol/L with a byte of type (low half) and sample location (high half); sensor status
//! u16. Flag bits 5 to 7 and status bits 12 to 15 are reserved and ignored. A time offset of 0x7FFF or 0x8000 says that
//! the true one does not fit.

use super::bits::{self, named_bits};
use crate::{
    Fields,
    cursor::Cursor,
    date_time::{DeviceTimeField, minutes_after},
    error::{DecodeError, EncodeError},
};
use vitals::{DeviceTime, NoValue, Quantity, Unit, float11073::DeviceNumber};

const FLAG_OFFSET: u8 = 0b0000_0001;
const FLAG_CONCENTRATION: u8 = 0b0000_0010;
const FLAG_MOLES: u8 = 0b0000_0100;
const FLAG_STATUS: u8 = 0b0000_1000;
const FLAG_CONTEXT: u8 = 0b0001_0000;

/// A control solution, among the types and among the sample locations.
const TYPE_CONTROL_SOLUTION: u8 = 10;
const LOCATION_CONTROL_SOLUTION: u8 = 4;

/// The unit a concentration is sent in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ConcentrationUnit {
    /// Kilograms a litre.
    KgPerLitre,
    /// Moles a litre.
    MolPerLitre,
}

impl ConcentrationUnit {
    /// The unit as people write it.
    #[must_use]
    pub fn plain(self) -> &'static str {
        match self {
            Self::KgPerLitre => "kg/L",
            Self::MolPerLitre => "mol/L",
        }
    }
}

/// A concentration, and of what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Concentration {
    /// The number, in `unit`.
    pub amount: DeviceNumber,
    /// The unit it was sent in.
    pub unit: ConcentrationUnit,
    /// What was measured, four bits as sent: see [`specimen_name`].
    pub specimen: u8,
    /// Where the sample was taken, four bits as sent: see [`location_name`].
    pub location: u8,
}

impl Concentration {
    /// The same digits in mg/dL (from kg/L, × 10⁵) or mmol/L (from mol/L, × 10³): only the point moves.
    ///
    /// # Errors
    /// The reason there is no number.
    pub fn quantity(&self) -> Result<Quantity, NoValue> {
        match self.unit {
            ConcentrationUnit::KgPerLitre => bits::shifted(self.amount, 5).quantity(Unit::MilligramsPerDecilitre),
            ConcentrationUnit::MolPerLitre => bits::shifted(self.amount, 3).quantity(Unit::MillimolesPerLitre),
        }
    }

    /// Whether a control solution was measured, by its type or by its location.
    #[must_use]
    pub fn is_control_solution(&self) -> bool {
        self.specimen == TYPE_CONTROL_SOLUTION || self.location == LOCATION_CONTROL_SOLUTION
    }
}

/// What the specimen code means, where it is not reserved.
#[must_use]
pub fn specimen_name(code: u8) -> Option<&'static str> {
    match code {
        1 => Some("capillary_whole_blood"),
        2 => Some("capillary_plasma"),
        3 => Some("venous_whole_blood"),
        4 => Some("venous_plasma"),
        5 => Some("arterial_whole_blood"),
        6 => Some("arterial_plasma"),
        7 => Some("undetermined_whole_blood"),
        8 => Some("undetermined_plasma"),
        9 => Some("interstitial_fluid"),
        TYPE_CONTROL_SOLUTION => Some("control_solution"),
        _ => None,
    }
}

/// What the location code means, where it is not reserved; 5 is of the CGM service only.
#[must_use]
pub fn location_name(code: u8) -> Option<&'static str> {
    match code {
        1 => Some("finger"),
        2 => Some("alternate_site"),
        3 => Some("earlobe"),
        LOCATION_CONTROL_SOLUTION => Some("control_solution"),
        5 => Some("subcutaneous_tissue"),
        15 => Some("not_available"),
        _ => None,
    }
}

named_bits! {
    /// What the meter noticed while measuring.
    pub struct GlucoseStatus(u16) {
        /// The battery was low.
        BATTERY_LOW = 0, "battery_low";
        /// The sensor was faulty.
        SENSOR_MALFUNCTION = 1, "sensor_malfunction";
        /// Not enough blood or control solution.
        SAMPLE_TOO_SMALL = 2, "sample_too_small";
        /// The strip was not put in right.
        STRIP_INSERTION = 3, "strip_insertion_error";
        /// The strip is not of this meter.
        STRIP_TYPE = 4, "strip_type_incorrect";
        /// Above what the meter can process.
        TOO_HIGH = 5, "result_too_high";
        /// Below what the meter can process.
        TOO_LOW = 6, "result_too_low";
        /// Too warm for a valid result.
        TOO_WARM = 7, "temperature_too_high";
        /// Too cold for a valid result.
        TOO_COLD = 8, "temperature_too_low";
        /// The strip was pulled too soon.
        INTERRUPTED = 9, "strip_pulled_too_soon";
        /// A general fault of the meter.
        DEVICE_FAULT = 10, "general_device_fault";
        /// The meter's time may be wrong.
        TIME_FAULT = 11, "time_fault";
    }
}

impl GlucoseStatus {
    /// A meter that says so is broken.
    const FAULTS: u16 = Self::SENSOR_MALFUNCTION | Self::DEVICE_FAULT;
    /// Nothing was measured, or not what should have been.
    const STRIP_FAULTS: u16 = Self::SAMPLE_TOO_SMALL | Self::STRIP_INSERTION | Self::STRIP_TYPE | Self::INTERRUPTED;
    /// What the meter measured then has no number to go by.
    const TEMPERATURES: u16 = Self::TOO_WARM | Self::TOO_COLD;

    /// What it makes of a number. A result too low or too high to process is the news, not the lack of any, and cold
    /// hands do not take it away: only a fault of meter or strip does.
    fn judged(self, number: Result<Quantity, NoValue>) -> Result<Quantity, NoValue> {
        if self.has(Self::FAULTS) {
            Err(NoValue::SensorProblem)
        } else if self.has(Self::STRIP_FAULTS) {
            Err(NoValue::MeasurementFailed)
        } else if self.has(Self::TOO_LOW) {
            Err(NoValue::NegativeInfinity)
        } else if self.has(Self::TOO_HIGH) {
            Err(NoValue::PositiveInfinity)
        } else if self.has(Self::TEMPERATURES) && !bits::is_beyond_device(&number) {
            Err(NoValue::MeasurementInvalid)
        } else {
            number
        }
    }
}

/// One measurement as the meter said it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GlucoseMeasurement {
    /// The meter's own number of the record.
    pub sequence: u16,
    /// The meter's clock, before the offset.
    pub base_time: DeviceTimeField,
    /// Minutes from the base time to the measurement, where the frame says.
    pub time_offset_min: Option<i16>,
    /// What was measured, where the frame has it.
    pub concentration: Option<Concentration>,
    /// Sensor status, where the frame has it.
    pub status: Option<GlucoseStatus>,
    /// Whether a 2A34 frame with the same sequence number follows.
    pub context_follows: bool,
}

impl GlucoseMeasurement {
    /// When it was measured: base time plus offset. `None` where the base is not wholly known, the sum leaves the
    /// calendar, or the offset says that it does not fit; a base without an offset is the time itself.
    #[must_use]
    pub fn measured_at(&self) -> Option<DeviceTime> {
        let base = self.base_time.stated()?;
        match self.time_offset_min {
            None | Some(0) => Some(base),
            Some(i16::MAX | i16::MIN) => None,
            Some(minutes) => minutes_after(base, i32::from(minutes)),
        }
    }

    /// Whether the meter says that its time may be wrong.
    #[must_use]
    pub fn has_time_fault(&self) -> bool {
        self.status.is_some_and(|status| status.has(GlucoseStatus::TIME_FAULT))
    }

    /// The concentration in mg/dL or mmol/L, as a person's value.
    ///
    /// # Errors
    /// Why there is none: a control solution before all else; then a fault of meter or strip; then a result that the
    /// meter cannot process; then the temperature, and the number itself. A record without a concentration is a failed
    /// measurement.
    pub fn patient_value(&self) -> Result<Quantity, NoValue> {
        if self.concentration.is_some_and(|concentration| concentration.is_control_solution()) {
            return Err(NoValue::ControlSolution);
        }
        let number = self.concentration.ok_or(NoValue::MeasurementFailed).and_then(|sent| sent.quantity());
        self.status.unwrap_or_default().judged(number)
    }

    /// Whether the meter doubts what it says all the same: too low or too high, but too cold or too warm to be sure.
    #[must_use]
    pub fn is_doubtful(&self) -> bool {
        self.status.is_some_and(|status| status.has(GlucoseStatus::TEMPERATURES))
            && bits::is_beyond_device(&self.patient_value())
    }

    /// What it says, as named values.
    #[must_use]
    pub fn shown(&self) -> Fields {
        let in_unit = |unit: Unit| {
            self.concentration
                .and_then(|concentration| concentration.quantity().ok())
                .filter(|quantity| quantity.unit() == unit)
                .map(Quantity::value)
        };
        Fields::new()
            .with("sequence", self.sequence)
            .with("base_time", self.base_time)
            .with("time_offset_min", self.time_offset_min)
            .with("time", self.measured_at().map(|time| time.to_string()))
            .with("concentration", self.concentration.map(|concentration| concentration.amount))
            .with("unit", self.concentration.map(|concentration| concentration.unit.plain()))
            .with("mg_dl", in_unit(Unit::MilligramsPerDecilitre))
            .with("mmol_l", in_unit(Unit::MillimolesPerLitre))
            .with("specimen_type", self.concentration.map(|concentration| concentration.specimen))
            .with("specimen_name", self.concentration.and_then(|concentration| specimen_name(concentration.specimen)))
            .with("location", self.concentration.map(|concentration| concentration.location))
            .with("location_name", self.concentration.and_then(|concentration| location_name(concentration.location)))
            .with("status", self.status.map(|status| status.0))
            .with("status_names", self.status.map(GlucoseStatus::names))
            .with("context_follows", self.context_follows)
    }
}

/// The measurement a 2A18 frame holds.
///
/// # Errors
/// [`DecodeError::Truncated`] where the frame ends before its flags say, [`DecodeError::TooLong`] where it goes on.
///
/// ```
/// use device_codecs::gatt::glucose;
/// let frame = vitals::hex::decode("0b0400e407050e0c311d4e0168b0f80000").unwrap();
/// let measurement = glucose::decode(&frame).unwrap();
/// assert_eq!(measurement.patient_value().unwrap().to_string(), "104 mg/dL");
/// assert_eq!(measurement.measured_at().unwrap().to_string(), "2020-05-14T18:23:29");
/// ```
pub fn decode(bytes: &[u8]) -> Result<GlucoseMeasurement, DecodeError> {
    let mut cursor = Cursor::new(bytes);
    let flags = cursor.byte("the flags")?;
    let is_set = |flag: u8| flags & flag != 0;
    let measurement = GlucoseMeasurement {
        sequence: cursor.word("the sequence number")?,
        base_time: cursor.take("the base time").map(DeviceTimeField::from_bytes)?,
        time_offset_min: is_set(FLAG_OFFSET).then(|| cursor.signed_word("the time offset")).transpose()?,
        concentration: is_set(FLAG_CONCENTRATION)
            .then(|| concentration(&mut cursor, is_set(FLAG_MOLES)))
            .transpose()?,
        status: is_set(FLAG_STATUS).then(|| cursor.word("the sensor status")).transpose()?.map(GlucoseStatus),
        context_follows: is_set(FLAG_CONTEXT),
    };
    cursor.finish()?;
    Ok(measurement)
}

fn concentration(cursor: &mut Cursor<'_>, is_moles: bool) -> Result<Concentration, DecodeError> {
    let amount = cursor.number("the concentration")?;
    let (specimen, location) = bits::nibbles(cursor.byte("the type and location")?);
    let unit = if is_moles { ConcentrationUnit::MolPerLitre } else { ConcentrationUnit::KgPerLitre };
    Ok(Concentration { amount, unit, specimen, location })
}

/// The 2A18 frame of a measurement.
///
/// # Errors
/// [`EncodeError::NumberDoesNotFit`] where the concentration has more digits than an SFLOAT holds, or there is no base
/// time, which every frame has.
pub fn encode(measurement: &GlucoseMeasurement) -> Result<Vec<u8>, EncodeError> {
    let is_moles = measurement.concentration.is_some_and(|amount| amount.unit == ConcentrationUnit::MolPerLitre);
    let mut bytes = vec![
        bits::flag(FLAG_OFFSET, measurement.time_offset_min.is_some())
            | bits::flag(FLAG_CONCENTRATION, measurement.concentration.is_some())
            | bits::flag(FLAG_MOLES, is_moles)
            | bits::flag(FLAG_STATUS, measurement.status.is_some())
            | bits::flag(FLAG_CONTEXT, measurement.context_follows),
    ];
    bytes.extend(measurement.sequence.to_le_bytes());
    bytes.extend(measurement.base_time.to_bytes().ok_or(EncodeError::NumberDoesNotFit { field: "the base time" })?);
    bytes.extend(measurement.time_offset_min.into_iter().flat_map(i16::to_le_bytes));
    if let Some(Concentration { amount, unit: _, specimen, location }) = measurement.concentration {
        bytes.extend(bits::number(amount, "the concentration")?);
        bytes.push(bits::from_nibbles(specimen, location));
    }
    bytes.extend(measurement.status.into_iter().flat_map(|status| status.0.to_le_bytes()));
    Ok(bytes)
}

#[cfg(test)]
#[path = "glucose_tests.rs"]
mod tests;
