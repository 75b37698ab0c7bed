//! What a store can prove of itself: that every row is as it was written, or which is the first that is not; and the root
//! over all chains, signed once a day.
//!
//! Invariant: nothing here tells whose a row is. A damaged row is named by its table and number; only [`StoredDamage`], which
//! is read by those who may, says whose.

use super::{ReadError, Subject, embedded::OpenError};
use crate::access::Denied;
use chrono::{DateTime, SecondsFormat, Utc};
use ed25519_dalek::{Signature, VerifyingKey};
use std::{collections::BTreeMap, fmt};
use thiserror::Error;
use vitals::{hex, wire::sealed::SealedFor};

/// How a row is not as it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wrong {
    /// Its content does not fit its checksum, or does not read.
    Content,
    /// It is not there.
    Missing,
    /// It is there, and nothing says that it should be.
    Extra,
    /// It does not follow from the entry before it of the same chain.
    Chain,
    /// It is sound, and not what the journal says was written last.
    NotNewest,
    /// It does not agree with another row that must agree with it.
    Disagrees,
    /// It was emptied, and no signed statement covers that.
    NotCovered,
    /// The signature does not fit, or is another key's.
    Signature,
}

impl Wrong {
    /// What is wrong, as the end of a sentence.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Content => "does not fit its checksum",
            Self::Missing => "is missing",
            Self::Extra => "is there although nothing in the journal wrote it",
            Self::Chain => "does not follow from the entry before it",
            Self::NotNewest => "is an older version than the journal says was written last",
            Self::Disagrees => "does not agree with the rows that it must agree with",
            Self::NotCovered => "was emptied, and no signed statement covers that",
            Self::Signature => "does not fit its signature",
        }
    }
}

/// A row that is not as it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadRow {
    /// The table.
    pub table: &'static str,
    /// Its number there.
    pub row: i64,
    /// What is wrong with it.
    pub wrong: Wrong,
}

impl BadRow {
    /// What kind of thing the table holds.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self.table {
            "name" => "the name of a person, hub, device or word",
            "entry" => "an entry of the journal",
            "known" => "the place of a reading's record",
            "record" => "the state of a person or hub",
            "person" => "a person's details",
            "item" => "a thing of the register: a person, a place, a device, a care plan or the like",
            "account" => "an account somebody signs in with",
            "alert" => "an alert",
            "timer" => "a timer",
            "job" => "a notification",
            "unjudged" => "a reading that waits to be judged",
            "judged" => "a later verdict",
            "refusal" => "a refused reading",
            "root" => "a signed root",
            "damage" => "a mark of damage",
            _ => "the store's own count of its rows",
        }
    }

    /// What it means, and what to do.
    #[must_use]
    pub fn advice(&self) -> &'static str {
        match self.table {
            "entry" => {
                "Readings or other events of one record cannot be read or believed. A running service marks the entry, shows everything else, and asks the hubs for its readings again; see the worklist"
            }
            "known" => {
                "A reading that is sent again could be stored a second time, or be taken for another. Restore the newest backup that passes into an empty folder, start there, and let the hubs send again"
            }
            "alert" => {
                "An alert cannot be believed, and lists of alerts are refused. Look at this day's readings of everybody on the worklist by hand, then restore the newest backup that passes into an empty folder and start there"
            }
            "timer" | "job" | "unjudged" | "judged" => {
                "Somebody may not be told of an alert in time. Look at the worklist now and do what is due by hand, then restore the newest backup that passes into an empty folder and start there"
            }
            "record" => {
                "Nothing more is stored for this person or hub until it is mended; their hub keeps the readings meanwhile. Call people whose readings stay away, restore the newest backup that passes into an empty folder, start there, and let the hubs send again"
            }
            "root" | "damage" => {
                "The proof that nothing was changed has a gap here; readings and alerts are not touched by it. Keep a copy of the files for whoever looks into it"
            }
            _ => {
                "It cannot be told whose rows are whose, or that all are there. Stop the service, restore the newest backup that passes into an empty folder, start there, and let the hubs send again"
            }
        }
    }
}

impl fmt::Display for BadRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { table, row, wrong } = self;
        write!(f, "{table} row {row} ({}) {}. {}", self.kind(), wrong.words(), self.advice())
    }
}

/// How far a verification has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// What it is looking at.
    pub table: &'static str,
    /// Entries of the journal checked so far.
    pub entries: u64,
    /// And how many there are.
    pub entries_all: u64,
    /// Rows and readings checked so far.
    pub checked: u64,
}

