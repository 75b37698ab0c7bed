//! Engines with one planted fault each, and the check that must catch it.

use super::checks::{
    Check, a_failure_of_the_rules_is_never_silent, each_rule_counts_once_a_reading, every_reading_has_its_verdict,
    evidence_is_what_was_given, is_red, is_red_alert, is_red_reading, no_implausible_number_is_silent,
    no_red_is_silent, nothing_pends_for_ever, one_instruction_at_a_time, one_unfinished_alert_a_rule,
    only_what_is_certainly_newer_settles, only_what_is_fresh_says_999_now, what_has_not_changed_is_the_same,
    what_waits_for_a_person_waits, whoever_must_know_is_told,
};
use super::history::{Engine, readings_of, real, spoilt};
use crate::support::{CHANNELS, patient, start};
use chrono::{DateTime, TimeDelta, Utc};
use rules::{
    Alert, ClearedBecause, Condition, Decisions, Event, Job, PatientState, Plan, Refused, Repeat, Verdict, Why,
    Workflow, alert::EVIDENCE_MAX, decide, unevaluated,
};
use vitals::{Admitted, AlertId, ErrorCode, NoValue, Quality, Reading, ReadingId, TakenAt, Value, wire::v1::Prompt};

/// A fault: what it does, the engine that has it, the check that must catch it.
pub(super) type Fault = (&'static str, fn() -> Engine, Check);

pub(super) fn told_for(jobs: &mut Vec<Job>, alerts: &[Alert], is_told: impl Fn(&Alert) -> bool) {
    jobs.retain(|job| alerts.iter().find(|alert| alert.id == job.alert).is_none_or(&is_told));
}

pub(super) fn each_alert(decisions: &mut Decisions, spoil: impl Fn(&mut Alert)) {
    decisions.alerts.iter_mut().chain(&mut decisions.state.alerts).for_each(spoil);
}

pub(super) fn each_verdict(decisions: &mut Decisions, spoil: impl Fn(&mut Vec<Prompt>)) {
    for (_, verdict) in &mut decisions.judged {
        if let Verdict::Evaluated { prompts, .. } = verdict {
            spoil(prompts);
        }
    }
}

/// An engine that is told something else than what was sent.
fn hears_otherwise(change: fn(&mut Reading)) -> Engine {
    let decide = move |plan: &Plan, before: &PatientState, events: &[Event], at: DateTime<Utc>| {
        let changed = |event: &Event| {
            let Event::Reading(admitted) = event else { return event.clone() };
            let mut admitted = admitted.clone();
            change(&mut admitted.reading);
            Event::Reading(admitted)
        };
        decide(plan, before, &events.iter().map(changed).collect::<Vec<_>>(), at)
    };
    Engine { decide: Box::new(decide), ..real() }
}

/// What each reading of a slice would say to the person if it came alone.
fn said_alone(plan: &Plan, before: &PatientState, events: &[Event], at: DateTime<Utc>) -> Decisions {
    let mut decisions = decide(plan, before, events, at);
    for event in events.iter().filter(|event| event.to_judge().is_some()) {
        let alone = decide(plan, before, std::slice::from_ref(event), at);
        for (id, verdict) in alone.judged {
            let of_it = decisions.judged.iter_mut().find(|(known, _)| *known == id);
            if let (Some((_, Verdict::Evaluated { prompts, .. })), Verdict::Evaluated { prompts: alone, .. }) =
                (of_it, verdict)
            {
                *prompts = alone;
            }
        }
    }
    decisions
}

pub(super) const FAULTS: &[Fault] = &[
    (
        "an arbiter that lets two instructions through",
        || Engine { decide: Box::new(said_alone), ..real() },
        one_instruction_at_a_time,
    ),
    (
        "an arbiter that takes the mildest",
        || Engine {
            decide: Box::new(|plan, before, events, at| {
                let mut decisions = said_alone(plan, before, events, at);
                let all = decisions.judged.iter().filter_map(|(_, verdict)| match verdict {
                    Verdict::Evaluated { prompts, .. } => prompts.first().cloned(),
                    Verdict::Unevaluated { .. } => None,
                });
                let mildest = all.min_by_key(|prompt| prompt.urgency);
                each_verdict(&mut decisions, |prompts| prompts.retain(|prompt| Some(prompt) == mildest.as_ref()));
                decisions
            }),
            ..real()
        },
        one_instruction_at_a_time,
    ),
    (
        "a red waits for its repeat before staff are told",
        || {
            spoilt(|_, _, decisions| {
                let alerts = decisions.alerts.clone();
                told_for(&mut decisions.jobs, &alerts, |alert| !matches!(alert.repeat, Repeat::Asked { .. }));
            })
        },
        whoever_must_know_is_told,
    ),
    (
        "a red that is over when it is judged is told to nobody",
        || {
            spoilt(|_, _, decisions| {
                let alerts = decisions.alerts.clone();
                told_for(&mut decisions.jobs, &alerts, |alert| !matches!(alert.condition, Condition::Cleared(_)));
            })
        },
        whoever_must_know_is_told,
    ),
    (
        "a pending amber is told",
        || {
            spoilt(|_, _, decisions| {
                let pending = decisions.alerts.iter().filter(|alert| alert.condition == Condition::Pending);
                let job = |alert: &Alert| {
                    Job::new(alert.id, patient(), CHANNELS[0], Why::First, 9, start() + TimeDelta::days(9))
                };
                let jobs: Vec<Job> = pending.map(job).collect();
                decisions.jobs.extend(jobs);
            })
        },
        whoever_must_know_is_told,
    ),
    (
        "one channel is forgotten",
        || spoilt(|_, _, decisions| decisions.jobs.retain(|job| job.channel == CHANNELS[0])),
        whoever_must_know_is_told,
    ),
    (
        "what is told again has the id of the first time, so the store drops it",
        || {
            spoilt(|_, _, decisions| {
                for job in &mut decisions.jobs {
                    job.id = Job::new(job.alert, patient(), job.channel, Why::First, 1, job.made_at).id;
                }
            })
        },
        whoever_must_know_is_told,
    ),
    (
        "a failure of the rules is told to nobody",
        || Engine {
            unevaluated: Box::new(|before, events, at| {
                let decisions = unevaluated(&CHANNELS, before, events, ErrorCode::RulePanicked, at);
                Decisions { jobs: Vec::new(), ..decisions }
            }),
            ..real()
        },
        whoever_must_know_is_told,
    ),
    ("an instruction is swallowed", || spoilt(|_, _, decisions| each_verdict(decisions, Vec::clear)), no_red_is_silent),
    (
        "a red already open no longer tells the person",
        || {
            spoilt(|before, _, decisions| {
                if before.alerts.iter().any(is_red_alert) {
                    each_verdict(decisions, Vec::clear);
                }
            })
        },
        no_red_is_silent,
    ),
    (
        "a value beyond the device is taken for a broken measurement (as found 2026-11-22)",
        || {
            hears_otherwise(|reading| {
                if reading.value.measured().is_none() {
                    reading.value = Value::NotMeasured(NoValue::NotANumber);
                }
            })
        },
        no_red_is_silent,
    ),
    (
        "an implausible number is taken for a broken measurement",
        || {
            hears_otherwise(|reading| {
                if reading.value.measured().is_none() {
                    reading.value = Value::NotMeasured(NoValue::NotANumber);
                }
            })
        },
        no_implausible_number_is_silent,
    ),
    (
        "what is undated or doubted settles like any other (as found 2026-11-22)",
        || hears_otherwise(|reading| reading.quality = Quality::none()),
        only_what_is_certainly_newer_settles,
    ),
    (
        "of one moment counts as newer (as found 2026-11-22)",
        || {
            hears_otherwise(|reading| {
                let later = |at: DateTime<Utc>| at + TimeDelta::microseconds(1);
                if !is_red_reading(reading) && reading.value.measured().is_some() {
                    reading.times.hub_received = later(reading.times.hub_received);
                    reading.times.taken = match reading.times.taken {
                        TakenAt::DeviceClock(at) => TakenAt::DeviceClock(later(at)),
                        TakenAt::HubClock(at) => TakenAt::HubClock(later(at)),
                    };
                }
            })
        },
        only_what_is_certainly_newer_settles,
    ),
    (
        "any number clears what was beyond the device (as found 2026-11-22)",
        || {
            spoilt(|before, events, decisions| {
                if readings_of(events).any(|admitted| admitted.reading.value.measured().is_some()) {
                    let of_service = before.alerts.iter().filter(|alert| alert.made_by.content_hash.is_empty());
                    let cleared: Vec<Alert> = of_service
                        .filter(|alert| is_red_alert(alert) && alert.condition == Condition::Active)
                        .map(|alert| Alert { condition: Condition::Cleared(ClearedBecause::Improved), ..alert.clone() })
                        .collect();
                    decisions.alerts.extend(cleared);
                }
            })
        },
        only_what_is_certainly_newer_settles,
    ),
    (
        "an older red is dropped (as found 2026-11-22)",
        || Engine {
            decide: Box::new(|plan, before, events, at| {
                let newest = before.rules.values().map(|memory| memory.newest_taken_at()).max();
                let is_old = |admitted: &Admitted| newest.is_some_and(|newest| admitted.event_time() < newest);
                let has_red = before.alerts.iter().any(is_red_alert);
                let is_dropped = |admitted: &Admitted| is_red(admitted) && is_old(admitted) && !has_red;
                let (dropped, events): (Vec<Event>, Vec<Event>) = events
                    .iter()
                    .cloned()
                    .partition(|event| matches!(event, Event::Reading(admitted) if is_dropped(admitted)));
                let mut decisions = decide(plan, before, &events, at);
                let nothing = Verdict::Evaluated { late: false, alerts: Vec::new(), prompts: Vec::new() };
                decisions.judged.extend(readings_of(&dropped).map(|dropped| (dropped.reading.id, nothing.clone())));
                decisions
            }),
            ..real()
        },
        no_red_is_silent,
    ),
    (
        "a late red says to call 999 now",
        || {
            spoilt(|_, _, decisions| {
                each_verdict(decisions, |prompts| {
                    prompts.iter_mut().for_each(|prompt| prompt.text = "Call 999 now.".to_owned());
                });
            })
        },
        only_what_is_fresh_says_999_now,
    ),
    (
        "age is counted to the arrival of a reading that is judged hours later (as found 2026-11-22)",
        || Engine {
            decide: Box::new(|plan, before, events, at| {
                let judged = |event: &Event| {
                    if let Event::Reconsider(admitted) = event {
                        Event::Reading(admitted.clone())
                    } else {
                        event.clone()
                    }
                };
                let events: Vec<Event> = events.iter().map(judged).collect();
                decide(plan, before, &events, at)
            }),
            ..real()
        },
        only_what_is_fresh_says_999_now,
    ),
    (
        "a fresh red speaks as if it were late",
        || {
            spoilt(|_, _, decisions| {
                each_verdict(decisions, |prompts| {
                    prompts.iter_mut().for_each(|prompt| prompt.text = "Take it again.".to_owned());
                });
            })
        },
        only_what_is_fresh_says_999_now,
    ),
    (
        "an alert is opened twice",
        || {
            spoilt(|_, _, decisions| {
                let twice = decisions.state.alerts.first().cloned();
                decisions.state.alerts.extend(twice.map(|alert| Alert { id: AlertId::derive(&[b"twin"]), ..alert }));
            })
        },
        one_unfinished_alert_a_rule,
    ),
    (
        "what is finished is kept for ever",
        || {
            spoilt(|_, _, decisions| {
                let over: Vec<Alert> = decisions.alerts.iter().filter(|alert| alert.is_finished()).cloned().collect();
                decisions.state.alerts.extend(over);
            })
        },
        one_unfinished_alert_a_rule,
    ),
    (
        "an alert without evidence",
        || spoilt(|_, _, decisions| each_alert(decisions, |alert| alert.evidence.clear())),
        evidence_is_what_was_given,
    ),
    (
        "evidence that names a reading nobody gave",
        || {
            spoilt(|_, _, decisions| {
                each_alert(decisions, |alert| {
                    alert.evidence.iter_mut().for_each(|evidence| evidence.reading = ReadingId::derive(&[b"nobody's"]));
                });
            })
        },
        evidence_is_what_was_given,
    ),
    (
        "evidence without an end",
        || {
            spoilt(|_, _, decisions| {
                each_alert(decisions, |alert| {
                    let first = alert.evidence.first().cloned();
                    alert.evidence.extend(std::iter::repeat_n(first, EVIDENCE_MAX).flatten());
                });
            })
        },
        evidence_is_what_was_given,
    ),
    (
        "an alert although nothing held",
        || {
            spoilt(|_, _, decisions| {
                each_alert(decisions, |alert| {
                    alert
                        .evidence
                        .iter_mut()
                        .flat_map(|one| &mut one.findings)
                        .for_each(|finding| finding.held = false);
                });
            })
        },
        evidence_is_what_was_given,
    ),
    (
        "a red that passed is forgotten before anybody took it",
        || {
            spoilt(|_, _, decisions| {
                decisions.state.alerts.retain(|alert| !matches!(alert.condition, Condition::Cleared(_)))
            })
        },
        what_waits_for_a_person_waits,
    ),
    (
        "the last to take an alert has it",
        || {
            spoilt(|before, events, decisions| {
                let Some(Refused::AlreadyAcknowledged { .. }) = decisions.refused else { return };
                let mut stolen = before.clone();
                for event in events {
                    let Event::Acknowledged { alert, by, .. } = event else { continue };
                    for alert in stolen.alerts.iter_mut().filter(|there| there.id == *alert) {
                        alert.workflow = Workflow::Acknowledged { by: by.clone(), at: start(), note: None };
                    }
                }
                decisions.refused = None;
                decisions.alerts.clone_from(&stolen.alerts);
                decisions.state = stolen;
            })
        },
        what_waits_for_a_person_waits,
    ),
    ("a timer is not set", || spoilt(|_, _, decisions| decisions.timers.clear()), nothing_pends_for_ever),
    (
        "a timer that comes due does nothing",
        || Engine {
            decide: Box::new(|plan, before, events, at| {
                let others: Vec<Event> =
                    events.iter().filter(|event| !matches!(event, Event::Due(_))).cloned().collect();
                decide(plan, before, &others, at)
            }),
            ..real()
        },
        nothing_pends_for_ever,
    ),
    (
        "a reading is not judged",
        || spoilt(|_, _, decisions| drop(decisions.judged.pop())),
        every_reading_has_its_verdict,
    ),
    (
        "two instructions at a time",
        || {
            spoilt(|_, _, decisions| {
                each_verdict(decisions, |prompts| {
                    let again = prompts.clone();
                    prompts.extend(again);
                });
            })
        },
        every_reading_has_its_verdict,
    ),
    (
        "the first of several to be judged closes the alert for all (as found 2026-11-22)",
        || Engine {
            decide: Box::new(|plan, before, events, at| {
                let mut before = before.clone();
                before.unjudged = before.unjudged.min(1);
                decide(plan, &before, events, at)
            }),
            ..real()
        },
        a_failure_of_the_rules_is_never_silent,
    ),
    (
        "a changed state is said to be the same",
        || spoilt(|_, _, decisions| decisions.state_changed = false),
        what_has_not_changed_is_the_same,
    ),
    (
        "a rule is counted that had no number to judge",
        || {
            spoilt(|_, events, decisions| {
                let readings = readings_of(events).count();
                decisions.evaluated = 2 * u32::try_from(readings).unwrap();
            })
        },
        each_rule_counts_once_a_reading,
    ),
];
