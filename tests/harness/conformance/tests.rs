//! That the runner sees what it must see: each covered row of the public files passes as it stands, and fails with any
//! one of its expected values changed, whatever the change.

use super::*;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// The public cases, copied unchanged.
const VECTORS: [(&str, &[u8]); 2] = [
    ("clinical.jsonl", include_bytes!("../../vectors/clinical.jsonl")),
    ("devices.jsonl", include_bytes!("../../vectors/devices.jsonl")),
];

/// The kinds this version covers; more are added here when they are.
const COVERED: [(&str, usize); 55] = [
    ("news2_param", 56),
    ("news2_total", 14),
    ("hbpm_average", 2),
    ("hbpm_average_stage", 4),
    ("bp_severe_single", 3),
    ("bp_intake_flag_example", 3),
    ("postural_drop", 1),
    ("oximetry_home_band", 4),
    ("oximetry_home_retest", 3),
    ("spo2_target_88_92", 2),
    ("hf_weight_gain", 4),
    ("glucose_band_mgdl", 5),
    ("glucose_band_mmol", 4),
    ("ketone_band", 4),
    ("cgm_trend", 2),
    ("cgm_hypo_event_level2", 2),
    ("nightscout_ar2", 4),
    ("nightscout_threshold", 6),
    ("stale_data", 2),
    ("nhs_number_valid", 20),
    ("nhs_number_normalise", 9),
    ("nhs_number_check_digit", 2),
    ("nhs_number_range", 7),
    ("sfloat16", 12),
    ("float32_11073", 11),
    ("datetime_11073", 2),
    ("gtin_valid", 12),
    ("mdc_code32", 7),
    ("phd_bits", 1),
    ("uk_core_coding", 4),
    ("news2_snomed", 4),
    ("acvpu_snomed", 3),
    ("glucose_unit", 3),
    ("blood_pressure", 8),
    ("health_thermometer", 7),
    ("ieee11073", 3),
    ("glucose", 18),
    ("cgm", 23),
    ("pulse_oximeter", 5),
    ("heart_rate", 4),
    ("weight_scale", 6),
    ("body_composition", 6),
    ("battery", 2),
    ("device_information", 1),
    ("current_time", 2),
    ("date_time", 2),
    ("ieee11073_20601", 3),
    ("cms50_v4", 8),
    ("cms50_v7", 4),
    ("nonin_df2", 3),
    ("masimo_rad8_ascii1", 3),
    ("ascensia_contour_astm", 1),
    ("lifescan_onetouch", 4),
    ("freestyle_optium", 2),
    ("omron_eeprom14", 3),
];

/// The kinds of the public files that wait for FHIR output, and how many cases they have.
const WAITING: [(&str, usize); 6] = [
    ("phd_observation", 3),
    ("phd_identifier", 1),
    ("phd_timestamp_part", 2),
    ("phd_status_mapping", 4),
    ("phd_time_mapping", 9),
    ("phd_bad_clock", 1),
];

fn rows() -> Vec<Row> {
    let lines = VECTORS.iter().flat_map(|(_, bytes)| bytes.split(|byte| *byte == b'\n'));
    lines.filter_map(|line| Row::read("a line", line).unwrap()).collect()
}

fn covered_rows() -> Vec<Row> {
    rows().into_iter().filter(|row| judge(row) != Judged::NotCovered).collect()
}

fn report(lines: &str) -> Report {
    let mut report = Report::default();
    report.run("planted.jsonl", lines.as_bytes());
    report
}

#[test]
fn every_covered_row_of_the_public_files_passes() {
    let rows = covered_rows();
    for row in &rows {
        assert_eq!(judge(row), Judged::Passed, "{}", row.place);
    }
    for (group, count) in COVERED {
        assert_eq!(rows.iter().filter(|row| row.group == group).count(), count, "{group}");
    }
    assert_eq!(
        rows.len(),
        COVERED.iter().map(|(_, count)| count).sum::<usize>(),
        "a covered kind is missing from the list"
    );
}

/// Every clinical case but those of FHIR output: 222 of 242, each with all that it expects.
#[test]
fn the_clinical_cases_that_wait_are_those_of_fhir_output() {
    let (_, clinical) = VECTORS[0];
    let mut report = Report::default();
    report.run("clinical.jsonl", clinical);
    assert!(report.is_good(), "{report}");
    let count = |of: fn(&Group) -> usize| report.groups.iter().map(of).sum::<usize>();
    assert_eq!((count(|group| group.passed), count(|group| group.total)), (222, 242));
    for group in &report.groups {
        let waits = WAITING.iter().find(|(name, _)| *name == group.name).map_or(0, |(_, count)| *count);
        assert_eq!(group.passed, group.total - waits, "{group}");
    }
}

