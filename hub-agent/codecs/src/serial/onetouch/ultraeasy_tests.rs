//! Packets of an UltraEasy, and the record within.

use super::*;
use proptest::prelude::*;
use vitals::Decimal;

/// Source: glucometers-tech/glucometerutils `tests/test_otultraeasy.py`.
#[test]
fn public_packets_are_encoded_as_their_source_has_them() {
    let link = Link { number: true, expected: true, ..Link::default() };
    let version = vitals::hex::decode("020903050d0203089f").unwrap();
    assert_eq!(encode_packet(link, &[0x05, 0x0d, 0x02]).unwrap(), version);
    assert_eq!(decode_packet(&version).unwrap().message, [0x05, 0x0d, 0x02]);
    assert_eq!(encode_packet(link, &[0; 250]), None);
}

fn record(seconds: u32, value: u32) -> Vec<u8> {
    let message = [[0x05, 0x06].as_slice(), &seconds.to_le_bytes(), &value.to_le_bytes()].concat();
    encode_packet(Link::default(), &message).unwrap()
}

#[test]
fn a_record_has_time_and_value() {
    let record_of = |value| decode(&record(1_404_090_000, value)).unwrap();
    assert_eq!(record_of(120).taken_at.stated().unwrap().to_string(), "2014-06-30T01:00:00");
    let mg = |mg: u16| Ok(Quantity::new(Decimal::from(mg), Unit::MilligramsPerDecilitre));
    for (value, expected) in [
        (120, mg(120)),
        (20, mg(20)),
        (19, Err(NoValue::NegativeInfinity)),
        (600, mg(600)),
        (601, Err(NoValue::PositiveInfinity)),
        (70_000, Err(NoValue::PositiveInfinity)),
    ] {
        assert_eq!(record_of(value).patient_value(), expected, "{value}");
    }
    let count = encode_packet(Link::default(), &[0x05, 0x0f, 3, 0]).unwrap();
    assert_eq!(decode(&count), Err(DecodeError::OutOfStep { field: "the answer" }));
}

proptest! {
    #[test]
    fn packets_survive_the_round_trip(bits in 0_u8..0x20, message in proptest::collection::vec(any::<u8>(), 0..40)) {
        let link = Link::from_byte(bits);
        let packet = decode_packet(&encode_packet(link, &message).unwrap()).unwrap();
        prop_assert_eq!((packet.link, packet.message), (link, message));
    }

    #[test]
    fn every_second_is_a_time(seconds: u32) {
        prop_assert!(clock(seconds).stated().is_some());
    }
}
