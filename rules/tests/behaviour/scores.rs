//! NEWS2 as the protocol we ship has it: exact on every band edge of the published table, an interval while parts are
//! missing; and a table with a mistake is refused with its line and advice.

use proptest::prelude::*;
use rules::pack::{Given, Level, Override, Pack, SHIPPED, Settings, score::Total};
use serde_json::Value;
use std::sync::LazyLock;
use vitals::{Decimal, bounded::Text, id::StaffId, measure::Acvpu};

/// Public cases, copied unchanged; each names its source.
const VECTORS: &str = include_str!("../vectors/clinical.jsonl");

fn news2_text() -> &'static str {
    SHIPPED.into_iter().find(|text| text.contains("id = \"news2\"")).expect("we ship it")
}

static NEWS2: LazyLock<Pack> = LazyLock::new(|| Pack::read(news2_text()).expect("reads"));

/// Each part as the cases call it, as the score does, and as a pack calls what it reads.
const PARTS: [(&str, &str, &str); 7] = [
    ("respiratory_rate", "breathing rate", "respiratory_rate"),
    ("spo2", "oxygen level", "spo2"),
    ("air_or_oxygen", "air or oxygen", "oxygen"),
    ("systolic_bp", "upper blood pressure", "systolic"),
    ("pulse", "pulse", "pulse"),
    ("consciousness", "consciousness", "consciousness"),
    ("temperature", "temperature", "temperature"),
];

fn scale(scale: i64) -> Settings {
    let at = chrono::DateTime::UNIX_EPOCH;
    let own = Override {
        pack: "news2".to_owned(),
        name: "spo2_scale".to_owned(),
        level: Level::Patient,
        value: Decimal::from_parts(scale, 0).unwrap(),
        author: StaffId::parse("st-ada").unwrap(),
        reason: Text::new("confirmed hypercapnic failure").unwrap(),
        at,
        review_at: at + chrono::TimeDelta::days(90),
        temporary: None,
    };
    Settings::new([&*NEWS2], &[own], at).expect("may be set")
}

fn total(given: &[(&str, Given)], settings: &Settings) -> Total {
    let news2 = NEWS2.scores.iter().find(|score| score.id == "news2").expect("the score");
    news2.total_of(given, settings).expect("something is known")
}

fn points(total: &Total, part: &str) -> Option<(i64, i64)> {
    total.parts.iter().find(|known| known.name == part).expect("a part").points
}

fn number(value: &Value) -> Given {
    Given::Number(Decimal::parse(&value.to_string()).expect("a decimal"))
}

fn word_of(on_oxygen: bool) -> Given {
    Given::Word(if on_oxygen { "oxygen" } else { "air" }.to_owned())
}

fn level(letter: &Value) -> Given {
    Given::Word(Acvpu::from_letter(letter.as_str().unwrap()).unwrap().name().to_owned())
}

fn rows(kind: &str) -> Vec<Value> {
    let rows = VECTORS.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    rows.filter(|row| row["kind"] == kind).collect()
}

#[test]
fn every_published_band_edge_scores_as_the_table_has_it() {
    let rows = rows("news2_param");
    assert_eq!(rows.len(), 56);
    for row in &rows {
        let input = &row["input"];
        let (param, value) = (input["param"].as_str().unwrap(), &input["value"]);
        let is_on_oxygen = input["on_oxygen"].as_bool();
        let (mut given, part, settings) = match param {
            "consciousness" => (vec![("consciousness", level(value))], param, Settings::default()),
            "supplemental_oxygen" => {
                (vec![("oxygen", word_of(value.as_bool().unwrap()))], "air or oxygen", Settings::default())
            }
            _ => {
                let (_, part, item) =
                    PARTS.into_iter().find(|(case, ..)| *case == param).unwrap_or_else(|| panic!("{row}"));
                (vec![(item, number(value))], part, input["scale"].as_i64().map(scale).unwrap_or_default())
            }
        };
        given.extend(is_on_oxygen.map(|is_on_oxygen| ("oxygen", word_of(is_on_oxygen))));
        let expected = row["expected"]["score"].as_i64().unwrap();
        assert_eq!(points(&total(&given, &settings), part), Some((expected, expected)), "{row}");
    }
}

/// The parts of a whole set, as a case has them.
fn whole(input: &Value) -> Vec<(&'static str, Given)> {
    PARTS
        .into_iter()
        .map(|(case, _, item)| {
            let said = match case {
                "air_or_oxygen" => word_of(input["on_oxygen"].as_bool().unwrap()),
                "consciousness" => level(&input["consciousness"]),
                _ => number(&input[case]),
            };
            (item, said)
        })
        .collect()
}

