//! Sends what the outbox keeps until the service's receipt names it: stages 5 and 9 of a reading's day.
//!
//! Invariants: one request at a time; live readings before backfill; a retry is a new request number with the same
//! reading ids and the same reading texts; a reading leaves the queue only when a whole, fitting receipt names it.

pub mod backoff;
pub mod enrol;
mod error;
mod follow;
pub mod heartbeat;
pub mod hello;
mod pack;
pub mod receipt;
pub mod send;
pub mod sign;
mod tell;

use crate::{
    clock::Clock,
    config::{Server, ServiceKey},
    disk::Disk,
    events::{Events, HubEvent},
    listening::Listening,
    net::Network,
    outbox::{Outbox, Request, Row, Waiting},
    prompt::{Board, Screen},
    rng::Randomness,
    shutdown::Phase,
    tls::NotTrusted,
};
use chrono::{DateTime, Utc};
use follow::Followed;
use hello::Touch;
use pack::Packed;
use send::{Answer, JSON, NoAnswer, Outgoing, Post};
use sign::{HubKey, Signed};
use std::{
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};
use tokio::sync::watch;
use vitals::{
    ErrorCode, HubId, ReadingId,
    error_code::Retry,
    wire::{
        self,
        signing::RequestNumber,
        v1::{BATCH_READINGS_MAX, BATCHES_PATH, Batch, Problem, ReceiptLine},
    },
};

pub use error::{NotReady, SendError};

/// What one sending achieved.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sent {
    /// Requests answered with a receipt.
    pub batches: usize,
    /// Readings settled.
    pub settled: usize,
}

/// The way to the service.
pub struct Uplink {
    hub: HubId,
    key: HubKey,
    outbox: Outbox,
    post: Post,
    clock: Arc<dyn Clock>,
    randomness: Arc<dyn Randomness>,
    events: Arc<dyn Events>,
    screen: Arc<dyn Screen>,
    board: Mutex<Board>,
    readings_max: AtomicUsize,
    unpacks: AtomicBool,
    followed: Followed,
    not_trusted: Mutex<Option<NotTrusted>>,
    boot: [u8; 8],
    listening: Arc<Listening>,
    touch: Touch,
    turn: tokio::sync::Mutex<()>,
}

impl fmt::Debug for Uplink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Uplink").field("hub", &self.hub).finish_non_exhaustive()
    }
}

/// What an uplink is made of.
pub struct UplinkParts {
    /// This hub.
    pub hub: HubId,
    /// The key it signs with.
    pub key: HubKey,
    /// Where the service is.
    pub server: Server,
    /// The key the service signs its heartbeats with, where it is pinned.
    pub service_key: Option<ServiceKey>,
    /// This run of the program.
    pub boot: [u8; 8],
    /// Over which links nothing is heard.
    pub listening: Arc<Listening>,
    /// Where the readings are.
    pub outbox: Outbox,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Random bytes, for the jitter of waits.
    pub randomness: Arc<dyn Randomness>,
    /// Where is kept whom the hub follows.
    pub disk: Arc<dyn Disk>,
    /// Connections.
    pub network: Arc<dyn Network>,
    /// Where events go.
    pub events: Arc<dyn Events>,
    /// Where people see their instructions.
    pub screen: Arc<dyn Screen>,
}

impl Uplink {
    /// An uplink of its parts. Nothing is sent yet.
    ///
    /// # Errors
    /// [`NotReady`] where TLS cannot be set up, or it cannot be read whom the hub follows.
    pub fn new(parts: UplinkParts) -> Result<Self, NotReady> {
        let UplinkParts {
            hub,
            key,
            server,
            service_key,
            boot,
            listening,
            outbox,
            clock,
            randomness,
            disk,
            network,
            events,
            screen,
        } = parts;
        let post = Post::new(network, server, Arc::clone(&clock))?;
        let pins = post.pins().map(Arc::clone);
        let followed = Followed::new(disk, service_key, pins)?;
        let (board, readings_max) = (Mutex::default(), AtomicUsize::new(BATCH_READINGS_MAX));
        Ok(Self {
            hub,
            key,
            outbox,
            post,
            clock,
            randomness,
            events,
            screen,
            board,
            readings_max,
            unpacks: AtomicBool::new(true),
            followed,
            not_trusted: Mutex::default(),
            boot,
            listening,
            touch: Touch::default(),
            turn: tokio::sync::Mutex::new(()),
        })
    }

    /// Sends everything that waits, one request after the other, live readings first. Stops at the first failure.
    ///
    /// # Errors
    /// [`SendError`] says why; whatever was not settled waits on.
    pub async fn send_once(&self) -> Result<Sent, SendError> {
        self.send_while(|| true).await
    }

