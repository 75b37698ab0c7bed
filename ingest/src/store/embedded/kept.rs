//! A reading as the journal keeps it: every field of it in few bytes, what many have alike as the number of their shape,
//! times as distances.
//!
//! Invariants: what is taken out is the very reading that was put in, each decimal with its places and each time to the
//! digit it came with; what is left out (the id, a record number that was made of the frame, the device's time where the
//! frame has it) is left out only where it was found, when it was put, to follow from what is there; nothing that a later
//! program might add is in the way, because the entry's form says which of these forms it is.

use super::{
    bytes::{Put, Take},
    names::{Class, Names, No},
    rows::{Tx, Unsound},
    shape::{Shape, Shaped, TimeStands},
};
use crate::store::embedded::fault::Fault;
use chrono::{DateTime, Utc};
use rules::Verdict;
use vitals::{
    Admitted, AlertId, ClockOffset, DeviceTime, Flag, HubId, PatientId, RawFrame, Reading, RecordNumber, SourceId,
    TakenAt, Times, Who,
    record::{RecordKey, identity, reading_id},
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
    pub(super) const TAKEN_BY_DEVICE: u8 = 2;
    pub(super) const OFFSET: u8 = 4;
    /// The verdict is that nothing was found in time.
    pub(super) const NOTHING_FOUND: u8 = 8;
    /// From which bit on it says where the record number comes from.
    pub(super) const RECORD: u32 = 4;
    /// All that may be set.
    pub(super) const ANY: u8 = 0x3f;
}

/// What a record number was made of, beside service, user and frame. It is 8 bytes of a hash, so it takes more room than
/// all that is measured; where it follows from the frame it is made again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum RecordFrom {
    /// It does not follow: it stands there itself.
    Elsewhere,
    /// The device's time.
    Time,
    /// Nothing more.
    Content,
    /// The sequence number behind the flags of a GATT glucose measurement or context.
    Sequence,
}

/// Frames with a sequence number.
const WITH_SEQUENCE: [&str; 2] = ["2a18", "2a34"];

impl RecordFrom {
    fn of(reading: &Reading) -> Self {
        let Reading { times, raw, .. } = reading;
        let guess = if WITH_SEQUENCE.contains(&raw.characteristic.as_str()) {
            Self::Sequence
        } else if times.device.is_some() {
            Self::Time
        } else if reading.quality.has(Flag::UndatedFromMemory) {
            Self::Content
        } else {
            return Self::Elsewhere;
        };
        let made = guess.record(raw, times.device, reading.user_index);
        if made == Some(reading.record) { guess } else { Self::Elsewhere }
    }

    fn record(self, raw: &RawFrame, device: Option<DeviceTime>, user: Option<u8>) -> Option<RecordNumber> {
        let key = match self {
            Self::Elsewhere => return None,
            Self::Time => RecordKey::Time(device?),
            Self::Content => RecordKey::Content,
            Self::Sequence => {
                let (_flags, rest) = raw.bytes.split_first()?;
                RecordKey::Number(u16::from_le_bytes(*rest.first_chunk()?).into())
            }
        };
        Some(RecordNumber::of(&raw.service, key, user, identity(&raw.characteristic, &raw.bytes)))
    }

    fn bits(self) -> u8 {
        let code = match self {
            Self::Elsewhere => 0,
            Self::Time => 1,
            Self::Content => 2,
            Self::Sequence => 3,
        };
        code << has::RECORD
    }

    fn of_bits(bits: u8) -> Self {
        match bits >> has::RECORD & 3 {
            1 => Self::Time,
            2 => Self::Content,
            3 => Self::Sequence,
            _ => Self::Elsewhere,
        }
    }
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
        put.moment(at, self.server_received);
        put.moment(self.server_received, self.sent_at);
    }

    pub(super) fn take(take: &mut Take<'_>, at: DateTime<Utc>) -> Result<Self, Unsound> {
        let hub = No::try_from(take.number()?)?;
        let server_received = take.moment(at)?;
        let sent_at = take.moment(server_received)?;
        Ok(Self { hub, sent_at, server_received })
    }
}

