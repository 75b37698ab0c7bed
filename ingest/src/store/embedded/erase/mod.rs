//! The end of a person's record: what the entries and rows of one person said is taken out, and a signed statement stands in
//! its place. The chains stay whole, because an entry's head covers a hash of what it said, and that stays.
//!
//! Works on the files of a store that nobody has open. Invariants: everything is taken out in one transaction, or nothing;
//! the file is then written anew, because SQLite leaves copies of rows in the free room of pages that it has split; a kill at
//! any moment leaves either the whole record or none of it, and the next start finishes what is left to do.

mod file;
mod rows;
mod statement;

pub use file::finish;
pub(super) use rows::empty_id;
pub(super) use statement::{Covered, of_ended};

use super::{
    StoreKeys,
    commit::{Desk, transaction},
    digest::Keys,
    fault::Fault,
    items,
    names::Class,
    open, record,
    rows::View,
};
use crate::{
    access::Denied,
    disk::Folder,
    people::ImportFiles,
    server_key::ServerKey,
    store::{Ended, ReadError, Tombstone, embedded::OpenError},
};
use chrono::{DateTime, SubsecRound, Utc};
use register::{Erasure, Ground, Item, ItemRef, erasure::ERASURE_LASTS_AT_MOST};
use std::{io, path::Path, sync::Arc};
use thiserror::Error;
use vitals::{PatientId, id::RecordId, id::StaffId};

/// Why a record does not end.
#[derive(Debug, Error)]
pub enum NotEnded {
    /// There is nobody of this id.
    #[error("end a record: the store has nobody of this id")]
    Nobody,
    /// It has ended before.
    #[error("end a record: this one has ended already")]
    EndedBefore,
    /// Two people must have agreed.
    #[error(
        "erase a record: two people must have asked and agreed within 14 days, each for themselves, and their request is not in \
         the record like that. Nothing was changed. Ask again"
    )]
    NotAgreed,
    /// Somebody holds it.
    #[error("end a record: it is on hold, so it stays. Nothing was changed. End the hold first, if it may end")]
    OnHold,
    /// It is not due.
    #[error(
        "dispose of a record: the time for which it must be kept is not over, or cannot be told. Nothing was changed"
    )]
    NotDue,
    /// An entry or row of it is damaged.
    #[error("end a record")]
    Read(#[from] ReadError),
    /// The store cannot be opened.
    #[error("open the store")]
    Open(#[from] OpenError),
    /// It could not be written.
    #[error("end a record: {0}. It is as it was")]
    NotWritten(String),
    /// It has ended, and the file is not written anew yet.
    #[error(
        "the record has ended. What is left over of it in the free room of the store's file could not be removed yet: {0}. The next start tries again"
    )]
    LeftOver(String),
    /// A file beside the store.
    #[error("take somebody out of the lists of imports")]
    Files(#[from] io::Error),
}

impl From<Fault> for NotEnded {
    fn from(fault: Fault) -> Self {
        Self::Read(fault.into())
    }
}

/// Why a record is to end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// Two people agreed: their request in the register.
    Erasure(RecordId),
    /// The time for which it must be kept is over; whoever asks has looked.
    TimeIsOver,
}

/// How far it has come: where a test stops it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Nothing is done.
    Begun,
    /// The lists of imports name the person no more.
    Forgotten,
    /// Everything is taken out, within the transaction.
    TakenOut,
    /// It is committed.
    Committed,
    /// The log is folded.
    Folded,
    /// The new file is written, beside the old.
    WrittenAnew,
    /// The new file stands in its place.
    Renamed,
}

/// Who wants it, and on what ground.
#[derive(Default)]
struct Wanted {
    ground: Option<Ground>,
    asked_by: Option<StaffId>,
    agreed_by: Option<StaffId>,
}

