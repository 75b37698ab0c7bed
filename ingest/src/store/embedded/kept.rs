//! A reading as the journal keeps it: every field of it in few bytes, words by their numbers, times as distances.
//!
//! Invariants: what is taken out is the very reading that was put in, each decimal with its places and each time to the
//! digit it came with; the id is not kept, it follows from source and record; nothing that a later program might add is
//! in the way, because the entry's form says which of these forms it is.

use super::{
    bytes::{Put, Take},
    digest::micros,
    names::{Class, Names, No},
    rows::{Tx, Unsound},
};
use crate::store::embedded::fault::Fault;
use chrono::{DateTime, TimeDelta, Utc};
use rules::Verdict;
use vitals::{
    Admitted, AlertId, ClockOffset, Decimal, DeviceTime, Flag, HubId, Kind, Measure, NoValue, PatientId, Quality,
    Quantity, RawFrame, Reading, RecordNumber, SourceId, TakenAt, Times, Unit, Value, Who, WhyUnassigned, catalogue,
    measure::{Parts, Word},
    record::reading_id,
    wire::v1::{Prompt, Urgency},
};

/// A reading of an entry, with what the rules made of it at first; none where it is nobody's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct KeptReading {
    pub(super) admitted: Admitted,
    pub(super) verdict: Option<Verdict>,
}

/// What is there, bit by bit.
mod has {
    pub(super) const USER: u8 = 1;
    pub(super) const DEVICE_TIME: u8 = 2;
    pub(super) const TAKEN_BY_DEVICE: u8 = 4;
    pub(super) const OFFSET: u8 = 8;
    pub(super) const VALUE: u8 = 16;
    /// Times in nanoseconds: one of them is not a whole microsecond.
    pub(super) const NANOSECONDS: u8 = 32;
    /// The verdict is that nothing was found in time.
    pub(super) const NOTHING_FOUND: u8 = 64;
}

/// Where the readings of one request stand to the entry's time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sent {
    pub(super) hub: No,
    pub(super) sent_at: DateTime<Utc>,
    pub(super) server_received: DateTime<Utc>,
}

impl Sent {
    pub(super) fn put(&self, put: &mut Put, at: DateTime<Utc>) {
        put.number(self.hub.into());
        let is_whole = [self.sent_at, self.server_received].into_iter().all(is_whole_micros);
        put.byte(u8::from(!is_whole));
        let unit = TimeUnit::of(is_whole);
        put.signed(unit.between(at, self.server_received));
        put.signed(unit.between(self.server_received, self.sent_at));
    }

    pub(super) fn take(take: &mut Take<'_>, at: DateTime<Utc>) -> Result<Self, Unsound> {
        let hub = No::try_from(take.number()?)?;
        let unit = TimeUnit::of(take.byte()? == 0);
        let server_received = unit.before(at, take.signed()?)?;
        let sent_at = unit.before(server_received, take.signed()?)?;
        Ok(Self { hub, sent_at, server_received })
    }
}

#[derive(Clone, Copy)]
enum TimeUnit {
    Micros,
    Nanos,
}

impl TimeUnit {
    fn of(is_whole_micros: bool) -> Self {
        if is_whole_micros { Self::Micros } else { Self::Nanos }
    }

    /// How long `earlier` was before `later`. Times are within the calendar's years 0 to 9999 or so and distances of a
    /// century apart at most fit; what does not is kept as the largest number and refused when it is read.
    fn between(self, later: DateTime<Utc>, earlier: DateTime<Utc>) -> i64 {
        match self {
            Self::Micros => micros(later).saturating_sub(micros(earlier)),
            Self::Nanos => (later - earlier).num_nanoseconds().unwrap_or(i64::MAX),
        }
    }

    fn before(self, later: DateTime<Utc>, distance: i64) -> Result<DateTime<Utc>, Unsound> {
        let distance = match self {
            Self::Micros => TimeDelta::microseconds(distance),
            Self::Nanos if distance == i64::MAX => return Err(Unsound),
            Self::Nanos => TimeDelta::nanoseconds(distance),
        };
        later.checked_sub_signed(distance).ok_or(Unsound)
    }
}

fn is_whole_micros(at: DateTime<Utc>) -> bool {
    at.timestamp_subsec_nanos().is_multiple_of(1000)
}

fn put_word(put: &mut Put, tx: &Tx<'_>, word: &str) -> Result<(), Fault> {
    match tx.names.word(tx, word)? {
        Some(no) => put.number(no.into()),
        // The vocabulary is full: nought, and the word itself.
        None => {
            put.number(0);
            put.bytes(word.as_bytes());
        }
    }
    Ok(())
}

/// A word, handed to `read`: most of them become a value of a closed list at once.
fn take_word<T>(take: &mut Take<'_>, names: &Names, read: impl FnOnce(&str) -> Option<T>) -> Result<T, Unsound> {
    let no = No::try_from(take.number()?)?;
    if no == 0 {
        return read(take.text()?).ok_or(Unsound);
    }
    match names.name(no) {
        Some((Class::Word, word)) => read(&word).ok_or(Unsound),
        Some(_) | None => Err(Unsound),
    }
}

