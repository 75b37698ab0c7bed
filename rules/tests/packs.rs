//! Every pack we ship reads, passes its own tests, and is approved as it stands; a pack with a mistake is refused with
//! its line. Each row of `mistakes` plants one mistake in the demo's pack.

use rules::{
    Audience,
    pack::{ActivePack, Pack, SignedError, demo_pack},
};
use vitals::Kind;

const PACK: &str = include_str!("../packs/demo-home-bp.toml");
const APPROVALS: &str = include_str!("../packs/demo-home-bp.signed.toml");

#[test]
fn the_demo_pack_is_approved_as_it_stands_and_passes_its_own_tests() {
    let read = Pack::read(PACK).expect("reads");
    assert!(APPROVALS.contains(&read.content_hash), "the approvals must name the hash {}", read.content_hash);
    let pack = demo_pack().expect("approved");
    assert_eq!(pack.pack().failed_tests(), Vec::<String>::new());
    assert!(pack.pack().is_demo_only);
}

#[test]
fn a_pack_whose_own_test_is_wrong_says_so() {
    let text = PACK.replace(
        r#"[["0m", "pending", "home-bp-amber"], ["6m", "raise", "home-bp-amber"]]"#,
        r#"[["0m", "raise", "home-bp-amber"]]"#,
    );
    assert_eq!(Pack::read(&text).expect("reads").failed_tests().len(), 1);
}

#[test]
fn a_changed_pack_is_not_an_approved_pack() {
    let changed = Pack::read(&PACK.replace("default = 170", "default = 175")).expect("reads");
    assert!(matches!(ActivePack::new(changed, APPROVALS), Err(SignedError::Changed { .. })));
}

#[test]
fn approval_takes_three_different_people_and_the_right_status() {
    let check =
        |from: &str, to: &str| ActivePack::new(Pack::read(PACK).unwrap(), &APPROVALS.replace(from, to)).map(|_| ());
    assert_eq!(check("", ""), Ok(()));
    assert_eq!(check("Demo lead", "demo author "), Err(SignedError::NotThreePeople));
    assert_eq!(check("clinical_lead", "author"), Err(SignedError::NotThreePeople));
    assert_eq!(check("\"approved\"", "\"draft\""), Err(SignedError::NotApproved));
    assert!(matches!(check("\"1.0.0\"", "\"1.0.1\""), Err(SignedError::OtherPack { .. })));
}

#[test]
fn mistakes_are_refused_with_their_line_and_advice() {
    let rows = [
        ("demo_only = true", "demo_onyl = true", "unknown field"),
        ("engine_min = 1", "engine_min = 3", "update the program"),
        ("default = 170\n", "default = 200\n", "outside its own range"),
        ("footprint = [160, 180], patient = [160, 180]", "footprint = [180, 160]", "wrong way round"),
        ("default = 170\n", "default = 170.5\n", "decimal in quotes"),
        ("\"param:systolic_red\" },\n", "\"param:systolic_rde\" },\n", "is not in the pack"),
        ("latest = \"systolic\", at_least", "latest = \"sistolic\", at_least", "measure catalogue"),
        (
            "latest = \"diastolic\", at_least = \"param:diastolic_red\"",
            "latest = \"spo2\", at_least = 90",
            "one rule for each",
        ),
        (
            "{ latest = \"systolic\", at_least = \"param:systolic_red\" },",
            "{ latest = \"systolic\" },",
            "compare it once",
        ),
        ("unit = \"mm[Hg]\"\ndefault = 170", "unit = \"mmHg\"\ndefault = 170", "UCUM"),
        ("unit = \"mm[Hg]\"\ndefault = 170", "unit = \"kPa\"\ndefault = 170", "param systolic_red is in kPa"),
        ("call 999 now.", "ring us.", "when to call 999"),
        ("yields_to = [\"home-bp-red\"]", "yields_to = [\"home-bp-amber\"]", "more urgent rule"),
        (
            "after = \"1m\", within = \"15m\", confirm",
            "after = \"20m\", within = \"15m\", confirm",
            "window ends before",
        ),
        ("patient_message = \"act-now\"", "patient_message = \"act-nwo\"", "not in the pack"),
        ("actionable_for = \"30m\"", "actionable_for = \"30 minutes\"", "span of time"),
        ("id = \"home-bp-amber\"", "id = \"home-bp-red\"", "two rules are called"),
        // Found 2026-11-22: each of these was taken, and something was silently not said or not compared.
        ("again now. If you feel very unwell, call 999.", "again now. Call 999 now.", "never says to call 999 now"),
        (
            "late_patient_message = \"late\"\nclinician_message = \"act-now-c\"",
            "clinician_message = \"act-now-c\"",
            "asks the person for a fresh reading",
        ),
        (", prompt = \"check-again\"", "", "nobody asks for the repeat"),
        ("below = \"param:systolic_red\", minus = 5", "below = 170, minus = 5", "moves a parameter"),
        (
            "below = \"param:systolic_red\", minus = 5",
            "below = \"param:systolic_red\", plus = 999999999999",
            "too large",
        ),
        ("when = { any = [", "when = { at_least = 170, any = [", "a condition is one of"),
        ("when = { all = [", "when = { minus = 5, all = [", "a condition is one of"),
    ];
    for (from, to, expected) in rows {
        let text = PACK.replacen(from, to, 1);
        assert_ne!(text, PACK, "{from} is not in the pack");
        let error = Pack::read(&text).expect_err(to);
        assert!(error.problems.iter().any(|problem| problem.to_string().contains(expected)), "{to}: {error}");
        for problem in &error.problems {
            assert!(problem.line >= 1 && !problem.advice.is_empty(), "{to}: {problem}");
            assert_ne!(problem.advice, "see the reference of the format", "{to}: no advice of its own: {problem}");
        }
    }
    let line = PACK.lines().position(|line| line.starts_with("default = 170")).unwrap() + 1;
    let error = Pack::read(&PACK.replacen("default = 170", "default = 170.5", 1)).unwrap_err();
    assert_eq!(error.problems[0].line, line);
    let without_sources: String = PACK
        .replace("[[pack.sources]]", "[[removed]]")
        .lines()
        .filter(|line| !line.starts_with("[[removed]]") && !line.starts_with("ref ="))
        .collect::<Vec<_>>()
        .join("\n");
    assert!(Pack::read(&without_sources).unwrap_err().to_string().contains("source"));
}

