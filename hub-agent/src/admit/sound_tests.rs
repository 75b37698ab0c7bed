//! What a device sends beside a value never costs the value, and nought never stands for "not told".
//!
//! Found by reading the code: 210/120 with a pulse of nought was refused whole, and nobody was told; so was a saturation of
//! 80 with a pulse amplitude of 200, and a weight with a body mass index of 0.1. A weight inside a body composition was seen
//! by no rule for weight.

use super::{
    kinds_tests::{check, made, said},
    *,
};
use device_codecs::FrameKind as F;
use vitals::measure::Kind;

#[test]
fn a_value_stands_without_what_came_beside_it() {
    let left_out = [Flag::PartImplausible];
    for (kind, hex, expected, flags) in [
        // A pulse of nought, a mean of nought: the cuff did not tell them.
        (F::BloodPressure, "04 d200 7800 ff07 0000", "systolic 210 mm[Hg], diastolic 120 mm[Hg]", &[][..]),
        (F::BloodPressure, "00 d200 7800 0000", "systolic 210 mm[Hg], diastolic 120 mm[Hg]", &[]),
        // A pulse of 5 and a mean of 400: numbers, and nobody's.
        (F::BloodPressure, "04 d200 7800 ff07 0500", "systolic 210 mm[Hg], diastolic 120 mm[Hg]", &left_out),
        (F::BloodPressure, "00 d200 7800 9001", "systolic 210 mm[Hg], diastolic 120 mm[Hg]", &left_out),
        (F::SpotOximetry, "00 5000 0000", "spo2 80 %", &[]),
        (F::SpotOximetry, "08 5000 4800 0000", "spo2 80 %, oximeter_pulse 72 /min", &[]),
        (F::SpotOximetry, "08 5000 4800 c800", "spo2 80 %, oximeter_pulse 72 /min", &left_out),
        (F::ContinuousOximetry, "00 5000 0000", "spo2 80 %", &[]),
        (F::Weight, "08 d02a 0000 7206", "weight 54.800 kg, scale_height 165.0 cm", &[]),
        (F::Weight, "08 d02a 0100 7206", "weight 54.800 kg, scale_height 165.0 cm", &left_out),
        (F::Weight, "08 d02a c900 0100", "weight 54.800 kg, scale_bmi 20.1 kg/m2", &left_out),
        (F::BodyComposition, "0008 0000 0000", "measurement_failed", &[]),
        (F::BodyComposition, "0002 c800 0000", "body_fat 20.0 %", &[]),
        (F::BodyComposition, "0002 c800 0100", "body_fat 20.0 %", &left_out),
        (F::OmronRecord, "b978001a331ade1800004c00ba00", "systolic 210 mm[Hg], diastolic 120 mm[Hg]", &[]),
    ] {
        check(kind, hex, expected, flags);
    }
    // A Masimo that has no perfusion sends nought.
    let line = vitals::hex::encode(b"02/22/16 22:47:45 SPO2=080% BPM=000 PI=00.00%\r\n");
    check(F::MasimoAscii1, &line, "spo2 80 %", &[]);
}

/// 120/0 and 0/0, whatever cuff sends it. Pressures the wrong way round go on: the service asks for another reading and
/// tells staff (0013), which a failed measurement would not.
#[test]
fn a_lower_pressure_of_nought_is_a_failed_measurement() {
    for (kind, hex) in [
        (F::BloodPressure, "00 7800 0000 ff07"),
        (F::BloodPressure, "00 0000 0000 ff07"),
        (F::OmronRecord, "5f00541a331ade1800004c00ba00"),
    ] {
        check(kind, hex, "measurement_failed", &[]);
    }
    check(F::BloodPressure, "00 7800 7700 ff07", "systolic 120 mm[Hg], diastolic 119 mm[Hg]", &[]);
    check(F::BloodPressure, "00 5000 7800 ff07", "systolic 80 mm[Hg], diastolic 120 mm[Hg]", &[]);
}

