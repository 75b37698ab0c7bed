//! The load: what happens to the store, as a list of acts drawn from a seed.
//!
//! Readings with breaches, repeats, conflicts, readings of nobody, refusals, timers, notifications, alerts taken; the log
//! folded back and the store opened again.

use super::cast::{Cast, UNDECIDED, at};
use crate::trouble::{Doing, Trouble};
use chrono::{DateTime, Utc};
use faults::Rng;
use rules::{Event, event::RefusedReading};
use vitals::{
    Admitted, BloodPressure, ClockOffset, Decimal, ErrorCode, HubId, Kind, Measure, NoValue, PatientId, Quality,
    RawFrame, Reading, ReadingId, RecordNumber, SourceId, TakenAt, Times, Value, Who, WhyUnassigned,
    measure::{BodyWeight, OxygenSaturation},
    quantity::{Kilograms, MmHg, Percent},
    record::{RecordKey, reading_id},
    wire::signing::RequestNumber,
};

/// Seconds between two acts.
const SECS_BETWEEN_ACTS: i64 = 40;

/// The demo's protocol tells somebody of a systolic pressure from here on.
const AMBER_FROM: u16 = 150;

/// Acts at the end that leave something to be done.
const LAST_ACTS: usize = 8;

/// Most readings in one request.
const READINGS_MAX: usize = 5;

/// How the log is folded back, as `PRAGMA wal_checkpoint` calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fold {
    /// As much as nobody is in the way of.
    Passive,
    /// All of it, and the next commit starts the log anew.
    Restart,
    /// All of it, and the log is cut to nothing.
    Truncate,
}

impl Fold {
    /// Its name for SQLite.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Passive => "PASSIVE",
            Self::Restart => "RESTART",
            Self::Truncate => "TRUNCATE",
        }
    }
}

/// One request of a hub.
#[derive(Debug, Clone)]
pub struct Request {
    /// Which hub.
    pub hub: HubId,
    /// Its number.
    pub number: RequestNumber,
    /// Readings, of people on the hub and of nobody.
    pub readings: Vec<Admitted>,
    /// What the service refused of it.
    pub refused: Vec<RefusedReading>,
}

/// One thing that happens.
#[derive(Debug, Clone)]
pub enum Act {
    /// The people are registered.
    Register,
    /// Requests, at once where there are several.
    Requests(Vec<Request>),
    /// Due timers are applied, and what could not be judged is judged again.
    Sweep,
    /// Notifications are taken and told of: delivered, or tried in vain.
    Notify {
        /// Whether the channel takes them.
        accepts: bool,
    },
    /// Somebody takes the newest alert that waits.
    Take,
    /// Somebody says that the newest reading that counts was entered in error.
    Withdraw,
    /// Another program folds the log back.
    Fold(Fold),
    /// The store is closed and opened again.
    Reopen,
}

/// A list of acts, each with its moment.
pub type Script = Vec<(Act, DateTime<Utc>)>;

/// Draws readings.
struct Draw<'a> {
    cast: &'a Cast,
    rng: Rng,
    /// The next record number of everybody's devices.
    records: u32,
    sequence: u64,
    offered: Vec<Admitted>,
    /// The one hub that sends; none for any.
    only: Option<usize>,
    /// What the next readings are, instead of drawn: places in the list of [`Draw::reading`].
    next_kinds: Vec<usize>,
}

/// How much of what a script has. The first act registers the people.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    /// How many acts.
    pub acts: usize,
    /// Every which act folds the log back; 0 for never.
    pub folds_every: usize,
    /// Every which act opens the store again; 0 for never.
    pub reopens_every: usize,
    /// Whether one hub after the other sends all of its own, so that what belongs together stands together.
    pub is_in_turn: bool,
    /// Whether requests may come at once. How they share commits is then up to the threads, so the calls are not always
    /// the same.
    pub is_crowded: bool,
}