#[test]
fn whole_sets_score_as_published_and_with_parts_missing_lie_between() {
    let rows = rows("news2_total");
    assert_eq!(rows.len(), 14);
    for row in &rows {
        let settings = scale(row["input"]["spo2_scale"].as_i64().unwrap());
        let (given, expected) = (whole(&row["input"]), &row["expected"]);
        let all = total(&given, &settings);
        let want = expected["total"].as_i64().unwrap();
        assert_eq!((all.low, all.high, all.missing().count()), (want, want, 0), "{row}");
        let any_3 = all.parts.iter().any(|part| part.points.is_some_and(|(low, _)| low >= 3));
        assert_eq!(any_3, expected["any_single_3"].as_bool().unwrap(), "{row}");
        for (case, part, _) in PARTS {
            let want = expected["parts"][case].as_i64().unwrap();
            assert_eq!(points(&all, part), Some((want, want)), "{row}");
        }
        // Every set of parts that may be known: 1 to 126 of the 127.
        for known in 1..(1_usize << given.len()) {
            let some: Vec<_> = given
                .iter()
                .enumerate()
                .filter(|(place, _)| known >> place & 1 == 1)
                .map(|(_, said)| said.clone())
                .collect();
            let partial = total(&some, &settings);
            assert!(partial.low <= want && want <= partial.high, "{row}: {partial:?}");
            assert_eq!(partial.missing().count(), given.len() - some.len());
        }
    }
}

#[test]
fn on_scale_2_without_word_of_oxygen_a_high_value_is_an_interval() {
    let high = total(&[("spo2", Given::Number(Decimal::from(97)))], &scale(2));
    assert_eq!(points(&high, "oxygen level"), Some((0, 3)));
    let low = total(&[("spo2", Given::Number(Decimal::from(83)))], &scale(2));
    assert_eq!(points(&low, "oxygen level"), Some((3, 3)));
    assert_eq!(high.in_words(), "1 of 7 known, 0 to 20");
}

proptest! {
    /// What stands between two steps is brought to one before it is looked up; beyond the published range it is the edge's.
    #[test]
    fn every_temperature_has_its_points(hundredths in 2_000_i64..4_600) {
        let given = Given::Number(Decimal::from_parts(hundredths, -2).unwrap());
        let tenths = (hundredths + 5) / 10;
        let want = match tenths { ..=350 => 3, 351..=360 => 1, 361..=380 => 0, 381..=390 => 1, _ => 2 };
        prop_assert_eq!(points(&total(&[("temperature", given)], &Settings::default()), "temperature"), Some((want, want)));
    }
}

#[test]
fn a_table_with_a_mistake_is_refused_with_its_line_and_advice() {
    let rows = [
        (
            "{ from = 9, to = 11, points = 1 }",
            "{ from = 10, to = 11, points = 1 }",
            "a gap between 8 and 10: begin at 9",
        ),
        ("{ from = 9, to = 11, points = 1 }", "{ from = 8, to = 11, points = 1 }", "is in two bands: begin at 9"),
        ("{ from = \"35.1\", to", "{ from = \"35.15\", to", "begins and ends on a step of 0.1"),
        ("{ to = 8, points = 3 }", "{ from = 0, to = 8, points = 3 }", "the first band, and no other, has no from"),
        ("{ from = 25, points = 3 }", "{ from = 25, to = 60, points = 3 }", "the last band, and no other, has no to"),
        ("{ from = 9, to = 11, points", "{ from = 9, to = 7, points", "wrong way round"),
        ("unit = \"Cel\"", "unit = \"C\"", "UCUM"),
        ("unit = \"Cel\"", "unit = \"[degF]\"", "is in [degF] but temperature is in Cel"),
        ("source = \"Royal College of Physicians, NEWS2 (2017), Chart 1\"\n", "", "a table without a source"),
        ("max = 20", "max = 21", "come to at most 20, and max says 21"),
        ("words = { air = 0, oxygen = 2 }", "words = { air = 0 }", "the points of each word"),
        ("words = { air = 0, oxygen = 2 }", "words = { air = 0, oxygen = 2, helium = 3 }", "the points of each word"),
        ("said = \"oxygen\", is = \"air\"", "said = \"oxygen\", is = \"smoke\"", "oxygen is one of air, oxygen"),
        ("of = [\"spo2\"]", "of = [\"spo3\"]", "measure catalogue"),
        ("score = \"news2\", at_least = 7", "score = \"news3\", at_least = 7", "score news3 is not in the pack"),
        ("is_set = \"usual_news2\"", "is_set = \"usual\"", "param usual is not in the pack"),
        ("step = \"0.1\"", "step = 0", "write a step above 0"),
        ("engine_min = 2", "engine_min = 1", "write engine_min = 2"),
        ("set = { usual_news2 = 1 }", "set = { usual = 1 }", "param usual is not in the pack"),
    ];
    for (from, to, expected) in rows {
        let text = news2_text().replacen(from, to, 1);
        assert_ne!(text, news2_text(), "{from} is not in the pack");
        let error = Pack::read(&text).expect_err(to);
        let problem = error.problems.iter().find(|problem| problem.to_string().contains(expected));
        let problem = problem.unwrap_or_else(|| panic!("{to}: {error}"));
        let begins = text.bytes().take(problem.offset).filter(|byte| *byte == b'\n').count() + 1;
        assert_eq!(problem.line, begins, "{to}: its line is not that of its place");
    }
    // The line is that of the band itself.
    let text = news2_text().replacen("{ from = 9, to = 11, points = 1 }", "{ from = 10, to = 11, points = 1 }", 1);
    let line = text.lines().position(|line| line.contains("{ from = 10, to = 11")).unwrap() + 1;
    assert_eq!(Pack::read(&text).unwrap_err().problems[0].line, line);
}
