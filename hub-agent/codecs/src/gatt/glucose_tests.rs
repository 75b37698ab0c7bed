//! The public 2A18 rows, then what is and is not a person's value, then properties over any measurement.

use super::*;
use crate::Shown;
use proptest::prelude::*;
use vitals::float11073::sfloat;

/// Frame, then sequence, base time, offset, concentration, mg/dL, specimen, location, status, context, time:
/// rows 19 to 26 of tests/vectors/devices.jsonl.
type Row = (
    &'static str,
    u16,
    &'static str,
    Option<i16>,
    Option<(&'static str, &'static str, u8, u8)>,
    Option<u16>,
    bool,
    &'static str,
);

const ROWS: [Row; 8] = [
    (
        "1b0100e307021b0b0a1efbff1e00120501",
        1,
        "2019-02-27T11:10:30",
        Some(-5),
        Some(("30", "3000000", 2, 1)),
        Some(261),
        true,
        "2019-02-27T11:05:30",
    ),
    (
        "0b0400e407050e0c311d4e0168b0f80000",
        4,
        "2020-05-14T12:49:29",
        Some(334),
        Some(("0.00104", "104", 8, 15)),
        Some(0),
        false,
        "2020-05-14T18:23:29",
    ),
    (
        "027b00e807030f0a1e0001d011",
        123,
        "2024-03-15T10:30:00",
        None,
        Some(("0.001", "100", 1, 1)),
        None,
        false,
        "2024-03-15T10:30:00",
    ),
    ("010100e807030f110000d4fe", 1, "2024-03-15T17:00:00", Some(-300), None, None, false, "2024-03-15T12:00:00"),
    (
        "0a0200e807030f0a1e0001d0110100",
        2,
        "2024-03-15T10:30:00",
        None,
        Some(("0.001", "100", 1, 1)),
        Some(1),
        false,
        "2024-03-15T10:30:00",
    ),
    ("100400e807030f0a1e00", 4, "2024-03-15T10:30:00", None, None, None, true, "2024-03-15T10:30:00"),
    (
        "120100e40701010c000001d011",
        1,
        "2020-01-01T12:00:00",
        None,
        Some(("0.001", "100", 1, 1)),
        None,
        true,
        "2020-01-01T12:00:00",
    ),
    ("000100d0070102030405", 1, "2000-01-02T03:04:05", None, None, None, false, "2000-01-02T03:04:05"),
];

fn read(hex: &str) -> GlucoseMeasurement {
    decode(&vitals::hex::decode(hex).unwrap()).unwrap()
}

#[test]
fn every_row_says_what_its_source_says() {
    for (hex, sequence, base, offset, concentration, status, context_follows, time) in ROWS {
        let measurement = read(hex);
        assert_eq!(measurement.sequence, sequence, "{hex}");
        assert_eq!(measurement.base_time.stated().unwrap().to_string(), base, "{hex}");
        assert_eq!(measurement.time_offset_min, offset, "{hex}");
        assert_eq!(measurement.status.map(|status| status.0), status, "{hex}");
        assert_eq!(measurement.context_follows, context_follows, "{hex}");
        assert_eq!(measurement.measured_at().unwrap().to_string(), time, "{hex}");
        let shown = measurement.shown();
        let text = |name: &str| match shown.get(name) {
            Some(Shown::Decimal(text)) => Some(text.clone()),
            _ => None,
        };
        assert_eq!(text("concentration").as_deref(), concentration.map(|(amount, ..)| amount), "{hex}");
        assert_eq!(text("mg_dl").as_deref(), concentration.map(|(_, mg_dl, ..)| mg_dl), "{hex}");
        assert_eq!(
            measurement.concentration.map(|concentration| (concentration.specimen, concentration.location)),
            concentration.map(|(_, _, specimen, location)| (specimen, location)),
            "{hex}"
        );
    }
}

/// Ours: 5.5 mmol/L sent as 0.0055 mol/L keeps its digits; nothing is rounded and no other unit appears.
#[test]
fn moles_become_millimoles_by_moving_the_point() {
    let measurement = read("060100e807030f0a1e0037c011");
    assert_eq!(measurement.patient_value().unwrap().to_string(), "5.5 mmol/L");
    assert_eq!(measurement.shown().get("mg_dl"), Some(&Shown::Absent));
}

