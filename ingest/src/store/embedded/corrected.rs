//! Readings that no longer count for a person, or do from now on: entered in error, another person's, or theirs after all.
//!
//! Invariants: a reading that was stored stays where it stands, with its verdict, and an entry says that it no longer counts, by
//! whom and why; what the rules work out again rests on every reading that still counts within the horizon, read once for all
//! withdrawals of a slice; what is left out because there is too much is said.

use super::{
    alerts,
    fates::{Fates, Told},
    fault::Fault,
    journal::{self, Draft, EntryKind, From},
    names::No,
    readings::{self, Found, Place},
    record::Subject,
    rows::Tx,
};
use chrono::{DateTime, TimeDelta, Utc};
use rules::{Because, Correction, Refused, Verdict, Withdrawal, event::CORRECTED_OF_KIND_MAX};
use std::collections::{BTreeMap, BTreeSet};
use vitals::{Admitted, ErrorCode, Kind, PatientId, ReadingId, Who};

/// How far back the rules look: no operator looks further (design, section 3).
const HORIZON: TimeDelta = TimeDelta::days(rules::duration::SPAN_DAYS_MAX);

/// Most readings looked at for one correction, because everybody else's writes wait for it.
///
/// A hundred days of a sensor that speaks every five
/// minutes, beside twenty readings of everything else a day.
const LOOKED_AT_MAX: usize = 32_000;

/// Most readings looked at for the one that somebody means: what is further back than that is not found.
const LOOKED_FOR_MAX: usize = 250_000;

/// What somebody says of the readings of a slice.
#[derive(Default)]
pub(super) struct Said {
    /// What no longer counts.
    pub(super) withdrawn: Vec<Told>,
    /// What was entered in error, and counts after all.
    pub(super) again: Vec<Told>,
    /// What was another person's, and is here.
    pub(super) came: Vec<(Told, Admitted)>,
}

impl Said {
    pub(super) fn is_empty(&self) -> bool {
        self.withdrawn.is_empty() && self.again.is_empty() && self.came.is_empty()
    }

    /// Puts it into the entry.
    pub(super) fn keep(&self, tx: &Tx<'_>, draft: &mut Draft) -> Result<(), Fault> {
        let came = self.came.iter().map(|(told, _)| told);
        self.withdrawn.iter().chain(&self.again).chain(came).try_for_each(|told| told.keep(tx, draft))
    }
}

/// What was found for it.
pub(super) struct ToWorkOut {
    pub(super) correction: Correction,
    /// What counts from now on, as it stands in the journal.
    pub(super) assigned: Vec<Admitted>,
    /// Where readings stand that no longer count and wait to be judged.
    pub(super) waiting: Vec<(ReadingId, Place)>,
}

/// What is wanted of a reading.
#[derive(Clone, Copy)]
enum Wanted {
    Withdrawn(Because),
    Again,
}

/// What is found of a person's readings on the way back through their chain.
struct Walked<'a> {
    tx: &'a Tx<'a>,
    /// When the walk may end.
    since: DateTime<Utc>,
    fates: Fates,
    /// What was met already: a reading that was recovered stands in two entries.
    met: BTreeSet<ReadingId>,
    looked_at: usize,
    wanted: BTreeMap<ReadingId, Wanted>,
    withdrawn: Vec<Withdrawal>,
    again: Vec<Admitted>,
    waiting: Vec<(ReadingId, Place)>,
    rest: BTreeMap<Kind, BTreeMap<(DateTime<Utc>, ReadingId), Admitted>>,
    cut: BTreeMap<Kind, DateTime<Utc>>,
}

impl Walked<'_> {
    /// Takes an entry in, and says whether to go on.
    fn take(&mut self, entry: journal::Entry) -> Result<bool, Fault> {
        self.fates.take(&entry)?;
        let (subject, at) = (entry.subject, entry.at);
        let mut goes_on = at >= self.since;
        self.looked_at += entry.readings.len();
        if goes_on && self.looked_at > LOOKED_AT_MAX {
            goes_on = false;
            for kind in Kind::ALL {
                let cut = self.cut.entry(kind).or_insert(at);
                *cut = at.max(*cut);
            }
        }
        if !entry.readings.is_empty() {
            for found in readings::of_entry(self.tx, entry)? {
                self.reading(subject, found)?;
            }
        }
        Ok(goes_on || (!self.wanted.is_empty() && self.looked_at <= LOOKED_FOR_MAX))
    }

    fn reading(&mut self, subject: No, found: Found) -> Result<(), Fault> {
        let Found { at, kept } = found;
        let (id, kind) = (kept.admitted.reading.id, kept.admitted.reading.kind);
        let may_count_again = self.fates.of(subject, id).map(Told::may_count_again);
        let was_judged = matches!(kept.verdict, Some(Verdict::Evaluated { .. }));
        match (self.wanted.get(&id).copied(), may_count_again) {
            (Some(Wanted::Withdrawn(because)), None) => {
                if !was_judged && readings::judged(self.tx, at)?.is_none() {
                    self.waiting.push((id, at));
                }
                self.withdrawn.push(Withdrawal { admitted: kept.admitted, because, was_judged });
                self.is_found(id);
            }
            (Some(Wanted::Again), Some(true)) => {
                self.again.push(kept.admitted);
                self.is_found(id);
            }
            (Some(Wanted::Again), Some(false) | None) => return Err(Refused::NotInError.into()),
            // An older copy may count.
            (Some(Wanted::Withdrawn(_)) | None, Some(_)) => {}
            (None, None) => {
                let taken = kept.admitted.event_time();
                let is_cut = self.cut.get(&kind).is_some_and(|cut| taken < *cut);
                if self.met.insert(id) && was_judged && taken >= self.since && !is_cut {
                    self.keep(kind, (taken, id), kept.admitted);
                }
            }
        }
        Ok(())
    }

    fn is_found(&mut self, id: ReadingId) {
        self.wanted.remove(&id);
        self.met.insert(id);
    }

    /// Keeps a reading that counts: of each measure the newest.
    fn keep(&mut self, kind: Kind, place: (DateTime<Utc>, ReadingId), admitted: Admitted) {
        let of_kind = self.rest.entry(kind).or_default();
        of_kind.insert(place, admitted);
        if of_kind.len() > CORRECTED_OF_KIND_MAX {
            let left_out = of_kind.pop_first();
            // Of one moment all or nothing.
            let cut = left_out.map(|((taken, _), _)| taken + TimeDelta::microseconds(1));
            if let Some(cut) = cut {
                of_kind.retain(|(taken, _), _| *taken >= cut);
                let known = self.cut.entry(kind).or_insert(cut);
                *known = cut.max(*known);
            }
        }
    }
}

