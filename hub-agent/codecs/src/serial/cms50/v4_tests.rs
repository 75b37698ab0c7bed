//! The older generation: every bit of a live record, points, and the header of a recording.

use super::*;
use proptest::prelude::*;
use vitals::Value;

/// Source: atbrask/CMS50Dplus `unittests.py`, which goes through the values of each field in the same way.
#[test]
fn every_value_of_every_field_is_read() {
    for value in 0_u8..=255 {
        let live = decode_live(&[0x80, 0, (value & 0x80) >> 1, value & 0x7f, 0]).unwrap();
        assert_eq!(live.pulse, value);
        assert_eq!(decode_point(&[0xf0 | value >> 7, 0x80 | value & 0x7f, 0]).unwrap().pulse, value);
    }
    for value in 0_u8..=127 {
        assert_eq!(decode_live(&[0x80, value, 0, 0, 0]).unwrap().wave, value);
        assert_eq!(decode_live(&[0x80, 0, 0, 0, value]).unwrap().saturation, value);
        assert_eq!(decode_point(&[0xf0, 0x80, value]).unwrap().saturation, value);
    }
    let flags = decode_live(&[0xf0, 0, 0x30, 0, 0]).unwrap();
    assert!(flags.is_finger_out && flags.is_saturation_dropping && flags.is_beep);
    assert!(flags.is_probe_error && flags.is_searching);
}

#[test]
fn a_finger_out_a_broken_probe_and_a_search_have_no_value() {
    let good = [0x85, 0x20, 0x05, 72, 97];
    assert_eq!(decode_live(&good).unwrap().patient_value().saturation, Value::Measured(Decimal::from(97)));
    for (place, bit) in [(0, 0x10), (2, 0x10), (2, 0x20)] {
        let mut bytes = good;
        bytes[place] |= bit;
        let value = decode_live(&bytes).unwrap().patient_value();
        assert_eq!(value, Oximetry::without(NoValue::SensorProblem), "{place} {bit:02x}");
    }
    for saturation in [0, 101, 127] {
        let value = decode_live(&[0x85, 0x20, 0x05, 72, saturation]).unwrap().patient_value();
        assert_eq!(value.saturation, Value::NotMeasured(NoValue::MeasurementInvalid), "{saturation}");
        assert_eq!(value.rate, Value::Measured(Decimal::from(72)));
    }
    // Dropping saturation is a value like any other, and the one that matters most.
    assert!(decode_live(&[0xa5, 0x20, 0x05, 72, 84]).unwrap().patient_value().live().is_usable);
}

#[test]
fn the_header_tells_one_byte_less_than_there_are() {
    let header = |length: [u8; 3]| [HEADER_START.as_slice(), &length].concat();
    assert_eq!(points_told(&header([0x80, 0x80, 0x08])), Some(3));
    // 3 hours of points: 10,800 × 3 = 32,400 bytes, one less told: 1 × 16,384 + 125 × 128 + 15.
    assert_eq!(points_told(&header([0x81, 0xfd, 0x0f])), Some(10_800));
    assert_eq!(points_told(&header([0x00, 0x80, 0x08])), None);
    assert_eq!(points_told(&[0xf2, 0x80]), None);
}

proptest! {
    #[test]
    fn points_are_read_one_by_one(points in proptest::collection::vec((any::<u8>(), 0_u8..128), 1..171)) {
        let bytes: Vec<u8> = points.iter().flat_map(|(pulse, spo2)| [0xf0 | pulse >> 7, 0x80 | pulse, *spo2]).collect();
        let read: Vec<(u8, u8)> =
            decode_points(&bytes).unwrap().iter().map(|point| (point.pulse, point.saturation)).collect();
        prop_assert_eq!(read, points);
    }
}
