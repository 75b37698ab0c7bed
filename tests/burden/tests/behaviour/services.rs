//! Streams whose worth is known without counting: nobody, an oracle, chance; then the two comparators and ours.

use burden::{
    bench::{self, Stress},
    cohort::{Cohort, Stratum},
    comparators::{self, Comparator},
    judge::{Verdict, World, compare::detection, judge},
    lines::{self, Alert, Fate, Priority, Prompt, Stream},
    ours::{
        self,
        family::Family,
        in_force::{InForce, Meant},
    },
    parameters::{Class, FILE, Parameters},
    rng::Rng,
    staff::taken_at,
    thresholds::{self, Judged},
};
use rules::pack::{Pack, SHIPPED};
use std::{collections::BTreeMap, sync::LazyLock};

struct Made {
    cohort: Cohort,
    judged: Judged,
    world: World,
    /// A rule that may detect each cause.
    rules: BTreeMap<String, String>,
}

static MADE: LazyLock<Made> = LazyLock::new(|| {
    let parameters = Parameters::read(FILE).unwrap().scaled("people.", "", 1, 5);
    let judged = Judged::read(thresholds::FILE, parameters.causes()).unwrap();
    let cohort = Cohort::generate(&parameters, 1).unwrap();
    let world = World::of(&cohort, &judged);
    let rules =
        judged.listed.iter().flat_map(|(rule, listed)| listed.causes.iter().map(|cause| (cause.clone(), rule.clone())));
    Made { world, rules: rules.collect(), cohort, judged }
});

fn made() -> &'static Made {
    &MADE
}

fn alert(person: u32, rule: &str, raised_at: i64, evidence: u32) -> Alert {
    Alert {
        person,
        rule: rule.into(),
        priority: Priority::High,
        raised_at,
        cleared_at: None,
        taken_at: Some(taken_at(Priority::High, raised_at, &made().cohort.calendar)),
        late: false,
        evidence: vec![Some(evidence)],
        fate: Fate::Shown,
        again: Vec::new(),
    }
}

/// Shares detected and informed, of all episodes that could be seen.
fn shares(verdict: &Verdict) -> (f64, f64) {
    let (episodes, detected, informed) = detection(&verdict.outcomes, |_| true);
    assert!(episodes > 200, "{episodes}");
    (detected, informed)
}

#[test]
fn never_alerting_detects_nothing() {
    let verdict = judge(&made().world, &Stream::default(), 1);
    assert_eq!(shares(&verdict), (0.0, 0.0));
    let figures = verdict.figures.values();
    assert_eq!(figures.clone().map(|one| one.clinical + one.welfare).sum::<u64>(), 0);
    assert!(figures.map(|one| one.reds_unseen).sum::<u64>() > 100, "and leaves every red unseen");
}

#[test]
fn an_oracle_detects_everything_that_can_be_seen_and_hardly_by_luck() {
    let made = made();
    let mut oracle = Stream::default();
    for label in &made.cohort.labels {
        let Some(first) = label.first_visible else { continue };
        oracle.alerts.push(alert(label.person, &made.rules[&label.cause], first.arrived, first.reading));
        oracle.prompts.push(Prompt {
            person: label.person,
            at: first.arrived,
            priority: Priority::High,
            says_999: true,
        });
    }
    let verdict = judge(&made.world, &oracle, 1);
    let (detected, informed) = shares(&verdict);
    assert!(verdict.void.is_empty() && (detected - 100.0).abs() < 1e-9, "{detected}");
    assert!(informed > 90.0, "{informed}");
}

