//! The public 2A5E, 2A5F and 2A60 rows, what each status bit makes of a value, then properties over any measurement.

use super::*;
use crate::{
    DeviceTimeField, Shown,
    gatt::{
        continuous_oximetry::{self, ContinuousOximetry},
        spot_oximetry::{self, SpotOximetry},
    },
};
use proptest::prelude::*;
use vitals::float11073::sfloat;

fn bytes(hex: &str) -> Vec<u8> {
    vitals::hex::decode(hex).unwrap()
}

fn pair(pair: Spo2Pulse) -> (String, String) {
    (pair.spo2.to_string(), pair.pulse.to_string())
}

fn printed(spo2: &str, pulse: &str) -> (String, String) {
    (spo2.to_owned(), pulse.to_owned())
}

/// Rows 60 and 61 of tests/vectors/devices.jsonl (Spezi).
#[test]
fn continuous_rows_say_what_their_source_says() {
    let plain = continuous_oximetry::decode(&bytes("0064005a00")).unwrap();
    assert_eq!(pair(plain.pair), printed("100", "90"));
    assert_eq!((plain.fast, plain.slow, plain.measurement_status, plain.device_status), (None, None, None, None));
    assert_eq!(plain.pulse_amplitude, None);

    let full = continuous_oximetry::decode(&bytes("1fdef3caf3caf35af5d4f3b2f220010000007ae3")).unwrap();
    assert_eq!(pair(full.pair), printed("99.0", "97.0"));
    assert_eq!(full.fast.map(pair), Some(printed("97.0", "137.0")));
    assert_eq!(full.slow.map(pair), Some(printed("98.0", "69.0")));
    assert_eq!((full.measurement_status, full.device_status), (Some(MeasurementStatus(288)), Some(DeviceStatus(0))));
    assert_eq!(full.pulse_amplitude.map(|index| index.to_string()).as_deref(), Some("8.90"));
    let value = full.patient_value().unwrap();
    assert_eq!((value.spo2.to_string(), value.pulse.unwrap().to_string()), ("99.0 %".into(), "97.0 /min".into()));
    assert!(!full.is_questionable(), "ongoing and fully qualified");
}

/// Row 62: bit 14 (questionable) and device bits 1 (broken) and 5 (low perfusion). The numbers are read all the same.
#[test]
fn the_spot_row_says_what_its_source_says() {
    let spot = spot_oximetry::decode(&bytes("0facf3bef5e8070b1d170839204022000066e3")).unwrap();
    assert_eq!(pair(spot.pair), printed("94.0", "147.0"));
    assert_eq!(spot.taken_at.stated().unwrap().to_string(), "2024-11-29T23:08:57");
    assert_eq!(spot.measurement_status, Some(MeasurementStatus(16416)));
    assert_eq!(spot.device_status, Some(DeviceStatus(34)));
    assert_eq!(spot.pulse_amplitude.map(|index| index.to_string()).as_deref(), Some("8.70"));
    assert!(!spot.is_clock_not_set && spot.is_questionable());
    assert_eq!(spot.patient_value(), Err(NoValue::SensorProblem));
    let names = Shown::List(vec!["measurement_ongoing".into(), "questionable".into()]);
    assert_eq!(spot.shown().get("measurement_status_names"), Some(&names));
    let names = Shown::List(vec!["equipment_malfunction".into(), "low_perfusion".into()]);
    assert_eq!(spot.shown().get("device_status_names"), Some(&names));
}

#[test]
fn each_status_bit_makes_of_a_value_what_the_page_says() {
    let judged = |measurement: u16, device: u32| {
        let pair = Spo2Pulse { spo2: sfloat(97), pulse: sfloat(60) };
        patient_value(pair, None, Some(MeasurementStatus(measurement)), Some(DeviceStatus(device)))
            .map(|value| value.spo2.to_string())
    };
    let nobody = [(10, NoValue::DeviceDemonstration), (11, NoValue::DeviceTest), (12, NoValue::DeviceCalibration)];
    for (bit, reason) in nobody {
        assert_eq!(judged(1 << bit, 0), Err(reason));
        assert_eq!(judged(1 << bit | 1 << 15, 1 << 15), Err(reason), "nobody measured comes first");
    }
    for bit in [13, 15] {
        assert_eq!(judged(1 << bit, 0), Err(NoValue::MeasurementInvalid), "measurement bit {bit}");
    }
    for bit in [0, 4, 5, 6, 7, 8, 9, 14] {
        assert!(judged(1 << bit, 0).is_ok(), "measurement bit {bit}");
    }
    for bit in [1, 11, 12, 13, 14, 15] {
        assert_eq!(judged(0, 1 << bit), Err(NoValue::SensorProblem), "device bit {bit}");
    }
    assert_eq!(judged(0, 1 << 3), Err(NoValue::MeasurementInvalid));
    assert_eq!(judged(0, 1 << 7), Err(NoValue::MeasurementInvalid));
    assert_eq!(judged(0, 1 << 9), Err(NoValue::NotSettled));
    for bit in [0, 2, 4, 5, 6, 8, 10, 16, 23] {
        assert!(judged(0, 1 << bit).is_ok(), "device bit {bit}");
    }
    for bit in [2, 4, 5, 6, 8, 10] {
        assert!(is_questionable(None, Some(DeviceStatus(1 << bit))), "device bit {bit}");
    }
    for bit in [6, 14] {
        assert!(is_questionable(Some(MeasurementStatus(1 << bit)), None), "measurement bit {bit}");
    }
    assert!(!is_questionable(Some(MeasurementStatus(!(1 << 6 | 1 << 14))), Some(DeviceStatus(0xff_0001))));
}

