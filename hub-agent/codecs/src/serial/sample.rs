//! Picks which records of a live stream become readings: a stream brings up to 60 a second, a person's record needs
//! one a minute.
//!
//! Each pick is the record just heard, as the device sent it, never an average. A record with a usable value is picked
//! - when values have been usable for [`SETTLED_AFTER`] of the last [`SETTLED_WITHIN`], the first time of a spell,
//! - then [`EVERY`] after the last pick, if as settled,
//! - at once when saturation is [`FALL_POINTS`] or more below the last pick and was so for [`FALL_HELD_FOR`] in all,
//! - and where a stream never settles, after [`TRY_FOR`] of trying, then at most every [`DOUBTFUL_EVERY`].
//!
//! Where nothing was usable for [`TRY_FOR`], one record that is not is picked, so that "not measured" and its reason
//! are in the record, then one every [`NONE_USABLE_EVERY`].
//!
//! Invariants: however bad a stream, it is not silent for longer than these limits say; however long, what it adds is
//! bounded by time; and no value is picked that stands alone among its [`NEIGHBOURS`], unless for a minute more none
//! agreed with the others.

use chrono::{DateTime, TimeDelta, Utc};
use std::collections::VecDeque;
use vitals::Decimal;

/// Values must have been usable this long, within [`SETTLED_WITHIN`], before one is picked.
///
/// An oximeter that has just found a pulse is still settling: its displayed numbers are averages over 4 to 8 beats,
/// renewed every 1.5 s (Nonin 6470-000-01), and ten seconds are 8 beats at 48 a minute. Our choice, without public
/// proof.
pub const SETTLED_AFTER: TimeDelta = TimeDelta::seconds(10);
/// The stretch in which they are counted: half of it may be broken.
///
/// A weak pulse comes and goes, and those who have one are the sickest: a rule that asks for an unbroken stretch is
/// silent just there. Below half there is more silence than signal, and the value is a doubtful one. Our choice,
/// without public proof.
pub const SETTLED_WITHIN: TimeDelta = TimeDelta::seconds(20);
/// How often one is picked while nothing much changes. Our choice: a trend by the minute.
pub const EVERY: TimeDelta = TimeDelta::seconds(60);
/// A fall this deep, in points of saturation, is not left to the next minute.
///
/// The depth from which sleep laboratories count a desaturation (National Sleep Research Resource, indices "with >= 4%
/// oxygen desaturation"; others count from 3).
pub const FALL_POINTS: u16 = 4;
/// A fall must last this long: shorter ones are as often a moved finger.
///
/// What is not usable in between takes nothing away, for a fall and a restless hand go together; what has recovered
/// takes away its own time. Our choice, without public proof; at the accuracy of these devices (2 points, one standard
/// deviation) a single low record says little.
pub const FALL_HELD_FOR: TimeDelta = TimeDelta::seconds(5);
/// The slowest stream that settles brings a record this often.
///
/// Three of them are half a minute; after a longer silence we do not know whose finger it is. Our choice: the slowest
/// stream in the public tests brings one a second.
pub const GAP_MAX: TimeDelta = TimeDelta::seconds(15);
/// A spell of values is over when none was usable for this long.
///
/// The next may be another person's, and does not wait for the minute of the last. Our choice: longer than a hand is
/// mostly restless, shorter than it takes to clean the probe for the next person.
pub const SPELL_ENDS_AFTER: TimeDelta = TimeDelta::seconds(30);
/// How long a stream is heard without a pick that is due, before one is picked that has not settled. Our choice.
pub const TRY_FOR: TimeDelta = TimeDelta::seconds(60);
/// How often a stream that does not settle is picked.
///
/// Enough to follow a person by, too little to make a trend of doubtful values. Our choice.
pub const DOUBTFUL_EVERY: TimeDelta = TimeDelta::minutes(5);
/// How often "nothing usable" is said again.
///
/// Twenty-four a day from a sensor on a table, a sixtieth of what it brings when worn; and an hour at most until it is
/// said of somebody whose pulse is too weak, who looks just like the table. Our choice.
pub const NONE_USABLE_EVERY: TimeDelta = TimeDelta::hours(1);
/// How many usable values a pick is compared with, itself among them: two wrong ones do not move their median.
pub const NEIGHBOURS: usize = 5;
/// With fewer than this many there is no saying which of them is wrong.
pub const NEIGHBOURS_MIN: usize = 3;
/// A picked saturation is at most this far from its neighbours' median.
///
/// Most serial streams have no checksum (Nonin 8, CMS50, Masimo): every flipped bit from the third up is caught, and
/// one below it moves a value no further than the device's own accuracy does. Less than [`FALL_POINTS`]. Our choice.
pub const OUTLIER_POINTS: u16 = 3;
/// A picked rate is at most this far from its neighbours' median.
///
/// Every flipped bit from the fifth up is caught; that displayed rates, averages over 4 beats or more, mostly move less
/// within the few seconds of the neighbours is our assumption.
pub const OUTLIER_BEATS: u16 = 15;

