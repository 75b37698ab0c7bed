//! A pack may name every number of the catalogue, and a bound on one number never judges another. Each pack here is
//! written for one number, with its own test, and run as any pack is.

use rules::pack::Pack;
use vitals::catalogue;

/// A pack with one rule, raised where `when` holds, and its own test.
fn pack(when: &str, clear: &str, given: &str, expect: &str) -> String {
    format!(
        r#"
[pack]
id = "one-number"
title = "One number"
version = "1.0.0"
engine_min = 1
demo_only = true

[[pack.sources]]
ref = "None: invented for a test"

[message.seen]
en = "Take it again now. If you feel very unwell, call 999."

[message.why]
en = "The number is beyond its bound."

[[rule]]
id = "beyond"
title = "Beyond its bound"
harm = "reversible"
onset = "prompt"
when = {{ {when} }}
clear = {{ count = 1, when = {{ {clear} }} }}
actionable_for = "30m"
raise_again_after = "1h"
patient_message = "seen"
late_patient_message = "seen"
clinician_message = "why"

[[test]]
name = "the bound itself counts"
given = [{given}]
expect = [{expect}]
"#
    )
}

/// What a reading needs beside the number for a device to send it.
fn beside(component: &str) -> &'static str {
    match component {
        "systolic" => r#", ["0m", "diastolic", 50]"#,
        "diastolic" => r#", ["0m", "systolic", 300]"#,
        "mean" | "cuff_pulse" => r#", ["0m", "systolic", 120], ["0m", "diastolic", 50]"#,
        "energy_expended" => r#", ["0m", "heart_rate", 72]"#,
        "oximeter_pulse" | "perfusion" => r#", ["0m", "spo2", 97]"#,
        "scale_bmi" | "scale_height" => r#", ["0m", "weight", 80]"#,
        "exercise_duration" => r#", ["0m", "exercise_intensity", 60]"#,
        "steps_duration" => r#", ["0m", "steps", 100]"#,
        _ => "",
    }
}

#[test]
fn a_pack_can_name_every_number_of_the_catalogue() {
    assert!(catalogue::components().len() > 40, "the catalogue was read");
    for component in catalogue::components() {
        let (name, bound) = (&component.name, component.plausible.1);
        let when = format!(r#"latest = "{name}", at_least = "{bound}""#);
        let clear = format!(r#"latest = "{name}", below = "{bound}""#);
        let given = format!(r#"["0m", "{name}", "{bound}"]{}"#, beside(name));
        let text = pack(&when, &clear, &given, r#"["0m", "raise", "beyond"]"#);
        let read = Pack::read(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(read.failed_tests(), Vec::<String>::new(), "{name}");
    }
}

#[test]
fn a_bound_for_blood_never_judges_a_sensor_and_no_unit_judges_another() {
    let names = ["glucose", "glucose_mg", "glucose_interstitial", "glucose_interstitial_mg"];
    for judged in names {
        for sent in names {
            let amount = if sent.ends_with("_mg") { "40" } else { "2.2" };
            let bound = if judged.ends_with("_mg") { "70" } else { "3.9" };
            let when = format!(r#"latest = "{judged}", below = "{bound}""#);
            let clear = format!(r#"latest = "{judged}", at_least = "{bound}""#);
            let given = format!(r#"["0m", "{sent}", "{amount}"]"#);
            let expect = if judged == sent { r#"["0m", "raise", "beyond"]"# } else { "" };
            let read = Pack::read(&pack(&when, &clear, &given, expect)).expect("reads");
            assert_eq!(read.failed_tests(), Vec::<String>::new(), "a bound on {judged}, a reading of {sent}");
        }
    }
}

#[test]
fn a_test_whose_reading_is_not_whole_fails() {
    let when = r#"latest = "perfusion", at_least = 1"#;
    let clear = r#"latest = "perfusion", below = 1"#;
    for given in [
        r#"["0m", "perfusion", 5]"#,
        r#"["0m", "spo2", 97], ["0m", "weight", 80]"#,
        r#"["0m", "spo2", 97], ["0m", "spo2", 96]"#,
    ] {
        let read = Pack::read(&pack(when, clear, given, "")).expect("reads");
        let failed = read.failed_tests();
        assert!(failed.iter().any(|failure| failure.contains("is not whole")), "{given}: {failed:?}");
    }
}
