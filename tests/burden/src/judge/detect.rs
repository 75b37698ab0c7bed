//! Which episodes were detected: each by an alert of its own.

use super::{Clause, Subgroup, World};
use crate::{
    cohort::{Label, Stratum, Visible},
    lines::{Alert, Fate, Priority, Prompt, Stream},
    parameters::Class,
};
use std::collections::BTreeMap;

/// How an episode was detected. Times are seconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Detected {
    /// When the alert was opened.
    pub raised_at: i64,
    /// When the person or carer was told, for class E.
    pub told_at: Option<i64>,
    /// Seconds from the first visible reading to the alert.
    pub delay: i64,
}

/// What became of one episode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Its place among the labels.
    pub label: usize,
    /// Care level and condition.
    pub stratum: Stratum,
    /// How soon it must be acted on.
    pub class: Class,
    /// The groups that the person is in.
    pub subgroups: Vec<Subgroup>,
    /// Whether any reading could show it in time.
    pub is_visible: bool,
    /// How it was detected, if it was.
    pub detected: Option<Detected>,
    /// In how many of ten exchanges another person's alerts would have detected it.
    pub by_luck: u32,
}

/// The least urgent alert that detects a class.
fn asked(class: Class) -> Priority {
    match class {
        Class::E => Priority::High,
        Class::U => Priority::Medium,
        Class::R => Priority::Low,
    }
}

/// What was said of a person: alerts and instructions in order of time.
#[derive(Debug, Default)]
pub(super) struct Said<'a> {
    pub(super) alerts: Vec<&'a Alert>,
    pub(super) prompts: Vec<&'a Prompt>,
}

/// What was said of each person.
pub(super) fn said<'a>(stream: &'a Stream, good: &[usize]) -> BTreeMap<u32, Said<'a>> {
    let mut all: BTreeMap<u32, Said<'a>> = BTreeMap::new();
    for alert in good.iter().filter_map(|place| stream.alerts.get(*place)) {
        all.entry(alert.person).or_default().alerts.push(alert);
    }
    for prompt in stream.prompts.iter().chain(&stream.standing) {
        all.entry(prompt.person).or_default().prompts.push(prompt);
    }
    for said in all.values_mut() {
        said.alerts.sort_by_key(|alert| alert.raised_at);
        said.prompts.sort_by_key(|prompt| prompt.at);
    }
    all
}

/// When the person was told at once, between the first visible reading and the latest useful time.
fn told(said: &Said<'_>, visible: Visible) -> Option<i64> {
    let is_in_time = |at: i64| (visible.arrived..=visible.latest_useful).contains(&at);
    said.prompts
        .iter()
        .find(|prompt| prompt.priority == Priority::High && is_in_time(prompt.at))
        .map(|prompt| prompt.at)
}

/// Whether an alert may be the one that detects an episode. Whose alert it is, the caller decides.
fn may_detect(world: &World, stream: &Stream, alert: &Alert, label: &Label, visible: Visible) -> bool {
    let asks = |clause| world.asks(clause);
    let is_listed = world.listed.get(&alert.rule).is_some_and(|listed| listed.causes.contains(&label.cause));
    let is_after_onset = |place: &u32| world.known(stream, *place).is_some_and(|known| known.taken >= label.onset);
    (alert.fate == Fate::Shown || !asks(Clause::Shown))
        && (is_listed || !asks(Clause::Listed))
        && (alert.priority >= asked(label.class) || !asks(Clause::Priority))
        && (alert.raised_at >= visible.arrived || !asks(Clause::NotBeforeVisible))
        && (alert.raised_at <= visible.latest_useful || !asks(Clause::NotAfterUseful))
        && (alert.evidence.iter().flatten().any(is_after_onset) || !asks(Clause::AfterOnset))
}

/// Which of a person's episodes these alerts detect: for each episode the alert, as many as can have one of their own.
pub(super) fn matched<'a>(
    world: &World,
    stream: &Stream,
    labels: &[&Label],
    said: &Said<'a>,
) -> Vec<Option<(&'a Alert, Option<i64>)>> {
    let options: Vec<(Vec<usize>, Option<i64>)> = labels
        .iter()
        .map(|label| {
            let Some(visible) = label.first_visible else { return (Vec::new(), None) };
            let told_at = told(said, visible);
            if label.class == Class::E && told_at.is_none() && world.asks(Clause::PersonTold) {
                return (Vec::new(), None);
            }
            let may = |(_, alert): &(usize, &&Alert)| may_detect(world, stream, alert, label, visible);
            let may = said.alerts.iter().enumerate().filter(may).map(|(place, _)| place).collect();
            (may, told_at.filter(|_| label.class == Class::E))
        })
        .collect();
    if !world.asks(Clause::OneEach) {
        let first = |(may, told_at): &(Vec<usize>, Option<i64>)| Some((*said.alerts.get(*may.first()?)?, *told_at));
        return options.iter().map(first).collect();
    }
    let mut taken_by: BTreeMap<usize, usize> = BTreeMap::new();
    for episode in 0..labels.len() {
        give(episode, &options, &mut taken_by, &mut Vec::new());
    }
    let alert_of = |episode: usize| taken_by.iter().find(|(_, by)| **by == episode).map(|(alert, _)| *alert);
    (0..labels.len())
        .zip(&options)
        .map(|(episode, (_, told_at))| Some((*said.alerts.get(alert_of(episode)?)?, *told_at)))
        .collect()
}

/// Finds an alert for an episode, moving others to another alert of theirs where that frees one.
fn give(
    episode: usize,
    options: &[(Vec<usize>, Option<i64>)],
    taken_by: &mut BTreeMap<usize, usize>,
    asked: &mut Vec<usize>,
) -> bool {
    let Some((may, _)) = options.get(episode) else { return false };
    for alert in may {
        if asked.contains(alert) {
            continue;
        }
        asked.push(*alert);
        let is_free = match taken_by.get(alert).copied() {
            None => true,
            Some(other) => give(other, options, taken_by, asked),
        };
        if is_free {
            taken_by.insert(*alert, episode);
            return true;
        }
    }
    false
}

/// The episodes of each person, with their places among the labels.
pub(super) fn labels_by_person(world: &World) -> BTreeMap<u32, Vec<(usize, &Label)>> {
    let mut all: BTreeMap<u32, Vec<(usize, &Label)>> = BTreeMap::new();
    for (place, label) in world.labels.iter().enumerate() {
        all.entry(label.person).or_default().push((place, label));
    }
    all
}

pub(super) fn detect(world: &World, stream: &Stream, good: &[usize]) -> Vec<Outcome> {
    let said = said(stream, good);
    let nothing = Said::default();
    let mut outcomes = Vec::new();
    for (person, labels) in labels_by_person(world) {
        let Some(someone) = usize::try_from(person).ok().and_then(|place| world.people.get(place)) else { continue };
        let only: Vec<&Label> = labels.iter().map(|(_, label)| *label).collect();
        let found = matched(world, stream, &only, said.get(&person).unwrap_or(&nothing));
        for ((place, label), found) in labels.into_iter().zip(found) {
            let detected = found.zip(label.first_visible).map(|((alert, told_at), visible)| Detected {
                raised_at: alert.raised_at,
                told_at,
                delay: alert.raised_at - visible.taken,
            });
            outcomes.push(Outcome {
                label: place,
                stratum: someone.stratum,
                class: label.class,
                subgroups: someone.subgroups.clone(),
                is_visible: label.first_visible.is_some(),
                detected,
                by_luck: 0,
            });
        }
    }
    outcomes.sort_by_key(|outcome| outcome.label);
    outcomes
}