/// Neighbours are at least this far apart: of 60 records a second that repeat one number, five say no more than one.
const NEIGHBOURS_APART: TimeDelta = TimeDelta::milliseconds(500);
/// No silence counts for longer than this unless the stream's own pace is slower.
const PACE_MIN: TimeDelta = TimeDelta::seconds(1);

/// What one record of a live stream says, as far as picking goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Live {
    /// Oxygen saturation in per cent, where there is one.
    pub saturation: Option<Decimal>,
    /// Pulse or heart rate a minute, where there is one.
    pub rate: Option<Decimal>,
    /// Whether the device means its values to be used.
    pub is_usable: bool,
}

impl Live {
    /// A record that cannot be used.
    pub const NOT_USABLE: Self = Self { saturation: None, rate: None, is_usable: false };

    fn has_usable_value(&self) -> bool {
        self.is_usable && (self.saturation.is_some() || self.rate.is_some())
    }
}

/// Why a record was picked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Picked {
    /// The first of a spell, settled.
    First,
    /// A minute after the last, settled.
    Regular,
    /// Saturation fell and stayed down.
    Fall,
    /// A usable value of a stream that did not settle.
    Doubtful,
    /// A record without a usable value, for there was none.
    NoneUsable,
}

/// Picks readings from one live stream. A new connection has a new one.
#[derive(Debug, Clone)]
pub struct Sampler {
    /// When the last record came.
    heard_at: Option<DateTime<Utc>>,
    /// How far apart its records are, bursts aside.
    pace: TimeDelta,
    /// When the last usable value came.
    usable_at: Option<DateTime<Utc>>,
    spell: Spell,
    neighbours: VecDeque<(DateTime<Utc>, Live)>,
    /// When a value was last picked.
    picked_at: Option<DateTime<Utc>>,
    /// How long the stream was heard in spells without a pick that was due.
    tried: TimeDelta,
    /// Until then no pick is due that has not settled.
    rests_until: Option<DateTime<Utc>>,
    /// How long the stream was heard without a usable value.
    none_usable_for: TimeDelta,
    none_usable_said_at: Option<DateTime<Utc>>,
    picked: u64,
    not_picked: u64,
}

/// A stretch of values that are one person's, as far as can be told.
#[derive(Debug, Clone, Default)]
struct Spell {
    /// How long values were usable, by the moment from which it counts; at most [`SETTLED_WITHIN`] of it.
    usable: VecDeque<(DateTime<Utc>, TimeDelta)>,
    /// When a value was last picked, and the saturation it had.
    mark: Option<(DateTime<Utc>, Option<Decimal>)>,
    /// How long saturation was well below that, less how long it was not.
    low_for: Option<TimeDelta>,
    /// Whether it was at the last record.
    is_low: bool,
}

/// How long it is since the record before.
#[derive(Debug, Clone, Copy)]
struct Since {
    /// For how long this record speaks: a silence longer than the stream's pace is nobody's.
    own: TimeDelta,
    /// For how long the stream was heard or waited for.
    heard: TimeDelta,
}

