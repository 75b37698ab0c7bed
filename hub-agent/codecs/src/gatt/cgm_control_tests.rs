//! The public 2AAC rows, every op code, then properties over any operation.

use super::*;
use proptest::prelude::*;
use vitals::float11073::sfloat;

fn bytes(hex: &str) -> Vec<u8> {
    vitals::hex::decode(hex).unwrap()
}

/// Rows 51 and 53 to 57 of tests/vectors/devices.jsonl.
#[test]
fn every_row_says_what_its_source_says() {
    let number = |mantissa: i32, exponent: i8| DeviceNumber::Number { mantissa, exponent };
    for (hex, operation, op, e2e_crc) in [
        ("1c02013c3b", Operation::Answer { request: 2, code: 1 }, "response", E2eCrc::Verified),
        ("030a8a75", Operation::Interval(10), "communication_interval", E2eCrc::Verified),
        ("0c0bc034be", Operation::Level(Level::PatientLow, number(11, -4)), "patient_low_alert", E2eCrc::Verified),
        ("120a20", Operation::Level(Level::Hyper, number(10, 2)), "hyper_alert", E2eCrc::Absent),
        ("180a40", Operation::Level(Level::RateOfIncrease, number(10, 4)), "rate_increase_alert", E2eCrc::Absent),
        (
            "0601200a00321400010004bfb2",
            Operation::Calibration(Calibration {
                glucose: number(1, 2),
                time_offset_min: 10,
                specimen: 2,
                location: 3,
                next_offset_min: 20,
                record: 1,
                status: CalibrationStatus(CalibrationStatus::PENDING),
            }),
            "calibration",
            E2eCrc::Verified,
        ),
    ] {
        let control = decode(&bytes(hex)).unwrap();
        assert_eq!(control, ControlPoint { operation, e2e_crc }, "{hex}");
        assert_eq!(control.shown().get("op"), Some(&op.into()), "{hex}");
        assert_eq!(encode(&control).unwrap(), bytes(hex), "{hex}");
    }
}

/// Row 52: the answer with the CRC of other bytes.
#[test]
fn a_wrong_crc_is_refused() {
    let error = DecodeError::ChecksumWrong { computed: e2e_crc::of(&bytes("1c0202")), sent: 0x01a7 };
    assert_eq!(decode(&bytes("1c0202a701")), Err(error));
}

#[test]
fn every_op_code_from_1_to_28_is_read_and_no_other() {
    for op in 0..=u8::MAX {
        // Long enough for any operand; what is too long says that the op code was known.
        let read = decode(&[&[op], [0_u8; 16].as_slice()].concat());
        let is_known = (1..=28).contains(&op);
        assert_eq!(read != Err(DecodeError::Malformed { field: "the op code" }), is_known, "{op}");
    }
    for (level, op, names) in LEVELS {
        assert_eq!(level.row(), (op, names));
    }
}

#[test]
fn the_commands_we_write_have_their_bytes() {
    let plain = |operation| encode(&ControlPoint { operation, e2e_crc: E2eCrc::Absent }).unwrap();
    assert_eq!(plain(Operation::StartSession), [0x1a]);
    assert_eq!(plain(Operation::StopSession), [0x1b]);
    assert_eq!(plain(Operation::SetInterval(5)), [0x01, 0x05]);
    assert_eq!(plain(Operation::GetInterval), [0x02]);
    assert_eq!(plain(Operation::GetCalibration(NEWEST_CALIBRATION)), [0x05, 0xff, 0xff]);
    assert_eq!(
        plain(Operation::SetLevel(Level::Hypo, DeviceNumber::Number { mantissa: 70, exponent: 0 })),
        [0x0d, 70, 0]
    );
    assert_eq!(plain(Operation::GetLevel(Level::RateOfIncrease)), [0x17]);
    assert_eq!(plain(Operation::ResetDeviceAlert), [0x19]);
}

fn any_level() -> impl Strategy<Value = Level> {
    (0..LEVELS.len()).prop_map(|index| LEVELS[index].0)
}

fn any_calibration() -> impl Strategy<Value = Calibration> {
    any::<(u16, u16, u8, u16, u16, u8)>().prop_map(|(glucose, time, place, next, record, status)| Calibration {
        glucose: sfloat(glucose),
        time_offset_min: time,
        specimen: place & 0x0f,
        location: place >> 4,
        next_offset_min: next,
        record,
        status: CalibrationStatus(status),
    })
}

fn any_operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        any::<u8>().prop_map(Operation::SetInterval),
        Just(Operation::GetInterval),
        any::<u8>().prop_map(Operation::Interval),
        any_calibration().prop_map(Operation::SetCalibration),
        any::<u16>().prop_map(Operation::GetCalibration),
        any_calibration().prop_map(Operation::Calibration),
        (any_level(), any::<u16>()).prop_map(|(level, word)| Operation::SetLevel(level, sfloat(word))),
        any_level().prop_map(Operation::GetLevel),
        (any_level(), any::<u16>()).prop_map(|(level, word)| Operation::Level(level, sfloat(word))),
        Just(Operation::ResetDeviceAlert),
        Just(Operation::StartSession),
        Just(Operation::StopSession),
        any::<(u8, u8)>().prop_map(|(request, code)| Operation::Answer { request, code }),
    ]
}

proptest! {
    #[test]
    fn what_is_encoded_decodes_to_the_same(operation in any_operation(), has_crc: bool) {
        let e2e_crc = if has_crc { E2eCrc::Verified } else { E2eCrc::Absent };
        let control = ControlPoint { operation, e2e_crc };
        prop_assert_eq!(decode(&encode(&control).unwrap()), Ok(control));
    }
}
