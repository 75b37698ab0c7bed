//! A recording of everything that changed the disk, and the disks a power cut at any point of it could have left.
//!
//! What was synced is there. Of what was not, each sector holds any of the contents it has had since the last sync, each
//! file any of its lengths, and an entry of the folder may have been made or not: caches write back in no order. A sector
//! of [`crate::SECTOR_BYTES`] is written whole or not at all, so the write during which the power went is torn.
//!
//! A truncation is no writing of zeros: a filesystem with a journal (ext4, XFS) takes the length and the blocks beyond it
//! away in one transaction. So it has happened with the length or not at all, and what is written there afterwards stands
//! in new blocks, which belong to the file only once it has happened. An image in which some sectors of a log that was cut
//! are zeros and its length is as before is none that such a disk leaves; SQLite's log does not survive it.
//!
//! The folder is synced where SQLite's VFS for Unix does it: with a deletion that asks for it, and with the first sync of a
//! log or journal that was just made.

use crate::{SECTOR_BYTES, image::Image, rng::Rng};
use std::sync::Arc;

/// One thing done to a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operation {
    /// Made, empty.
    Create,
    /// Written.
    Write {
        /// From where on.
        offset: usize,
        /// What.
        bytes: Arc<[u8]>,
    },
    /// Cut or extended.
    Truncate {
        /// To which length.
        length: usize,
    },
    /// Synced: what was done before is safe.
    Sync,
    /// Deleted.
    Delete {
        /// Whether the folder was synced with it.
        is_synced: bool,
    },
}

/// Everything that was done, in order.
#[derive(Debug, Clone, Default)]
pub struct Record {
    base: Image,
    names: Vec<String>,
    /// Which file, and what.
    pub(crate) operations: Vec<(usize, Operation)>,
}

impl Record {
    pub(crate) fn starting_from(base: Image) -> Self {
        let names = base.files().map(|(name, _)| name.to_owned()).collect();
        Self { base, names, operations: Vec::new() }
    }

    pub(crate) fn add(&mut self, name: &str, operation: Operation) {
        let place = self.names.iter().position(|known| known == name).unwrap_or_else(|| {
            self.names.push(name.to_owned());
            self.names.len() - 1
        });
        self.operations.push((place, operation));
    }

    /// How many operations there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.operations.len()
    }

    /// Whether nothing was done.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.operations.is_empty()
    }

    /// How many operations are of a kind.
    pub fn count(&self, is_one: impl Fn(&str, &Operation) -> bool) -> usize {
        let name = |place: usize| self.names.get(place).map_or("", String::as_str);
        self.operations.iter().filter(|(place, operation)| is_one(name(*place), operation)).count()
    }
}

/// One file on its way through a recording.
#[derive(Clone, Default)]
struct Path {
    safe: Option<Arc<Vec<u8>>>,
    /// Made, and not synced since.
    is_new: bool,
    /// What was done to it since the last sync, as places in the recording.
    pending: Vec<usize>,
}

/// A walk through a recording. Points are asked for in order, so that what is safe need not be made anew for each.
pub struct Replay<'a> {
    record: &'a Record,
    at: usize,
    files: Vec<Path>,
}

/// How much of what was not synced is kept.
#[derive(Clone, Copy)]
enum Kept {
    /// All but some sectors of the last operation.
    AllButTorn,
    Nothing,
    /// Each sector as of a moment of its own.
    AnyMoment,
    /// All of it as of one moment, the next operation torn.
    OneMoment(usize),
    /// Each sector as it was or as it is.
    Coin,
    /// One sector in sixteen as it was.
    AllButFew,
}

impl Kept {
    fn draw(rng: &mut Rng, pending: usize) -> Self {
        match rng.below(6) {
            0 => Self::AllButTorn,
            1 => Self::Nothing,
            2 => Self::AnyMoment,
            3 => Self::OneMoment(rng.below(pending + 1)),
            4 => Self::Coin,
            _ => Self::AllButFew,
        }
    }

