//! Says hello at least every 40 s, and knows by the answers whether the hub is connected.
//!
//! Invariants: one request at a time, batches and hellos together; "connected" rests on a heartbeat that counts and on nothing
//! else; it is said once when that changes, and 120 s after the last such heartbeat at the latest.

use super::{
    SendError, Uplink, backoff,
    heartbeat::{self, NotTaken, Taken},
};
use crate::{
    config::ServiceKey,
    disk::DiskError,
    events::HubEvent,
    outbox::{HelloParts, OutboxError, Standing},
    rng::{self, Randomness},
    shutdown::Phase,
};
use chrono::{DateTime, Utc};
use std::{
    convert::Infallible,
    future::Future,
    pin::Pin,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::sync::watch;
use vitals::{
    ReadingId,
    wire::{
        hello::{HEADS_MAX, HEARD_FOR, HELLO_EVERY, HELLO_PATH, Hello, HelloAnswer, OFFER_AGAIN_MAX, OutboxStanding},
        sealed::key_id,
        v1,
    },
};

/// The least time between two hellos; the rest up to [`HELLO_EVERY`] is chance, so that hubs switched on together part.
const REST_MIN: Duration = Duration::from_secs(30);

/// How far the hub is in touch with the service.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Connection {
    /// Nothing was heard yet.
    #[default]
    NotKnown,
    /// The service answers hellos.
    Connected {
        /// Its newest heartbeat; none from a service of before there were any.
        heartbeat: Option<Taken>,
    },
    /// No heartbeat that counts for [`HEARD_FOR`]. Readings are kept.
    NotConnected {
        /// The last heartbeat, if there was one.
        last: Option<Taken>,
    },
}

impl Connection {
    /// The last heartbeat that counted.
    #[must_use]
    pub fn heartbeat(self) -> Option<Taken> {
        match self {
            Self::NotKnown => None,
            Self::Connected { heartbeat } => heartbeat,
            Self::NotConnected { last } => last,
        }
    }
}

/// What the hub remembers between hellos.
#[derive(Debug, Default)]
pub(super) struct Touch(Mutex<Memory>);

#[derive(Debug, Default)]
struct Memory {
    connection: Connection,
    /// Up to whom heads were returned.
    heads_up_to: String,
    /// What was last said to be wrong with a heartbeat.
    wrong: Option<NotTaken>,
}

impl Touch {
    fn lock(&self) -> MutexGuard<'_, Memory> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

type Sleep<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

impl Uplink {
    /// How far the hub is in touch with the service.
    #[must_use]
    pub fn connection(&self) -> Connection {
        self.touch.lock().connection
    }

    /// Says hello until the hub drains or stops, and then waits for ever: whoever called ends it.
    pub(crate) async fn keep_in_touch(&self, mut phase: watch::Receiver<Phase>) -> Result<Infallible, SendError> {
        if !self.followed.has_key() {
            self.events.emit(&HubEvent::ServiceKeyNotPinned);
        }
        let mut failures = 0_u32;
        let mut round: Pin<Box<dyn Future<Output = Result<(), SendError>> + Send + '_>> =
            Box::pin(self.hello_after(Duration::ZERO));
        let mut silence: Sleep<'_> = self.clock.sleep(HEARD_FOR);
        let mut is_silence_said = false;
        while *phase.borrow() == Phase::Running {
            tokio::select! {
                biased;
                _changed_or_gone = phase.changed() => {}
                said = &mut round => {
                    let rest = match said {
                        Ok(()) => {
                            failures = 0;
                            (silence, is_silence_said) = (self.clock.sleep(HEARD_FOR), false);
                            rest(self.randomness.as_ref())
                        }
                        Err(error) if !error.is_worth_a_retry() => return Err(error),
                        Err(error) => {
                            failures = failures.saturating_add(1);
                            let retry_after = error.retry_after();
                            // Never sooner than half a rest: a service that is away is not helped by more hellos.
                            backoff::wait(failures, retry_after, self.randomness.as_ref()).max(REST_MIN / 2)
                        }
                    };
                    round = Box::pin(self.hello_after(rest));
                }
                () = &mut silence, if !is_silence_said => {
                    is_silence_said = true;
                    self.not_connected();
                }
            }
        }
        // A hello that waits for its turn, and is never asked again, would keep the turn from what still has to be sent.
        drop(round);
        std::future::pending().await
    }

    async fn hello_after(&self, rest: Duration) -> Result<(), SendError> {
        self.clock.sleep(rest).await;
        self.say_hello().await
    }

    /// Says hello once, does what the answer asks, and wipes some of what was settled long ago.
    ///
    /// # Errors
    /// [`SendError`] where no answer came, or none that shows the service itself.
    pub async fn say_hello(&self) -> Result<(), SendError> {
        let answered = self.hello_and_answer().await;
        let at = self.clock.now();
        let wiped = self.outbox.wipe_settled(at).await?;
        if wiped > 0 {
            self.events.emit(&HubEvent::SettledWiped { readings: wiped });
        }
        answered
    }

