//! The checks: each reads a whole history and says what is wrong with it.

use super::history::{Moment, readings_of};
use crate::support::{CHANNELS, patient};
use chrono::{DateTime, TimeDelta, Utc};
use rules::{Alert, Audience, ClearedBecause, Condition, Event, Repeat, Verdict, Workflow, alert::EVIDENCE_MAX};
use std::collections::{BTreeMap, BTreeSet};
use vitals::{
    Admitted, ClockOffset, Decimal, Flag, JobId, Measure, NoValue, Reading, ReadingId, TakenAt, Value,
    wire::v1::{Prompt, Urgency},
};

pub(super) type Check = fn(&[Moment]) -> Result<(), String>;

pub(super) fn held(is_true: bool, why: impl FnOnce() -> String) -> Result<(), String> {
    if is_true { Ok(()) } else { Err(why()) }
}

/// Red by the demo's limits, told from the numbers alone.
pub(super) fn is_red(admitted: &Admitted) -> bool {
    is_red_reading(&admitted.reading)
}

pub(super) fn is_red_reading(reading: &Reading) -> bool {
    let Some(Measure::BloodPressure(pressure)) = reading.value.measured() else { return false };
    pressure.systolic.value() >= Decimal::from(170) || pressure.diastolic.value() >= Decimal::from(115)
}

pub(super) fn is_red_alert(alert: &Alert) -> bool {
    alert.urgency == Urgency::ActNow && alert.audience == Audience::Clinical
}

/// No alert without evidence; all of it readings of this person that were given, as they were given; within its limit.
pub(super) fn evidence_is_what_was_given(history: &[Moment]) -> Result<(), String> {
    let mut given: BTreeMap<ReadingId, Admitted> = BTreeMap::new();
    for moment in history.iter().filter(|moment| !moment.is_refused()) {
        given.extend(readings_of(&moment.events).map(|admitted| (admitted.reading.id, admitted.clone())));
        for alert in moment.decisions.alerts.iter().chain(&moment.decisions.state.alerts) {
            held(alert.patient == patient(), || "an alert of somebody else".to_owned())?;
            held((1..=EVIDENCE_MAX).contains(&alert.evidence.len()), || {
                format!("{} pieces of evidence", alert.evidence.len())
            })?;
            for evidence in &alert.evidence {
                let known = given.get(&evidence.reading);
                let is_as_given = known.is_some_and(|given| {
                    given.reading.value == evidence.value
                        && given.event_time() == evidence.event_time
                        && given.server_received == evidence.received_at
                });
                held(is_as_given, || format!("evidence that was not given: {evidence:?}"))?;
            }
            let first_held = alert.evidence[0].findings.iter().any(|finding| finding.held);
            let is_of_a_protocol = !alert.made_by.content_hash.is_empty();
            held(first_held || !is_of_a_protocol, || "opened although nothing held".to_owned())?;
        }
    }
    Ok(())
}

/// What staff must know is told down every channel in the same decision, under an id never used before; what awaits a
/// repeat is told to nobody.
pub(super) fn whoever_must_know_is_told(history: &[Moment]) -> Result<(), String> {
    for moment in history.iter().filter(|moment| !moment.is_refused()) {
        let ids: BTreeSet<JobId> = moment.decisions.jobs.iter().map(|job| job.id).collect();
        let are_new = moment.before.jobs.iter().all(|job| !ids.contains(&job.id));
        held(are_new && ids.len() == moment.decisions.jobs.len(), || "a notification under a used id".to_owned())?;
        for alert in &moment.decisions.alerts {
            let before = moment.before.alerts.iter().find(|before| before.id == alert.id);
            let was_active = before.is_some_and(|before| before.condition == Condition::Active);
            let is_raised = alert.condition == Condition::Active && !was_active;
            let is_new_red = before.is_none() && is_red_alert(alert);
            let is_back = before.is_some_and(|before| alert.occasions > before.occasions);
            for channel in CHANNELS {
                let told = moment.decisions.jobs.iter().filter(|job| (job.alert, job.channel) == (alert.id, channel));
                let told = told.count();
                held(told > 0 || !(is_raised || is_new_red || is_back), || {
                    format!("nobody is told on {channel:?} of {alert:?}")
                })?;
                held(told == 0 || alert.condition != Condition::Pending, || format!("told while pending: {alert:?}"))?;
            }
        }
    }
    Ok(())
}

