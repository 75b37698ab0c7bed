//! The public 2A9D and 2A9E rows, imperial and failed weighings of our own, then properties over any weighing.

use super::*;
use crate::Shown;
use proptest::prelude::*;

/// Frame, weight, time, user, body mass index, height: rows 69 to 71 of tests/vectors/devices.jsonl, then ours.
type Row =
    (&'static str, Option<&'static str>, Option<&'static str>, Option<u8>, Option<&'static str>, Option<&'static str>);

const ROWS: [Row; 6] = [
    ("00b036", Some("70.000 kg"), None, None, None, None),
    ("02b036e7070c190e1e2d", Some("70.000 kg"), Some("2023-12-25T14:30:45"), None, None, None),
    ("08b036f500d606", Some("70.000 kg"), None, None, Some("24.5"), Some("1.750")),
    // Ours: pounds and inches, user unknown, reserved flags set.
    ("fd423cfff500b102", Some("154.26 [lb_av]"), None, Some(255), Some("24.5"), Some("68.9")),
    // Ours: not successful, with the two fields that a failed weighing may have.
    ("06ffffe7070c190e1e2d02", None, Some("2023-12-25T14:30:45"), Some(2), None, None),
    // Ours: the largest weight there is.
    ("00feff", Some("327.670 kg"), None, None, None, None),
];

#[test]
fn every_row_says_what_its_source_says() {
    for (hex, weight, time, user_index, bmi, height) in ROWS {
        let weighing = decode(&vitals::hex::decode(hex).unwrap()).unwrap();
        assert_eq!(weighing.patient_value().ok().map(|value| value.to_string()).as_deref(), weight, "{hex}");
        assert_eq!(weighing.taken_at.stated().map(|time| time.to_string()).as_deref(), time, "{hex}");
        assert_eq!(weighing.user_index, user_index, "{hex}");
        assert_eq!(weighing.bmi().map(|bmi| bmi.to_string()).as_deref(), bmi, "{hex}");
        assert_eq!(weighing.height().map(|height| height.to_string()).as_deref(), height, "{hex}");
    }
    let failed = decode(&[0x00, 0xff, 0xff]).unwrap();
    assert_eq!(failed.patient_value(), Err(NoValue::MeasurementFailed));
    assert_eq!(failed.shown().get("weight"), Some(&Shown::Absent));
    assert_eq!(failed.shown().get("is_successful"), Some(&Shown::Flag(false)));
}

/// Row 72, then a scale that states both resolutions.
#[test]
fn features_are_named() {
    let feature = decode_feature(&[0x07, 0, 0, 0]).unwrap().shown();
    for name in ["timestamp", "multiple_users", "bmi"] {
        assert_eq!(feature.get(name), Some(&Shown::Flag(true)), "{name}");
    }
    assert_eq!(feature.get("mass_resolution"), Some(&Shown::Absent));
    let feature = decode_feature(&[0xb8, 0x01, 0, 0]).unwrap().shown();
    assert_eq!(feature.get("mass_resolution"), Some(&Shown::Text("0.005 kg or 0.01 lb".into())));
    assert_eq!(feature.get("height_resolution"), Some(&Shown::Text("0.001 m or 0.1 in".into())));
    assert!(decode_feature(&[0; 3]).is_err() && decode_feature(&[0; 5]).is_err());
}

proptest! {
    #[test]
    fn what_is_encoded_decodes_to_the_same(
        is_imperial: bool, weight_steps: u16, time in proptest::option::of(any::<[u8; 7]>()),
        user_index: Option<u8>, pair: Option<(u16, u16)>,
    ) {
        let weighing = WeightMeasurement {
            units: Units::from_flag(is_imperial),
            weight_steps,
            taken_at: time.map_or(DeviceTimeField::Absent, DeviceTimeField::from_bytes),
            user_index,
            bmi_height: pair.map(|(bmi_tenths, height_steps)| BmiHeight { bmi_tenths, height_steps }),
        };
        prop_assert_eq!(decode(&encode(&weighing).unwrap()), Ok(weighing));
    }
}
