//! The public 2AA7 rows, several records in one notification, what is a person's value, then properties.

use super::*;
use proptest::prelude::*;
use vitals::float11073::sfloat;

fn bytes(hex: &str) -> Vec<u8> {
    vitals::hex::decode(hex).unwrap()
}

/// Record, glucose, minutes, status, calibration and temperature, warning, trend, quality.
type Row =
    (&'static str, &'static str, u16, Option<u8>, Option<u8>, Option<u8>, Option<&'static str>, Option<&'static str>);

/// Rows 37 and 39 to 42 of tests/vectors/devices.jsonl.
const ROWS: [Row; 5] = [
    ("06000c100600", "120", 6, None, None, None, None, None),
    ("07808d000a0003", "141", 10, Some(3), None, None, None, None),
    ("08608f0014000805", "143", 20, None, Some(8), Some(5), None, None),
    ("080191001e000900", "145", 30, None, None, None, Some("9"), None),
    ("0de3930028000308050a005f00", "147", 40, Some(3), Some(8), Some(5), Some("10"), Some("95")),
];

#[test]
fn every_row_says_what_its_source_says() {
    for (hex, glucose, minutes, status, calibration, warning, trend, quality) in ROWS {
        let record = decode(&bytes(hex)).unwrap();
        assert_eq!((record.glucose.to_string().as_str(), record.time_offset_min), (glucose, minutes), "{hex}");
        assert_eq!((record.status, record.calibration_temperature, record.warning), (status, calibration, warning));
        assert_eq!(record.trend.map(|trend| trend.to_string()).as_deref(), trend, "{hex}");
        assert_eq!(record.quality_percent.map(|quality| quality.to_string()).as_deref(), quality, "{hex}");
        assert_eq!(record.e2e_crc, E2eCrc::Absent, "{hex}");
    }
    let names = decode(&bytes(ROWS[4].0)).unwrap().annunciation().names();
    assert_eq!(names, ["session_stopped", "battery_low", "calibration_required", "below_patient_low", "below_hypo"]);
}

/// Row 38: the CRC is of other bytes. Its own would be 28505.
#[test]
fn a_wrong_crc_says_what_the_bytes_give() {
    let error = DecodeError::ChecksumWrong { computed: 28505, sent: 0x6f58 };
    assert_eq!(decode(&bytes("08000c100600586f")), Err(error));
    assert_eq!(shown_notification(&bytes("08000c100600586f")), Err(error));
    assert_eq!(decode(&bytes("08000c100600596f")).unwrap().e2e_crc, E2eCrc::Verified);
}

#[test]
fn a_size_that_is_not_that_of_the_flags_is_malformed() {
    let malformed = Err(DecodeError::Malformed { field: "the record's size" });
    // One byte too many, three too many, and a status that the size has no room for.
    for hex in ["07000c10060000", "09000c100600000000", "06800c100600", "05000c1006", "00"] {
        let read = decode(&bytes(hex));
        assert!(read == malformed || read == Err(DecodeError::TooLong { left_bytes: 1 }), "{hex}: {read:?}");
    }
    assert_eq!(decode(&bytes("06000c1006")), Err(DecodeError::Truncated { field: "the record" }));
    assert_eq!(decode(&bytes("06000c10060000")), Err(DecodeError::TooLong { left_bytes: 1 }));
}

#[test]
fn a_notification_is_split_at_its_sizes_and_never_past_its_end() {
    let all: Vec<u8> = ROWS.iter().flat_map(|(hex, ..)| bytes(hex)).collect();
    let split: Vec<_> = records(&all).map(|record| record.unwrap().to_vec()).collect();
    assert_eq!(split, ROWS.map(|(hex, ..)| bytes(hex)));
    assert_eq!(records(&[]).count(), 0);
    assert_eq!(shown_notification(&[]), Err(DecodeError::Truncated { field: "the record" }));
    let size = DecodeError::Malformed { field: "the record's size" };
    assert_eq!(records(&[0x00, 0x06]).collect::<Vec<_>>(), [Err(size)], "a size of nought ends it");
    // The good record before a cut one is still there.
    let cut: Vec<_> = records(&all[..10]).collect();
    assert_eq!(cut, [Ok(&all[..6]), Err(DecodeError::Truncated { field: "the record" })]);
}

