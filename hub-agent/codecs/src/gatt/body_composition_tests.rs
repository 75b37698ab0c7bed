//! The public 2A9C rows, two frames of one measurement, another maker's layout, then properties.

use super::*;
use crate::Shown;
use proptest::prelude::*;

fn read(hex: &str) -> BodyComposition {
    decode(&vitals::hex::decode(hex).unwrap()).unwrap()
}

/// Rows 75 to 77 of tests/vectors/devices.jsonl and one with every field, as the named values that are not absent.
#[test]
fn every_row_says_what_its_source_says() {
    let decimal = |text: &str| Shown::Decimal(text.to_owned());
    for (hex, expected) in [
        ("00003200", vec![("body_fat_pct", decimal("5.0"))]),
        (
            "0c007800054006",
            vec![
                ("body_fat_pct", decimal("12.0")),
                ("user_index", Shown::Whole(5)),
                ("basal_metabolism_kj", Shown::Whole(1600)),
            ],
        ),
        (
            "c0015000e02e1027401f",
            vec![
                ("body_fat_pct", decimal("8.0")),
                ("fat_free_mass", decimal("60.000")),
                ("soft_lean_mass", decimal("50.000")),
                ("body_water_mass", decimal("40.000")),
            ],
        ),
        // Ours: every field, in pounds and inches, reserved flags set.
        (
            "ffefc800e7070c190e1e2d02401f9001e803e903ea03eb03ec13ed03b102",
            vec![
                ("body_fat_pct", decimal("20.0")),
                ("time", Shown::Text("2023-12-25T14:30:45".into())),
                ("user_index", Shown::Whole(2)),
                ("basal_metabolism_kj", Shown::Whole(8000)),
                ("muscle_pct", decimal("40.0")),
                ("muscle_mass", decimal("10.00")),
                ("fat_free_mass", decimal("10.01")),
                ("soft_lean_mass", decimal("10.02")),
                ("body_water_mass", decimal("10.03")),
                ("impedance_ohm", decimal("510.0")),
                ("weight", decimal("10.05")),
                ("height", decimal("68.9")),
            ],
        ),
    ] {
        let measurement = read(hex);
        let shown = measurement.shown();
        let ours = ["unit", "is_successful", "is_one_of_two_frames"];
        let present: Vec<_> = shown
            .iter()
            .filter(|(name, value)| **value != Shown::Absent && !ours.contains(name))
            .map(|(name, value)| (name, value.clone()))
            .collect();
        assert_eq!(present, expected, "{hex}");
        assert!(!measurement.is_one_of_two_frames, "{hex}");
    }
}

#[test]
fn an_unsuccessful_measurement_has_no_number() {
    let failed = read("0000ffff");
    assert_eq!(failed.fat_percent(), Err(NoValue::MeasurementFailed));
    assert_eq!(failed.shown().get("body_fat_pct"), Some(&Shown::Absent));
    assert_eq!(failed.shown().get("is_successful"), Some(&Shown::Flag(false)));
    assert_eq!(read("00043200ffff").weight(), Err(NoValue::MeasurementFailed));
    assert_eq!(read("00043200b036").weight().unwrap().unwrap().to_string(), "70.000 kg");
}

/// Row 78, a capture of Xiaomi's scale; the same without a year, whose fat share would be possible: at rest, and with
/// the impedance; then nothing but a share above 100 %.
#[test]
fn another_makers_layout_is_never_read_as_the_standard() {
    for hex in ["0204e307011d1135010000282d", "02040000011d1135010000282d", "02260000011d113501f701282d", "0000e903"] {
        assert_eq!(decode(&vitals::hex::decode(hex).unwrap()), Err(DecodeError::MakersOwnLayout), "{hex}");
    }
    assert_eq!(read("0000e803").fat_percent().unwrap().to_string(), "100.0");
}