impl Default for Sampler {
    fn default() -> Self {
        Self {
            heard_at: None,
            pace: PACE_MIN,
            usable_at: None,
            spell: Spell::default(),
            neighbours: VecDeque::new(),
            picked_at: None,
            tried: TimeDelta::zero(),
            rests_until: None,
            none_usable_for: TimeDelta::zero(),
            none_usable_said_at: None,
            picked: 0,
            not_picked: 0,
        }
    }
}

impl Sampler {
    /// A sampler for a new stream.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether this record becomes a reading, and why.
    pub fn hear(&mut self, live: Live, at: DateTime<Utc>) -> Option<Picked> {
        let since = self.since_last(at);
        let picked = if live.has_usable_value() { self.judge(live, since, at) } else { self.judge_unusable(since, at) };
        match picked {
            None => self.not_picked += 1,
            Some(why) => {
                self.picked += 1;
                self.note_pick(why, live, at);
            }
        }
        picked
    }

    /// How many records became readings.
    #[must_use]
    pub fn picked(&self) -> u64 {
        self.picked
    }

    /// How many records did not.
    #[must_use]
    pub fn not_picked(&self) -> u64 {
        self.not_picked
    }

    fn since_last(&mut self, at: DateTime<Utc>) -> Since {
        let before = self.heard_at;
        let gap = before.map_or(TimeDelta::zero(), |before| at - before);
        if gap < TimeDelta::zero() {
            // A clock set back must not silence the stream until it has caught up.
            *self = Self { picked: self.picked, not_picked: self.not_picked, ..Self::default() };
        }
        self.heard_at = Some(at);
        let gap = gap.max(TimeDelta::zero());
        let since =
            Since { own: if gap <= GAP_MAX { gap.min(self.pace) } else { TimeDelta::zero() }, heard: gap.min(GAP_MAX) };
        if gap > GAP_MAX {
            self.pace = PACE_MIN;
        } else if gap >= NEIGHBOURS_APART {
            self.pace = gap.max(PACE_MIN);
        }
        let is_spell = before.zip(self.usable_at).is_some_and(|(before, usable)| before - usable < SPELL_ENDS_AFTER);
        if is_spell {
            let rested = self.rests_until.map_or(since.heard, |until| at - until);
            self.tried += since.heard.min(rested).max(TimeDelta::zero());
        }
        since
    }

    fn judge(&mut self, live: Live, since: Since, at: DateTime<Utc>) -> Option<Picked> {
        self.none_usable_for = TimeDelta::zero();
        if self.usable_at.replace(at).is_some_and(|before| at - before >= SPELL_ENDS_AFTER) {
            // What was tried in vain still counts in the next spell, so that a value now and then is not lost for ever.
            if self.spell.mark.is_some() {
                self.tried = TimeDelta::zero();
            }
            self.spell = Spell::default();
        }
        self.spell.hear(live, since.own, at);
        self.remember(live, at);

        let is_settled = self.spell.is_settled();
        let due = match self.spell.mark {
            Some(_) if self.spell.is_fall() => Some(Picked::Fall),
            None if is_settled => Some(Picked::First),
            Some((picked_at, _)) if is_settled && at - picked_at >= EVERY => Some(Picked::Regular),
            _ => (self.tried >= TRY_FOR).then_some(Picked::Doubtful),
        };
        if self.agrees(live) {
            return due;
        }
        // As long again, and none agreed: a stream in such a state is told as it is.
        (self.tried >= TRY_FOR + TRY_FOR).then_some(Picked::Doubtful)
    }

    fn judge_unusable(&mut self, since: Since, at: DateTime<Utc>) -> Option<Picked> {
        self.none_usable_for += since.heard;
        let has_waited = |since: Option<DateTime<Utc>>, wait| since.is_none_or(|since| at - since >= wait);
        let is_due = self.none_usable_for >= TRY_FOR
            && has_waited(self.picked_at, DOUBTFUL_EVERY)
            && has_waited(self.none_usable_said_at, NONE_USABLE_EVERY);
        is_due.then_some(Picked::NoneUsable)
    }

