//! What a script came to when nothing was wrong, and when: against this every damaged, cut or failing store is judged.

use super::{
    play::{Told, patient, reading_of},
    view::Digest,
};
use ingest::store::{ReadingOutcome, StoredReading};
use rules::{Alert, Verdict};
use std::collections::{BTreeMap, BTreeSet};
use vitals::{Admitted, AlertId, ReadingId};

/// One reading, as it was first offered.
#[derive(Debug, Clone)]
pub struct Known {
    /// The reading.
    pub admitted: Admitted,
    /// When it was first offered, in operations recorded.
    pub offered: usize,
    /// When it was first acknowledged; none where it never was.
    pub acknowledged: Option<usize>,
    /// The verdicts it has had.
    pub verdicts: Vec<Verdict>,
}

/// Everything the callers know.
#[derive(Debug, Clone, Default)]
pub struct Truth {
    /// Readings, in the order they were offered.
    pub readings: Vec<Known>,
    places: BTreeMap<ReadingId, usize>,
    /// Alerts, each with when its act began and was acknowledged.
    pub alerts: BTreeMap<AlertId, (usize, usize)>,
    /// Whether every commit there was is known of: not where one may have been made and not acknowledged.
    pub is_whole: bool,
    /// Acts, each with when it began and was acknowledged, and a digest of everything after it.
    pub acts: Vec<ActSeen>,
}

/// What was seen of one act.
#[derive(Debug, Clone, Copy)]
pub struct ActSeen {
    /// When it began, in operations recorded.
    pub began: usize,
    /// When its answers were there.
    pub answered: usize,
    /// Everything the store answered afterwards, where it was asked.
    pub digest: Option<Digest>,
    /// Whether more than one commit may have been made in it.
    pub is_many: bool,
}

/// What is wrong with a store. Counts are of readings, unless they say otherwise.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wrong {
    /// Acknowledged and not there.
    pub lost: usize,
    /// There more than once.
    pub duplicated: usize,
    /// There and never offered, or with other contents or another verdict.
    pub other: usize,
    /// Alerts that are missing, twice or from nowhere.
    pub alerts: usize,
    /// Everything else, in words.
    pub words: Vec<String>,
}

impl Wrong {
    /// Whether anything is.
    #[must_use]
    pub fn is_any(&self) -> bool {
        *self != Self::default()
    }

    /// Adds another's.
    pub fn add(&mut self, other: Self) {
        self.lost += other.lost;
        self.duplicated += other.duplicated;
        self.other += other.other;
        self.alerts += other.alerts;
        self.words.extend(other.words);
    }
}

/// What a store holds, as far as [`Truth::judge`] wants to know.
#[derive(Debug, Clone)]
pub struct Held {
    /// Readings of people and of nobody.
    pub readings: Vec<StoredReading>,
    /// Alerts.
    pub alerts: Vec<Alert>,
}

impl Truth {
    /// Of a run in which every commit is acknowledged.
    #[must_use]
    pub fn whole() -> Self {
        Self { is_whole: true, ..Self::default() }
    }

    /// Notes that readings are offered.
    pub fn offer<'a>(&mut self, readings: impl IntoIterator<Item = &'a Admitted>, now: usize) {
        for admitted in readings {
            self.places.entry(admitted.reading.id).or_insert_with(|| {
                let known =
                    Known { admitted: admitted.clone(), offered: now, acknowledged: None, verdicts: Vec::new() };
                self.readings.push(known);
                self.readings.len() - 1
            });
        }
    }

    /// Notes what a caller was told of an act that began at a moment.
    pub fn told(&mut self, told: &Told, began: usize, now: usize) {
        for outcome in &told.readings {
            let Some(known) = self.places.get(&reading_of(outcome)).and_then(|place| self.readings.get_mut(*place))
            else {
                continue;
            };
            known.acknowledged.get_or_insert(now);
            if let ReadingOutcome::Stored { verdict, .. } | ReadingOutcome::Duplicate { verdict: Some(verdict), .. } =
                outcome
                && !known.verdicts.contains(verdict)
            {
                known.verdicts.push(verdict.clone());
            }
        }
        for alert in &told.alerts {
            self.alerts.entry(alert.id).or_insert((began, now));
        }
    }

    /// Notes the verdicts that readings have by now: what could not be judged may have been judged again.
    pub fn see(&mut self, readings: &[StoredReading]) {
        for stored in readings {
            let known = self.places.get(&stored.reading.id).and_then(|place| self.readings.get_mut(*place));
            if let (Some(known), Some(verdict)) = (known, &stored.verdict)
                && !known.verdicts.contains(verdict)
            {
                known.verdicts.push(verdict.clone());
            }
        }
    }

    /// A reading by its id.
    #[must_use]
    pub fn known(&self, id: ReadingId) -> Option<&Known> {
        self.places.get(&id).and_then(|place| self.readings.get(*place))
    }

    /// Sets a store beside what was offered and acknowledged up to a moment: every acknowledged reading is there, once,
    /// as it was sent and with its verdict; nothing is there that was not offered by then; every alert that a verdict
    /// names is there once, rests on readings that are there, and none comes from nowhere.
    #[must_use]
    pub fn judge(&self, held: &Held, moment: usize) -> Wrong {
        let mut wrong = Wrong::default();
        let mut there: BTreeMap<ReadingId, &StoredReading> = BTreeMap::new();
        for stored in &held.readings {
            if there.insert(stored.reading.id, stored).is_some() {
                wrong.duplicated += 1;
            }
        }
        let mut offered = 0;
        for known in self.readings.iter().take_while(|known| known.offered <= moment) {
            let must_be_there = known.acknowledged.is_some_and(|acknowledged| acknowledged <= moment);
            match there.get(&known.admitted.reading.id) {
                Some(stored) => {
                    offered += 1;
                    wrong.other += usize::from(!known.is_as_told(stored));
                }
                None => wrong.lost += usize::from(must_be_there),
            }
        }
        wrong.other += there.len() - offered;
        let alerts: BTreeSet<AlertId> = held.alerts.iter().map(|alert| alert.id).collect();
        wrong.alerts += held.alerts.len() - alerts.len();
        for alert in &held.alerts {
            let is_known = self.alerts.get(&alert.id).is_some_and(|(began, _)| *began <= moment);
            let has_grounds = alert.evidence.iter().all(|evidence| there.contains_key(&evidence.reading));
            wrong.alerts += usize::from((self.is_whole && !is_known) || !has_grounds);
        }
        let told = self.alerts.iter().filter(|(_, (_, answered))| *answered <= moment);
        wrong.alerts += told.filter(|(id, _)| !alerts.contains(id)).count();
        for stored in there.values() {
            if let Some(Verdict::Evaluated { alerts: named, .. }) = &stored.verdict {
                wrong.alerts += named.iter().filter(|id| !alerts.contains(id)).count();
            }
        }
        wrong
    }
}

impl Known {
    /// Whether a stored reading is what was offered, with a verdict that somebody was told. What could not be judged may
    /// have been judged since.
    fn is_as_told(&self, stored: &StoredReading) -> bool {
        let may_be_another = self.verdicts.iter().all(|verdict| matches!(verdict, Verdict::Unevaluated { .. }));
        let verdict_fits = match &stored.verdict {
            Some(verdict) => may_be_another || self.verdicts.contains(verdict),
            None => patient(&self.admitted).is_none(),
        };
        verdict_fits && stored.reading == self.admitted.reading && stored.hub == self.admitted.hub
    }
}
