//! What the register says is expected of somebody, as the rules hear it.

use crate::store::Care;
use register::Status;
use rules::pack::{Asked, Expectations, Pause};

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
        asked: schedule
            .filter_map(|expected| Some((expected.kind, Asked::at(&expected.at, expected.every_days)?)))
            .collect(),
        ..Expectations::default()
    }
}
