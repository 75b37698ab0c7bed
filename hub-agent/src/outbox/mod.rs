//! The outbox keeps a reading until the server has it, and after.
//!
//! Invariants: a reading is kept only after its commit was synced to the disk ([`Kept`] has no other maker); a request
//! number is committed before it is used, so none is used twice, kill or power cut between; a full outbox refuses and
//! never overwrites; of a settled row its contents go after [`SETTLED_KEPT_FOR`], and what it is known by stays.

mod epoch;
mod error;
mod heads;
mod places;
mod rows;
mod schema;
mod writer;

use crate::{
    disk::Disk,
    link::{Memory, Place},
};
use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use device_codecs::FrameKind;
use rusqlite::Connection;
use std::{collections::BTreeMap, sync::Arc};
use tokio::sync::Notify;
use vitals::{
    Reading, ReadingId, SourceId,
    wire::{
        self,
        signing::RequestNumber,
        v1::{Lane, ReceiptLine},
    },
};

pub use error::OutboxError;
pub(crate) use error::doing;

/// The database's name in the data folder.
pub const DATABASE: &str = "outbox.db";

/// Most readings that wait: what 60 beds make in 30 days (design, section 9: 72,000). A hub that was cut off for longer
/// refuses new readings rather than lose old ones.
pub const WAITING_MAX: i64 = 72_000;

/// How long a settled reading is kept whole: as long as a hub may have been cut off, so that the service can ask for it again
/// where it lost it, and no longer than anybody needs it in the home.
pub const SETTLED_KEPT_FOR: TimeDelta = TimeDelta::days(30);

/// Most settled readings that are wiped at once: a commit of some milliseconds, once between two hellos.
const WIPED_AT_ONCE: usize = 500;

/// A reading this young goes down the live lane: exactly those the service would not mark late.
pub const LIVE_FOR: TimeDelta = vitals::time::LATE_AFTER;

/// Something that the outbox has on its disk.
///
/// Only the outbox makes one, and only after the commit was synced; so only with one in hand may a device's memory be
/// cleared or a person be told "saved".
///
/// ```compile_fail,E0451
/// let forged = hub_agent::outbox::Kept { what: 1 };
/// ```
///
/// Its twin, which compiles: anybody may look at one.
///
/// ```
/// fn tell_saved(kept: &hub_agent::outbox::Kept<u8>) -> u8 {
///     *kept.get()
/// }
/// # let _ = tell_saved;
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept<T> {
    what: T,
}

impl<T> Kept<T> {
    /// What is kept.
    #[must_use]
    pub fn get(&self) -> &T {
        &self.what
    }

    /// What is kept, without the proof.
    #[must_use]
    pub fn into_inner(self) -> T {
        self.what
    }
}

/// How a reading came to be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Keeping {
    /// It is new, and now on the disk.
    Kept(Kept<Reading>),
    /// The same bytes were kept before under this id; the first stays as it is and nothing is sent again.
    AlreadyKept(Kept<ReadingId>),
    /// Other bytes were kept before under this id; this one now lies beside them and is sent as well.
    Conflict(Kept<Reading>),
}

impl Keeping {
    /// The reading's id.
    #[must_use]
    pub fn id(&self) -> ReadingId {
        match self {
            Self::Kept(kept) | Self::Conflict(kept) => kept.get().id,
            Self::AlreadyKept(kept) => *kept.get(),
        }
    }
}

/// A row of the outbox, in the order of hearing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Row(i64);

impl Row {
    /// The number, for the log.
    #[must_use]
    pub fn number(self) -> i64 {
        self.0
    }
}

/// A reading that waits for its receipt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// Its row.
    pub row: Row,
    /// When it was taken where that is known closely, otherwise when it was heard.
    pub moment: DateTime<Utc>,
    /// When it was first sent.
    pub first_sent: DateTime<Utc>,
    /// Whether people were told of it before: then it is sent only because the service asked for it again.
    pub was_told: bool,
    /// The reading, the same text on every try.
    pub reading: wire::v1::Reading,
}

