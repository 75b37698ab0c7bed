//! The root over the heads of all chains: one hash for the whole record, signed once a day.
//!
//! It is computed from the records, in steps: a snapshot of all of them would last too long. What was committed meanwhile is
//! read from the journal, so that the root is of one commit all the same.

use super::{
    digest::{Digest, micros},
    fault::Fault,
    journal::{self, SERVICE},
    keep::{audit, noted},
    names::{Class, No},
    record,
    rows::{self, Tx, View, intact, moment, one, run, verify},
};
use crate::{server_key::ServerKey, store::SignedRoot};
use chrono::{DateTime, Utc};
use rules::event::AuditKind;
use rusqlite::{Row, params};
use vitals::wire::sealed::SealedFor;

/// Records or entries read within one snapshot: some tenths of a second.
pub(super) const STEP_ROWS: u64 = 50_000;

pub(super) const TABLE: &str = "root";

const COLUMNS: &str = "n, entries, chains, at, root, previous, key, signature, digest";

/// The hash over chains, in the order of their numbers.
pub(super) struct RootHash {
    hasher: blake3::Hasher,
    chains: u64,
}

impl Default for RootHash {
    fn default() -> Self {
        Self { hasher: blake3::Hasher::new_derive_key("derwent 2026 root over all chains"), chains: 0 }
    }
}

impl RootHash {
    /// Adds a chain with an entry.
    pub(super) fn add(&mut self, no: No, n: u64, head: &Digest) {
        self.hasher.update(&no.to_le_bytes());
        self.hasher.update(&n.to_le_bytes());
        self.hasher.update(head);
        self.chains += 1;
    }

    /// How many chains, and the hash.
    pub(super) fn end(self) -> (u64, [u8; 32]) {
        (self.chains, *self.hasher.finalize().as_bytes())
    }
}

/// Where a chain ends.
#[derive(Clone, Copy)]
struct End {
    last: u64,
    n: u64,
    head: Digest,
}

/// The ends of all chains, while they are read: some 40 bytes for each name.
#[derive(Default)]
pub(super) struct Gathering {
    /// By number.
    ends: Vec<Option<End>>,
    /// The next entry that may be newer than what was read.
    next: Option<u64>,
}

/// What a root is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Gathered {
    pub(super) entries: u64,
    pub(super) chains: u64,
    pub(super) root: [u8; 32],
}

impl Gathering {
    /// Reads so many more rows; what it came to, once all are read.
    pub(super) fn step(&mut self, view: &View<'_>, mut rows: u64) -> Result<Option<Gathered>, Fault> {
        let (names, entries) = (view.count().names, view.count().entries);
        let mut next = *self.next.get_or_insert(entries + 1);
        self.ends.reserve(usize::try_from(names).unwrap_or(0).saturating_sub(self.ends.len()));
        while rows > 0
            && let Ok(no) = No::try_from(self.ends.len() + 1)
            && u64::from(no) <= names
        {
            view.go_on()?;
            rows -= 1;
            let has_record = view.names.name(no).is_some_and(|(class, _)| class.has_record());
            let record = if has_record { Some(record::read(view, no)?) } else { None };
            self.ends.push(record.map(|record| End { last: record.last, n: record.n, head: record.head }));
        }
        while rows > 0 && next <= entries && u64::try_from(self.ends.len()).is_ok_and(|read| read >= names) {
            rows -= 1;
            self.take(&journal::entry(view, next)?)?;
            next += 1;
        }
        self.next = Some(next);
        let is_over = next > entries && u64::try_from(self.ends.len()).is_ok_and(|read| read >= names);
        Ok(is_over.then(|| {
            let mut hash = RootHash::default();
            for (no, end) in (1..).zip(&self.ends) {
                if let Some(End { n: n @ 1.., head, .. }) = end {
                    hash.add(no, *n, head);
                }
            }
            let (chains, root) = hash.end();
            Gathered { entries, chains, root }
        }))
    }

    /// Takes in an entry that came since its chain's end was read, or before.
    fn take(&mut self, entry: &journal::Entry) -> Result<(), Fault> {
        let damaged = Fault::Damaged { table: record::TABLE, row: entry.subject.into() };
        let place = usize::try_from(entry.subject).ok().and_then(|no| no.checked_sub(1));
        let end = place.and_then(|place| self.ends.get_mut(place)).and_then(Option::as_mut).ok_or(damaged)?;
        if entry.seq > end.last {
            *end = End { last: entry.seq, n: entry.n, head: entry.head };
        }
        Ok(())
    }
}

