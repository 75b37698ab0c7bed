//! What the rules failed on is kept, listed until it has been judged, and judged at last exactly once.

use super::{
    Check, Holds, Plant,
    cast::{at, pt, red},
    ensure,
    fault::{Answers, Call, Fault, Read},
    same,
    shapes::LosesVerdicts,
    stage::{Stage, duplicate, far, stored},
};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use ingest::{
    access::{Access, Purpose},
    store::{Care, Decide, Store},
};
use rules::{Audience, Condition, Decisions, Event, PatientState, Verdict};
use std::sync::{Arc, Mutex, PoisonError};
use vitals::{Admitted, ErrorCode};

pub(super) fn checks() -> Vec<Check> {
    vec![Check {
        name: "what could not be judged is listed, and judged at last exactly once",
        run: |stage| Box::pin(judged_at_last(stage)),
        plants: vec![
            Plant::new("what could not be judged is not listed", || ListsNothing),
            Plant::new("what has been judged stays on the list", ListsForEver::default),
            Plant::new("what is judged again is what the sweep says that it was", || TrustsTheSweep),
            Plant::new("a sweep that fails fills the log", || FillsTheLog),
            Plant::of_hubs("the verdict is not told again", |hubs| LosesVerdicts::new(hubs, false)),
        ],
    }]
}

async fn judged_at_last(stage: &mut Stage) -> Holds {
    let panicking = stage.panicking();
    let reading = red(1, 1, 0);
    let first = panicking.offer(&reading, at(1)).await?;
    let told = super::only(first.readings, "outcomes of one reading")?;
    same(stored(&told)?, &Verdict::unevaluated(ErrorCode::RulePanicked), "the verdict")?;
    let technical = super::only(first.alerts, "alerts of what could not be judged")?;
    same(&(technical.audience, first.jobs), &(Audience::Technical, 1), "who is told")?;
    same(&stage.unevaluated().await?, &vec![reading.clone()], "what waits to be judged")?;
    same(&duplicate(&stage.tell(&reading, at(2)).await?)?, &Some(stored(&told)?), "told again")?;

    // A sweep that fails again and again changes nothing and fills nothing.
    let again = |admitted: &Admitted| Event::Reconsider(Box::new(admitted.clone()));
    let before = stage.see().await?;
    for secs in 3..6 {
        let outcome = panicking.own(Purpose::Sweep, &pt(1), again(&reading), at(secs)).await??;
        same(&(outcome.alerts.len(), outcome.jobs), &(0, 0), "what a sweep that fails makes")?;
    }
    ensure(stage.see().await? == before, "a sweep that fails changes nothing")?;
    stage.reopen().await?;
    ensure(stage.see().await? == before, "nor does opening the store again")?;

    // The rule is mended. What is judged is what was stored, whatever the sweep says that it was.
    let mut altered = reading.clone();
    altered.reading.value = super::cast::calm(1, 1, 0).reading.value;
    let judged = stage.own(Purpose::Sweep, &pt(1), again(&altered), at(60)).await??;
    let audiences: Vec<_> = judged.alerts.iter().map(|alert| (alert.audience, alert.condition)).collect();
    ensure(audiences.contains(&(Audience::Clinical, Condition::Active)), "the red is raised at last")?;
    ensure(
        audiences.iter().any(|(who, how)| *who == Audience::Technical && matches!(how, Condition::Cleared(_))),
        "and the technical alert has done its work",
    )?;
    same(&stage.unevaluated().await?, &Vec::new(), "what waits to be judged")?;
    let kept = super::only(stage.readings().await?, "readings")?;
    same(&kept.reading, &reading.reading, "the reading stays as it came")?;
    ensure(matches!(kept.verdict, Some(Verdict::Evaluated { .. })), "its verdict is the new one")?;
    same(&duplicate(&stage.tell(&reading, at(61)).await?)?, &kept.verdict.as_ref(), "told again, the new verdict")?;

    // A second sweep that saw the same list comes too late.
    let twice = stage.own(Purpose::Sweep, &pt(1), again(&reading), at(62)).await??;
    same(&(twice.alerts.len(), twice.jobs, twice.chain_head), &(0, 0, judged.chain_head), "judged once is enough")?;
    stage.reopen().await?;
    same(&stage.unevaluated().await?, &Vec::new(), "once the store was opened again")?;
    same(&stage.lease(far(), at(100)).await?.len(), &2, "notifications, one for each alert")?;
    // What is not there, or not theirs, cannot be judged again.
    for (patient, admitted) in [(pt(2), &reading), (pt(1), &red(1, 9, 0))] {
        let answer = stage.own(Purpose::Sweep, &patient, again(admitted), at(70)).await?;
        ensure(answer.is_err(), "what is not in this record cannot be judged again")?;
    }
    Ok(())
}

struct ListsNothing;

#[async_trait]
impl Fault for ListsNothing {
    async fn unevaluated(&self, real: &dyn Store, who: &Access, skip: usize, limit: usize) -> Read<Admitted> {
        real.unevaluated(who, skip, limit).await.map(|_| Vec::new())
    }
}

/// Lists whatever it has listed before.
#[derive(Default)]
struct ListsForEver(Mutex<Vec<Admitted>>);

#[async_trait]
impl Fault for ListsForEver {
    async fn unevaluated(&self, real: &dyn Store, who: &Access, skip: usize, limit: usize) -> Read<Admitted> {
        let waiting = real.unevaluated(who, skip, limit).await?;
        let mut listed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        listed.extend(waiting);
        listed.dedup();
        Ok(listed.clone())
    }
}

/// Judges the reading that the caller sent, and not the one that is stored.
struct TrustsTheSweep;

#[async_trait]
impl Fault for TrustsTheSweep {
    async fn apply(&self, real: &dyn Store, call: Call) -> Answers {
        let sent = call.slices.iter().flat_map(|slice| &slice.events).cloned();
        let sent: Vec<Event> = sent.filter(|event| matches!(event, Event::Reconsider(_))).collect();
        let trusting = Trusting { rules: Arc::clone(&call.decide), sent };
        call.by(Arc::new(trusting), real).await
    }
}

struct Trusting {
    rules: Arc<dyn Decide>,
    /// What is judged again, as it was sent.
    sent: Vec<Event>,
}

impl Decide for Trusting {
    fn decide(&self, care: &Care, before: &PatientState, events: &[Event], at: DateTime<Utc>) -> Decisions {
        let is_again = events.iter().any(|event| matches!(event, Event::Reconsider(_)));
        self.rules.decide(care, before, if is_again { &self.sent } else { events }, at)
    }

    fn unevaluated(&self, before: &PatientState, events: &[Event], reason: ErrorCode, at: DateTime<Utc>) -> Decisions {
        self.rules.unevaluated(before, events, reason, at)
    }
}

/// Notes each try, by registering the person under a name that changes.
struct FillsTheLog;

#[async_trait]
impl Fault for FillsTheLog {
    async fn apply(&self, real: &dyn Store, call: Call) -> Answers {
        let is_a_try =
            call.slices.iter().flat_map(|slice| &slice.events).any(|event| matches!(event, Event::Reconsider(_)));
        if is_a_try {
            let registered = Event::written(super::cast::person(1, &format!("Tried at {}", call.at.timestamp())));
            let subject = ingest::store::Subject::Patient(pt(1));
            let slices = vec![ingest::store::Slice { subject, events: vec![registered] }];
            let noted = Call { who: Access::system(Purpose::SetUp), slices, ..call.clone() };
            drop(noted.on(real).await);
        }
        call.on(real).await
    }
}
