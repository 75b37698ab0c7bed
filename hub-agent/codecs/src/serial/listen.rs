//! The conversation with a device that talks unasked: the hub only listens.

use super::{
    dialogue::{Dialogue, Do, Hint, Noise},
    framer::{Framed, Framer},
};
use crate::FrameKind;
use chrono::{TimeDelta, Timelike};
use std::time::Duration;
use vitals::DeviceTime;

/// How long a device that talks at least once a second may be silent before people are told.
const PATIENCE: Duration = Duration::from_secs(10);
/// How much of what was heard before any record is kept for the hint.
const HEARD_BYTES_MAX: usize = 1_024;
/// How often a silent device is asked to talk.
const ASKS_MAX: u8 = 3;

/// Records whose times are further apart than this do not follow one another: the clock is told again.
const CLOCK_STEP_MAX: TimeDelta = TimeDelta::seconds(10);

/// What a listener makes of the protocol it hears.
pub(crate) struct Ear {
    /// The kind of its records.
    pub(crate) kind: FrameKind,
    /// Who makes devices that speak this way.
    pub(crate) maker: &'static str,
    /// The serial number a record names.
    pub(crate) serial: fn(&[u8]) -> Option<String>,
    /// What the device's clock shows, where a record says.
    pub(crate) clock: fn(&[u8]) -> Option<DeviceTime>,
    /// What dropped bytes tell about the device, where they tell anything more than that they are not of the protocol.
    pub(crate) tell: fn(&[u8]) -> Option<Hint>,
    /// What may make a silent device talk.
    pub(crate) ask: Option<Vec<u8>>,
}

/// Listens to one device.
pub(crate) struct Listener<F> {
    framer: F,
    ear: Ear,
    /// The serial number last told, once a record was heard.
    told: Option<Option<String>>,
    /// What the clock showed at the last record.
    clock: Option<DeviceTime>,
    noise: Noise,
    /// The last bytes heard before any record, for the hint.
    heard: Vec<u8>,
    hinted: Option<Hint>,
    /// How often the device was asked to talk since it last did.
    asked: u8,
}

impl<F: Framer> Listener<F> {
    pub(crate) fn new(framer: F, ear: Ear) -> Self {
        Self {
            framer,
            ear,
            told: None,
            clock: None,
            noise: Noise::default(),
            heard: Vec::new(),
            hinted: None,
            asked: 0,
        }
    }

    /// Says each hint once, until a record is heard again.
    fn hint(&mut self, hint: Hint) -> Option<Do> {
        (self.hinted != Some(hint)).then(|| {
            self.hinted = Some(hint);
            Do::Hint(hint)
        })
    }
}

impl<F: Framer> Dialogue for Listener<F> {
    fn start(&mut self) -> Vec<Do> {
        Vec::new()
    }

    fn hear(&mut self, bytes: &[u8]) -> Vec<Do> {
        let mut todo = Vec::new();
        let (mut is_noisy, mut is_too_noisy) = (false, false);
        for framed in self.framer.push(bytes) {
            match &framed {
                Framed::Record(record) => {
                    self.noise.is_over();
                    is_noisy = false;
                    self.heard.clear();
                    self.hinted = None;
                    self.asked = 0;
                    if let Some(now) = (self.ear.clock)(record)
                        && self.clock.replace(now).is_none_or(|before| is_clock_news(before, now))
                    {
                        todo.push(Do::Clock(now));
                    }
                    let serial = (self.ear.serial)(record);
                    if self.told.as_ref() != Some(&serial) {
                        self.told = Some(serial.clone());
                        todo.push(Do::Device { maker: self.ear.maker, model: None, serial });
                    }
                }
                Framed::Dropped { bytes, why } => {
                    is_noisy |= why.is_loss();
                    is_too_noisy = self.noise.is_too_much(*bytes, *why);
                }
            }
            todo.push(Do::with(framed, self.ear.kind));
        }
        if is_noisy {
            let room = HEARD_BYTES_MAX.saturating_sub(self.heard.len());
            self.heard.extend(bytes.iter().take(room));
            let hint = (self.ear.tell)(&self.heard).or(is_too_noisy.then_some(Hint::NotThisProtocol));
            todo.extend(hint.and_then(|hint| self.hint(hint)));
        }
        todo
    }

    fn kept(&mut self) -> Vec<Do> {
        Vec::new()
    }

    fn quiet(&mut self) -> Vec<Do> {
        let mut todo: Vec<Do> =
            self.framer.give_up().map(|framed| Do::with(framed, self.ear.kind)).into_iter().collect();
        match &self.ear.ask {
            Some(ask) if self.asked < ASKS_MAX => {
                self.asked += 1;
                todo.push(Do::Send(ask.clone()));
            }
            Some(_) | None => todo.extend(self.hint(Hint::NothingHeard)),
        }
        todo
    }

    fn patience(&self) -> Duration {
        PATIENCE
    }
}

/// Whether the time of a record is worth telling as the clock's, after that of the record before.
///
/// A live record says what the device's clock shows now: with that its readings can be placed, and may put an alert to
/// rest. It comes every second, so it is told with the first record, when somebody has set the clock, and once an hour,
/// for the hub's own local time may have changed.
fn is_clock_news(before: DeviceTime, now: DeviceTime) -> bool {
    let Some((before, now)) = before.local().zip(now.local()) else { return before != now };
    let step = now - before;
    step < TimeDelta::zero() || step > CLOCK_STEP_MAX || now.hour() != before.hour()
}
