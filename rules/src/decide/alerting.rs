//! The moves an alert can make, each in one place: open, raise, await a repeat, clear.

use super::Deciding;
use crate::{
    alert::{Alert, Audience, ClearedBecause, Condition, Repeat},
    event::Timer,
    job::{Job, Why},
    pack::ActivePack,
};
use chrono::{DateTime, Utc};
use vitals::AlertId;

impl Deciding<'_> {
    /// Changes an unfinished alert and notes that it changed.
    pub(super) fn change(&mut self, id: AlertId, change: impl FnOnce(&mut Alert)) {
        if let Some(alert) = self.state.alerts.iter_mut().find(|alert| alert.id == id) {
            change(alert);
            self.state_changed = true;
            if !self.changed.contains(&id) {
                self.changed.push(id);
            }
        }
    }

    /// Opens an alert. One that is active is told at once; one that awaits a repeat is not.
    pub(super) fn open(&mut self, alert: Alert) {
        let (id, condition) = (alert.id, alert.condition);
        self.state.alerts.push(alert);
        self.change(id, |_| {});
        if condition == Condition::Active {
            self.tell(id, Why::First);
        }
    }

    /// What awaited a repeat is true, or was never answered: staff are told.
    pub(super) fn raise(&mut self, id: AlertId) {
        self.change(id, |alert| alert.condition = Condition::Active);
        self.tell(id, Why::First);
    }

    /// What had cleared is back before anybody took it: the same alert, told again.
    pub(super) fn raise_again(&mut self, id: AlertId) {
        self.change(id, |alert| {
            alert.condition = Condition::Active;
            alert.occasions += 1;
        });
        self.tell(id, Why::Again);
    }

    fn tell(&mut self, id: AlertId, why: Why) {
        let Some(alert) = self.state.alert(id).filter(|alert| alert.audience != Audience::Nobody) else { return };
        let job = |channel| Job::new(id, alert.patient.clone(), channel, why, alert.occasions, self.at);
        let jobs: Vec<Job> = self.plan.channels().iter().copied().map(job).collect();
        self.jobs.extend(jobs);
    }

    /// Awaits a repeat until a time, kept as a timer.
    pub(super) fn await_repeat(&mut self, id: AlertId, until: DateTime<Utc>) {
        self.change(id, |alert| alert.repeat = Repeat::Asked { until });
        self.cancelled.retain(|cancelled| *cancelled != id);
        self.timers.retain(|timer| timer.alert != id);
        self.timers.push(Timer { alert: id, due_at: until });
    }

    /// The repeat has come.
    pub(super) fn repeat_came(&mut self, id: AlertId, repeat: Repeat) {
        self.change(id, |alert| alert.repeat = repeat);
        self.timers.retain(|timer| timer.alert != id);
        if !self.cancelled.contains(&id) {
            self.cancelled.push(id);
        }
    }

    /// Ends what the protocols of this person no longer ask about: nobody would ever say that it is over. A red stays until
    /// somebody has seen it.
    pub(super) fn withdraw(&mut self) {
        // Where there is no protocol at all nobody knows what the person's would say: a command beside the service has none.
        if self.plan.packs().is_empty() && !self.plan.is_unwatched() {
            return;
        }
        let asks = |alert: &Alert| {
            let packs = self.plan.packs().iter().map(ActivePack::pack).filter(|pack| pack.made(alert));
            packs.flat_map(|pack| &pack.rules).any(|rule| rule.id == alert.made_by.rule)
        };
        let is_of_pack = |alert: &Alert| !alert.made_by.content_hash.is_empty();
        let is_open = |alert: &Alert| matches!(alert.condition, Condition::Pending | Condition::Active);
        let unasked = self.state.alerts.iter().filter(|alert| is_open(alert) && is_of_pack(alert) && !asks(alert));
        let unasked: Vec<AlertId> = unasked.map(|alert| alert.id).collect();
        for id in unasked {
            if self.state.alert(id).is_some_and(|alert| matches!(alert.repeat, Repeat::Asked { .. })) {
                self.repeat_came(id, Repeat::NotDone);
            }
            self.clear(id, ClearedBecause::ProtocolEnded);
        }
    }

    /// No longer true.
    pub(super) fn clear(&mut self, id: AlertId, because: ClearedBecause) {
        self.change(id, |alert| alert.condition = Condition::Cleared(because));
    }
}