/// A store that was checked whole and found sound.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Verified {
    /// Entries of the journal.
    pub entries: u64,
    /// Readings in them.
    pub readings: u64,
    /// Chains: people, hubs and the service itself.
    pub chains: u64,
    /// Alerts.
    pub alerts: u64,
    /// Rows and readings in all.
    pub checked: u64,
    /// Signed roots.
    pub roots: u64,
    /// Roots whose hash could not be computed again, because an entry before them is marked as damaged.
    pub roots_beyond_damage: u64,
    /// The newest root, if there is one.
    pub newest_root: Option<SignedRoot>,
    /// The keys that signed roots, each with the first root it signed. Whether they are the service's, the reader must know.
    pub root_keys: BTreeMap<[u8; 32], u64>,
    /// Whose keys signed the statements in the place of records that have ended, each with the first entry it signed.
    pub statement_keys: BTreeMap<[u8; 32], u64>,
}

/// Why a store could not be verified.
#[derive(Debug, Error)]
pub enum NotVerified {
    /// This access does not allow it.
    #[error("verify the store")]
    Denied(#[from] Denied),
    /// A row is not as it was written.
    #[error("verify the store: {0}")]
    Bad(BadRow),
    /// Nothing new is wrong, and an entry was marked as damaged before.
    #[error(
        "verify the store: {first}. It was found before and is marked, {marked} such entries in all; everything else was checked and is sound"
    )]
    Marked {
        /// The first of them.
        first: BadRow,
        /// How many.
        marked: u64,
    },
    /// SQLite finds the file damaged, although every row can be read.
    #[error(
        "verify the store: every row is sound, and an index or page of the file is not: {0}. Lists may be refused. Restore the newest backup that passes into an empty folder, start there, and let the hubs send again"
    )]
    File(String),
    /// The files cannot be opened.
    #[error("verify the store")]
    Open(#[from] OpenError),
    /// The store cannot be read.
    #[error("verify the store")]
    Read(#[from] ReadError),
}

/// What one step of scrubbing came to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Scrubbed {
    /// Rows and readings checked.
    pub checked: u64,
    /// What was found damaged and has not been told before.
    pub found: Vec<BadRow>,
    /// Entries that were marked now.
    pub marked: Vec<u64>,
    /// Whether hubs are asked for readings again from now on.
    pub is_asking: bool,
    /// Whether the next step should follow at once: something is damaged, and where it belongs is not known yet.
    pub is_urgent: bool,
    /// Whether the whole store has now been walked once more.
    pub is_pass_over: bool,
}

/// A damaged entry, as those may see it who look after the person or hub.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredDamage {
    /// Whose entry.
    pub whose: Subject,
    /// Which.
    pub entry: u64,
    /// When it was marked.
    pub at: DateTime<Utc>,
    /// How many of its readings have not been sent again yet, at most: a reading of a device without numbers or a clock
    /// may count twice. None until the scrubber has counted them.
    pub readings_missing: Option<u64>,
}

/// The root over the heads of all chains as they were after an entry, signed by the service.
///
/// Its text can be given to another organisation to keep: whoever has it can show later that the store was changed. The
/// signature is over the lines before `key`, with [`SealedFor::Root`] before them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedRoot {
    /// Which root, counted from 1.
    pub n: u64,
    /// The newest entry it covers.
    pub entries: u64,
    /// How many chains.
    pub chains: u64,
    /// The hash over them.
    pub root: [u8; 32],
    /// The hash of the root before it; noughts for the first.
    pub previous: [u8; 32],
    /// When it was signed.
    pub at: DateTime<Utc>,
    /// The public half of the key that signed it.
    pub key: [u8; 32],
    /// The signature.
    pub signature: [u8; 64],
}

impl SignedRoot {
    /// The bytes that are signed.
    #[must_use]
    pub fn document(&self) -> String {
        let Self { n, entries, chains, root, previous, at, .. } = self;
        format!(
            "derwent root {n}\nentries {entries}\nchains {chains}\nroot {}\nprevious {}\nat {}\n",
            hex::encode(root),
            hex::encode(previous),
            at.to_rfc3339_opts(SecondsFormat::Micros, true)
        )
    }

    /// Whether the signature fits the key that the root names. Whether that key is the service's, the reader must know.
    #[must_use]
    pub fn is_signed(&self) -> bool {
        let bytes = SealedFor::Root.to_sign(self.document().as_bytes());
        VerifyingKey::from_bytes(&self.key)
            .is_ok_and(|key| key.verify_strict(&bytes, &Signature::from_bytes(&self.signature)).is_ok())
    }
}

impl fmt::Display for SignedRoot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}key {}\nsignature {}", self.document(), hex::encode(&self.key), hex::encode(&self.signature))
    }
}
