//! `hub-agent decode` as a program: for every public case of a device, what it prints is what the case expects.
//!
//! First the comparison is shown a case with one value changed, which it must not let pass.

use harness::{
    conformance::{Judged, Row, decoder_of, judge_printed},
    tree,
};
use serde_json::Value;
use std::{fs, process::Command};

/// What the program prints, and whether it says that the frame decoded.
fn printed(name: &str, hex: &str) -> (Value, bool) {
    let output = Command::new(env!("CARGO_BIN_EXE_hub-under-test")).args(["decode", name, hex]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let [json, sentence] = lines.as_slice() else { panic!("{name} {hex}: want two lines, got {text:?}") };
    assert!(sentence.ends_with('.'), "{sentence:?} is no sentence");
    (serde_json::from_str(json).unwrap(), output.status.success())
}

#[test]
fn the_program_prints_what_every_public_case_expects() {
    let text = fs::read_to_string(tree::root().join("tests/vectors/devices.jsonl")).unwrap();
    let mut judged = 0;
    let mut wrong = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let Some(row) = Row::read(&format!("row {}", number + 1), line.as_bytes()).unwrap() else { continue };
        let Some(name) = decoder_of(&row) else {
            wrong.push(format!("{}: no decoder for {:?}", row.place, row.frame));
            continue;
        };
        let (said, decoded) = printed(name, row.input["hex"].as_str().unwrap());
        assert_eq!(decoded, said.get("error").is_none(), "{}: the exit code must say whether it decoded", row.place);
        let changed = changed(&row);
        assert_ne!(judge_printed(&changed, &said), Judged::Passed, "{}: a changed value passed", row.place);
        match judge_printed(&row, &said) {
            Judged::Passed => judged += 1,
            other @ (Judged::NotCovered | Judged::Failed(_)) => wrong.push(format!("{}: {other:?}", row.place)),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(judged > 100, "only {judged} cases were judged");
}

/// The planted fault: the first value that is compared is another.
fn changed(row: &Row) -> Row {
    let mut changed = row.clone();
    let (_, value) = changed.expected.iter_mut().find(|(name, _)| *name != "note").unwrap();
    *value = if let Value::Bool(flag) = value { Value::Bool(!*flag) } else { Value::from("another value") };
    changed
}

#[test]
fn what_cannot_be_decoded_at_all_is_a_wrong_command_line() {
    for (name, hex) in [("2a00", "00"), ("2a35", "zz"), ("", "")] {
        let output = Command::new(env!("CARGO_BIN_EXE_hub-under-test")).args(["decode", name, hex]).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{name} {hex}");
        assert!(output.stdout.is_empty());
    }
}