/// Every value that could stand where this one stands and would be wrong.
fn changed(value: &Value) -> Vec<Value> {
    let others = [
        json!(null),
        json!(true),
        json!(false),
        json!(0),
        json!(-7.25),
        json!("another"),
        json!(""),
        json!([1]),
        json!({"a": 1}),
    ];
    let near = match value {
        Value::Number(number) => {
            number.as_f64().map(|number| vec![json!(number + 1.0), json!(-number - 1.0), json!(number + 0.001)])
        }
        Value::String(text) => {
            let next = |letter: char| {
                if letter.is_ascii_digit() {
                    char::from(b'0' + (u8::try_from(letter).unwrap() - b'0' + 1) % 10)
                } else {
                    '_'
                }
            };
            let each = (0..text.chars().count()).map(|place| {
                text.chars()
                    .enumerate()
                    .map(|(at, letter)| if at == place { next(letter) } else { letter })
                    .collect::<String>()
            });
            Some(
                each.chain([
                    format!("{text}0"),
                    format!("{text} "),
                    text.to_uppercase(),
                    text.chars().skip(1).collect(),
                ])
                .map(Value::String)
                .collect(),
            )
        }
        Value::Array(several) => {
            let longer = several.iter().cloned().chain([json!("another")]).collect();
            let shorter = several.iter().skip(1).cloned().collect();
            let turned = several.iter().rev().cloned().collect();
            let inside = several.iter().enumerate().flat_map(|(place, one)| {
                changed(one).into_iter().map(move |other| {
                    let mut several = several.clone();
                    several[place] = other;
                    several
                })
            });
            Some([longer, shorter, turned].into_iter().chain(inside).map(Value::Array).collect())
        }
        Value::Object(fields) => Some(
            fields
                .iter()
                .flat_map(|(name, one)| {
                    changed(one).into_iter().map(move |other| {
                        let mut fields = fields.clone();
                        fields.insert(name.clone(), other);
                        Value::Object(fields)
                    })
                })
                .collect(),
        ),
        Value::Null | Value::Bool(_) => None,
    };
    others.into_iter().chain(near.into_iter().flatten()).filter(|other| other != value).collect()
}

#[test]
fn every_change_of_an_expected_value_is_a_mismatch() {
    let (mut changes, mut by_kind) = (0, BTreeMap::<String, usize>::new());
    for row in covered_rows() {
        for (key, value) in row.expected.clone().iter().filter(|(key, _)| *key != "note") {
            for other in changed(value) {
                let mut planted = row.clone();
                planted.expected.insert(key.clone(), other.clone());
                let Judged::Failed(mismatches) = judge(&planted) else {
                    panic!("{} passes with {key} changed from {value} to {other}", row.place);
                };
                assert!(mismatches.iter().any(|mismatch| mismatch.field == *key), "{}", row.place);
                changes += 1;
                *by_kind.entry(row.group.clone()).or_default() += 1;
            }
        }
    }
    assert!(changes > 2000, "only {changes} changes were tried");
    for (kind, cases) in COVERED {
        let tried = by_kind.get(kind).copied().unwrap_or_default();
        assert!(tried >= 5 * cases, "only {tried} changes were tried in {cases} cases of {kind}");
    }
}

#[test]
fn a_field_the_runner_does_not_know_is_a_mismatch_and_a_note_is_none() {
    for row in covered_rows() {
        let with = |key: &str| {
            let mut planted = row.clone();
            planted.expected.insert(key.to_owned(), json!("something"));
            judge(&planted)
        };
        assert!(matches!(with("colour"), Judged::Failed(_)), "{}", row.place);
        assert_eq!(with("note"), Judged::Passed, "{}", row.place);
        let nothing_expected = Row { expected: Map::new(), ..row };
        assert!(matches!(judge(&nothing_expected), Judged::Failed(_)));
    }
}

#[test]
fn the_five_specials_pass_in_both_widths() {
    let table = [
        ("nan", "not-a-number", "07FF", "007FFFFF"),
        ("nres", "error", "0800", "00800000"),
        ("+inf", "positive-infinity", "07FE", "007FFFFE"),
        ("-inf", "negative-infinity", "0802", "00800002"),
        ("reserved", "error", "0801", "00800001"),
    ];
    for (special, reason, sfloat, float) in table {
        for (kind, word) in [("sfloat16", sfloat), ("float32_11073", float)] {
            let line = json!({
                "id": special, "kind": kind, "input": {"hex": format!("0x{word}")},
                "expected": {"special": special, "fhir_data_absent_reason": reason, "decimal": null, "mantissa": null},
            });
            let report = report(&line.to_string());
            assert!(report.is_good(), "{report}");
        }
    }
}

