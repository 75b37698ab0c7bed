//! Whether a store keeps its promises after a cut: asked of the store itself, on a copy of its files.

use super::{
    load::{Load, Offered},
    summary::Cuts,
};
use crate::{
    contents::Contents,
    history::{History, Verdict},
};
use rules::{Alert, Verdict as Judged};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};
use vitals::ReadingId;

/// What a look at the store found.
pub(super) struct Found {
    pub(super) verdict: Verdict,
    pub(super) breaches: usize,
    pub(super) alerts: usize,
    pub(super) broken: Vec<String>,
}

/// Sets what the store holds beside what was sent and told.
pub(super) fn judge(load: &Load, history: &History, contents: &Contents) -> Found {
    let verdict = history.judge(&contents.counts());
    let mut broken = contents.halves();
    if !verdict.holds() {
        broken.push(verdict.to_string());
    }
    let offered = load.offered();
    let (breaches, wrong) = breaches(&offered, &load.people.people, contents);
    broken.extend(wrong);
    Found { verdict, breaches, alerts: contents.alerts.len(), broken }
}

/// How many breaches are stored, and each that has not its one alert; each person breaches once at most.
fn breaches(offered: &[Arc<Offered>], people: &[String], contents: &Contents) -> (usize, Vec<String>) {
    let judged: BTreeMap<ReadingId, &Option<Judged>> = contents.readings.iter().map(|(id, how)| (*id, how)).collect();
    let mut alerts: BTreeMap<&str, Vec<&Alert>> = BTreeMap::new();
    for alert in &contents.alerts {
        alerts.entry(alert.patient.as_str()).or_default().push(alert);
    }
    let (mut stored, mut wrong, mut expected) = (0, Vec::new(), BTreeSet::new());
    for breach in offered.iter().filter(|offered| offered.is_breach) {
        let Some(how) = judged.get(&breach.id) else { continue };
        stored += 1;
        let person = people.get(breach.person).map_or("", String::as_str);
        expected.insert(person);
        let found = alerts.get(person).map_or(&[][..], Vec::as_slice);
        let is_right = match (found, how) {
            ([alert], Some(Judged::Evaluated { alerts, .. })) => {
                alerts.as_slice() == [alert.id] && alert.evidence.iter().any(|evidence| evidence.reading == breach.id)
            }
            _ => false,
        };
        if !is_right {
            wrong.push(format!("the breach {} was judged {how:?} and has {} alerts", breach.id, found.len()));
        }
    }
    let ghosts = alerts.keys().filter(|person| !expected.contains(**person));
    wrong.extend(ghosts.map(|person| format!("{person} has an alert and no breach")));
    (stored, wrong)
}

impl Cuts {
    /// Adds what a look after a cut found. `before` is how many were acknowledged at the last cut. Where nobody was sending,
    /// no commit was caught on either side.
    pub(super) fn add(&mut self, found: &Found, before: usize, is_under_load: bool) {
        self.cuts += 1;
        self.acknowledged += found.verdict.acked.saturating_sub(before);
        self.lost += found.verdict.lost.len();
        self.duplicated += found.verdict.duplicated.len() + found.verdict.stored_twice.len();
        self.before_commit += usize::from(is_under_load && found.verdict.unknown_absent > 0);
        self.after_commit += usize::from(is_under_load && found.verdict.unknown_present > 0);
    }
}
