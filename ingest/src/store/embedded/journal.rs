//! The journal: one entry for each committed slice, never changed. It is the change log that followers read, and the chain
//! of each person's record.
//!
//! Invariants: entries count from 1 without a gap, in the order of commits, because one writer writes them; an entry names
//! the one before it of the same subject, and its head covers that one's; what it holds is checked whenever it is read.

use super::{
    bytes::{Put, Take, era},
    damage,
    digest::{Content, Digest},
    fates,
    fault::Fault,
    items,
    kept::{self, KeptReading, Sent},
    names::{Class, No},
    record::{self, Record, Subject},
    rows::{Tx, Unsound, View, intact, one, run},
};
use crate::store::{Change, Cursor, Witness};
use chrono::{DateTime, Utc};
use rules::Verdict;
use rusqlite::{Row, params};
use std::{collections::BinaryHeap, sync::Arc};
use vitals::{Admitted, AlertId, HubId, JobId, PatientId, ReadingId};

pub(super) const TABLE: &str = "entry";

/// The form of an entry's bytes, and of the readings in it.
const FORM: u8 = 1;

/// The form of what is left of an entry when what it said was erased.
const ERASED: u8 = 2;

/// The byte before each item.
mod item {
    /// Readings of one request, and how many.
    pub(super) const READINGS: u8 = 0;
    /// A single reading of one request.
    pub(super) const READING: u8 = 1;
    /// Something else, of the kind whose number stands above these bits; by whom or of what it tells is a text.
    pub(super) const THING: u8 = 2;
    /// The same; it tells of an id of sixteen bytes, whose prefix is the kind's.
    pub(super) const THING_WITH_ID: u8 = 3;
    /// How many bits say which of these it is.
    pub(super) const BITS: u32 = 2;
}

macro_rules! kinds {
    ($($kind:ident $code:literal $name:literal $doc:literal;)*) => {
        /// What an entry tells of. Names and numbers never change their meaning.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum EntryKind {
            $(#[doc = $doc] $kind,)*
        }

        impl EntryKind {
            fn of(code: u8) -> Option<Self> {
                match code {
                    $($code => Some(Self::$kind),)*
                    _ => None,
                }
            }

            fn code(self) -> u8 {
                match self {
                    $(Self::$kind => $code,)*
                }
            }

            pub(super) fn name(self) -> &'static str {
                match self {
                    $(Self::$kind => $name,)*
                }
            }
        }
    };
}

kinds! {
    ReadingStored 1 "reading-stored" "A reading, with its verdict.";
    ReadingUnassigned 2 "reading-unassigned" "A reading of nobody yet.";
    ReadingConflict 3 "reading-conflict" "Other contents for a stored reading.";
    ReadingJudged 4 "reading-judged" "A new verdict for a reading that could not be judged before.";
    ReadingRefused 5 "reading-refused" "A reading that was refused.";
    ReadingHeardAlso 6 "reading-heard-also" "A stored reading that another hub heard too.";
    ReadingRecovered 7 "reading-recovered" "A reading whose entry was damaged, as its hub sent it again.";
    PersonRegistered 8 "person-registered" "A person, or their details, before there was a register.";
    TimerDue 9 "timer-due" "A time that had come.";
    AlertAcknowledged 10 "alert-acknowledged" "A person took an alert.";
    AlertOpened 11 "alert-opened" "A new alert.";
    AlertChanged 12 "alert-changed" "An alert as it now is.";
    NotificationMade 13 "notification-made" "A notification to send.";
    NotificationTried 14 "notification-tried" "What came of an attempt to send one.";
    Audit 15 "audit" "What the service did or found.";
    ItemWritten 16 "item-written" "A new version of a thing of the register, all of it.";
    AccountSet 17 "account-set" "An account that was made or changed: whose.";
    ReadingWithdrawn 19 "reading-withdrawn" "A reading that no longer counts for the person: by whom, and why.";
    ReadingAssigned 20 "reading-assigned" "A reading that was stored before and counts for the person from now on: by whom.";
    RecordEnded 18 "record-ended" "A record whose entries were erased or disposed of: the signed statement.";
}

