//! What the journal says of each name so far, in as few bytes as will do: about 100 for each person and hub, 30 for each
//! device.

use super::super::{
    digest::Digest,
    names::{Class, No},
    root::RootHash,
    rows::{Unsound, View},
};

/// A set as its number of members and the sum of their keyed hashes: two sets of one sum are one set, for whoever has not
/// the key to make others.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Sum {
    pub(super) count: u64,
    sum: u64,
}

impl Sum {
    /// One that was written down.
    pub(super) fn of((count, sum): (u64, u64)) -> Self {
        Self { count, sum }
    }

    /// Both together.
    pub(super) fn with(self, other: Self) -> Self {
        Self { count: self.count + other.count, sum: self.sum.wrapping_add(other.sum) }
    }

    pub(super) fn add(&mut self, part: u64) {
        self.count += 1;
        self.sum = self.sum.wrapping_add(part);
    }
}

/// What is told of a device.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct OfSource {
    /// Its readings: where the record of each stands.
    pub(super) readings: Sum,
    /// Whose the newest is, or which hub's where it is nobody's.
    pub(super) owner: No,
}

/// What is told of a person, a hub or the service.
#[derive(Debug, Clone, Copy)]
pub(super) struct Account {
    /// The newest entry; nought where there is none.
    pub(super) last: u64,
    /// How many entries there are.
    pub(super) n: u64,
    /// The head of the chain; none after an entry that cannot be read.
    pub(super) head: Option<Digest>,
    /// Whether an entry of it cannot be read: what that entry told of is not known here.
    pub(super) has_gap: bool,
    /// Alerts opened.
    pub(super) alerts: u64,
    /// Things of the register written for the first time.
    pub(super) items: u64,
    /// Whether a person is among them.
    pub(super) is_registered: bool,
    /// The rows of what a hub had refused.
    pub(super) refused: Sum,
    /// How many of those were emptied when somebody's record ended.
    pub(super) emptied: u64,
}

/// Every account, found by the number of its name.
#[derive(Default)]
pub(super) struct Accounts {
    /// For each number: nothing yet, a place among the subjects, or a place among the sources.
    places: Vec<Place>,
    subjects: Vec<Account>,
    sources: Vec<OfSource>,
}

#[derive(Clone, Copy, Default)]
enum Place {
    #[default]
    Nothing,
    Subject(u32),
    Source(u32),
}

impl Accounts {
    fn place(&mut self, no: No) -> Result<&mut Place, Unsound> {
        let at = usize::try_from(no)?;
        if self.places.len() <= at {
            self.places.resize(at + 1, Place::Nothing);
        }
        self.places.get_mut(at).ok_or(Unsound)
    }

    /// The account of a person, a hub or the service; it begins where their chain does.
    pub(super) fn subject(&mut self, view: &View<'_>, no: No) -> Result<&mut Account, Unsound> {
        let next = u32::try_from(self.subjects.len())?;
        let place = match self.place(no)? {
            Place::Subject(place) => *place,
            Place::Source(_) => return Err(Unsound),
            place @ Place::Nothing => {
                let (class, name) = view.names.name(no).ok_or(Unsound)?;
                if !class.has_record() {
                    return Err(Unsound);
                }
                *place = Place::Subject(next);
                self.subjects.push(Account {
                    last: 0,
                    n: 0,
                    head: Some(view.keys.chain_start(class.code(), &name)),
                    has_gap: false,
                    alerts: 0,
                    items: 0,
                    is_registered: false,
                    refused: Sum::default(),
                    emptied: 0,
                });
                next
            }
        };
        self.subjects.get_mut(usize::try_from(place)?).ok_or(Unsound)
    }

    /// Who had the newest reading of a source.
    pub(super) fn owner(&self, source: No) -> Option<No> {
        match self.places.get(usize::try_from(source).ok()?)? {
            Place::Source(place) => self.sources.get(usize::try_from(*place).ok()?).map(|source| source.owner),
            Place::Nothing | Place::Subject(_) => None,
        }
    }

    /// The readings of a source.
    pub(super) fn source(&mut self, no: No) -> Result<&mut OfSource, Unsound> {
        let next = u32::try_from(self.sources.len())?;
        let place = match self.place(no)? {
            Place::Source(place) => *place,
            Place::Subject(_) => return Err(Unsound),
            place @ Place::Nothing => {
                *place = Place::Source(next);
                self.sources.push(OfSource::default());
                next
            }
        };
        self.sources.get_mut(usize::try_from(place)?).ok_or(Unsound)
    }

    /// The hash over all chains as they stand, with how many they are; none where the head of one is not known.
    pub(super) fn root(&self) -> Option<(u64, [u8; 32])> {
        let mut hash = RootHash::default();
        for (no, place) in (0..).zip(&self.places) {
            if let Place::Subject(place) = place
                && let Some(account) = usize::try_from(*place).ok().and_then(|place| self.subjects.get(place))
                && account.n > 0
            {
                hash.add(no, account.n, &account.head?);
            }
        }
        Some(hash.end())
    }

    /// How many chains have an entry.
    pub(super) fn chains(&self) -> u64 {
        let begun = self.subjects.iter().filter(|account| account.n > 0).count();
        u64::try_from(begun).unwrap_or(u64::MAX)
    }
}

impl Class {
    /// Whether names of this class have a chain, and a row that says where it ends.
    pub(in super::super) fn has_record(self) -> bool {
        match self {
            Self::Person | Self::Hub | Self::Service => true,
            Self::Source | Self::Word | Self::Shape => false,
        }
    }
}
