//! What is expected and does not come: told when its time is over, once, and over when a reading comes. Time passes here as a
//! service lets it: timers that are due are judged, the oldest first. Each property is also run with a planted fault.

use crate::support::{Clock, Kept, When, patient, reading};
use chrono::{DateTime, NaiveTime, TimeDelta, Utc};
use proptest::{
    prelude::*,
    test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner},
};
use rules::{
    Actor, Channel, ClearedBecause, Condition, Decisions, Event, PatientState, Plan, Timer, decide,
    pack::{ActivePack, Expectations, Pack, Pause, Settings, Times},
};
use std::collections::BTreeSet;
use vitals::{Decimal, Measure, Value, bounded::Text, id::StaffId, measure::BodyWeight, quantity::Kilograms};

/// Every day at 8am in London, from 4 hours before to 4 hours after. Invented, for nobody.
const PACK: &str = r#"
[pack]
id = "waits"
title = "Waits"
version = "VERSION"
engine_min = 2
[[pack.sources]]
ref = "invented"
[message.m]
en = "m"
[schedule.mornings]
times = ["08:00"]
before = "4h"
grace = "4h"
[[rule]]
id = "none-for-3-days"
title = "T"
harm = "reversible"
onset = "prompt"
when = { stale = "weight", for = "3d" }
clear = { count = 1, when = { not = { stale = "weight", for = "3d" } } }
actionable_for = "1d"
raise_again_after = "1d"
clinician_message = "m"
[[rule]]
id = "two-of-three"
title = "T"
harm = "reversible"
onset = "prompt"
when = { missing = "weight", of = "mornings", n_of = [2, 3] }
clear = { count = 1, when = { not = { missing = "weight", of = "mornings", n_of = [2, 3] } } }
actionable_for = "1d"
raise_again_after = "1d"
clinician_message = "m"
"#;

pub(crate) const STALE: &str = "none-for-3-days";
pub(crate) const MISSING: &str = "two-of-three";

pub(crate) fn plan_of(text: &str) -> Plan {
    let pack = Pack::read(text).unwrap_or_else(|error| panic!("{error}"));
    let people = [("author", "Ada"), ("clinical_lead", "Grace"), ("safety_officer", "Joan")]
        .map(|(role, name)| format!("[[approval]]\nrole = \"{role}\"\nname = \"{name}\"\n"));
    let signed = format!(
        "pack = \"{}\"\nversion = \"{}\"\ncontent_hash = \"{}\"\nstatus = \"approved\"\n{}",
        pack.id,
        pack.version,
        pack.content_hash,
        people.concat()
    );
    let active = ActivePack::new(pack, &signed).expect("approved");
    Plan::new(vec![active], vec![Channel::Console]).expect("one pack")
}

fn plan() -> Plan {
    plan_of(&PACK.replace("VERSION", "1.0.0"))
}

pub(crate) fn utc(text: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(text).expect("a moment").to_utc()
}

pub(crate) type Decide = fn(&Plan, &PatientState, &[Event], DateTime<Utc>) -> Decisions;

/// A person, and the service that lets time pass for them.
pub(crate) struct Life {
    decide: Decide,
    pub(crate) plan: Plan,
    pub(crate) kept: Kept,
    restarts: bool,
    number: u32,
    /// What happened to each rule's alerts, and when.
    pub(crate) seen: Vec<(DateTime<Utc>, String, Condition)>,
}

impl Life {
    pub(crate) fn new(decide: Decide, plan: Plan) -> Self {
        Self { decide, plan, kept: Kept::new(), restarts: false, number: 0, seen: Vec::new() }
    }

    pub(crate) fn apply(&mut self, event: Event, at: DateTime<Utc>) {
        let events = [event];
        let decisions = (self.decide)(&self.plan, &self.kept.state, &events, at);
        assert!(decisions.timers.len() <= 2, "a timer for each rule, at most");
        for alert in &decisions.alerts {
            let before = self.kept.alerts.iter().find(|known| known.id == alert.id).map(|known| known.condition);
            if before != Some(alert.condition) {
                self.seen.push((at, alert.made_by.rule.clone(), alert.condition));
            }
        }
        self.kept.keep(&events, &decisions);
        if self.restarts {
            let bytes = self.kept.state.to_bytes();
            self.kept.state = PatientState::from_bytes(&patient(), &bytes).expect("what was written is read");
        }
    }

