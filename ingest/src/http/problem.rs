//! The one form of every refusal: a stable code and a safe sentence.

use super::{Shared, pace::Wait};
use crate::{
    pages,
    store::{ApplyError, ReadError},
};
use actix_web::{
    HttpRequest, HttpResponse, ResponseError,
    http::{StatusCode, header},
    web,
};
use register::NotInOrder;
use std::{
    fmt,
    hash::{DefaultHasher, Hash, Hasher},
};
use vitals::{
    ErrorCode, HubId,
    error_code::Retry,
    wire::{signing::RequestNumber, v1::Problem},
};

/// What a refusal is called (RFC 9457).
pub(super) const PROBLEM_TYPE: &str = "application/problem+json";

/// How long a caller should wait before trying again, in seconds: long enough for a queue of the largest size to empty.
pub(crate) const RETRY_AFTER_SECS: u64 = 5;

/// The same for what a hub held back: it has waited before, and live readings go first.
const RETRY_AFTER_SECS_BACKFILL: u64 = 30;

/// Hubs that were refused together are told times spread over this many times the shortest, so that they do not return
/// together.
const SPREAD: u64 = 2;

/// A request refused whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    code: ErrorCode,
    retry_after_secs: u64,
    detail: Option<String>,
}

impl Refusal {
    /// A refusal with this code.
    #[must_use]
    pub fn new(code: ErrorCode) -> Self {
        Self { code, retry_after_secs: RETRY_AFTER_SECS, detail: None }
    }

    /// Something is not in order: the answer names the field, and what it should be.
    #[must_use]
    pub(crate) fn not_in_order(detail: NotInOrder) -> Self {
        Self::new(ErrorCode::ItemNotInOrder).saying(detail.to_string())
    }

    /// The same, with what it is about: names of fields and ids, never what somebody wrote.
    #[must_use]
    pub(super) fn saying(self, detail: String) -> Self {
        Self { detail: Some(detail), ..self }
    }

    /// The same for a batch of what a hub held back.
    #[must_use]
    pub(super) fn of_backfill(self) -> Self {
        Self { retry_after_secs: RETRY_AFTER_SECS_BACKFILL, ..self }
    }

    /// The same, not before so many seconds have passed.
    #[must_use]
    pub(super) fn not_before(self, secs: u64) -> Self {
        Self { retry_after_secs: secs.max(1), ..self }
    }

    /// The same with a time to come back of this hub's and request's own.
    #[must_use]
    pub(super) fn for_hub(self, hub: &HubId, number: RequestNumber) -> Self {
        let mut hasher = DefaultHasher::new();
        (hub, number).hash(&mut hasher);
        let spread = hasher.finish() % (SPREAD * self.retry_after_secs + 1);
        Self { retry_after_secs: self.retry_after_secs + spread, ..self }
    }

    /// The code.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        self.code
    }

    /// The answer: status, code and sentence, and when to try again.
    #[must_use]
    pub fn response(self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status_code());
        let has_time = self.status_code().is_server_error() || self.code == ErrorCode::HubTooFast;
        if self.code.meaning().retry == Retry::Later && has_time {
            response.insert_header((header::RETRY_AFTER, self.retry_after_secs.to_string()));
        }
        response
            .insert_header((header::CACHE_CONTROL, "no-store"))
            .insert_header((header::CONTENT_TYPE, PROBLEM_TYPE))
            .json(self.problem())
    }

    fn problem(self) -> Problem {
        Problem { detail: self.detail, ..Problem::new(self.code) }
    }
}

/// The refusal of a request that no handler saw: as a page where a page was asked for, else as every refusal of the interface.
pub(super) fn unheard(code: ErrorCode, request: &HttpRequest) -> HttpResponse {
    let is_of_page = !request.path().starts_with("/v1/") && takes_pages(request);
    match request.app_data::<web::Data<Shared>>().filter(|_| is_of_page) {
        Some(shared) => pages::problem(&shared.pages, code),
        None => Refusal::new(code).response(),
    }
}

