//! How conditions are written: each form reads and means what it says in a test of its own pack, and each mistake is refused
//! with its line and advice.

use rules::pack::Pack;

/// A pack with one rule; its parameters are there for the conditions to use.
fn pack(when: &str, clear: &str, test: &str) -> String {
    format!(
        r#"[pack]
id = "one"
title = "One rule"
version = "1.0.0"
engine_min = 2
[[pack.sources]]
ref = "invented"
[param.limit]
unit = "kg"
default = 2
override = {{ patient = [1, 5] }}
[param.own]
unit = "kg"
override = {{ patient = [1, 200] }}
[message.m]
en = "m"
[[rule]]
id = "it"
title = "It"
harm = "reversible"
onset = "prompt"
when = {{ {when} }}
clear = {{ count = 1, when = {{ {clear} }} }}
actionable_for = "1h"
raise_again_after = "1d"
clinician_message = "m"
[[test]]
name = "it"
{test}
"#
    )
}

const NEVER: &str = r#"latest = "weight", below = 0, max_age = "1s""#;

#[test]
fn each_form_means_what_it_says() {
    let rows = [
        // Unset, a parameter without a default holds for nobody; set, for whom it is.
        (r#"latest = "weight", above = "param:own""#, r#"given = [["0m", "weight", 100]]"#, ""),
        (
            r#"latest = "weight", above = "param:own""#,
            "set = { own = 99 }\ngiven = [[\"0m\", \"weight\", 100]]",
            r#"["0m", "raise", "it"]"#,
        ),
        (r#"is_set = "own" }, { latest = "weight", above = 0"#, r#"given = [["0m", "weight", 100]]"#, ""),
        // Another measure counts while it is fresh.
        (
            r#"latest = "spo2", below = 92 }, { latest = "temperature", above = 38, max_age = "1h""#,
            r#"given = [["0m", "temperature", 39], ["60m", "spo2", 90]]"#,
            r#"["60m", "raise", "it"]"#,
        ),
        (
            r#"latest = "spo2", below = 92 }, { latest = "temperature", above = 38, max_age = "1h""#,
            r#"given = [["0m", "temperature", 39], ["61m", "spo2", 90]]"#,
            "",
        ),
        // Not known is not no.
        (
            r#"not = { latest = "temperature", above = 38, max_age = "1h" } }, { latest = "spo2", below = 92"#,
            r#"given = [["0m", "spo2", 90]]"#,
            "",
        ),
        (
            r#"not = { latest = "temperature", above = 38, max_age = "1h" } }, { latest = "spo2", below = 92"#,
            r#"given = [["0m", "temperature", 37], ["1m", "spo2", 90]]"#,
            r#"["1m", "raise", "it"]"#,
        ),
        (
            r#"mean = "weight", over = "7d", last = 2, readings_min = 2, above = 80"#,
            r#"given = [["0m", "weight", 70], ["1d", "weight", 80], ["2d", "weight", 82]]"#,
            r#"["2d", "raise", "it"]"#,
        ),
        (
            r#"rate = "glucose_interstitial", over = "15m", per = "1m", below = "-0.1""#,
            r#"given = [["0m", "glucose_interstitial", "9.0"], ["5m", "glucose_interstitial", "8.5"], ["10m", "glucose_interstitial", "7.9"]]"#,
            r#"["10m", "raise", "it"]"#,
        ),
        (
            r#"latest = "spo2", below = 92, in_a_row = 3, over = "1h""#,
            r#"given = [["0m", "spo2", 91], ["1m", "spo2", 90], ["2m", "spo2", 91]]"#,
            r#"["2m", "raise", "it"]"#,
        ),
        (
            r#"latest = "spo2", below = 92, in_a_row = 3, over = "1h""#,
            r#"given = [["0m", "spo2", 91], ["1m", "spo2", 92], ["2m", "spo2", 91]]"#,
            "",
        ),
        // Left out of the list, and still judged by its own number elsewhere.
        (
            r#"highest = "systolic", over = "1d", at_least = 170, without = ["irregular_pulse"]"#,
            "given = [[\"0m\", \"systolic\", 180], [\"0m\", \"diastolic\", 80], [\"1h\", \"systolic\", 120], [\"1h\", \"diastolic\", 80]]\nunsure = [{ at = \"0m\", quality = [\"irregular_pulse\"] }]",
            "",
        ),
        (
            r#"highest = "systolic", over = "1d", at_least = 170"#,
            "given = [[\"0m\", \"systolic\", 180], [\"0m\", \"diastolic\", 80]]\nunsure = [{ at = \"0m\", quality = [\"irregular_pulse\"] }]",
            r#"["0m", "raise", "it"]"#,
        ),
        (
            r#"said = "consciousness", is = "confusion""#,
            r#"given = [["0m", "consciousness", "alert"], ["1h", "consciousness", "confusion"]]"#,
            r#"["1h", "raise", "it"]"#,
        ),
    ];
    for (when, given, expect) in rows {
        let text = pack(&format!("all = [{{ {when} }}]"), NEVER, &format!("{given}\nexpect = [{expect}]"));
        let read = Pack::read(&text).unwrap_or_else(|error| panic!("{when}: {error}"));
        assert_eq!(read.failed_tests(), Vec::<String>::new(), "{when}: {given}");
        // The opposite must fail: a row that passes either way shows nothing.
        let other = if expect.is_empty() { r#"["0m", "raise", "it"]"# } else { "" };
        let text = pack(&format!("all = [{{ {when} }}]"), NEVER, &format!("{given}\nexpect = [{other}]"));
        assert_eq!(Pack::read(&text).unwrap().failed_tests().len(), 1, "{when}: {given}");
    }
}

#[test]
fn each_mistake_is_refused_with_its_line_and_advice() {
    let rows = [
        (r#"mean = "weight", above = 80"#, "say how far back: over"),
        (r#"mean = "weight", over = "7d""#, "compare it once"),
        (r#"mean = "wieght", over = "7d", above = 80"#, "measure catalogue"),
        (r#"mean = "weight", over = "101d", above = 80"#, "span of time"),
        (r#"mean = "weight", over = "7d", last = 65, above = 80"#, "last at most 64"),
        (r#"mean = "weight", over = "7d", last = 3, readings_min = 4, above = 80"#, "readings_min is 1 to 3"),
        (r#"slope = "weight", over = "7d", readings_min = 2, per = "1d", above = 1"#, "readings_min is 3 to 64"),
        (r#"slope = "weight", over = "7d", above = 1"#, "in what stretch of time"),
        (r#"mean = "weight", over = "7d", per = "1d", above = 80"#, "per says nothing here"),
        (r#"mean = "weight", over = "7d", from = "lowest", above = 80"#, "from says nothing here"),
        (r#"change = "weight", over = "7d", above = 2"#, "say from what it changed"),
        (r#"change = "weight", from = "first", over = "7d", above = 2"#, "unknown variant"),
        (r#"latest = "weight", over = "7d", above = 2"#, "over says nothing here"),
        (r#"latest = "weight", in_a_row = 2, above = 2"#, "how far back the readings may be"),
        (r#"latest = "weight", in_a_row = 2, n_of = [2, 3], over = "7d", above = 2"#, "not both"),
        (r#"latest = "weight", n_of = [4, 3], over = "7d", above = 2"#, "no more of them than there are"),
        (r#"latest = "weight", n_of = [0, 3], over = "7d", above = 2"#, "no more of them than there are"),
        (r#"latest = "weight", for = "1d", above = 2"#, "how long a gap is no break"),
        (r#"latest = "weight", for = "1d", gap_max = "1d", in_a_row = 2, over = "1d", above = 2"#, "says nothing here"),
        (r#"mean = "weight", over = "7d", above = 80, without = ["doubtful"]"#, "nothing that is noticed"),
        (
            r#"mean = "weight", over = "7d", above = 80 }, { quality_without = ["device_doubts"]"#,
            "beside each comparison",
        ),
        (r#"mean = "systolic", over = "7d", above = "param:limit""#, "param limit is in kg but systolic is in mm[Hg]"),
        (r#"mean = "weight", over = "7d", above = 999999999999"#, "too large a number"),
        (r#"said = "oxygen", is = "smoke""#, "is one of air, oxygen"),
        (r#"said = "weight", is = "much""#, "it is a number: compare it"),
        (r#"said = "answer:Chest pain", is = "yes""#, "a question's code"),
        (r#"said = "oxygen", is = "air", above = 2"#, "a comparison says nothing here"),
        (r#"mean = "weight", median = "weight", over = "7d", above = 80"#, "a condition is one of"),
        (r#"not = { latest = "weight", above = 80 }, max_age = "1h""#, "a condition is one of"),
        (r#"is_set = "limit", is = "yes""#, "is says nothing here"),
        (r#"is_set = "limit""#, "compares nothing that was measured"),
        (r#"score = "news2", at_least = 1"#, "score news2 is not in the pack"),
        (r#"latest = "weight", above = 80 }, { latest = "spo2", below = 92"#, "max_age"),
        (r#"foresee = "weight", above = 80"#, "unknown field"),
        (r#"forecast = "weight", over = "15m", above = 80"#, "only a sensor's glucose is forecast"),
        (r#"cusum = "weight", over = "30d", above = 80"#, "slack ="),
        (r#"unusual = "weight", over = "30d", above = "param:limit""#, "param limit is in kg but weight is in {score}"),
        (r#"change = "weight", from = "resting", over = "10m", at_most = -2"#, "only a cuff's reading has a posture"),
        (r#"change = "systolic", from = "resting", at_most = -20"#, "how long before lying or sitting"),
        (r#"change = "systolic", from = "resting", over = "10m", last = 3, at_most = -20"#, "last says nothing here"),
    ];
    for (when, expected) in rows {
        let text = pack(&format!("all = [{{ {when} }}]"), r#"is_set = "own""#, "given = []\nexpect = []");
        let error = Pack::read(&text).expect_err(when);
        let problem = error.problems.iter().find(|problem| problem.to_string().contains(expected));
        let problem = problem.unwrap_or_else(|| panic!("{when}: {error}"));
        let rule = text.lines().position(|line| line == "[[rule]]").unwrap() + 1;
        assert!(problem.line >= rule && problem.line <= rule + 8, "{when}: line {} of a rule at {rule}", problem.line);
    }
}

#[test]
fn a_parameter_that_nobody_can_set_is_refused() {
    let text = pack(NEVER, NEVER, "given = []\nexpect = []").replace("override = { patient = [1, 200] }\n", "");
    let error = Pack::read(&text).expect_err("no value").to_string();
    assert!(error.contains("param own: nobody can give it a value"), "{error}");
}
