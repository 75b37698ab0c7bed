//! The one form of every refusal: a stable code and a safe sentence.

use crate::store::{ApplyError, ReadError};
use actix_web::{
    HttpResponse, ResponseError,
    http::{StatusCode, header},
};
use std::fmt;
use vitals::{ErrorCode, error_code::Retry, wire::v1::Problem};

/// How long a caller should wait before trying again, in seconds: long enough for a queue of the largest size to empty.
pub(crate) const RETRY_AFTER_SECS: u64 = 5;

/// A request refused whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal(ErrorCode);

impl Refusal {
    /// A refusal with this code.
    #[must_use]
    pub fn new(code: ErrorCode) -> Self {
        Self(code)
    }

    /// The code.
    #[must_use]
    pub fn code(self) -> ErrorCode {
        self.0
    }

    /// The answer: status, code and sentence, and when to try again.
    #[must_use]
    pub fn response(self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status_code());
        if self.0.meaning().retry == Retry::Later && self.status_code().is_server_error() {
            response.insert_header((header::RETRY_AFTER, RETRY_AFTER_SECS.to_string()));
        }
        response.insert_header((header::CACHE_CONTROL, "no-store")).json(Problem::new(self.0))
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.code())
    }
}

impl ResponseError for Refusal {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.0.meaning().status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        self.response()
    }
}

impl From<ErrorCode> for Refusal {
    fn from(code: ErrorCode) -> Self {
        Self(code)
    }
}

impl From<&ApplyError> for Refusal {
    fn from(error: &ApplyError) -> Self {
        use rules::Refused;
        Self(match error {
            ApplyError::Denied(_) => ErrorCode::NotAllowed,
            ApplyError::Refused(Refused::AlreadyAcknowledged { .. }) => ErrorCode::AlertAlreadyAcknowledged,
            ApplyError::Refused(Refused::NotRaised) => ErrorCode::AlertNotRaised,
            ApplyError::Refused(Refused::NotOpen) => ErrorCode::AlertNotFound,
            ApplyError::Replayed => ErrorCode::RequestReplayed,
            ApplyError::Busy => ErrorCode::ServiceBusy,
            ApplyError::Unavailable(_) => ErrorCode::StoreUnavailable,
        })
    }
}

impl From<ReadError> for Refusal {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Denied(_) => Self(ErrorCode::NotAllowed),
            ReadError::Unavailable(why) => {
                tracing::error!(why, "Could not read from the store.");
                Self(ErrorCode::StoreUnavailable)
            }
            ReadError::Damaged { table, row } => {
                tracing::error!(table, row, "Row {row} of {table} is damaged; it was not shown.");
                Self(ErrorCode::StoreUnavailable)
            }
        }
    }
}