/// Signs a root and keeps it, with an entry that says so.
pub(super) fn put(tx: &Tx<'_>, key: &ServerKey, gathered: Gathered) -> Result<SignedRoot, Fault> {
    let Gathered { entries, chains, root } = gathered;
    let previous = newest(tx)?;
    let mut signed = SignedRoot {
        n: tx.count().roots + 1,
        entries,
        chains,
        root,
        previous: previous.map_or([0; 32], |previous| previous.root),
        at: tx.at,
        key: key.public(),
        signature: [0; 64],
    };
    signed.signature = key.sign(SealedFor::Root, signed.document().as_bytes());
    let [n, entries, chains] = [signed.n, entries, chains].map(|number| i64::try_from(number).unwrap_or(i64::MAX));
    let at = micros(tx.at);
    let digest = tx.keys.row(
        TABLE,
        &[
            n.into(),
            entries.into(),
            chains.into(),
            at.into(),
            (&signed.root).into(),
            (&signed.previous).into(),
            (&signed.key).into(),
            (&signed.signature).into(),
        ],
    );
    run(
        tx.conn,
        "INSERT INTO root (n, entries, chains, at, root, previous, key, signature, digest)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        params![n, entries, chains, at, signed.root, signed.previous, signed.key, signed.signature, digest],
    )?;
    tx.tally(|tally| tally.roots += 1);
    let about = format!("root {n} over {chains} chains up to entry {entries}");
    audit(tx, Class::Service, SERVICE, &[noted(AuditKind::RootSigned, &about)?])?;
    Ok(signed)
}

fn read(row: &Row<'_>, view: &View<'_>) -> Result<SignedRoot, Fault> {
    intact(TABLE, row, || {
        let (n, entries, chains, at): (i64, i64, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
        let (root, previous, key): ([u8; 32], [u8; 32], [u8; 32]) = (row.get(4)?, row.get(5)?, row.get(6)?);
        let signature: [u8; 64] = row.get_ref(7)?.as_blob()?.try_into()?;
        let parts = [
            n.into(),
            entries.into(),
            chains.into(),
            at.into(),
            (&root).into(),
            (&previous).into(),
            (&key).into(),
            (&signature).into(),
        ];
        verify(view.keys, TABLE, &parts, row.get(8)?)?;
        let (n, entries, chains) = (u64::try_from(n)?, u64::try_from(entries)?, u64::try_from(chains)?);
        Ok(SignedRoot { n, entries, chains, root, previous, at: moment(at)?, key, signature })
    })
}

/// Every root, in order; damage where one is missing.
pub(super) fn all(view: &View<'_>) -> Result<Vec<SignedRoot>, Fault> {
    let sql = format!("SELECT {COLUMNS} FROM root ORDER BY n");
    let roots = rows::all(view.conn, &sql, [], |row| read(row, view))?;
    // Counted from 1 without a gap, and no further than the tally says.
    let in_turn = roots.iter().zip(1..=view.count().roots).take_while(|(root, n)| root.n == *n).count();
    let in_turn = u64::try_from(in_turn).unwrap_or(u64::MAX);
    if roots.len() == usize::try_from(in_turn).unwrap_or(usize::MAX) && in_turn == view.count().roots {
        Ok(roots)
    } else {
        Err(Fault::Damaged { table: TABLE, row: i64::try_from(in_turn + 1).unwrap_or(i64::MAX) })
    }
}

/// The newest root, if there is one.
pub(super) fn newest(view: &View<'_>) -> Result<Option<SignedRoot>, Fault> {
    let n = i64::try_from(view.count().roots).unwrap_or(i64::MAX);
    if n == 0 {
        return Ok(None);
    }
    let sql = format!("SELECT {COLUMNS} FROM root WHERE n = ?1");
    let found = one(view.conn, &sql, params![n], |row| read(row, view))?;
    found.map(Some).ok_or(Fault::Damaged { table: TABLE, row: n })
}

/// Whether a day has begun since the newest root; or, where there is none, since the first entry.
pub(super) fn is_due(view: &View<'_>, at: DateTime<Utc>) -> Result<bool, Fault> {
    let since = match newest(view)? {
        Some(root) => root.at,
        None if view.count().entries == 0 => return Ok(false),
        None => journal::entry(view, 1).map_or(DateTime::UNIX_EPOCH, |entry| entry.at),
    };
    Ok(at.date_naive() > since.date_naive())
}