/// Alerts on readings drawn at random, for whichever cause: what they find within days, another person's would find too.
#[test]
fn alerts_at_random_detect_by_luck_alone() {
    let made = made();
    let mut rng = Rng::of(1, &[99]);
    let mut random = Stream::default();
    let causes: BTreeMap<Stratum, Vec<&String>> = made.cohort.labels.iter().fold(BTreeMap::new(), |mut all, label| {
        all.entry(made.cohort.person(label.person).unwrap().stratum).or_insert_with(Vec::new).push(&label.cause);
        all
    });
    for person in &made.cohort.people {
        let Some(causes) = causes.get(&person.stratum) else { continue };
        for (place, reading) in made.cohort.readings_of(person.number) {
            // One reading in ten; of a sensor's, one in three hundred.
            if rng.chance(if person.stratum == Stratum::Sensor { 300 } else { 10_000 }) {
                let cause = causes[usize::try_from(rng.below(i64::try_from(causes.len()).unwrap())).unwrap()];
                random.alerts.push(alert(person.number, &made.rules[cause], reading.arrived, place));
                let told =
                    Prompt { person: person.number, at: reading.arrived, priority: Priority::High, says_999: false };
                random.prompts.push(told);
            }
        }
    }
    let verdict = judge(&made.world, &random, 1);
    let of = |class| detection(&verdict.outcomes, |one| one.class == class);
    let (_, detected, informed) = of(Class::R);
    assert!(detected > 30.0, "there is luck to be removed: {detected}");
    assert!(informed.abs() < detected / 4.0, "{informed} of {detected}");
    // Within 15 minutes of a reading of one's own, another person's alerts fall hardly ever: what is left is small.
    let (_, detected, _) = of(Class::E);
    assert!(detected < 25.0, "{detected}");
}

/// The comparators are no straw men: they find most of what they are made for, and B calls less often than A.
#[test]
fn the_comparators_detect_and_b_is_calmer_than_a() {
    let made = made();
    let play = |comparator| judge(&made.world, &comparators::play(comparator, &made.judged, &made.cohort, 0), 1);
    let (a, b) = (play(Comparator::A), play(Comparator::B));
    for verdict in [&a, &b] {
        assert!(verdict.void.is_empty(), "{:?}", verdict.void);
        let (_, urgent, _) = detection(&verdict.outcomes, |one| one.class == Class::E);
        assert!(urgent > 50.0, "{urgent}");
        assert!(shares(verdict).0 > 40.0, "{:?}", shares(verdict));
    }
    let clinical = |verdict: &Verdict| verdict.figures.values().map(|one| one.clinical).sum::<u64>();
    assert!(clinical(&b) < clinical(&a), "{} {}", clinical(&b), clinical(&a));
    let settled = comparators::play(Comparator::B, &made.judged, &made.cohort, 0);
    assert!(settled.alerts.iter().any(|alert| alert.fate == Fate::Settled), "a repeat settles nothing");
}

/// Wider bounds give more alerts: the curve has two ends.
#[test]
fn the_setting_of_the_curve_moves_the_comparators() {
    let made = made();
    for comparator in [Comparator::A, Comparator::B] {
        let alerts = |wider| {
            let stream = comparators::play(comparator, &made.judged, &made.cohort, wider);
            stream.alerts.iter().filter(|alert| alert.fate == Fate::Shown).count()
        };
        assert!(alerts(-200) < alerts(0) && alerts(0) < alerts(200), "{comparator:?}");
    }
}

static OURS: LazyLock<Stream> =
    LazyLock::new(|| ours::play(&made().cohort, &InForce::new(&Meant::default()).unwrap()).unwrap());

/// A few people of each stratum: for what is played many times.
static FEW: LazyLock<Cohort> =
    LazyLock::new(|| Cohort::generate(&Parameters::read(FILE).unwrap().scaled("people.", "", 1, 24), 1).unwrap());

/// What our rules say of a few people, as they are meant.
fn of_few(meant: &Meant) -> Stream {
    ours::play(&FEW, &InForce::new(meant).unwrap()).unwrap()
}

fn shown(stream: &Stream) -> usize {
    stream.alerts.iter().filter(|alert| alert.fate == Fate::Shown).count()
}

/// Our rules run over every stratum, on evidence that had arrived, and each rule is on the list of what it may detect.
#[test]
fn our_rules_are_played_over_every_stratum() {
    let made = made();
    let in_force = InForce::new(&Meant::default()).unwrap();
    let unlisted: Vec<String> =
        in_force.rules().into_iter().filter(|rule| !made.judged.listed.contains_key(rule)).collect();
    assert_eq!(unlisted, Vec::<String>::new(), "add them to judged.toml");
    let verdict = judge(&made.world, &OURS, 1);
    assert!(verdict.void.is_empty(), "{:?}", verdict.void);
    assert!(!OURS.prompts.is_empty() && !OURS.repeats.is_empty());
    for stratum in Stratum::ALL {
        assert!(in_force.covers(stratum) && verdict.figures[&stratum].clinical > 0, "{stratum:?}");
    }
}

