//! From the worklist's structs to the words and classes its template puts in place.

use super::{
    Acknowledged, AlertRow, Away, CSRF_FIELD, EquipmentRow, EvidenceRow, NOTE_CHARS_MAX, NOTE_FIELD, Notice, Person,
    ReadingRow, RuleSource, Whose, WorklistPage, acknowledge_path,
};
use crate::{
    page::{Frame, NotRendered, render},
    time,
    words::{self, Condition, Urgency},
};
use askama::Template;
use chrono::{DateTime, Utc};
use vitals::{TakenAt, error_code::Meaning};

pub(super) fn html(page: &WorklistPage) -> Result<String, NotRendered> {
    let now = page.now;
    let (taken, waiting): (Vec<&AlertRow>, Vec<&AlertRow>) =
        page.alerts.iter().partition(|alert| alert.acknowledged.is_some());
    let (awaited, waiting): (Vec<&AlertRow>, Vec<&AlertRow>) =
        waiting.into_iter().partition(|alert| alert.condition == Condition::Pending);
    let counts = words::counts(waiting.iter().map(|alert| alert.urgency));
    let headline = if counts.is_empty() { "No alerts are waiting".to_owned() } else { counts };
    render(&Worklist {
        frame: Frame {
            title: format!("{headline} \u{2013} Worklist \u{2013} {}", page.service_name),
            service_name: &page.service_name,
            banner: page.banner.as_deref(),
            signed_in_as: Some(&page.signed_in_as),
            sign_out: page.can_sign_out.then_some(page.csrf.as_str()),
        },
        headline,
        service_hours: &page.service_hours,
        shown_at: moment(now, now),
        done: match &page.notice {
            Some(Notice::Done(sentence)) => Some(sentence),
            Some(Notice::Refused(_)) | None => None,
        },
        refused: match &page.notice {
            Some(Notice::Refused(code)) => Some(code.meaning()),
            Some(Notice::Done(_)) | None => None,
        },
        waiting: waiting.into_iter().map(|alert| card(alert, now)).collect(),
        awaited: awaited.into_iter().map(|alert| card(alert, now)).collect(),
        taken: taken.into_iter().map(|alert| card(alert, now)).collect(),
        settled: page.settled.iter().map(|alert| card(alert, now)).collect(),
        equipment: page.equipment.iter().map(|row| Equipment { row, since: moment(row.since, now) }).collect(),
        unassigned: page.unassigned.iter().map(|row| reading(row, now)).collect(),
        recent: page.recent.iter().map(|row| reading(row, now)).collect(),
        csrf: &page.csrf,
    })
}

#[derive(Template)]
#[template(path = "worklist.html")]
struct Worklist<'a> {
    frame: Frame<'a>,
    headline: String,
    service_hours: &'a str,
    shown_at: Moment,
    done: Option<&'a String>,
    refused: Option<Meaning>,
    waiting: Vec<Card<'a>>,
    awaited: Vec<Card<'a>>,
    taken: Vec<Card<'a>>,
    settled: Vec<Card<'a>>,
    equipment: Vec<Equipment<'a>>,
    unassigned: Vec<Reading<'a>>,
    recent: Vec<Reading<'a>>,
    csrf: &'a str,
}

/// A moment, for people and for machines.
struct Moment {
    words: String,
    machine: String,
}

struct Card<'a> {
    id: String,
    action: String,
    urgency: &'static str,
    class: &'static str,
    who: Who<'a>,
    away: Option<String>,
    why: &'a str,
    told: Option<&'a String>,
    waited: String,
    raised: Moment,
    taken: Moment,
    settled: Option<Moment>,
    late: Option<String>,
    state: &'static str,
    evidence: Vec<Evidence<'a>>,
    rule: &'a RuleSource,
    acknowledged: Option<Taken<'a>>,
    can_acknowledge: bool,
}

struct Who<'a> {
    name: &'a str,
    nhs_number: Option<String>,
}

struct Taken<'a> {
    by: &'a str,
    at: Moment,
    note: Option<&'a String>,
}

struct Evidence<'a> {
    kind: &'static str,
    value: String,
    details: String,
    taken: Moment,
    by_hub_clock: bool,
    device: &'a str,
}

