//! What the service says about itself: named events that log and, later, count together.
//!
//! Invariant: no event holds a name, a value, a message's words, a key or a body; ids, codes and counts only.

use crate::store::{Committed, Outcome, ReadingOutcome};
use rules::{Alert, Channel, Condition, Verdict, Why, Workflow};
use std::net::SocketAddr;
use tracing::{error, info, warn};
use vitals::{AlertId, ErrorCode, HubId, JobId, ReadingId, wire::signing::RequestNumber, wire::v1::Urgency};

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
}

impl AlertStage {
    /// How an alert stands.
    #[must_use]
    pub fn of(alert: &Alert) -> Self {
        match (alert.condition, &alert.workflow) {
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
            ReadingOutcome::Duplicate { id, .. } => ServiceEvent::ReadingDuplicate { reading: *id },
            ReadingOutcome::Conflict { id } => ServiceEvent::ReadingConflict { reading: *id },
        });
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
#[derive(Debug, Clone, Copy, Default)]
pub struct LogEvents;

impl Events for LogEvents {
    fn emit(&self, event: &ServiceEvent) {
        match event {
            ServiceEvent::Started { address } => info!(%address, "The service listens on {address}."),
            ServiceEvent::BatchReceived { hub, number, readings, bytes, digest } => {
                info!(hub.id = %hub, request.number = %number, readings, body.bytes = bytes, %digest, "Request {number} of {hub}: POST /v1/batches, {readings} readings, {digest}.");
            }
            ServiceEvent::RequestRefused { code } => warn!(code = code.code(), "Refused a request: {}.", code.code()),
            ServiceEvent::ReadingRefused { hub, code } => {
                warn!(hub.id = %hub, code = code.code(), "Refused a reading of {hub} and kept it: {}.", code.code())
            }
            ServiceEvent::ReadingCommitted { reading, late, is_judged: true, .. } => {
                info!(reading.id = %reading, late, "Committed reading {reading}.")
            }
            ServiceEvent::ReadingCommitted { reading, is_judged: false, .. } => {
                error!(reading.id = %reading, "Committed reading {reading}, which no rule could judge.")
            }
            ServiceEvent::ReadingUnassigned { reading } => {
                info!(reading.id = %reading, "Committed reading {reading} for nobody yet.")
            }
            ServiceEvent::ReadingDuplicate { reading } => {
                info!(reading.id = %reading, "Reading {reading} was stored before.")
            }
            ServiceEvent::ReadingConflict { reading } => {
                warn!(reading.id = %reading, "Reading {reading} was stored before with other contents; both are kept.")
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