    /// How many of the pending operations a sector, a length or an entry has seen.
    fn seen(self, rng: &mut Rng, pending: usize) -> usize {
        match self {
            Self::AllButTorn => pending - rng.below(2).min(pending),
            Self::Nothing => 0,
            Self::AnyMoment => rng.below(pending + 1),
            Self::OneMoment(moment) => (moment + rng.below(2)).min(pending),
            Self::Coin => rng.below(2) * pending,
            Self::AllButFew => usize::from(rng.below(16) != 0) * pending,
        }
    }
}

impl<'a> Replay<'a> {
    /// At the start of a recording.
    #[must_use]
    pub fn of(record: &'a Record) -> Self {
        let path = |name: &String| Path { safe: record.base.0.get(name).cloned(), ..Path::default() };
        Self { record, at: 0, files: record.names.iter().map(path).collect() }
    }

    /// Where it is: how many operations were begun.
    #[must_use]
    pub fn at(&self) -> usize {
        self.at
    }

    /// Goes on until so many operations were begun. Never goes back.
    pub fn advance(&mut self, to: usize) {
        let operations = &self.record.operations;
        while self.at < to
            && let Some((place, operation)) = operations.get(self.at)
        {
            let name = self.record.names.get(*place).map_or("", String::as_str);
            let mut syncs_folder = false;
            if let Some(file) = self.files.get_mut(*place) {
                match operation {
                    Operation::Sync => {
                        syncs_folder = file.is_new && (name.ends_with("-wal") || name.ends_with("-journal"));
                        file.is_new = false;
                        file.settle(operations);
                    }
                    Operation::Delete { is_synced: true } => {
                        *file = Path::default();
                        syncs_folder = true;
                    }
                    Operation::Create => {
                        file.is_new = true;
                        file.pending.push(self.at);
                    }
                    Operation::Write { .. } | Operation::Truncate { .. } | Operation::Delete { is_synced: false } => {
                        file.pending.push(self.at)
                    }
                }
            }
            if syncs_folder {
                self.files.iter_mut().for_each(|file| file.settle_entry(operations));
            }
            self.at += 1;
        }
    }

    /// What of each file is not safe here, in words: for whoever looks into what a cut did.
    #[must_use]
    pub fn unsafe_here(&self) -> Vec<String> {
        let of = |(name, file): (&String, &Path)| {
            let kinds =
                file.pending.iter().filter_map(|place| self.record.operations.get(*place)).map(
                    |(_, done)| match done {
                        Operation::Create => "make".to_owned(),
                        Operation::Write { offset, bytes } => format!("write {} at {offset}", bytes.len()),
                        Operation::Truncate { length } => format!("cut to {length}"),
                        Operation::Sync => "sync".to_owned(),
                        Operation::Delete { .. } => "delete".to_owned(),
                    },
                );
            let kinds: Vec<String> = kinds.collect();
            (!kinds.is_empty()).then(|| format!("{name}: {}", kinds.join(", ")))
        };
        self.record.names.iter().zip(&self.files).filter_map(of).collect()
    }

    /// A disk that a power cut could have left here, drawn from a seed.
    #[must_use]
    pub fn image(&self, rng: &mut Rng) -> Image {
        let mut image = Image::default();
        for (name, file) in self.record.names.iter().zip(&self.files) {
            if let Some(bytes) = file.after_a_cut(&self.record.operations, rng) {
                image.0.insert(name.clone(), bytes);
            }
        }
        image
    }
}

impl Path {
    /// A sync: everything pending is safe.
    fn settle(&mut self, operations: &[(usize, Operation)]) {
        for place in std::mem::take(&mut self.pending) {
            let Some((_, operation)) = operations.get(place) else { continue };
            let bytes = self.safe.get_or_insert_default();
            match operation {
                Operation::Write { offset, bytes: written } => put(Arc::make_mut(bytes), *offset, written),
                Operation::Truncate { length } => Arc::make_mut(bytes).resize(*length, 0),
                Operation::Delete { .. } => self.safe = None,
                Operation::Create | Operation::Sync => {}
            }
        }
    }

    /// A sync of the folder: that the file is there, or not, is safe; what is in it need not be.
    fn settle_entry(&mut self, operations: &[(usize, Operation)]) {
        let is = |place: &usize, wanted: fn(&Operation) -> bool| {
            operations.get(*place).is_some_and(|(_, operation)| wanted(operation))
        };
        let is_delete = |operation: &Operation| matches!(operation, Operation::Delete { .. });
        if let Some(last) = self.pending.iter().rposition(|place| is(place, is_delete)) {
            self.pending.drain(..=last);
            self.safe = None;
        }
        let is_create = |operation: &Operation| matches!(operation, Operation::Create);
        if self.pending.iter().any(|place| is(place, is_create)) {
            self.safe.get_or_insert_default();
            self.pending.retain(|place| !is(place, is_create));
        }
    }

