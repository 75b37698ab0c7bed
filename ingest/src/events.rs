//! What the service says about itself: named events that log and count together (see [`crate::metrics`]).
//!
//! Invariant: no event holds a name, a value, a message's words, a key or a body; ids, codes and counts only.

use crate::{
    http::LinkKind,
    store::{Committed, Outcome, ReadingOutcome, evidence::BadRow},
};
use chrono::{DateTime, Utc};
use rules::{Alert, Audience, Channel, Condition, Verdict, Why, Workflow};
use std::{net::SocketAddr, time::Duration};
use tracing::{debug, error, info, warn};
use vitals::{
    AlertId, ErrorCode, HubId, JobId, PatientId, ReadingId,
    id::{RecordId, StaffId},
    wire::announced::Fingerprint,
    wire::signing::RequestNumber,
    wire::v1::Urgency,
};

/// Where events go. The log by default; the demo and the tests pass their own.
pub trait Events: Send + Sync {
    /// Takes one event. Never blocks for long.
    fn emit(&self, event: &ServiceEvent);
}

/// One thing that happened in the service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServiceEvent {
    /// The service listens.
    Started {
        /// Where.
        address: SocketAddr,
    },
    /// Another certificate is shown, or another is to follow.
    CertificateTaken {
        /// The one that is shown.
        in_use: Fingerprint,
        /// The one that will follow, where that is known.
        next: Option<Fingerprint>,
    },
    /// The files of the certificate have changed and cannot be used: what was shown before is shown on.
    CertificateNotTaken {
        /// Why.
        why: String,
    },
    /// A hub's signed request was verified.
    BatchReceived {
        /// The hub.
        hub: HubId,
        /// The request's number.
        number: RequestNumber,
        /// How many readings it holds.
        readings: usize,
        /// How many bytes its body has.
        bytes: usize,
        /// The digest of its body, as sent.
        digest: String,
    },
    /// What a batch holds is committed and synced.
    BatchCommitted {
        /// The hub.
        hub: HubId,
        /// The request's number.
        number: RequestNumber,
        /// How long it took, from handing it to the store.
        took: Duration,
    },
    /// Rules judged the readings of a slice.
    RulesEvaluated {
        /// How many.
        rules: u32,
    },
    /// A hub that said hello before has been silent for two minutes.
    HubSilent {
        /// The hub.
        hub: HubId,
    },
    /// A hub that was silent is heard again.
    HubHeardAgain {
        /// The hub.
        hub: HubId,
    },
    /// A hub says that it hears nothing over one of its links.
    HubDeaf {
        /// The hub.
        hub: HubId,
        /// The link.
        link: LinkKind,
    },
    /// A hub hears over a link again.
    HubHears {
        /// The hub.
        hub: HubId,
        /// The link.
        link: LinkKind,
    },
    /// A hub returned a chain head that the store never gave: the store was rolled back or changed.
    WitnessDisagrees {
        /// The hub.
        hub: HubId,
        /// Whose chain.
        patient: PatientId,
    },
    /// A row of the store is not as it was written.
    RowDamaged {
        /// Which, and how.
        bad: BadRow,
    },
    /// A damaged entry is marked: what is sound is shown beside it, and its readings are asked for again.
    EntryMarked {
        /// Which.
        entry: u64,
    },
    /// The whole store was looked at once more.
    ScrubbedOnce,
    /// The root over all chains was signed.
    RootSigned {
        /// Which root.
        n: u64,
        /// The newest entry it covers.
        entries: u64,
        /// How many chains.
        chains: u64,
    },
    /// A request was refused whole.
    RequestRefused {
        /// Why.
        code: ErrorCode,
    },
    /// A reading was refused and kept for inspection.
    ReadingRefused {
        /// The hub that sent it.
        hub: HubId,
        /// Why.
        code: ErrorCode,
    },
    /// A reading is committed with its verdict: stage 8.
    ReadingCommitted {
        /// The reading.
        reading: ReadingId,
        /// Whether it was too old to act on when it arrived.
        late: bool,
        /// Whether the rules judged it.
        is_judged: bool,
        /// Whether the person is told something.
        has_prompt: bool,
    },
    /// A reading is committed for nobody yet.
    ReadingUnassigned {
        /// The reading.
        reading: ReadingId,
    },
    /// A reading was stored before.
    ReadingDuplicate {
        /// The reading.
        reading: ReadingId,
    },
    /// A reading was stored before with other contents.
    ReadingConflict {
        /// The reading.
        reading: ReadingId,
    },
    /// Somebody opened a person's record in an emergency: the privacy officer looks into it.
    EmergencyTaken {
        /// The emergency access.
        emergency: RecordId,
        /// Who.
        staff: StaffId,
        /// Whose record.
        patient: PatientId,
        /// Until when.
        until: DateTime<Utc>,
    },
    /// An alert is new or changed.
    AlertChanged {
        /// The alert.
        alert: AlertId,
        /// How urgent.
        urgency: Urgency,
        /// How it now stands.
        stage: AlertStage,
    },
    /// A channel accepted a notification: stage 10.
    NotificationSent {
        /// The notification.
        job: JobId,
        /// The alert.
        alert: AlertId,
        /// Down which channel.
        channel: Channel,
        /// Why.
        why: Why,
    },
    /// A channel did not accept a notification; it is tried again.
    NotificationFailed {
        /// The notification.
        job: JobId,
        /// Down which channel.
        channel: Channel,
    },
    /// A background task could not do its work this time; it tries again.
    TaskFailed {
        /// Which.
        task: &'static str,
        /// Why, without personal data.
        why: String,
    },
    /// The store cannot be written any more: the service ends.
    StoreFailed,
    /// The service has stopped, in order.
    Stopped {
        /// Whether every part ended within its time.
        in_time: bool,
    },
}