/// A setting towards more alerts gives more, and one towards fewer gives fewer.
#[test]
fn the_setting_of_the_curve_moves_ours() {
    let of = |steps| shown(&of_few(&Meant { steps, ..Meant::default() }));
    assert!(of(-2) < of(0) && of(0) < of(2));
}

/// Protocols without a family can all be in force: a question that is asked after a rule goes with its rule. A protocol that
/// has lost the rule and kept the question is refused, so the run would end there.
#[test]
fn protocols_without_a_family_can_be_in_force() {
    let equipment = SHIPPED.into_iter().find(|text| text.contains("after = \"weight-of-another\"")).unwrap();
    let renamed = equipment.replace("id = \"weight-of-another\"", "id = \"weight-of-nobody\"");
    let refused = Pack::read(&renamed).unwrap_err().to_string();
    assert!(refused.contains("it is asked after weight-of-another, which is not in the pack"), "{refused}");
    for family in Family::ALL {
        let stream = of_few(&Meant { without: Some(family), ..Meant::default() });
        assert!(shown(&stream) > 0, "{family:?}");
    }
}

/// A family that is off changes what is said, where a protocol uses it: and without a person's own numbers less is found.
#[test]
fn a_family_that_is_off_is_missed() {
    let world = World::of(&FEW, &made().judged);
    let of = |without| of_few(&Meant { without, ..Meant::default() });
    let found = |stream: &Stream| {
        let verdict = judge(&world, stream, 1);
        assert!(verdict.void.is_empty(), "{:?}", verdict.void);
        detection(&verdict.outcomes, |one| one.class != Class::E).1
    };
    let as_it_is = of(None);
    let used = [Family::Windows, Family::Change, Family::Counts, Family::Repeat, Family::Score, Family::Questions];
    for family in used {
        let without = of(Some(family));
        found(&without);
        assert!(without.alerts != as_it_is.alerts || without.prompts != as_it_is.prompts, "{family:?}");
    }
    let (with, without) = (found(&as_it_is), found(&of(Some(Family::Own))));
    assert!(without < with, "{without} {with}");
}

/// An alert of ours is told at the moment its reading arrives, and again where the rules say so; a red at once.
#[test]
fn a_red_of_ours_is_told_with_its_reading() {
    let made = made();
    let reds: Vec<&Alert> =
        OURS.alerts.iter().filter(|alert| alert.priority == Priority::High && !alert.late).collect();
    assert!(reds.len() > 10, "{}", reds.len());
    for red in reds {
        let arrived = red.evidence.iter().flatten().map(|place| made.cohort.arrived(&OURS, *place).unwrap());
        assert_eq!(arrived.max(), Some(red.raised_at));
    }
}

/// The staff of the benchmark take what waits for them: every red, and whatever has not ended by itself before.
#[test]
fn what_our_rules_raise_is_taken_by_the_staff_of_the_benchmark() {
    let shown = OURS.alerts.iter().filter(|alert| alert.fate == Fate::Shown);
    let (mut reds, mut others) = (0, 0);
    for alert in shown {
        let is_red = alert.priority == Priority::High;
        assert!(alert.taken_at.is_some() || (!is_red && alert.cleared_at.is_some()), "{alert:?}");
        assert!(alert.taken_at.is_none_or(|at| at > alert.raised_at), "{alert:?}");
        reds += i64::from(is_red);
        others += i64::from(!is_red && alert.taken_at.is_some());
    }
    assert!(reds > 10 && others > 10, "{reds} {others}");
}

/// Nobody who keeps the guard rail on red readings can have fewer touches than the floor: an oracle that shows exactly the
/// first red reading of each day in hand has just as many, and leaves none unseen.
#[test]
fn the_floor_of_the_red_readings_is_what_an_oracle_needs() {
    let made = made();
    let mut oracle = Stream::default();
    let mut in_hand: BTreeMap<u32, i64> = BTreeMap::new();
    for (place, known) in (0..).zip(&made.world.readings).filter(|(_, known)| known.is_red) {
        let until = in_hand.entry(known.person).or_insert(i64::MIN);
        if known.arrived > *until {
            *until = known.arrived + 86_400;
            oracle.alerts.push(alert(known.person, "a/systolic-red", known.arrived, place));
        }
    }
    let verdict = judge(&made.world, &oracle, 1);
    assert_eq!(verdict.figures.values().map(|one| one.reds_unseen).sum::<u64>(), 0);
    let touches: u64 = verdict.figures.values().map(|one| one.clinical).sum();
    let floor: u64 = burden::judge::red_floor(&made.world).values().sum();
    assert!(floor <= touches && floor * 10 > touches * 9, "{floor} {touches}");
}