/// Puts a reading. `verdict` is none where it is nobody's.
pub(super) fn put(
    put: &mut Put,
    tx: &Tx<'_>,
    source: No,
    admitted: &Admitted,
    verdict: Option<&Verdict>,
) -> Result<(), Fault> {
    let Reading { times, raw, .. } = &admitted.reading;
    let reading = &admitted.reading;
    let is_whole = [times.hub_received, times.taken.moment()].into_iter().all(is_whole_micros);
    let nothing_found = matches!(verdict, Some(Verdict::Evaluated { late: false, alerts, prompts }) if alerts.is_empty() && prompts.is_empty());
    let bits = [
        (reading.user_index.is_some(), has::USER),
        (times.device.is_some(), has::DEVICE_TIME),
        (matches!(times.taken, TakenAt::DeviceClock(_)), has::TAKEN_BY_DEVICE),
        (times.offset != ClockOffset::NotRead, has::OFFSET),
        (reading.value.measured().is_some(), has::VALUE),
        (!is_whole, has::NANOSECONDS),
        (nothing_found, has::NOTHING_FOUND),
    ];
    put.number(source.into());
    put.raw(reading.record.as_bytes());
    put.byte(bits.into_iter().filter(|(is_there, _)| *is_there).map(|(_, bit)| bit).sum());
    if let Some(user) = reading.user_index {
        put.byte(user);
    }
    if let Who::Unassigned(why) = &reading.who {
        put_word(put, tx, why.name())?;
    }
    put_word(put, tx, reading.kind.name())?;
    match &reading.value {
        Value::Measured(measure) => put_measure(put, tx, measure)?,
        Value::NotMeasured(why) => put_word(put, tx, why.code().code())?,
    }
    if let Some(device) = times.device {
        put.raw(&device.to_bytes());
    }
    let unit = TimeUnit::of(is_whole);
    put.signed(unit.between(admitted.server_received, times.hub_received));
    put.signed(unit.between(times.hub_received, times.taken.moment()));
    if let ClockOffset::ReadAtConnection { device_ahead_secs } = times.offset {
        put.signed(device_ahead_secs);
    }
    put.count(reading.quality.flags().count());
    for flag in reading.quality.flags() {
        put_word(put, tx, flag.name())?;
    }
    put_word(put, tx, &raw.service)?;
    put_word(put, tx, &raw.characteristic)?;
    put.bytes(&raw.bytes);
    match verdict {
        Some(verdict) if !nothing_found => put_verdict(put, tx, verdict),
        Some(_) | None => Ok(()),
    }
}

fn put_measure(put: &mut Put, tx: &Tx<'_>, measure: &Measure) -> Result<(), Fault> {
    let parts = Parts::of(measure);
    put.count(parts.numbers.len());
    for (name, quantity) in &parts.numbers {
        let (mantissa, scale) = quantity.value().to_parts();
        put_word(put, tx, name)?;
        put_word(put, tx, quantity.unit().ucum())?;
        put.number(scale.into());
        put.signed(mantissa);
    }
    put.count(parts.said.len());
    for (about, word) in &parts.said {
        put_word(put, tx, about.name())?;
        put_word(put, tx, word)?;
    }
    put.count(parts.rr_intervals.len());
    for interval in &parts.rr_intervals {
        put.number((*interval).into());
    }
    // One more than the number, so that nought is none.
    put.number(parts.sequence.map_or(0, |sequence| u64::from(sequence) + 1));
    Ok(())
}

fn put_verdict(put: &mut Put, tx: &Tx<'_>, verdict: &Verdict) -> Result<(), Fault> {
    match verdict {
        Verdict::Evaluated { late, alerts, prompts } => {
            put.byte(u8::from(*late));
            put.count(alerts.len());
            for alert in alerts {
                put.raw(alert.as_bytes());
            }
            put.count(prompts.len());
            for prompt in prompts {
                put.byte(urgency(prompt.urgency));
                put_word(put, tx, &prompt.text)?;
            }
            Ok(())
        }
        Verdict::Unevaluated { reason } => {
            put.byte(UNEVALUATED);
            put_word(put, tx, reason)
        }
    }
}

/// Stands where an evaluated verdict says whether it was late (0 or 1).
const UNEVALUATED: u8 = 2;

fn urgency(urgency: Urgency) -> u8 {
    match urgency {
        Urgency::AsPlanned => 0,
        Urgency::CheckAgain => 1,
        Urgency::ActNow => 2,
    }
}