impl EntryKind {
    /// The sixteen bytes of the id that a thing of this kind tells of, where the text is exactly that.
    fn id(self, what: &str) -> Option<[u8; 16]> {
        let id = match self {
            Self::TimerDue | Self::AlertAcknowledged | Self::AlertOpened | Self::AlertChanged => {
                *AlertId::parse(what).ok()?.as_bytes()
            }
            Self::NotificationMade | Self::NotificationTried => *JobId::parse(what).ok()?.as_bytes(),
            Self::ReadingStored
            | Self::ReadingUnassigned
            | Self::ReadingConflict
            | Self::ReadingJudged
            | Self::ReadingRefused
            | Self::ReadingHeardAlso
            | Self::ReadingRecovered => *ReadingId::parse(what).ok()?.as_bytes(),
            Self::PersonRegistered
            | Self::Audit
            | Self::ItemWritten
            | Self::AccountSet
            | Self::ReadingWithdrawn
            | Self::ReadingAssigned
            | Self::RecordEnded => {
                return None;
            }
        };
        self.id_text(id).is_some_and(|text| text == what).then_some(id)
    }

    /// The text of an id of this kind.
    fn id_text(self, id: [u8; 16]) -> Option<String> {
        match self {
            Self::TimerDue | Self::AlertAcknowledged | Self::AlertOpened | Self::AlertChanged => {
                Some(AlertId::from_bytes(id).to_string())
            }
            Self::NotificationMade | Self::NotificationTried => Some(JobId::from_bytes(id).to_string()),
            Self::ReadingStored
            | Self::ReadingUnassigned
            | Self::ReadingConflict
            | Self::ReadingJudged
            | Self::ReadingRefused
            | Self::ReadingHeardAlso
            | Self::ReadingRecovered => Some(ReadingId::from_bytes(id).to_string()),
            Self::PersonRegistered
            | Self::Audit
            | Self::ItemWritten
            | Self::AccountSet
            | Self::ReadingWithdrawn
            | Self::ReadingAssigned
            | Self::RecordEnded => None,
        }
    }
}

/// One thing an entry tells of, beside readings: what it is about, and the digest of the row that holds it or of the
/// event itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Thing {
    pub(super) kind: EntryKind,
    pub(super) hub: Option<No>,
    pub(super) what: String,
    pub(super) digest: Digest,
}

/// What one slice adds to its subject's chain, while it is being put together.
pub(super) struct Draft {
    /// The number that the entry will have.
    pub(super) seq: u64,
    readings: Put,
    things: Put,
    count: u64,
}

impl Draft {
    pub(super) fn new(tx: &Tx<'_>) -> Self {
        Self { seq: tx.count().entries + 1, readings: Put::default(), things: Put::default(), count: 0 }
    }

    /// Adds readings that came in one request.
    pub(super) fn readings<'r>(
        &mut self,
        tx: &Tx<'_>,
        sent: &Sent,
        readings: impl ExactSizeIterator<Item = (No, &'r Admitted, Option<&'r Verdict>)>,
    ) -> Result<(), Fault> {
        self.count += 1;
        let is_single = readings.len() == 1;
        self.readings.byte(if is_single { item::READING } else { item::READINGS });
        sent.put(&mut self.readings, tx.at);
        if !is_single {
            self.readings.count(readings.len());
        }
        for (source, admitted, verdict) in readings {
            kept::put(&mut self.readings, tx, source, admitted, verdict)?;
        }
        Ok(())
    }

    /// Adds one thing.
    pub(super) fn thing(&mut self, kind: EntryKind, what: &str, hub: Option<No>, digest: &Digest) {
        self.count += 1;
        put_thing(&mut self.things, kind, what, hub, digest);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Writes the entry and moves the end of the subject's chain. The subject's row is the caller's to write.
    pub(super) fn append(self, tx: &Tx<'_>, subject: &mut Subject) -> Result<(), Fault> {
        let Record { last, n, head, .. } = subject.record;
        let n = n + 1;
        let (readings, things) = (self.readings.as_slice(), self.things.as_slice());
        let mut body = Put::with_room(32 + readings.len() + things.len());
        body.byte(FORM);
        body.number(n);
        // How far back; nought for a first entry, which has none before it.
        body.number(if last == 0 { 0 } else { self.seq - last });
        body.moment(era(), tx.at);
        body.raw(readings);
        body.raw(things);
        let content = tx.keys.content(body.as_slice());
        let head = tx.keys.head(&head, &content);
        let digest = tx.keys.entry(self.seq, subject.no, &head, &content);
        let seq = i64::try_from(self.seq).unwrap_or(i64::MAX);
        run(
            tx.conn,
            "INSERT INTO entry (seq, subject, body, head, digest) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![seq, subject.no, body.as_slice(), head, digest],
        )?;
        tx.tally(|tally| tally.entries = self.seq);
        (subject.record.last, subject.record.n, subject.record.head) = (self.seq, n, head);
        Ok(())
    }
}

