//! How fast one hub may send: so many requests and so many readings at once, and so many a second after that.
//!
//! Invariants: a hub spends only what is its own; what was not granted costs nothing; nothing is remembered of a hub that has
//! been quiet long enough to have everything again.

use chrono::{DateTime, TimeDelta, Utc};
use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};
use vitals::HubId;

/// What may be sent at once, and how soon it comes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Allowance {
    /// At once, after a rest.
    at_once: u32,
    /// How many come back a second.
    a_second: u32,
}

/// Readings. A care home of 60 beds that was cut off for 30 days holds back 72,000 (1,200 a bed) and sends them within the hour;
/// there is room for a third more. Afterwards 50 a second is as many as it measures in half an hour, and less than a hundredth
/// of what the service stores on one core, so that one mad hub costs the others nothing that they notice.
const READINGS: Allowance = Allowance { at_once: 100_000, a_second: 50 };

/// Requests: those same readings in batches of 25, as a hub on a bad line sends them that has had to make its batches smaller,
/// with a hello every half minute. A hub that tries again as fast as it may (one a second) never meets this.
const REQUESTS: Allowance = Allowance { at_once: 3_000, a_second: 10 };

/// Most hubs that are remembered before those that have rested are forgotten.
const REMEMBERED_MAX: usize = 65_536;

/// What each hub has spent. Only verified hubs get here, so there are never more entries than enrolled hubs.
#[derive(Debug, Default)]
pub struct Pace(Mutex<BTreeMap<HubId, Spent>>);

/// When a hub will have everything again: what it has spent, as time (the generic cell rate algorithm).
#[derive(Debug, Clone, Copy)]
struct Spent {
    requests_until: DateTime<Utc>,
    readings_until: DateTime<Utc>,
}

/// A hub has to wait so many seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Wait(pub(super) u64);

impl Allowance {
    /// How long it takes until so many have come back.
    fn time_of(self, count: u32) -> TimeDelta {
        TimeDelta::microseconds(i64::from(count) * 1_000_000 / i64::from(self.a_second.max(1)))
    }

    /// Spends so many more; `until` is when the hub will have everything again. Or how long it must wait before it may.
    fn spend(self, until: &mut DateTime<Utc>, count: u32, at: DateTime<Utc>) -> Result<(), Wait> {
        let all = self.time_of(self.at_once);
        // The clock was set back: what was spent was spent at a time that has not come, and says nothing now.
        if *until - at > all {
            *until = at;
        }
        let after = (*until).max(at) + self.time_of(count.min(self.at_once));
        let wait = after - at - all;
        if wait <= TimeDelta::zero() {
            *until = after;
            return Ok(());
        }
        let secs = u64::try_from(wait.num_seconds()).unwrap_or(0);
        Err(Wait(secs + 1))
    }
}

impl Pace {
    /// One more request of a hub.
    ///
    /// # Errors
    /// [`Wait`] where it has sent too many.
    pub(super) fn request(&self, hub: &HubId, at: DateTime<Utc>) -> Result<(), Wait> {
        self.spend(hub, at, |spent| REQUESTS.spend(&mut spent.requests_until, 1, at))
    }

    /// So many readings of a hub.
    ///
    /// # Errors
    /// [`Wait`] where it has sent too many.
    pub(super) fn readings(&self, hub: &HubId, count: usize, at: DateTime<Utc>) -> Result<(), Wait> {
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        self.spend(hub, at, |spent| READINGS.spend(&mut spent.readings_until, count, at))
    }

    fn spend(
        &self,
        hub: &HubId,
        at: DateTime<Utc>,
        spend: impl FnOnce(&mut Spent) -> Result<(), Wait>,
    ) -> Result<(), Wait> {
        let mut hubs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if hubs.len() >= REMEMBERED_MAX && !hubs.contains_key(hub) {
            hubs.retain(|_, spent| spent.requests_until > at || spent.readings_until > at);
        }
        spend(hubs.entry(hub.clone()).or_insert(Spent { requests_until: at, readings_until: at }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vitals::wire::v1::BATCH_READINGS_MAX;

    fn noon() -> DateTime<Utc> {
        "2026-06-01T12:00:00Z".parse().unwrap()
    }

    fn hub(name: &str) -> HubId {
        HubId::parse(name).unwrap()
    }

    /// How many batches of this size a hub gets through without a rest.
    fn at_once(pace: &Pace, name: &str, size: usize, at: DateTime<Utc>) -> usize {
        (0..10_000)
            .take_while(|_| pace.request(&hub(name), at).is_ok() && pace.readings(&hub(name), size, at).is_ok())
            .count()
    }

    #[test]
    fn a_home_that_comes_back_after_a_month_is_never_held_up_and_a_mad_hub_is() {
        let pace = Pace::default();
        let month = 72_000;
        assert!(at_once(&pace, "hub-home", BATCH_READINGS_MAX, noon()) * BATCH_READINGS_MAX >= month);
        let small = Pace::default();
        assert!(at_once(&small, "hub-home", 25, noon()) * 25 >= month, "in small batches too");
        let mad = at_once(&pace, "hub-mad", BATCH_READINGS_MAX, noon());
        assert_eq!(mad * BATCH_READINGS_MAX, 100_000, "no more than that");
        assert_eq!(at_once(&pace, "hub-other", 1, noon()), 3_000, "and another hub has its own");
    }

    #[test]
    fn who_waits_as_long_as_told_may_go_on_and_who_does_not_loses_nothing_by_asking() {
        let pace = Pace::default();
        at_once(&pace, "hub-1", BATCH_READINGS_MAX, noon());
        let Err(Wait(secs)) = pace.readings(&hub("hub-1"), BATCH_READINGS_MAX, noon()) else { panic!("not refused") };
        assert_eq!(secs, 21, "a thousand at 50 a second, and the rest of the second");
        for _ in 0..50 {
            assert_eq!(pace.readings(&hub("hub-1"), BATCH_READINGS_MAX, noon()), Err(Wait(secs)));
        }
        let later = noon() + TimeDelta::seconds(i64::try_from(secs).unwrap());
        assert_eq!(pace.readings(&hub("hub-1"), BATCH_READINGS_MAX, later), Ok(()));
        let rested = later + TimeDelta::hours(1);
        assert_eq!(at_once(&pace, "hub-1", BATCH_READINGS_MAX, rested), 100, "and has everything again");
    }

    #[test]
    fn who_must_wait_is_told_for_how_long() {
        let answer = crate::http::Refusal::from(Wait(21)).response();
        let told = answer.headers().get("retry-after").map(|value| value.to_str().unwrap());
        assert_eq!((answer.status().as_u16(), told), (429, Some("21")));
    }

    #[test]
    fn a_clock_that_is_set_back_holds_nobody_up() {
        for back in [TimeDelta::hours(1), TimeDelta::days(365)] {
            let pace = Pace::default();
            at_once(&pace, "hub-1", BATCH_READINGS_MAX, noon());
            pace.request(&hub("hub-2"), noon()).unwrap();
            for name in ["hub-1", "hub-2"] {
                assert_eq!(at_once(&pace, name, BATCH_READINGS_MAX, noon() - back), 100, "{name} {back}");
            }
        }
    }

    #[test]
    fn hubs_that_have_rested_are_forgotten_when_there_are_too_many() {
        let pace = Pace::default();
        for n in 0..REMEMBERED_MAX {
            pace.request(&hub(&format!("hub-{n}")), noon()).unwrap();
        }
        pace.request(&hub("hub-new"), noon() + TimeDelta::minutes(10)).unwrap();
        assert_eq!(pace.0.lock().unwrap().len(), 1);
    }
}
