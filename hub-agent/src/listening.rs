//! Over which links the hub hears nothing just now: learned from the events, told to the service in every hello.

use crate::{
    clock::Clock,
    events::{Events, HubEvent},
};
use chrono::{DateTime, Utc};
use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};
use vitals::wire::{hello::Deaf, v1};

/// Events, watched on their way for what they say of the links.
pub struct Listening {
    events: Arc<dyn Events>,
    clock: Arc<dyn Clock>,
    deaf: Mutex<NothingHeard>,
}

/// Since when, and why.
type Since = (DateTime<Utc>, &'static str);

#[derive(Default)]
struct NothingHeard {
    bluetooth: Option<Since>,
    ports: BTreeMap<PathBuf, Since>,
}

impl Listening {
    /// Watches what goes to `events`.
    #[must_use]
    pub fn new(events: Arc<dyn Events>, clock: Arc<dyn Clock>) -> Self {
        Self { events, clock, deaf: Mutex::default() }
    }

    /// The links over which nothing is heard: Bluetooth, and the serial ports together since the first of them went.
    pub(crate) fn deaf(&self) -> Vec<Deaf> {
        let deaf = self.deaf.lock().unwrap_or_else(PoisonError::into_inner);
        let serial = deaf.ports.values().min().copied();
        let links = [("bluetooth", deaf.bluetooth), ("serial", serial)];
        let on_the_wire = |(link, since): (&str, Option<Since>)| {
            since.map(|(since, why)| Deaf { link: link.to_owned(), since: v1::moment(since), why: why.to_owned() })
        };
        links.into_iter().filter_map(on_the_wire).collect()
    }

    fn learn(&self, event: &HubEvent) {
        // As many kinds of events as there are, four tell of a link.
        let mut deaf = self.deaf.lock().unwrap_or_else(PoisonError::into_inner);
        if let HubEvent::BluetoothDeaf { since, why } = event {
            deaf.bluetooth = Some((*since, why));
        }
        if let HubEvent::BluetoothHears { .. } = event {
            deaf.bluetooth = None;
        }
        if let HubEvent::PortGone { port, why } = event {
            deaf.ports.entry(port.clone()).or_insert_with(|| (self.clock.now(), why));
        }
        if let HubEvent::PortOpened { port } = event {
            deaf.ports.remove(port);
        }
    }
}

impl Events for Listening {
    fn emit(&self, event: &HubEvent) {
        self.learn(event);
        self.events.emit(event);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_parts::{HandClock, Recorded, noon};
    use chrono::TimeDelta;

    #[test]
    fn a_link_is_deaf_from_the_event_that_says_so_to_the_one_that_ends_it() {
        let (clock, events) = (Arc::new(HandClock::new(noon())), Arc::new(Recorded::default()));
        let listening = Listening::new(events.clone(), clock.clone());
        let gone = |port: &str| HubEvent::PortGone { port: port.into(), why: "unplugged" };
        let deaf = |link: &str, secs: i64, why: &str| Deaf {
            link: link.into(),
            since: v1::moment(noon() + TimeDelta::seconds(secs)),
            why: why.into(),
        };
        assert_eq!(listening.deaf(), []);
        listening.emit(&HubEvent::BluetoothDeaf { since: noon(), why: "no_bus" });
        listening.emit(&gone("/dev/a"));
        clock.set(noon() + TimeDelta::seconds(5));
        listening.emit(&gone("/dev/b"));
        listening.emit(&gone("/dev/a"));
        assert_eq!(listening.deaf(), [deaf("bluetooth", 0, "no_bus"), deaf("serial", 0, "unplugged")]);
        listening.emit(&HubEvent::BluetoothHears { deaf_secs: 5 });
        listening.emit(&HubEvent::PortOpened { port: "/dev/a".into() });
        assert_eq!(listening.deaf(), [deaf("serial", 5, "unplugged")]);
        listening.emit(&HubEvent::PortOpened { port: "/dev/b".into() });
        assert_eq!(listening.deaf(), []);
        assert_eq!(events.names().len(), 7, "every event goes on");
    }
}
