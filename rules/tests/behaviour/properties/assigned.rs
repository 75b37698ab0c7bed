//! What a correction leaves alone, and a reading that counts for a person from now on: each check first catches what it is
//! there for.

use super::{
    corrected::{Held, is_true, now, taken_at},
    history::real,
};
use crate::{
    looking_back,
    support::{CHANNELS, demo_plan, pressure},
};
use chrono::{DateTime, TimeDelta, Utc};
use rules::{
    Alert, Because, Condition, Correction, Event, PatientState, Refused, Withdrawal, decide, decide::unevaluated,
    state::Entry,
};
use std::collections::{BTreeMap, BTreeSet};
use vitals::{Admitted, Decimal, ErrorCode, Kind, Measure, Value, measure::BodyWeight, quantity::Kilograms};

fn weight(number: usize, hours_ago: i64, tenths: i64) -> Admitted {
    let mass = Kilograms::new(Decimal::from_parts(tenths, -1).unwrap());
    let weight = Measure::Weight(BodyWeight { mass, bmi: None, height: None });
    taken_at(number, -60 * hours_ago, Value::Measured(weight))
}

fn correction(gone: &[&Admitted], rest: &[&Admitted], since: DateTime<Utc>) -> Event {
    let withdrawn = gone.iter().map(|admitted| Withdrawal {
        admitted: (*admitted).clone(),
        because: Because::EnteredInError,
        was_judged: true,
    });
    Event::Corrected(Box::new(Correction {
        withdrawn: withdrawn.collect(),
        rest: rest.iter().map(|admitted| (*admitted).clone()).collect(),
        since: DateTime::<Utc>::MIN_UTC,
        cut: BTreeMap::from([(Kind::Weight, since)]),
        anew: BTreeSet::new(),
        finished: Vec::new(),
    }))
}

/// The values of every list, each once.
fn values(state: &PatientState) -> BTreeSet<(i64, i64)> {
    state.history.iter().flat_map(|(_, series)| series.entries()).map(|Entry { secs, nano }| (*secs, *nano)).collect()
}

fn secs(readings: &[&Admitted]) -> BTreeSet<i64> {
    readings.iter().map(|admitted| admitted.event_time().timestamp()).collect()
}

/// Five weights of four days; the newest is taken back, and only the two before it are handed over to be worked out again: the
/// older ones stay in the lists, the correction says from when on it was worked out, and what rests on them stays as it was.
#[test]
fn what_is_older_than_a_correction_reaches_stays_in_the_lists() {
    let all = [weight(1, 60, 800), weight(2, 48, 801), weight(3, 30, 802), weight(4, 12, 803), weight(5, 1, 835)];
    let [first, second, third, fourth, fifth] = all.each_ref();
    let mut held = Held::new(looking_back::plan(), false);
    for admitted in &all {
        held.slice(&real(), &[admitted], &[]);
    }
    let before = held.kept.state.clone();
    assert_eq!(values(&before).iter().map(|(secs, _)| *secs).collect::<BTreeSet<_>>(), secs(&all.each_ref()));

    let since = third.event_time();
    let events = [correction(&[fifth], &[third, fourth], since)];
    let after = decide(&looking_back::plan(), &before, &events, now());
    assert_eq!(after.folded_since, Some(since));
    let left: BTreeSet<i64> = values(&after.state).iter().map(|(secs, _)| *secs).collect();
    assert_eq!(left, secs(&[first, second, third, fourth]));
    // What was handed over alone does not hold the older ones: without them the check would see it.
    let alone = rules::decide::fold(&looking_back::plan(), &before.patient, &[third, fourth], now());
    assert_ne!(values(&alone), values(&after.state));

    let whole = decide(
        &looking_back::plan(),
        &before,
        &[correction(&[fifth], &[first, second, third, fourth], DateTime::<Utc>::MIN_UTC)],
        now(),
    );
    assert_eq!(values(&whole.state), values(&after.state), "and all of it comes to the same");
}