#[test]
fn nought_is_never_a_number_where_nobody_can_have_it() {
    for (kind, hex) in [
        (F::SpotOximetry, "00 0000 4800"),
        (F::ContinuousOximetry, "00 0000 4800"),
        (F::Weight, "00 0000"),
        (F::Temperature, "00 000000 ff"),
        // 0 degrees Fahrenheit, and 32, which is none in Celsius.
        (F::Temperature, "01 000000 00"),
        (F::Temperature, "01 400100 ff"),
        (F::Glucose, "02 0100 ea070601080000 00d0 11"),
        (F::Cgm, "06 00 0000 0600"),
        (F::AdvertisedWeight, "22 0000 e607020e10293a"),
        (F::AdvertisedBodyComposition, "0226 e607020e10293a f701 0000"),
        (F::BodyComposition, "0004 0000 0000"),
        (F::HeartRate, "00 00"),
    ] {
        check(kind, hex, "measurement_invalid", &[]);
    }
    check(F::HeartRate, "08 4b 0000", "heart_rate 75 /min, energy_expended 0 kJ", &[]);
}

/// A weight is one to the rules, whatever else the scale worked out; the rest stays in the bytes.
#[test]
fn a_composition_with_a_weight_is_a_weight() {
    for (hex, expected, kind) in [
        // In socks: no fat, and a weight.
        ("0004 0000 d02a", "weight 54.800 kg", Kind::Weight),
        ("000c c800 d02a 7206", "weight 54.800 kg, scale_height 165.0 cm", Kind::Weight),
        // 109.60 lb.
        ("0104 c800 d02a", "weight 49.714 kg", Kind::Weight),
        ("0002 c800 0a14", "body_fat 20.0 %, impedance 513.0 Ohm", Kind::BodyComposition),
        // The weighing failed: what stood beside it was measured, or nothing was.
        ("0004 c800 ffff", "body_fat 20.0 %", Kind::BodyComposition),
        ("0004 ffff ffff", "measurement_failed", Kind::Weight),
        ("0000 ffff", "measurement_failed", Kind::BodyComposition),
    ] {
        let reading = made(F::BodyComposition, hex, None);
        assert_eq!((said(&reading).as_str(), reading.kind), (expected, kind), "{hex}");
    }
}

/// Of two frames the second says neither whose nor when. It never becomes a second reading of a person or of now.
#[test]
fn the_second_of_two_frames_is_nobodys_until_somebody_says() {
    let first = made(F::BodyComposition, "0e14 c800 ea070601080000 02 401f d02a", None);
    assert_eq!((said(&first).as_str(), first.user_index), ("weight 54.800 kg", Some(2)));
    assert!(matches!(first.who, Who::Patient(_)) && !first.quality.has(Flag::UndatedFromMemory));
    let without = made(F::BodyComposition, "0e10 c800 ea070601080000 02 401f", None);
    assert_eq!(said(&without), "body_fat 20.0 %, basal_metabolism 8000 kJ");

    for (hex, expected) in [("0014 c800 d02a", "weight 54.800 kg"), ("0012 c800 0a14", "characteristic_not_supported")]
    {
        let second = made(F::BodyComposition, hex, None);
        assert_eq!(said(&second), expected, "{hex}");
        assert_eq!(second.who, Who::Unassigned(WhyUnassigned::UserUnknown), "{hex}");
        assert!(second.quality.has(Flag::UndatedFromMemory) && second.user_index.is_none(), "{hex}");
    }
}

/// A scale of another layout whose clock was never set: its wobbles are no weights.
#[test]
fn an_unstable_weight_of_another_layout_is_not_read_as_the_standard() {
    let reading = made(F::BodyComposition, "0204 0000000005 0607 0000 d02a", None);
    assert_eq!(said(&reading), "characteristic_not_supported");
    let settled = made(F::AdvertisedBodyComposition, "0204 0000000005 0607 0000 d02a", None);
    assert_eq!(said(&settled), "measurement_not_settled");
}

/// Too low to tell is the news in a cold room too, and what the device doubts stays said.
#[test]
fn beyond_the_device_is_told_with_its_doubts() {
    let doubtful = [Flag::DeviceDoubts];
    check(F::Glucose, "0a0700ea0706010c3b000208114001", "value_too_low_to_tell", &doubtful);
    check(F::Glucose, "0a0700ea0706010c3b000208114000", "value_too_low_to_tell", &[]);
    check(F::Cgm, "0860020864000840", "value_too_low_to_tell", &doubtful);
    check(F::SpotOximetry, "02 5000 4800 4000", "spo2 80 %, oximeter_pulse 72 /min", &doubtful);
}