/// How an alert stands: its two machines as one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AlertStage {
    /// A repeat measurement is awaited; no member of staff has been told.
    AwaitsRepeat,
    /// Raised; nobody has been told yet.
    Raised,
    /// Somebody has been told.
    Notified,
    /// Somebody has taken it.
    Acknowledged,
    /// The readings no longer show it.
    Cleared,
    /// Its protocol is on trial: nobody is told, whatever comes of it.
    OnTrial,
}

impl AlertStage {
    /// How an alert stands.
    #[must_use]
    pub fn of(alert: &Alert) -> Self {
        match (alert.condition, &alert.workflow) {
            _ if alert.audience == Audience::Nobody => Self::OnTrial,
            (Condition::Cleared(_), _) => Self::Cleared,
            (Condition::Pending, _) => Self::AwaitsRepeat,
            (Condition::Active, Workflow::Raised) => Self::Raised,
            (Condition::Active, Workflow::Notified { .. }) => Self::Notified,
            (Condition::Active, Workflow::Acknowledged { .. }) => Self::Acknowledged,
        }
    }

    /// The stable name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::AwaitsRepeat => "awaits_repeat",
            Self::Raised => "raised",
            Self::Notified => "notified",
            Self::Acknowledged => "acknowledged",
            Self::Cleared => "cleared",
            Self::OnTrial => "on_trial",
        }
    }
}

/// Says what a commit came to.
pub fn emit_committed(events: &dyn Events, outcome: &Committed<Outcome>) {
    for reading in &outcome.get().readings {
        events.emit(&match reading {
            ReadingOutcome::Stored { id, verdict } => match verdict {
                Verdict::Evaluated { late, prompts, .. } => ServiceEvent::ReadingCommitted {
                    reading: *id,
                    late: *late,
                    is_judged: true,
                    has_prompt: !prompts.is_empty(),
                },
                Verdict::Unevaluated { .. } => {
                    ServiceEvent::ReadingCommitted { reading: *id, late: false, is_judged: false, has_prompt: false }
                }
            },
            ReadingOutcome::Unassigned { id } => ServiceEvent::ReadingUnassigned { reading: *id },
            // It was stored before, as far as anybody may still know.
            ReadingOutcome::Duplicate { id, .. } | ReadingOutcome::Erased { id } => {
                ServiceEvent::ReadingDuplicate { reading: *id }
            }
            ReadingOutcome::Conflict { id } => ServiceEvent::ReadingConflict { reading: *id },
        });
    }
    if outcome.get().evaluated > 0 {
        events.emit(&ServiceEvent::RulesEvaluated { rules: outcome.get().evaluated });
    }
    for alert in &outcome.get().alerts {
        events.emit(&ServiceEvent::AlertChanged {
            alert: alert.id,
            urgency: alert.urgency,
            stage: AlertStage::of(alert),
        });
    }
}

/// Events as log lines.
///
/// What is said of every single reading is at `debug`, for whoever looks for one: its line would take as much of the disk as
/// the reading itself. Each request has one line, and the metrics count.
#[derive(Debug, Clone, Copy, Default)]
pub struct LogEvents;

