//! The public 2A52 rows, every command we write, then properties over any command.

use super::*;
use proptest::prelude::*;

/// Rows 31 to 36 of tests/vectors/devices.jsonl, then ours.
#[test]
fn every_answer_says_what_its_source_says() {
    for (hex, expected) in [
        ("06000101", Ok(Answer::Done { request: 1, code: 1 })),
        ("06000c02", Ok(Answer::Done { request: 12, code: 2 })),
        ("06000307", Ok(Answer::Done { request: 3, code: 7 })),
        ("050001", Ok(Answer::Count(1))),
        ("050004030201", Ok(Answer::Count(16_909_060))),
        ("0101", Err(DecodeError::Truncated { field: "the operand" })),
        ("05000201", Ok(Answer::Count(258))),
        ("0500020304", Err(DecodeError::Truncated { field: "the count" })),
        ("05000102030405", Err(DecodeError::TooLong { left_bytes: 1 })),
        ("06010101", Err(DecodeError::Malformed { field: "the operator" })),
        ("01030102", Err(DecodeError::Malformed { field: "the op code" })),
    ] {
        assert_eq!(decode(&vitals::hex::decode(hex).unwrap()), expected, "{hex}");
    }
    assert_eq!(
        (code_name(6), code_name(7), code_name(10)),
        (Some("no_records_found"), Some("abort_unsuccessful"), None)
    );
}

#[test]
fn every_command_we_write_has_its_bytes() {
    let number = Filter::Number(0x0102);
    for (command, bytes) in [
        (Command::Report(Records::All), vec![1, 1]),
        (Command::Report(Records::From(number)), vec![1, 3, 1, 2, 1]),
        (Command::Report(Records::Last), vec![1, 6]),
        (Command::Count(Records::All), vec![4, 1]),
        (Command::Count(Records::From(number)), vec![4, 3, 1, 2, 1]),
        (Command::Abort, vec![3, 0]),
        (Command::Report(Records::Between(0x0102, 7)), vec![1, 4, 1, 2, 1, 7, 0]),
        (
            Command::Report(Records::From(Filter::at(DeviceTime::new(2026, 6, 1, 8, 2, 10).unwrap()))),
            vec![1, 3, 2, 0xea, 0x07, 6, 1, 8, 2, 10],
        ),
    ] {
        assert_eq!(encode(command), bytes);
        assert_eq!(decode_command(&bytes), Ok(command));
        for length in 0..bytes.len() {
            assert!(
                matches!(decode_command(&bytes[..length]), Err(DecodeError::Truncated { .. })),
                "{command:?} cut to {length}"
            );
        }
    }
    assert_eq!(decode_command(&[3, 1]), Err(DecodeError::Malformed { field: "the operator" }));
    assert_eq!(decode_command(&[1, 3, 9, 0, 0]), Err(DecodeError::Malformed { field: "the filter type" }));
}

fn any_records() -> impl Strategy<Value = Records> {
    let filter = prop_oneof![any::<u16>().prop_map(Filter::Number), any::<[u8; 7]>().prop_map(Filter::Time)];
    prop_oneof![
        Just(Records::All),
        filter.clone().prop_map(Records::UpTo),
        filter.prop_map(Records::From),
        any::<(u16, u16)>().prop_map(|(from, to)| Records::Between(from, to)),
        any::<([u8; 7], [u8; 7])>().prop_map(|(from, to)| Records::BetweenTimes(from, to)),
        Just(Records::First),
        Just(Records::Last),
    ]
}

proptest! {
    #[test]
    fn what_is_encoded_decodes_to_the_same(records in any_records(), op in 0..3, count: u32, request: u8, code: u8) {
        let command = match op {
            0 => Command::Report(records),
            1 => Command::Count(records),
            _ => Command::Delete(records),
        };
        prop_assert_eq!(decode_command(&encode(command)), Ok(command));
        for answer in [Answer::Count(count), Answer::Done { request, code }] {
            prop_assert_eq!(decode(&encode_answer(answer)), Ok(answer));
        }
    }
}
