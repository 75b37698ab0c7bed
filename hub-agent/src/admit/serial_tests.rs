//! Every kind of serial record as a reading: public records where there are any, otherwise ours
//! (`tests/vectors/own_devices.jsonl` says from what), a row each. What was measured is known also where it has no number.

use super::{
    kinds_tests::{check, made, said},
    *,
};
use device_codecs::FrameKind;

#[test]
fn serial_records_become_what_their_devices_said() {
    use FrameKind as F;
    check(
        F::NoninDf2,
        concat!(
            "018101008301800148ca01800161e301800130b2018001008201800100820180010082018001008201800161e3",
            "01800161e301800161e301800100820180010082018001008201800148ca01800161e301800161e30180010082",
            "0180010082018001008201800148ca018001008201800148ca01800100820180010082",
        ),
        "spo2 97 %, oximeter_pulse 72 /min",
        &[],
    );
    check(F::NoninDf8, "80486100", "spo2 97 %, oximeter_pulse 72 /min", &[]);
    check(F::NoninDf13, "0002000d000e20150412103059000200004800618f03", "spo2 97 %, oximeter_pulse 72 /min", &[]);
    check(F::ContecV4Live, "8000404861", "spo2 97 %, oximeter_pulse 200 /min", &[]);
    check(F::ContecV4Recorded, "f08061", "recorded_without_time", &[]);
    check(F::ContecV7Live, "0180c5c0c8c8e1b280", "spo2 97 %, oximeter_pulse 72 /min", &[]);
    check(F::ContecV7Recorded, "0f80e1c8e1c9e0ca", "recorded_without_time", &[]);
    check(
        F::MasimoAscii1,
        concat!(
            "30322f32322f31362032323a34373a343520534e3d303030303035363636312053504f323d303938252042504d",
            "3d3039372050493d30332e363025205350434f3d2d2d2e2d252053504d45543d2d2d2e2d252044455341543d2d",
            "2d20504944454c54413d2b2d2d20414c41524d3d30303030204558433d3030303830300d0a",
        ),
        "spo2 98 %, oximeter_pulse 97 /min, perfusion 3.60 %",
        &[],
    );
    check(
        F::ContourAstm,
        "527c387c5e5e5e476c75636f73657c3133337c6d672f644c5e507c7c422f587c7c323031323032303532303334",
        "glucose_mg 133 mg/dL",
        &[],
    );
    check(
        F::LifescanUltra2,
        concat!(
            "50202253554e222c2230382f30342f3133222c2230373a30313a3039202020222c22202031323020222c224222",
            "2c223131222c20303020303942300d0a",
        ),
        "glucose_mg 120 mg/dL",
        &[],
    );
    check(F::LifescanUltraEasy, "021000050690b6b0537800000003bf07", "glucose_mg 120 mg/dL", &[]);
    check(
        F::FreestyleOptium,
        "30393320204170722020323220323031342030323a3134204720307830300d0a",
        "glucose_mg 93 mg/dL",
        &[],
    );
    check(
        F::FreestyleOptium,
        "30353420204170722020323220323031342030323a3134204b20307830300d0a",
        "ketone 3.0 mmol/L",
        &[],
    );
    check(
        F::OmronRecord,
        "6558541a331ade1800004c00ba00",
        "systolic 126 mm[Hg], diastolic 88 mm[Hg], cuff_pulse 84 /min",
        &[],
    );
}

#[test]
fn a_meters_marks_stay_with_its_value() {
    use vitals::measure::{Meal, Specimen};
    let marks = |kind, hex: &str| match made(kind, hex, None).value {
        Value::Measured(Measure::Glucose(reading)) => (reading.specimen(), reading.meal()),
        Value::Measured(_) | Value::NotMeasured(_) => panic!("no glucose in {hex}"),
    };
    let contour = "527c387c5e5e5e476c75636f73657c3133337c6d672f644c5e507c7c422f587c7c323031323032303532303334";
    assert_eq!(marks(FrameKind::ContourAstm, contour), (Specimen::UndeterminedPlasma, Some(Meal::BeforeMeal)));
    let ultra2 = "50202253554e222c2230382f30342f3133222c2230373a30313a3039202020222c22202031323020222c2242222c223131222c20303020303942300d0a";
    assert_eq!(marks(FrameKind::LifescanUltra2, ultra2), (Specimen::Unknown, Some(Meal::BeforeMeal)));
    // The same result with the meter's mark of a control solution, C.
    let control = vitals::hex::encode(b"R|3|^^^Glucose|93|mg/dL^P||C||201505261150");
    let reading = made(FrameKind::ContourAstm, &control, None);
    assert_eq!(reading.who, Who::Unassigned(WhyUnassigned::NobodyMeasured), "{:?}", reading.value);
}

