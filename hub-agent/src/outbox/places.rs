//! Up to where a device's memory was read and kept, so that the rest can be asked for.
//!
//! Invariant: a place is noted only when the device said that it has told everything up to it, and all of that is kept.
//! So a record may be asked for twice and is never passed over: not one that came live, nor a transfer that broke off,
//! moves the place. The last noted counts, not the highest: a device that lost its memory counts anew.

use super::{OutboxError, doing};
use crate::link::{Look, Place};
use device_codecs::FrameKind;
use rusqlite::{Connection, OptionalExtension, params};
use vitals::{DeviceTime, SourceId};

/// Notes a place.
pub(super) fn note(connection: &Connection, device: &SourceId, place: Place) -> Result<(), OutboxError> {
    let session = place.session.map(|session| session.to_string());
    connection
        .execute(
            "INSERT INTO place (device, kind, session, number, look) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (device, kind) DO UPDATE SET session = ?3, number = ?4, look = ?5",
            params![device.as_str(), place.kind.name(), session, place.number, place.look.map(|look| look.0)],
        )
        .map_err(doing("note up to where a memory was read"))?;
    Ok(())
}

/// The place noted last. One that cannot be read is none: then the whole memory is asked for, and repeats are known.
pub(super) fn last(connection: &Connection, device: &SourceId, kind: FrameKind) -> Result<Option<Place>, OutboxError> {
    let row: Option<(Option<String>, u32, Option<[u8; 8]>)> = connection
        .query_row(
            "SELECT session, number, look FROM place WHERE device = ?1 AND kind = ?2",
            params![device.as_str(), kind.name()],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
        )
        .optional()
        .map_err(doing("read up to where a memory was read"))?;
    Ok(row.and_then(|(session, number, look)| {
        let session = session.map(|session| DeviceTime::parse(&session)).transpose().ok()?;
        Some(Place { kind, session, number, look: look.map(Look) })
    }))
}