#[test]
fn only_a_persons_value_is_a_value() {
    for (hex, reason) in [
        ("027b00e807030f0a1e0001d01a", NoValue::ControlSolution),
        ("027b00e807030f0a1e0001d041", NoValue::ControlSolution),
        ("0a7b00e807030f0a1e0001d0110200", NoValue::SensorProblem),
        ("0a7b00e807030f0a1e0001d0110002", NoValue::MeasurementFailed),
        ("0a7b00e807030f0a1e0001d0118000", NoValue::MeasurementInvalid),
        ("0a7b00e807030f0a1e00ff07112000", NoValue::PositiveInfinity),
        ("0a7b00e807030f0a1e00ff07114000", NoValue::NegativeInfinity),
        ("027b00e807030f0a1e00ff0711", NoValue::NotANumber),
        ("000100d0070102030405", NoValue::MeasurementFailed),
    ] {
        assert_eq!(read(hex).patient_value(), Err(reason), "{hex}");
    }
    assert!(read("0a7b00e807030f0a1e0001d0110108").has_time_fault());
    assert!(read("0a7b00e807030f0a1e0001d01101f0").patient_value().is_ok(), "a low battery and reserved bits");
}

/// Found by reading the code: a meter below what it can tell, in a cold room, said only "invalid", which wakes nobody.
#[test]
fn too_low_or_too_high_to_process_is_told_in_a_cold_room_too() {
    for (hex, reason, is_doubtful) in [
        ("0a0700ea0706010c3b000208114001", NoValue::NegativeInfinity, true),
        ("0a0700ea0706010c3b000208110001", NoValue::NegativeInfinity, true),
        ("0a0700ea0706010c3b00fe07118000", NoValue::PositiveInfinity, true),
        ("0a0700ea0706010c3b0001d011a000", NoValue::PositiveInfinity, true),
        ("0a0700ea0706010c3b000208114000", NoValue::NegativeInfinity, false),
        // A faulty meter, a strip pulled too soon, a control solution: these come first.
        ("0a0700ea0706010c3b000208114201", NoValue::SensorProblem, false),
        ("0a0700ea0706010c3b000208114002", NoValue::MeasurementFailed, false),
        ("0a0700ea0706010c3b0002081a4001", NoValue::ControlSolution, false),
        ("0a0700ea0706010c3b0001d0110001", NoValue::MeasurementInvalid, false),
    ] {
        let measurement = read(hex);
        assert_eq!((measurement.patient_value(), measurement.is_doubtful()), (Err(reason), is_doubtful), "{hex}");
    }
}

#[test]
fn no_time_is_invented() {
    for (hex, time) in [
        // The year is not known: with an offset there is no moment, without one the device's words stand.
        ("010100000003110d00000100", None),
        ("00010000000311110000", Some("????-03-17T17:00:00")),
        // The offset says that it does not fit.
        ("010100e807030f110000ff7f", None),
        ("010100e807030f1100000080", None),
        // The sum leaves the calendar.
        ("0101000f270c1f173b000100", None),
        // 30 February.
        ("000100e807021e110000", None),
    ] {
        let measured_at = read(hex).measured_at();
        assert_eq!(measured_at.map(|time| time.to_string()).as_deref(), time, "{hex}");
    }
}

proptest! {
    #[test]
    fn what_is_encoded_decodes_to_the_same(
        sequence: u16,
        base: [u8; 7],
        time_offset_min: Option<i16>,
        concentration in proptest::option::of((any::<u16>(), any::<bool>(), 0_u8..16, 0_u8..16)),
        status: Option<u16>,
        context_follows: bool,
    ) {
        let measurement = GlucoseMeasurement {
            sequence,
            base_time: DeviceTimeField::from_bytes(base),
            time_offset_min,
            concentration: concentration.map(|(amount, is_moles, specimen, location)| Concentration {
                amount: sfloat(amount),
                unit: if is_moles { ConcentrationUnit::MolPerLitre } else { ConcentrationUnit::KgPerLitre },
                specimen,
                location,
            }),
            status: status.map(GlucoseStatus),
            context_follows,
        };
        prop_assert_eq!(decode(&encode(&measurement).unwrap()), Ok(measurement));
    }

    /// Moving the point changes no digit: the quantity is the sent mantissa, whatever the word.
    #[test]
    fn conversion_never_rounds(word: u16, is_moles: bool) {
        let unit = if is_moles { ConcentrationUnit::MolPerLitre } else { ConcentrationUnit::KgPerLitre };
        let sent = Concentration { amount: sfloat(word), unit, specimen: 1, location: 1 };
        if let (Ok(quantity), DeviceNumber::Number { mantissa, exponent }) = (sent.quantity(), sent.amount) {
            let exponent = exponent + if is_moles { 3 } else { 5 };
            let exact = vitals::Decimal::from_parts(i64::from(mantissa), exponent).unwrap();
            prop_assert_eq!(quantity.value(), exact);
        }
    }
}
