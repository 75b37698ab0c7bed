//! Readings that no longer count for a person: entered in error, or another person's.
//!
//! Invariants: a reading that was stored stays where it stands, with its verdict, and an entry says that it no longer counts, by
//! whom and why; what the rules work out again rests on every reading that still counts within the horizon, read once for all
//! withdrawals of a slice.

use super::{
    alerts,
    fault::Fault,
    journal::{self, Draft, EntryKind, From},
    readings::{self, Found},
    record::Subject,
    rows::{Tx, Unsound, View},
};
use chrono::{DateTime, TimeDelta, Utc};
use rules::{Actor, Because, Correction, Refused, Verdict, Withdrawal, alert::Note, event::CORRECTED_FROM_MAX};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use vitals::{ReadingId, bounded::Text, id::StaffId};

/// How far back the rules look: no operator looks further (design, section 3).
const HORIZON: TimeDelta = TimeDelta::days(rules::duration::SPAN_DAYS_MAX);

/// What an entry tells of a reading that no longer counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Told {
    pub(super) reading: ReadingId,
    because: Because,
    by: StaffId,
    name: Text<120>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    note: Option<Note>,
}

impl Told {
    pub(super) fn of(reading: ReadingId, because: Because, by: Actor, note: Option<Note>) -> Self {
        Self { reading, because, by: by.id, name: by.name, note }
    }

    pub(super) fn read(what: &str) -> Result<Self, Unsound> {
        Ok(serde_json::from_str(what)?)
    }

    pub(super) fn keep(&self, tx: &Tx<'_>, draft: &mut Draft) -> Result<(), Fault> {
        let what = serde_json::to_string(self)?;
        let digest = tx.keys.row("withdrawn", &[what.as_str().into()]);
        draft.thing(EntryKind::ReadingWithdrawn, &what, None, &digest);
        Ok(())
    }
}

/// What is found of a person's readings on the way back through their chain.
struct Walked {
    /// When the walk may end.
    since: DateTime<Utc>,
    /// What no longer counts, by an entry that came later.
    gone: BTreeSet<ReadingId>,
    /// What was met already: a reading that was recovered stands in two entries.
    met: BTreeSet<ReadingId>,
    wanted: BTreeMap<ReadingId, Because>,
    withdrawn: Vec<Withdrawal>,
    rest: Vec<Found>,
}

impl Walked {
    /// Takes an entry in, and says whether to go on.
    fn take(&mut self, view: &View<'_>, entry: journal::Entry) -> Result<bool, Fault> {
        let damaged =
            |Unsound| Fault::Damaged { table: journal::TABLE, row: i64::try_from(entry.seq).unwrap_or(i64::MAX) };
        for thing in entry.things.iter().filter(|thing| thing.kind == EntryKind::ReadingWithdrawn) {
            self.gone.insert(Told::read(&thing.what).map_err(damaged)?.reading);
        }
        let is_within = entry.at >= self.since;
        if !entry.readings.is_empty() {
            for found in readings::of_entry(view, entry)? {
                self.reading(found);
            }
        }
        Ok(is_within || !self.wanted.is_empty())
    }

    fn reading(&mut self, found: Found) {
        let id = found.kept.admitted.reading.id;
        if self.gone.contains(&id) || !self.met.insert(id) {
            return;
        }
        let was_judged = matches!(found.kept.verdict, Some(Verdict::Evaluated { .. }));
        if let Some(because) = self.wanted.remove(&id) {
            self.gone.insert(id);
            self.withdrawn.push(Withdrawal { admitted: found.kept.admitted, because, was_judged });
        } else if was_judged && found.kept.admitted.event_time() >= self.since {
            self.rest.push(found);
        }
    }
}

/// Everything the rules need where these readings of a person no longer count.
pub(super) fn correction(tx: &Tx<'_>, person: &Subject, told: &[Told]) -> Result<Correction, Fault> {
    let mut walked = Walked {
        since: tx.at - HORIZON,
        gone: BTreeSet::new(),
        met: BTreeSet::new(),
        wanted: told.iter().map(|told| (told.reading, told.because)).collect(),
        withdrawn: Vec::new(),
        rest: Vec::new(),
    };
    journal::newest_first(tx, From::Only(vec![(person.no, person.record.clone())]), |entry| walked.take(tx, entry))?;
    if !walked.wanted.is_empty() {
        return Err(Refused::NotCounted.into());
    }
    let Walked { mut since, gone, withdrawn, rest, .. } = walked;
    let mut rest: Vec<_> = rest.into_iter().map(|found| found.kept.admitted).collect();
    rest.sort_by_key(|admitted| (admitted.event_time(), admitted.reading.id));
    let too_many = rest.len().saturating_sub(CORRECTED_FROM_MAX);
    rest.drain(..too_many);
    if let Some(oldest) = rest.first().filter(|_| too_many > 0) {
        since = oldest.event_time();
    }
    let shows = |alert: &rules::Alert| {
        alert.is_finished()
            && alert.evidence.iter().any(|evidence| evidence.counts() && gone.contains(&evidence.reading))
    };
    let finished = alerts::of_person(tx, person.no, person.record.alerts)?.into_iter().filter(shows).collect();
    Ok(Correction { withdrawn, rest, since, finished })
}
