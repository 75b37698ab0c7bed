//! The only validator: a reading from the wire becomes a reading we may apply, or a refusal with its code.
//!
//! Invariants: pure; one bad reading never touches the others; nothing is clamped, re-stamped or filled in; what is
//! refused is kept with its reason by the caller.

mod value;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use vitals::{
    Admitted, ClockOffset, DeviceTime, ErrorCode, Flag, HubId, Kind, PatientId, Quality, RawFrame, Reading, ReadingId,
    RecordNumber, SourceId, TakenAt, Times, Who, WhyUnassigned, reading::FRAME_BYTES_MAX, time::LATE_AFTER,
    wire::v1::lent,
};

/// Clocks of hub and service may differ by this much before a reading's age is called not known.
pub const CLOCKS_DIFFER_MAX: TimeDelta = TimeDelta::minutes(2);

/// Longest service or characteristic name.
const NAME_BYTES_MAX: usize = 32;

/// Checks one reading of a hub's batch, which the hub made at `sent_at` by its own clock.
///
/// # Errors
/// The code of the first thing that is wrong with it.
pub fn admit(
    reading: &lent::Reading<'_>,
    hub: &HubId,
    sent_at: DateTime<Utc>,
    at: DateTime<Utc>,
) -> Result<Admitted, ErrorCode> {
    let malformed = ErrorCode::ReadingMalformed;
    let id = ReadingId::parse(&reading.id).map_err(|_not_an_id| malformed)?;
    let source = SourceId::parse(&reading.source).map_err(|_not_a_source| malformed)?;
    let record = RecordNumber::parse(&reading.record).map_err(|_not_a_record| malformed)?;
    let kind = Kind::from_name(&reading.kind).ok_or(ErrorCode::KindNotSupported)?;
    let times = times(reading)?;
    let (value, noticed) = value::read(reading, kind)?;
    let mut quality: Quality = reading.quality.iter().filter_map(|name| Flag::from_name(name)).chain(noticed).collect();
    if times.hub_received > at + CLOCKS_DIFFER_MAX || times.taken.moment() > at + CLOCKS_DIFFER_MAX {
        quality = quality.with(Flag::HubClockAhead);
    }
    let admitted = Reading {
        id,
        source,
        record,
        user_index: reading.user_index,
        who: who(reading)?,
        kind,
        value,
        times,
        quality,
        raw: raw(&reading.raw)?,
    };
    if !admitted.has_own_id() {
        return Err(ErrorCode::ReadingIdMismatch);
    }
    let mut admitted = Admitted { reading: admitted, hub: hub.clone(), sent_at, server_received: at };
    if admitted.is_older_than(LATE_AFTER, at) {
        admitted.reading.quality = admitted.reading.quality.with(Flag::ArrivedLate);
    }
    Ok(admitted)
}

fn who(reading: &lent::Reading<'_>) -> Result<Who, ErrorCode> {
    match (&reading.patient, &reading.unassigned) {
        (Some(patient), None) => {
            PatientId::parse(patient).map(Who::Patient).map_err(|_not_an_id| ErrorCode::ReadingMalformed)
        }
        // A reason we do not know yet still says that nobody is bound.
        (None, Some(why)) => Ok(Who::Unassigned(WhyUnassigned::from_name(why).unwrap_or(WhyUnassigned::NotBound))),
        (Some(_), Some(_)) | (None, None) => Err(ErrorCode::ReadingMalformed),
    }
}

/// Reads a moment of the wire.
///
/// # Errors
/// [`ErrorCode::TimeMalformed`] for anything but RFC 3339 in UTC, spelled with `Z`.
pub fn moment(text: &str) -> Result<DateTime<Utc>, ErrorCode> {
    if let Some(at) = usual_moment(text) {
        return Ok(at);
    }
    // One form only, so that no offset is lost: UTC, spelled Z.
    let is_utc = text.ends_with('Z');
    DateTime::parse_from_rfc3339(text)
        .ok()
        .filter(|_| is_utc)
        .map(|at| at.with_timezone(&Utc))
        .ok_or(ErrorCode::TimeMalformed)
}

/// A moment as hubs write it: whole seconds, or up to nine places. None for any other form, good or not: every reading has
/// two of these, and the general way takes several times as long.
fn usual_moment(text: &str) -> Option<DateTime<Utc>> {
    let (seconds, fraction) = text.strip_suffix('Z')?.as_bytes().split_first_chunk::<19>()?;
    let [y1, y2, y3, y4, b'-', mo1, mo2, b'-', d1, d2, b'T', h1, h2, b':', mi1, mi2, b':', s1, s2] = *seconds else {
        return None;
    };
    let nanos = match fraction {
        [] => 0,
        [b'.', places @ ..] if (1..=9).contains(&places.len()) => {
            number(places)? * 10_u32.pow(9 - u32::try_from(places.len()).ok()?)
        }
        _ => return None,
    };
    let year = i32::try_from(number(&[y1, y2, y3, y4])?).ok()?;
    let date = NaiveDate::from_ymd_opt(year, number(&[mo1, mo2])?, number(&[d1, d2])?)?;
    // A leap second is left to the general way.
    Some(date.and_hms_nano_opt(number(&[h1, h2])?, number(&[mi1, mi2])?, number(&[s1, s2])?, nanos)?.and_utc())
}

/// The number of at most nine digits.
fn number(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |number, digit| digit.is_ascii_digit().then(|| number * 10 + u32::from(digit - b'0')))
}

fn times(reading: &lent::Reading<'_>) -> Result<Times, ErrorCode> {
    let device = reading
        .device_time
        .as_deref()
        .map(DeviceTime::parse)
        .transpose()
        .map_err(|_impossible| ErrorCode::TimeMalformed)?;
    let taken_at = moment(&reading.taken_at)?;
    let taken = match &*reading.taken_by {
        "device" if device.is_some() => TakenAt::DeviceClock(taken_at),
        "hub" => TakenAt::HubClock(taken_at),
        _ => return Err(ErrorCode::TimeMalformed),
    };
    let offset = reading
        .device_ahead_secs
        .map_or(ClockOffset::NotRead, |device_ahead_secs| ClockOffset::ReadAtConnection { device_ahead_secs });
    Ok(Times { device, hub_received: moment(&reading.hub_received)?, taken, offset })
}

fn raw(raw: &lent::Raw<'_>) -> Result<RawFrame, ErrorCode> {
    let bytes = vitals::hex::decode(&raw.hex).map_err(|_not_hex| ErrorCode::ReadingMalformed)?;
    let is_name = |name: &str| {
        !name.is_empty() && name.len() <= NAME_BYTES_MAX && name.bytes().all(|byte| byte.is_ascii_graphic())
    };
    if bytes.len() > FRAME_BYTES_MAX || !is_name(&raw.service) || !is_name(&raw.characteristic) {
        return Err(ErrorCode::ReadingMalformed);
    }
    Ok(RawFrame { service: (*raw.service).to_owned(), characteristic: (*raw.characteristic).to_owned(), bytes })
}

#[cfg(test)]
mod tests;
