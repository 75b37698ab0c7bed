//! A clock that stands until the far side lets time pass: patience, rests and retries take no time of the test's.
//!
//! Invariant: a sleeper counts as asleep from its first poll until it is woken or given up, so that "somebody sleeps and
//! nothing is unread" means that the link is idle.

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use hub_agent::clock::Clock;
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::sync::watch;

/// The moment and who sleeps until when.
struct Hands {
    now: DateTime<Utc>,
    sleepers: BTreeMap<u64, DateTime<Utc>>,
    next_sleeper: u64,
}

/// A clock that only the far side moves.
#[derive(Clone)]
pub struct StoryClock(Arc<watch::Sender<Hands>>);

impl StoryClock {
    /// A clock that stands at this moment.
    #[must_use]
    pub fn at(now: DateTime<Utc>) -> Self {
        Self(Arc::new(watch::channel(Hands { now, sleepers: BTreeMap::new(), next_sleeper: 0 }).0))
    }

    /// Lets this long pass.
    pub fn pass(&self, how_long: TimeDelta) {
        self.0.send_modify(|hands| hands.now += how_long);
    }

    /// How often somebody went to sleep so far.
    #[must_use]
    pub fn slept(&self) -> u64 {
        self.0.borrow().next_sleeper
    }

    /// Returns when somebody has gone to sleep since then.
    pub async fn sleeps_again(&self, slept: u64) {
        // The sender is in our own hands.
        drop(self.0.subscribe().wait_for(|hands| hands.next_sleeper > slept).await);
    }

    /// Returns when somebody sleeps and nobody is just waking.
    pub async fn all_asleep(&self) {
        let is_so =
            |hands: &Hands| !hands.sleepers.is_empty() && hands.sleepers.values().all(|until| *until > hands.now);
        // The sender is in our own hands.
        drop(self.0.subscribe().wait_for(is_so).await);
    }

    /// Lets time pass until the first of those who sleep wakes.
    pub async fn pass_to_next(&self) {
        self.all_asleep().await;
        self.0.send_modify(|hands| hands.now = hands.sleepers.values().min().copied().unwrap_or(hands.now));
    }

    /// Lets time pass, sleeper by sleeper, until this returns.
    pub async fn pass_until<T>(&self, becomes_so: impl Future<Output = T>) -> T {
        tokio::pin!(becomes_so);
        loop {
            tokio::select! {
                biased;
                so = &mut becomes_so => return so,
                () = self.pass_to_next() => {}
            }
        }
    }
}

/// Somebody asleep; given up when dropped.
struct Sleeper<'a> {
    clock: &'a StoryClock,
    number: u64,
}

impl Drop for Sleeper<'_> {
    fn drop(&mut self) {
        self.clock.0.send_modify(|hands| {
            hands.sleepers.remove(&self.number);
        });
    }
}

#[async_trait]
impl Clock for StoryClock {
    fn now(&self) -> DateTime<Utc> {
        self.0.borrow().now
    }

    async fn sleep(&self, how_long: Duration) {
        let mut hands = self.0.subscribe();
        let mut number = 0;
        let mut until = self.now();
        self.0.send_modify(|hands| {
            number = hands.next_sleeper;
            until = hands.now + TimeDelta::from_std(how_long).unwrap_or(TimeDelta::days(365));
            hands.next_sleeper += 1;
            hands.sleepers.insert(number, until);
        });
        let _asleep = Sleeper { clock: self, number };
        drop(hands.wait_for(|hands| hands.now >= until).await);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn sleepers_wake_in_their_order_and_time_stands_otherwise() {
        let start = DateTime::UNIX_EPOCH;
        let clock = StoryClock::at(start);
        let woke = |secs: u64| {
            let clock = clock.clone();
            async move {
                clock.sleep(Duration::from_secs(secs)).await;
                clock.now()
            }
        };
        let both = async { tokio::join!(woke(5), woke(60)) };
        let (first, second) = clock.pass_until(both).await;
        assert_eq!((first, second), (start + TimeDelta::seconds(5), start + TimeDelta::seconds(60)));
        assert_eq!(clock.now(), second);
    }
}
