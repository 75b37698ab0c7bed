//! The public rows of Xiaomi's layouts, what is a person's value, then properties over any weighing.

use super::*;
use crate::Shown;
use proptest::prelude::*;

fn bytes(hex: &str) -> Vec<u8> {
    vitals::hex::decode(hex).unwrap()
}

/// Rows 73, 74 and 78 to 80 of tests/vectors/devices.jsonl, and others of the same theengs test.
#[test]
fn every_row_says_what_its_source_says() {
    for (hex, weight, unit, mode, impedance, reason) in [
        ("223e30e607020e10293a", "61.750", "kg", "person", None, None),
        ("237233e607020e10293a", "131.70", "lb", "person", None, None),
        ("627607e607020e10293a", "9.550", "kg", "object", None, Some(NoValue::DeviceTest)),
        ("a23e30e607020e10293a", "61.750", "kg", "person", None, Some(NoValue::NotSettled)),
        ("323e30e607020e10293a", "123.50", "catty", "person", None, None),
        ("0224e607020e10293a00009a38", "72.450", "kg", "person", None, None),
        ("0226e607020e10293af7019a38", "72.450", "kg", "person", Some(503), None),
        ("0326e607020e10293af701f136", "140.65", "lb", "person", Some(503), None),
        ("0624e607020e10293a0000fc03", "5.100", "kg", "object", None, Some(NoValue::DeviceTest)),
        ("02a6e607020e10293af7019a38", "72.450", "kg", "person", Some(503), Some(NoValue::NotSettled)),
        ("0204e307011d1135010000282d", "57.800", "kg", "person", None, Some(NoValue::NotSettled)),
        ("0266e607020e10293af7019a38", "144.90", "catty", "person", Some(503), None),
    ] {
        let frame = bytes(hex);
        let read = if frame.len() == COMPOSITION_BYTES { decode_composition } else { decode_weight };
        let weighing = read(&frame).unwrap();
        let shown = weighing.shown();
        assert_eq!(shown.get("weight"), Some(&Shown::Decimal(weight.into())), "{hex}");
        assert_eq!(shown.get("unit"), Some(&unit.into()), "{hex}");
        assert_eq!(shown.get("mode"), Some(&mode.into()), "{hex}");
        assert_eq!(weighing.impedance_ohm, impedance, "{hex}");
        assert_eq!(weighing.patient_value().err(), reason, "{hex}");
    }
    let weighing = decode_composition(&bytes("0204e307011d1135010000282d")).unwrap();
    assert_eq!(weighing.taken_at.stated().unwrap().to_string(), "2019-01-29T17:53:01");
    let catties = decode_weight(&bytes("323e30e607020e10293a")).unwrap();
    assert_eq!(catties.patient_value().unwrap().to_string(), "61.750 kg", "a catty is half a kilogram");
}

#[test]
fn a_frame_has_one_length() {
    for hex in ["223e30e607020e10293a", "0224e607020e10293a00009a38"] {
        let frame = bytes(hex);
        let read = if frame.len() == COMPOSITION_BYTES { decode_composition } else { decode_weight };
        for length in 0..frame.len() {
            assert!(matches!(read(&frame[..length]), Err(DecodeError::Truncated { .. })), "{hex} cut to {length}");
        }
        assert_eq!(read(&[frame.as_slice(), &[0]].concat()), Err(DecodeError::TooLong { left_bytes: 1 }), "{hex}");
    }
}

proptest! {
    #[test]
    fn what_is_encoded_decodes_to_the_same(
        unit in prop_oneof![Just(ScaleUnit::Kilograms), Just(ScaleUnit::Pounds), Just(ScaleUnit::Catties)],
        weight_steps: u16, is_stable: bool, is_weight_removed: bool, is_thing: bool, time: [u8; 7],
        impedance_ohm: Option<u16>,
    ) {
        let taken_at = DeviceTimeField::from_bytes(time);
        let weighing =
            XiaomiWeighing { unit, weight_steps, is_stable, is_weight_removed, is_thing, taken_at, impedance_ohm };
        prop_assert_eq!(decode_composition(&encode_composition(&weighing).unwrap()), Ok(weighing));
        let plain = XiaomiWeighing { impedance_ohm: None, ..weighing };
        prop_assert_eq!(decode_weight(&encode_weight(&plain).unwrap()), Ok(plain));
        prop_assert_eq!(encode_weight(&weighing).is_err(), impedance_ohm.is_some());
    }
}
