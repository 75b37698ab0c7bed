//! The only validator: a reading from the wire becomes a reading we may apply, or a refusal with its code.
//!
//! Invariants: pure; one bad reading never touches the others; nothing is clamped, re-stamped or filled in; what is
//! refused is kept with its reason by the caller.

use chrono::{DateTime, TimeDelta, Utc};
use std::collections::BTreeMap;
use vitals::{
    Admitted, BloodPressure, ClockOffset, Decimal, DeviceTime, ErrorCode, Flag, HubId, Kind, Measure, NoValue,
    PatientId, Quality, Quantity, RawFrame, Reading, ReadingId, RecordNumber, SourceId, TakenAt, Times, Unit, Value,
    Who, WhyUnassigned, catalogue,
    measure::{Arm, Posture},
    quantity::{Celsius, Glucose, Kilograms, MmHg, PerMinute, Percent},
    reading::FRAME_BYTES_MAX,
    time::LATE_AFTER,
    wire::v1,
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
    reading: &v1::Reading,
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
    let mut quality: Quality = reading.quality.iter().filter_map(|name| Flag::from_name(name)).collect();
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
        value: value(reading, kind)?,
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

fn who(reading: &v1::Reading) -> Result<Who, ErrorCode> {
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
    // One form only, so that no offset is lost: UTC, spelled Z.
    let is_utc = text.ends_with('Z');
    DateTime::parse_from_rfc3339(text)
        .ok()
        .filter(|_| is_utc)
        .map(|at| at.with_timezone(&Utc))
        .ok_or(ErrorCode::TimeMalformed)
}

fn times(reading: &v1::Reading) -> Result<Times, ErrorCode> {
    let device = reading
        .device_time
        .as_deref()
        .map(DeviceTime::parse)
        .transpose()
        .map_err(|_impossible| ErrorCode::TimeMalformed)?;
    let taken_at = moment(&reading.taken_at)?;
    let taken = match reading.taken_by.as_str() {
        "device" if device.is_some() => TakenAt::DeviceClock(taken_at),
        "hub" => TakenAt::HubClock(taken_at),
        _ => return Err(ErrorCode::TimeMalformed),
    };
    let offset = reading
        .device_ahead_secs
        .map_or(ClockOffset::NotRead, |device_ahead_secs| ClockOffset::ReadAtConnection { device_ahead_secs });
    Ok(Times { device, hub_received: moment(&reading.hub_received)?, taken, offset })
}

fn raw(raw: &v1::Raw) -> Result<RawFrame, ErrorCode> {
    let bytes = vitals::hex::decode(&raw.hex).map_err(|_not_hex| ErrorCode::ReadingMalformed)?;
    let is_name = |name: &str| {
        !name.is_empty() && name.len() <= NAME_BYTES_MAX && name.bytes().all(|byte| byte.is_ascii_graphic())
    };
    if bytes.len() > FRAME_BYTES_MAX || !is_name(&raw.service) || !is_name(&raw.characteristic) {
        return Err(ErrorCode::ReadingMalformed);
    }
    Ok(RawFrame { service: raw.service.clone(), characteristic: raw.characteristic.clone(), bytes })
}

fn value(reading: &v1::Reading, kind: Kind) -> Result<Value<Measure>, ErrorCode> {
    match (&reading.measured, &reading.not_measured) {
        (Some(numbers), None) => measure(reading, kind, numbers).map(Value::Measured),
        (None, Some(code)) => NoValue::from_code(code).map(Value::NotMeasured).ok_or(ErrorCode::ReadingMalformed),
        (Some(_), Some(_)) | (None, None) => Err(ErrorCode::ReadingMalformed),
    }
}

/// The numbers of one reading, each taken out once; what is left over at the end is not ours to ignore.
struct Numbers<'a> {
    left: BTreeMap<&'a str, &'a v1::Number>,
}

impl Numbers<'_> {
    fn take(&mut self, component: &str) -> Result<Option<Quantity>, ErrorCode> {
        let Some(number) = self.left.remove(component) else { return Ok(None) };
        let known = catalogue::component(component).ok_or(ErrorCode::Internal)?;
        let value = Decimal::parse(&number.value).map_err(|_not_a_decimal| ErrorCode::ValueMalformed)?;
        if Unit::from_ucum(&number.unit) != Some(known.ucum) {
            return Err(ErrorCode::UnitNotSupported);
        }
        if !known.is_plausible(value) {
            return Err(ErrorCode::ValueImplausible);
        }
        Ok(Some(Quantity::new(value, known.ucum)))
    }

    fn need(&mut self, component: &str) -> Result<Quantity, ErrorCode> {
        self.take(component)?.ok_or(ErrorCode::ReadingMalformed)
    }
}

