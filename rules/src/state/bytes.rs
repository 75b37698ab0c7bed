//! A person's state as a store keeps it: short, because there is one for every person in the county.
//!
//! Invariants: one state has one form, so that equal bytes are equal states; bytes that are not such a form are an error and
//! never a state; a form once written is read for ever. The person is not in it: they are the key of the row.
//!
//! Format 1, in this order; a *varint* has 7 bits a byte, the lowest first, the high bit set where another byte follows, and
//! no more bytes than it needs; *signed* is a varint of 0, -1, 1, -2, 2, … as 0, 1, 2, 3, 4, …:
//!
//! | bytes | what |
//! |---|---|
//! | 1 | the format: 1 |
//! | varint | how many readings are not judged, at most 2^32 - 1 |
//! | varint | how many memories follow |
//! | each memory: 8 | its [`RuleKey`]; the keys ascend |
//! | varint | its tag in the low 3 bits, and above them which moment, by its number, or the next number for a new one |
//! | signed | for a new moment only: how many microseconds after the new moment before it; the first, after 1970 |
//! | varint | tag 1, [`RuleMemory`]: how many readings in a row met the clear condition, at most 2^32 - 1 |
//! | varint | how many bytes of alerts follow; 0 where none is unfinished |
//! | that many | the unfinished alerts, a JSON list |
//!
//! Rules that judged the same reading name its moment once between them, so a memory is 10 or 11 bytes. Other memories to
//! come take the other tags; a program that does not know one refuses the state.
//!
//! Format 2 is format 1 with lists of what was measured lately between the memories and the alerts. It is written where
//! there is a list, and never where there is none:
//!
//! | bytes | what |
//! |---|---|
//! | varint | how many lists follow, at least 1 |
//! | each list: 8 | its [`SeriesKey`]; the keys ascend |
//! | varint | how many values follow, 1 to [`READINGS_MAX`](super::READINGS_MAX) |
//! | first value: signed | the second it was taken, since 1970 |
//! | other values: varint | how many seconds after the one before; where 0, its amount is larger |
//! | varint | the amount as the shortest decimal: 10 times the *signed* number of its digits, and how many are after the point |

use super::{Entry, History, Memories, PatientState, RuleKey, RuleMemory, Series, SeriesKey};
use crate::alert::Alert;
use thiserror::Error;
use vitals::PatientId;

/// The form that is written where no list of values is kept.
const FORMAT: u8 = 1;

/// The form that is written where one is.
const FORMAT_WITH_HISTORY: u8 = 2;

/// Least bytes of a list of values: its key, its length, and one value.
const SERIES_BYTES_MIN: usize = 11;

/// Most digits after the point of an amount.
const SCALE_MAX: u64 = 9;

/// Bits of a memory's head that are its tag.
const TAG_BITS: u32 = 3;

/// The tag of a [`RuleMemory`].
const TAG_NEWEST: u64 = 1;

/// Least bytes of a memory: no count of memories beyond the rest of the bytes makes us ask for room.
const MEMORY_BYTES_MIN: usize = 10;