    fn note_pick(&mut self, why: Picked, live: Live, at: DateTime<Utc>) {
        let rest = match why {
            Picked::NoneUsable => {
                self.none_usable_said_at = Some(at);
                return;
            }
            Picked::Doubtful => DOUBTFUL_EVERY - TRY_FOR,
            Picked::First | Picked::Regular | Picked::Fall => EVERY,
        };
        self.picked_at = Some(at);
        self.none_usable_said_at = None;
        self.tried = TimeDelta::zero();
        self.rests_until = self.rests_until.max(Some(at + rest));
        self.spell.mark = Some((at, live.saturation));
        self.spell.low_for = None;
        self.spell.is_low = false;
    }

    fn remember(&mut self, live: Live, at: DateTime<Utc>) {
        if self.neighbours.back().is_none_or(|(last, _)| at - *last >= NEIGHBOURS_APART) {
            self.neighbours.push_back((at, live));
        }
        while self.neighbours.len() > NEIGHBOURS {
            self.neighbours.pop_front();
        }
    }

    /// Whether each number is near the median of the last few; not so, where there are too few to tell.
    fn agrees(&self, live: Live) -> bool {
        let saturations = self.neighbours.iter().filter_map(|(_, neighbour)| neighbour.saturation);
        let rates = self.neighbours.iter().filter_map(|(_, neighbour)| neighbour.rate);
        let saturation = live.saturation.and_then(|saturation| is_near(saturation, saturations, OUTLIER_POINTS));
        let rate = live.rate.and_then(|rate| is_near(rate, rates, OUTLIER_BEATS));
        match (live.saturation, saturation, rate) {
            (Some(_), saturation, rate) => saturation == Some(true) && rate != Some(false),
            (None, _, rate) => rate == Some(true),
        }
    }
}

impl Spell {
    fn hear(&mut self, live: Live, own: TimeDelta, at: DateTime<Utc>) {
        match self.usable.back_mut() {
            Some((from, usable)) if at - *from < NEIGHBOURS_APART => *usable += own,
            _ => self.usable.push_back((at, own)),
        }
        while self.usable.front().is_some_and(|(from, _)| at - *from >= SETTLED_WITHIN) {
            self.usable.pop_front();
        }
        self.is_low = false;
        let Some((then, now)) = self.mark.and_then(|(_, then)| then.zip(live.saturation)) else { return };
        self.is_low = now.plus(Decimal::from(FALL_POINTS)).is_some_and(|raised| raised <= then);
        self.low_for = match self.low_for {
            None => self.is_low.then_some(TimeDelta::zero()),
            Some(low_for) if self.is_low => Some((low_for + own).min(FALL_HELD_FOR)),
            Some(low_for) => Some(low_for - own).filter(|low_for| *low_for > TimeDelta::zero()),
        };
    }

    fn is_settled(&self) -> bool {
        self.usable.iter().map(|(_, usable)| *usable).sum::<TimeDelta>() >= SETTLED_AFTER
    }

    fn is_fall(&self) -> bool {
        self.is_low && self.low_for.is_some_and(|low_for| low_for >= FALL_HELD_FOR)
    }
}

/// Whether a number is near the median; `None` where there are too few.
fn is_near(number: Decimal, neighbours: impl Iterator<Item = Decimal>, tolerance: u16) -> Option<bool> {
    let mut neighbours: Vec<Decimal> = neighbours.collect();
    neighbours.sort_unstable();
    let median = neighbours.get(neighbours.len() / 2).filter(|_| neighbours.len() >= NEIGHBOURS_MIN)?;
    let is_at_most =
        |low: Decimal, high: Decimal| low <= high || high.plus(tolerance.into()).is_some_and(|high| low <= high);
    Some(is_at_most(number, *median) && is_at_most(*median, number))
}

#[cfg(test)]
#[path = "sample_tests.rs"]
mod tests;