    /// Sends what waits for as long as `go_on` says so before each request.
    async fn send_while(&self, go_on: impl Fn() -> bool) -> Result<Sent, SendError> {
        let mut sent = Sent::default();
        while go_on() {
            // A turn for each request, so that a hello gets its own while a long backlog goes out.
            let _turn = self.turn.lock().await;
            let readings_max = self.readings_max.load(Ordering::Relaxed);
            let Some(request) = self.outbox.next_request(readings_max, self.clock.now()).await? else { break };
            for row in &request.damaged {
                self.events.emit(&HubEvent::OutboxRowDamaged { row: row.number() });
            }
            if !request.readings.is_empty() {
                sent.settled += self.send(request).await?;
                sent.batches += 1;
            }
        }
        Ok(sent)
    }

    /// Sends whenever readings wait, until told to stop; waits longer after each failure.
    pub(crate) async fn run(&self, mut phase: watch::Receiver<Phase>) -> Result<(), SendError> {
        let mut failures = 0_u32;
        loop {
            let is_stopping = || *phase.borrow() == Phase::Stopping;
            let pause = match self.send_while(|| !is_stopping()).await {
                Ok(_) if *phase.borrow() != Phase::Running => return Ok(()),
                Ok(_) => None,
                Err(error) if !error.is_worth_a_retry() => return Err(error),
                Err(_) if is_stopping() => return Ok(()),
                Err(error) => Some(error.retry_after()),
            };
            failures = if pause.is_none() { 0 } else { failures.saturating_add(1) };
            match pause {
                None => tokio::select! {
                    () = self.outbox.kept_more() => {}
                    _changed_or_gone = phase.changed() => {}
                },
                // A wait of our own choosing never holds up a reading just taken; one the service asked for is kept.
                Some(None) => tokio::select! {
                    () = self.clock.sleep(backoff::wait(failures, None, self.randomness.as_ref())) => {}
                    () = self.outbox.kept_more() => {}
                    _stopping_or_gone = phase.wait_for(|phase| *phase == Phase::Stopping) => {}
                },
                Some(retry_after) => tokio::select! {
                    () = self.clock.sleep(backoff::wait(failures, retry_after, self.randomness.as_ref())) => {}
                    _stopping_or_gone = phase.wait_for(|phase| *phase == Phase::Stopping) => {}
                },
            }
        }
    }

    async fn send(&self, request: Request) -> Result<usize, SendError> {
        let number = request.number;
        let result = self.exchange(&request).await;
        match &result {
            Err(SendError::NoAnswer { source, .. }) => {
                self.events.emit(&HubEvent::LinkDown { number, why: source.why() })
            }
            Err(SendError::Busy { .. }) => self.events.emit(&HubEvent::LinkDown { number, why: "busy" }),
            Err(SendError::Receipt { .. }) => {
                self.events.emit(&HubEvent::LinkDown { number, why: "receipt_malformed" })
            }
            Err(SendError::Refused { status, code, .. }) => {
                self.events.emit(&HubEvent::BatchRefused { number, status: *status, code: *code });
            }
            Err(
                SendError::Outbox(_)
                | SendError::Sign(_)
                | SendError::Json(_)
                | SendError::NotStored { .. }
                | SendError::HelloAnswer { .. }
                | SendError::Heartbeat(_),
            )
            | Ok(_) => {}
        }
        let lines = result?;
        self.settle(number, &request.readings, lines).await
    }

    /// One request and its answer: the receipt lines, each with the row it is about.
    async fn exchange(&self, request: &Request) -> Result<Vec<(Row, ReceiptLine)>, SendError> {
        let (number, at) = (request.number, self.clock.now());
        let readings: Vec<&wire::v1::Reading> = request.readings.iter().map(|waiting| &waiting.reading).collect();
        let count = readings.len();
        let batch = Batch { made_at: wire::v1::moment(at), lane: request.lane, readings };
        let packed = self.pack(serde_json::to_vec(&batch).map_err(SendError::Json)?);
        self.events.emit(&HubEvent::BatchSent {
            number,
            lane: request.lane,
            readings: count,
            reading_ids: batch.readings.iter().filter_map(|reading| ReadingId::parse(&reading.id).ok()).collect(),
            bytes: packed.body.len(),
            request_line: format!("POST {BATCHES_PATH}"),
            digest: packed.digest.clone(),
        });
        let is_packed = packed.is_packed();
        let answer = self.deliver(BATCHES_PATH, number, packed, at).await?;
        match answer.status {
            200 => {
                receipt::read(&answer.body, &request.readings).map_err(|source| SendError::Receipt { number, source })
            }
            _ => Err(self.refused(number, count, &answer, is_packed)),
        }
    }