#[test]
fn what_the_sensor_says_of_itself_decides_whether_there_is_a_value() {
    let judged = |annunciation: u32| {
        let [status, calibration, warning, _] = annunciation.to_le_bytes();
        let record = CgmRecord {
            status: Some(status),
            calibration_temperature: Some(calibration),
            warning: Some(warning),
            ..decode(&bytes("06000c100600")).unwrap()
        };
        record.patient_value().map(|value| value.to_string())
    };
    for (bits, reason) in [
        ([2, 3, 5].as_slice(), NoValue::SensorProblem),
        (&[0, 11, 12, 13], NoValue::MeasurementInvalid),
        (&[22], NoValue::NegativeInfinity),
        (&[23], NoValue::PositiveInfinity),
    ] {
        for bit in bits {
            assert_eq!(judged(1 << bit), Err(reason), "bit {bit}");
        }
    }
    for bit in [1, 4, 6, 7, 8, 9, 10, 14, 15, 16, 17, 18, 19, 20, 21] {
        assert_eq!(judged(1 << bit), Ok("120 mg/dL".into()), "bit {bit}: the value stands, whatever its alarms");
    }
    assert_eq!(decode(&bytes("0600ff070600")).unwrap().patient_value(), Err(NoValue::NotANumber));
}

/// Found by reading the code: a sensor that was below what it can process and wanted calibrating said only "invalid", which
/// wakes nobody. Too low or too high is the news; a faulty sensor alone comes before it.
#[test]
fn too_low_or_too_high_to_process_is_told_whatever_else_the_sensor_says() {
    let below = bytes("0860020864000840");
    assert_eq!(decode(&below).unwrap().patient_value(), Err(NoValue::NegativeInfinity), "and calibration required");
    let (below, above, number) = (sfloat(0x0802), sfloat(0x07fe), sfloat(100));
    for (glucose, bits, reason, is_doubtful) in [
        (below, [11, 22].as_slice(), NoValue::NegativeInfinity, true),
        (below, &[11], NoValue::NegativeInfinity, true),
        (number, &[22], NoValue::NegativeInfinity, false),
        (number, &[0, 22], NoValue::NegativeInfinity, true),
        (above, &[12], NoValue::PositiveInfinity, true),
        (number, &[13, 23], NoValue::PositiveInfinity, true),
        (below, &[3, 22], NoValue::SensorProblem, false),
        (number, &[11], NoValue::MeasurementInvalid, false),
    ] {
        let octets = bits.iter().fold(0_u32, |octets, bit| octets | 1 << bit);
        let [status, calibration, warning, _] = octets.to_le_bytes();
        let record = CgmRecord {
            glucose,
            status: Some(status),
            calibration_temperature: Some(calibration),
            warning: Some(warning),
            ..decode(&bytes("06000c100600")).unwrap()
        };
        assert_eq!((record.patient_value(), record.is_doubtful()), (Err(reason), is_doubtful), "{glucose} {bits:?}");
    }
}

proptest! {
    #[test]
    fn what_is_encoded_decodes_to_the_same(
        glucose: u16, time_offset_min: u16, octets: [Option<u8>; 3], trend: Option<u16>, quality: Option<u16>,
        has_crc: bool,
    ) {
        let [status, calibration_temperature, warning] = octets;
        let record = CgmRecord {
            glucose: sfloat(glucose),
            time_offset_min,
            status,
            calibration_temperature,
            warning,
            trend: trend.map(sfloat),
            quality_percent: quality.map(sfloat),
            e2e_crc: if has_crc { E2eCrc::Verified } else { E2eCrc::Absent },
        };
        let frame = encode(&record).unwrap();
        prop_assert_eq!(decode(&frame), Ok(record));
        let twice = [frame.clone(), frame.clone()].concat();
        prop_assert_eq!(records(&twice).collect::<Vec<_>>(), [Ok(frame.as_slice()), Ok(frame.as_slice())]);
    }

    /// Whatever the bytes: the records are in order, do not overlap and do not pass the end.
    #[test]
    fn any_bytes_are_split_into_parts_of_themselves(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
        let good: Vec<u8> = records(&bytes).filter_map(Result::ok).flatten().copied().collect();
        prop_assert_eq!(&bytes[..good.len()], good.as_slice());
    }
}