/// The script of a seed.
///
/// # Errors
/// [`Trouble`] where something that is drawn cannot be named.
pub fn script(cast: &Cast, seed: u64, shape: Shape) -> Result<Script, Trouble> {
    let mut draw = Draw {
        cast,
        rng: Rng::of(seed, 0x10ad),
        records: 0,
        sequence: 0,
        offered: Vec::new(),
        only: None,
        next_kinds: Vec::new(),
    };
    let is_turn = |place: usize, every: usize| every > 0 && place % every == every - 1;
    let mut acts = vec![(Act::Register, at(0))];
    for (place, secs) in (1..shape.acts).zip((1_i64..).map(|n| n * SECS_BETWEEN_ACTS)) {
        draw.only = shape.is_in_turn.then(|| place * cast.hubs.len() / shape.acts.max(1));
        // At the end of a script in turn something is left of every kind: a timer, a job, a reading not judged.
        let is_last = shape.is_in_turn && place + LAST_ACTS >= shape.acts;
        if is_last {
            draw.next_kinds = vec![0, 1, 4];
        }
        let act = if is_last {
            Act::Requests(vec![draw.request(at(secs))?])
        } else if is_turn(place, shape.reopens_every) {
            Act::Reopen
        } else if is_turn(place, shape.folds_every) {
            let folds = [Fold::Passive, Fold::Restart, Fold::Truncate];
            Act::Fold(folds.get(draw.rng.below(folds.len())).copied().unwrap_or(Fold::Passive))
        } else {
            match draw.rng.below(12) {
                0 => Act::Sweep,
                1 => Act::Notify { accepts: draw.rng.below(4) != 0 },
                2 => Act::Take,
                3 if shape.is_crowded => {
                    Act::Requests((0..3).map(|_| draw.request(at(secs))).collect::<Result<_, _>>()?)
                }
                3 if !shape.is_in_turn => Act::Withdraw,
                _ => Act::Requests(vec![draw.request(at(secs))?]),
            }
        };
        acts.push((act, at(secs)));
    }
    Ok(acts)
}