/// Found by reading the code: with a clock that was never set, its frame read as a standard weighing without fat, and every
/// wobble became a weight. Whatever such a clock shows, it stays the maker's; a standard scale with a person in socks does
/// not become one.
#[test]
fn another_maker_with_an_unset_clock_is_told_from_a_person_in_socks() {
    let decoded = |hex: &str| decode(&vitals::hex::decode(&hex.replace(' ', "")).unwrap());
    for hex in [
        "0204 0000000005 0607 0000 d02a",
        "0204 00000000000000 0000 d02a",
        "0204 0000010100 0003 0000 d02a",
        "0204 00000c1f17 3b3b 0000 d02a",
        "0226 0000000005 0607 f701 d02a",
    ] {
        assert_eq!(decoded(hex), Err(DecodeError::MakersOwnLayout), "{hex}");
    }
    let socks = decoded("0204 0000 ea070601080000 d02a").unwrap();
    assert_eq!(socks.weight().unwrap().unwrap().to_string(), "54.800 kg");
    assert!(decoded("0204 c800 00000601080000 d02a").is_ok(), "fat, and a clock that was never set");
    // No month and no day of theirs is a year of ours.
    for (month, day) in (0..=12).flat_map(|month| (0..=31).map(move |day| (month, day))) {
        let mut frame = vitals::hex::decode("02040000000005060700 00d02a".replace(' ', "").as_str()).unwrap();
        (frame[4], frame[5]) = (month, day);
        assert_eq!(decode(&frame), Err(DecodeError::MakersOwnLayout), "{month} {day}");
    }
}

#[test]
fn the_second_of_two_frames_is_known_by_what_it_lacks() {
    for (hex, is_second) in [
        ("0014c800b036", true),
        ("0010c800", true),
        ("0004c800b036", false),
        ("0e10c800e7070c190e1e2d02401f", false),
        ("0410c80002", false),
        ("0210c800e7070c190e1e2d", false),
    ] {
        assert_eq!(read(hex).is_second_of_two_frames(), is_second, "{hex}");
    }
}

#[test]
fn two_frames_make_one_measurement() {
    let first = read("0e10c800e7070c190e1e2d02401f");
    let second = read("0014c800b036");
    let whole = joined(&first, &second).unwrap();
    assert!(!whole.is_one_of_two_frames);
    assert_eq!((whole.user_index, whole.basal_metabolism_kj, whole.weight_steps), (Some(2), Some(8000), Some(14_000)));
    assert_eq!(whole.taken_at, first.taken_at);
    for (first, second, why) in [
        (read("0e00c800e7070c190e1e2d02401f"), second, "the first says that it is whole"),
        (first, read("0004c800b036"), "the second says that it is whole"),
        (first, read("0014c900b036"), "another body fat"),
        (first, read("0114c800b036"), "other units"),
        (first, read("0414c80002b036"), "a second user"),
        (first, read("0810c800401f"), "a field twice"),
    ] {
        assert_eq!(joined(&first, &second), None, "{why}");
    }
}

#[test]
fn features_are_named() {
    let feature = decode_feature(&[0x01, 0xbe, 0x01, 0]).unwrap();
    assert_eq!(feature.names(), ["timestamp", "weight", "height"]);
    assert_eq!(feature.shown().get("mass_resolution"), Some(&Shown::Text("0.005 kg or 0.01 lb".into())));
    assert_eq!(feature.shown().get("height_resolution"), Some(&Shown::Text("0.001 m or 0.1 in".into())));
    assert!(decode_feature(&[0; 3]).is_err() && decode_feature(&[0; 5]).is_err());
}

proptest! {
    #[test]
    fn what_is_encoded_decodes_to_the_same(
        is_imperial: bool,
        // Not nought: with an unlikely year and thirteen bytes that is another maker's.
        fat_tenths in prop_oneof![1_u16..=1000, Just(NOT_SUCCESSFUL)],
        time in proptest::option::of(any::<[u8; 7]>()),
        user_index: Option<u8>,
        words: [Option<u16>; 9],
        is_one_of_two_frames: bool,
    ) {
        let [basal, muscle, muscle_mass, fat_free, soft_lean, water, impedance, weight, height] = words;
        let measurement = BodyComposition {
            units: Units::from_flag(is_imperial),
            fat_tenths,
            taken_at: time.map_or(DeviceTimeField::Absent, DeviceTimeField::from_bytes),
            user_index,
            basal_metabolism_kj: basal,
            muscle_tenths: muscle,
            muscle_mass_steps: muscle_mass,
            fat_free_mass_steps: fat_free,
            soft_lean_mass_steps: soft_lean,
            body_water_mass_steps: water,
            impedance_tenths: impedance,
            weight_steps: weight,
            height_steps: height,
            is_one_of_two_frames,
        };
        prop_assert_eq!(decode(&encode(&measurement).unwrap()), Ok(measurement));
    }
}