    async fn hello_and_answer(&self) -> Result<(), SendError> {
        let turn = self.turn.lock().await;
        let at = self.clock.now();
        let up_to = self.touch.lock().heads_up_to.clone();
        let HelloParts { number, standing, heads } = self.outbox.next_hello(up_to.clone(), HEADS_MAX, at).await?;
        let next = heads.keys().rfind(|patient| **patient > up_to).or_else(|| heads.keys().next_back()).cloned();
        let hello = Hello {
            made_at: v1::moment(at),
            build: env!("CARGO_PKG_VERSION").to_owned(),
            boot: vitals::hex::encode(&self.boot),
            outbox: on_the_wire(standing),
            deaf: self.listening.deaf(),
            heads,
            wait_secs: 0,
        };
        let packed = self.pack(serde_json::to_vec(&hello).map_err(SendError::Json)?);
        let is_packed = packed.is_packed();
        let answer = self.deliver(HELLO_PATH, number, packed, at).await?;
        drop(turn);
        match answer.status {
            200 => {
                let answer =
                    serde_json::from_slice(&answer.body).map_err(|source| SendError::HelloAnswer { number, source })?;
                self.touch.lock().heads_up_to = next.unwrap_or_default();
                self.take(&answer, at).await
            }
            // A service of before there were hellos: its answers to batches are all there is. Not where a key is pinned: such
            // a service has hellos, and this is another.
            404 | 405 if !self.followed.has_key() => {
                self.connected(None);
                Ok(())
            }
            _ => Err(self.refused(number, 1, &answer, is_packed)),
        }
    }

    async fn take(&self, answer: &HelloAnswer, at: DateTime<Utc>) -> Result<(), SendError> {
        let wanted: Vec<ReadingId> =
            answer.offer_again.iter().take(OFFER_AGAIN_MAX).filter_map(|id| ReadingId::parse(id).ok()).collect();
        if !wanted.is_empty() {
            let asked = wanted.len();
            let offered = self.outbox.offer_again(wanted, at).await?;
            self.events.emit(&HubEvent::ReadingsOfferedAgain { asked, offered });
        }
        let last = self.connection().heartbeat().map(|taken| taken.made_at);
        let keys = self.followed.keys(&answer.next_keys);
        match heartbeat::take(answer.heartbeat.as_ref(), &keys, last) {
            Ok((taken, key)) => {
                // On the disk first: nothing is made of a heartbeat whose key might be forgotten.
                self.follow(key, answer, &keys).await.map_err(OutboxError::from)?;
                self.touch.lock().wrong = None;
                self.connected(Some(taken));
                Ok(())
            }
            Err(wrong) => {
                let is_new = self.touch.lock().wrong.replace(wrong) != Some(wrong);
                if is_new {
                    self.events.emit(&HubEvent::HeartbeatNotTaken { why: wrong.why() });
                }
                Err(SendError::Heartbeat(wrong))
            }
        }
    }

    /// Follows the service to the key it has signed with, and to the certificates it names.
    async fn follow(
        &self,
        key: Option<&ServiceKey>,
        answer: &HelloAnswer,
        keys: &[ServiceKey],
    ) -> Result<(), DiskError> {
        if let Some(key) = key
            && self.followed.signed_with(key).await?
        {
            self.events.emit(&HubEvent::ServiceKeyFollowed { key: key_id(key.bytes()) });
        }
        if self.followed.take_certificates(answer.certificates.as_ref(), keys).await? {
            self.events.emit(&HubEvent::CertificateFollowed);
        }
        Ok(())
    }

    fn connected(&self, heartbeat: Option<Taken>) {
        let before = std::mem::replace(&mut self.touch.lock().connection, Connection::Connected { heartbeat });
        if !matches!(before, Connection::Connected { .. }) {
            let rules_evaluated_up_to = heartbeat.and_then(|heartbeat| heartbeat.rules_evaluated_up_to);
            self.events.emit(&HubEvent::ServiceConnected { rules_evaluated_up_to });
            self.screen.show_connection(self.connection());
        }
    }

    fn not_connected(&self) {
        let last = self.connection().heartbeat();
        self.touch.lock().connection = Connection::NotConnected { last };
        self.events.emit(&HubEvent::ServiceNotConnected);
        self.screen.show_connection(self.connection());
    }
}

fn on_the_wire(standing: Standing) -> OutboxStanding {
    OutboxStanding {
        waiting_live: standing.live,
        waiting_backfill: standing.backfill,
        oldest_at: standing.oldest.map(v1::moment),
        room_readings: standing.room,
    }
}

/// The rest until the next hello.
fn rest(randomness: &dyn Randomness) -> Duration {
    let spread = HELLO_EVERY.saturating_sub(REST_MIN);
    // Without randomness the longest rest is the kindest to the service.
    REST_MIN + rng::number(randomness).map_or(spread, |number| backoff::share(spread, number))
}

#[cfg(test)]
#[path = "hello_tests.rs"]
mod tests;