    fn after_a_cut(&self, operations: &[(usize, Operation)], rng: &mut Rng) -> Option<Arc<Vec<u8>>> {
        if self.pending.is_empty() {
            return self.safe.clone();
        }
        let pending: Vec<&Operation> =
            self.pending.iter().filter_map(|place| operations.get(*place)).map(|(_, operation)| operation).collect();
        let kept = Kept::draw(rng, pending.len());
        // The entry in the folder and the length are as of this moment.
        let moment = kept.seen(rng, pending.len());
        let is_delete = |operation: &&Operation| matches!(operation, Operation::Delete { .. });
        // Contents never cross a deletion: what comes after it is another file of the same name.
        let first = pending.iter().take(moment).rposition(is_delete).map_or(0, |place| place + 1);
        let last = pending.iter().skip(moment).position(is_delete).map_or(pending.len(), |place| moment + place);
        let mut exists = first == 0 && self.safe.is_some();
        let mut length = if exists { self.safe.as_ref().map_or(0, |bytes| bytes.len()) } else { 0 };
        for operation in pending.iter().take(moment).skip(first) {
            exists = true;
            length = match operation {
                Operation::Write { offset, bytes } => length.max(offset + bytes.len()),
                Operation::Truncate { length } => *length,
                Operation::Create | Operation::Sync | Operation::Delete { .. } => length,
            };
        }
        if !exists {
            return None;
        }
        let mut bytes = if first == 0 { self.safe.clone().unwrap_or_default() } else { Arc::default() };
        let contents = Arc::make_mut(&mut bytes);
        // Each sector's own moment, drawn once.
        let mut moments: Vec<Option<usize>> = Vec::new();
        let mut has_seen = |sector: usize, operation: usize| {
            if moments.len() <= sector {
                moments.resize(sector + 1, None);
            }
            let drawn = moments.get_mut(sector).map(|seen| *seen.get_or_insert_with(|| kept.seen(rng, pending.len())));
            drawn.is_some_and(|seen| operation < seen)
        };
        // What is written from here on stands in blocks that are not the file's yet.
        let mut not_yet = usize::MAX;
        for (place, operation) in pending.iter().enumerate().take(last).skip(first) {
            match operation {
                Operation::Write { offset, bytes } => {
                    let mut start = 0;
                    while start < bytes.len() {
                        let sector = (offset + start) / SECTOR_BYTES;
                        let end = ((sector + 1) * SECTOR_BYTES - offset).min(bytes.len());
                        if sector < not_yet && has_seen(sector, place) {
                            put(contents, offset + start, bytes.get(start..end).unwrap_or_default());
                        }
                        start = end;
                    }
                }
                Operation::Truncate { length } if place < moment => {
                    contents.get_mut(*length..).unwrap_or_default().fill(0);
                }
                Operation::Truncate { length } => not_yet = not_yet.min(length.div_ceil(SECTOR_BYTES)),
                Operation::Create | Operation::Sync | Operation::Delete { .. } => {}
            }
        }
        contents.resize(length, 0);
        Some(bytes)
    }
}