/// What hidden files of the same form may hold beyond the public rows.
#[test]
fn rows_of_the_same_form_pass() {
    let rows = [
        json!({"id": "a", "kind": "datetime_11073", "input": {"bytes_le": "0000041114293b"}, "expected": {"local": "????-04-17T20:41:59"}}),
        json!({"id": "b", "kind": "datetime_11073", "input": {"bytes_le": "ea07021e080000"}, "expected": {"local": null}}),
        json!({"id": "c", "kind": "nhs_number_check_digit", "input": {"first9": "000000006"}, "expected": {"check_digit": null}}),
        json!({"id": "d", "kind": "nhs_number_range", "input": {"number": "9990000000"}, "expected": {"region": "synthetic_test"}}),
        json!({"id": "e", "kind": "gtin_valid", "input": {"gtin": "96385074"}, "expected": {"valid": true}}),
        json!({"id": "f", "kind": "gtin_valid", "input": {"gtin": "10614141000415"}, "expected": {"valid": true}}),
        json!({"id": "h", "kind": "phd_bits", "input": {"mdc": 150_604, "set_bits": [2, 12]}, "expected": {"flags": ["sensor-displaced", "signal-inadequate"]}}),
        json!({"id": "i", "kind": "phd_bits", "input": {"mdc": 8_410_608, "set_bits": []}, "expected": {"flags": []}}),
        json!({"id": "j", "kind": "uk_core_coding", "input": {"type": "respiratory_rate"}, "expected": {"snomed": "86290005", "loinc": "9279-1", "ucum": "/min"}}),
        json!({"id": "k", "kind": "news2_snomed", "input": {"part": "systolic_bp"}, "expected": {"snomed": "1104341000000101"}}),
        json!({"id": "l", "kind": "news2_snomed", "input": {"part": "spo2_scale_2"}, "expected": {"snomed": null}}),
        json!({"id": "m", "kind": "acvpu_snomed", "input": {"level": "A"}, "expected": {"snomed": "248234008"}}),
        json!({"id": "n", "kind": "glucose_unit", "input": {"mgdl": 99.5}, "expected": {"mmol_1dp": 5.5}}),
        json!({"id": "o", "kind": "mdc_code32", "input": {"partition": 128, "term": 29256}, "expected": {"code": 8_417_864}}),
        json!({"id": "g", "kind": "sfloat16", "input": {"bytes_le": "fff7"}, "expected": {"decimal": "204.7", "special": null}}),
        json!({"id": "p", "kind": "news2_param", "input": {"param": "temperature", "value": 35.29}, "expected": {"score": 1}}),
        json!({"id": "q", "kind": "news2_param", "input": {"param": "spo2", "value": 97, "scale": 2}, "expected": {"score": null}}),
        json!({"id": "r", "kind": "news2_total", "input": {"respiratory_rate": 22, "spo2_scale": 1}, "expected": {"total": null, "risk": null, "parts": {"respiratory_rate": 2, "pulse": null}}}),
        json!({"id": "s", "kind": "hbpm_average", "input": {"days": [[[170, 100]], [[134, 84]], [[134, 84]], [[134, 84]]]}, "expected": {"avg_systolic": 134.0, "avg_diastolic": 84.0, "readings_used": 3, "sufficient": true, "stage": "normal"}}),
        json!({"id": "t", "kind": "postural_drop", "input": {"lying_or_seated_systolic": 140, "standing_systolic": 121}, "expected": {"flag": false}}),
        json!({"id": "u", "kind": "postural_drop", "input": {"lying_or_seated_systolic": 140, "standing_systolic": 121, "lying_or_seated_diastolic": 80, "standing_diastolic": 70}, "expected": {"flag": true}}),
        json!({"id": "v", "kind": "oximetry_home_retest", "input": {"readings": [[0, 93], [50, 94]]}, "expected": {"outcome": "gp_or_111"}}),
        json!({"id": "w", "kind": "cgm_hypo_event_level2", "input": {"minutes_below": 15, "mgdl": 53}, "expected": {"events": 1}}),
        json!({"id": "x", "kind": "cgm_hypo_event_level2", "input": {"minutes_below": 60, "mgdl": 53}, "expected": {"events": 1}}),
        json!({"id": "y", "kind": "hf_weight_gain", "input": {"day_weight_kg": [[0, 80.0], [1, 82.5]], "limit_kg": 2.5, "window_days": 3}, "expected": {"alert_days": []}}),
        json!({"id": "z", "kind": "stale_data", "input": {"minutes_since_last": 16, "warn_after": 15, "urgent_after": 30}, "expected": {"level": "warn"}}),
    ];
    for row in rows {
        let report = report(&row.to_string());
        assert!(report.is_good(), "{report}");
    }
}

