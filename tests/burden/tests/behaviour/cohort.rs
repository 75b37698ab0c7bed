//! The cohort: the same from the same seed, labelled before any rule runs, at the rates its parameters say, and frozen.

use burden::{
    cohort::{Cohort, Kind, Stratum},
    frozen,
    parameters::{FILE, Parameters},
};
use std::{collections::BTreeMap, fs, path::Path, sync::LazyLock};

/// The parameters with a fifth of the people: enough for rates over twenty seeds.
fn smaller() -> Parameters {
    Parameters::read(FILE).unwrap().scaled("people.", "", 1, 5)
}

/// What twenty seeds came to.
#[derive(Debug, Default)]
struct Seen {
    episodes: BTreeMap<(String, Stratum), i64>,
    days_at_risk: BTreeMap<Stratum, i64>,
    readings: BTreeMap<Kind, i64>,
    wrong: BTreeMap<Kind, i64>,
    shared: i64,
    misfiled: i64,
    people: BTreeMap<Stratum, i64>,
    with: BTreeMap<(&'static str, Stratum), i64>,
    late: i64,
    all: i64,
}

static TWENTY: LazyLock<Seen> = LazyLock::new(|| {
    let parameters = smaller();
    let mut seen = Seen::default();
    for seed in 1..=20 {
        let cohort = Cohort::generate(&parameters, seed).unwrap();
        for label in &cohort.labels {
            let stratum = cohort.person(label.person).unwrap().stratum;
            *seen.episodes.entry((label.cause.clone(), stratum)).or_default() += 1;
        }
        for (stratum, days) in Stratum::ALL.into_iter().zip(cohort.days_at_risk) {
            *seen.days_at_risk.entry(stratum).or_default() += days;
        }
        for person in &cohort.people {
            *seen.people.entry(person.stratum).or_default() += 1;
            for (what, has) in
                [("scale_2", person.scale_2), ("on_oxygen", person.on_oxygen), ("shared_hub", person.shares_hub)]
            {
                *seen.with.entry((what, person.stratum)).or_default() += i64::from(has);
            }
        }
        for reading in &cohort.readings {
            *seen.readings.entry(reading.kind).or_default() += 1;
            *seen.wrong.entry(reading.kind).or_default() += i64::from(reading.is_wrongly_taken);
            let is_shared = cohort.person(reading.of).unwrap().shares_hub;
            seen.shared += i64::from(is_shared);
            seen.misfiled += i64::from(reading.person != reading.of);
            seen.all += i64::from(reading.kind != Kind::Sensor);
            seen.late += i64::from(reading.kind != Kind::Sensor && reading.arrived - reading.taken > 3600);
        }
    }
    seen
});

/// Whether a count is what so many chances of so many thousandths of a per cent give, within five standard deviations and
/// some room for what chances are not independent.
fn is_about(count: i64, chances: i64, thousandths: i64) -> bool {
    let expected = chances * thousandths / 100_000;
    let room = 5 * expected.isqrt() + expected / 12 + 3;
    (count - expected).abs() <= room
}

#[test]
fn a_count_far_from_its_rate_is_noticed() {
    assert!(is_about(670, 100_000, 670) && is_about(600, 100_000, 670));
    assert!(!is_about(450, 100_000, 670) && !is_about(900, 100_000, 670) && !is_about(0, 100_000, 670));
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_seed_others() {
    let parameters = smaller();
    let hash = |seed| frozen::canonical(&Cohort::generate(&parameters, seed).unwrap());
    assert_eq!(hash(7), hash(7));
    assert_ne!(hash(7), hash(8));
    let first_lines = |seed| -> Vec<String> {
        let cohort = Cohort::generate(&parameters, seed).unwrap();
        cohort.lines().take(50).map(|line| serde_json::to_string(&line).unwrap()).collect()
    };
    assert_eq!(first_lines(7), first_lines(7));
}

/// A generator that is changed after protocols were tuned on it would decide nothing.
#[test]
fn the_generator_is_as_it_was_frozen() {
    let now = frozen::hashes().unwrap();
    assert_eq!(now, frozen::FROZEN, "changed on purpose? `bench-burden freeze` prints the new hashes for frozen.txt");
    let changed = FILE.replacen("value = \"2.9\"", "value = \"3.0\"", 1);
    assert!(!frozen::FROZEN.contains(&blake3::hash(changed.as_bytes()).to_hex().to_string()));
}

/// Nothing of the cohort or the judge can see a rule: labels are made without them.
#[test]
fn the_cohort_and_the_judge_do_not_use_the_rules() {
    let uses = |text: &str| text.lines().any(|line| !line.trim_start().starts_with("//") && line.contains("rules::"));
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = 0;
    for folder in ["cohort", "judge"] {
        for file in fs::read_dir(source.join(folder)).unwrap() {
            let path = file.unwrap().path();
            assert!(!uses(&fs::read_to_string(&path).unwrap()), "{}", path.display());
            files += 1;
        }
    }
    assert!(files >= 10, "{files} files");
    assert!(
        uses(&fs::read_to_string(source.join("ours/mod.rs")).unwrap()),
        "the same look finds the rules where they are"
    );
}

#[test]
fn episodes_come_at_the_rates_of_their_parameters() {
    let parameters = smaller();
    let mut rows = 0;
    for cause in parameters.causes() {
        for stratum in Stratum::ALL {
            let rate = parameters.maybe(&format!("cause.{}.rate.{}", cause.name, stratum.name())).unwrap_or(0);
            let count = TWENTY.episodes.get(&(cause.name.clone(), stratum)).copied().unwrap_or(0);
            let days = TWENTY.days_at_risk[&stratum];
            assert!(
                is_about(count, days, rate),
                "{} in {}: {count} in {days} days at {rate}",
                cause.name,
                stratum.name()
            );
            rows += i64::from(rate > 0);
        }
    }
    assert!(rows >= 20, "{rows}");
}

/// Twente: about 0.67 truly actionable episodes in 100 patient-days of stable heart failure.
#[test]
fn heart_failure_has_the_published_rate_of_actionable_episodes() {
    let count: i64 = TWENTY
        .episodes
        .iter()
        .filter(|((_, stratum), _)| *stratum == Stratum::HeartFailure)
        .map(|(_, count)| count)
        .sum();
    let days = TWENTY.days_at_risk[&Stratum::HeartFailure];
    let in_ten_thousand_days = 10_000 * count / days;
    assert!((60..=80).contains(&in_ten_thousand_days), "{in_ten_thousand_days}");
}

#[test]
fn errors_of_technique_and_of_person_come_at_their_rates() {
    let parameters = smaller();
    for kind in [Kind::Pressure, Kind::Oximetry, Kind::Weight, Kind::Temperature, Kind::Glucose] {
        let rate = parameters.milli(&format!("technique.{}.rate", kind.name())).unwrap();
        assert!(is_about(TWENTY.wrong[&kind], TWENTY.readings[&kind], rate), "{kind:?}");
    }
    assert!(is_about(TWENTY.misfiled, TWENTY.shared, parameters.milli("wrong_person.rate").unwrap()));
    // An outage of 1 to 61 hours begins on one day in a hundred: 1.3% of the time, and of the readings.
    let outage =
        parameters.milli("outage.rate").unwrap() * (parameters.whole("outage.hours_max").unwrap() / 2 + 1) / 24;
    assert!(is_about(TWENTY.late, TWENTY.all, outage), "{} of {}", TWENTY.late, TWENTY.all);
}

#[test]
fn people_are_as_their_parameters_say() {
    let parameters = smaller();
    for stratum in Stratum::ALL {
        let people = TWENTY.people[&stratum];
        assert_eq!(people, 20 * parameters.whole(&format!("people.{}", stratum.name())).unwrap(), "{stratum:?}");
        for what in ["scale_2", "on_oxygen"] {
            let rate = parameters.maybe(&format!("{what}.{}", stratum.name())).unwrap_or(0);
            assert!(is_about(TWENTY.with[&(what, stratum)], people, rate), "{what} in {stratum:?}");
        }
    }
    assert_eq!(TWENTY.with[&("shared_hub", Stratum::CareHome)], TWENTY.people[&Stratum::CareHome]);
    assert_eq!(TWENTY.with[&("shared_hub", Stratum::Sensor)], 0);
}

#[test]
fn a_label_is_seen_in_a_reading_of_that_person_within_its_course() {
    let cohort = Cohort::generate(&smaller(), 3).unwrap();
    let mut visible = 0;
    for label in &cohort.labels {
        let Some(first) = label.first_visible else { continue };
        let reading = &cohort.readings[usize::try_from(first.reading).unwrap()];
        assert_eq!((reading.person, reading.of), (label.person, label.person));
        assert!(label.onset <= first.taken && first.taken <= first.arrived, "{label:?}");
        assert!(first.arrived <= first.latest_useful && first.latest_useful <= label.ends, "{label:?}");
        assert_eq!((first.taken, first.arrived), (reading.taken, reading.arrived));
        visible += 1;
    }
    assert!(visible > 100, "{visible} of {}", cohort.labels.len());
}

/// Nobody measures at home while in hospital or away, and nothing is asked of them.
#[test]
fn on_paused_days_nothing_is_due_and_nobody_sits_down_to_measure() {
    let cohort = Cohort::generate(&smaller(), 2).unwrap();
    let is_paused = |person, day| cohort.person(person).unwrap().is_paused(day);
    assert!(cohort.people.iter().any(|person| person.paused.iter().any(|day| *day)));
    assert!(cohort.due.iter().all(|due| !is_paused(due.person, due.day)));
    assert!(cohort.readings.iter().all(|reading| !is_paused(reading.of, cohort.calendar.day_of(reading.taken))));
}

#[test]
fn the_same_repeat_is_given_whoever_asks() {
    let cohort = Cohort::generate(&smaller(), 4).unwrap();
    let mut done = 0;
    for place in 0..1000_u32 {
        let first = &cohort.readings[usize::try_from(place).unwrap()];
        let repeat = cohort.repeat(place, first.arrived);
        assert_eq!(repeat, cohort.repeat(place, first.arrived));
        if let Some(repeat) = repeat {
            assert_eq!((repeat.person, repeat.of, repeat.kind), (first.person, first.of, first.kind));
            assert!(repeat.taken >= first.arrived + 300 && repeat.arrived > repeat.taken);
            done += 1;
        }
    }
    assert!(is_about(done, 1000, 75_000), "{done}");
}

/// Every reading has a form on the wire, as the service would admit it, under the pseudonym.
#[test]
fn every_reading_has_its_form_on_the_wire_in_order_of_arrival() {
    let cohort = Cohort::generate(&smaller(), 5).unwrap();
    let lines: Vec<_> = cohort.lines().collect();
    assert_eq!(lines.len(), cohort.readings.len());
    let moments: Vec<&str> = lines.iter().map(|line| line.received_at.as_str()).collect();
    assert!(moments.is_sorted());
    let ids: std::collections::BTreeSet<&str> = lines.iter().map(|line| line.reading.id.as_str()).collect();
    assert_eq!(ids.len(), lines.len(), "two readings have one id");
    let kinds: std::collections::BTreeSet<&str> = lines.iter().map(|line| line.reading.kind.as_str()).collect();
    assert!(kinds.len() >= 9, "{kinds:?}");
    let written = serde_json::to_string(&lines[0]).unwrap();
    let read: vitals::wire::v1::Reading = serde_json::from_str(&written).unwrap();
    assert_eq!(read, lines[0].reading);
    assert!(read.patient.unwrap().starts_with("pt-5-"));
}
