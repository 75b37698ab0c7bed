//! The public rows of 2AA8 to 2AAB, then properties over any value.

use super::*;
use crate::Shown;
use proptest::prelude::*;

fn bytes(hex: &str) -> Vec<u8> {
    vitals::hex::decode(hex).unwrap()
}

/// Rows 43 and 44 of tests/vectors/devices.jsonl, then a sensor with CRC support.
#[test]
fn features_say_what_their_source_says() {
    let feature = decode_feature(&bytes("6e8e0116ffff")).unwrap();
    assert_eq!((feature.features.0, feature.specimen, feature.location), (101_998, 6, 1));
    assert_eq!(feature.shown().get("e2e_crc"), Some(&Shown::Text("absent".into())));
    assert_eq!(decode_feature(&bytes("6e9e0116")), Err(DecodeError::Truncated { field: "the CRC" }));
    let protected = CgmFeature { features: CgmFeatureBits(1 << 12), e2e_crc: E2eCrc::Verified, ..feature };
    let mut value = encode_feature(&protected);
    assert_eq!(decode_feature(&value), Ok(protected));
    value[5] ^= 1;
    assert!(matches!(decode_feature(&value), Err(DecodeError::ChecksumWrong { .. })));
}

/// Rows 45 and 46.
#[test]
fn status_says_what_its_source_says() {
    for (hex, minutes, octets) in [("0600010101", 6, [1, 1, 1]), ("0a00000800", 10, [0, 8, 0])] {
        let status = decode_status(&bytes(hex)).unwrap();
        assert_eq!(status.time_offset_min, minutes, "{hex}");
        let shown = ["status", "cal_temp", "warning"].map(|name| status.shown().get(name).cloned());
        assert_eq!(shown, octets.map(|octet| Some(Shown::Whole(octet))), "{hex}");
        assert_eq!(status.e2e_crc, E2eCrc::Absent, "{hex}");
    }
}

/// Row 47: the zone is in quarters of an hour, though the source's own test reads minutes.
#[test]
fn the_session_start_says_what_its_source_says() {
    let start = decode_session_start(&bytes("000004180d08180802")).unwrap();
    assert_eq!(start.local.stated().unwrap().to_string(), "????-04-24T13:08:24");
    assert_eq!((start.time_zone_quarter_hours, start.dst_offset, start.e2e_crc), (8, 2, E2eCrc::Absent));
}

/// The sensor's own zone counts only where it is wholly told: a quarter without its summer time is an hour wrong.
#[test]
fn a_session_counts_from_its_begin_in_its_own_zone_where_that_is_known() {
    for (hex, counts_from) in [
        ("ea070601080000 00 04", Some("2026-06-01T08:00:00+01:00")),
        ("ea070601080000 04 00", Some("2026-06-01T08:00:00+01:00")),
        ("ea070601080000 da 00", Some("2026-06-01T08:00:00-09:30")),
        ("ea070601080000 16 02", Some("2026-06-01T08:00:00+06:00")),
        ("ea070601080000 30 08", Some("2026-06-01T08:00:00+14:00")),
        ("ea070601080000 80 04", Some("2026-06-01T08:00:00")),
        ("ea070601080000 00 ff", Some("2026-06-01T08:00:00")),
        ("ea070601080000 80 ff", Some("2026-06-01T08:00:00")),
        ("ea070601080000 39 00", Some("2026-06-01T08:00:00")),
        ("ea070601080000 00 01", Some("2026-06-01T08:00:00")),
        ("0000060108000000 00", None),
        ("ea0702 1e 080000 00 00", None),
    ] {
        let start = decode_session_start(&bytes(&hex.replace(' ', ""))).unwrap();
        assert_eq!(start.counts_from().map(|from| from.to_string()).as_deref(), counts_from, "{hex}");
    }
}

/// Rows 48 to 50.
#[test]
fn the_run_time_says_what_its_source_says() {
    assert_eq!(decode_run_time(&bytes("020008c3")), Ok(SessionRunTime { hours: 2, e2e_crc: E2eCrc::Verified }));
    let error = DecodeError::ChecksumWrong { computed: 0xc308, sent: 0xc309 };
    assert_eq!(decode_run_time(&bytes("020009c3")), Err(error));
    assert_eq!(decode_run_time(&bytes("a800")), Ok(SessionRunTime { hours: 168, e2e_crc: E2eCrc::Absent }));
    assert_eq!(decode_run_time(&bytes("a80000")), Err(DecodeError::Truncated { field: "the CRC" }));
}

proptest! {
    #[test]
    fn what_is_encoded_decodes_to_the_same(
        features in 0_u32..1 << 24, specimen in 0_u8..16, location in 0_u8..16,
        minutes: u16, annunciation in 0_u32..1 << 24,
        time: [u8; 7], time_zone_quarter_hours: i8, dst_offset: u8, hours: u16, has_crc: bool,
    ) {
        let e2e_crc = if has_crc { E2eCrc::Verified } else { E2eCrc::Absent };
        // What a sensor says it supports is what it does.
        let features = CgmFeatureBits(if has_crc { features | 1 << 12 } else { features & !(1 << 12) });
        let feature = CgmFeature { features, specimen, location, e2e_crc };
        prop_assert_eq!(decode_feature(&encode_feature(&feature)), Ok(feature));
        let status = CgmStatus { time_offset_min: minutes, annunciation: Annunciation(annunciation), e2e_crc };
        prop_assert_eq!(decode_status(&encode_status(&status)), Ok(status));
        let local = DeviceTimeField::from_bytes(time);
        let start = SessionStart { local, time_zone_quarter_hours, dst_offset, e2e_crc };
        prop_assert_eq!(decode_session_start(&encode_session_start(&start)), Ok(start));
        let run_time = SessionRunTime { hours, e2e_crc };
        prop_assert_eq!(decode_run_time(&encode_run_time(&run_time)), Ok(run_time));
    }
}