/// Found by reading the code: a ketone that the meter showed as HI was filed as a glucose too high to tell, which is another
/// alert for another illness. HI, LO and a control solution of either, and a meter that had lost its time.
#[test]
fn a_result_without_a_number_is_filed_under_what_was_measured() {
    use vitals::measure::Kind::{Glucose, Ketone};
    for (line, code, kind) in [
        ("HI   Apr  22 2014 02:14 K 0x00", "value_too_high_to_tell", Ketone),
        ("LO   Apr  22 2014 02:14 K 0x00", "value_too_low_to_tell", Ketone),
        ("054  Apr  22 2014 02:14 K 0x01", "control_solution", Ketone),
        ("HI   Apr  22 2014 02:14 K 0x01", "control_solution", Ketone),
        ("000  Apr  22 2014 02:14 K 0x00", "ketone 0.0 mmol/L", Ketone),
        ("HI   Apr  22 2014 02:14 G 0x00", "value_too_high_to_tell", Glucose),
        ("LO   Apr  22 2014 02:14 G 0x00", "value_too_low_to_tell", Glucose),
        ("093  Apr  22 2014 02:14 G 0x01", "control_solution", Glucose),
        ("000  Apr  22 2014 02:14 G 0x00", "measurement_invalid", Glucose),
    ] {
        let hex = vitals::hex::encode(format!("{line}\r\n").as_bytes());
        let reading = made(FrameKind::FreestyleOptium, &hex, None);
        assert_eq!((said(&reading).as_str(), reading.kind), (code, kind), "{line}");
        assert_eq!(matches!(reading.who, Who::Patient(_)), code != "control_solution", "{line}");
    }
    for (mark, code) in [("<", "value_too_low_to_tell"), (">", "value_too_high_to_tell")] {
        let later = format!("R|3|^^^Glucose|20|mg/dL^P||{mark}/B||201505261150");
        let serial = format!("R|3|^^^Glucose|20|mg/dL^P||{mark}|||||201505261150");
        for record in [later, serial] {
            let reading = made(FrameKind::ContourAstm, &vitals::hex::encode(record.as_bytes()), None);
            assert_eq!((said(&reading).as_str(), reading.kind), (code, Glucose), "{record}");
        }
    }
}

#[test]
fn a_meter_that_lost_its_time_has_a_value_of_no_known_day() {
    let hex = vitals::hex::encode(b"093  Apr  22 2014 02:14 G 0x02\r\n");
    let reading = made(FrameKind::FreestyleOptium, &hex, None);
    assert_eq!(said(&reading), "glucose_mg 93 mg/dL");
    let flags: Vec<Flag> = reading.quality.flags().collect();
    assert_eq!((reading.times.device, flags), (None, vec![Flag::DeviceTimeMissing, Flag::UndatedFromMemory]));
}

/// Found by reading the code: a serial oximeter's own doubts were thrown away, so a weak signal could put an alert to rest.
#[test]
fn an_oximeters_doubts_stay_with_its_value() {
    let doubtful = [Flag::DeviceDoubts];
    for (status, flags) in [("80", &[][..]), ("90", &doubtful), ("88", &doubtful), ("84", &doubtful), ("9c", &doubtful)]
    {
        let frame = format!("{status} 48 61 00");
        check(FrameKind::NoninDf8, &frame, "spo2 97 %, oximeter_pulse 72 /min", flags);
    }
    for (exceptions, flags) in
        [("000800", &[][..]), ("000804", &doubtful), ("000810", &doubtful), ("000C00", &doubtful)]
    {
        let line = format!("02/22/16 22:47:45 SN=0000056661 SPO2=098% BPM=097 PI=03.60% EXC={exceptions}\r\n");
        let values = "spo2 98 %, oximeter_pulse 97 /min, perfusion 3.60 %";
        check(FrameKind::MasimoAscii1, &vitals::hex::encode(line.as_bytes()), values, flags);
    }
    // Nonin's format 13 without its mark of quality, then without a measurement.
    check(
        FrameKind::NoninDf13,
        "0002000d000e20150412103059000000004800618d03",
        "spo2 97 %, oximeter_pulse 72 /min",
        &doubtful,
    );
    check(FrameKind::NoninDf13, "0002000d000e20150412103059000100004800618e03", "measurement_failed", &[]);
}