#[test]
fn a_special_saturation_is_no_value_and_a_special_pulse_leaves_the_saturation() {
    let spot = |hex: &str| spot_oximetry::decode(&bytes(hex)).unwrap().patient_value();
    assert_eq!(spot("00ff073c00"), Err(NoValue::NotANumber));
    assert_eq!(spot("006100ff07").unwrap().pulse, Err(NoValue::NotANumber));
}

/// Found by reading the code: a low saturation from the memory of an oximeter without a clock was thrown away, and an early
/// estimate too, though it may be all that cold fingers give. Both are values; what is doubtful about them is said.
#[test]
fn a_value_from_memory_and_an_early_estimate_are_values() {
    let memory = spot_oximetry::decode(&bytes("02500048000002")).unwrap();
    assert_eq!(memory.patient_value().unwrap().spo2.to_string(), "80 %");
    assert!(memory.is_from_memory() && !memory.is_questionable());
    let moment = continuous_oximetry::decode(&bytes("04500048000002")).unwrap();
    assert!(moment.is_from_memory() && moment.patient_value().is_ok());
    let early = spot_oximetry::decode(&bytes("02500048004000")).unwrap();
    assert_eq!(early.patient_value().unwrap().spo2.to_string(), "80 %");
    assert!(early.is_questionable() && !early.is_from_memory());
}

/// Nought is how these devices say "none": no saturation is no value, and no pulse leaves the saturation.
#[test]
fn nought_is_none() {
    let spot = |hex: &str| spot_oximetry::decode(&bytes(hex)).unwrap().patient_value();
    assert_eq!(spot("0000004800"), Err(NoValue::MeasurementInvalid));
    assert_eq!(spot("0000f04800"), Err(NoValue::MeasurementInvalid), "0.0");
    let value = spot("08500000000000").unwrap();
    assert_eq!(
        (value.spo2.to_string().as_str(), value.pulse, value.perfusion),
        ("80 %", Err(NoValue::MeasurementInvalid), None)
    );
}

/// Rows 63 and 64: with both supported statuses, and a bare word that says there should be more.
#[test]
fn features_are_read_and_a_bare_word_is_taken_as_it_is() {
    let features = decode_features(&bytes("a3004010800100")).unwrap();
    assert_eq!(features.features.0, 163);
    assert_eq!(features.measurement_status, Some(MeasurementStatus(4160)));
    assert_eq!(features.device_status, Some(DeviceStatus(384)));
    let bare = decode_features(&bytes("ff00")).unwrap();
    assert_eq!((bare.features.0, bare.measurement_status, bare.device_status), (255, None, None));
    assert_eq!(decode_features(&bytes("000000")), Err(DecodeError::TooLong { left_bytes: 1 }));
}

fn any_pair() -> impl Strategy<Value = Spo2Pulse> {
    any::<(u16, u16)>().prop_map(|(spo2, pulse)| Spo2Pulse { spo2: sfloat(spo2), pulse: sfloat(pulse) })
}

proptest! {
    #[test]
    fn what_is_encoded_decodes_to_the_same(
        pair in any_pair(),
        fast in proptest::option::of(any_pair()),
        slow in proptest::option::of(any_pair()),
        time in proptest::option::of(any::<[u8; 7]>()),
        measurement: Option<u16>,
        device in proptest::option::of(0_u32..1 << 24),
        amplitude: Option<u16>,
        is_clock_not_set: bool,
    ) {
        let measurement_status = measurement.map(MeasurementStatus);
        let device_status = device.map(DeviceStatus);
        let pulse_amplitude = amplitude.map(sfloat);
        let taken_at = time.map_or(DeviceTimeField::Absent, DeviceTimeField::from_bytes);
        let spot =
            SpotOximetry { pair, taken_at, measurement_status, device_status, pulse_amplitude, is_clock_not_set };
        prop_assert_eq!(spot_oximetry::decode(&spot_oximetry::encode(&spot).unwrap()), Ok(spot));
        let moment = ContinuousOximetry { pair, fast, slow, measurement_status, device_status, pulse_amplitude };
        prop_assert_eq!(continuous_oximetry::decode(&continuous_oximetry::encode(&moment).unwrap()), Ok(moment));
    }
}