/// The second generator is of another make, for the same people, and its episodes can be seen and found as well.
#[test]
fn the_second_cohort_is_another_for_the_same_people() {
    let parameters = Parameters::read(FILE).unwrap().scaled("people.", "", 1, 5);
    let second = Cohort::generate_second(&parameters, 1).unwrap();
    let first = &made().cohort;
    assert_eq!(first.people.len(), second.people.len());
    assert!(first.people.iter().zip(&second.people).all(|(one, other)| one.pseudonym == other.pseudonym));
    assert_ne!(first.labels, second.labels);
    let (of_first, of_second) = (first.labels.len(), second.labels.len());
    assert!(of_second * 3 > of_first && of_second < of_first * 3, "{of_first} {of_second}");
    let world = World::of(&second, &made().judged);
    let verdict = judge(&world, &comparators::play(Comparator::A, &made().judged, &second, 0), 1);
    assert!(verdict.void.is_empty());
    let (_, urgent, _) = detection(&verdict.outcomes, |one| one.class == Class::E);
    assert!(urgent > 40.0, "{urgent}");
}

/// The lines of another program are judged as our own are.
#[test]
fn alert_lines_are_read_and_judged() {
    let made = made();
    let label =
        made.cohort.labels.iter().find(|label| label.first_visible.is_some() && label.class == Class::U).unwrap();
    let first = label.first_visible.unwrap();
    let reading = &made.cohort.readings[usize::try_from(first.reading).unwrap()];
    let id = burden::cohort::reading_id(&made.cohort, first.reading, reading).unwrap();
    let line = |evidence: &str, priority: &str| {
        format!(
            r#"{{"patient":"{}","rule":"{}","priority":"{priority}","audience":"clinical","raised_at":"{}","cleared_at":null,"late":false,"evidence":["{evidence}"]}}"#,
            made.cohort.person(label.person).unwrap().pseudonym,
            made.rules[&label.cause],
            burden::cohort::moment(first.arrived).to_rfc3339(),
        )
    };
    let judged = |text: &str| judge(&made.world, &lines::read(text, &made.cohort).unwrap(), 1);
    let found = |verdict: &Verdict| verdict.outcomes.iter().filter(|one| one.detected.is_some()).count();
    assert_eq!(found(&judged(&line(&id.to_string(), "medium"))), 1);
    assert_eq!(found(&judged(&line(&id.to_string(), "check_again"))), 1);
    let invented = judged(&line("rd-00000000000000000000000000000000", "high"));
    assert_eq!((found(&invented), invented.void.len()), (0, 1));
    for bad in
        ["{}", "nonsense", &line(&id.to_string(), "urgent"), &line(&id.to_string(), "high").replace("pt-1", "pt-9")]
    {
        assert!(lines::read(bad, &made.cohort).is_err(), "{bad}");
    }
}

/// What the stress cohorts change, they change.
#[test]
fn the_stress_cohorts_are_what_they_are_called() {
    let of = |stress, id: &str| bench::parameters(stress).unwrap().milli(id).unwrap();
    for (stress, id, times, by) in [
        (Stress::NoiseDoubled, "noise.systolic.reading_sd", 2, 1),
        (Stress::AdherenceHalved, "adherence.copd.mean", 1, 2),
        (Stress::PrevalenceDoubled, "cause.hf_slow.rate.heart_failure", 2, 1),
        (Stress::PrevalenceHalved, "cause.hf_slow.rate.heart_failure", 1, 2),
    ] {
        assert_eq!(of(stress, id), of(Stress::None, id) * times / by, "{stress:?}");
        assert_eq!(of(stress, "days"), of(Stress::None, "days"));
    }
}