/// What is underlined of each of the mistakes a clinical lead makes most: the text itself, and what to do.
#[test]
fn wholesale_mistakes_are_underlined() {
    let news2 = include_str!("../packs/news2.toml");
    let rows = [
        (news2, "{ from = 9, to = 11, points = 1 }", "{ from = 10, to = 11, points = 1 }", None, "begin at 9"),
        (news2, "{ from = 9, to = 11, points = 1 }", "{ from = 8, to = 11, points = 1 }", None, "begin at 9"),
        (
            PACK,
            "unit = \"mm[Hg]\"\ndefault = 170",
            "unit = \"mmHg\"\ndefault = 170",
            Some("\"mmHg\""),
            "write it in UCUM",
        ),
        (PACK, "default = 170\n", "default = 200\n", Some("200"), "choose a value inside"),
        (PACK, "[[pack.sources]]\n", "[[rule_sources]]\n", None, "write one that the format has"),
        (
            news2,
            "source = \"Royal College of Physicians, NEWS2 (2017), Chart 1\"\n",
            "",
            Some("[[score]]"),
            "add source",
        ),
    ];
    for (text, from, to, underlined, advice) in rows {
        let text = text.replacen(from, to, 1);
        let error = Pack::read(&text).expect_err(to);
        let problem = &error.problems[0];
        assert!(problem.advice.contains(advice), "{to}: {problem}");
        let begins = text.get(problem.span()).expect("whole characters");
        if to.contains("points") {
            assert_eq!(begins, to);
        }
        assert!(underlined.is_none_or(|underlined| begins == underlined), "{to}: {begins}");
    }
}