struct Reading<'a> {
    who: Option<Who<'a>>,
    why_nobody: Option<&'static str>,
    kind: &'static str,
    value: String,
    details: String,
    noticed: String,
    has_value: bool,
    taken: Moment,
    by_hub_clock: bool,
    reached: Moment,
    late: Option<String>,
    device: &'a str,
}

struct Equipment<'a> {
    row: &'a EquipmentRow,
    since: Moment,
}

fn moment(moment: DateTime<Utc>, at: DateTime<Utc>) -> Moment {
    Moment { words: time::when(moment, at), machine: time::machine(moment) }
}

/// What the register says of somebody who is not at home as usual.
fn away(away: Away) -> String {
    match away {
        Away::Admitted(on) => format!("Recorded as in hospital since {}.", time::day(on)),
        Away::Moved(on) => format!("Recorded as moved away on {}.", time::day(on)),
        Away::Deceased(on) => format!("Recorded as deceased on {}.", time::day(on)),
    }
}

fn card(alert: &AlertRow, now: DateTime<Utc>) -> Card<'_> {
    Card {
        id: alert.id.to_string(),
        action: acknowledge_path(alert.id),
        urgency: alert.urgency.words(),
        class: match alert.urgency {
            Urgency::ActNow => "act-now",
            Urgency::CheckAgain => "check-again",
            Urgency::AsPlanned => "as-planned",
        },
        who: who(&alert.person),
        away: alert.away.map(away),
        why: &alert.why,
        told: alert.told.as_ref(),
        waited: time::waited(alert.raised_at, now),
        raised: moment(alert.raised_at, now),
        taken: moment(alert.taken_at, now),
        settled: alert.settled_at.map(|at| moment(at, now)),
        late: alert.late.then(|| time::late_line(alert.taken_at, alert.reached_at)),
        state: words::state(alert.condition, alert.workflow),
        evidence: alert.evidence.iter().map(|row| evidence(row, now)).collect(),
        rule: &alert.rule,
        acknowledged: alert.acknowledged.as_ref().map(|taken| acknowledged(taken, now)),
        can_acknowledge: alert.can_acknowledge && alert.acknowledged.is_none(),
    }
}

fn who(person: &Person) -> Who<'_> {
    Who { name: &person.name, nhs_number: person.nhs_number.map(vitals::NhsNumber::spaced) }
}

fn acknowledged(taken: &Acknowledged, now: DateTime<Utc>) -> Taken<'_> {
    Taken { by: &taken.by, at: moment(taken.at, now), note: taken.note.as_ref().filter(|note| !note.trim().is_empty()) }
}

fn evidence(row: &EvidenceRow, now: DateTime<Utc>) -> Evidence<'_> {
    Evidence {
        kind: words::kind(row.kind),
        value: words::value(&row.value),
        details: row.value.measured().map(words::details).unwrap_or_default().join(", "),
        taken: moment(row.taken.moment(), now),
        by_hub_clock: matches!(row.taken, TakenAt::HubClock(_)),
        device: &row.device,
    }
}

fn reading(row: &ReadingRow, now: DateTime<Utc>) -> Reading<'_> {
    let (who, why_nobody) = match &row.whose {
        Whose::Person(person) => (Some(who(person)), None),
        Whose::Nobody(why) => (None, Some(words::unassigned(*why))),
    };
    // Lateness has its own line and the clock that was used its own words, so neither is said twice.
    let noticed: Vec<&str> =
        row.quality.flags().filter(|&flag| flag != vitals::Flag::ArrivedLate).map(words::flag).collect();
    Reading {
        who,
        why_nobody,
        kind: words::kind(row.kind),
        value: words::value(&row.value),
        details: row.value.measured().map(words::details).unwrap_or_default().join(", "),
        noticed: noticed.join(", "),
        has_value: row.value.measured().is_some(),
        taken: moment(row.taken.moment(), now),
        by_hub_clock: matches!(row.taken, TakenAt::HubClock(_)),
        reached: moment(row.reached_at, now),
        late: row.late.then(|| time::late_line(row.taken.moment(), row.reached_at)),
        device: &row.device,
    }
}