/// A pressure that is taken back changes nothing of what weights came to: lists, memories and alerts stay, although not one weight
/// was handed over.
#[test]
fn what_a_correction_is_not_about_stays_as_it_is() {
    let (fine, wrong) = (weight(1, 20, 800), taken_at(7, 0, pressure(182, 118)));
    let heavy = weight(2, 2, 835);
    let mut held = Held::new(looking_back::plan(), false);
    for admitted in [&fine, &heavy, &wrong] {
        held.slice(&real(), &[admitted], &[]);
    }
    let before = held.kept.state.clone();
    assert!(!is_true(&before).is_empty() && !before.history.is_empty(), "there is something to lose");
    let after = decide(&looking_back::plan(), &before, &[correction(&[&wrong], &[], DateTime::<Utc>::MIN_UTC)], now());
    assert_eq!((&after.state.history, is_true(&after.state)), (&before.history, is_true(&before)));
    let of_weights = |state: &PatientState| state.rules.iter().collect::<Vec<_>>();
    assert_eq!(of_weights(&after.state), of_weights(&before));
    // What a correction is about does change: the same check sees it.
    let about =
        decide(&looking_back::plan(), &before, &[correction(&[&heavy], &[&fine], DateTime::<Utc>::MIN_UTC)], now());
    assert_ne!(about.state.history, before.history);
}

/// Where nobody can say what follows, nothing is done: whoever asked hears so.
#[test]
fn a_correction_that_cannot_be_worked_out_is_refused() {
    let red = taken_at(1, 0, pressure(182, 118));
    let mut held = Held::new(demo_plan(), false);
    held.slice(&real(), &[&red], &[]);
    let events = [correction(&[&red], &[], DateTime::<Utc>::MIN_UTC)];
    let decisions = unevaluated(&CHANNELS, &held.kept.state, &events, ErrorCode::RuleSettingsUnusable, now());
    assert_eq!(decisions.refused, Some(Refused::SettingsUnusable));
    let reading = [Event::Reading(Box::new(taken_at(2, 1, pressure(120, 80))))];
    let decisions = unevaluated(&CHANNELS, &held.kept.state, &reading, ErrorCode::RuleSettingsUnusable, now());
    assert_eq!(decisions.refused, None, "a reading is stored unjudged, as before");
}

fn assigned(admitted: &Admitted, at: DateTime<Utc>, before: &PatientState) -> rules::Decisions {
    let events = [Event::Assigned(Box::new(admitted.clone())), correction(&[], &[], DateTime::<Utc>::MIN_UTC)];
    decide(&demo_plan(), before, &events, at)
}

/// A red that was another person's: minutes old it is told as one that can be acted on, hours old as a late one, and the person is
/// told nothing because no receipt is on its way. One that comes to the same person a second time opens an alert of its own.
#[test]
fn a_reading_that_is_assigned_is_acted_on_now() {
    let red = taken_at(1, 0, pressure(182, 118));
    let new = PatientState::new(crate::support::patient());
    let alert = |decisions: &rules::Decisions| -> Alert { decisions.alerts[0].clone() };
    let soon = assigned(&red, red.event_time() + TimeDelta::minutes(5), &new);
    assert_eq!((soon.folds, alert(&soon).late, alert(&soon).condition), (1, false, Condition::Active));
    assert_eq!((alert(&soon).patient_told, soon.jobs.len()), (None, CHANNELS.len()));
    let late = assigned(&red, red.event_time() + TimeDelta::days(2), &new);
    assert!(alert(&late).late && alert(&late).is_waiting(), "a red is told however old");
    // As it arrived it was fresh, two days ago: a reading of one's own is judged by that.
    let own =
        decide(&demo_plan(), &new, &[Event::Reading(Box::new(red.clone()))], red.event_time() + TimeDelta::days(2));
    assert!(!alert(&own).late, "the check sees the difference");
    assert_ne!(alert(&own).id, alert(&late).id, "and no alert takes the place of another");
}
