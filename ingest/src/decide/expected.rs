//! What the register says is expected of somebody, as the rules hear it.

use crate::store::Care;
use register::{Status, plan::Expected};
use rules::pack::{Asked, Expectations, Pause, Times};
use std::collections::BTreeSet;

/// What is expected of somebody: what their care plan asks for, nothing while they are in hospital or on a holiday, and nothing
/// more of who has moved away or died.
pub(super) fn expected(care: &Care) -> Expectations {
    let away = match care.status {
        Status::Active => None,
        Status::Admitted(on) | Status::Moved(on) | Status::Deceased(on) => Some(Pause::of_days(on, None)),
    };
    let absences = care.plan.iter().flat_map(|plan| &plan.absences);
    let on_holiday = absences.map(|absence| Pause::of_days(absence.from, Some(absence.until)));
    let schedule = care.plan.iter().flat_map(|plan| &plan.schedule);
    Expectations {
        pauses: away.into_iter().chain(on_holiday).collect(),
        asked: schedule.map(|expected| (expected.kind, asked(expected))).collect(),
        ..Expectations::default()
    }
}

fn asked(expected: &Expected) -> Asked {
    let mut at = expected.at.clone();
    at.sort_unstable();
    at.dedup();
    Asked { times: Times { at, days: BTreeSet::new() }, every_days: expected.every_days }
}