impl Draw<'_> {
    fn request(&mut self, at: DateTime<Utc>) -> Result<Request, Trouble> {
        let drawn = self.rng.below(self.cast.hubs.len());
        let hub = self.only.unwrap_or(drawn);
        let Some((hub, people)) = self.cast.hubs.get(hub) else {
            return Err(Trouble::new("draw a hub", "there is none"));
        };
        self.sequence += 1;
        let number = RequestNumber { epoch: 1, sequence: self.sequence };
        let mut request = Request { hub: hub.clone(), number, readings: Vec::new(), refused: Vec::new() };
        for _ in 0..=self.rng.below(READINGS_MAX) {
            let again = self.rng.below(10) == 0;
            let earlier: Vec<&Admitted> = self.offered.iter().filter(|earlier| earlier.hub == *hub).collect();
            let reading = match earlier.get(self.rng.below(earlier.len())) {
                Some(earlier) if again => self.again((*earlier).clone(), at),
                _ => {
                    let patient = people.get(self.rng.below(people.len())).cloned();
                    let patient = patient.ok_or_else(|| Trouble::new("draw a person", "there is none"))?;
                    let fresh = self.reading(hub, &patient, at)?;
                    self.offered.push(fresh.clone());
                    fresh
                }
            };
            // One record twice in one request would be told of twice: a hub does not do that.
            if request.readings.iter().all(|other| other.reading.id != reading.reading.id) {
                request.readings.push(reading);
            }
        }
        if self.rng.below(8) == 0 {
            let id = Some(ReadingId::derive(&[&self.sequence.to_le_bytes()]));
            let body = format!("{{\"refused\":{}}}", self.sequence);
            request.refused.push(RefusedReading { hub: hub.clone(), id, code: ErrorCode::UnitNotSupported, body });
        }
        Ok(request)
    }

    /// An earlier reading: as it was, or with other contents under the same record.
    fn again(&mut self, mut earlier: Admitted, at: DateTime<Utc>) -> Admitted {
        earlier.server_received = at;
        earlier.sent_at = at;
        if self.rng.below(3) == 0 {
            earlier.reading.value = pressure(117, 71);
            earlier.reading.kind = Kind::BloodPressure;
        }
        earlier
    }

    fn reading(&mut self, hub: &HubId, patient: &PatientId, at: DateTime<Utc>) -> Result<Admitted, Trouble> {
        self.records += 1;
        // Where one sends after the other, a breach stays its hub's newest for long and its alert grows: fewer are enough.
        let of = if self.only.is_some() { 120 } else { 40 };
        // A red, ambers, one that cannot be judged, some without a value, weights, saturations, and calm pressures.
        let (kind, value) = match self.next_kinds.pop().unwrap_or_else(|| self.rng.below(of)) {
            0 => (Kind::BloodPressure, pressure(188, 121)),
            1..4 => (Kind::BloodPressure, pressure(156, 97)),
            4 => (Kind::BloodPressure, pressure(UNDECIDED, 80)),
            5..8 => (Kind::BloodPressure, Value::NotMeasured(NoValue::NotANumber)),
            8..12 => (Kind::Weight, weight(61_000 + self.records)?),
            12..16 => (Kind::Spo2, saturation(93 + u16::try_from(self.records % 6).unwrap_or(0))),
            n => (Kind::BloodPressure, pressure(118 + u16::try_from(n % 9).unwrap_or(0), 79)),
        };
        let source =
            SourceId::device("made", &format!("{}-{}", patient.as_str(), kind.name())).doing("name a device")?;
        let bytes = self.records.to_le_bytes().to_vec();
        let raw = RawFrame { service: "1810".into(), characteristic: "2a35".into(), bytes };
        let record = RecordNumber::of(&raw.service, RecordKey::Number(self.records), None, &raw.bytes);
        let is_nobodys = self.rng.below(10) == 0;
        let who = if is_nobodys { Who::Unassigned(WhyUnassigned::NotBound) } else { Who::Patient(patient.clone()) };
        let times = Times {
            device: None,
            hub_received: at,
            taken: TakenAt::DeviceClock(at),
            offset: ClockOffset::ReadAtConnection { device_ahead_secs: 0 },
        };
        let id = reading_id(&source, record);
        let quality = Quality::none();
        let reading = Reading { id, source, record, user_index: None, who, kind, value, times, quality, raw };
        Ok(Admitted { reading, hub: hub.clone(), sent_at: at, server_received: at })
    }
}

fn pressure(systolic: u16, diastolic: u16) -> Value<Measure> {
    let mmhg = |number: u16| MmHg::new(Decimal::from(number));
    let (systolic, diastolic) = (mmhg(systolic), mmhg(diastolic));
    let pressure = BloodPressure { systolic, diastolic, mean: None, pulse: None, posture: None, arm: None };
    Value::Measured(Measure::BloodPressure(pressure))
}

fn weight(grams: u32) -> Result<Value<Measure>, Trouble> {
    let mass = Decimal::parse(&format!("{}.{:03}", grams / 1000, grams % 1000)).doing("write a weight")?;
    Ok(Value::Measured(Measure::Weight(BodyWeight::alone(Kilograms::new(mass)))))
}

fn saturation(percent: u16) -> Value<Measure> {
    Value::Measured(Measure::Spo2(OxygenSaturation::alone(Percent::new(Decimal::from(percent)))))
}

/// A reading as an event.
#[must_use]
pub fn event(admitted: &Admitted) -> Event {
    Event::Reading(Box::new(admitted.clone()))
}

/// Whether somebody must be told of a reading: it is in the red, or above the amber limit.
#[must_use]
pub fn is_breach(reading: &Reading) -> bool {
    match &reading.value {
        Value::Measured(Measure::BloodPressure(pressure)) => pressure.systolic.value() >= Decimal::from(AMBER_FROM),
        Value::Measured(_) | Value::NotMeasured(_) => false,
    }
}
