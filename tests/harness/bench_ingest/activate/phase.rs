//! Readings at an even pace for a while, of which every eighth opens an alert; and when each alert was acknowledged to the hub
//! and told to staff.

use super::super::{
    client::{Lines, Pace},
    ours::{MANY_CONNECTIONS, is_all_stored, now},
    request::{Encoding, write_all},
    server::Server,
    stats::{Spread, real},
    world::{Draft, World},
};
use crate::{
    clock::wait_until,
    trouble::{Doing, Trouble},
    webhook::WebhookListener,
};
use chrono::{DateTime, Utc};
use rules::{ActivePack, Channel, Event, PatientState, Plan, decide};
use serde::Deserialize;
use std::{
    collections::{BTreeSet, HashMap},
    fmt,
    time::{Duration, Instant},
};
use vitals::{
    Admitted, PatientId, Who,
    wire::v1::{Receipt, Verdict},
};

/// One reading in so many opens an alert.
const ONE_ALERT_IN: usize = 8;

/// How long the last alert may take to be told before the run is void: far longer than the target.
const TOLD_WITHIN: Duration = Duration::from_secs(60);

/// The stream of readings on its way into the service.
pub(super) struct Stream<'a> {
    server: &'a Server,
    world: &'a mut World,
    webhook: &'a WebhookListener,
    plan: Plan,
    rate: f64,
    /// Who has an alert already.
    alerted: BTreeSet<PatientId>,
}

/// What one phase came to.
#[derive(Debug, Clone)]
pub(super) struct Phase {
    pub(super) readings: usize,
    pub(super) alerts: usize,
    /// From when a reading that opens an alert was due to its receipt, which names the alert: then it is on the worklist.
    pub(super) shown: Spread,
    /// From when it was due to the notification.
    pub(super) told: Spread,
    /// Rules evaluated for a reading, by the service's own count.
    pub(super) rules_a_reading: f64,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} readings, {} alerts, told after {:.1} ms at p99",
            self.readings,
            self.alerts,
            self.told.micros(99) / 1e3
        )
    }
}

/// What a reading by itself makes of somebody of whom nothing is known.
struct Opens {
    whose: PatientId,
    alert: Option<String>,
}

impl<'a> Stream<'a> {
    /// Sends one reading of each device, so that everybody has a state, and takes note of who has an alert since.
    pub(super) fn start(
        server: &'a Server,
        world: &'a mut World,
        webhook: &'a WebhookListener,
        in_force: &ActivePack,
        rate: f64,
    ) -> Result<Self, Trouble> {
        let plan = Plan::new(vec![in_force.clone()], vec![Channel::Webhook]).doing("put the protocol in force")?;
        let mut stream = Self { server, world, webhook, plan, rate, alerted: BTreeSet::new() };
        let drafts = stream.world.one_of_each(now())?;
        for draft in &drafts {
            for opens in stream.opens(draft)? {
                if opens.alert.is_some() {
                    stream.alerted.insert(opens.whose);
                }
            }
        }
        let written = write_all(stream.world, &drafts, Encoding::Identity)?;
        let lines = Lines::connect(server.address(), MANY_CONNECTIONS)?;
        lines.send(&written, Pace::AsFastAsAnswered(Duration::MAX))?;
        Ok(stream)
    }

    /// What each reading of a request makes of its person.
    fn opens(&self, draft: &Draft) -> Result<Vec<Opens>, Trouble> {
        let at = draft.made_at;
        let of = |reading: &vitals::Reading| {
            let Who::Patient(whose) = reading.who.clone() else {
                return Err(Trouble::new("find whose a reading is", "it is nobody's"));
            };
            let hub = draft.hub.clone();
            let admitted = Admitted { reading: reading.clone(), hub, sent_at: at, server_received: at };
            let before = PatientState::new(whose.clone());
            let decided = decide(&self.plan, &before, &[Event::Reading(Box::new(admitted))], at);
            Ok(Opens { whose, alert: decided.jobs.first().map(|job| job.alert.to_string()) })
        };
        draft.readings.iter().map(of).collect()
    }

