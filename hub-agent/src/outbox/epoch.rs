//! The epoch: how often this hub's memory was set up. It is raised whenever an outbox file is created.
//!
//! It lies twice: in the database, and in the note `epoch` beside it, which is written and synced (file and folder)
//! before a new database gets its first table. So deleting only the database, or putting back an older copy made
//! before the note was raised, raises the epoch, and no request number of the lost file is ever used again. Deleting
//! both starts again at 1; the service then refuses the hub (`epoch_retired`), which a person must look at.

use super::OutboxError;
use crate::disk::Disk;

/// The note's name in the data folder.
pub(super) const NOTE: &str = "epoch";

fn read(disk: &dyn Disk) -> Result<u32, OutboxError> {
    match disk.read_note(NOTE)? {
        None => Ok(0),
        Some(text) => text.trim().parse().map_err(|_not_a_number| OutboxError::EpochUnreadable),
    }
}

/// The epoch for a new database: one above every epoch before, and noted.
pub(super) fn raise(disk: &dyn Disk, above: u32) -> Result<u32, OutboxError> {
    let epoch = read(disk)?.max(above).checked_add(1).ok_or(OutboxError::NumbersUsedUp)?;
    disk.write_note(NOTE, &epoch.to_string())?;
    Ok(epoch)
}

/// What to do with a database of this epoch: go on with it (`None`), or go on under a raised one, because the note is
/// ahead and so the database is an older copy.
pub(super) fn reconcile(disk: &dyn Disk, in_database: u32) -> Result<Option<u32>, OutboxError> {
    let noted = read(disk)?;
    if noted > in_database {
        return raise(disk, in_database).map(Some);
    }
    if noted < in_database {
        disk.write_note(NOTE, &in_database.to_string())?;
    }
    Ok(None)
}
