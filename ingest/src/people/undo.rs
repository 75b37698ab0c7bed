//! Taking an import back: everybody it wrote becomes as they were before it, unless somebody changed them since.
//!
//! Nothing is removed: taking back is another version. A person whom the import brought in was nobody before; they stay in
//! the register without a team and without a care home, so that nobody's list has them.

use super::{
    imports::ImportId,
    write::{Hand, NotWritten, Writer},
};
use crate::{
    access::{Access, Purpose},
    store::{ReadError, Version},
};
use register::{Item, ItemRef, Patient};
use thiserror::Error;
use vitals::PatientId;

/// Versions looked at first: the import's and the one before it.
const NEWEST: usize = 2;

/// Versions looked at for whether the import ever wrote somebody.
const VERSIONS_MAX: usize = 1_000;

/// What taking back came to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Undone {
    /// How many people are as they were before.
    pub put_back: u64,
    /// Who was new by the import, and is now without team and care home.
    pub left_out: Vec<PatientId>,
    /// How many were taken back before.
    pub already: u64,
    /// Who was changed since, and is left as they are.
    pub changed_since: Vec<PatientId>,
    /// Of whom it cannot be read any more what they were before; they are left as they are.
    pub unreadable: Vec<PatientId>,
    /// How many the import never wrote.
    pub untouched: u64,
}

/// Why an import was not taken back, or not to its end.
#[derive(Debug, Error)]
pub enum NotUndone {
    /// A person's versions cannot be read.
    #[error("read what a person was before")]
    Read(#[from] ReadError),
    /// They cannot be written.
    #[error(transparent)]
    Write(#[from] NotWritten),
    /// The import has no name to look for; not to be expected.
    #[error("name the import")]
    Name,
}

/// Takes an import back for these people; with `is_dry` it only says what that would come to.
///
/// # Errors
/// [`NotUndone`] where the store fails; the same again goes on.
pub async fn undo(
    hand: Hand<'_>,
    import: &ImportId,
    people: impl IntoIterator<Item = PatientId>,
    is_dry: bool,
) -> Result<Undone, NotUndone> {
    let (Some(done), Some(taken_back)) = (import.reason(), import.undo_reason()) else { return Err(NotUndone::Name) };
    let who = Access::system(Purpose::Directory);
    let mut undone = Undone::default();
    let store = hand.store;
    let mut writer = Writer::new(hand, Some(taken_back.clone()));
    let is_done = |version: &Version| version.written.why.as_ref() == Some(&done);
    for id in people {
        let which = ItemRef::Patient(id.clone());
        let newest = store.versions(&who, &which, NEWEST).await?;
        let Some(now) = newest.first() else {
            undone.untouched += 1;
            continue;
        };
        if now.written.why.as_ref() == Some(&taken_back) {
            undone.already += 1;
            continue;
        }
        if !is_done(now) {
            let all = store.versions(&who, &which, VERSIONS_MAX).await?;
            match all.iter().any(is_done) {
                true => undone.changed_since.push(id),
                false => undone.untouched += 1,
            }
            continue;
        }
        let version = now.written.version.unwrap_or_default();
        let before = newest.get(1).filter(|before| before.written.version == version.checked_sub(1));
        let item = match (before, &now.written.item) {
            (Some(before), _) => {
                undone.put_back += 1;
                before.written.item.clone()
            }
            (None, Item::Patient(patient)) if version == 1 => {
                undone.left_out.push(id.clone());
                Item::from(Patient { team: None, home: None, ..(**patient).clone() })
            }
            // What they were before stands in an entry that is damaged.
            (None, _) => {
                undone.unreadable.push(id);
                continue;
            }
        };
        let version = version.saturating_add(1);
        if !is_dry {
            writer.write(id, item, version).await?;
        }
    }
    let written = writer.finish().await?;
    undone.changed_since.extend(written.stale);
    undone.unreadable.extend(written.ended);
    Ok(undone)
}
