//! Every kind of Bluetooth frame as a reading: public vectors and captures, a row each. What a device calls invalid, a
//! control solution or a demonstration has its reason and no number, and belongs to nobody where nobody was measured.

use super::*;
use crate::{
    assign::{Binding, User},
    test_parts::{noon, patient},
};
use chrono::{DateTime, Utc};
use device_codecs::{CountsFrom, FrameBytes, FrameKind, decode};
use vitals::{ClockOffset, SourceId, catalogue};

pub(super) fn made(kind: FrameKind, hex: &str, counts_from: Option<&str>) -> Reading {
    heard(kind, hex, counts_from, noon(), ClockOffset::ReadAtConnection { device_ahead_secs: 0 })
}

/// What a device that belongs to one person sent; spaces in the bytes are for people.
pub(super) fn heard(
    kind: FrameKind,
    hex: &str,
    counts_from: Option<&str>,
    seen_at: DateTime<Utc>,
    clock: ClockOffset,
) -> Reading {
    let device = SourceId::device("Invented", "7").unwrap();
    let frame = Frame {
        device: device.clone(),
        kind,
        bytes: FrameBytes::new(vitals::hex::decode(&hex.replace(' ', "")).unwrap()).unwrap(),
        seen_at,
        clock,
        counts_from: counts_from.map(|text| text.parse::<CountsFrom>().unwrap()),
    };
    let bindings = Bindings::new([Binding { source: device, user: User::Any, patient: patient() }]).unwrap();
    let hub = HubContext { hub: HubId::parse("hub-a").unwrap(), boot: [1; 8], zone: chrono_tz::Europe::London };
    let made = admit(&frame, decode(&frame), &bindings, &hub);
    assert!(made.has_own_id());
    assert_eq!(made.raw.bytes, frame.bytes.as_slice(), "the bytes are always kept");
    made
}

/// The numbers by name, or the reason there are none.
pub(super) fn said(reading: &Reading) -> String {
    match &reading.value {
        Value::Measured(measure) => {
            assert_eq!(measure.kind(), reading.kind, "filed under what was measured");
            let numbers = catalogue::numbers(measure);
            numbers
                .iter()
                .map(|(component, number)| format!("{} {number}", component.name))
                .collect::<Vec<_>>()
                .join(", ")
        }
        Value::NotMeasured(reason) => reason.code().code().to_owned(),
    }
}

pub(super) fn check(kind: FrameKind, hex: &str, expected: &str, flags: &[Flag]) {
    let reading = made(kind, hex, None);
    assert_eq!(said(&reading), expected, "{kind} {hex}");
    let noticed: Vec<Flag> = reading.quality.flags().filter(|flag| !is_about_time(*flag)).collect();
    assert_eq!(noticed, flags, "{kind} {hex}");
}

fn is_about_time(flag: Flag) -> bool {
    flag.name().starts_with("device_time") || matches!(flag, Flag::DeviceClockNotSet | Flag::UndatedFromMemory)
}

#[test]
fn public_frames_become_what_their_devices_said() {
    use FrameKind as F;
    check(F::Temperature, "06700100ffe207030a141b0002", "temperature 36.8 Cel", &[]);
    check(F::IntermediateTemperature, "06700100ffe207030a141b0002", "measurement_not_settled", &[]);
    check(F::CuffPressure, "156ff0000000003c001200", "measurement_not_settled", &[]);
    check(F::Glucose, "0b0400e407050e0c311d4e0168b0f80000", "glucose_mg 104 mg/dL", &[]);
    check(F::Glucose, "0a0200e807030f0a1e0001d0110100", "glucose_mg 100 mg/dL", &[]);
    check(F::SpotOximetry, "0facf3bef5e8070b1d170839204022000066e3", "sensor_problem", &[Flag::DeviceDoubts]);
    check(F::ContinuousOximetry, "0064005a00", "spo2 100 %, oximeter_pulse 90 /min", &[]);
    check(F::HeartRate, "0e4b8000", "heart_rate 75 /min, energy_expended 128 kJ", &[]);
    check(F::HeartRate, "04ff", "sensor_problem", &[]);
    check(F::Weight, "08b036f500d606", "weight 70.000 kg, scale_bmi 24.5 kg/m2, scale_height 175.0 cm", &[]);
    // A height and a BMI of nought: the scale knows neither.
    check(F::Weight, "08b03600000000", "weight 70.000 kg", &[]);
    check(F::BodyComposition, "00003200", "body_fat 5.0 %", &[]);
    check(F::BodyComposition, "0204e307011d1135010000282d", "characteristic_not_supported", &[]);
    check(F::AdvertisedWeight, "223e30e607020e10293a", "weight 61.750 kg", &[]);
    check(F::AdvertisedBodyComposition, "0326e607020e10293af701f136", "weight 63.798 kg", &[]);
}

#[test]
fn nobody_measured_is_nobodys() {
    for (kind, hex, code) in [
        // Type 10 of 2A18: control solution.
        (FrameKind::Glucose, "027b00e807030f0a1e0001d01a", "control_solution"),
        // Demonstration, test and calibration: bits 10, 11 and 12 of the measurement status.
        (FrameKind::SpotOximetry, "02620064000004", "device_demonstration"),
        (FrameKind::SpotOximetry, "02620064000008", "device_test"),
        (FrameKind::SpotOximetry, "02620064000010", "device_calibration"),
    ] {
        let reading = made(kind, hex, None);
        assert_eq!(said(&reading), code, "{hex}");
        assert_eq!(reading.who, Who::Unassigned(WhyUnassigned::NobodyMeasured), "{hex}");
    }
    let failed = made(FrameKind::Weight, "00ffff", None);
    assert_eq!(said(&failed), "measurement_failed");
    assert!(matches!(failed.who, Who::Patient(_)), "a person stood on the scale");
}

#[test]
fn a_meters_record_is_known_by_its_number_and_dated_by_base_and_offset() {
    let made = made(FrameKind::Glucose, "0b0400e407050e0c311d4e0168b0f80000", None);
    let taken = made.times.device.map(|time| time.to_string());
    assert_eq!(taken.as_deref(), Some("2020-05-14T18:23:29"), "12:49:29 and 334 minutes");
}

#[test]
fn a_scale_without_consent_to_a_person_stays_with_its_user() {
    let reading = made(FrameKind::Weight, "04 401f ff", None);
    assert_eq!(reading.user_index, Some(255));
    assert_eq!(reading.who, Who::Unassigned(WhyUnassigned::UserUnknown));
}
