//! The data files and the page made of them.

use burden::{
    cohort::Cohort,
    page,
    parameters::{FILE, Parameters},
    thresholds::{self, Judged, NotJudged},
};
use std::path::Path;

/// A row that nobody asks for would be a number on the page that means nothing.
#[test]
fn every_parameter_is_used() {
    let parameters = Parameters::read(FILE).unwrap();
    Cohort::generate(&parameters, 1).unwrap();
    assert_eq!(parameters.unused(), Vec::<String>::new());
    let planted = FILE.replacen("parameter = [", "parameter = [\n  { id = \"planted\", value = \"1\", unit = \"u\", grade = \"assumption\", source = \"ours\" },", 1);
    let planted = Parameters::read(&planted).unwrap();
    Cohort::generate(&planted, 1).unwrap();
    assert_eq!(planted.unused(), ["planted"]);
}

#[test]
fn the_page_of_the_reference_is_what_the_data_files_say() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/burden.md");
    let stands = std::fs::read_to_string(path).unwrap();
    let made = page::page().unwrap();
    assert!(stands == made, "write `bench-burden page` into docs/reference/burden.md and read the difference");
    for row in Parameters::read(FILE).unwrap().rows() {
        assert!(made.contains(&format!("| `{}` |", row.id)), "{}", row.id);
    }
}

#[test]
fn a_bound_without_a_source_or_a_number_or_with_an_unknown_cause_is_refused() {
    let parameters = Parameters::read(FILE).unwrap();
    let read = |text: &str| Judged::read(text, parameters.causes());
    assert!(read(thresholds::FILE).is_ok());
    let changed = |from: &str, to: &str| {
        let text = thresholds::FILE.replacen(from, to, 1);
        assert_ne!(text, thresholds::FILE, "{from} is not there");
        read(&text).unwrap_err()
    };
    let source = thresholds::FILE.lines().find(|line| line.starts_with("source = ")).unwrap();
    assert!(matches!(changed(source, "source = \"\""), NotJudged::NoSource(_)));
    assert!(matches!(changed("above = \"170\"", "above = \"high\""), NotJudged::NoNumber(_)));
    assert!(matches!(changed("above = \"170\"", "above = \"170\"\nbelow = \"90\""), NotJudged::NoNumber(_)));
    assert!(matches!(changed("\"hypertensive_emergency\"", "\"bad_luck\""), NotJudged::NoCause(_, _)));
    assert!(matches!(changed("above = \"170\"", "above = \"170\"\nabov = \"1\""), NotJudged::Form(_)));
}