/// A pack can hold itself to what unsure readings must not do. Each row is tried as it is, and with a sure reading in its
/// place, which must end otherwise: a row that passes either way shows nothing.
#[test]
fn a_packs_own_test_can_say_what_is_not_sure_of_a_reading() {
    let given = r#"given = [["0m", "systolic", 156], ["0m", "diastolic", 97], ["6m", "systolic", 134], ["6m", "diastolic", 84]]"#;
    let expect = r#"expect = [["0m", "pending", "home-bp-amber"], ["15m", "raise", "home-bp-amber"]]"#;
    let failed = |unsure: &str| {
        let text = format!("{PACK}\n[[test]]\nname = \"unsure\"\n{given}\n{unsure}\n{expect}\n");
        Pack::read(&text).map(|pack| pack.failed_tests().len()).map_err(|error| error.to_string())
    };
    for (unsure, fails) in [
        ("", 1),
        (r#"unsure = [{ at = "6m", quality = ["device_doubts"] }]"#, 0),
        (r#"unsure = [{ at = "6m", quality = ["undated_from_memory"] }]"#, 0),
        (r#"unsure = [{ at = "6m", quality = ["body_movement"] }]"#, 1),
        (r#"unsure = [{ at = "6m", clock = "not_read" }]"#, 1),
        (r#"unsure = [{ at = "6m", clock = "not_read", dated_before = "30d" }]"#, 0),
    ] {
        assert_eq!(failed(unsure), Ok(fails), "{unsure}");
    }
    for (unsure, expected) in [
        (r#"unsure = [{ at = "5m", quality = ["device_doubts"] }]"#, "no reading is given then"),
        (r#"unsure = [{ at = "6m", quality = ["doubtful"] }]"#, "nothing that is noticed"),
        (r#"unsure = [{ at = "6m", dated_before = "30d" }]"#, "nobody compared"),
        (r#"unsure = [{ at = "6m", clock = "wrong" }]"#, "unknown variant"),
    ] {
        let error = failed(unsure).expect_err(unsure);
        assert!(error.contains(expected), "{unsure}: {error}");
    }
}

/// A pack with one rule, for its words to be exchanged.
fn one_rule(head: &str, rule: &str, rest: &str) -> String {
    format!(
        "[pack]\nid = \"one\"\ntitle = \"One\"\nversion = \"1\"\nengine_min = 2\n{head}\n[[pack.sources]]\nref = \"invented\"\n[message.m]\nen = \"m\"\n{rest}\n\
         [[rule]]\nid = \"it\"\ntitle = \"It\"\nharm = \"minor\"\nonset = \"prompt\"\n{rule}\nactionable_for = \"1d\"\nraise_again_after = \"1d\"\nclinician_message = \"m\"\n"
    )
}

const YES: &str = "when = { said = \"answer:worse\", is = \"yes\" }\nclear = { count = 1, when = { said = \"answer:worse\", is = \"no\" } }";

#[test]
fn a_pack_asks_at_most_three_questions_and_each_is_of_use() {
    let question =
        |code: &str, with: &str| format!("[[question]]\ncode = \"{code}\"\nwith = [\"{with}\"]\nen = \"Worse?\"\n");
    let read = |questions: &str| Pack::read(&one_rule("", YES, questions)).map_err(|error| error.to_string());
    let pack = read(&question("worse", "weight")).expect("reads");
    assert_eq!(pack.asks_with(Kind::Weight, &[]).count(), 1);
    assert_eq!(pack.asks_with(Kind::Pulse, &[]).count(), 0);
    let after = format!("{}after = \"it\"\n", question("worse", "weight"));
    let pack = read(&after).expect("reads");
    assert_eq!((pack.asks_with(Kind::Weight, &[]).count(), pack.asks_with(Kind::Weight, &["it"]).count()), (0, 1));
    for (questions, expected) in [
        (question("worse", "weight").repeat(4), "at most 3 questions"),
        (question("worse", "weight").repeat(2), "asked twice"),
        (question("better", "weight"), "no rule makes anything of its answer"),
        (question("worse", "wieght"), "wieght is no measure"),
        (question("Worse?", "weight"), "no question's code"),
        (question("worse", "weight").replace("\"Worse?\"", "\" \""), "say what is asked"),
        (after.replace("\"it\"", "\"that\""), "asked after that, which is not in the pack"),
    ] {
        let error = read(&questions).expect_err(expected);
        assert!(error.contains(expected), "{expected}: {error}");
    }
}

/// What no published protocol does runs on trial, whoever approves it: it is judged, and nobody is told.
#[test]
fn what_is_for_trials_is_refused_elsewhere_and_never_told() {
    let rule = |when: &str, clear: &str| format!("when = {{ {when} }}\nclear = {{ count = 1, when = {{ {clear} }} }}");
    let sensor = [100, 95, 90, 84].iter().enumerate();
    let sensor: Vec<String> =
        sensor.map(|(step, mg)| format!("[\"{}m\", \"glucose_interstitial_mg\", {mg}]", step * 5)).collect();
    let days = |amounts: [&str; 12]| {
        let days = amounts.iter().enumerate().map(|(day, kg)| format!("[\"{}h\", \"weight\", \"{kg}\"]", day * 24 + 1));
        days.collect::<Vec<_>>().join(", ")
    };
    let steady = days(["80.0", "80.2", "79.9", "80.1", "80.0", "79.8", "80.1", "80.0", "80.2", "79.9", "80.1", "82.0"]);
    let drift = days(["80.0", "80.2", "79.9", "80.1", "80.0", "79.8", "80.4", "80.6", "80.8", "80.9", "81.1", "81.2"]);
    let rows = [
        (
            rule(
                "unusual = \"weight\", over = \"60d\", readings_min = 8, at_least = 3",
                "unusual = \"weight\", over = \"60d\", readings_min = 8, below = 3",
            ),
            steady.clone(),
            "[\"265h\", \"raise\", \"it\"]",
        ),
        (
            rule(
                "cusum = \"weight\", over = \"30d\", slack = \"0.2\", at_least = 3",
                "cusum = \"weight\", over = \"30d\", slack = \"0.2\", below = 1",
            ),
            drift,
            "[\"265h\", \"raise\", \"it\"]",
        ),
        (
            rule(
                "cusum = \"weight\", over = \"30d\", slack = \"0.2\", at_least = 3",
                "cusum = \"weight\", over = \"30d\", slack = \"0.2\", below = 1",
            ),
            steady,
            "",
        ),
        (
            rule(
                "forecast = \"glucose_interstitial_mg\", over = \"15m\", below = 80",
                "forecast = \"glucose_interstitial_mg\", over = \"15m\", at_least = 80",
            ),
            sensor.join(", "),
            "[\"15m\", \"raise\", \"it\"]",
        ),
    ];
    for (rule, given, expect) in rows {
        let test = format!("[[test]]\nname = \"it\"\ngiven = [{given}]\nexpect = [{expect}]\n");
        let error = Pack::read(&one_rule("", &rule, "")).expect_err(&rule).to_string();
        assert!(error.contains("write trial_only = true"), "{error}");
        let pack =
            Pack::read(&(one_rule("trial_only = true", &rule, "") + &test)).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(pack.failed_tests(), Vec::<String>::new(), "{rule}");
        let people = [("author", "A"), ("clinical_lead", "B"), ("safety_officer", "C")]
            .map(|(role, name)| format!("[[approval]]\nrole = \"{role}\"\nname = \"{name}\"\n"))
            .concat();
        let hash = pack.content_hash.clone();
        let signed =
            format!("pack = \"one\"\nversion = \"1\"\ncontent_hash = \"{hash}\"\nstatus = \"approved\"\n{people}");
        assert!(
            ActivePack::new(pack, &signed).expect("approved").pack().is_on_trial,
            "approved, and on trial all the same"
        );
    }
    let elsewhere =
        rule("forecast = \"weight\", over = \"15m\", below = 70", "forecast = \"weight\", over = \"15m\", above = 70");
    let error = Pack::read(&one_rule("trial_only = true", &elsewhere, "")).expect_err("a weight").to_string();
    assert!(error.contains("only a sensor's glucose is forecast"), "{error}");
    let no_slack =
        rule("cusum = \"weight\", over = \"30d\", above = 3", "cusum = \"weight\", over = \"30d\", below = 1");
    let error = Pack::read(&one_rule("trial_only = true", &no_slack, "")).expect_err("no slack").to_string();
    assert!(error.contains("slack = \"0.2\""), "{error}");
}

#[test]
fn a_rule_about_nothing_measured_says_on_which_readings_it_is_asked() {
    let rule = |on: &str| {
        format!(
            "{on}\nwhen = {{ not = {{ quality_without = [\"device_doubts\"] }} }}\nclear = {{ count = 1, when = {{ quality_without = [\"device_doubts\"] }} }}"
        )
    };
    let pack =
        Pack::read(&one_rule("audience = \"technical\"", &rule("on = [\"spo2\", \"pulse\"]"), "")).expect("reads");
    assert_eq!(pack.rules[0].kinds.iter().copied().collect::<Vec<_>>().len(), 2);
    assert_eq!(pack.audience, Audience::Technical);
    for (text, expected) in [
        (rule(""), "say on which measures it is asked"),
        (rule("on = [\"oxygen\"]"), "oxygen is no measure"),
        (format!("on = [\"weight\"]\n{YES}"), "leave on out"),
    ] {
        let error = Pack::read(&one_rule("", &text, "")).expect_err(expected).to_string();
        assert!(error.contains(expected), "{expected}: {error}");
    }
}

/// The page that a clinical lead reads names every key that the program does, and its example runs.
#[test]
fn the_reference_names_every_key_and_its_example_runs() {
    let page = include_str!("../../docs/reference/protocols.md");
    let keys = include_str!("../src/pack/file.rs").lines().filter_map(|line| {
        let (key, _) = line.trim().strip_prefix("pub(super) ")?.split_once(": ")?;
        (!key.contains(' ')).then_some(key)
    });
    let mut read = 0;
    for key in keys {
        let key = match key {
            "held_for" => "for",
            "reference" => "ref",
            "levels" => "override",
            key => key,
        };
        let names = [
            format!(".{key}]]"),
            format!("`{key}`"),
            format!("`{key} "),
            format!("[{key}."),
            format!("[[{key}]]"),
            format!("[[score.{key}"),
        ];
        let is_named = names.iter().any(|name| page.contains(name.as_str()));
        assert!(is_named || page.contains(&format!("\n{key} = ")), "the reference does not name {key}");
        read += 1;
    }
    assert!(read > 80, "{read} keys: the file is read otherwise now");
    let example = page.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).expect("an example");
    let pack = Pack::read(example).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!((pack.tests.len(), pack.failed_tests()), (1, Vec::new()));
}