    /// Requests of one reading each: every eighth opens an alert of somebody who has none, and no other opens any.
    fn drafts(&mut self, count: usize) -> Result<(Vec<Draft>, HashMap<usize, String>), Trouble> {
        let at: DateTime<Utc> = now();
        let (mut drafts, mut expected) = (Vec::with_capacity(count), HashMap::new());
        let (mut quiet, mut alarming) = (Vec::new(), Vec::new());
        while drafts.len() < count {
            for draft in self.world.drafts(count, 1, at)? {
                match self.opens(&draft)?.pop() {
                    Some(Opens { alert: None, .. }) => quiet.push(draft),
                    Some(Opens { whose, alert: Some(alert) }) if self.alerted.insert(whose.clone()) => {
                        alarming.push((draft, alert));
                    }
                    Some(_) | None => {}
                }
            }
            while drafts.len() < count {
                let next = if drafts.len() % ONE_ALERT_IN == 0 {
                    alarming.pop().map(|(draft, alert)| {
                        expected.insert(drafts.len(), alert);
                        draft
                    })
                } else {
                    quiet.pop()
                };
                let Some(draft) = next else { break };
                drafts.push(draft);
            }
        }
        Ok((drafts, expected))
    }

    /// Sends readings for a while, and does something else as soon as they begin.
    pub(super) fn phase(
        &mut self,
        lasts: Duration,
        meanwhile: impl FnOnce() -> Result<(), Trouble> + Send,
    ) -> Result<Phase, Trouble> {
        let count = (1_usize..).find(|count| real(*count) >= self.rate * lasts.as_secs_f64()).unwrap_or(1);
        let (drafts, expected) = self.drafts(count)?;
        let written = write_all(self.world, &drafts, Encoding::Identity)?;
        // One, because the service closes a connection on which nothing came for seconds. What waits for it counts as waiting.
        let lines = Lines::connect(self.server.address(), 1)?;
        let before = self.server.counts()?;
        let load = std::thread::scope(|scope| {
            let other = scope.spawn(meanwhile);
            let load = lines.send(&written, Pace::EverySecond(self.rate));
            other.join().map_err(|_panicked| Trouble::new("do something meanwhile", "its thread has ended"))??;
            load
        })?;
        let counts = self.server.counts()?.since(before);
        let mut due: HashMap<&str, (Instant, Duration)> = HashMap::new();
        for answered in &load.answers {
            is_all_stored(answered, 1).map_err(|why| Trouble::new("count a void run", why))?;
            if let Some(alert) = expected.get(&answered.request) {
                if !names(&answered.body, alert)? {
                    return Err(Trouble::new("count a void run", "a reading did not open the alert it must"));
                }
                due.insert(alert, (answered.from, answered.took));
            }
        }
        let told = self.told(&due)?;
        Ok(Phase {
            readings: load.answers.len(),
            alerts: due.len(),
            shown: Spread::new(due.values().map(|(_, took)| *took).collect()),
            told: Spread::new(told),
            rules_a_reading: real(counts.rules) / real(load.answers.len()),
        })
    }

    /// How long after each was due it was told, once all were.
    fn told(&self, due: &HashMap<&str, (Instant, Duration)>) -> Result<Vec<Duration>, Trouble> {
        #[derive(Deserialize)]
        struct Told {
            alert: String,
        }
        let mut told: HashMap<String, Instant> = HashMap::new();
        let waited = wait_until(TOLD_WITHIN, "staff are told of every alert", || {
            for (at, body) in self.webhook.timed_bodies() {
                if let Ok(Told { alert }) = serde_json::from_str(&body) {
                    told.entry(alert).or_insert(at);
                }
            }
            due.keys().all(|alert| told.contains_key(*alert))
        });
        waited.map_err(|late| Trouble::new("count a void run", late))?;
        let after = |(alert, (from, _)): (&&str, &(Instant, Duration))| {
            told.get(*alert).map(|at| at.saturating_duration_since(*from))
        };
        Ok(due.iter().filter_map(after).collect())
    }
}

/// Whether a receipt names an alert.
fn names(receipt: &[u8], alert: &str) -> Result<bool, Trouble> {
    let receipt: Receipt = serde_json::from_slice(receipt).doing("read a receipt")?;
    Ok(receipt.readings.iter().any(|line| match &line.verdict {
        Some(Verdict::Evaluated { alerts, .. }) => alerts.iter().any(|named| named == alert),
        Some(Verdict::Unevaluated { .. }) | None => false,
    }))
}