/// Puts a word by its number.
pub(super) fn put_word(put: &mut Put, tx: &Tx<'_>, word: &str) -> Result<(), Fault> {
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
pub(super) fn take_word<T>(
    take: &mut Take<'_>,
    names: &Names,
    read: impl FnOnce(&str) -> Option<T>,
) -> Result<T, Unsound> {
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
    let reading = &admitted.reading;
    let Reading { times, raw, .. } = reading;
    let nothing_found = matches!(verdict, Some(Verdict::Evaluated { late: false, alerts, prompts }) if alerts.is_empty() && prompts.is_empty());
    let record_from = RecordFrom::of(reading);
    let bits = [
        (reading.user_index.is_some(), has::USER),
        (matches!(times.taken, TakenAt::DeviceClock(_)), has::TAKEN_BY_DEVICE),
        (times.offset != ClockOffset::NotRead, has::OFFSET),
        (nothing_found, has::NOTHING_FOUND),
    ];
    let bits: u8 = bits.into_iter().filter(|(is_there, _)| *is_there).map(|(_, bit)| bit).sum();
    put.number(source.into());
    put.byte(bits | record_from.bits());
    if record_from == RecordFrom::Elsewhere {
        put.raw(reading.record.as_bytes());
    }
    if let Some(user) = reading.user_index {
        put.byte(user);
    }
    let shape = Shape::of(reading);
    let time_beside = times.device.filter(|_| shape.time_stands == TimeStands::Beside);
    shape.put(put, tx)?;
    put.bytes(&raw.bytes);
    if let Some(device) = time_beside {
        put.raw(&device.to_bytes());
    }
    // Both by the hub's clock, so that what the service's has of smaller parts is not in them.
    put.moment(admitted.sent_at, times.hub_received);
    put.moment(times.hub_received, times.taken.moment());
    if let ClockOffset::ReadAtConnection { device_ahead_secs } = times.offset {
        put.signed(device_ahead_secs);
    }
    match verdict {
        Some(verdict) if !nothing_found => put_verdict(put, tx, verdict),
        Some(_) | None => Ok(()),
    }
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
    let bits = take.byte()?;
    if bits & !has::ANY != 0 {
        return Err(Unsound);
    }
    let is = |bit: u8| bits & bit != 0;
    let record_from = RecordFrom::of_bits(bits);
    let record = if record_from == RecordFrom::Elsewhere { Some(take.array()?) } else { None };
    let user_index = is(has::USER).then(|| take.byte()).transpose()?;
    let Shaped { kind, value, quality, nobody, service, characteristic, device_time } = Shaped::take(take, names)?;
    let who = match (person, nobody) {
        (Some(person), None) => Who::Patient(person.clone()),
        (None, Some(why)) => Who::Unassigned(why),
        (Some(_), Some(_)) | (None, None) => return Err(Unsound),
    };
    let raw = RawFrame { service, characteristic, bytes: take.bytes()?.to_vec() };
    let device = match device_time {
        TimeStands::Nowhere => None,
        TimeStands::InFrame(place) => {
            let bytes = raw.bytes.get(place..).and_then(<[u8]>::first_chunk);
            Some(read_device_time(*bytes.ok_or(Unsound)?)?)
        }
        TimeStands::Beside => Some(read_device_time(take.array()?)?),
    };
    let record = match record {
        Some(bytes) => RecordNumber::from_bytes(bytes),
        None => record_from.record(&raw, device, user_index).ok_or(Unsound)?,
    };
    let hub_received = take.moment(sent.sent_at)?;
    let moment = take.moment(hub_received)?;
    let taken = if is(has::TAKEN_BY_DEVICE) { TakenAt::DeviceClock(moment) } else { TakenAt::HubClock(moment) };
    let offset = if is(has::OFFSET) {
        ClockOffset::ReadAtConnection { device_ahead_secs: take.signed()? }
    } else {
        ClockOffset::NotRead
    };
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

fn read_device_time([low, high, month, day, hour, minute, second]: [u8; 7]) -> Result<DeviceTime, Unsound> {
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