impl Events for LogEvents {
    fn emit(&self, event: &ServiceEvent) {
        match event {
            ServiceEvent::Started { address } => info!(%address, "The service listens on {address}."),
            ServiceEvent::CertificateTaken { in_use, next } => {
                let next = next.map_or_else(|| "none".to_owned(), |next| next.to_string());
                info!(tls.fingerprint = %in_use, tls.next = next, "The service shows the certificate {in_use}; the next one is {next}.");
            }
            ServiceEvent::CertificateNotTaken { why } => {
                error!(
                    why,
                    "The certificate's files have changed and cannot be used ({why}); the one before is shown on."
                );
            }
            ServiceEvent::BatchReceived { hub, number, readings, bytes, digest } => {
                info!(hub.id = %hub, request.number = %number, readings, body.bytes = bytes, %digest, "Request {number} of {hub}: POST /v1/batches, {readings} readings, {digest}.");
            }
            ServiceEvent::BatchCommitted { hub, number, took } => {
                debug!(hub.id = %hub, request.number = %number, took_micros = took.as_micros(), "Committed request {number} of {hub}.")
            }
            ServiceEvent::RulesEvaluated { rules } => debug!(rules, "Rules judged the readings of a slice."),
            ServiceEvent::HubSilent { hub } => warn!(hub.id = %hub, "{hub} has not been heard for two minutes."),
            ServiceEvent::HubHeardAgain { hub } => info!(hub.id = %hub, "{hub} is heard again."),
            ServiceEvent::HubDeaf { hub, link } => {
                warn!(hub.id = %hub, link = link.name(), "{hub} hears nothing over {}.", link.name())
            }
            ServiceEvent::HubHears { hub, link } => {
                info!(hub.id = %hub, link = link.name(), "{hub} hears over {} again.", link.name())
            }
            ServiceEvent::WitnessDisagrees { hub, patient } => {
                error!(hub.id = %hub, patient.id = %patient, "{hub} returned a head of {patient}'s chain that this store never gave: the store was rolled back or changed. Someone must look.")
            }
            ServiceEvent::RowDamaged { bad } => {
                error!(table = bad.table, row = bad.row, "Damage in the store: {bad}.")
            }
            ServiceEvent::EntryMarked { entry } => {
                error!(
                    entry,
                    "Entry {entry} is marked as damaged. Everything else is shown, and the hubs are asked for its readings again."
                )
            }
            ServiceEvent::ScrubbedOnce => debug!("The whole store was looked at once more."),
            ServiceEvent::RootSigned { n, entries, chains } => {
                info!(root = n, entries, chains, "Signed root {n} over {chains} chains up to entry {entries}.")
            }
            ServiceEvent::RequestRefused { code } => warn!(code = code.code(), "Refused a request: {}.", code.code()),
            ServiceEvent::ReadingRefused { hub, code } => {
                warn!(hub.id = %hub, code = code.code(), "Refused a reading of {hub} and kept it: {}.", code.code())
            }
            ServiceEvent::ReadingCommitted { reading, late, is_judged: true, .. } => {
                debug!(reading.id = %reading, late, "Committed reading {reading}.")
            }
            ServiceEvent::ReadingCommitted { reading, is_judged: false, .. } => {
                error!(reading.id = %reading, "Committed reading {reading}, which no rule could judge.")
            }
            ServiceEvent::ReadingUnassigned { reading } => {
                debug!(reading.id = %reading, "Committed reading {reading} for nobody yet.")
            }
            ServiceEvent::ReadingDuplicate { reading } => {
                debug!(reading.id = %reading, "Reading {reading} was stored before.")
            }
            ServiceEvent::ReadingConflict { reading } => {
                warn!(reading.id = %reading, "Reading {reading} was stored before with other contents; both are kept.")
            }
            ServiceEvent::EmergencyTaken { emergency, staff, patient, until } => {
                warn!(emergency.id = %emergency, staff.id = %staff, patient.id = %patient, %until, "{staff} took emergency access {emergency} to the record of {patient} until {until}. The privacy officer must look into it.")
            }
            ServiceEvent::AlertChanged { alert, urgency, stage } => {
                info!(alert.id = %alert, ?urgency, stage = stage.name(), "Alert {alert} is now {}.", stage.name())
            }
            ServiceEvent::NotificationSent { job, alert, channel, why } => {
                info!(job.id = %job, alert.id = %alert, channel = channel.name(), why = why.name(), "Told staff of alert {alert} by {}.", channel.name());
            }
            ServiceEvent::NotificationFailed { job, channel } => {
                warn!(job.id = %job, channel = channel.name(), "Could not tell staff by {}; trying again.", channel.name())
            }
            ServiceEvent::TaskFailed { task, why } => {
                warn!(task, why, "The {task} task could not do its work; it tries again.")
            }
            ServiceEvent::StoreFailed => error!("The store cannot be written any more; the service ends."),
            ServiceEvent::Stopped { in_time: true } => info!("The service has stopped."),
            ServiceEvent::Stopped { in_time: false } => {
                warn!("The service has stopped; some parts did not end in time.")
            }
        }
    }
}
