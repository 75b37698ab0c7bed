//! The tally: how many rows there must be, so that a row which damage hides from a list is missed.
//!
//! A flipped bit in a row is found by the row's digest. A flipped bit in what leads to a row makes the row vanish, and
//! what is not there has no digest. So rows count without a gap, and the tally says how far; of rows that come and go it
//! keeps how many there are and the sum of their digests.

use super::{
    bytes::{Put, Take},
    digest::{Digest, Keys},
    fault::Fault,
    rows::{Unsound, one, run, verify},
};
use rusqlite::{Connection, params};

/// How many rows there must be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Tally {
    /// The journal's newest entry.
    pub(super) entries: u64,
    /// Names.
    pub(super) names: u64,
    /// People who are registered.
    pub(super) people: u64,
    /// Alerts.
    pub(super) alerts: u64,
    /// Notifications.
    pub(super) jobs: u64,
    /// Signed roots.
    pub(super) roots: u64,
    /// Things of the register.
    pub(super) items: u64,
    /// Accounts.
    pub(super) accounts: u64,
    /// Records that were erased or disposed of.
    pub(super) ended: u64,
    /// How many of those had ended when the file was last written anew without what is left over in its pages.
    pub(super) ended_cleanly: u64,
    /// Timers that run.
    pub(super) timers: Set,
    /// Notifications that are not done.
    pub(super) open_jobs: Set,
    /// Readings that are not judged yet.
    pub(super) unjudged: Set,
    /// Entries found damaged and marked.
    pub(super) damages: Set,
}

/// Rows that come and go: how many, and all their digests combined (exclusive or).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Set {
    pub(super) count: u64,
    sum: Digest,
}

impl Set {
    fn combine(&mut self, digest: &Digest) {
        self.sum.iter_mut().zip(digest).for_each(|(sum, byte)| *sum ^= byte);
    }

    pub(super) fn add(&mut self, digest: &Digest) {
        self.count += 1;
        self.combine(digest);
    }

    pub(super) fn take(&mut self, digest: &Digest) {
        self.count = self.count.saturating_sub(1);
        self.combine(digest);
    }
}

const TABLE: &str = "about";

/// The form of the bytes.
const FORM: u8 = 3;

/// The form before records could end.
const WITHOUT_ENDS: u8 = 2;

/// The form before there was a register: without its counts.
const WITHOUT_REGISTER: u8 = 1;

impl Tally {
    fn to_bytes(self) -> Put {
        let mut put = Put::with_room(128);
        put.byte(FORM);
        for count in
            [self.entries, self.names, self.people, self.alerts, self.jobs, self.roots, self.items, self.accounts]
        {
            put.number(count);
        }
        put.number(self.ended);
        put.number(self.ended_cleanly);
        for set in [self.timers, self.open_jobs, self.unjudged, self.damages] {
            put.number(set.count);
            put.raw(&set.sum);
        }
        put
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, Unsound> {
        let mut take = Take::new(bytes);
        let form = take.byte()?;
        if ![WITHOUT_REGISTER, WITHOUT_ENDS, FORM].contains(&form) {
            return Err(Unsound);
        }
        let mut number = || take.number();
        let mut tally = Self {
            entries: number()?,
            names: number()?,
            people: number()?,
            alerts: number()?,
            jobs: number()?,
            roots: number()?,
            ..Self::default()
        };
        if form != WITHOUT_REGISTER {
            (tally.items, tally.accounts) = (number()?, number()?);
        }
        if form == FORM {
            (tally.ended, tally.ended_cleanly) = (number()?, number()?);
        }
        for set in [&mut tally.timers, &mut tally.open_jobs, &mut tally.unjudged, &mut tally.damages] {
            *set = Set { count: take.number()?, sum: take.array()? };
        }
        take.end()?;
        Ok(tally)
    }

    /// The tally as it stands. There is one from the first commit on, so where it is missing it was lost.
    pub(super) fn read(conn: &Connection, keys: &Keys) -> Result<Self, Fault> {
        let damaged = || Fault::Damaged { table: TABLE, row: 0 };
        let kept = one(conn, "SELECT value, digest FROM about WHERE name = 'tally'", [], |row| {
            let (bytes, digest): (Vec<u8>, Digest) = (row.get(0)?, row.get(1)?);
            let read = verify(keys, TABLE, &[bytes.as_slice().into()], digest).and_then(|()| Self::from_bytes(&bytes));
            read.map_err(|Unsound| damaged())
        })?;
        kept.ok_or_else(damaged)
    }

    pub(super) fn put(self, conn: &Connection, keys: &Keys) -> Result<(), Fault> {
        let bytes = self.to_bytes();
        let digest = keys.row(TABLE, &[bytes.as_slice().into()]);
        let sql = "INSERT INTO about (name, value, digest) VALUES ('tally', ?1, ?2)
             ON CONFLICT (name) DO UPDATE SET value = excluded.value, digest = excluded.digest";
        run(conn, sql, params![bytes.as_slice(), digest])?;
        Ok(())
    }
}