    pub(crate) fn until(&mut self, at: DateTime<Utc>) {
        loop {
            let due =
                self.kept.timers.iter().min_by_key(|(_, due_at)| **due_at).map(|(alert, due_at)| (*alert, *due_at));
            let Some((alert, due_at)) = due.filter(|(_, due_at)| *due_at <= at) else { return };
            self.apply(Event::Due(Timer { alert, due_at }), due_at);
        }
    }

    fn weighs_late(&mut self, taken: DateTime<Utc>, received: DateTime<Utc>) {
        self.until(received);
        self.number += 1;
        let from_start = |at: DateTime<Utc>| at - crate::support::start();
        let mass = Kilograms::new(Decimal::from(80));
        let value = Value::Measured(Measure::Weight(BodyWeight { mass, bmi: None, height: None }));
        let (taken, received_at) = (from_start(taken), from_start(received));
        let when = When { clock: Clock::Known, taken, heard: received_at, sent: received_at, received: received_at };
        self.apply(Event::Reading(Box::new(reading(self.number, value, when))), received);
    }

    pub(crate) fn weighs(&mut self, at: DateTime<Utc>) {
        self.weighs_late(at, at);
    }

    /// When the alert of a rule was raised and ended.
    pub(crate) fn of(&self, rule: &str) -> Vec<(DateTime<Utc>, bool)> {
        let of_it = self.seen.iter().filter(|(_, of, _)| of == rule);
        of_it.map(|(at, _, condition)| (*at, *condition == Condition::Active)).collect()
    }
}

/// Two better readings in a row are two since the alert opened: found 2026-11-23, those of the days before counted too.
#[test]
fn what_came_before_the_alert_does_not_help_to_end_it() {
    let twice = ("count = 1, when = { not = { stale", "count = 2, when = { not = { stale");
    let mut life = Life::new(decide, plan_of(&PACK.replace("VERSION", "1.0.0").replace(twice.0, twice.1)));
    for day in [1, 2, 3, 8] {
        life.weighs(utc(&format!("2026-06-0{day}T07:10:00Z")));
    }
    let raised: Vec<bool> = life.of(STALE).into_iter().map(|(_, is_raised)| is_raised).collect();
    assert_eq!(raised, [true], "one reading is not two");
    life.weighs(utc("2026-06-09T07:10:00Z"));
    let ended = utc("2026-06-09T07:10:00Z");
    assert_eq!(life.of(STALE).last(), Some(&(ended, false)));
}

/// Over the end of summer time on 25 October 2026: 8am is 7am UTC before it and 8am UTC after.
#[test]
fn two_of_three_mornings_are_missed_across_the_change_of_the_clocks() {
    let mut life = Life::new(decide, plan());
    life.weighs(utc("2026-10-22T07:10:00Z"));
    life.until(utc("2026-10-26T00:00:00Z"));
    // Friday and Saturday came nothing; Saturday's grace ends at noon in London.
    assert_eq!(life.of(MISSING), [(utc("2026-10-24T11:00:00Z"), true)]);
    assert_eq!(life.of(STALE), [(utc("2026-10-25T07:10:00Z"), true)], "three days to the minute");
    let alert = life.kept.alerts.iter().find(|alert| alert.made_by.rule == MISSING).unwrap();
    assert!(alert.evidence.is_empty() && alert.absent[0].held);
    assert_eq!(alert.absent[0].component, "weight missing: 2 of the last 2 expected");
    assert_eq!(life.kept.jobs.len(), 2, "each is told once");
    life.weighs(utc("2026-10-26T00:00:00Z"));
    assert!(!life.of(STALE).last().unwrap().1, "something came");
    assert!(life.of(MISSING).last().unwrap().1, "two of the last three are missing still");
    for day in ["2026-10-26T08:05:00Z", "2026-10-27T08:05:00Z", "2026-10-27T20:00:00Z"] {
        life.weighs(utc(day));
    }
    life.weighs(utc("2026-10-28T08:05:00Z"));
    assert_eq!(
        life.of(MISSING).last(),
        Some(&(utc("2026-10-27T08:05:00Z"), false)),
        "Sunday's alone is missing, at once"
    );
    let ended = life.kept.alerts.iter().all(|alert| alert.condition == Condition::Cleared(ClearedBecause::Improved));
    assert!(ended && life.kept.state.alerts.is_empty());
}

