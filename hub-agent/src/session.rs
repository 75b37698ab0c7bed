//! The conversation with one Bluetooth device, from its advertisement until it hangs up, as a pure state machine.
//!
//! It is told what happened and says what to do: no I/O, no clock, no async, so every device in the field can be played
//! to it. Invariants:
//! - a value that came is handed over, whatever the state; at most [`HELD_MAX`] wait, and only until it is known who the
//!   device is and how its clock stands, or the device has gone;
//! - no measurement is subscribed to before the device's clock was read and set, or that failed: the first frame would
//!   carry a clock that nobody compared;
//! - a clock that cannot be read or set stops nothing;
//! - nothing is deleted from a device and nothing unsubscribed from; the device hangs up, and the hub only where nothing
//!   came for [`IDLE_LIMIT`], or nothing can come;
//! - every retry has a limit, and a lost bond has none: pairing needs a person.

mod answers;
mod dial;
mod ends;
mod history;
mod listed;
mod plan;
mod stream;
mod talk;
mod values;

use crate::{events::HubEvent, link::Place};
use chrono::{DateTime, NaiveDateTime, Utc};
use device_codecs::{CountsFrom, FrameKind};
use dial::Reads;
use ends::PAUSE_AFTER_FAILURE;
use history::{History, Next};
use plan::Step;
use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};
use stream::Streams;
use values::{CONSENT, RECORDS_QUIET_MAX};
use vitals::{ClockOffset, DeviceTime, SourceId};

pub(crate) use answers::text;
pub use dial::CLOCK_TOLERANCE_SECS;
pub use ends::CONNECT_RETRIES_MAX;
pub use listed::{Attribute, LISTED_MAX, Listed};
pub use stream::is_settled;
pub use talk::{Action, Event, Facts, Remembered, Trouble};

/// The hub hangs up when nothing came for this long.
///
/// Above two intervals of a continuous glucose sensor (5 minutes), so that a live one is never cut off; and an end, because
/// an adapter holds a handful of connections at a time.
pub const IDLE_LIMIT: Duration = Duration::from_secs(660);

/// Values that came before it was known who sent them wait, at most this many: twice the largest burst seen.
pub const HELD_MAX: usize = 64;

/// Who made the device, its serial number and its model, as far as they were read.
#[derive(Debug, Default)]
struct Words {
    maker: Option<String>,
    serial: Option<String>,
    model: Option<String>,
    tries: u8,
    has_failed: bool,
}

/// A value that waits until it is known who sent it.
#[derive(Debug)]
struct Held {
    kind: FrameKind,
    bytes: Vec<u8>,
    seen_at: DateTime<Utc>,
}

/// A conversation with one device.
#[derive(Debug)]
pub struct Session {
    facts: Facts,
    remembered: Remembered,
    step: Step,
    steps: VecDeque<Step>,
    connects: u8,
    discoveries: usize,
    words: Words,
    clock: ClockOffset,
    clock_reads: Option<Reads>,
    /// The local time the device's clock was set to.
    clock_set_at: Option<NaiveDateTime>,
    /// When the session of a continuous sensor began, by its clock.
    counts_from: Option<CountsFrom>,
    /// When a meter's measurements were, by their numbers: their contexts, which follow them, do not say.
    measured_at: BTreeMap<u16, DeviceTime>,
    is_met: bool,
    /// A measurement came, whoever subscribed to it: the service of this machine may have for a bonded device.
    has_heard: bool,
    held: Vec<Held>,
    subscribed: usize,
    places: BTreeMap<FrameKind, Option<Place>>,
    history: Option<History>,
    consent_answer: Option<Vec<u8>>,
    streams: Streams,
    heard_at: Option<DateTime<Utc>>,
}

impl Session {
    /// A conversation that has not begun.
    #[must_use]
    pub fn new(facts: Facts, remembered: Remembered) -> Self {
        Self {
            facts,
            remembered,
            step: Step::Apart,
            steps: VecDeque::new(),
            connects: 0,
            discoveries: 0,
            words: Words::default(),
            clock: ClockOffset::NotRead,
            clock_reads: None,
            clock_set_at: None,
            counts_from: None,
            measured_at: BTreeMap::new(),
            is_met: false,
            has_heard: false,
            held: Vec::new(),
            subscribed: 0,
            places: BTreeMap::new(),
            history: None,
            consent_answer: None,
            streams: Streams::default(),
            heard_at: None,
        }
    }

