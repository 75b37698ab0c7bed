//! The row of each person, each hub and the service itself: the end of its chain, how many rows of other tables are its
//! own, and for a person what the rules remember.
//!
//! Invariant: whoever has a name has a row, so where it is missing it was lost: to begin anew would fork the chain and
//! forget open alerts.

use super::{
    bytes::{Put, Take},
    digest::{Digest, erased_start},
    fault::Fault,
    names::{Class, IsNew, No},
    rows::{Tx, Unsound, View, intact, one, run},
};
use crate::{access::Denied, store::Witness};
use rusqlite::params;
use vitals::wire::signing::ReplayWindow;

pub(super) const TABLE: &str = "record";

/// The form of the bytes.
const FORM: u8 = 1;

/// One row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Record {
    /// The newest entry; nought where there is none.
    pub(super) last: u64,
    /// How many entries there are.
    pub(super) n: u64,
    /// The head of the chain.
    pub(super) head: Digest,
    /// Whether a person is registered.
    pub(super) is_registered: bool,
    /// How many alerts a person has, ever.
    pub(super) alerts: u64,
    /// How many refusals a hub has, ever.
    pub(super) refusals: u64,
    /// How many things of the register stand in it.
    pub(super) items: u64,
    /// The request numbers received from a hub.
    pub(super) replay: Option<(u32, ReplayWindow)>,
    /// What the rules remember of a person; empty while that is nothing.
    pub(super) state: Vec<u8>,
}

impl Record {
    fn new(head: Digest) -> Self {
        Self {
            last: 0,
            n: 0,
            head,
            is_registered: false,
            alerts: 0,
            refusals: 0,
            items: 0,
            replay: None,
            state: Vec::new(),
        }
    }

    /// Where the chain ends, for a receipt.
    pub(super) fn witness(&self) -> Witness {
        Witness { place: self.last, head: self.head }
    }

    fn to_bytes(&self) -> Put {
        let mut put = Put::with_room(96 + self.state.len());
        put.byte(FORM);
        put.number(self.last);
        put.number(self.n);
        put.raw(&self.head);
        let has_items = self.items > 0;
        put.byte(u8::from(self.is_registered) | u8::from(self.replay.is_some()) << 1 | u8::from(has_items) << 2);
        put.number(self.alerts);
        put.number(self.refusals);
        if has_items {
            put.number(self.items);
        }
        if let Some((epoch, window)) = &self.replay {
            put.number((*epoch).into());
            put.number(window.highest);
            put.raw(&window.seen.to_le_bytes());
        }
        put.raw(&self.state);
        put
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, Unsound> {
        let mut take = Take::new(bytes);
        if take.byte()? != FORM {
            return Err(Unsound);
        }
        let (last, n, head, bits) = (take.number()?, take.number()?, take.array()?, take.byte()?);
        let (alerts, refusals) = (take.number()?, take.number()?);
        let items = if bits & 4 == 0 { 0 } else { take.number()? };
        let replay = if bits & 2 == 0 {
            None
        } else {
            let epoch = u32::try_from(take.number()?)?;
            let highest = take.number()?;
            Some((epoch, ReplayWindow { highest, seen: u64::from_le_bytes(take.array()?) }))
        };
        let is_registered = bits & 1 != 0;
        Ok(Self { last, n, head, is_registered, alerts, refusals, items, replay, state: take.rest().to_vec() })
    }
}

/// The row of a number, or damage where there is none.
pub(super) fn read(view: &View<'_>, no: No) -> Result<Record, Fault> {
    view.go_on()?;
    let damaged = Fault::Damaged { table: TABLE, row: no.into() };
    let found = one(view.conn, "SELECT no, body, digest FROM record WHERE no = ?1", params![no], |row| {
        intact(TABLE, row, || {
            let (body, digest): (&[u8], Digest) = (row.get_ref(1)?.as_blob()?, row.get(2)?);
            if view.keys.record(no, body) == digest { Record::from_bytes(body) } else { Err(Unsound) }
        })
    })?;
    found.ok_or(damaged)
}

/// The row of a name; none for a name that the store does not know.
pub(super) fn find(view: &View<'_>, class: Class, name: &str) -> Result<Option<(No, Record)>, Fault> {
    match view.names.find(class, name) {
        // A name that another slice has just made is not in this snapshot yet.
        Some(no) if u64::from(no) <= view.count().names => read(view, no).map(|record| Some((no, record))),
        Some(_) | None => Ok(None),
    }
}

/// Whether the record of this name has ended, and nothing may be written of it any more.
pub(super) fn has_ended(view: &View<'_>, class: Class, name: &str) -> bool {
    class == Class::Person
        && view.count().ended > 0
        && view.names.find(class, &view.keys.erased_name(class.code(), name)).is_some()
}

/// The number of a name; a new name gets its row at once.
pub(super) fn number(tx: &Tx<'_>, class: Class, name: &str) -> Result<No, Fault> {
    match tx.names.find(class, name) {
        Some(no) => Ok(no),
        None => {
            let subject = Subject::open(tx, class, name)?;
            subject.put(tx)?;
            Ok(subject.no)
        }
    }
}

/// A subject, while a slice writes to it.
pub(super) struct Subject {
    pub(super) no: No,
    pub(super) is_new: bool,
    pub(super) record: Record,
}

impl Subject {
    /// The row of a name, or a new one.
    pub(super) fn open(tx: &Tx<'_>, class: Class, name: &str) -> Result<Self, Fault> {
        if tx.names.find(class, name).is_none() && has_ended(tx, class, name) {
            return Err(Fault::Ended);
        }
        // Nobody is given the name of somebody who was erased.
        if class == Class::Person && erased_start(name).is_some() {
            return Err(Denied.into());
        }
        let (no, IsNew(is_new)) = tx.names.number(tx, class, name)?;
        let record = if is_new { Record::new(tx.keys.chain_start(class.code(), name)) } else { read(tx, no)? };
        Ok(Self { no, is_new, record })
    }

    /// Writes the row.
    pub(super) fn put(&self, tx: &Tx<'_>) -> Result<(), Fault> {
        let body = self.record.to_bytes();
        let digest = tx.keys.record(self.no, body.as_slice());
        let sql = if self.is_new {
            "INSERT INTO record (body, digest, no) VALUES (?1, ?2, ?3)"
        } else {
            "UPDATE record SET body = ?1, digest = ?2 WHERE no = ?3"
        };
        run(tx.conn, sql, params![body.as_slice(), digest, self.no])?;
        Ok(())
    }
}
