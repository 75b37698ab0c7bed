//! Devices of the field, played to the conversation: what it calls, what it hands over, what it says, how it ends.
//!
//! A [`Device`] answers calls from its tables; what it does by itself (values, hanging up) the tests say.

mod anything;
mod cuffs;
mod records;
mod trouble;

use super::{listed, *};
use crate::{
    config::{BluetoothAddress, Consent},
    test_parts::noon,
};
use chrono::TimeDelta;
use device_codecs::Frame;
use vitals::HubId;

const CUFF: Attribute = at(0x1810, 0x2a35);
const CUFF_CLOCK: Attribute = at(0x1810, 0x2a08);
const METER: Attribute = at(0x1808, 0x2a18);
const METER_RECORDS: Attribute = at(0x1808, 0x2a52);
const SENSOR: Attribute = at(0x181f, 0x2aa7);
const SENSOR_RECORDS: Attribute = at(0x181f, 0x2a52);
const SCALE: Attribute = at(0x181d, 0x2a9d);
const USERS: Attribute = at(0x181c, 0x2a9f);
const SUCCESS: [u8; 4] = [6, 0, 1, 1];
const NO_RECORDS: [u8; 4] = [6, 0, 1, 6];

const fn at(service: u16, uuid: u16) -> Attribute {
    Attribute { service, uuid }
}

fn address() -> BluetoothAddress {
    BluetoothAddress::parse("C0:26:DA:23:8F:68").unwrap()
}

fn facts(consent: Option<Consent>) -> Facts {
    Facts::new(&HubId::parse("hub-a").unwrap(), address(), consent, chrono_tz::Europe::London).unwrap()
}

fn bytes(hex: &str) -> Vec<u8> {
    vitals::hex::decode(&hex.replace(' ', "")).unwrap()
}

/// What may be read, written and notified, as BlueZ's flags would say.
fn list(items: &[(Attribute, &str)]) -> Vec<Listed> {
    let listed = |(attribute, can): &(Attribute, &str)| Listed {
        attribute: *attribute,
        can_read: can.contains('r'),
        can_write: can.contains('w'),
        can_notify: can.contains('n'),
    };
    items.iter().map(listed).collect()
}

/// A cuff as A&D's: identity, battery, a clock that can be set, and the measurement.
fn cuff_list() -> Vec<Listed> {
    list(&[
        (CUFF, "n"),
        (at(0x1810, 0x2a36), "n"),
        (CUFF_CLOCK, "rw"),
        (at(0x180a, listed::MAKER), "r"),
        (at(0x180a, listed::SERIAL), "r"),
        (at(0x180f, listed::BATTERY), "r"),
    ])
}

fn with_identity(mut items: Vec<(Attribute, &str)>) -> Vec<Listed> {
    items.extend([(at(0x180a, listed::MAKER), "r"), (at(0x180a, listed::SERIAL), "r")]);
    list(&items)
}

/// A device that answers from tables, and all that was asked of it and came of it.
struct Device {
    session: Session,
    now: DateTime<Utc>,
    lists: VecDeque<Vec<Listed>>,
    reads: BTreeMap<u16, Vec<u8>>,
    fails: BTreeMap<String, Trouble>,
    place: Option<Place>,
    calls: Vec<String>,
    frames: Vec<Frame>,
    met: Vec<(SourceId, ClockOffset)>,
    reports: Vec<HubEvent>,
    timers: Vec<Duration>,
    parted: usize,
    read_up_to: Vec<u32>,
    over: Option<Duration>,
}

impl Device {
    fn new(listed: Vec<Listed>) -> Self {
        Self::with(listed, Session::new(facts(None), Remembered::default()))
    }

    fn with(listed: Vec<Listed>, session: Session) -> Self {
        // 13:00 on 1 June in London is noon in UTC: the clock is right.
        let reads = [
            (listed::MAKER, b"A&D Medical\0".to_vec()),
            (listed::SERIAL, b"5161000042".to_vec()),
            (listed::BATTERY, vec![87]),
            (listed::DATE_TIME, bytes("ea07 06 01 0d 00 00")),
            (listed::SESSION_START, bytes("ea07 06 01 08 00 00 04 00")),
        ];
        Self {
            session,
            now: noon(),
            lists: VecDeque::from([listed]),
            reads: reads.into(),
            fails: BTreeMap::new(),
            place: None,
            calls: Vec::new(),
            frames: Vec::new(),
            met: Vec::new(),
            reports: Vec::new(),
            timers: Vec::new(),
            parted: 0,
            read_up_to: Vec::new(),
            over: None,
        }
    }