/// The next request: its number is on the disk already and will not be given out again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Epoch and sequence.
    pub number: RequestNumber,
    /// The lane: live as long as a live reading waits.
    pub lane: Lane,
    /// The readings, oldest first.
    pub readings: Vec<Waiting>,
    /// Rows whose checksum is wrong, now set aside.
    pub damaged: Vec<Row>,
}

/// How the outbox stands, for the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Waiting, and young enough for the live lane.
    pub live: u64,
    /// Waiting, and older.
    pub backfill: u64,
    /// When the one that has waited longest was taken, or heard where that is not known.
    pub oldest: Option<DateTime<Utc>>,
    /// How many more there is room for.
    pub room: u64,
}

/// What a hello takes from the outbox: its number is on the disk already and will not be given out again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HelloParts {
    /// Epoch and sequence.
    pub number: RequestNumber,
    /// How the outbox stands.
    pub standing: Standing,
    /// Heads by person, as receipts spelled them.
    pub heads: BTreeMap<String, String>,
}

/// How many readings are in which state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Waiting for a receipt.
    pub waiting: u64,
    /// Settled by one.
    pub settled: u64,
    /// Set aside, damaged.
    pub damaged: u64,
}

/// The outbox: a handle, cheap to clone. One thread of its own does all the work with the disk.
#[derive(Debug, Clone)]
pub struct Outbox {
    writer: writer::Writer,
    kept: Arc<Notify>,
    epoch: u32,
}

impl Outbox {
    /// Opens the outbox, making an empty one with a raised epoch where there is none.
    ///
    /// # Errors
    /// [`OutboxError`] where the disk fails or lies about durability, the file is damaged, is another database or was
    /// made by a newer program. Nothing is mended by guessing.
    pub async fn open(disk: Arc<dyn Disk>) -> Result<Self, OutboxError> {
        let (writer, epoch) = writer::Writer::start(move || schema::open(disk.as_ref())).await?;
        Ok(Self { writer, kept: Arc::new(Notify::new()), epoch })
    }

    /// How often this hub's memory was set up.
    #[must_use]
    pub fn epoch(&self) -> u32 {
        self.epoch
    }

    /// Keeps a reading; when this returns it survives power loss.
    ///
    /// # Errors
    /// [`OutboxError::Full`] where too many wait; any other means that the disk failed and nothing is promised.
    pub async fn keep(&self, reading: Reading) -> Result<Keeping, OutboxError> {
        let (reading, found) = self
            .writer
            .run(move |connection| {
                let found = rows::keep(connection, &reading)?;
                Ok((reading, found))
            })
            .await?;
        // The commit has returned, with synchronous=FULL asserted at open: the only place that makes `Kept`.
        let keeping = match found {
            rows::Found::New => Keeping::Kept(Kept { what: reading }),
            rows::Found::Same => Keeping::AlreadyKept(Kept { what: reading.id }),
            rows::Found::Other => Keeping::Conflict(Kept { what: reading }),
        };
        if !matches!(keeping, Keeping::AlreadyKept(_)) {
            self.kept.notify_one();
        }
        Ok(keeping)
    }

    /// The next request to send, live readings before backfill, oldest first; `None` where nothing waits. Its number
    /// is committed when this returns.
    ///
    /// # Errors
    /// [`OutboxError`] where the disk failed.
    pub async fn next_request(&self, readings_max: usize, at: DateTime<Utc>) -> Result<Option<Request>, OutboxError> {
        self.writer.run(move |connection| rows::next_request(connection, readings_max, at)).await
    }

    /// Stores the receipt of readings, and the heads in it; they are no longer sent. The rows stay.
    ///
    /// # Errors
    /// [`OutboxError`] where the disk failed; then none is settled.
    pub async fn settle(&self, lines: Vec<(Row, ReceiptLine)>, at: DateTime<Utc>) -> Result<(), OutboxError> {
        self.writer.run(move |connection| rows::settle(connection, &lines, at)).await
    }