#[test]
fn hex_and_bytes_that_disagree_are_a_mismatch() {
    let line = json!({"id": "x", "kind": "sfloat16", "input": {"hex": "0x0002", "bytes_le": "0300"}, "expected": {"decimal": "2"}});
    assert!(!report(&line.to_string()).is_good());
}

#[test]
fn an_input_that_is_not_of_its_kind_is_a_mismatch() {
    for (kind, input) in [
        ("mdc_code32", json!({"partition": 2, "term": 65_536})),
        ("mdc_code32", json!({"partition": -2, "term": 1})),
        ("mdc_code32", json!({"partition": 2})),
        ("phd_bits", json!({"mdc": 8_410_608})),
        ("phd_bits", json!({"mdc": 8_410_608, "set_bits": [0.5]})),
        ("uk_core_coding", json!({})),
        ("glucose_unit", json!({"mgdl": "54"})),
        ("glucose_unit", json!({"mgdl": 1e30})),
        ("news2_param", json!({"param": "mood", "value": 3})),
        ("news2_param", json!({"param": "consciousness", "value": "X"})),
        ("news2_param", json!({"param": "spo2", "value": 93, "scale": 3})),
        ("news2_total", json!({})),
        ("hbpm_average", json!({"days": [[[170]]]})),
        ("hf_weight_gain", json!({"day_weight_kg": [[0.5, 80.0]], "limit_kg": 2.0, "window_days": 3})),
        ("oximetry_home_retest", json!({"readings": []})),
        ("cgm_hypo_event_level2", json!({"minutes_below": 1_000_000, "mgdl": 50})),
        ("nightscout_ar2", json!({"minutes_between": 15, "previous_mgdl": 100, "current_mgdl": 105, "thresholds": {}})),
        ("stale_data", json!({"minutes_since_last": 1})),
    ] {
        let line = json!({"id": "x", "kind": kind, "input": input, "expected": {"code": null}});
        assert!(!report(&line.to_string()).is_good(), "{line}");
    }
}

#[test]
fn what_cannot_be_read_fails_the_run_and_the_rest_still_runs() {
    let good = r#"{"id": "g", "kind": "gtin_valid", "input": {"gtin": "4009856026109"}, "expected": {"valid": true}}"#;
    for bad in [
        "{",
        "[]",
        r#"{"id": "x"}"#,
        r#"{"kind": "gtin_valid", "expected": {}}"#,
        r#"{"kind": "gtin_valid", "input": {}}"#,
        r#"{"profile": "p"}"#,
    ] {
        let report = report(&format!("{bad}\n{good}\n"));
        assert!(!report.is_good(), "{bad}");
        assert!(report.to_string().contains("unreadable planted.jsonl:1"), "{report}");
        assert!(report.to_string().contains("gtin_valid 1/1"), "{report}");
    }
    let mut not_text = Report::default();
    not_text.run("planted.jsonl", b"\xff\xfe\n");
    assert!(!not_text.is_good());
    assert!(!Report::over_files(&["/nowhere/at-all.jsonl"]).is_good());
}

#[test]
fn the_report_says_what_is_not_covered_without_failing() {
    let lines = r#"{"kind": "_schema", "about": "no case"}
{"id": "1", "kind": "moon_phase", "input": {}, "expected": {"phase": "full"}}
{"id": "2", "kind": "moon_phase", "input": {}, "expected": {"phase": "new"}}

{"profile": "blood_pressure", "characteristic_or_frame": "2A35", "hex": "00bdf00b009ff0", "expected": {"systolic": 18.9}}
{"profile": "blood_pressure", "characteristic_or_frame": "2AFF", "hex": "3f00", "expected": {"bits": 63}}
"#;
    let report = report(lines);
    assert!(report.is_good());
    assert_eq!(report.to_string(), "moon_phase not covered 0/2\nblood_pressure 1/2 (not covered: 2AFF 0/1)\n");
}

#[test]
fn a_mismatch_names_the_row_what_was_expected_and_what_came() {
    let line =
        r#"{"id": "clin-9", "kind": "gtin_valid", "input": {"gtin": "4009856026109"}, "expected": {"valid": false}}"#;
    let report = report(line);
    assert!(!report.is_good());
    assert_eq!(report.to_string(), "mismatch clin-9 gtin_valid valid: expected false, got true\ngtin_valid 0/1\n");
}