/// At most one unfinished alert a rule, and nothing finished is remembered.
pub(super) fn one_unfinished_alert_a_rule(history: &[Moment]) -> Result<(), String> {
    for moment in history {
        let mut rules = BTreeSet::new();
        for alert in &moment.after.state.alerts {
            held(!alert.is_finished(), || format!("finished, and still there: {alert:?}"))?;
            held(rules.insert((&alert.made_by.pack, &alert.made_by.rule)), || format!("a second one: {alert:?}"))?;
        }
    }
    Ok(())
}

/// A value above or below what the device can tell: no number, and perhaps the most dangerous of all.
fn is_beyond_device(admitted: &Admitted) -> bool {
    use vitals::NoValue::{NegativeInfinity, PositiveInfinity};
    matches!(admitted.reading.value, vitals::Value::NotMeasured(PositiveInfinity | NegativeInfinity))
}

/// Every red reading, in whatever order it comes, is in the evidence of a red alert; and the person is told with its
/// receipt, unless newer readings say that an alert already open has moved on. So is every value beyond the device.
pub(super) fn no_red_is_silent(history: &[Moment]) -> Result<(), String> {
    let mut newest: Option<DateTime<Utc>> = None;
    for moment in history {
        for admitted in moment.judged() {
            if is_red(admitted) || is_beyond_device(admitted) {
                let is_newest = newest.is_none_or(|newest| newest <= admitted.event_time());
                no_red_reading_is_silent(moment, admitted, is_newest || is_beyond_device(admitted))?;
            }
            if matches!(admitted.reading.value.measured(), Some(Measure::BloodPressure(_))) {
                newest = newest.max(Some(admitted.event_time()));
            }
        }
    }
    Ok(())
}

fn no_red_reading_is_silent(moment: &Moment, admitted: &Admitted, is_news: bool) -> Result<(), String> {
    let id = admitted.reading.id;
    // Evidence has a limit: of what a slice adds beyond it the first and the latest stay.
    let had_no_room = |alert: &Alert| {
        let mut kept = alert.evidence.iter().skip(1);
        alert.evidence.len() == EVIDENCE_MAX && kept.all(|evidence| evidence.event_time >= admitted.event_time())
    };
    let speaks = |alert: &&Alert| {
        is_red_alert(alert) && (alert.evidence.iter().any(|evidence| evidence.reading == id) || had_no_room(alert))
    };
    let alert = moment.after.alerts.iter().find(speaks).ok_or_else(|| format!("a silent red: {admitted:?}"))?;
    let Some(Verdict::Evaluated { alerts, prompts, .. }) = moment.verdict(id) else {
        return Err(format!("a red without a verdict: {admitted:?}"));
    };
    held(alerts.contains(&alert.id), || format!("the verdict of a red does not name its alert: {admitted:?}"))?;
    if moment.is_again(id) {
        return held(prompts.is_empty(), || format!("an instruction for a receipt that has gone: {admitted:?}"));
    }
    held(prompts.len() <= 1, || "two instructions for one reading".to_owned())?;
    // The person hears one thing at a time: of a slice's, the most urgent.
    let is_told = said_in(moment).any(|prompt| prompt.urgency == Urgency::ActNow);
    let opens = alert.evidence[0].reading == id;
    held(is_told || !(is_news || opens), || format!("nobody told the person: {admitted:?}"))
}