fn put(file: &mut Vec<u8>, offset: usize, bytes: &[u8]) {
    let end = offset + bytes.len();
    if file.len() < end {
        file.resize(end, 0);
    }
    if let Some(place) = file.get_mut(offset..end) {
        place.copy_from_slice(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn write(offset: usize, byte: u8, length: usize) -> Operation {
        Operation::Write { offset, bytes: vec![byte; length].into() }
    }

    /// Everything that many seeds make of a recording, cut after so many operations.
    fn images(operations: &[Operation], cut: usize) -> BTreeSet<Option<Vec<u8>>> {
        let mut record = Record::default();
        operations.iter().for_each(|operation| record.add("f", operation.clone()));
        let mut replay = Replay::of(&record);
        replay.advance(cut);
        (0..2000).map(|seed| replay.image(&mut Rng::of(seed, 0)).file("f").map(<[u8]>::to_vec)).collect()
    }

    #[test]
    fn what_is_synced_is_there_and_what_is_not_may_be_there_by_sectors() {
        let operations = [Operation::Create, write(0, 1, 1024), Operation::Sync, write(0, 2, 1024)];
        assert!(images(&operations, 0).iter().all(Option::is_none));
        let before = images(&operations, 2);
        assert!(before.contains(&None) && before.contains(&Some(vec![1; 1024])) && before.contains(&Some(vec![])));
        assert_eq!(images(&operations, 3), BTreeSet::from([Some(vec![1; 1024])]));
        let sectors: BTreeSet<(u8, u8)> = images(&operations, 4)
            .into_iter()
            .map(|bytes| {
                let bytes = bytes.unwrap();
                assert!(bytes[..512].iter().all(|byte| *byte == bytes[0]), "a sector is whole");
                (bytes[0], bytes[512])
            })
            .collect();
        assert_eq!(sectors, BTreeSet::from([(1, 1), (1, 2), (2, 1), (2, 2)]));
    }

    #[test]
    fn a_later_version_of_a_sector_brings_the_earlier_one_with_it() {
        let operations = [Operation::Create, Operation::Sync, write(0, 1, 100), write(100, 2, 100)];
        for image in images(&operations, 4).into_iter().flatten().filter(|image| image.len() == 200) {
            assert!(image[100] == 0 || image[0] == 1, "{image:?}");
        }
    }

    #[test]
    fn a_truncation_happens_with_the_length_or_not_at_all() {
        let operations = [
            Operation::Create,
            write(0, 1, 2048),
            Operation::Sync,
            Operation::Truncate { length: 0 },
            write(0, 2, 1024),
        ];
        let images: BTreeSet<Vec<u8>> = images(&operations, 5).into_iter().map(|bytes| bytes.unwrap()).collect();
        let [new, old, none] = [vec![2; 1024], vec![1; 2048], vec![]];
        let torn = |first: u8, second: u8| [vec![first; 512], vec![second; 512]].concat();
        assert_eq!(images, BTreeSet::from([new, old, none, torn(0, 0), torn(0, 2), torn(2, 0)]));
    }

    #[test]
    fn the_first_sync_of_a_new_log_makes_the_folder_safe() {
        let mut record = Record::default();
        record.add("f", Operation::Create);
        record.add("f-journal", Operation::Create);
        record.add("f-journal", Operation::Sync);
        record.add("f-journal", Operation::Delete { is_synced: false });
        record.add("f-wal", Operation::Create);
        record.add("f-wal", Operation::Sync);
        let mut replay = Replay::of(&record);
        let seen = |replay: &Replay<'_>| -> BTreeSet<Vec<String>> {
            let names = |seed| replay.image(&mut Rng::of(seed, 0)).files().map(|(name, _)| name.to_owned()).collect();
            (0..500).map(names).collect()
        };
        replay.advance(2);
        assert_eq!(seen(&replay).len(), 4, "each is there or not");
        replay.advance(4);
        let (with, without) = (vec!["f".to_owned(), "f-journal".to_owned()], vec!["f".to_owned()]);
        assert_eq!(seen(&replay), BTreeSet::from([with, without]));
        replay.advance(6);
        assert_eq!(seen(&replay), BTreeSet::from([vec!["f".to_owned(), "f-wal".to_owned()]]));
    }

    #[test]
    fn lengths_entries_and_deletions_are_kept_or_not() {
        let operations =
            [Operation::Create, write(0, 1, 512), Operation::Sync, Operation::Truncate { length: 0 }, write(0, 3, 100)];
        let lengths: BTreeSet<usize> = images(&operations, 5).into_iter().map(|image| image.unwrap().len()).collect();
        assert_eq!(lengths, BTreeSet::from([0, 100, 512]));
        for is_synced in [false, true] {
            let operations = [Operation::Create, write(0, 1, 512), Operation::Sync, Operation::Delete { is_synced }];
            let images = images(&operations, 4);
            assert!(images.contains(&None));
            assert_eq!(images.contains(&Some(vec![1; 512])), !is_synced);
        }
    }
}
