//! Packets of data formats 2 and 7: what each bit of the status takes away, and how a packet with a hole is given up.

use super::*;
use crate::serial::framer::{Framed, Framer, Scanner};
use proptest::prelude::*;
use vitals::Value;

/// A packet with these slow values and this status in every frame.
fn packet(format: PacketFormat, slow: [u8; FRAMES], status: u8) -> Vec<u8> {
    let frame = |(place, value): (usize, &u8)| {
        let status = status | 0x80 | u8::from(place == 0);
        let frame = match format {
            PacketFormat::Df2 => [0x01, status, 0x7b, *value],
            PacketFormat::Df7 => [status, 0x7b, 0x01, *value],
        };
        [frame.as_slice(), &[sum8(&frame)]].concat()
    };
    slow.iter().enumerate().flat_map(frame).collect()
}

/// Rate 300 (so that the high bits count), saturation 91, all of them the same; timer 200, a good point, low battery.
const SLOW: [u8; FRAMES] = [2, 44, 91, 7, 0, 1, 72, 0x21, 91, 91, 91, 0, 0, 2, 44, 91, 91, 0, 0, 2, 44, 2, 44, 0, 0];

#[test]
fn both_formats_say_the_same_but_for_the_wave() {
    for (format, sample) in [(PacketFormat::Df2, 0x7b), (PacketFormat::Df7, 0x7b01)] {
        let packet = decode(&packet(format, SLOW, 0), format).unwrap();
        let rates = [packet.rate, packet.rate_shown, packet.rate_extended, packet.rate_extended_shown];
        assert_eq!(rates, [Some(300); 4]);
        let saturations = [
            packet.saturation,
            packet.saturation_shown,
            packet.saturation_extended,
            packet.saturation_extended_shown,
            packet.saturation_fast,
            packet.saturation_beat,
        ];
        assert_eq!(saturations, [Some(91); 6]);
        assert_eq!((packet.firmware, packet.timer, packet.status2), (7, 200, 0x21));
        assert_eq!(packet.wave, [sample; FRAMES]);
        assert_eq!(packet.perfusion, None);
    }
}

#[test]
fn missing_numbers_are_none_and_never_511_or_127() {
    let missing = [3, 127, 127, 0, 0, 0, 0, 0, 127, 127, 127, 0, 0, 3, 127, 127, 127, 0, 0, 3, 127, 3, 127, 0, 0];
    let packet = decode(&packet(PacketFormat::Df2, missing, 0), PacketFormat::Df2).unwrap();
    assert_eq!(
        (packet.rate, packet.rate_extended_shown, packet.saturation, packet.saturation_beat),
        (None, None, None, None)
    );
    assert_eq!(packet.patient_value(), Oximetry::without(NoValue::MeasurementInvalid));
    assert!(!packet.patient_value().live().is_usable);
}

/// The status bits one by one, and what is left of the person's value.
#[test]
fn each_status_bit_takes_away_what_its_specification_says() {
    for (status, expected) in [
        (0x00, None),
        (0x40, Some(NoValue::SensorProblem)),
        (0x20, None),
        (0x10, Some(NoValue::MeasurementInvalid)),
        (0x08, Some(NoValue::SensorProblem)),
        (0x06, None),
        (0x18, Some(NoValue::SensorProblem)),
    ] {
        let packet = decode(&packet(PacketFormat::Df2, SLOW, status), PacketFormat::Df2).unwrap();
        let value = packet.patient_value();
        match expected {
            None => assert_eq!(value.saturation, Value::Measured(Decimal::from(91)), "{status:02x}"),
            Some(reason) => assert_eq!(value, Oximetry::without(reason), "{status:02x}"),
        }
    }
}

/// Source: pez-globo/pufferfish-software `TestPacketReceiver.cpp`: status 82 green, 84 red, 86 yellow.
#[test]
fn the_weakest_perfusion_of_a_packet_counts() {
    for (status, perfusion) in [(0x02, Perfusion::Green), (0x06, Perfusion::Yellow), (0x04, Perfusion::Red)] {
        let packet = decode(&packet(PacketFormat::Df2, SLOW, status), PacketFormat::Df2).unwrap();
        assert_eq!(packet.perfusion, Some(perfusion));
    }
}

#[test]
fn a_packet_with_a_frame_missing_is_given_up_whole() {
    let good = packet(PacketFormat::Df2, SLOW, 0);
    let holed = [&good[..50], &good[55..]].concat();
    let mut framer = Scanner::new(PacketMarks(PacketFormat::Df2));
    let found = framer.push(&[holed.as_slice(), &good].concat());
    assert_eq!(found, [Framed::Dropped { bytes: 120, why: Dropped::CutShort }, Framed::Record(good),]);
}

#[test]
fn a_packet_with_a_wrong_checksum_is_dropped_for_that_reason() {
    let good = packet(PacketFormat::Df7, SLOW, 0);
    let mut bad = good.clone();
    bad[52] ^= 0x10;
    let mut framer = Scanner::new(PacketMarks(PacketFormat::Df7));
    let found = framer.push(&[bad, good.clone()].concat());
    assert!(matches!(found.first(), Some(Framed::Dropped { why: Dropped::ChecksumWrong, .. })), "{found:?}");
    assert_eq!(found.last(), Some(&Framed::Record(good)));
}

proptest! {
    #[test]
    fn what_decodes_has_its_numbers_in_range(slow: [u8; FRAMES], status in 0_u8..0x80) {
        let packet = decode(&packet(PacketFormat::Df2, slow, status & 0x7e), PacketFormat::Df2).unwrap();
        prop_assert!(packet.rate.is_none_or(|rate| rate < 511));
        prop_assert!(packet.saturation_shown.is_none_or(|percent| percent < 127));
        prop_assert!(packet.timer < 1 << 14);
    }
}
