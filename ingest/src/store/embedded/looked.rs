//! The log of a person's record: who looked at it or changed it, as the person's own chain tells.

use super::{
    fates,
    fault::Fault,
    items::{self, Told},
    journal::{self, EntryKind, From, Thing},
    names::Class,
    record,
    rows::{Unsound, View},
};
use crate::store::Logged;
use rules::event::{Audit, AuditKind};
use vitals::{PatientId, bounded::Text};

/// The newest lines first. What a marked entry told of is not among them.
pub(super) fn list(view: &View<'_>, patient: &PatientId, limit: usize) -> Result<Vec<Logged>, Fault> {
    let mut logged = Vec::new();
    let Some(theirs) = record::find(view, Class::Person, patient.as_str())?.filter(|_| limit > 0) else {
        return Ok(logged);
    };
    journal::newest_first(view, From::Only(vec![theirs]), |entry| {
        for thing in entry.things.iter().rev() {
            let row = i64::try_from(entry.seq).unwrap_or(i64::MAX);
            let audit = audit(thing).map_err(|Unsound| Fault::Damaged { table: journal::TABLE, row })?;
            logged.extend(audit.map(|audit| Logged { audit, at: entry.at }));
        }
        Ok(logged.len() < limit)
    })?;
    logged.truncate(limit);
    Ok(logged)
}

/// What a thing of an entry says in the log, if it does.
fn audit(thing: &Thing) -> Result<Option<Audit>, Unsound> {
    if thing.kind == EntryKind::Audit {
        return Ok(Some(serde_json::from_str(&thing.what)?));
    }
    if let Some(told) = fates::Told::of(thing)? {
        return Ok(Some(Audit { what: AuditKind::Written, about: Text::new(&told.line())?, by: None }));
    }
    if thing.kind != EntryKind::ItemWritten {
        return Ok(None);
    }
    let told = Told::read(&thing.what)?;
    // A version names who wrote it, and not as what: the register says which posts they held then.
    let by = told.written.by.as_ref().map(|by| format!(" by {by}")).unwrap_or_default();
    let about = format!("{} version {}{by}", items::named(&told.written.item.reference()), told.version());
    Ok(Some(Audit { what: AuditKind::Written, about: Text::new(&about)?, by: None }))
}