/// One thing, as it stands in an entry.
fn put_thing(put: &mut Put, kind: EntryKind, what: &str, hub: Option<No>, digest: &Digest) {
    let id = kind.id(what);
    let item = if id.is_some() { item::THING_WITH_ID } else { item::THING };
    put.byte(kind.code() << item::BITS | item);
    put.number(hub.unwrap_or(0).into());
    match id {
        Some(id) => put.raw(&id),
        None => put.bytes(what.as_bytes()),
    }
    put.raw(digest);
}

/// Whose an entry is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Whose {
    Person(PatientId),
    Hub(HubId),
    Service,
}

impl Whose {
    pub(super) fn read(view: &View<'_>, no: No) -> Result<Self, Unsound> {
        let (class, name) = view.names.name(no).ok_or(Unsound)?;
        match class {
            Class::Person => Ok(Self::Person(PatientId::parse(&name)?)),
            Class::Hub => Ok(Self::Hub(HubId::parse(&name)?)),
            Class::Service => Ok(Self::Service),
            Class::Source | Class::Word | Class::Shape => Err(Unsound),
        }
    }

    pub(super) fn person(&self) -> Option<&PatientId> {
        match self {
            Self::Person(person) => Some(person),
            Self::Hub(_) | Self::Service => None,
        }
    }
}

/// An entry, checked and read.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) seq: u64,
    pub(super) subject: No,
    pub(super) whose: Whose,
    pub(super) n: u64,
    pub(super) previous: u64,
    pub(super) at: DateTime<Utc>,
    pub(super) head: Digest,
    /// What head and checksum cover: the hash of all it ever said.
    pub(super) content: Content,
    /// The entries that say that, and by whom, some of it or all was erased.
    pub(super) erased_by: Vec<u64>,
    pub(super) readings: Vec<KeptReading>,
    pub(super) things: Vec<Thing>,
}

pub(super) const COLUMNS: &str = "seq, subject, body, head, digest";

impl Entry {
    pub(super) fn read(row: &Row<'_>, view: &View<'_>) -> Result<Self, Fault> {
        intact(TABLE, row, || {
            let (seq, subject) = (u64::try_from(row.get::<_, i64>(0)?)?, No::try_from(row.get::<_, i64>(1)?)?);
            let (body, head, digest): (&[u8], Digest, [u8; 8]) = (row.get_ref(2)?.as_blob()?, row.get(3)?, row.get(4)?);
            let left = Left::read(view, seq, body)?;
            let content = left.as_ref().map_or_else(|| view.keys.content(body), |left| left.content);
            if view.keys.entry(seq, subject, &head, &content) != digest {
                return Err(Unsound);
            }
            Self::of_body(view, seq, subject, (head, content), left, body)
        })
    }

    fn of_body(
        view: &View<'_>,
        seq: u64,
        subject: No,
        (head, content): (Digest, Content),
        left: Option<Left<'_>>,
        body: &[u8],
    ) -> Result<Self, Unsound> {
        let whose = Whose::read(view, subject)?;
        let mut take = Take::new(body);
        let (n, back, at, erased_by) = match left {
            Some(left) => {
                take = Take::new(left.rest);
                (left.n, left.back, left.at, left.erased_by)
            }
            None if take.byte()? == FORM => (take.number()?, take.number()?, take.moment(era())?, Vec::new()),
            None => return Err(Unsound),
        };
        let previous = if back == 0 { 0 } else { seq.checked_sub(back).ok_or(Unsound)? };
        let (readings, things) = (Vec::new(), Vec::new());
        let mut entry = Self { seq, subject, whose, n, previous, at, head, content, erased_by, readings, things };
        while !take.is_at_end() {
            let byte = take.byte()?;
            let (item, above) = (byte & ((1 << item::BITS) - 1), byte >> item::BITS);
            match item {
                item::READINGS | item::READING if above == 0 => {
                    let sent = Sent::take(&mut take, at)?;
                    let count = if item == item::READING { 1 } else { take.count()? };
                    for _ in 0..count {
                        entry.readings.push(kept::take(&mut take, view.names, entry.whose.person(), &sent)?);
                    }
                }
                item::THING | item::THING_WITH_ID => {
                    let kind = EntryKind::of(above).ok_or(Unsound)?;
                    let hub = Some(No::try_from(take.number()?)?).filter(|hub| *hub != 0);
                    let what = if item == item::THING_WITH_ID {
                        kind.id_text(take.array()?).ok_or(Unsound)?
                    } else {
                        take.text()?.to_owned()
                    };
                    entry.things.push(Thing { kind, hub, what, digest: take.array()? });
                }
                _ => return Err(Unsound),
            }
        }
        Ok(entry)
    }

