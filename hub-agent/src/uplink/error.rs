//! Why nothing more could be sent, and whether trying again can help.

use super::{backoff, heartbeat::NotTaken, receipt::ReceiptError, send::NoAnswer, sign::SignError};
use crate::{disk::DiskError, outbox::OutboxError};
use std::time::Duration;
use thiserror::Error;
use vitals::{ErrorCode, wire::signing::RequestNumber};

/// Why there is no way to the service that could be tried.
#[derive(Debug, Error)]
pub enum NotReady {
    /// TLS cannot be set up with these settings.
    #[error(transparent)]
    Tls(#[from] NoAnswer),
    /// It cannot be read whom the hub follows.
    #[error("read which key and certificate are the service's")]
    Disk(#[from] DiskError),
}

/// Why nothing more could be sent just now. The readings wait in the outbox.
#[derive(Debug, Error)]
pub enum SendError {
    /// The outbox's disk failed: the hub must stop, because it can no longer keep its promises.
    #[error("send what is waiting")]
    Outbox(#[from] OutboxError),
    /// The request could not be signed.
    #[error("send what is waiting")]
    Sign(#[from] SignError),
    /// A batch has no JSON form; cannot happen with our types.
    #[error("write a batch as JSON")]
    Json(#[source] serde_json::Error),
    /// No answer came.
    #[error("send request {number}")]
    NoAnswer {
        /// The request.
        number: RequestNumber,
        /// Why.
        #[source]
        source: NoAnswer,
    },
    /// The service asked for patience, or made a mistake of its own.
    #[error("send request {number}: the service is not ready (status {status})")]
    Busy {
        /// The request.
        number: RequestNumber,
        /// The HTTP status.
        status: u16,
        /// How long the service asked us to wait.
        retry_after: Option<Duration>,
    },
    /// The service refused the whole request; the same bytes would be refused again.
    #[error("send request {number}: the service refused it (status {status})")]
    Refused {
        /// The request.
        number: RequestNumber,
        /// The HTTP status.
        status: u16,
        /// The code, where the answer had one we know.
        code: Option<ErrorCode>,
    },
    /// The service took the batch but could not store some of it now; those readings are offered again.
    #[error("send request {number}: the service could not store {readings} of its readings yet")]
    NotStored {
        /// The request.
        number: RequestNumber,
        /// How many readings it could not store.
        readings: usize,
    },
    /// The answer to a hello is none.
    #[error("say hello with request {number}")]
    HelloAnswer {
        /// The request.
        number: RequestNumber,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// The answer to a hello does not show the service.
    #[error("say hello")]
    Heartbeat(#[from] NotTaken),
    /// The receipt does not fit the batch.
    #[error("send request {number}")]
    Receipt {
        /// The request.
        number: RequestNumber,
        /// Why.
        #[source]
        source: ReceiptError,
    },
}

impl SendError {
    /// Whether trying again can help. Where it cannot, the hub's own disk or key is at fault.
    #[must_use]
    pub fn is_worth_a_retry(&self) -> bool {
        !matches!(self, Self::Outbox(_) | Self::Sign(_) | Self::Json(_))
    }

    pub(super) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Busy { retry_after, .. } => *retry_after,
            // Somebody must act before it can work; until then one try a minute is enough.
            Self::Refused { .. } => Some(backoff::WAIT_MAX),
            Self::Outbox(_)
            | Self::Sign(_)
            | Self::Json(_)
            | Self::NoAnswer { .. }
            | Self::NotStored { .. }
            | Self::HelloAnswer { .. }
            | Self::Heartbeat(_)
            | Self::Receipt { .. } => None,
        }
    }
}