/// Why bytes are not a person's state. None of the bytes are repeated: they may be personal.
#[derive(Debug, Error)]
pub enum StateError {
    /// A newer program wrote it, or it is no state.
    #[error("read a person's state: this program does not know format {0}")]
    Format(u8),
    /// It ends too early.
    #[error("read a person's state: it ends too early")]
    Truncated,
    /// Something follows.
    #[error("read a person's state: {0} bytes follow its end")]
    Trailing(usize),
    /// A newer program wrote it, or it is damaged.
    #[error("read a person's state: this program does not know memory {0}")]
    Tag(u64),
    /// A number, a key or a moment is not in the one form it has.
    #[error("read a person's state: {0} is not in its one form")]
    Form(&'static str),
    /// The alerts do not read.
    #[error("read the alerts of a person's state")]
    Alerts(#[source] serde_json::Error),
    /// An alert of somebody else.
    #[error("read a person's state: it holds an alert of another person")]
    AnotherPerson,
}

impl PatientState {
    /// The state as bytes, without the person.
    ///
    /// ```
    /// use rules::PatientState;
    /// let patient = vitals::PatientId::parse("pt-1").unwrap();
    /// let bytes = PatientState::new(patient.clone()).to_bytes();
    /// assert_eq!(bytes, [1, 0, 0, 0]);
    /// assert_eq!(PatientState::from_bytes(&patient, &bytes).unwrap(), PatientState::new(patient));
    /// ```
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(16 + 12 * self.rules.len());
        bytes.push(if self.history.is_empty() { FORMAT } else { FORMAT_WITH_HISTORY });
        put_varint(&mut bytes, u64::from(self.unjudged));
        put_varint(&mut bytes, count(self.rules.len()));
        let mut moments = Moments::default();
        for (key, memory) in self.rules.iter() {
            bytes.extend_from_slice(&key.to_bytes());
            put_moment(&mut bytes, &mut moments, memory.newest_micros());
            put_varint(&mut bytes, u64::from(memory.clear_in_a_row()));
        }
        if !self.history.is_empty() {
            put_history(&mut bytes, &self.history);
        }
        let alerts = alerts_json(&self.alerts);
        put_varint(&mut bytes, count(alerts.len()));
        bytes.extend_from_slice(&alerts);
        bytes
    }

    /// The state of a person, from what [`to_bytes`](Self::to_bytes) made of it.
    ///
    /// # Errors
    /// [`StateError`] for anything else.
    pub fn from_bytes(patient: &PatientId, bytes: &[u8]) -> Result<Self, StateError> {
        let mut rest = Rest(bytes);
        let has_history = match rest.byte()? {
            FORMAT => false,
            FORMAT_WITH_HISTORY => true,
            other => return Err(StateError::Format(other)),
        };
        let unjudged = rest.small("how many are not judged")?;
        let rules = rest.memories()?;
        let history = if has_history { rest.history()? } else { History::default() };
        let alerts = rest.alerts(patient)?;
        match rest.0.len() {
            0 => Ok(Self { patient: patient.clone(), alerts, rules, history, unjudged }),
            more => Err(StateError::Trailing(more)),
        }
    }
}

#[expect(clippy::expect_used, reason = "an alert has no map in it, and a list of bytes takes every write")]
fn alerts_json(alerts: &[Alert]) -> Vec<u8> {
    if alerts.is_empty() { Vec::new() } else { serde_json::to_vec(alerts).expect("an alert has a JSON form") }
}

fn count(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}

fn put_varint(bytes: &mut Vec<u8>, mut number: u64) {
    loop {
        let [low, ..] = number.to_le_bytes();
        number >>= 7;
        if number == 0 {
            bytes.push(low & 0x7F);
            return;
        }
        bytes.push(low | 0x80);
    }
}

/// The head of a memory, and its moment where it is new.
fn put_moment(bytes: &mut Vec<u8>, moments: &mut Moments, micros: i64) {
    let known = moments.number(micros);
    let number = known.unwrap_or(count(moments.0.len()));
    put_varint(bytes, (number << TAG_BITS) | TAG_NEWEST);
    if known.is_none() {
        put_varint(bytes, zigzag(micros.wrapping_sub(moments.last())));
        moments.0.push(micros);
    }
}

fn put_history(bytes: &mut Vec<u8>, history: &History) {
    put_varint(bytes, count(history.len()));
    for (key, series) in history.iter() {
        bytes.extend_from_slice(&key.to_bytes());
        put_varint(bytes, count(series.entries().len()));
        let mut before = None;
        for entry in series.entries() {
            let secs =
                before.map_or_else(|| zigzag(entry.secs), |before| entry.secs.wrapping_sub(before).cast_unsigned());
            put_varint(bytes, secs);
            put_varint(bytes, shortest(entry.nano));
            before = Some(entry.secs);
        }
    }
}

/// An amount in thousand-millionths as the shortest decimal that it is.
fn shortest(nano: i64) -> u64 {
    let (mut digits, mut scale) = (nano, SCALE_MAX);
    while scale > 0 && digits % 10 == 0 {
        digits /= 10;
        scale -= 1;
    }
    // No list holds an amount of more than 53 bits.
    zigzag(digits).wrapping_mul(10).wrapping_add(scale)
}

/// The amount that a shortest decimal is; none where it is not one, or too large.
fn amount(short: u64) -> Option<i64> {
    let (digits, scale) = (unzigzag(short / 10), short % 10);
    let factor = 10_i64.checked_pow(u32::try_from(SCALE_MAX.checked_sub(scale)?).ok()?)?;
    let nano = digits.checked_mul(factor)?;
    (shortest(nano) == short).then_some(nano)
}

fn zigzag(signed: i64) -> u64 {
    ((signed << 1) ^ (signed >> 63)).cast_unsigned()
}

fn unzigzag(number: u64) -> i64 {
    (number >> 1).cast_signed() ^ -(number & 1).cast_signed()
}

/// The moments named so far, each by the number of its place. Few: a moment is a reading, and most rules judge the same.
#[derive(Default)]
struct Moments(Vec<i64>);

impl Moments {
    fn number(&self, micros: i64) -> Option<u64> {
        self.0.iter().position(|known| *known == micros).map(count)
    }

    fn named(&self, number: u64) -> Option<i64> {
        usize::try_from(number).ok().and_then(|place| self.0.get(place)).copied()
    }

