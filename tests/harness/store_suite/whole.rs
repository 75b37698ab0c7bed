//! What one slice decides is stored together or not at all, is about its person alone, and is there once it is answered.

use super::{
    Check, Holds, OpenStore, Plant,
    cast::{amber, at, calm, pressure, pt, red},
    ensure,
    fault::{Answers, Call, Fault},
    same,
    shapes::{ChangesDecisions, Decided, Forgets},
    stage::{Stage, far, stored},
};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use ingest::store::{ApplyError, Care, Decide, Store};
use rules::{ClearedBecause, Condition, Decisions, Event, PatientState, Repeat, Verdict, Workflow, state::Memories};
use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
};
use vitals::{Admitted, AlertId, ErrorCode, PatientId};

pub(super) fn checks() -> Vec<Check> {
    vec![
        Check {
            name: "reading, verdict, alert, notification, timer and rule state of a slice are all there",
            run: |stage| Box::pin(all_there(stage)),
            plants: vec![
                Plant::new("notifications are not stored", || {
                    ChangesDecisions(|decided: Decided<'_>| decided.decisions.jobs.clear())
                }),
                Plant::new("timers are not stored", || {
                    ChangesDecisions(|decided: Decided<'_>| decided.decisions.timers.clear())
                }),
                Plant::new("timers are never cancelled", || {
                    ChangesDecisions(|decided: Decided<'_>| decided.decisions.cancelled.clear())
                }),
                Plant::new("an alert that changed is not stored", || {
                    ChangesDecisions(|decided: Decided<'_>| {
                        let before = decided.before;
                        decided.decisions.alerts.retain(|alert| before.alert(alert.id).is_none());
                    })
                }),
                Plant::new("rule state is not stored", || {
                    ChangesDecisions(|decided: Decided<'_>| decided.decisions.state = decided.before.clone())
                }),
                Plant::new("open alerts are forgotten between two slices", || {
                    Forgets(|before: &mut PatientState| before.alerts.clear())
                }),
                Plant::new("what rules remember is forgotten between two slices", || {
                    Forgets(|before: &mut PatientState| before.rules = Memories::default())
                }),
            ],
        },
        Check {
            name: "a decision about somebody else, or one that forgets a reading, is not believed",
            run: |stage| Box::pin(about_somebody_else(stage)),
            plants: vec![
                Plant::new("what is about somebody else is left out, and the rest believed", || {
                    ChangesDecisions(|decided: Decided<'_>| {
                        let patient = &decided.before.patient;
                        decided.decisions.alerts.retain(|alert| alert.patient == *patient);
                        let kept: BTreeSet<AlertId> = decided.decisions.alerts.iter().map(|alert| alert.id).collect();
                        decided.decisions.jobs.retain(|job| job.patient == *patient && kept.contains(&job.alert));
                        decided.decisions.timers.retain(|timer| kept.contains(&timer.alert));
                        decided.decisions.state.patient = patient.clone();
                    })
                }),
                Plant::new("a reading that was forgotten counts as judged", || {
                    ChangesDecisions(|decided: Decided<'_>| judge_the_rest(decided.events, decided.decisions))
                }),
            ],
        },
        Check {
            name: "what was answered is there for everybody, at once and once the store was opened again",
            run: |stage| Box::pin(there_at_once(stage)),
            plants: vec![Plant::with_scratch("a slice is answered before it is committed", |scratch| AnswersEarly {
                scratch,
                later: Mutex::default(),
            })],
        },
    ]
}

async fn all_there(stage: &mut Stage) -> Holds {
    // A red is told at once, and awaits a repeat that can only confirm it or lower it.
    let first = stage.offer(&red(1, 1, 0), at(1)).await?;
    let alert = super::only(first.alerts, "alerts of a red")?;
    let reading = super::only(first.readings, "outcomes of one reading")?;
    let kept = super::only(stage.readings().await?, "readings")?;
    same(&kept.verdict.as_ref(), &Some(stored(&reading)?), "the verdict that is kept")?;
    ensure(
        matches!(&kept.verdict, Some(Verdict::Evaluated { alerts, .. }) if *alerts == [alert.id]),
        "it names its alert",
    )?;
    same(&stage.alerts().await?, &vec![alert.clone()], "alerts that are kept")?;
    let job = super::only(stage.lease(at(2), at(1)).await?, "notifications that are kept")?;
    same(&(job.alert, &job.patient), &(alert.id, &pt(1)), "what the notification is about")?;
    let Repeat::Asked { until } = alert.repeat else { return ensure(false, "a repeat is awaited") };
    let (whose, timer) = super::only(stage.timers(far()).await?, "timers that are kept")?;
    same(&(whose, timer.alert, timer.due_at), &(pt(1), alert.id, until), "the timer")?;

    // The next slice goes on from what was kept, also once the store was opened again.
    stage.reopen().await?;
    let again = stage.offer(&red(1, 2, 120), at(121)).await?;
    let changed = super::only(again.alerts, "alerts that the repeat changes")?;
    same(&(changed.id, changed.repeat, changed.evidence.len()), &(alert.id, Repeat::Confirmed, 2), "the repeat")?;
    same(&stage.alerts().await?, &vec![changed], "alerts that are kept")?;
    same(&stage.timers(far()).await?, &Vec::new(), "timers once the repeat has come")?;
    // Older than what was judged: it cannot settle anything, but only where the rules remember what they have judged.
    let older = stage.offer(&calm(1, 3, 60), at(200)).await?;
    same(&older.alerts, &Vec::new(), "alerts that an older reading changes")?;
    let better = stage.offer(&calm(1, 4, 240), at(241)).await?;
    ensure(better.alerts.iter().any(|settled| settled.id == alert.id), "a newer reading settles what is open")?;
    same(&stage.alerts().await?, &better.alerts, "alerts that are kept")?;
    // Nothing is open, and still the rules know what they have judged: what is over by now calls nobody.
    stage.offer(&calm(2, 1, 600), at(601)).await?;
    let over = super::only(stage.offer(&amber(2, 2, 300), at(602)).await?.alerts, "alerts of what is over by now")?;
    same(&over.condition, &Condition::Cleared(ClearedBecause::Improved), "how it stands")?;
    same(&stage.timers(far()).await?, &Vec::new(), "timers of what is over by now")
}

/// Rules that go wrong in one way for person 1, and so does their stand-in for person 2.
struct Wrong {
    rules: Arc<dyn Decide>,
    change: Spoils,
}

impl Decide for Wrong {
    fn decide(&self, care: &Care, before: &PatientState, events: &[Event], at: DateTime<Utc>) -> Decisions {
        let mut decisions = self.rules.decide(care, before, events, at);
        (self.change)(&mut decisions);
        decisions
    }

    fn unevaluated(&self, before: &PatientState, events: &[Event], reason: ErrorCode, at: DateTime<Utc>) -> Decisions {
        let mut decisions = self.rules.unevaluated(before, events, reason, at);
        if before.patient == pt(2) {
            (self.change)(&mut decisions);
        }
        decisions
    }
}

const VICTIM: usize = 30;

/// Makes something of a decision that is not so.
type Spoils = fn(&mut Decisions);

/// Each way to decide for somebody else, and the way to forget a reading.
const WRONGS: [(&str, Spoils); 4] = [
    ("an alert", |decisions| decisions.alerts.iter_mut().for_each(|alert| alert.patient = pt(VICTIM))),
    ("a notification", |decisions| decisions.jobs.iter_mut().for_each(|job| job.patient = pt(VICTIM))),
    ("rule state", |decisions| decisions.state.patient = pt(VICTIM)),
    ("no verdict", |decisions| decisions.judged.clear()),
];

async fn about_somebody_else(stage: &mut Stage) -> Holds {
    for (number, (what, change)) in (1..).zip(WRONGS) {
        let door = stage.by(Arc::new(Wrong { rules: Arc::clone(&stage.decide), change }));
        let secs = i64::from(number) * 86_400;
        let reading = door.tell(&red(1, number, secs), at(secs)).await?;
        same(stored(&reading)?, &Verdict::unevaluated(ErrorCode::RulePanicked), what)?;
        // Where even what stands in for the rules is about somebody else, nothing of the slice is stored.
        let twice = red(2, number, secs);
        let answers = door.apply(&door.hub(&twice.hub)?, vec![super::cast::slice(&twice)], at(secs)).await?;
        ensure(matches!(super::only(answers, "answers to one slice")?, Err(ApplyError::Unavailable(_))), what)?;
    }
    let people = |ids: Vec<PatientId>| ids.into_iter().collect::<BTreeSet<_>>();
    let readings = stage.readings().await?;
    same(&readings.len(), &WRONGS.len(), "readings that are kept")?;
    let alerts = people(stage.alerts().await?.into_iter().map(|alert| alert.patient).collect());
    let jobs = people(stage.lease(far(), at(1_000_000)).await?.into_iter().map(|job| job.patient).collect());
    let changed = people(stage.changes().await?.into_iter().filter_map(|change| change.patient).collect());
    same(&(alerts, jobs, changed), &([pt(1)].into(), [pt(1)].into(), [pt(1)].into()), "whose records changed")?;
    // Whom it was decided for by mistake is as if nothing had happened.
    let first = stage.offer(&pressure(VICTIM, 1, 0, 121, 79), at(1)).await?;
    same(&first.alerts, &Vec::new(), "alerts of somebody who was never ill")
}

fn judge_the_rest(events: &[Event], decisions: &mut Decisions) {
    let judged: BTreeSet<_> = decisions.judged.iter().map(|(id, _)| *id).collect();
    let ids = events.iter().filter_map(|event| {
        let Event::Reading(admitted) = event else { return None };
        Some(admitted.reading.id)
    });
    let calm = Verdict::Evaluated { late: false, alerts: Vec::new(), prompts: Vec::new() };
    decisions.judged.extend(ids.filter(|id| !judged.contains(id)).map(|id| (id, calm.clone())));
}

async fn there_at_once(stage: &mut Stage) -> Holds {
    let mut alerts: BTreeSet<AlertId> = BTreeSet::new();
    let readings: [fn(usize) -> Admitted; 3] =
        [|person| calm(person, 1, 0), |person| amber(person, 1, 0), |person| red(person, 1, 0)];
    for (person, reading) in (0..6).zip(readings.into_iter().cycle()) {
        let admitted = reading(person);
        let outcome = stage.offer(&admitted, at(1)).await?;
        alerts.extend(outcome.alerts.iter().map(|alert| alert.id));
        let beside = stage.beside().await?;
        let found = beside.readings().await?.into_iter().find(|stored| stored.reading.id == admitted.reading.id);
        ensure(found.is_some_and(|stored| stored.verdict.is_some()), "an answered reading is there, with its verdict")?;
        let shown: BTreeSet<AlertId> = beside.alerts().await?.iter().map(|alert| alert.id).collect();
        same(&shown, &alerts, "alerts that are there")?;
        beside.store.close().await;
    }
    let taken = stage.alerts().await?.into_iter().find(|alert| alert.is_waiting());
    let Some(taken) = taken else { return ensure(false, "a red waits") };
    let take = vec![Event::Acknowledged { alert: taken.id, by: super::cast::actor("ada"), note: None }];
    let ada = super::cast::staff("ada", &[0, 1, 2, 3, 4, 5]);
    stage.one(&ada, ingest::store::Subject::Patient(taken.patient), take, at(9)).await??;
    stage.reopen().await?;
    let shown = stage.store.alert(&ada, taken.id).await?;
    ensure(shown.is_some_and(|alert| matches!(alert.workflow, Workflow::Acknowledged { .. })), "it stays taken")?;
    same(&stage.readings().await?.len(), &6, "readings once the store was opened again")
}

/// Acknowledges from a scratch store at once; the genuine one gets it with the next slice.
struct AnswersEarly {
    scratch: Box<dyn OpenStore>,
    later: Mutex<Option<Call>>,
}

#[async_trait]
impl Fault for AnswersEarly {
    async fn apply(&self, real: &dyn Store, call: Call) -> Answers {
        let before = self.later.lock().unwrap_or_else(PoisonError::into_inner).replace(call.clone());
        if let Some(before) = before {
            drop(before.on(real).await);
        }
        call.on(self.scratch.store().as_ref()).await
    }
}
