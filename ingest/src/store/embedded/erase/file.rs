//! The file written anew, without what is left over in the free room of its pages.
//!
//! Zeroing what is deleted (`secure_delete`) is not enough: where SQLite splits a page or joins two, it copies rows to another
//! page and leaves the old bytes in the room between. So the file is written anew from its rows, and takes the old one's
//! place by a rename. Below the file system nothing can be promised: the disk is to be encrypted whole.

use super::{NotEnded, Step};
use crate::{
    disk::DATABASE_FILE,
    store::embedded::{StoreKeys, digest::Keys, open, rows::run, tally::Tally},
};
use rusqlite::{Connection, OpenFlags, params};
use std::{fs, io, path::Path};

/// Finishes what a kill left undone: where a record has ended and the file was not written anew since, it is now.
///
/// # Errors
/// [`NotEnded`] where it cannot be; the store is as it was.
pub fn finish(folder: &Path, keys: &StoreKeys) -> Result<(), NotEnded> {
    let keys = Keys::new(keys);
    if is_to_do(folder, &keys) { write_anew(folder, &keys, |_| {}) } else { Ok(()) }
}

/// Whether a record has ended since the file was written anew. A file that cannot be read is whoever opens it to tell of.
fn is_to_do(folder: &Path, keys: &Keys) -> bool {
    let path = folder.join(DATABASE_FILE);
    if !path.exists() {
        return false;
    }
    let read = |conn: Connection| Tally::read(&conn, keys).ok();
    // Only to read: a file that is not ours, or is newer, must not even have its log folded.
    let tally = Connection::open_with_flags(&path, OpenFlags::SQLITE_OPEN_READ_ONLY).ok().and_then(read);
    tally.is_some_and(|tally| tally.ended > tally.ended_cleanly)
}

/// Writes the file anew. Where that fails, what was written of it does not stay to fill the disk.
pub(super) fn write_anew(folder: &Path, keys: &Keys, on_step: impl FnMut(Step)) -> Result<(), NotEnded> {
    let done = try_write_anew(folder, keys, on_step);
    if done.is_err() {
        remove_new(folder)?;
    }
    done
}

/// Removes the new file, whole or not.
fn remove_new(folder: &Path) -> io::Result<()> {
    ["", "-journal"].iter().try_for_each(|left| remove(&folder.join(format!("{DATABASE_FILE}.new{left}"))))
}

fn try_write_anew(folder: &Path, keys: &Keys, mut on_step: impl FnMut(Step)) -> Result<(), NotEnded> {
    let not_written = |error: &dyn std::fmt::Display| {
        NotEnded::NotWritten(format!("write the file anew: {error}; the next start tries again"))
    };
    let (old, new) = (folder.join(DATABASE_FILE), folder.join(format!("{DATABASE_FILE}.new")));
    remove_new(folder)?;
    let conn = Connection::open(&old).map_err(|error| not_written(&error))?;
    open::settle(&conn)?;
    // Nothing may be left in the log: it must not be read into the new file.
    let is_busy: i64 =
        conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0)).map_err(|error| not_written(&error))?;
    if is_busy != 0 {
        return Err(not_written(&"another program reads the store"));
    }
    on_step(Step::Folded);
    let path = new.to_str().ok_or_else(|| not_written(&"the folder's name is no text"))?;
    run(&conn, "VACUUM INTO ?1", params![path]).map_err(|error| not_written(&error))?;
    {
        let anew = Connection::open(&new).map_err(|error| not_written(&error))?;
        let mut tally = Tally::read(&anew, keys)?;
        tally.ended_cleanly = tally.ended;
        tally.put(&anew, keys)?;
    }
    fs::File::open(&new)?.sync_all()?;
    on_step(Step::WrittenAnew);
    drop(conn);
    for beside in ["-wal", "-shm"] {
        remove(&folder.join(format!("{DATABASE_FILE}{beside}")))?;
    }
    // An old log must never stand beside the new file.
    fs::File::open(folder)?.sync_all()?;
    fs::rename(&new, &old)?;
    fs::File::open(folder)?.sync_all()?;
    on_step(Step::Renamed);
    Ok(())
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}