/// Days of weights that a hub held back arrive in the wrong order, newest first: what was told is over, and nothing opens.
#[test]
fn what_was_held_back_ends_it_and_opens_nothing() {
    let mut life = Life::new(decide, plan());
    life.weighs(utc("2026-06-01T07:00:00Z"));
    let received = utc("2026-06-05T13:00:00Z");
    life.until(received);
    assert_eq!((life.of(MISSING).len(), life.of(STALE).len()), (1, 1));
    for day in [5, 4, 3, 2] {
        life.weighs_late(utc(&format!("2026-06-0{day}T07:00:00Z")), received);
    }
    assert_eq!((life.of(MISSING).len(), life.of(STALE).len()), (2, 2), "{:?}", life.seen);
    assert!(life.kept.state.alerts.is_empty());
}

pub(crate) fn with(expected: Expectations) -> Plan {
    plan().with(Settings::default().expecting(expected))
}

/// In hospital, nothing is expected; what was told ends; and afterwards it counts from the day they are back.
#[test]
fn a_pause_silences_it() {
    let mut life = Life::new(decide, plan());
    life.weighs(utc("2026-06-01T07:00:00Z"));
    life.until(utc("2026-06-05T00:00:00Z"));
    assert_eq!(life.of(STALE), [(utc("2026-06-04T07:00:00Z"), true)]);
    let (from, until) = (utc("2026-06-05T00:00:00Z"), utc("2026-06-20T09:00:00Z"));
    life.plan = with(Expectations { pauses: vec![Pause { from, until: Some(until) }], ..Expectations::default() });
    life.apply(Event::Expecting, from);
    let paused = |life: &Life| {
        life.kept.alerts.iter().all(|alert| alert.condition == Condition::Cleared(ClearedBecause::ProtocolEnded))
    };
    assert!(paused(&life), "{:?}", life.seen);
    life.until(utc("2026-06-22T10:59:00Z"));
    assert!(paused(&life), "{:?}", life.seen);
    life.until(utc("2026-06-23T12:00:00Z"));
    assert_eq!(life.of(STALE).last(), Some(&(utc("2026-06-23T09:00:00Z"), true)));
    assert_eq!(life.of(MISSING).last(), Some(&(utc("2026-06-22T11:00:00Z"), true)));
}

/// Somebody who was given scales and never used them; and somebody whose plan says Mondays only.
#[test]
fn a_plan_says_from_when_and_at_which_times() {
    let since = Some(utc("2026-06-01T00:00:00Z"));
    let mut never = Life::new(decide, with(Expectations { since, ..Expectations::default() }));
    never.apply(Event::Expecting, utc("2026-06-01T00:00:00Z"));
    never.until(utc("2026-06-10T00:00:00Z"));
    assert_eq!(never.of(MISSING), [(utc("2026-06-02T11:00:00Z"), true)]);
    assert_eq!(never.of(STALE), [(utc("2026-06-04T00:00:00Z"), true)]);

    let mondays =
        Times { at: vec![NaiveTime::from_hms_opt(9, 0, 0).unwrap()], days: [chrono::Weekday::Mon.into()].into() };
    let weekly = Expectations { since, ..Expectations::default() }.with_times("waits", "mornings", mondays);
    let mut life = Life::new(decide, with(weekly));
    life.apply(Event::Expecting, utc("2026-06-01T00:00:00Z"));
    life.until(utc("2026-06-20T00:00:00Z"));
    assert_eq!(life.of(MISSING), [(utc("2026-06-08T12:00:00Z"), true)], "the second Monday");
}

