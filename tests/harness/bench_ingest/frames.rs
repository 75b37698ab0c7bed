//! What a home device sends: the bytes of our own encoders, with values mostly as they should be.

use crate::trouble::{Doing, Trouble};
use chrono::{DateTime, Datelike, TimeDelta, Timelike, Utc};
use device_codecs::{
    DeviceTimeField, Frame, FrameBytes, FrameKind,
    gatt::{
        BloodPressureMeasurement, GlucoseMeasurement, PressureUnit, SpotOximetry, TemperatureMeasurement, Units,
        WeightMeasurement, blood_pressure,
        glucose::{self, Concentration, ConcentrationUnit},
        oximetry::Spo2Pulse,
        spot_oximetry,
        temperature::{self, TemperatureType, TemperatureUnit},
        weight,
    },
};
use vitals::{ClockOffset, DeviceTime, SourceId, float11073::DeviceNumber};

/// The zone in which the devices' clocks are set.
pub(super) const ZONE: chrono_tz::Tz = chrono_tz::Europe::London;

/// How long a device takes from measuring to sending.
const SENT_AFTER: TimeDelta = TimeDelta::milliseconds(1_250);

/// One in so many readings is outside the protocol's limits.
pub(super) const ONE_BREACH_IN: u64 = 100;

/// One in so many of those is red.
pub(super) const ONE_RED_IN: u64 = 10;

/// What a device measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DeviceKind {
    Cuff,
    Scale,
    Oximeter,
    Meter,
    Thermometer,
}

impl DeviceKind {
    /// Its maker, and how its serial number starts.
    pub(super) fn maker(self) -> (&'static str, &'static str) {
        match self {
            Self::Cuff => ("Bench cuffs", "BP"),
            Self::Scale => ("Bench scales", "WS"),
            Self::Oximeter => ("Bench oximeters", "PO"),
            Self::Meter => ("Bench meters", "GM"),
            Self::Thermometer => ("Bench thermometers", "TH"),
        }
    }

    fn frames(self) -> FrameKind {
        match self {
            Self::Cuff => FrameKind::BloodPressure,
            Self::Scale => FrameKind::Weight,
            Self::Oximeter => FrameKind::SpotOximetry,
            Self::Meter => FrameKind::Glucose,
            Self::Thermometer => FrameKind::Temperature,
        }
    }
}

/// Numbers that follow from a seed: `SplitMix64` (Steele, Lea and Flood, 2014), which is enough to spread values.
#[derive(Debug, Clone)]
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below a limit.
    pub(super) fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit.max(1)
    }

    fn between(&mut self, low: i32, high: i32) -> i32 {
        let span = u64::try_from(high - low).unwrap_or(0) + 1;
        low + i32::try_from(self.below(span)).unwrap_or(0)
    }
}

/// How a value lies within the bench's protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Band {
    Normal,
    Amber,
    Red,
}

impl Band {
    fn thrown(dice: &mut Dice) -> Self {
        if dice.below(ONE_BREACH_IN) > 0 {
            Self::Normal
        } else if dice.below(ONE_RED_IN) > 0 {
            Self::Amber
        } else {
            Self::Red
        }
    }

    /// One of three, by band.
    fn of<T>(self, normal: T, amber: T, red: T) -> T {
        match self {
            Self::Normal => normal,
            Self::Amber => amber,
            Self::Red => red,
        }
    }
}

/// What one device is, and what it has counted.
#[derive(Debug, Clone)]
pub(super) struct Device {
    pub(super) kind: DeviceKind,
    pub(super) source: SourceId,
    /// How far its clock is ahead of the hub's, in seconds.
    pub(super) ahead_secs: i64,
    /// The meter's number of its next record.
    pub(super) record: u16,
    /// Somebody's weight in half kilograms, by which their scale's values are spread.
    pub(super) half_kilograms: u16,
}