/// Everything that a slice says to the person.
pub(super) fn said_in(moment: &Moment) -> impl Iterator<Item = &Prompt> {
    moment.decisions.judged.iter().flat_map(|(_, verdict)| match verdict {
        Verdict::Evaluated { prompts, .. } => prompts.as_slice(),
        Verdict::Unevaluated { .. } => &[],
    })
}

/// A slice says one thing to the person: the most urgent of all, in one text.
pub(super) fn one_instruction_at_a_time(history: &[Moment]) -> Result<(), String> {
    for moment in history.iter().filter(|moment| !moment.is_refused()) {
        let texts: BTreeSet<&str> = said_in(moment).map(|prompt| prompt.text.as_str()).collect();
        held(texts.len() <= 1, || format!("{} instructions at a time", texts.len()))?;
        let said = said_in(moment).map(|prompt| prompt.urgency).max();
        let opened = moment.decisions.alerts.iter().filter(|alert| moment.before.state.alert(alert.id).is_none());
        let told = opened.filter(|alert| alert.opened_at == moment.at).filter_map(|alert| alert.patient_told.as_ref());
        for told in told {
            held(texts.contains(told.as_str()), || format!("an alert says the person was told {told}"))?;
        }
        let worst =
            moment.judged().into_iter().filter(|admitted| is_red(admitted) && !moment.is_again(admitted.reading.id));
        let has_opened = |admitted: &Admitted| {
            let opens = |alert: &&Alert| is_red_alert(alert) && alert.evidence[0].reading == admitted.reading.id;
            moment.decisions.alerts.iter().any(|alert| opens(&alert))
        };
        let must_be_red = worst.filter(|admitted| has_opened(admitted)).count() > 0;
        held(!must_be_red || said == Some(Urgency::ActNow), || "something milder than a red was told".to_owned())?;
    }
    Ok(())
}

/// How long ago a reading was certainly taken, by a reckoning of its own.
pub(super) fn certain_age(moment: &Moment, admitted: &Admitted) -> TimeDelta {
    let acted_on = if moment.is_again(admitted.reading.id) { moment.at } else { admitted.server_received };
    let times = admitted.reading.times;
    if admitted.reading.quality.has(Flag::UndatedFromMemory) {
        // From whatever day: nobody just measured it.
        return TimeDelta::MAX;
    }
    match times.offset {
        vitals::ClockOffset::ReadAtConnection { .. } => acted_on - times.taken.moment(),
        vitals::ClockOffset::NotRead => acted_on - times.hub_received,
    }
}

/// What is certainly too old to act on never says to call 999 now; a fresh red that opens an alert always does.
pub(super) fn only_what_is_fresh_says_999_now(history: &[Moment]) -> Result<(), String> {
    let says = |prompts: &[Prompt]| prompts.iter().any(|prompt| prompt.text.to_lowercase().contains("call 999 now"));
    for moment in history {
        for admitted in moment.judged() {
            let Some(Verdict::Evaluated { prompts, .. }) = moment.verdict(admitted.reading.id) else { continue };
            let is_old = certain_age(moment, admitted) > TimeDelta::minutes(30);
            held(!(is_old && says(prompts)), || format!("an old reading says 999 now: {admitted:?}"))?;
            let opens = |alert: &Alert| is_red_alert(alert) && alert.evidence[0].reading == admitted.reading.id;
            let is_told = !is_old && !moment.is_again(admitted.reading.id);
            let must_say = is_told && is_red(admitted) && moment.decisions.alerts.iter().any(opens);
            let is_said = says(prompts) || said_in(moment).any(|prompt| says(std::slice::from_ref(prompt)));
            held(!must_say || is_said, || format!("a fresh red does not say when to call 999: {admitted:?}"))?;
        }
    }
    Ok(())
}