    /// Whether this entry follows another of its subject's, whose head was `before`, without a break.
    pub(super) fn follows(&self, view: &View<'_>, before: &Digest) -> bool {
        view.keys.head(before, &self.content) == self.head
    }

    /// Whether nothing of what it said is left.
    pub(super) fn is_hollow(&self) -> bool {
        !self.erased_by.is_empty() && self.readings.is_empty() && self.things.is_empty()
    }

    /// What it tells of, each as one change.
    fn changes(self, view: &View<'_>) -> Result<Vec<Change>, Fault> {
        let damaged = |Unsound| Fault::Damaged { table: TABLE, row: i64::try_from(self.seq).unwrap_or(i64::MAX) };
        let patient = self.whose.person().cloned();
        let kind = if patient.is_some() { EntryKind::ReadingStored } else { EntryKind::ReadingUnassigned };
        let mut changes = Vec::with_capacity(self.readings.len() + self.things.len());
        for KeptReading { admitted, .. } in self.readings {
            changes.push(Change {
                patient: patient.clone(),
                hub: Some(admitted.hub),
                kind: kind.name(),
                what: admitted.reading.id.to_string(),
                at: self.at,
            });
        }
        for Thing { kind, hub, what, .. } in self.things {
            let hub = hub.map(|hub| kept::name_of(view.names, hub, Class::Hub)).transpose().map_err(damaged)?;
            let hub = hub.map(|hub| HubId::parse(&hub)).transpose().map_err(|_not_an_id| damaged(Unsound))?;
            // Followers are told of what, and not what is written in it.
            let what = if kind == EntryKind::ItemWritten {
                items::named(&items::Told::read(&what).map_err(damaged)?.written.item.reference())
            } else if matches!(kind, EntryKind::ReadingWithdrawn | EntryKind::ReadingAssigned) {
                fates::Told::read(&what).map_err(damaged)?.reading.to_string()
            } else if kind == EntryKind::RecordEnded {
                format!("entry {}", self.seq)
            } else {
                what
            };
            changes.push(Change { patient: patient.clone(), hub, kind: kind.name(), what, at: self.at });
        }
        Ok(changes)
    }
}

/// What is left of an entry when what it said was erased: its place, the hash of all it said, and what was not erased.
struct Left<'a> {
    n: u64,
    back: u64,
    at: DateTime<Utc>,
    erased_by: Vec<u64>,
    content: Content,
    rest: &'a [u8],
}

/// Most statements that one entry may name: an entry that tells of many people, each erased at another time.
const ERASED_BY_MAX: usize = 10_000;

impl<'a> Left<'a> {
    /// Reads it; none where the entry is whole.
    fn read(view: &View<'_>, seq: u64, body: &'a [u8]) -> Result<Option<Self>, Unsound> {
        let mut take = Take::new(body);
        if take.byte()? != ERASED {
            return Ok(None);
        }
        let tag: Digest = take.array()?;
        let said = take.rest();
        if left_tag(view, seq, said) != tag {
            return Err(Unsound);
        }
        let mut take = Take::new(said);
        let (n, back, at, count) = (take.number()?, take.number()?, take.moment(era())?, take.count()?);
        if count == 0 || count > ERASED_BY_MAX {
            return Err(Unsound);
        }
        let erased_by = (0..count).map(|_| take.number()).collect::<Result<_, _>>()?;
        let content = Content(take.array()?);
        Ok(Some(Self { n, back, at, erased_by, content, rest: take.rest() }))
    }
}