    /// What the next hello says, with the heads of up to `heads_max` people after this one, in turn.
    ///
    /// # Errors
    /// [`OutboxError`] where the disk failed.
    pub async fn next_hello(
        &self,
        after: String,
        heads_max: usize,
        at: DateTime<Utc>,
    ) -> Result<HelloParts, OutboxError> {
        let work = move |connection: &mut Connection| {
            let (standing, heads) = (rows::standing(connection, at)?, heads::after(connection, &after, heads_max)?);
            Ok(HelloParts { number: rows::next_number(connection)?, standing, heads })
        };
        self.writer.run(work).await
    }

    /// Sends settled readings again that the service asks for; how many of them are still here. Nobody is told of them anew.
    ///
    /// # Errors
    /// [`OutboxError`] where the disk failed.
    pub async fn offer_again(&self, ids: Vec<ReadingId>, at: DateTime<Utc>) -> Result<usize, OutboxError> {
        let offered = self.writer.run(move |connection| rows::offer_again(connection, &ids, at)).await?;
        if offered > 0 {
            self.kept.notify_one();
        }
        Ok(offered)
    }

    /// Wipes what readings hold that were settled longer than [`SETTLED_KEPT_FOR`] ago, some at a time; how many. They are
    /// still known where a device tells them again.
    ///
    /// # Errors
    /// [`OutboxError`] where the disk failed.
    pub async fn wipe_settled(&self, at: DateTime<Utc>) -> Result<usize, OutboxError> {
        let wipe =
            move |connection: &mut Connection| rows::wipe_settled(connection, at - SETTLED_KEPT_FOR, WIPED_AT_ONCE, at);
        self.writer.run(wipe).await
    }

    /// Rows settled since a moment whose prompts were not shown yet, with their receipt lines: a crash came between.
    ///
    /// # Errors
    /// [`OutboxError`] where the disk failed.
    pub async fn prompts_not_shown(&self, since: DateTime<Utc>) -> Result<Vec<(Waiting, ReceiptLine)>, OutboxError> {
        self.writer.run(move |connection| rows::prompts_not_shown(connection, since)).await
    }

    /// Notes that the prompts of these rows were put before their people, or withheld.
    ///
    /// # Errors
    /// [`OutboxError`] where the disk failed.
    pub async fn prompts_shown(&self, rows: Vec<Row>, at: DateTime<Utc>) -> Result<(), OutboxError> {
        self.writer.run(move |connection| rows::prompts_shown(connection, &rows, at)).await
    }

    /// How many readings are in which state.
    ///
    /// # Errors
    /// [`OutboxError`] where the disk failed.
    pub async fn counts(&self) -> Result<Counts, OutboxError> {
        self.writer.run(|connection| rows::counts(connection)).await
    }

    /// Returns when a reading was kept since this was last called.
    pub async fn kept_more(&self) {
        self.kept.notified().await;
    }

    /// Notes that a device's memory was read, and everything in it kept, up to this place.
    ///
    /// # Errors
    /// [`OutboxError`] where the disk failed.
    pub async fn note_place(&self, device: SourceId, place: Place) -> Result<(), OutboxError> {
        self.writer.run(move |connection| places::note(connection, &device, place)).await
    }

    /// The place up to which a device's memory of this kind was read, where it was.
    ///
    /// # Errors
    /// [`OutboxError`] where the disk failed.
    pub async fn last_place(&self, device: SourceId, kind: FrameKind) -> Result<Option<Place>, OutboxError> {
        self.writer.run(move |connection| places::last(connection, &device, kind)).await
    }

    /// Finishes what is under way and closes the file. Every later call says [`OutboxError::Closed`].
    pub async fn close(&self) {
        self.writer.close().await;
    }
}

#[async_trait]
impl Memory for Outbox {
    async fn last_kept(&self, device: &SourceId, kind: FrameKind) -> Option<Place> {
        self.last_place(device.clone(), kind).await.ok().flatten()
    }
}

#[cfg(test)]
#[path = "outbox_tests.rs"]
mod tests;