/// Somebody took it and nothing came of that: a day later it is news again, once, in place of the old one.
#[test]
fn what_was_taken_and_does_not_end_is_news_again() {
    let mut life = Life::new(decide, plan());
    life.weighs(utc("2026-06-01T07:00:00Z"));
    life.until(utc("2026-06-04T08:00:00Z"));
    let open: Vec<_> = life.kept.state.alerts.iter().map(|alert| alert.id).collect();
    let by = Actor { id: StaffId::parse("st-ada").unwrap(), name: Text::new("ada").unwrap() };
    for alert in open {
        life.apply(Event::Acknowledged { alert, by: by.clone(), note: None }, utc("2026-06-04T09:00:00Z"));
    }
    let jobs = life.kept.jobs.len();
    life.until(utc("2026-06-05T08:59:00Z"));
    assert_eq!(life.kept.jobs.len(), jobs);
    life.until(utc("2026-06-30T00:00:00Z"));
    assert_eq!(life.of(STALE).last(), Some(&(utc("2026-06-05T09:00:00Z"), false)), "{:?}", life.seen);
    assert_eq!((life.kept.state.alerts.len(), life.kept.jobs.len()), (2, jobs + 2), "each once more");
}

/// A new version of a protocol takes over what waits.
#[test]
fn a_new_version_of_the_protocol_forgets_nothing() {
    let mut life = Life::new(decide, plan());
    life.weighs(utc("2026-06-01T07:00:00Z"));
    life.plan = plan_of(&PACK.replace("VERSION", "2.0.0"));
    life.until(utc("2026-06-05T00:00:00Z"));
    assert_eq!(life.of(STALE), [(utc("2026-06-04T07:00:00Z"), true)]);
}

/// What forgets a timer that comes while no protocol is in force.
fn forgets_while_away(plan: &Plan, before: &PatientState, events: &[Event], at: DateTime<Utc>) -> Decisions {
    let decisions = decide(plan, before, events, at);
    if plan.packs().is_empty() { Decisions { timers: Vec::new(), ..decisions } } else { decisions }
}

/// Between two versions of a protocol nothing is in force for a while; a timer that comes then is not the last one.
#[test]
fn a_protocol_that_was_away_goes_on_waiting() {
    let is_told = |decide: Decide| {
        let mut life = Life::new(decide, plan());
        life.weighs(utc("2026-06-01T08:00:00Z"));
        let away = Plan::new(Vec::new(), vec![Channel::Console]).unwrap().unwatched();
        let in_force = std::mem::replace(&mut life.plan, away);
        life.until(utc("2026-06-05T08:00:00Z"));
        assert!(life.of(STALE).is_empty(), "nobody asks");
        life.plan = in_force;
        life.until(utc("2026-06-07T08:00:00Z"));
        life.of(STALE).last().is_some_and(|(_, is_active)| *is_active)
    };
    assert!(is_told(decide));
    assert!(!is_told(forgets_while_away), "planted");
}

/// Hours between weights.
fn gaps() -> impl Strategy<Value = Vec<i64>> {
    prop::collection::vec(1_i64..120, 1..12)
}

/// By a reckoning of its own: raised three days after the last weight, to the second, and over with the next.
fn stale_is_told_to_the_second(decide: Decide, gaps: &[i64], restarts: bool) -> Result<(), TestCaseError> {
    let begin = utc("2026-03-20T05:00:00Z");
    let mut life = Life { restarts, ..Life::new(decide, plan()) };
    let (mut at, mut expected) = (begin, Vec::new());
    life.weighs(at);
    for gap in gaps {
        let next = at + TimeDelta::hours(*gap);
        if *gap > 72 {
            expected.extend([(at + TimeDelta::days(3), true), (next, false)]);
        }
        life.weighs(next);
        at = next;
    }
    // At the very moment, the timer comes first, and the reading ends it.
    let told: Vec<_> = life.of(STALE);
    let at_once = |told: &[(DateTime<Utc>, bool)]| told.windows(2).all(|pair| pair[0].0 <= pair[1].0);
    prop_assert!(at_once(&told));
    let without: Vec<_> =
        told.chunks(2).filter(|pair| pair.len() < 2 || pair[0].0 != pair[1].0).flatten().copied().collect();
    prop_assert_eq!(without, expected);
    Ok(())
}