impl Device {
    /// What it sends of a measurement taken at a moment.
    pub(super) fn frame(&mut self, taken: DateTime<Utc>, dice: &mut Dice) -> Result<Frame, Trouble> {
        let clock = ClockOffset::ReadAtConnection { device_ahead_secs: self.ahead_secs };
        let time = DeviceTimeField::Stated(device_time(taken, self.ahead_secs)?);
        let bytes = self.bytes(time, Band::thrown(dice), dice)?;
        Ok(Frame {
            device: self.source.clone(),
            kind: self.kind.frames(),
            bytes: FrameBytes::new(bytes).doing("take a frame")?,
            seen_at: taken + SENT_AFTER,
            clock,
            counts_from: None,
        })
    }

    fn bytes(&mut self, taken_at: DeviceTimeField, band: Band, dice: &mut Dice) -> Result<Vec<u8>, Trouble> {
        match self.kind {
            DeviceKind::Cuff => {
                let systolic = band.of((106, 144), (160, 174), (181, 199));
                let systolic = dice.between(systolic.0, systolic.1);
                let diastolic = dice.between(64, 88);
                blood_pressure::encode(&BloodPressureMeasurement {
                    systolic: whole(systolic),
                    diastolic: whole(diastolic),
                    mean: whole((systolic + 2 * diastolic) / 3),
                    unit: PressureUnit::MmHg,
                    taken_at,
                    pulse: Some(whole(dice.between(55, 92))),
                    user_index: None,
                    status: Some(0),
                })
            }
            DeviceKind::Scale => {
                // In steps of 5 g: 100 to the half kilogram.
                let usual = i32::from(self.half_kilograms) * 100;
                let steps = band.of((usual - 120, usual + 120), (38_000, 38_900), (44_200, 45_000));
                let weight_steps = u16::try_from(dice.between(steps.0, steps.1)).doing("weigh somebody")?;
                weight::encode(&WeightMeasurement {
                    units: Units::Si,
                    weight_steps,
                    taken_at,
                    user_index: None,
                    bmi_height: None,
                })
            }
            DeviceKind::Oximeter => {
                let saturation = band.of((94, 99), (86, 88), (80, 84));
                spot_oximetry::encode(&SpotOximetry {
                    pair: Spo2Pulse {
                        spo2: whole(dice.between(saturation.0, saturation.1)),
                        pulse: whole(dice.between(55, 95)),
                    },
                    taken_at,
                    measurement_status: None,
                    device_status: None,
                    pulse_amplitude: None,
                    is_clock_not_set: false,
                })
            }
            DeviceKind::Meter => {
                let tenths_of_mmol = band.of((48, 98), (181, 220), (255, 300));
                self.record = self.record.wrapping_add(1);
                glucose::encode(&GlucoseMeasurement {
                    sequence: self.record,
                    base_time: taken_at,
                    time_offset_min: None,
                    concentration: Some(Concentration {
                        amount: DeviceNumber::Number {
                            mantissa: dice.between(tenths_of_mmol.0, tenths_of_mmol.1),
                            exponent: -4,
                        },
                        unit: ConcentrationUnit::MolPerLitre,
                        specimen: 1,
                        location: 1,
                    }),
                    status: Some(glucose::GlucoseStatus::default()),
                    context_follows: false,
                })
            }
            DeviceKind::Thermometer => {
                let tenths = band.of((361, 374), (390, 394), (401, 406));
                temperature::encode(&TemperatureMeasurement {
                    temperature: DeviceNumber::Number { mantissa: dice.between(tenths.0, tenths.1), exponent: -1 },
                    unit: TemperatureUnit::Celsius,
                    taken_at,
                    place: Some(TemperatureType(3)),
                })
            }
        }
        .doing("encode a frame")
    }
}

fn whole(number: i32) -> DeviceNumber {
    DeviceNumber::Number { mantissa: number, exponent: 0 }
}

/// What a device's own clock, set to local time and a little ahead, showed at a moment.
fn device_time(at: DateTime<Utc>, ahead_secs: i64) -> Result<DeviceTime, Trouble> {
    let local = (at + TimeDelta::seconds(ahead_secs)).with_timezone(&ZONE).naive_local();
    let small = |part: u32| u8::try_from(part).unwrap_or(0);
    DeviceTime::new(
        u16::try_from(local.year()).unwrap_or(0),
        small(local.month()),
        small(local.day()),
        small(local.hour()),
        small(local.minute()),
        small(local.second()),
    )
    .doing("set a device's clock")
}
