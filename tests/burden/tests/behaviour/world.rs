//! Tiny worlds, made by hand.

use burden::{
    calendar::Calendar,
    cohort::{Due, Kind, Label, Stratum, Visible},
    judge::{Clause, Known, Someone, World},
    lines::{Alert, Fate, Priority, Prompt, Stream, Touch},
    parameters::Class,
    thresholds::{Lane, Listed},
};

/// Seconds of an hour and a day.
pub(crate) const HOUR: i64 = 3600;
pub(crate) const DAY: i64 = 24 * HOUR;

/// The first second of the world's calendar, a Monday; hours are counted from it.
pub(crate) fn at(hours: i64) -> i64 {
    Calendar::new(30).start(0) + hours * HOUR
}

/// Two people with heart failure, thirty days, nothing due and nothing happening.
pub(crate) fn world() -> World {
    let someone = || Someone { stratum: Stratum::HeartFailure, subgroups: Vec::new() };
    let listed = |lane, causes: &[&str]| Listed { lane, causes: causes.iter().map(|cause| (*cause).into()).collect() };
    World {
        people: vec![someone(), someone()],
        readings: Vec::new(),
        labels: Vec::new(),
        due: Vec::new(),
        calendar: Calendar::new(30),
        days: 30,
        listed: [
            ("r/fluid".into(), listed(Lane::Clinical, &["fluid"])),
            ("r/other".into(), listed(Lane::Clinical, &["other"])),
            ("r/call".into(), listed(Lane::Welfare, &[])),
        ]
        .into(),
        minutes: Touch::ALL.into_iter().map(|touch| (touch, 2_000)).collect(),
        without: None,
    }
}

/// A reading taken and received at an hour; gives back its place.
pub(crate) fn reading(world: &mut World, person: u32, taken: i64, arrived: i64) -> u32 {
    let known = Known { person, kind: Kind::Weight, taken: at(taken), arrived: at(arrived), is_red: false };
    world.readings.push(known);
    u32::try_from(world.readings.len() - 1).unwrap()
}

/// An episode of `fluid` from an hour on, first seen in a reading, and useful for so many hours after it.
pub(crate) fn episode(world: &mut World, class: Class, person: u32, onset: i64, seen_in: u32, useful: i64) {
    let seen = world.readings[usize::try_from(seen_in).unwrap()];
    let first_visible = Some(Visible {
        reading: seen_in,
        taken: seen.taken,
        arrived: seen.arrived,
        latest_useful: seen.arrived + useful * HOUR,
    });
    let (onset, ends) = (at(onset), at(onset) + 2 * DAY);
    world.labels.push(Label { person, cause: "fluid".into(), class, onset, ends, first_visible });
}

/// An alert of `r/fluid`, of medium priority, raised at an hour on this evidence and taken two hours later.
pub(crate) fn alert(person: u32, raised: i64, evidence: &[u32]) -> Alert {
    Alert {
        person,
        rule: "r/fluid".into(),
        priority: Priority::Medium,
        raised_at: at(raised),
        cleared_at: None,
        taken_at: Some(at(raised + 2)),
        late: false,
        evidence: evidence.iter().copied().map(Some).collect(),
        fate: Fate::Shown,
        again: Vec::new(),
    }
}

/// A stream of alerts alone.
pub(crate) fn stream(alerts: impl Into<Vec<Alert>>) -> Stream {
    Stream { alerts: alerts.into(), ..Stream::default() }
}

/// An instruction of high priority at an hour.
pub(crate) fn prompt(person: u32, hour: i64) -> Prompt {
    Prompt { person, at: at(hour), priority: Priority::High, says_999: true }
}

/// A weight is due on a day.
pub(crate) fn due(world: &mut World, person: u32, day: i64) {
    world.due.push(Due { person, kind: Kind::Weight, day, times: 1 });
}

/// The same world, judged without a clause.
pub(crate) fn without(world: &World, clause: Clause) -> World {
    World { without: Some(clause), ..world.clone() }
}
