//! Notices that nothing is heard any more: a dead Bluetooth service or bus gives no event, only silence.
//!
//! The decisions are pure; [`watch`] makes the calls and asks for them. Invariants: a service or bus that has gone is
//! noticed within [`POLL_EVERY`] and [`MISSES_MAX`] limits; one call without an answer is not yet a death; silence ends the link
//! only after scan and connection were made anew in vain, so that a supervisor starts everything again.

use super::bus::{Fault, Probe, ask, ask_bluez};
use crate::{clock::Clock, events::HubEvent};
use bluez_async::{AdapterId, BluetoothSession};
use btleplug::{api::Central, platform::Adapter};
use chrono::{DateTime, TimeDelta, Utc};
use std::{sync::Arc, time::Duration};
use tokio::sync::mpsc;

/// How often service, adapter and connections are asked whether they are there.
pub(super) const POLL_EVERY: Duration = Duration::from_secs(2);

/// An answer to that may take this long: it comes from this machine's memory.
pub(super) const POLL_WITHIN: Duration = Duration::from_secs(2);

/// So many calls in a row without an answer are a dead bus. One may be a machine out of breath.
pub(super) const MISSES_MAX: u8 = 2;

/// An adapter that says so often in a row that it does not scan has forgotten that it should, because its service was
/// started anew between two polls: the new one knows nothing of the old one's clients. Once may be the moment of a change.
const IDLE_POLLS_MAX: u8 = 2;

/// No advertisement of any kind for so long is a fault: phones, televisions and toothbrushes advertise several times a
/// second, and an adapter's events have stopped after hours in the field.
pub const SILENCE_MAX: TimeDelta = TimeDelta::minutes(10);

/// What a poll saw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Polled {
    /// The adapter is switched on.
    pub(super) is_powered: bool,
    /// It scans.
    pub(super) is_scanning: bool,
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Alarm {
    /// All is well, or not yet known to be otherwise.
    None,
    /// Start the scan again.
    RestartScan,
    /// Make the connection to the service anew.
    Rebuild(Fault),
    /// Nothing helps: the process must be started anew.
    End,
}

/// What is known of one connection to the service, and of the silence, which outlasts it.
#[derive(Debug)]
pub(super) struct Watch {
    misses: u8,
    idle_polls: u8,
    heard_at: DateTime<Utc>,
    silences: u8,
}

impl Watch {
    pub(super) fn new(at: DateTime<Utc>) -> Self {
        Self { misses: 0, idle_polls: 0, heard_at: at, silences: 0 }
    }

    /// A new connection to the service.
    pub(super) fn rebuilt(&mut self) {
        self.misses = 0;
        self.idle_polls = 0;
    }

    /// Deaf for a reason that is known is not silence: that is counted from now.
    pub(super) fn hears_again(&mut self, at: DateTime<Utc>) {
        if self.silences == 0 {
            self.heard_at = at;
        }
    }

    /// Any device was heard.
    pub(super) fn heard(&mut self, at: DateTime<Utc>) {
        self.heard_at = at;
        self.silences = 0;
    }

    /// When a device was heard last.
    pub(super) fn heard_at(&self) -> DateTime<Utc> {
        self.heard_at
    }

    /// Takes a poll.
    pub(super) fn polled(&mut self, polled: Result<Polled, Fault>, at: DateTime<Utc>) -> Alarm {
        match polled {
            Ok(Polled { is_powered: false, .. }) => Alarm::Rebuild(Fault::NoAdapter),
            Ok(Polled { is_powered: true, is_scanning }) => {
                self.misses = 0;
                self.idle_polls = if is_scanning { 0 } else { self.idle_polls.saturating_add(1) };
                if self.idle_polls >= IDLE_POLLS_MAX {
                    self.idle_polls = 0;
                    return Alarm::RestartScan;
                }
                self.silence(at)
            }
            Err(Fault::NoAnswer) => {
                self.misses = self.misses.saturating_add(1);
                if self.misses >= MISSES_MAX { Alarm::Rebuild(Fault::NoAnswer) } else { Alarm::None }
            }
            Err(fault) => Alarm::Rebuild(fault),
        }
    }

    fn silence(&mut self, at: DateTime<Utc>) -> Alarm {
        // A clock that was set back counts anew; the steps follow each other in equal waits.
        self.heard_at = self.heard_at.min(at);
        let waits = SILENCE_MAX * i32::from(self.silences.saturating_add(1));
        if at - self.heard_at < waits {
            return Alarm::None;
        }
        self.silences = self.silences.saturating_add(1);
        match self.silences {
            1 => Alarm::RestartScan,
            2 => Alarm::Rebuild(Fault::Silent),
            _ => Alarm::End,
        }
    }

    /// Whether it is silence that something is done about.
    pub(super) fn is_silent(&self) -> bool {
        self.silences > 0
    }
}

/// Whether the hub is deaf, and since when: said once when it begins, when its reason changes, and when it ends.
#[derive(Debug, Default)]
pub(super) struct Deafness(Option<(DateTime<Utc>, Fault)>);

impl Deafness {
    /// The hub is deaf.
    pub(super) fn begin(&mut self, fault: Fault, since: DateTime<Utc>) -> Option<HubEvent> {
        let since = match self.0 {
            Some((_, known)) if known == fault => return None,
            Some((since, _)) => since,
            None => since,
        };
        self.0 = Some((since, fault));
        Some(HubEvent::BluetoothDeaf { since, why: fault.why() })
    }

