//! The public 2A1C rows, a Fahrenheit row of our own, then properties over any measurement.

use super::*;
use proptest::prelude::*;
use vitals::float11073::float;

/// Frame, temperature, unit, time, type.
type Row = (&'static str, &'static str, TemperatureUnit, Option<&'static str>, Option<u8>);

/// Rows 9 to 13 of tests/vectors/devices.jsonl, then ours.
const ROWS: [Row; 7] = [
    ("06b00e00fedc070c050b321b04", "37.60", TemperatureUnit::Celsius, Some("2012-12-05T11:50:27"), Some(4)),
    ("06b00e00fedc070c050b092704", "37.60", TemperatureUnit::Celsius, Some("2012-12-05T11:09:39"), Some(4)),
    ("06840f00fedc070c050b0c1504", "39.72", TemperatureUnit::Celsius, Some("2012-12-05T11:12:21"), Some(4)),
    ("06680100ffe207030a15340002", "36.0", TemperatureUnit::Celsius, Some("2018-03-10T21:52:00"), Some(2)),
    ("06700100ffe207030a141b0002", "36.8", TemperatureUnit::Celsius, Some("2018-03-10T20:27:00"), Some(2)),
    // Ours: Fahrenheit, with every reserved flag bit set.
    ("f9d90300ff", "98.5", TemperatureUnit::Fahrenheit, None, None),
    // Ours: NaN in a FLOAT is no number.
    ("00ffff7f00", "nan", TemperatureUnit::Celsius, None, None),
];

#[test]
fn every_row_says_what_its_source_says() {
    for (hex, temperature, unit, time, place) in ROWS {
        let measurement = decode(&vitals::hex::decode(hex).unwrap()).unwrap();
        assert_eq!(measurement.temperature.to_string(), temperature, "{hex}");
        assert_eq!(measurement.unit, unit, "{hex}");
        assert_eq!(measurement.taken_at.stated().map(|time| time.to_string()).as_deref(), time, "{hex}");
        assert_eq!(measurement.place.map(|place| place.0), place, "{hex}");
        assert_eq!(measurement.patient_value().is_ok(), temperature != "nan", "{hex}");
    }
}

#[test]
fn type_and_interval_are_one_and_two_bytes() {
    assert_eq!(decode_type(&[6]).unwrap().name(), Some("mouth"));
    assert_eq!(decode_type(&[10]).unwrap().name(), None, "reserved, and kept");
    assert_eq!(decode_interval(&encode_interval(3600)), Ok(3600));
    assert!(decode_type(&[]).is_err() && decode_type(&[1, 2]).is_err());
    assert!(decode_interval(&[1]).is_err() && decode_interval(&[1, 2, 3]).is_err());
}

proptest! {
    #[test]
    fn what_is_encoded_decodes_to_the_same(
        word: u32, is_fahrenheit: bool, time in proptest::option::of(any::<[u8; 7]>()), place: Option<u8>,
    ) {
        let measurement = TemperatureMeasurement {
            temperature: float(word),
            unit: if is_fahrenheit { TemperatureUnit::Fahrenheit } else { TemperatureUnit::Celsius },
            taken_at: time.map_or(DeviceTimeField::Absent, DeviceTimeField::from_bytes),
            place: place.map(TemperatureType),
        };
        prop_assert_eq!(decode(&encode(&measurement).unwrap()), Ok(measurement));
    }
}