/// Ends the record of a person, in the store of a folder that nobody has open.
///
/// # Errors
/// [`NotEnded`] says why it does not end; it is as it was then, or has ended and only the file is to be written anew.
pub fn end_record(
    folder: &Path,
    keys: &StoreKeys,
    server_key: &ServerKey,
    (patient, why): (&PatientId, &Why),
    mut on_step: impl FnMut(Step),
    at: DateTime<Utc>,
) -> Result<Tombstone, NotEnded> {
    on_step(Step::Begun);
    let at = at.trunc_subsecs(6);
    let disk: Arc<dyn crate::disk::Disk> = Arc::new(Folder::new(folder));
    let keys = Arc::new(Keys::new(keys));
    let mut desk = open::writer(&disk, &keys)?;
    let wanted = wanted(&desk, patient, why, at)?;
    ImportFiles::new(folder).forget(patient)?;
    on_step(Step::Forgotten);
    let how = match why {
        Why::Erasure(_) => Ended::Erased,
        Why::TimeIsOver => Ended::Disposed,
    };
    let mut tombstone = None;
    let done = transaction(&mut desk, |view, _care| {
        tombstone = Some(statement::put_in_place(view, server_key, patient, (how, wanted), at)?);
        on_step(Step::TakenOut);
        Ok(())
    });
    done.map_err(|lost| NotEnded::NotWritten(lost.why().to_owned()))?;
    drop(desk);
    on_step(Step::Committed);
    file::write_anew(folder, &keys, &mut on_step).map_err(|error| NotEnded::LeftOver(error.to_string()))?;
    tombstone.ok_or(NotEnded::Nobody)
}

/// Whether it may be done, and who wants it.
fn wanted(desk: &Desk, patient: &PatientId, why: &Why, at: DateTime<Utc>) -> Result<Wanted, NotEnded> {
    let view = &View::new(&desk.conn, &desk.keys, &desk.names, desk.tally);
    let Some((no, record)) = record::find(view, Class::Person, patient.as_str())? else {
        let has_ended = record::has_ended(view, Class::Person, patient.as_str());
        return Err(if has_ended { NotEnded::EndedBefore } else { NotEnded::Nobody });
    };
    let kept = items::of_record(view, no, &record)?;
    let holds = |item: &Item| matches!(item, Item::Hold(hold) if hold.span.has(at) || hold.span.from > at);
    if kept.iter().any(|kept| holds(&kept.item)) {
        return Err(NotEnded::OnHold);
    }
    let Why::Erasure(request) = why else { return Ok(Wanted::default()) };
    let which = ItemRef::Erasure(request.clone());
    let Some(Item::Erasure(erasure)) = kept.into_iter().map(|kept| kept.item).find(|item| item.reference() == which)
    else {
        return Err(NotEnded::NotAgreed);
    };
    let (asked_by, agreed_by) = erasure.agreed(at).ok_or(NotEnded::NotAgreed)?;
    if !both_wrote(view, &which, &erasure, at)? {
        return Err(NotEnded::NotAgreed);
    }
    let (asked_by, agreed_by) = (Some(asked_by.clone()), Some(agreed_by.clone()));
    Ok(Wanted { ground: Some(erasure.ground), asked_by, agreed_by })
}

/// Whether each of the two wrote their own version of it, in time by the service's clock: what a command of the service wrote is
/// nobody's agreement, and when they asked is not for them to say.
fn both_wrote(view: &View<'_>, which: &ItemRef, erasure: &Erasure, at: DateTime<Utc>) -> Result<bool, Fault> {
    let kept = items::find(view, which)?.ok_or(Denied)?;
    let versions = items::versions(view, which, &kept, 3)?;
    let [agreed, asked] = versions.as_slice() else { return Ok(false) };
    let is_in_time = agreed.at >= asked.at && at >= agreed.at && at - asked.at <= ERASURE_LASTS_AT_MOST;
    let is_theirs = agreed.written.by == erasure.agreed_by && asked.written.by.as_ref() == Some(&erasure.asked_by);
    Ok(is_in_time && is_theirs)
}