    fn pack(&self, json: Vec<u8>) -> Packed {
        Packed::of(json, self.unpacks.load(Ordering::Relaxed))
    }

    /// Signs a body, sends it, and brings back the answer.
    async fn deliver(
        &self,
        path: &'static str,
        number: RequestNumber,
        packed: Packed,
        at: DateTime<Utc>,
    ) -> Result<Answer, SendError> {
        let Packed { body, encoding, digest } = packed;
        let signed =
            Signed { method: "POST", path, content_type: JSON, content_encoding: encoding, content_digest: &digest };
        let headers = sign::sign(signed, &self.hub, number, &self.key, at)?;
        let outgoing = Outgoing {
            path,
            content_encoding: encoding,
            content_digest: &digest,
            signature_input: &headers.signature_input,
            signature: &headers.signature,
            body,
        };
        let answer = self.post.post(outgoing).await;
        self.tell_of_trust(answer.as_ref().err());
        answer.map_err(|source| SendError::NoAnswer { number, source })
    }

    /// Says once that the service is not known by what it shows, and once that it is again.
    fn tell_of_trust(&self, error: Option<&NoAnswer>) {
        let now = match error {
            None => None,
            Some(NoAnswer::NotTrusted(why)) => Some(*why),
            // Nothing was heard of its certificate.
            Some(_) => return,
        };
        let before = std::mem::replace(&mut *self.not_trusted.lock().unwrap_or_else(PoisonError::into_inner), now);
        match now {
            Some(why) if before != now => self.events.emit(&HubEvent::ServiceNotTrusted { why: why.why() }),
            None if before.is_some() => self.events.emit(&HubEvent::ServiceTrustedAgain),
            Some(_) | None => {}
        }
    }

    /// What an answer that is not a receipt means. Retry or not is in the code; without one, in the status.
    fn refused(&self, number: RequestNumber, readings: usize, answer: &Answer, was_packed: bool) -> SendError {
        let status = answer.status;
        let problem: Option<Problem> = serde_json::from_slice(&answer.body).ok();
        let code = problem.and_then(|problem| ErrorCode::from_code(&problem.code));
        let is_later =
            code.map_or(matches!(status, 408 | 425 | 429 | 500..), |code| code.meaning().retry == Retry::Later);
        if was_packed && code == Some(ErrorCode::EncodingNotSupported) {
            // A service of before it unpacked: from now on nothing is packed.
            self.unpacks.store(false, Ordering::Relaxed);
            return SendError::Busy { number, status, retry_after: None };
        }
        if status == 413 && readings > 1 {
            // The service takes smaller batches than we thought: halve them from now on.
            self.readings_max.store(readings / 2, Ordering::Relaxed);
            return SendError::Busy { number, status, retry_after: None };
        }
        if is_later {
            SendError::Busy { number, status, retry_after: answer.retry_after }
        } else {
            SendError::Refused { number, status, code }
        }
    }

    /// Stores the receipt, then tells: nothing is said of a reading before its receipt is on the disk.
    async fn settle(
        &self,
        number: RequestNumber,
        sent: &[Waiting],
        lines: Vec<(Row, ReceiptLine)>,
    ) -> Result<usize, SendError> {
        let at = self.clock.now();
        let paired = sent.iter().zip(lines);
        let (settled, waiting_on): (Vec<_>, Vec<_>) = paired.partition(|(_, (_, line))| line.is_settled());
        self.outbox.settle(settled.iter().map(|(_, settled)| settled.clone()).collect(), at).await?;
        self.events.emit(&HubEvent::ReceiptReceived { number, readings: settled.len() });
        for (_, (_, line)) in &settled {
            if let Ok(reading_id) = ReadingId::parse(&line.id) {
                let code = line.code.as_deref().and_then(ErrorCode::from_code);
                self.events.emit(&HubEvent::ReadingSettled { reading_id, outcome: line.outcome, code });
            }
        }
        let count = settled.len();
        let told: Vec<(&Waiting, ReceiptLine)> =
            settled.into_iter().map(|(waiting, (_, line))| (waiting, line)).collect();
        self.tell(&told, at).await?;
        if waiting_on.is_empty() {
            return Ok(count);
        }
        self.events.emit(&HubEvent::LinkDown { number, why: "not_stored" });
        Err(SendError::NotStored { number, readings: waiting_on.len() })
    }
}

#[cfg(test)]
#[path = "uplink_tests.rs"]
mod tests;