/// What is left of an entry is bound to its place and to who erased it. Its head and checksum cover what it said before.
fn left_tag(view: &View<'_>, seq: u64, said: &[u8]) -> Digest {
    view.keys.row("what is left", &[i64::try_from(seq).unwrap_or(i64::MAX).into(), said.into()])
}

impl Entry {
    /// What is left of this entry once the statement in entry `ended` covers it: its readings go or stay together, and each
    /// thing is as `keep` says. When it happened goes with the readings.
    pub(super) fn left(
        &self,
        view: &View<'_>,
        ended: u64,
        body: &[u8],
        is_all: bool,
        keep: impl Fn(&Thing) -> Option<String>,
    ) -> Result<Vec<u8>, Unsound> {
        let mut said = Put::with_room(64 + body.len());
        said.number(self.n);
        said.number(if self.previous == 0 { 0 } else { self.seq - self.previous });
        said.moment(era(), if is_all { era() } else { self.at });
        said.count(self.erased_by.len() + 1);
        self.erased_by.iter().chain([&ended]).for_each(|by| said.number(*by));
        said.raw(&self.content.0);
        if !is_all {
            said.raw(self.readings_of(view, body)?);
            for thing in &self.things {
                if let Some(what) = keep(thing) {
                    put_thing(&mut said, thing.kind, &what, thing.hub, &thing.digest);
                }
            }
        }
        let mut left = Put::with_room(32 + said.as_slice().len());
        left.byte(ERASED);
        left.raw(&left_tag(view, self.seq, said.as_slice()));
        left.raw(said.as_slice());
        Ok(left.as_slice().to_vec())
    }

    /// The bytes of its readings, which stand before every thing.
    fn readings_of<'b>(&self, view: &View<'_>, body: &'b [u8]) -> Result<&'b [u8], Unsound> {
        let mut things = Put::default();
        for Thing { kind, hub, what, digest } in &self.things {
            put_thing(&mut things, *kind, what, *hub, digest);
        }
        let all = match Left::read(view, self.seq, body)? {
            Some(left) => left.rest,
            None => {
                let mut take = Take::new(body);
                let _head = (take.byte()?, take.number()?, take.number()?, take.moment(era())?);
                take.rest()
            }
        };
        all.strip_suffix(things.as_slice()).ok_or(Unsound)
    }
}

/// What followers are told of an entry that is marked as damaged: what it told of cannot be read any more.
pub(super) const DAMAGED: &str = "entry-damaged";

/// One entry. It must be there.
pub(super) fn entry(view: &View<'_>, seq: u64) -> Result<Entry, Fault> {
    view.go_on()?;
    let no = i64::try_from(seq).unwrap_or(i64::MAX);
    let sql = "SELECT seq, subject, body, head, digest FROM entry WHERE seq = ?1";
    match one(view.conn, sql, params![no], |row| Entry::read(row, view)) {
        Ok(Some(entry)) if entry.seq == seq => Ok(entry),
        Ok(_) => Err(Fault::Damaged { table: TABLE, row: no }),
        // Its page cannot be read.
        Err(fault) if fault.is_corrupt() => Err(Fault::Damaged { table: TABLE, row: no }),
        Err(other) => Err(other),
    }
}

/// Committed changes after a place, and the place after them. A slice is never cut: an answer is longer than the limit
/// where the first slice alone is.
pub(super) fn changes(view: &View<'_>, after: Cursor, limit: usize) -> Result<(Vec<Change>, Cursor), Fault> {
    let (mut changes, mut cursor) = (Vec::new(), after);
    let newest = i64::try_from(view.count().entries).unwrap_or(i64::MAX);
    let mut statement =
        view.conn.prepare_cached(&format!("SELECT {COLUMNS} FROM entry WHERE seq > ?1 ORDER BY seq"))?;
    let mut rows = statement.query(params![after.0])?;
    while changes.len() < limit && cursor.0 < newest {
        let next = cursor.0 + 1;
        if let Some(mark) = damage::find(view, u64::try_from(next).unwrap_or(0))? {
            changes.push(mark.change(view)?);
            cursor = Cursor(next);
            // Its row may be there or not.
            drop(rows);
            rows = statement.query(params![next])?;
            continue;
        }
        let damaged = Fault::Damaged { table: TABLE, row: next };
        let Some(row) = rows.next()? else { return Err(damaged) };
        let entry = Entry::read(row, view)?;
        if i64::try_from(entry.seq) != Ok(next) {
            return Err(damaged);
        }
        let of_entry = entry.changes(view)?;
        if !changes.is_empty() && changes.len() + of_entry.len() > limit {
            break;
        }
        changes.extend(of_entry);
        cursor = Cursor(next);
    }
    Ok((changes, cursor))
}

