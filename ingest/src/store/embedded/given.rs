//! Everything held of one person, read for whoever may give it out.

use super::{
    alerts,
    fault::Fault,
    items, jobs,
    journal::{self, Entry, From},
    kept,
    names::Class,
    readings, record, root,
    rows::{Unsound, View},
    timers,
};
use crate::store::{EntryReading, EntryThing, RecordEntry, RecordPlace, WholeRecord};
use vitals::{HubId, PatientId, hex};

/// Everything as it now is.
pub(super) fn whole(view: &View<'_>, patient: &PatientId) -> Result<Option<WholeRecord>, Fault> {
    let Some((no, record)) = record::find(view, Class::Person, patient.as_str())? else { return Ok(None) };
    Ok(Some(WholeRecord {
        items: items::of_record(view, no, &record)?,
        alerts: alerts::of_person(view, no, record.alerts)?,
        notifications: jobs::of_person(view, no)?,
        timers: timers::of_person(view, no)?,
        roots: root::all(view)?,
    }))
}

/// Entries before a place, the newest first.
pub(super) fn entries(
    view: &View<'_>,
    patient: &PatientId,
    before: Option<RecordPlace>,
    limit: usize,
) -> Result<(Vec<RecordEntry>, Option<RecordPlace>), Fault> {
    let (mut found, mut next) = (Vec::new(), None);
    let Some((no, record)) = record::find(view, Class::Person, patient.as_str())?.filter(|_| limit > 0) else {
        return Ok((found, None));
    };
    let from = match before {
        Some(place) => From::Before(no, place.n, place.entry),
        None => From::Only(vec![(no, record)]),
    };
    journal::newest_first(view, from, |entry| {
        next = (entry.previous > 0).then(|| RecordPlace { entry: entry.previous, n: entry.n.saturating_sub(1) });
        found.push(given(view, entry)?);
        Ok(found.len() < limit)
    })?;
    // A page that is not full came to the beginning.
    Ok((found, next))
}

fn given(view: &View<'_>, entry: Entry) -> Result<RecordEntry, Fault> {
    let row = i64::try_from(entry.seq).unwrap_or(i64::MAX);
    let damaged = |_unsound: Unsound| Fault::Damaged { table: journal::TABLE, row };
    let (seq, n, at) = (entry.seq, entry.n, entry.at);
    let (head, content) = (hex::encode(&entry.head), hex::encode(&entry.content.0));
    let mut told = Vec::with_capacity(entry.things.len());
    for thing in &entry.things {
        let hub = match thing.hub {
            Some(hub) => {
                let name = kept::name_of(view.names, hub, Class::Hub).map_err(damaged)?;
                Some(HubId::parse(&name).map_err(|_not_an_id| damaged(Unsound))?)
            }
            None => None,
        };
        // What stands there whole is JSON; anything else is an id.
        let what = serde_json::from_str(&thing.what).unwrap_or_else(|_an_id| thing.what.as_str().into());
        told.push(EntryThing { kind: thing.kind.name(), hub, what });
    }
    let readings = readings::of_entry(view, entry)?.into_iter().map(|found| {
        let (admitted, verdict) = found.into_given();
        EntryReading { admitted, verdict, withdrawn: None }
    });
    Ok(RecordEntry { entry: seq, n, at, head, content, readings: readings.collect(), told })
}