/// A red nobody has taken is still there, and waits; what was taken stays taken by whoever was first.
pub(super) fn what_waits_for_a_person_waits(history: &[Moment]) -> Result<(), String> {
    for moment in history {
        for alert in &moment.after.alerts {
            let is_taken = matches!(alert.workflow, Workflow::Acknowledged { .. });
            let is_there = moment.after.state.alert(alert.id).is_some_and(|there| there.is_waiting() && there == alert);
            held(!is_red_alert(alert) || is_taken || is_there, || format!("a red was forgotten: {alert:?}"))?;
            let before = moment.before.alerts.iter().find(|before| before.id == alert.id);
            let first =
                before.map(|before| &before.workflow).filter(|was| matches!(was, Workflow::Acknowledged { .. }));
            held(first.is_none_or(|first| *first == alert.workflow), || {
                format!("taken from whoever was first: {alert:?}")
            })?;
        }
    }
    Ok(())
}

/// What awaits a repeat has its timer; when the timer comes due nothing pends.
pub(super) fn nothing_pends_for_ever(history: &[Moment]) -> Result<(), String> {
    for moment in history {
        for alert in moment.after.state.alerts.iter().filter(|alert| alert.condition == Condition::Pending) {
            let timer = moment.after.timers.get(&alert.id);
            let is_timed = matches!(alert.repeat, Repeat::Asked { until } if timer == Some(&until));
            held(is_timed, || format!("pending without a timer: {alert:?}"))?;
            let came_due = moment.events.iter().any(|event| {
                matches!(event, Event::Due(due) if due.alert == alert.id && moment.before.timers.get(&due.alert) == Some(&due.due_at))
            });
            held(!came_due || moment.is_refused(), || format!("its time came and it still pends: {alert:?}"))?;
        }
    }
    Ok(())
}

/// Whether a number may end what another reading began, by a reckoning of its own: of this day, and not doubted.
fn is_certain(admitted: &Admitted) -> bool {
    let reading = &admitted.reading;
    let is_stored = match (reading.times.taken, reading.times.offset) {
        (TakenAt::DeviceClock(taken), ClockOffset::NotRead) => {
            reading.times.hub_received - taken > TimeDelta::minutes(30)
        }
        (TakenAt::DeviceClock(_), ClockOffset::ReadAtConnection { .. }) | (TakenAt::HubClock(_), _) => false,
    };
    let is_doubted = reading.quality.has(Flag::UndatedFromMemory) || reading.quality.has(Flag::DeviceDoubts);
    reading.value.measured().is_some() && !is_stored && !is_doubted
}

/// What improved did so by a number of the same kind that is certain, and newer than all that was behind the alert.
pub(super) fn only_what_is_certainly_newer_settles(history: &[Moment]) -> Result<(), String> {
    for moment in history.iter().filter(|moment| !moment.is_refused()) {
        for alert in &moment.decisions.alerts {
            let Some(before) = moment.before.alerts.iter().find(|before| before.id == alert.id) else { continue };
            let has_improved = alert.condition == Condition::Cleared(ClearedBecause::Improved);
            if !has_improved || matches!(before.condition, Condition::Cleared(_)) {
                continue;
            }
            let newest = before.evidence.iter().map(|evidence| evidence.event_time).max();
            let settles = |admitted: &&Admitted| {
                is_certain(admitted)
                    && admitted.reading.kind == before.evidence[0].kind
                    && Some(admitted.event_time()) > newest
            };
            held(moment.judged().iter().any(settles), || format!("settled by nothing that may: {alert:?}"))?;
        }
    }
    Ok(())
}