/// Whose entries are read.
pub(super) enum From {
    /// Everybody's.
    All,
    /// These subjects'.
    Only(Vec<(No, Record)>),
    /// One subject's, from entry `n` of its chain on back, which is this one.
    Before(No, u64, u64),
}

/// Walks entries from the newest back, until `each` says that it has enough.
pub(super) fn newest_first(
    view: &View<'_>,
    from: From,
    mut each: impl FnMut(Entry) -> Result<bool, Fault>,
) -> Result<(), Fault> {
    // The newest of each subject; whichever is the newest of all goes next, and gives way to the one before it.
    let ends: BinaryHeap<(u64, u64, No)> = match from {
        From::All => {
            for seq in (1..=view.count().entries).rev() {
                if damage::find(view, seq)?.is_some() {
                    continue;
                }
                if !each(entry(view, seq)?)? {
                    break;
                }
            }
            return Ok(());
        }
        From::Only(subjects) => {
            let begun = subjects.iter().filter(|(_, record)| record.n > 0);
            begun.map(|(no, record)| (record.last, record.n, *no)).collect()
        }
        From::Before(subject, n, seq) => [(seq, n, subject)].into(),
    };
    walk_back(view, ends, each)
}

/// Walks back from the ends of chains: place, count and subject of each.
fn walk_back(
    view: &View<'_>,
    mut ends: BinaryHeap<(u64, u64, No)>,
    mut each: impl FnMut(Entry) -> Result<bool, Fault>,
) -> Result<(), Fault> {
    while let Some((seq, n, subject)) = ends.pop() {
        if let Some(mark) = damage::find(view, seq)?.filter(|mark| (mark.subject, mark.n) == (subject, n)) {
            if mark.previous > 0 && mark.previous < seq && n > 1 {
                ends.push((mark.previous, n - 1, subject));
            }
            continue;
        }
        let entry = entry(view, seq)?;
        let previous = entry.previous;
        if (entry.subject, entry.n) != (subject, n) || (n > 1) != (previous > 0) || previous >= seq {
            return Err(Fault::Damaged { table: TABLE, row: i64::try_from(seq).unwrap_or(i64::MAX) });
        }
        if previous > 0 {
            ends.push((previous, n - 1, subject));
        }
        if !each(entry)? {
            break;
        }
    }
    Ok(())
}

/// Whether each head is one that this store gave for this person.
pub(super) fn witnessed(view: &View<'_>, heads: &[(PatientId, Witness)]) -> Result<Vec<bool>, Fault> {
    let is_ours = |(patient, witness): &(PatientId, Witness)| {
        let Some((no, record)) = record::find(view, Class::Person, patient.as_str())? else {
            // Of a record that has ended nothing is said, and nothing disagrees.
            return Ok(record::has_ended(view, Class::Person, patient.as_str()));
        };
        if *witness == record.witness() {
            return Ok(true);
        }
        if witness.place == 0 || witness.place >= record.last {
            return Ok(false);
        }
        // Of a damaged entry no head is known, so none disagrees.
        if let Some(mark) = damage::find(view, witness.place)? {
            return Ok(mark.subject == no);
        }
        let entry = entry(view, witness.place)?;
        Ok(entry.subject == no && entry.head == witness.head)
    };
    heads.iter().map(is_ours).collect()
}

/// The name under which the service's own entries stand.
pub(super) const SERVICE: &str = "service";

/// The name of a number, for what is said of it.
pub(super) fn name(view: &View<'_>, no: No, class: Class) -> Result<Arc<str>, Fault> {
    kept::name_of(view.names, no, class).map_err(|Unsound| Fault::Damaged { table: "name", row: no.into() })
}