/// Everything the rules need where readings of a person no longer count, or do from now on.
pub(super) fn correction(tx: &Tx<'_>, person: &Subject, said: &Said) -> Result<ToWorkOut, Fault> {
    let withdrawn =
        said.withdrawn.iter().filter_map(|told| told.because.map(|because| (told.reading, Wanted::Withdrawn(because))));
    let again = said.again.iter().map(|told| (told.reading, Wanted::Again));
    let mut walked = Walked {
        tx,
        since: tx.at - HORIZON,
        fates: Fates::default(),
        met: BTreeSet::new(),
        looked_at: 0,
        wanted: withdrawn.chain(again).collect(),
        withdrawn: Vec::new(),
        again: Vec::new(),
        waiting: Vec::new(),
        rest: BTreeMap::new(),
        cut: BTreeMap::new(),
    };
    journal::newest_first(tx, From::Only(vec![(person.no, person.record.clone())]), |entry| walked.take(entry))?;
    if !walked.wanted.is_empty() {
        return Err(Refused::NotCounted.into());
    }
    let Walked { since, withdrawn, again, waiting, rest, cut, .. } = walked;
    let rest = rest.into_iter().flat_map(|(kind, of_kind)| {
        let from = cut.get(&kind).copied();
        of_kind.into_iter().filter(move |((taken, _), _)| from.is_none_or(|from| *taken >= from))
    });
    let mut rest: Vec<((DateTime<Utc>, ReadingId), Admitted)> = rest.collect();
    rest.sort_by_key(|(place, _)| *place);
    let rest = rest.into_iter().map(|(_, admitted)| admitted).collect();
    let gone = |reading: ReadingId| withdrawn.iter().any(|withdrawal| withdrawal.admitted.reading.id == reading);
    let shows = |alert: &rules::Alert| {
        alert.is_finished() && alert.evidence.iter().any(|evidence| evidence.counts() && gone(evidence.reading))
    };
    // Nothing is amended where nothing is withdrawn.
    let all = if withdrawn.is_empty() { Vec::new() } else { alerts::of_person(tx, person.no, person.record.alerts)? };
    let finished = all.into_iter().filter(shows).collect();
    let came = said.came.iter().map(|(_, admitted)| admitted.clone());
    let assigned = again.into_iter().chain(came).collect();
    Ok(ToWorkOut {
        correction: Correction { withdrawn, rest, since, cut, anew: BTreeSet::new(), finished },
        assigned,
        waiting,
    })
}

/// What was measured of a person, for rules that look back on what nobody kept.
pub(super) fn anew(tx: &Tx<'_>, person: &Subject, anew: BTreeSet<Kind>) -> Result<Correction, Fault> {
    Ok(Correction { anew, ..correction(tx, person, &Said::default())?.correction })
}

/// What is no longer to count is not judged any more: it goes off the list of those that wait, and says why.
pub(super) fn judge_no_more(tx: &Tx<'_>, draft: &mut Draft, waiting: &[(ReadingId, Place)]) -> Result<(), Fault> {
    let verdict = Verdict::unevaluated(ErrorCode::ReadingWithdrawn);
    for (id, at) in waiting {
        let digest = readings::judge_again(tx, *at, &verdict)?;
        draft.thing(EntryKind::ReadingJudged, &id.to_string(), None, &digest);
    }
    Ok(())
}

/// A reading as another person's: its device, its times and its id are its own, and stay.
pub(super) fn as_of(admitted: &Admitted, patient: &PatientId) -> Admitted {
    let mut theirs = admitted.clone();
    theirs.reading.who = Who::Patient(patient.clone());
    theirs
}

/// The newest copy of a reading that was assigned to this person, where there is one.
pub(super) fn assigned(tx: &Tx<'_>, person: &Subject, reading: ReadingId) -> Result<Option<Found>, Fault> {
    let mut found = None;
    journal::newest_first(tx, From::Only(vec![(person.no, person.record.clone())]), |entry| {
        if entry.things.iter().any(|thing| thing.kind == EntryKind::ReadingAssigned) {
            let of_entry = readings::of_entry(tx, entry)?;
            found = of_entry.into_iter().find(|found| found.kept.admitted.reading.id == reading);
        }
        Ok(found.is_none())
    })?;
    Ok(found)
}