/// A number that nobody can have is in the evidence of an alert that its kind has, and the person is asked to take it
/// again, unless a red instruction stands.
pub(super) fn no_implausible_number_is_silent(history: &[Moment]) -> Result<(), String> {
    for moment in history {
        for admitted in moment.judged() {
            if admitted.reading.value != Value::NotMeasured(NoValue::Implausible) {
                continue;
            }
            let id = admitted.reading.id;
            let is_seen = moment.decisions.alerts.iter().any(|alert| {
                alert.urgency == Urgency::CheckAgain && alert.evidence.iter().any(|evidence| evidence.reading == id)
            });
            held(is_seen, || format!("a silent implausible number: {admitted:?}"))?;
            let Some(Verdict::Evaluated { prompts, .. }) = moment.verdict(id) else {
                return Err(format!("not judged: {admitted:?}"));
            };
            let has_red = moment.after.alerts.iter().chain(&moment.before.alerts).any(is_red_alert);
            // Or something else is said, that is at least as urgent: one thing at a time.
            let is_told = !prompts.is_empty()
                || has_red
                || moment.is_again(id)
                || said_in(moment).any(|prompt| prompt.urgency >= Urgency::CheckAgain);
            held(is_told, || format!("nobody asked for another: {admitted:?}"))?;
        }
    }
    Ok(())
}

/// Every reading has exactly one verdict and at most one instruction.
pub(super) fn every_reading_has_its_verdict(history: &[Moment]) -> Result<(), String> {
    for moment in history.iter().filter(|moment| !moment.is_refused()) {
        for admitted in readings_of(&moment.events) {
            let id = admitted.reading.id;
            let verdicts: Vec<_> = moment.decisions.judged.iter().filter(|(judged, _)| *judged == id).collect();
            held(verdicts.len() == 1, || format!("{} verdicts", verdicts.len()))?;
            if let (_, Verdict::Evaluated { prompts, .. }) = verdicts[0] {
                held(prompts.len() <= 1, || "two instructions at a time".to_owned())?;
            }
        }
    }
    Ok(())
}

/// While a reading is not judged, somebody technical has an open alert.
pub(super) fn a_failure_of_the_rules_is_never_silent(history: &[Moment]) -> Result<(), String> {
    let mut unjudged = BTreeSet::new();
    for moment in history.iter().filter(|moment| !moment.is_refused()) {
        for admitted in readings_of(&moment.events) {
            if moment.rules_failed {
                unjudged.insert(admitted.reading.id);
            } else {
                unjudged.remove(&admitted.reading.id);
            }
        }
        let is_open = moment.after.state.alerts.iter().any(|alert| alert.audience == Audience::Technical);
        held(is_open != unjudged.is_empty(), || format!("{} not judged, alert open: {is_open}", unjudged.len()))?;
    }
    Ok(())
}

/// What is said not to have changed is the same; the store then writes nothing.
pub(super) fn what_has_not_changed_is_the_same(history: &[Moment]) -> Result<(), String> {
    let is_true = |moment: &&Moment| moment.decisions.state_changed || moment.decisions.state == moment.before.state;
    held(history.iter().all(|moment| is_true(&moment)), || "a change that nobody would store".to_owned())
}

/// Each rule that judged a reading is counted once: the demo has two, both on blood pressure.
pub(super) fn each_rule_counts_once_a_reading(history: &[Moment]) -> Result<(), String> {
    for moment in history.iter().filter(|moment| !moment.is_refused()) {
        let is_pressure =
            |admitted: &&&Admitted| matches!(admitted.reading.value, Value::Measured(Measure::BloodPressure(_)));
        let expected = 2 * moment.judged().iter().filter(is_pressure).count();
        let evaluated = moment.decisions.evaluated;
        held(usize::try_from(evaluated) == Ok(expected), || format!("{evaluated} of {expected} rules were counted"))?;
    }
    Ok(())
}

pub(super) const CHECKS: [Check; 14] = [
    one_instruction_at_a_time,
    what_has_not_changed_is_the_same,
    each_rule_counts_once_a_reading,
    only_what_is_certainly_newer_settles,
    no_implausible_number_is_silent,
    evidence_is_what_was_given,
    whoever_must_know_is_told,
    one_unfinished_alert_a_rule,
    no_red_is_silent,
    only_what_is_fresh_says_999_now,
    what_waits_for_a_person_waits,
    nothing_pends_for_ever,
    every_reading_has_its_verdict,
    a_failure_of_the_rules_is_never_silent,
];