fn measure(reading: &v1::Reading, kind: Kind, numbers: &BTreeMap<String, v1::Number>) -> Result<Measure, ErrorCode> {
    let mut numbers = Numbers { left: numbers.iter().map(|(name, number)| (name.as_str(), number)).collect() };
    let wrong_unit = |_wrong| ErrorCode::UnitNotSupported;
    let measure = match kind {
        Kind::BloodPressure => Measure::BloodPressure(BloodPressure {
            systolic: MmHg::exactly(numbers.need("systolic")?).map_err(wrong_unit)?,
            diastolic: MmHg::exactly(numbers.need("diastolic")?).map_err(wrong_unit)?,
            mean: numbers.take("mean")?.map(MmHg::exactly).transpose().map_err(wrong_unit)?,
            pulse: numbers.take("cuff_pulse")?.map(PerMinute::exactly).transpose().map_err(wrong_unit)?,
            posture: posture(reading.posture.as_deref())?,
            arm: arm(reading.arm.as_deref())?,
        }),
        Kind::Pulse => Measure::Pulse(PerMinute::exactly(numbers.need("pulse")?).map_err(wrong_unit)?),
        Kind::Spo2 => Measure::Spo2(Percent::exactly(numbers.need("spo2")?).map_err(wrong_unit)?),
        Kind::Weight => Measure::Weight(Kilograms::exactly(numbers.need("weight")?).map_err(wrong_unit)?),
        Kind::Temperature => Measure::Temperature(Celsius::exactly(numbers.need("temperature")?).map_err(wrong_unit)?),
        Kind::Glucose => {
            let name = if numbers.left.contains_key("glucose_mg") { "glucose_mg" } else { "glucose" };
            Measure::Glucose(Glucose::new(numbers.need(name)?).map_err(wrong_unit)?)
        }
    };
    if let Measure::BloodPressure(pressure) = &measure
        && pressure.diastolic >= pressure.systolic
    {
        return Err(ErrorCode::ValueImplausible);
    }
    if numbers.left.is_empty() { Ok(measure) } else { Err(ErrorCode::KindNotSupported) }
}

fn posture(name: Option<&str>) -> Result<Option<Posture>, ErrorCode> {
    let all = [Posture::Sitting, Posture::Standing, Posture::Lying];
    let find =
        |name| all.into_iter().find(|posture| v1::posture_name(*posture) == name).ok_or(ErrorCode::ReadingMalformed);
    name.map(find).transpose()
}

fn arm(name: Option<&str>) -> Result<Option<Arm>, ErrorCode> {
    let find = |name| {
        [Arm::Left, Arm::Right].into_iter().find(|arm| v1::arm_name(*arm) == name).ok_or(ErrorCode::ReadingMalformed)
    };
    name.map(find).transpose()
}

#[cfg(test)]
mod tests {
    //! One good reading, and every way to spoil it: each row changes one field and names the code it must give.

    use super::*;
    use vitals::record::{RecordKey, reading_id};

    fn hub() -> HubId {
        HubId::parse("hub-1").unwrap()
    }

    fn at() -> DateTime<Utc> {
        moment("2026-06-01T08:00:00Z").unwrap()
    }

    fn good() -> v1::Reading {
        let source = SourceId::device("A&D", "1").unwrap();
        let record = RecordNumber::of("1810", RecordKey::Number(1), Some(1), &[0x1e]);
        let number = |value: &str, unit: &str| v1::Number { value: value.into(), unit: unit.into() };
        v1::Reading {
            id: reading_id(&source, record).to_string(),
            source: source.to_string(),
            record: record.to_string(),
            user_index: Some(1),
            patient: Some("pt-1".into()),
            unassigned: None,
            kind: "blood_pressure".into(),
            measured: Some(
                [("systolic".to_owned(), number("138", "mm[Hg]")), ("diastolic".to_owned(), number("88", "mm[Hg]"))]
                    .into(),
            ),
            not_measured: None,
            posture: None,
            arm: None,
            device_time: Some("2026-06-01T08:59:30".into()),
            hub_received: "2026-06-01T07:59:40Z".into(),
            taken_at: "2026-06-01T07:59:30Z".into(),
            taken_by: "device".into(),
            device_ahead_secs: Some(0),
            quality: vec![],
            raw: v1::Raw { service: "1810".into(), characteristic: "2a35".into(), hex: "1e".into() },
        }
    }

    fn check(spoil: impl FnOnce(&mut v1::Reading), expected: Result<(), ErrorCode>) {
        let mut reading = good();
        spoil(&mut reading);
        assert_eq!(admit(&reading, &hub(), at(), at()).map(|_| ()), expected, "{reading:?}");
    }

    fn spoil_number(name: &'static str, value: &'static str, unit: &'static str) -> impl FnOnce(&mut v1::Reading) {
        move |reading| {
            reading
                .measured
                .as_mut()
                .unwrap()
                .insert(name.into(), v1::Number { value: value.into(), unit: unit.into() });
        }
    }