    /// What was learnt, for the next conversation with this device.
    #[must_use]
    pub fn remembered(&self) -> Remembered {
        self.remembered.clone()
    }

    /// Whether the conversation is over.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.step == Step::Over
    }

    /// Takes what happened and says what to do, in this order. An event that nothing waits for changes nothing.
    #[must_use]
    pub fn on(&mut self, event: Event, at: DateTime<Utc>) -> Vec<Action> {
        let mut act = Vec::new();
        match event {
            Event::Value(attribute, bytes) => self.value(attribute, bytes, at, &mut act),
            Event::Disconnected => self.hung_up(at, &mut act),
            Event::Gone => self.end(Duration::ZERO, at, &mut act),
            Event::TimerFired => self.time_passed(at, &mut act),
            Event::Advertised => {
                if self.step == Step::Apart {
                    self.connect(&mut act);
                }
            }
            Event::Connected => {
                if self.step == Step::Connect {
                    self.discover(&mut act);
                }
            }
            Event::ConnectFailed(trouble) => {
                if self.step == Step::Connect {
                    self.not_connected(trouble, at, &mut act);
                }
            }
            Event::Discovered(listed) => {
                if self.step == Step::Discover {
                    self.discovered(listed, at, &mut act);
                }
            }
            Event::NotificationsOpen(opened) => {
                if self.step == Step::Open {
                    match opened {
                        Ok(()) => self.go_on(at, &mut act),
                        Err(Trouble::NotConnected) => self.hung_up(at, &mut act),
                        // Values that nobody hears must not be asked for.
                        Err(trouble) => self.give_up(trouble, at, &mut act),
                    }
                }
            }
            Event::Read(attribute, read) => self.read(attribute, read, at, &mut act),
            Event::Wrote(attribute, wrote) => self.wrote(attribute, wrote, at, &mut act),
            Event::Subscribed(attribute, subscribed) => self.subscribed(attribute, subscribed, at, &mut act),
            Event::LastKept(kind, place) => {
                if self.step == Step::AskMemory(kind) {
                    self.places.insert(kind, place);
                    self.go_on(at, &mut act);
                }
            }
        }
        act
    }

    /// Begins the next step that waits for something.
    fn go_on(&mut self, at: DateTime<Utc>, act: &mut Vec<Action>) {
        while let Some(step) = self.steps.pop_front() {
            self.step = step;
            if self.begin(step, at, act) {
                return;
            }
        }
        self.step = Step::Idle;
        self.heard_at = Some(at);
        act.push(Action::SetTimer(IDLE_LIMIT));
    }

    /// Begins a step; says whether there is anything to wait for.
    fn begin(&mut self, step: Step, at: DateTime<Utc>, act: &mut Vec<Action>) -> bool {
        let action = match step {
            Step::Open => Action::OpenNotifications,
            Step::Word(attribute)
            | Step::ReadClock(attribute)
            | Step::SessionStart(attribute)
            | Step::Battery(attribute) => Action::Read(attribute),
            Step::SetClock(attribute) => match self.clock_to_set(attribute, at) {
                Some(bytes) => Action::Write(attribute, bytes),
                None => return false,
            },
            Step::Meet => {
                self.meet(at, act);
                return false;
            }
            Step::AskMemory(kind) => Action::AskMemory(self.source(), kind),
            Step::HearConsent(attribute) | Step::HearRecords(attribute) | Step::Subscribe(attribute) => {
                Action::Subscribe(attribute)
            }
            Step::AskConsent(attribute) => match self.facts.consent {
                Some(consent) => {
                    let [low, high] = consent.code.to_le_bytes();
                    Action::Write(attribute, vec![CONSENT, consent.user_index, low, high])
                }
                None => return false,
            },
            Step::AwaitConsent(_) => return self.await_consent(act),
            Step::Count => {
                if self.subscribed == 0 && !self.has_heard {
                    self.hang_up(PAUSE_AFTER_FAILURE, at, act);
                    return true;
                }
                return false;
            }
            Step::History(kind, control) => return self.ask_history(kind, control, at, act),
            Step::Apart
            | Step::Connect
            | Step::PauseBeforeConnect
            | Step::Discover
            | Step::PauseBeforeDiscover
            | Step::Idle
            | Step::Over => return false,
        };
        act.push(action);
        true
    }

    /// Who the device is, as far as is known.
    fn source(&self) -> SourceId {
        self.says().or_else(|| self.remembered.source.clone()).unwrap_or_else(|| self.facts.port.clone())
    }

    /// Who the device says it is.
    fn says(&self) -> Option<SourceId> {
        source_of(self.words.maker.as_deref(), self.words.serial.as_deref())
    }

    /// Settles who the device is, says it, and hands over what waited for that.
    fn meet(&mut self, at: DateTime<Utc>, act: &mut Vec<Action>) {
        let said = self.says();
        // Said, or: does not say. Where it could not be read this time, what it said before stands.
        if said.is_some() || !self.words.has_failed {
            self.remembered.source = said;
        }
        self.is_met = true;
        act.push(Action::Met { device: self.source(), clock: self.clock });
        self.hand_over_held(at, act);
    }

    fn clock_to_set(&self, attribute: Attribute, at: DateTime<Utc>) -> Option<Vec<u8>> {
        // A clock that could not be read is set all the same: it is right from now on.
        let is_off = self.clock_reads.is_none_or(Reads::is_off);
        is_off.then(|| dial::to_write(attribute.uuid, at, self.facts.zone)).flatten()
    }

    fn time_passed(&mut self, at: DateTime<Utc>, act: &mut Vec<Action>) {
        if self.step == Step::PauseBeforeConnect {
            self.connect(act);
        } else if self.step == Step::PauseBeforeDiscover {
            self.discover(act);
        } else if let Step::AwaitConsent(_) = self.step {
            self.report(Trouble::TimeLimit, act);
            self.go_on(at, act);
        } else if let Step::History(_, control) = self.step {
            match self.still_quiet(RECORDS_QUIET_MAX, at) {
                Err(left) => act.push(Action::SetTimer(left)),
                Ok(()) => {
                    let next = self.history.as_mut().map_or(Next::Failed("time_limit"), History::quiet);
                    self.heard_at = Some(at);
                    self.follow(next, control, at, act);
                }
            }
        } else if self.step == Step::Idle {
            match self.still_quiet(IDLE_LIMIT, at) {
                Err(left) => act.push(Action::SetTimer(left)),
                Ok(()) => self.hang_up(Duration::ZERO, at, act),
            }
        }
    }

    /// Whether nothing came for this long, or how long is left until then.
    fn still_quiet(&self, limit: Duration, at: DateTime<Utc>) -> Result<(), Duration> {
        let Some(heard_at) = self.heard_at else { return Ok(()) };
        // A clock that was set back counts anew.
        let quiet = (at - heard_at).to_std().unwrap_or(Duration::ZERO);
        match limit.checked_sub(quiet) {
            None | Some(Duration::ZERO) => Ok(()),
            Some(left) => Err(left),
        }
    }

    fn report(&self, trouble: Trouble, act: &mut Vec<Action>) {
        self.say(trouble.why(), act);
    }

    fn say(&self, why: &'static str, act: &mut Vec<Action>) {
        let (address, step) = (self.facts.address, self.step.name());
        act.push(Action::Report(HubEvent::DeviceStepFailed { address, step, why }));
    }
}

/// The source that maker and serial number make.
///
/// Many a maker leaves noughts or a word in the place of the serial number, the same in every device; two people's devices
/// must never be taken for one, so that is none.
pub(crate) fn source_of(maker: Option<&str>, serial: Option<&str>) -> Option<SourceId> {
    let own = serial.filter(|serial| serial.bytes().any(|byte| matches!(byte, b'1'..=b'9')))?;
    SourceId::device(maker?, own).ok()
}

#[cfg(test)]
mod tests;