/// Whether whoever asks wants a page: a browser says so.
fn takes_pages(request: &HttpRequest) -> bool {
    let mut accepted = request.headers().get_all(header::ACCEPT).filter_map(|value| value.to_str().ok());
    accepted.any(|value| value.contains("text/html"))
}

/// The same as an error of actix's extractors.
pub(super) fn unread(code: ErrorCode, request: &HttpRequest) -> actix_web::Error {
    actix_web::error::InternalError::from_response(Refusal::new(code), unheard(code, request)).into()
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code.code())
    }
}

impl ResponseError for Refusal {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.code.meaning().status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        self.clone().response()
    }
}

impl From<ErrorCode> for Refusal {
    fn from(code: ErrorCode) -> Self {
        Self::new(code)
    }
}

impl From<Wait> for Refusal {
    fn from(Wait(secs): Wait) -> Self {
        Self::new(ErrorCode::HubTooFast).not_before(secs)
    }
}

impl From<NotInOrder> for Refusal {
    fn from(detail: NotInOrder) -> Self {
        Self::not_in_order(detail)
    }
}

impl From<&ApplyError> for Refusal {
    fn from(error: &ApplyError) -> Self {
        use rules::Refused;
        Self::new(match error {
            ApplyError::Denied(_) => ErrorCode::NotAllowed,
            ApplyError::Refused(Refused::AlreadyAcknowledged { .. }) => ErrorCode::AlertAlreadyAcknowledged,
            ApplyError::Refused(Refused::NotRaised) => ErrorCode::AlertNotRaised,
            ApplyError::Refused(Refused::NotOpen) => ErrorCode::AlertNotFound,
            ApplyError::Refused(Refused::NotCounted) => ErrorCode::ReadingNotFound,
            ApplyError::Refused(Refused::NotInError) => ErrorCode::ReadingNotInError,
            ApplyError::Refused(Refused::SettingsUnusable) => ErrorCode::CorrectionNotPossible,
            ApplyError::Replayed => ErrorCode::RequestReplayed,
            ApplyError::Stale { .. } => ErrorCode::ItemStale,
            ApplyError::Ended => ErrorCode::RecordEnded,
            ApplyError::NotInOrder(detail) => return Self::not_in_order(*detail),
            ApplyError::Plan(why) => return Self { detail: Some(why.to_string()), ..Self::new(why.code()) },
            ApplyError::Busy => ErrorCode::ServiceBusy,
            ApplyError::Unavailable(_) => ErrorCode::StoreUnavailable,
        })
    }
}

impl From<ReadError> for Refusal {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Denied(_) => Self::new(ErrorCode::NotAllowed),
            ReadError::Busy => Self::new(ErrorCode::ServiceBusy),
            ReadError::Unavailable(why) => {
                tracing::error!(why, "Could not read from the store.");
                Self::new(ErrorCode::StoreUnavailable)
            }
            ReadError::Damaged { table, row } => {
                tracing::error!(table, row, "Row {row} of {table} is damaged; it was not shown.");
                Self::new(ErrorCode::StoreUnavailable)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn hubs_refused_together_are_told_to_come_back_apart_and_backfill_later_than_live() {
        let told = |refusal: Refusal| -> BTreeSet<u64> {
            let number = RequestNumber { epoch: 1, sequence: 1 };
            let hubs = (0..1000).map(|hub| HubId::parse(&format!("hub-{hub}")).unwrap());
            hubs.map(|hub| refusal.clone().for_hub(&hub, number).retry_after_secs).collect()
        };
        let busy = Refusal::new(ErrorCode::ServiceBusy);
        assert_eq!(told(busy.clone()), (5..=15).collect());
        assert_eq!(told(busy.of_backfill()), (30..=90).collect());
    }
}