    /// The moment that the next new one is counted from.
    fn last(&self) -> i64 {
        self.0.last().copied().unwrap_or_default()
    }
}

/// What is still to be read.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn byte(&mut self) -> Result<u8, StateError> {
        let (first, rest) = self.0.split_first().ok_or(StateError::Truncated)?;
        self.0 = rest;
        Ok(*first)
    }

    fn bytes(&mut self, len: usize) -> Result<&'a [u8], StateError> {
        let (bytes, rest) = self.0.split_at_checked(len).ok_or(StateError::Truncated)?;
        self.0 = rest;
        Ok(bytes)
    }

    fn key(&mut self) -> Result<RuleKey, StateError> {
        let (key, rest) = self.0.split_first_chunk().ok_or(StateError::Truncated)?;
        self.0 = rest;
        Ok(RuleKey::from_bytes(*key))
    }

    fn varint(&mut self) -> Result<u64, StateError> {
        let mut number = 0;
        for shift in (0..u64::BITS).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7F);
            let is_too_large = (bits << shift) >> shift != bits;
            let is_too_long = byte == 0 && shift > 0;
            if is_too_large || is_too_long {
                return Err(StateError::Form("a number"));
            }
            number |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(StateError::Form("a number"))
    }

    fn small(&mut self, what: &'static str) -> Result<u32, StateError> {
        u32::try_from(self.varint()?).map_err(|_too_large| StateError::Form(what))
    }

    fn len(&mut self) -> Result<usize, StateError> {
        // More than a machine can count is more than there is.
        usize::try_from(self.varint()?).map_err(|_too_large| StateError::Truncated)
    }

    fn memories(&mut self) -> Result<Memories, StateError> {
        let wanted = self.len()?;
        if wanted > self.0.len() / MEMORY_BYTES_MIN {
            return Err(StateError::Truncated);
        }
        let mut memories: Vec<(RuleKey, RuleMemory)> = Vec::with_capacity(wanted);
        let mut moments = Moments::default();
        for _ in 0..wanted {
            let key = self.key()?;
            if memories.last().is_some_and(|(last, _)| *last >= key) {
                return Err(StateError::Form("the order of the keys"));
            }
            memories.push((key, self.memory(&mut moments)?));
        }
        Ok(Memories::in_order(memories))
    }

    fn memory(&mut self, moments: &mut Moments) -> Result<RuleMemory, StateError> {
        let head = self.varint()?;
        let (tag, number) = (head & ((1 << TAG_BITS) - 1), head >> TAG_BITS);
        if tag != TAG_NEWEST {
            return Err(StateError::Tag(tag));
        }
        let micros = match moments.named(number) {
            Some(known) => known,
            None => self.new_moment(number, moments)?,
        };
        let in_a_row = self.small("how many in a row")?;
        RuleMemory::from_parts(micros, in_a_row).ok_or(StateError::Form("a moment"))
    }

    fn new_moment(&mut self, number: u64, moments: &mut Moments) -> Result<i64, StateError> {
        let micros = moments.last().wrapping_add(unzigzag(self.varint()?));
        if number != count(moments.0.len()) || moments.number(micros).is_some() {
            return Err(StateError::Form("a moment"));
        }
        moments.0.push(micros);
        Ok(micros)
    }

    fn history(&mut self) -> Result<History, StateError> {
        let wanted = self.len()?;
        if wanted > self.0.len() / SERIES_BYTES_MIN {
            return Err(StateError::Truncated);
        }
        if wanted == 0 {
            return Err(StateError::Form("the lists of no values"));
        }
        let mut lists: Vec<(SeriesKey, Series)> = Vec::with_capacity(wanted);
        for _ in 0..wanted {
            let key = SeriesKey::from_bytes(self.key()?.to_bytes());
            if lists.last().is_some_and(|(last, _)| *last >= key) {
                return Err(StateError::Form("the order of the keys"));
            }
            lists.push((key, self.series()?));
        }
        Ok(History::in_order(lists))
    }

    fn series(&mut self) -> Result<Series, StateError> {
        let wanted = self.len()?;
        if wanted > super::READINGS_MAX {
            return Err(StateError::Form("a list of values"));
        }
        let mut entries: Vec<Entry> = Vec::with_capacity(wanted);
        for _ in 0..wanted {
            let number = self.varint()?;
            let secs = match entries.last() {
                None => Some(unzigzag(number)),
                Some(before) => before.secs.checked_add_unsigned(number),
            };
            let nano = amount(self.varint()?);
            let (Some(secs), Some(nano)) = (secs, nano) else { return Err(StateError::Form("a list of values")) };
            entries.push(Entry { secs, nano });
        }
        Series::in_order(entries).ok_or(StateError::Form("a list of values"))
    }

    fn alerts(&mut self, patient: &PatientId) -> Result<Vec<Alert>, StateError> {
        let len = self.len()?;
        let json = self.bytes(len)?;
        if json.is_empty() {
            return Ok(Vec::new());
        }
        let alerts: Vec<Alert> = serde_json::from_slice(json).map_err(StateError::Alerts)?;
        if alerts.is_empty() {
            return Err(StateError::Form("the list of no alerts"));
        }
        if alerts.iter().any(|alert| alert.patient != *patient) {
            return Err(StateError::AnotherPerson);
        }
        Ok(alerts)
    }
}