fn checked(strategy: &impl Strategy<Value = Vec<i64>>, check: impl Fn(&[i64]) -> Result<(), TestCaseError>) -> bool {
    let config = Config { cases: 200, failure_persistence: None, max_shrink_iters: 0, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    runner.run(strategy, |gaps| check(&gaps)).is_ok()
}

fn forgets_timers(plan: &Plan, before: &PatientState, events: &[Event], at: DateTime<Utc>) -> Decisions {
    Decisions { timers: Vec::new(), ..decide(plan, before, events, at) }
}

/// Sets no timer again once one was due.
fn looks_once(plan: &Plan, before: &PatientState, events: &[Event], at: DateTime<Utc>) -> Decisions {
    let mut decisions = decide(plan, before, events, at);
    if let [Event::Due(_)] = events {
        decisions.timers.clear();
    }
    decisions
}

/// Takes whatever comes due for something that did not come.
fn tells_too_soon(plan: &Plan, before: &PatientState, events: &[Event], at: DateTime<Utc>) -> Decisions {
    let forgotten = PatientState { history: Default::default(), ..before.clone() };
    let expected = Expectations { since: Some(DateTime::UNIX_EPOCH), ..Expectations::default() };
    match events {
        [Event::Due(_)] => {
            let plan = plan.with(Settings::default().expecting(expected));
            let decisions = decide(&plan, &forgotten, events, at);
            let state = PatientState { history: before.history.clone(), ..decisions.state };
            Decisions { state, ..decisions }
        }
        _ => decide(plan, before, events, at),
    }
}

#[test]
fn what_does_not_come_is_told_when_its_time_is_over_and_not_before() {
    assert!(checked(&gaps(), |gaps| stale_is_told_to_the_second(decide, gaps, false)));
    assert!(checked(&gaps(), |gaps| stale_is_told_to_the_second(decide, gaps, true)), "nor after a restart");
    let faults: [(&str, Decide); 3] =
        [("timers are not set", forgets_timers), ("looks once", looks_once), ("tells too soon", tells_too_soon)];
    for (fault, planted) in faults {
        assert!(!checked(&gaps(), |gaps| stale_is_told_to_the_second(planted, gaps, false)), "not caught: {fault}");
    }
}

/// A reading writes no timer where one is set: a row for each reading would be dear.
#[test]
fn a_reading_sets_no_timer_where_one_is_set() {
    let mut life = Life::new(decide, plan());
    life.weighs(utc("2026-06-01T07:00:00Z"));
    let timers = life.kept.timers.clone();
    assert_eq!(timers.len(), 2);
    life.weighs(utc("2026-06-01T07:30:00Z"));
    assert_eq!(life.kept.timers, timers);
    let ids: BTreeSet<_> = timers.keys().collect();
    life.until(utc("2026-06-03T00:00:00Z"));
    assert_eq!(life.kept.timers.keys().collect::<BTreeSet<_>>(), ids, "one for each rule, under one name");
}

/// What a pack may not say, with what to do about it.
#[test]
fn a_pack_that_waits_wrongly_is_refused_with_advice() {
    let refused = |from: &str, to: &str, advice: &str| {
        let text = PACK.replace("VERSION", "1.0.0");
        assert!(text.contains(from), "{from}");
        let error = Pack::read(&text.replacen(from, to, 1)).expect_err(to);
        assert!(error.problems.iter().any(|problem| problem.advice.contains(advice)), "{error}");
    };
    refused("\"08:00\"", "\"8\"", "write it as");
    refused("\"08:00\"", "\"08:00\", \"08:00\"", "each time of day once");
    refused("grace = \"4h\"", "grace = \"3d\"", "make them shorter");
    refused("of = \"mornings\", ", "", "[schedule.NAME]");
    refused("n_of = [2, 3]", "n_of = [4, 3]", "at most 28");
    refused("n_of = [2, 3]", "n_of = [2, 3], in_a_row = 2", "not both");
    refused("n_of = [2, 3] }", "n_of = [2, 3], above = 3 }", "leave it out");
    refused("stale = \"weight\", for = \"3d\" }", "stale = \"weight\" }", "for = ");
    refused("times = [\"08:00\"]", "times = [\"08:00\"]\ndays = [\"monday\"]", "");
    refused(
        "when = { stale = \"weight\", for = \"3d\" }",
        "when = { all = [{ stale = \"weight\", for = \"3d\" }, { latest = \"weight\", above = 1 }] }",
        "max_age",
    );
    refused(
        "when = { stale = \"weight\", for = \"3d\" }",
        "when = { latest = \"weight\", above = 1 }",
        "missing or stale",
    );
}
