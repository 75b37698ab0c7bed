//! How a conversation comes to a connection and a list of services, and how it ends.
//!
//! Invariants: every retry has a limit; a conversation ends once, and hands over before what still waits.

use super::{
    Session,
    listed::{Listed, Listing},
    plan::{self, Step},
    talk::{Action, Trouble},
};
use chrono::{DateTime, Utc};
use std::time::Duration;

/// Quick retries of a connection before the next advertisement is waited for: the first try of a device that has just
/// begun to advertise fails often, the fourth never came through in the field.
pub const CONNECT_RETRIES_MAX: u8 = 3;

/// The moment before a quick retry: the adapter needs it to drop what was left of the last try, and a cuff advertises for
/// half a minute only.
pub(super) const CONNECT_PAUSE: Duration = Duration::from_millis(250);

/// The moments before an empty list of services is read again: the service of this machine puts them up one after the
/// other, up to a second after it says that they are there.
pub(super) const DISCOVER_PAUSES: [Duration; 5] = [
    Duration::from_millis(100),
    Duration::from_millis(200),
    Duration::from_millis(300),
    Duration::from_millis(500),
    Duration::from_millis(500),
];

/// After a conversation that failed, the next may begin after this: longer than a device's advertising interval, so that
/// one that refuses is not asked with every advertisement.
pub(super) const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(2);

/// So often in a row a device may hang up before anything was heard and be met again at once: a new link often breaks.
pub(super) const HANG_UPS_MAX: u8 = 3;

/// After more than that: something is wrong with it, and every try wakes it.
pub(super) const PAUSE_AFTER_HANG_UPS: Duration = Duration::from_secs(10);

/// After a lost bond: only a person can mend it, and every try wakes the device.
pub(super) const PAUSE_AFTER_LOST_PAIRING: Duration = Duration::from_secs(30);

/// A device that lists nothing we listen to will not do so a second later.
pub(super) const PAUSE_AFTER_NOTHING: Duration = Duration::from_secs(600);

impl Session {
    pub(super) fn connect(&mut self, act: &mut Vec<Action>) {
        self.step = Step::Connect;
        self.connects = self.connects.saturating_add(1);
        act.push(Action::Connect);
    }

    pub(super) fn not_connected(&mut self, trouble: Trouble, at: DateTime<Utc>, act: &mut Vec<Action>) {
        match trouble {
            Trouble::PairingLost => self.give_up(trouble, at, act),
            // Nobody answers any more. The service may still be trying: it is told to stop.
            Trouble::TimeLimit => self.give_up(trouble, at, act),
            // Nothing was begun, so there is nothing to stop; it is heard again or it is not.
            Trouble::WaitedTooLong => {
                self.report(trouble, act);
                self.end(Duration::ZERO, at, act);
            }
            Trouble::NotConnected | Trouble::Refused => self.retry(trouble, at, act),
        }
    }

    /// Connects again after a moment, or gives up where that was tried often enough.
    pub(super) fn retry(&mut self, trouble: Trouble, at: DateTime<Utc>, act: &mut Vec<Action>) {
        if self.connects > CONNECT_RETRIES_MAX {
            self.give_up(trouble, at, act);
            return;
        }
        self.report(trouble, act);
        self.step = Step::PauseBeforeConnect;
        act.push(Action::SetTimer(CONNECT_PAUSE));
    }

    pub(super) fn discover(&mut self, act: &mut Vec<Action>) {
        self.step = Step::Discover;
        act.push(Action::Discover);
    }

    pub(super) fn discovered(
        &mut self,
        listed: Result<Vec<Listed>, Trouble>,
        at: DateTime<Utc>,
        act: &mut Vec<Action>,
    ) {
        let listed = match listed {
            Ok(listed) => Listing::new(listed),
            Err(Trouble::NotConnected) => return self.hung_up(at, act),
            Err(trouble @ Trouble::PairingLost) => return self.give_up(trouble, at, act),
            Err(Trouble::TimeLimit | Trouble::WaitedTooLong | Trouble::Refused) => Listing::default(),
        };
        if let Some(steps) = plan::steps(&listed, self.facts.consent.is_some()) {
            self.steps = steps;
            self.go_on(at, act);
        } else if let Some(pause) = DISCOVER_PAUSES.get(self.discoveries) {
            self.discoveries += 1;
            self.step = Step::PauseBeforeDiscover;
            act.push(Action::SetTimer(*pause));
        } else if listed.is_empty() {
            self.say("empty", act);
            self.hang_up(PAUSE_AFTER_FAILURE, at, act);
        } else {
            self.say("nothing_to_hear", act);
            self.hang_up(PAUSE_AFTER_NOTHING, at, act);
        }
    }

    /// The device hung up or the link broke. It is not reached for again before it advertises: one that has gone blocks the
    /// adapter while others advertise and give up.
    pub(super) fn hung_up(&mut self, at: DateTime<Utc>, act: &mut Vec<Action>) {
        if matches!(self.step, Step::Apart | Step::Connect | Step::PauseBeforeConnect | Step::Over) {
            // Not connected anyhow, or the answer to connecting is still to come.
            return;
        }
        let is_midway = self.subscribed == 0 && !self.has_heard;
        if is_midway || matches!(self.step, Step::History(..)) {
            self.report(Trouble::NotConnected, act);
        }
        self.remembered.hang_ups = if is_midway { self.remembered.hang_ups.saturating_add(1) } else { 0 };
        let pause = match self.remembered.hang_ups {
            0 => Duration::ZERO,
            1..=HANG_UPS_MAX => CONNECT_PAUSE,
            _ => PAUSE_AFTER_HANG_UPS,
        };
        self.end(pause, at, act);
    }

    /// Reports why, hangs up, and leaves the device alone for a while.
    pub(super) fn give_up(&mut self, trouble: Trouble, at: DateTime<Utc>, act: &mut Vec<Action>) {
        self.report(trouble, act);
        let pause = match trouble {
            Trouble::PairingLost => PAUSE_AFTER_LOST_PAIRING,
            Trouble::TimeLimit | Trouble::WaitedTooLong | Trouble::NotConnected | Trouble::Refused => {
                PAUSE_AFTER_FAILURE
            }
        };
        self.hang_up(pause, at, act);
    }

    pub(super) fn hang_up(&mut self, pause: Duration, at: DateTime<Utc>, act: &mut Vec<Action>) {
        act.push(Action::Disconnect);
        self.end(pause, at, act);
    }

    pub(super) fn end(&mut self, pause: Duration, at: DateTime<Utc>, act: &mut Vec<Action>) {
        if self.step == Step::Over {
            return;
        }
        self.part(at, act);
        self.step = Step::Over;
        self.steps.clear();
        act.push(Action::Over(pause));
    }

    /// Hands over what still waits and says that the device has gone.
    pub(super) fn part(&mut self, at: DateTime<Utc>, act: &mut Vec<Action>) {
        self.hand_over_held(at, act);
        self.say_passed_over(true, act);
        if std::mem::replace(&mut self.is_met, false) {
            act.push(Action::Parted { device: self.source() });
        }
    }
}
