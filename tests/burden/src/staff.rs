//! When staff take an alert: one model for everybody who is compared, so that nobody gains by it.

use crate::{calendar::Calendar, lines::Priority};

/// Seconds until somebody takes an alert of high priority, at any hour: the limit for an E episode.
const HIGH: i64 = 15 * 60;

/// Seconds until somebody takes one of medium priority, counted while the team looks (2 hours; ladder of the alert's life).
const MEDIUM: i64 = 2 * 3600;

/// When an alert raised at a moment is taken. One of low priority is taken when the service day ends.
#[must_use]
pub fn taken_at(priority: Priority, raised_at: i64, calendar: &Calendar) -> i64 {
    match priority {
        Priority::High => raised_at + HIGH,
        Priority::Medium => calendar.team_looks(raised_at) + MEDIUM,
        Priority::Low => calendar.service_day_ends(raised_at),
    }
}
