//! Real captures and public test vectors as rows, then properties over any bytes.

use super::*;
use proptest::prelude::*;
use vitals::float11073::sfloat;

/// What a row expects, each field as it prints.
struct Expected {
    pressures: [&'static str; 3],
    unit: PressureUnit,
    time: Option<&'static str>,
    pulse: Option<&'static str>,
    user_index: Option<u8>,
    status: Option<u16>,
}

/// The 2A35 rows of tests/vectors/devices.jsonl and our own 0xF7FF row, which nothing public has.
const ROWS: [(&str, &str, Expected); 6] = [
    (
        "NordicSemiconductor/Android-BLE-Common-Library BloodPressureMeasurementDataCallbackTest.java",
        "1e8a00580078000000041114293b3c00012700",
        Expected {
            pressures: ["138", "88", "120"],
            unit: PressureUnit::MmHg,
            time: Some("????-04-17T20:41:59"),
            pulse: Some("60"),
            user_index: Some(1),
            status: Some(39),
        },
    ),
    (
        "NordicSemiconductor/Android-BLE-Common-Library BloodPressureMeasurementDataCallbackTest.java",
        "00bdf00b009ff0",
        Expected {
            pressures: ["18.9", "11", "15.9"],
            unit: PressureUnit::MmHg,
            time: None,
            pulse: None,
            user_index: None,
            status: None,
        },
    ),
    (
        "capture: HEADS-project/ThingML-BLE Documentation/AND_Medical_UA651BLE.md",
        "1686004d006400e10701100d00183d000000",
        Expected {
            pressures: ["134", "77", "100"],
            unit: PressureUnit::MmHg,
            time: Some("2017-01-16T13:00:24"),
            pulse: Some("61"),
            user_index: None,
            status: Some(0),
        },
    ),
    (
        "capture: HEADS-project/ThingML-BLE Documentation/AND_Medical_UA651BLE.md, sent before and after a reconnect",
        "16ff07ff07ff07e107011000391cff070000",
        Expected {
            pressures: ["nan", "nan", "nan"],
            unit: PressureUnit::MmHg,
            time: Some("2017-01-16T00:57:28"),
            pulse: Some("nan"),
            user_index: None,
            status: Some(0),
        },
    ),
    (
        "capture: Stack Overflow 78176577; reserved flag and status bits set",
        "de88f420f3ff07e4070113163700bcf2014401",
        Expected {
            pressures: ["116.0", "80.0", "nan"],
            unit: PressureUnit::MmHg,
            time: Some("2020-01-19T22:55:00"),
            pulse: Some("70.0"),
            user_index: Some(1),
            status: Some(324),
        },
    ),
    (
        "ours: devices.md 1.1, a special mantissa is a number at any exponent but nought",
        "01fff7fff7fff7",
        Expected {
            pressures: ["204.7", "204.7", "204.7"],
            unit: PressureUnit::KPa,
            time: None,
            pulse: None,
            user_index: None,
            status: None,
        },
    ),
];

fn bytes(hex: &str) -> Vec<u8> {
    vitals::hex::decode(hex).unwrap()
}

#[test]
fn every_row_says_what_its_source_says() {
    for (source, hex, expected) in ROWS {
        let measurement = decode(&bytes(hex)).unwrap_or_else(|error| panic!("{hex} ({source}): {error}"));
        let printed = [measurement.systolic, measurement.diastolic, measurement.mean].map(|number| number.to_string());
        assert_eq!(printed, expected.pressures, "{hex} ({source})");
        assert_eq!(measurement.unit, expected.unit, "{hex}");
        assert_eq!(measurement.taken_at.stated().map(|time| time.to_string()).as_deref(), expected.time, "{hex}");
        assert_eq!(measurement.pulse.map(|number| number.to_string()).as_deref(), expected.pulse, "{hex}");
        assert_eq!((measurement.user_index, measurement.status), (expected.user_index, expected.status), "{hex}");
    }
}

/// Vector 3 of the same Nordic test: flags promise a time that is not there.
#[test]
fn a_promised_time_that_is_missing_is_truncated() {
    assert_eq!(decode(&bytes("03020304050607")), Err(DecodeError::Truncated { field: "the time" }));
}

#[test]
fn every_strict_prefix_is_truncated_and_every_extra_byte_is_too_long() {
    for (_, hex, _) in ROWS {
        let frame = bytes(hex);
        for length in 0..frame.len() {
            assert!(matches!(decode(&frame[..length]), Err(DecodeError::Truncated { .. })), "{hex} cut to {length}");
        }
        assert_eq!(decode(&[frame.as_slice(), &[0]].concat()), Err(DecodeError::TooLong { left_bytes: 1 }), "{hex}");
    }
}

#[test]
fn an_impossible_date_keeps_the_measurement_and_its_bytes() {
    let measurement = decode(&bytes("0286004d006400e107021e0d0018")).unwrap();
    assert_eq!(measurement.systolic.to_string(), "134");
    assert_eq!(measurement.taken_at, DeviceTimeField::Impossible([0xe1, 0x07, 2, 30, 13, 0, 24]));
}

#[test]
fn a_number_too_fine_for_the_device_form_is_refused_and_not_rounded() {
    let mut measurement = decode(&bytes("00bdf00b009ff0")).unwrap();
    measurement.mean = DeviceNumber::Number { mantissa: 20_480, exponent: -2 };
    assert_eq!(encode(&measurement), Err(EncodeError::NumberDoesNotFit { field: "the mean arterial pressure" }));
}

fn any_number() -> impl Strategy<Value = DeviceNumber> {
    any::<u16>().prop_map(sfloat)
}

prop_compose! {
    fn any_measurement()(
        pressures: [u16; 3],
        is_kpa: bool,
        time in proptest::option::of(any::<[u8; 7]>()),
        pulse in proptest::option::of(any_number()),
        user_index: Option<u8>,
        status: Option<u16>,
    ) -> BloodPressureMeasurement {
        let [systolic, diastolic, mean] = pressures.map(sfloat);
        BloodPressureMeasurement {
            systolic,
            diastolic,
            mean,
            unit: if is_kpa { PressureUnit::KPa } else { PressureUnit::MmHg },
            taken_at: time.map_or(DeviceTimeField::Absent, DeviceTimeField::from_bytes),
            pulse,
            user_index,
            status,
        }
    }
}

proptest! {
    #[test]
    fn what_is_encoded_decodes_to_the_same(measurement in any_measurement()) {
        prop_assert_eq!(decode(&encode(&measurement).unwrap()), Ok(measurement));
    }

    #[test]
    fn no_bytes_make_it_panic_and_what_decodes_encodes_back(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
        if let Ok(measurement) = decode(&bytes) {
            let mut without_reserved = bytes;
            without_reserved[0] &= 0b0001_1111;
            prop_assert_eq!(encode(&measurement), Ok(without_reserved));
        }
    }
}
