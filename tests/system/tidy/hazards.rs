//! The hazard log: every control names a test that exists, or says what will control it.

use super::assert_none;
use harness::tree::{self, Source};
use serde::Deserialize;
use std::collections::BTreeSet;

/// The log, as data.
const LOG: &str = "docs/safety/hazards.toml";

/// Severity and likelihood are told on a scale of 1 to this.
const SCALE_MAX: u8 = 5;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Log {
    hazard: Vec<Hazard>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Hazard {
    id: String,
    hazard: String,
    causes: Vec<String>,
    effect: String,
    initial: Risk,
    residual: Risk,
    control: Vec<Control>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Risk {
    severity: u8,
    likelihood: u8,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Control {
    control: String,
    test: Option<String>,
    open: Option<String>,
}

/// What is wrong with a log, given the names of the tests there are.
fn wrong(log: &Log, tests: &BTreeSet<String>) -> Vec<String> {
    let mut found = Vec::new();
    let mut ids = BTreeSet::new();
    for hazard in &log.hazard {
        let id = &hazard.id;
        let mut wrong = |what: &str| found.push(format!("{id}: {what}"));
        if !ids.insert(id) {
            wrong("the id is used twice");
        }
        if [&hazard.hazard, &hazard.effect].iter().any(|text| text.trim().is_empty()) || hazard.causes.is_empty() {
            wrong("it has no hazard, no cause or no effect");
        }
        let figures = [&hazard.initial, &hazard.residual].map(|risk| [risk.severity, risk.likelihood]);
        if figures.as_flattened().iter().any(|figure| !(1..=SCALE_MAX).contains(figure)) {
            wrong("a figure is off the scale");
        }
        if hazard.control.is_empty() {
            wrong("it has no control");
        }
        for control in &hazard.control {
            match (&control.test, &control.open) {
                (Some(test), None) if tests.contains(test) => {}
                (Some(test), None) => wrong(&format!("the test {test:?} does not exist")),
                (None, Some(open)) if open.trim().is_empty() => {
                    wrong("an open control does not say what will control it")
                }
                (None, Some(_)) => {}
                (Some(_), Some(_)) | (None, None) => {
                    wrong(&format!("want a test or what is open: {:?}", control.control))
                }
            }
        }
    }
    found
}

/// The names of the functions that stand under an attribute of a test.
fn tests_in(sources: &[Source]) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for source in sources.iter().filter(|source| source.has_extension(&["rs"])) {
        let mut is_test = false;
        for line in source.text.lines().map(str::trim) {
            if line.starts_with("#[") {
                is_test |= ["#[test]", "#[tokio::test", "#[actix_web::test", "#[actix_rt::test"]
                    .iter()
                    .any(|form| line.starts_with(form));
            } else if let Some(name) = function_name(line) {
                if is_test {
                    names.insert(name.to_owned());
                }
                is_test = false;
            }
        }
    }
    names
}

/// The name in `fn name(` or `async fn name(`.
fn function_name(line: &str) -> Option<&str> {
    let line = line.strip_prefix("async ").unwrap_or(line).strip_prefix("fn ")?;
    line.split(['(', '<']).next()
}

fn log() -> Log {
    let text = std::fs::read_to_string(tree::root().join(LOG)).unwrap();
    toml::from_str(&text).unwrap_or_else(|error| panic!("{LOG}: {error}"))
}

#[test]
fn every_control_names_a_test_that_exists_or_says_what_is_open() {
    let tests = tests_in(&tree::sources().unwrap());
    assert!(tests.contains("every_control_names_a_test_that_exists_or_says_what_is_open"), "the tests were not found");
    assert_none(&wrong(&log(), &tests));
}

/// The gate runs this one with its output shown.
#[test]
fn the_open_controls_are_printed() {
    let log = log();
    let controls = log.hazard.iter().flat_map(|hazard| hazard.control.iter().map(move |control| (&hazard.id, control)));
    let open: Vec<_> = controls.filter_map(|(id, control)| Some((id, control, control.open.as_ref()?))).collect();
    for (id, control, open) in &open {
        println!("open {id}: {} ({open})", control.control);
    }
    let count: usize = log.hazard.iter().map(|hazard| hazard.control.len()).sum();
    println!("{} hazards, {count} controls, {} of them open", log.hazard.len(), open.len());
}

#[test]
fn a_planted_fault_in_the_log_is_named() {
    let good = "[[hazard]]\nid = \"H1\"\nhazard = \"a\"\ncauses = [\"b\"]\neffect = \"c\"\ninitial = { severity = 5, likelihood = 3 }\nresidual = { severity = 5, likelihood = 1 }\n[[hazard.control]]\ncontrol = \"d\"\ntest = \"a_real_test\"\n";
    let tests = BTreeSet::from(["a_real_test".to_owned()]);
    let judged = |text: &str| wrong(&toml::from_str::<Log>(text).unwrap(), &tests);
    assert_none(&judged(good));
    for (from, to, said) in [
        ("a_real_test", "no_such_test", "no_such_test"),
        ("test = \"a_real_test\"\n", "", "want a test"),
        ("test = \"a_real_test\"\n", "test = \"a_real_test\"\nopen = \"later\"\n", "want a test"),
        ("test = \"a_real_test\"", "open = \" \"", "does not say"),
        ("severity = 5, likelihood = 3", "severity = 6, likelihood = 3", "off the scale"),
        ("likelihood = 1", "likelihood = 0", "off the scale"),
        ("causes = [\"b\"]", "causes = []", "no cause"),
    ] {
        let planted = good.replacen(from, to, 1);
        assert_ne!(planted, good);
        let found = judged(&planted);
        assert!(found.len() == 1 && found[0].contains(said), "{from:?} to {to:?}: {found:?}");
    }
    assert_eq!(judged(&format!("{good}{good}")), ["H1: the id is used twice"]);
    assert!(
        toml::from_str::<Log>(&good.replace("control = \"d\"", "control = \"d\"\ntests = \"x\"")).is_err(),
        "a misspelt field"
    );
}

#[test]
fn a_name_counts_as_a_test_only_under_its_attribute() {
    let planted = Source::planted(
        "a.rs",
        "fn plain() {}\n// fn spoken_of() {}\n#[test]\nfn plain_test() {}\n#[tokio::test(start_paused = true)]\n#[expect(x, reason = \"y\")]\nasync fn slow_test() {}\n    #[test]\n    fn property(x: u8) {}\n#[must_use]\nfn after() {}\n",
    );
    assert_eq!(tests_in(&[planted]).into_iter().collect::<Vec<_>>(), ["plain_test", "property", "slow_test"]);
}
