//! The accounts that staff sign in with.
//!
//! Invariants: what is kept of a password stands in the account's row and nowhere else; the whole table is read for every
//! question, so that nothing but the rows themselves can hide one.

use super::{
    digest::Digest,
    fault::Fault,
    journal::{Draft, EntryKind},
    rows::{self, Tx, Unsound, View, intact, run},
};
use rules::event::Account;
use rusqlite::{Row, params};
use vitals::id::StaffId;

pub(super) const TABLE: &str = "account";

/// A row, its digest checked.
pub(super) struct Kept {
    pub(super) staff: String,
    pub(super) digest: Digest,
    body: String,
}

impl Kept {
    fn read(row: &Row<'_>, view: &View<'_>) -> Result<Self, Fault> {
        intact(TABLE, row, || {
            let seq: i64 = row.get(0)?;
            let kept = Self { staff: row.get(1)?, body: row.get(2)?, digest: row.get(3)? };
            let parts = [seq.into(), kept.staff.as_str().into(), kept.body.as_str().into()];
            if view.keys.row(TABLE, &parts) == kept.digest { Ok(kept) } else { Err(Unsound) }
        })
    }

    fn account(&self, seq: i64) -> Result<Account, Fault> {
        let account: Option<Account> = serde_json::from_str(&self.body).ok();
        let account = account.filter(|account| account.staff.as_str() == self.staff);
        account.ok_or(Fault::Damaged { table: TABLE, row: seq })
    }
}

/// Every row, damaged ones too, each with its number.
pub(super) fn every(view: &View<'_>) -> Result<rows::Numbered<Kept>, Fault> {
    let sql = "SELECT seq, staff, body, digest FROM account ORDER BY seq";
    rows::every(view.conn, sql, [], |row| Kept::read(row, view))
}

/// The account of a member of staff, with its number. Where there seems to be none, no row may be damaged or missing: it
/// could be theirs.
pub(super) fn find(view: &View<'_>, staff: &StaffId) -> Result<Option<(i64, Account)>, Fault> {
    let (mut seen, mut damaged) = (0, None);
    for (seq, kept) in every(view)? {
        seen += 1;
        match kept {
            Ok(kept) if kept.staff == staff.as_str() => return Ok(Some((seq, kept.account(seq)?))),
            Ok(_) => {}
            Err(fault @ Fault::Damaged { .. }) => damaged = damaged.or(Some(fault)),
            Err(other) => return Err(other),
        }
    }
    match damaged {
        Some(fault) => Err(fault),
        None if seen == view.count().accounts => Ok(None),
        None => Err(Fault::Damaged { table: TABLE, row: 0 }),
    }
}

/// Keeps an account; nothing where it is kept like this already. The entry names whose it is, and not what is in it.
pub(super) fn put(tx: &Tx<'_>, draft: &mut Draft, account: &Account) -> Result<(), Fault> {
    let seq = match find(tx, &account.staff)? {
        Some((_, known)) if known == *account => return Ok(()),
        Some((seq, _)) => seq,
        None => {
            tx.tally(|tally| tally.accounts += 1);
            i64::try_from(tx.count().accounts).unwrap_or(i64::MAX)
        }
    };
    let (staff, body) = (account.staff.as_str(), serde_json::to_string(account)?);
    let digest = tx.keys.row(TABLE, &[seq.into(), staff.into(), body.as_str().into()]);
    run(
        tx.conn,
        "INSERT INTO account (seq, staff, body, digest) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (seq) DO UPDATE SET body = excluded.body, digest = excluded.digest",
        params![seq, staff, body, digest],
    )?;
    draft.thing(EntryKind::AccountSet, staff, None, &digest);
    Ok(())
}