/// Takes a reading of a person's, or of nobody's where there is none.
pub(super) fn take(
    take: &mut Take<'_>,
    names: &Names,
    person: Option<&PatientId>,
    sent: &Sent,
) -> Result<KeptReading, Unsound> {
    let source = name_of(names, No::try_from(take.number()?)?, Class::Source)?;
    let source = SourceId::parse(&source)?;
    let record = RecordNumber::from_bytes(take.array()?);
    let bits = take.byte()?;
    let is = |bit: u8| bits & bit != 0;
    let user_index = is(has::USER).then(|| take.byte()).transpose()?;
    let who = match person {
        Some(person) => Who::Patient(person.clone()),
        None => Who::Unassigned(take_word(take, names, WhyUnassigned::from_name)?),
    };
    let kind = take_word(take, names, Kind::from_name)?;
    let value = if is(has::VALUE) {
        Value::Measured(take_measure(take, names, kind)?)
    } else {
        Value::NotMeasured(take_word(take, names, NoValue::from_code)?)
    };
    let device = is(has::DEVICE_TIME).then(|| take.array()).transpose()?.map(device_time).transpose()?;
    let unit = TimeUnit::of(!is(has::NANOSECONDS));
    let hub_received = unit.before(sent.server_received, take.signed()?)?;
    let moment = unit.before(hub_received, take.signed()?)?;
    let taken = if is(has::TAKEN_BY_DEVICE) { TakenAt::DeviceClock(moment) } else { TakenAt::HubClock(moment) };
    let offset = if is(has::OFFSET) {
        ClockOffset::ReadAtConnection { device_ahead_secs: take.signed()? }
    } else {
        ClockOffset::NotRead
    };
    let flags = take.count()?;
    let quality = (0..flags).map(|_| take_word(take, names, Flag::from_name)).collect::<Result<Quality, _>>()?;
    let service = take_word(take, names, |word| Some(word.to_owned()))?;
    let characteristic = take_word(take, names, |word| Some(word.to_owned()))?;
    let raw = RawFrame { service, characteristic, bytes: take.bytes()?.to_vec() };
    let verdict = match person {
        Some(_) if is(has::NOTHING_FOUND) => {
            Some(Verdict::Evaluated { late: false, alerts: Vec::new(), prompts: Vec::new() })
        }
        Some(_) => Some(take_verdict(take, names)?),
        None => None,
    };
    let id = reading_id(&source, record);
    let times = Times { device, hub_received, taken, offset };
    let reading = Reading { id, source, record, user_index, who, kind, value, times, quality, raw };
    let hub = HubId::parse(&name_of(names, sent.hub, Class::Hub)?)?;
    let admitted = Admitted { reading, hub, sent_at: sent.sent_at, server_received: sent.server_received };
    Ok(KeptReading { admitted, verdict })
}

/// The name of a number, where it is one of this class.
pub(super) fn name_of(names: &Names, no: No, class: Class) -> Result<std::sync::Arc<str>, Unsound> {
    names.name(no).filter(|(found, _)| *found == class).map(|(_, name)| name).ok_or(Unsound)
}

fn take_measure(take: &mut Take<'_>, names: &Names, kind: Kind) -> Result<Measure, Unsound> {
    let mut parts = Parts::default();
    for _ in 0..take.count()? {
        let name = take_word(take, names, |word| catalogue::component(word).map(|known| known.name.as_str()))?;
        let unit = take_word(take, names, Unit::from_ucum)?;
        let scale = i8::try_from(take.number()?)?;
        let value = Decimal::from_parts(take.signed()?, -scale).ok_or(Unsound)?;
        parts.numbers.push((name, Quantity::new(value, unit)));
    }
    for _ in 0..take.count()? {
        let about = take_word(take, names, Word::from_name)?;
        parts.said.push((about, take_word(take, names, |word| Some(word.to_owned()))?));
    }
    for _ in 0..take.count()? {
        parts.rr_intervals.push(u16::try_from(take.number()?)?);
    }
    parts.sequence = match take.number()? {
        0 => None,
        more => Some(u16::try_from(more - 1)?),
    };
    Ok(parts.measure(kind)?)
}

fn device_time([low, high, month, day, hour, minute, second]: [u8; 7]) -> Result<DeviceTime, Unsound> {
    Ok(DeviceTime::new(u16::from_le_bytes([low, high]), month, day, hour, minute, second)?)
}

fn take_verdict(take: &mut Take<'_>, names: &Names) -> Result<Verdict, Unsound> {
    let late = match take.byte()? {
        0 => false,
        1 => true,
        UNEVALUATED => {
            return Ok(Verdict::Unevaluated { reason: take_word(take, names, |word| Some(word.to_owned()))? });
        }
        _ => return Err(Unsound),
    };
    let alerts = take.count()?;
    let alerts = (0..alerts).map(|_| take.array().map(AlertId::from_bytes)).collect::<Result<_, _>>()?;
    let mut prompts = Vec::new();
    for _ in 0..take.count()? {
        let urgency = match take.byte()? {
            0 => Urgency::AsPlanned,
            1 => Urgency::CheckAgain,
            2 => Urgency::ActNow,
            _ => return Err(Unsound),
        };
        prompts.push(Prompt { urgency, text: take_word(take, names, |word| Some(word.to_owned()))? });
    }
    Ok(Verdict::Evaluated { late, alerts, prompts })
}