    fn failing(mut self, call: &str, trouble: Trouble) -> Self {
        self.fails.insert(call.to_owned(), trouble);
        self
    }

    /// Tells the conversation something, and answers what it then asks until it asks nothing more.
    fn tell(&mut self, event: Event) -> &mut Self {
        let mut events = VecDeque::from([event]);
        while let Some(event) = events.pop_front() {
            for action in self.session.on(event, self.now) {
                events.extend(self.answer(action));
            }
        }
        self
    }

    fn meet(&mut self) -> &mut Self {
        self.tell(Event::Advertised)
    }

    fn sends(&mut self, attribute: Attribute, value: &[u8]) -> &mut Self {
        self.tell(Event::Value(attribute, value.to_vec()))
    }

    fn after(&mut self, secs: i64) -> &mut Self {
        self.now += TimeDelta::seconds(secs);
        self.tell(Event::TimerFired)
    }

    fn answer(&mut self, action: Action) -> Option<Event> {
        let call = match &action {
            Action::Connect => "connect".to_owned(),
            Action::Discover => "discover".to_owned(),
            Action::OpenNotifications => "open".to_owned(),
            Action::Disconnect => "disconnect".to_owned(),
            Action::Read(Attribute { uuid, .. }) => format!("read {uuid:04x}"),
            Action::Write(Attribute { uuid, .. }, bytes) if *uuid == listed::DATE_TIME => {
                assert_eq!(*bytes, dial::to_write(*uuid, self.now, chrono_tz::Europe::London).unwrap());
                "set clock".to_owned()
            }
            Action::Write(Attribute { uuid, .. }, bytes) => format!("write {uuid:04x} {}", vitals::hex::encode(bytes)),
            Action::Subscribe(Attribute { uuid, .. }) => format!("subscribe {uuid:04x}"),
            Action::AskMemory(_, kind) => format!("remember {kind}"),
            Action::Met { device, clock } => {
                self.met.push((device.clone(), *clock));
                return None;
            }
            Action::MemoryRead(_, place) => {
                self.read_up_to.push(place.number);
                return None;
            }
            Action::Heard(frame) => {
                self.frames.push(frame.clone());
                return None;
            }
            Action::Parted { .. } => {
                self.parted += 1;
                return None;
            }
            Action::Report(event) => {
                self.reports.push(event.clone());
                return None;
            }
            Action::SetTimer(after) => {
                self.timers.push(*after);
                return None;
            }
            Action::Over(pause) => {
                assert_eq!(self.over, None, "over twice");
                self.over = Some(*pause);
                return None;
            }
        };
        let failed = self.fails.get(&call).copied();
        self.calls.push(call);
        let done = failed.map_or(Ok(()), Err);
        Some(match action {
            Action::Connect => done.map_or_else(Event::ConnectFailed, |()| Event::Connected),
            Action::Discover => {
                let last = self.lists.len() == 1;
                let list = if last { self.lists.front().cloned() } else { self.lists.pop_front() };
                Event::Discovered(done.map(|()| list.unwrap_or_default()))
            }
            Action::OpenNotifications => Event::NotificationsOpen(done),
            Action::Read(attribute) => {
                let held = self.reads.get(&attribute.uuid).cloned().ok_or(Trouble::Refused);
                Event::Read(attribute, done.and(held))
            }
            Action::Write(attribute, _) => Event::Wrote(attribute, done),
            Action::Subscribe(attribute) => Event::Subscribed(attribute, done),
            Action::AskMemory(_, kind) => Event::LastKept(kind, self.place),
            Action::Disconnect
            | Action::Met { .. }
            | Action::Heard(_)
            | Action::MemoryRead(..)
            | Action::Parted { .. }
            | Action::SetTimer(_)
            | Action::Report(_)
            | Action::Over(_) => return None,
        })
    }

    /// Step and reason of every step that failed.
    fn failures(&self) -> Vec<String> {
        let failure = |event: &HubEvent| {
            if let HubEvent::DeviceStepFailed { step, why, .. } = event { Some(format!("{step} {why}")) } else { None }
        };
        self.reports.iter().filter_map(failure).collect()
    }

    fn count(&self, call: &str) -> usize {
        self.calls.iter().filter(|known| known.as_str() == call).count()
    }
}
