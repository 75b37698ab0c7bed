//! The newer generation: packets, commands, live and stored data, and back.

use super::*;
use crate::serial::cms50::{Command, shown_v7_command as shown_command};
use proptest::prelude::*;
use vitals::Value;

/// A packet of these data.
fn packet(kind: u8, data: &[u8]) -> Vec<u8> {
    let high = data.iter().enumerate().fold(0x80, |bits, (place, byte)| bits | (byte >> 7) << place);
    [vec![kind, high], data.iter().map(|byte| byte | 0x80).collect()].concat()
}

#[test]
fn every_command_is_a_packet_with_its_number() {
    for command in Command::ALL {
        let bytes = command.to_bytes();
        let packet = decode_packet(&bytes).unwrap();
        assert_eq!((packet.kind, packet.data().first()), (TYPE_COMMAND, Some(&command.number())));
        assert_eq!(shown_command(&bytes).unwrap().get("meaning"), Some(&command.meaning().into()));
    }
    assert_eq!(Command::StartStored.to_bytes(), [0x7d, 0x81, 0xa6, 0x81, 0x81, 0x80, 0x80, 0x80, 0x80]);
    // Erase (AE), which tobac/cms50ew lists, is not among what the hub can ask.
    assert!(shown_command(&packet(TYPE_COMMAND, &[0xae, 0, 0, 0, 0, 0, 0])).is_err());
}

#[test]
fn a_live_packet_says_all_its_fields() {
    let live = decode_live(&packet(TYPE_LIVE, &[0x65, 0x34, 0x17, 72, 97, 0x2c, 0x01])).unwrap();
    assert_eq!((live.signal, live.wave, live.bar), (5, 0x34, 7));
    assert!(live.is_saturation_low && live.is_beep && live.is_perfusion_valid);
    assert_eq!((live.pulse, live.saturation, live.perfusion), (Some(72), Some(97), Some(300)));
    assert_eq!(live.patient_value().saturation, Value::Measured(Decimal::from(97)));
    let none = decode_live(&packet(TYPE_LIVE, &[0, 0, 0, 0xff, 0x7f, 0xff, 0xff])).unwrap();
    assert_eq!((none.pulse, none.saturation, none.perfusion), (None, None, None));
    assert_eq!(none.patient_value(), Oximetry::without(NoValue::MeasurementInvalid));
}

#[test]
fn probe_errors_and_searches_have_no_value() {
    for (flags, wave) in [(0x80, 0), (0x10, 0), (0, 0x80)] {
        let live = decode_live(&packet(TYPE_LIVE, &[flags, wave, 0, 72, 97, 0, 0])).unwrap();
        assert_eq!(live.patient_value(), Oximetry::without(NoValue::SensorProblem), "{flags:02x} {wave:02x}");
    }
}

#[test]
fn stored_packets_hold_three_points_or_one_with_perfusion() {
    let three = packet(TYPE_STORED_THREE, &[97, 72, 96, 0xff, 0, 0]);
    let one = packet(TYPE_STORED_ONE, &[0x7f, 71, 0x2c, 0x01]);
    let points = decode_stored(&[three, one].concat()).unwrap();
    let said: Vec<_> = points.iter().map(|point| (point.saturation, point.pulse, point.perfusion)).collect();
    assert_eq!(said, [(Some(97), Some(72), None), (Some(96), None, None), (None, Some(71), Some(300))]);
    let live = packet(TYPE_LIVE, &[0; 7]);
    assert_eq!(decode_stored(&live), Err(DecodeError::OutOfStep { field: "the type of a stored packet" }));
}

proptest! {
    #[test]
    fn data_survive_their_high_bits(kind in 0_u8..0x80, data in proptest::collection::vec(any::<u8>(), 1..=7)) {
        let bytes = packet(kind, &data);
        let read = decode_packet(&bytes).unwrap();
        prop_assert_eq!((read.kind, read.data()), (kind, data.as_slice()));
    }
}