    /// The hub hears.
    pub(super) fn end(&mut self, at: DateTime<Utc>) -> Option<HubEvent> {
        let (since, _) = self.0.take()?;
        Some(HubEvent::BluetoothHears { deaf_secs: (at - since).num_seconds() })
    }
}

/// Polls for as long as somebody hears it.
pub(super) async fn watch(
    adapter: Adapter,
    probe: Probe,
    id: AdapterId,
    clock: Arc<dyn Clock>,
    polls: mpsc::Sender<Result<Polled, Fault>>,
) {
    let Probe { session, mut lost } = probe;
    let mut is_missed = false;
    loop {
        let polled = tokio::select! {
            () = &mut lost => Err(Fault::NoBus),
            polled = async {
                // After a miss it is asked again at once: it has waited long enough.
                if !is_missed {
                    clock.sleep(POLL_EVERY).await;
                }
                poll(&adapter, &session, &id).await
            } => polled,
        };
        is_missed = polled == Err(Fault::NoAnswer);
        let is_lost = polled == Err(Fault::NoBus);
        if polls.send(polled).await.is_err() || is_lost {
            return;
        }
    }
}

/// Asks over both connections: the one that brings the events, and the one that can say whether the adapter scans.
async fn poll(adapter: &Adapter, session: &BluetoothSession, id: &AdapterId) -> Result<Polled, Fault> {
    ask(POLL_WITHIN, adapter.adapter_info()).await?;
    let ours = ask_bluez(POLL_WITHIN, session.get_adapter_info(id)).await?;
    Ok(Polled { is_powered: ours.powered, is_scanning: ours.discovering })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_parts::noon;

    const GOOD: Result<Polled, Fault> = Ok(Polled { is_powered: true, is_scanning: true });
    const IDLE: Result<Polled, Fault> = Ok(Polled { is_powered: true, is_scanning: false });

    #[test]
    fn one_missed_answer_is_no_death_and_two_are() {
        let mut watch = Watch::new(noon());
        assert_eq!(watch.polled(Err(Fault::NoAnswer), noon()), Alarm::None);
        assert_eq!(watch.polled(GOOD, noon()), Alarm::None);
        assert_eq!(watch.polled(Err(Fault::NoAnswer), noon()), Alarm::None);
        assert_eq!(watch.polled(Err(Fault::NoAnswer), noon()), Alarm::Rebuild(Fault::NoAnswer));
    }

    #[test]
    fn what_says_that_it_is_gone_is_believed_at_once() {
        for fault in [Fault::NoService, Fault::NoAdapter, Fault::NoBus, Fault::NotAllowed] {
            assert_eq!(Watch::new(noon()).polled(Err(fault), noon()), Alarm::Rebuild(fault));
        }
        let off = Ok(Polled { is_powered: false, is_scanning: false });
        assert_eq!(Watch::new(noon()).polled(off, noon()), Alarm::Rebuild(Fault::NoAdapter));
    }

    #[test]
    fn an_adapter_that_forgot_to_scan_is_told_again() {
        let mut watch = Watch::new(noon());
        let alarms: Vec<Alarm> = (0..2 * IDLE_POLLS_MAX).map(|_| watch.polled(IDLE, noon())).collect();
        assert_eq!(alarms.iter().filter(|alarm| **alarm == Alarm::RestartScan).count(), 2);
        assert_eq!(alarms[0], Alarm::None);
    }

    /// Silence: after ten minutes the scan, after twenty the connection, after thirty the process; a single
    /// advertisement in between and all begins anew.
    #[test]
    fn silence_goes_through_its_steps() {
        let at = |minutes: i64| noon() + TimeDelta::minutes(minutes);
        let mut watch = Watch::new(noon());
        for (minutes, alarm) in [
            (9, Alarm::None),
            (10, Alarm::RestartScan),
            (11, Alarm::None),
            (20, Alarm::Rebuild(Fault::Silent)),
            (29, Alarm::None),
            (30, Alarm::End),
        ] {
            if alarm == Alarm::None && minutes == 29 {
                watch.rebuilt();
                watch.hears_again(at(21));
            }
            assert_eq!(watch.polled(GOOD, at(minutes)), alarm, "{minutes}");
        }
        watch.heard(at(31));
        assert_eq!(watch.polled(GOOD, at(40)), Alarm::None);
        assert_eq!(watch.polled(GOOD, at(41)), Alarm::RestartScan);
    }

    #[test]
    fn deafness_is_said_when_it_begins_changes_and_ends() {
        let mut deaf = Deafness::default();
        assert_eq!(deaf.end(noon()), None);
        let said = |why| Some(HubEvent::BluetoothDeaf { since: noon(), why });
        assert_eq!(deaf.begin(Fault::NoService, noon()), said("no_service"));
        assert_eq!(deaf.begin(Fault::NoService, noon() + TimeDelta::minutes(1)), None);
        assert_eq!(deaf.begin(Fault::NoAdapter, noon() + TimeDelta::minutes(2)), said("no_adapter"));
        let ended = deaf.end(noon() + TimeDelta::minutes(3));
        assert_eq!(ended, Some(HubEvent::BluetoothHears { deaf_secs: 180 }));
    }
}
