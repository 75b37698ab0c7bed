//! What a port says of itself, without flooding the log: sums at most once a minute, each hint once an opening.

use crate::{
    events::{Events, HubEvent},
    link::serial::open::Gone,
};
use chrono::{DateTime, TimeDelta, Utc};
use device_codecs::serial::{Dropped, Hint};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::Arc,
};
use vitals::SourceId;

/// How often dropped bytes are said: a noisy line drops some with every record.
const DROPPED_SAID_EVERY: TimeDelta = TimeDelta::seconds(60);

/// How often passed-over live values are said: a stream has up to 60 a second, all day.
const PASSED_OVER_SAID_EVERY: TimeDelta = TimeDelta::hours(1);

/// The counts and sayings of one port.
pub(super) struct Tally {
    port: PathBuf,
    events: Arc<dyn Events>,
    dropped: BTreeMap<Dropped, usize>,
    dropped_since: Option<DateTime<Utc>>,
    passed_over: Option<(SourceId, u64, DateTime<Utc>)>,
    hinted: BTreeSet<Hint>,
    gone: Option<Gone>,
}

impl Tally {
    pub(super) fn new(port: PathBuf, events: Arc<dyn Events>) -> Self {
        Self {
            port,
            events,
            dropped: BTreeMap::new(),
            dropped_since: None,
            passed_over: None,
            hinted: BTreeSet::new(),
            gone: None,
        }
    }

    /// The port is open: hints may be said again.
    pub(super) fn opened(&mut self) {
        self.hinted.clear();
        self.gone = None;
        self.events.emit(&HubEvent::PortOpened { port: self.port.clone() });
    }

    /// The port is not there; said once for each reason, however often it is tried.
    pub(super) fn gone(&mut self, why: Gone) {
        self.say_all();
        if self.gone != Some(why) {
            self.gone = Some(why);
            self.events.emit(&HubEvent::PortGone { port: self.port.clone(), why: why.name() });
        }
    }

    /// Bytes were no part of a record. Filler and the protocol's own talk are nothing to speak of.
    pub(super) fn dropped(&mut self, bytes: usize, why: Dropped, at: DateTime<Utc>) {
        if why.is_loss() {
            *self.dropped.entry(why).or_default() += bytes;
            self.dropped_since.get_or_insert(at);
        }
    }

    /// A live value was not picked.
    pub(super) fn passed_over(&mut self, device: &SourceId, at: DateTime<Utc>) {
        match &mut self.passed_over {
            Some((counted, values, _)) if counted == device => *values += 1,
            _ => {
                self.say_passed_over();
                self.passed_over = Some((device.clone(), 1, at));
            }
        }
    }

    /// Says a hint, once an opening.
    pub(super) fn hint(&mut self, hint: Hint) {
        if self.hinted.insert(hint) {
            let (port, sentence) = (self.port.clone(), hint.sentence());
            self.events.emit(&HubEvent::SetUpHint { port, hint: hint.name(), sentence });
        }
    }

    /// Says what is due.
    pub(super) fn say_if_due(&mut self, at: DateTime<Utc>) {
        // A clock that was set back makes it due as well.
        let is_due = |since: DateTime<Utc>, every| at < since || at - since >= every;
        if self.dropped_since.is_some_and(|since| is_due(since, DROPPED_SAID_EVERY)) {
            self.say_dropped();
        }
        if self.passed_over.as_ref().is_some_and(|(_, _, since)| is_due(*since, PASSED_OVER_SAID_EVERY)) {
            self.say_passed_over();
        }
    }

    /// Says all that was counted.
    pub(super) fn say_all(&mut self) {
        self.say_dropped();
        self.say_passed_over();
    }

    fn say_dropped(&mut self) {
        self.dropped_since = None;
        for (why, bytes) in std::mem::take(&mut self.dropped) {
            self.events.emit(&HubEvent::BytesDropped { port: self.port.clone(), bytes, why: why.name() });
        }
    }

    fn say_passed_over(&mut self) {
        if let Some((device, values, _)) = self.passed_over.take() {
            self.events.emit(&HubEvent::LiveValuesPassedOver { device, values });
        }
    }
}

#[cfg(test)]
mod tests {
    //! Sayings are counted over made minutes.

    use super::*;
    use crate::test_parts::noon;
    use std::sync::Mutex;

    #[derive(Default)]
    struct Said(Mutex<Vec<HubEvent>>);

    impl Events for Said {
        fn emit(&self, event: &HubEvent) {
            self.0.lock().unwrap().push(event.clone());
        }
    }

    #[test]
    fn a_noisy_line_is_said_once_a_minute_with_its_sum() {
        let said = Arc::new(Said::default());
        let mut tally = Tally::new("port".into(), Arc::<Said>::clone(&said));
        for second in 0..150 {
            let at = noon() + TimeDelta::seconds(second);
            tally.dropped(3, Dropped::OutOfStep, at);
            tally.dropped(9, Dropped::Between, at);
            tally.say_if_due(at);
        }
        tally.gone(Gone::Unplugged);
        tally.gone(Gone::Unplugged);
        let dropped = |bytes| HubEvent::BytesDropped { port: "port".into(), bytes, why: "out_of_step" };
        let gone = HubEvent::PortGone { port: "port".into(), why: "unplugged" };
        assert_eq!(*said.0.lock().unwrap(), [dropped(183), dropped(183), dropped(84), gone]);
    }

    #[test]
    fn a_hint_is_said_once_an_opening() {
        let said = Arc::new(Said::default());
        let mut tally = Tally::new("port".into(), Arc::<Said>::clone(&said));
        for _opening in 0..2 {
            tally.opened();
            tally.hint(Hint::NothingHeard);
            tally.hint(Hint::NothingHeard);
        }
        let names: Vec<_> = said.0.lock().unwrap().iter().map(HubEvent::name).collect();
        assert_eq!(names, ["port_opened", "set_up_hint", "port_opened", "set_up_hint"]);
    }

    #[test]
    fn passed_over_values_are_said_by_device() {
        let said = Arc::new(Said::default());
        let mut tally = Tally::new("port".into(), Arc::<Said>::clone(&said));
        let device = |serial| SourceId::device("Masimo", serial).unwrap();
        for serial in ["1", "1", "2"] {
            tally.passed_over(&device(serial), noon());
        }
        tally.say_if_due(noon() + TimeDelta::minutes(59));
        tally.say_if_due(noon() + TimeDelta::minutes(60));
        let passed = |serial, values| HubEvent::LiveValuesPassedOver { device: device(serial), values };
        assert_eq!(*said.0.lock().unwrap(), [passed("1", 2), passed("2", 1)]);
    }
}
