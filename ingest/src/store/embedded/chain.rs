//! The entries: the change log that followers read, and the chain of each person's record.
//!
//! Invariants: entries are only ever added, by the one writer, so their order is the order of commits; a person's
//! entries count from 1 without a gap, and each head covers the one before it. What an entry's `digest` covers: the row
//! as it then was (reading, conflict, refusal, alert, notification, person), or else the event itself.

use super::{
    digest::{Digest, Keys, Link, micros},
    fault::Fault,
    rows::{Tx, Unsound, all, intact, moment, one, run},
};
use crate::store::{Change, Cursor};
use rusqlite::{Connection, Row, named_params};
use vitals::{HubId, PatientId};

const TABLE: &str = "entry";

macro_rules! kinds {
    ($($kind:ident $name:literal $doc:literal;)*) => {
        /// What an entry tells of. The names never change their meaning.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum EntryKind {
            $(#[doc = $doc] $kind,)*
        }

        impl EntryKind {
            const ALL: &[Self] = &[$(Self::$kind),*];

            pub(super) fn name(self) -> &'static str {
                match self {
                    $(Self::$kind => $name,)*
                }
            }
        }
    };
}

kinds! {
    ReadingStored "reading-stored" "A reading, with its verdict.";
    ReadingUnassigned "reading-unassigned" "A reading of nobody yet.";
    ReadingConflict "reading-conflict" "Other contents for a stored reading.";
    ReadingJudged "reading-judged" "A new verdict for a reading that could not be judged before.";
    ReadingRefused "reading-refused" "A reading that was refused.";
    PersonRegistered "person-registered" "A person, or their details.";
    TimerDue "timer-due" "A time that had come.";
    AlertAcknowledged "alert-acknowledged" "A person took an alert.";
    AlertOpened "alert-opened" "A new alert.";
    AlertChanged "alert-changed" "An alert as it now is.";
    NotificationMade "notification-made" "A notification to send.";
    NotificationTried "notification-tried" "What came of an attempt to send one.";
    RequestReceived "request-received" "A request number of a hub.";
}

/// The end of one chain, while a slice adds to it.
pub(super) struct Chain<'a> {
    tx: &'a Tx<'a>,
    patient: Option<&'a PatientId>,
    n: i64,
    head: Digest,
}

impl<'a> Chain<'a> {
    /// The chain of a person, or the loose entries of nobody.
    pub(super) fn of(tx: &'a Tx<'a>, patient: Option<&'a PatientId>) -> Result<Self, Fault> {
        let newest = match patient {
            Some(patient) => {
                let sql = format!("{ENTRIES} WHERE entry.patient = :patient ORDER BY entry.n DESC LIMIT 1");
                one(tx.conn, &sql, named_params! { ":patient": patient.as_str() }, |row| Entry::read(row, tx.keys))?
            }
            None => None,
        };
        let (n, head) =
            newest.map_or_else(|| (0, tx.keys.chain_start(patient)), |entry| (entry.n.unwrap_or_default(), entry.head));
        Ok(Self { tx, patient, n, head })
    }

    /// Adds one entry.
    pub(super) fn add(
        &mut self,
        kind: EntryKind,
        what: &str,
        hub: Option<&HubId>,
        digest: Digest,
    ) -> Result<(), Fault> {
        let (at, hub) = (micros(self.tx.at), hub.map(HubId::as_str));
        let head = self.tx.keys.link(&self.head, &Link { kind: kind.name(), what, hub, digest: &digest, at });
        let n = self.patient.map(|_| self.n + 1);
        run(
            self.tx.conn,
            "INSERT INTO entry (patient, n, hub, kind, what, at, digest, head) VALUES (:patient, :n, :hub, :kind, :what, :at, :digest, :head)",
            named_params! { ":patient": self.patient.map(PatientId::as_str), ":n": n, ":hub": hub, ":kind": kind.name(), ":what": what, ":at": at, ":digest": digest, ":head": head },
        )?;
        if let Some(n) = n {
            (self.n, self.head) = (n, head);
        }
        Ok(())
    }

    /// Whether the person has no entry yet.
    pub(super) fn is_empty(&self) -> bool {
        self.n == 0
    }

    /// The head, for a person's chain.
    pub(super) fn head(&self) -> Option<Digest> {
        self.patient.map(|_| self.head)
    }
}

/// Each entry beside the head of the one before it in the same chain.
const ENTRIES: &str = "SELECT entry.seq, entry.patient, entry.n, entry.hub, entry.kind, entry.what, entry.at, entry.digest, entry.head, before.head
    FROM entry LEFT JOIN entry AS before ON before.patient = entry.patient AND before.n = entry.n - 1";

/// An entry whose link was checked.
struct Entry {
    seq: i64,
    n: Option<i64>,
    head: Digest,
    change: Change,
}

impl Entry {
    fn read(row: &Row<'_>, keys: &Keys) -> Result<Self, Fault> {
        intact(TABLE, row, || {
            let patient = row.get::<_, Option<String>>(1)?.map(|id| PatientId::parse(&id)).transpose()?;
            let n: Option<i64> = row.get(2)?;
            let hub = row.get::<_, Option<String>>(3)?.map(|id| HubId::parse(&id)).transpose()?;
            let name: String = row.get(4)?;
            let kind = EntryKind::ALL.iter().find(|kind| kind.name() == name).ok_or(Unsound)?.name();
            let (what, at, digest, head): (String, i64, Digest, Digest) =
                (row.get(5)?, row.get(6)?, row.get(7)?, row.get(8)?);
            let previous = match (n, row.get::<_, Option<Digest>>(9)?) {
                (Some(2..), Some(previous)) => previous,
                (None | Some(1), None) => keys.chain_start(patient.as_ref()),
                _ => return Err(Unsound),
            };
            let link = Link { kind, what: &what, hub: hub.as_ref().map(HubId::as_str), digest: &digest, at };
            if keys.link(&previous, &link) != head {
                return Err(Unsound);
            }
            Ok(Self { seq: row.get(0)?, n, head, change: Change { patient, hub, kind, what, at: moment(at)? } })
        })
    }
}

/// Committed changes after a place, and the place after them.
pub(super) fn changes(
    conn: &Connection,
    keys: &Keys,
    after: Cursor,
    limit: i64,
) -> Result<(Vec<Change>, Cursor), Fault> {
    let sql = format!("{ENTRIES} WHERE entry.seq > :after ORDER BY entry.seq LIMIT :limit");
    let entries = all(conn, &sql, named_params! { ":after": after.0, ":limit": limit }, |row| Entry::read(row, keys))?;
    let cursor = entries.last().map_or(after, |entry| Cursor(entry.seq));
    Ok((entries.into_iter().map(|entry| entry.change).collect(), cursor))
}
