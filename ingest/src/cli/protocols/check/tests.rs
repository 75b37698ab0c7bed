//! What is wrong with a protocol is shown under the words that are wrong, with what to do: the printed text of each mistake is
//! held as it stands. The protocol without a mistake has none, so that every one shown is the one that was planted.

use super::*;

const GOOD: &str = include_str!("invented.toml");

/// What is printed of the mistakes below, one after the other.
const SHOWN: &str = include_str!("mistakes.txt");

/// Each mistake: its name, what stands in the protocol, and what is put in its place.
const MISTAKES: [(&str, &str, &str); 8] = [
    ("a gap in a band", "{ from = 51, to = 90, points = 0 }", "{ from = 52, to = 90, points = 0 }"),
    ("an overlap", "{ from = 51, to = 90, points = 0 }", "{ from = 50, to = 90, points = 0 }"),
    ("an unknown unit", "unit = \"Cel\"", "unit = \"Celsius\""),
    ("a parameter outside its safe range", "default = 110", "default = 131"),
    ("a missing source", "[[pack.sources]]\nref = \"invented\"\n", ""),
    ("a score without a source", "source = \"invented\"\n", ""),
    ("a parameter that is not there", "above = \"param:pulse_high\"", "above = \"param:pulse_hihg\""),
    ("no TOML", "[param.pulse_high]", "[param.pulse_high"),
];

fn spoiled(from: &str, to: &str) -> String {
    let text = GOOD.replacen(from, to, 1);
    assert_ne!(text, GOOD, "{from} is not in the protocol");
    text
}

#[test]
fn each_mistake_is_shown_with_its_line_a_caret_and_advice() {
    assert_eq!(Pack::read(GOOD).map(drop), Ok(()));
    let mut all = String::new();
    for (name, from, to) in MISTAKES {
        let text = spoiled(from, to);
        let error = Pack::read(&text).expect_err(name);
        let shown = shown("invented.toml", &text, &error);
        for problem in &error.problems {
            let place = format!("invented.toml:{}:", problem.line);
            assert!(shown.contains(&place) && shown.contains("help: ") && shown.contains("here"), "{name}:\n{shown}");
        }
        all.push_str(&format!("--- {name}\n{shown}"));
    }
    assert_eq!(all, SHOWN, "if this is what should be shown, put it into mistakes.txt:\n{all}");
}

/// Every mistake of a file is shown, each in its place.
#[test]
fn several_mistakes_are_all_shown() {
    let text = spoiled("default = 110", "default = 131").replacen("count = 1", "count = 0", 1);
    let error = Pack::read(&text).unwrap_err();
    assert_eq!(error.problems.len(), 2);
    let shown = shown("invented.toml", &text, &error);
    assert_eq!(shown.matches("help: ").count(), 2, "{shown}");
}