    #[test]
    fn every_way_to_spoil_a_reading_has_its_code() {
        use ErrorCode as E;
        check(|_| {}, Ok(()));
        check(|r| r.id = "rd-00".into(), Err(E::ReadingMalformed));
        check(|r| r.id = ReadingId::derive(&[b"another"]).to_string(), Err(E::ReadingIdMismatch));
        check(|r| r.source = "somewhere".into(), Err(E::ReadingMalformed));
        check(|r| r.record = "xyz".into(), Err(E::ReadingMalformed));
        check(|r| r.kind = "mood".into(), Err(E::KindNotSupported));
        check(|r| r.patient = None, Err(E::ReadingMalformed));
        check(|r| r.patient = Some("pt-9990000018".into()), Err(E::ReadingMalformed));
        check(|r| r.unassigned = Some("not_bound".into()), Err(E::ReadingMalformed));
        check(|r| r.measured = None, Err(E::ReadingMalformed));
        check(|r| r.not_measured = Some("value_not_a_number".into()), Err(E::ReadingMalformed));
        check(spoil_number("systolic", "138", "kPa"), Err(E::UnitNotSupported));
        check(spoil_number("systolic", "138", "mmHg"), Err(E::UnitNotSupported));
        check(spoil_number("systolic", "1e2", "mm[Hg]"), Err(E::ValueMalformed));
        check(spoil_number("systolic", "NaN", "mm[Hg]"), Err(E::ValueMalformed));
        check(spoil_number("systolic", "2047", "mm[Hg]"), Err(E::ValueImplausible));
        check(spoil_number("systolic", "0", "mm[Hg]"), Err(E::ValueImplausible));
        check(spoil_number("diastolic", "138", "mm[Hg]"), Err(E::ValueImplausible));
        check(spoil_number("spo2", "97", "%"), Err(E::KindNotSupported));
        check(|r| drop(r.measured.as_mut().unwrap().remove("diastolic")), Err(E::ReadingMalformed));
        check(|r| r.taken_at = "2026-06-01T08:59:30+01:00".into(), Err(E::TimeMalformed));
        check(|r| r.taken_at = "2026-02-30T08:59:30Z".into(), Err(E::TimeMalformed));
        check(|r| r.device_time = Some("2026-02-30T08:59:30".into()), Err(E::TimeMalformed));
        check(|r| r.device_time = None, Err(E::TimeMalformed));
        check(|r| r.taken_by = "somebody".into(), Err(E::TimeMalformed));
        check(|r| r.raw.hex = "00".repeat(FRAME_BYTES_MAX + 1), Err(E::ReadingMalformed));
        check(|r| r.raw.hex = "0g".into(), Err(E::ReadingMalformed));
        check(|r| r.posture = Some("upside down".into()), Err(E::ReadingMalformed));
    }

    #[test]
    fn a_reading_without_a_value_keeps_its_reason() {
        let mut reading = good();
        (reading.measured, reading.not_measured) = (None, Some("value_not_a_number".into()));
        assert_eq!(admit(&reading, &hub(), at(), at()).unwrap().reading.value, Value::NotMeasured(NoValue::NotANumber));
    }

    #[test]
    fn a_clock_that_is_ahead_is_noticed_and_nothing_is_restamped() {
        let mut reading = good();
        reading.hub_received = "2026-06-01T10:00:00Z".into();
        reading.taken_at = "2026-06-01T09:59:00Z".into();
        let admitted = admit(&reading, &hub(), at(), at()).unwrap();
        assert!(admitted.reading.quality.has(Flag::HubClockAhead));
        assert_eq!(v1::moment(admitted.reading.times.taken.moment()), "2026-06-01T09:59:00Z");
        assert_eq!(admitted.event_time(), at(), "it must not make the readings after it look old");
    }

    #[test]
    fn a_live_reading_of_a_hub_whose_clock_is_slow_is_not_late() {
        let mut reading = good();
        reading.hub_received = "2026-06-01T07:00:10Z".into();
        reading.taken_at = "2026-06-01T07:00:00Z".into();
        let check = |sent_at, is_late| {
            let admitted = admit(&reading, &hub(), moment(sent_at).unwrap(), at()).unwrap();
            assert_eq!(admitted.reading.quality.has(Flag::ArrivedLate), is_late, "sent at {sent_at}");
        };
        check("2026-06-01T07:00:12Z", false);
        check("2026-06-01T08:00:00Z", true);
    }

    #[test]
    fn a_reading_from_long_ago_is_marked_late() {
        let mut reading = good();
        (reading.device_time, reading.taken_at) = (Some("2017-01-16T13:00:24".into()), "2017-01-16T13:00:24Z".into());
        assert!(admit(&reading, &hub(), at(), at()).unwrap().reading.quality.has(Flag::ArrivedLate));
    }
}
