//! A timer is due at its very moment, until what it was for has been done.

use super::{
    Check, Holds, Plant,
    cast::{amber, at, calm, pt},
    ensure,
    fault::{Answers, Call, Fault, Timers},
    same,
    stage::{Stage, far},
};
use async_trait::async_trait;
use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use ingest::{
    access::{Access, Purpose},
    store::Store,
};
use rules::{Condition, Event, Repeat, Timer};
use std::sync::{Mutex, PoisonError};
use vitals::PatientId;

pub(super) fn checks() -> Vec<Check> {
    vec![
        Check {
            name: "a timer is due at its microsecond, also once the store was opened again, and then never more",
            run: |stage| Box::pin(exact(stage)),
            plants: vec![
                Plant::new("timers are kept to the second", || WholeSeconds),
                Plant::new("a timer is due a moment late", || AMomentLate),
                Plant::new("a timer that was applied stays due", StaysDue::default),
            ],
        },
        Check {
            name: "a timer that the rules panic on stays due",
            run: |stage| Box::pin(panics(stage)),
            plants: vec![Plant::new("a timer is gone once it was tried", GoneOnceTried::default)],
        },
        Check {
            name: "a repeat that comes in time ends its timer",
            run: |stage| Box::pin(repeated(stage)),
            plants: vec![Plant::new("timers are never cancelled", || {
                super::shapes::ChangesDecisions(|decided: super::shapes::Decided<'_>| {
                    decided.decisions.cancelled.clear();
                })
            })],
        },
    ]
}

const MICROSECOND: TimeDelta = TimeDelta::microseconds(1);

async fn exact(stage: &mut Stage) -> Holds {
    // A clock may tell nanoseconds; what the store keeps and what the rules remember must meet all the same.
    let odd = at(1) + TimeDelta::nanoseconds(123_456_789);
    let alert = super::only(stage.offer(&amber(1, 1, 0), odd).await?.alerts, "alerts of an amber")?;
    let Repeat::Asked { until } = alert.repeat else { return ensure(false, "a repeat is awaited") };
    ensure((until - odd - TimeDelta::minutes(15)).abs() < MICROSECOND, "fifteen minutes from now")?;
    let until = until.trunc_subsecs(6);
    for _ in 0..2 {
        same(&stage.timers(until - MICROSECOND).await?, &Vec::new(), "a microsecond before")?;
        let (whose, timer) = super::only(stage.timers(until).await?, "at its microsecond")?;
        same(&(whose, timer.alert), &(pt(1), alert.id), "what it is for")?;
        stage.reopen().await?;
    }
    let (_, timer) = super::only(stage.timers(far()).await?, "long after")?;
    let raised = stage.own(Purpose::Sweep, &pt(1), Event::Due(timer.clone()), until).await??;
    let raised_alert = super::only(raised.alerts, "alerts that the timer raises")?;
    same(&(raised_alert.condition, raised_alert.repeat), &(Condition::Active, Repeat::NotDone), "how it stands")?;
    same(&raised.jobs, &1, "who is told")?;
    same(&stage.timers(far()).await?, &Vec::new(), "once it was applied")?;
    // A sweep that comes again, having been killed after the commit, does nothing.
    let again = stage.own(Purpose::Sweep, &pt(1), Event::Due(timer), until).await??;
    same(&(again.alerts.len(), again.jobs), &(0, 0), "applied again")?;
    stage.reopen().await?;
    same(&stage.timers(far()).await?, &Vec::new(), "once the store was opened again")
}

async fn panics(stage: &mut Stage) -> Holds {
    stage.offer(&amber(1, 1, 0), at(1)).await?;
    let (_, timer) = super::only(stage.timers(far()).await?, "timers of an amber")?;
    let due_at = timer.due_at;
    let panicking = stage.panicking();
    let before = stage.see().await?;
    let tried = panicking.own(Purpose::Sweep, &pt(1), Event::Due(timer.clone()), due_at).await?;
    ensure(tried.is_err(), "who asked hears that it is not done")?;
    ensure(stage.see().await? == before, "it stays due, or the alert would never come")?;
    let raised = stage.own(Purpose::Sweep, &pt(1), Event::Due(timer), due_at).await??;
    same(&(raised.alerts.len(), raised.jobs), &(1, 1), "raised once the rule is mended")?;
    same(&stage.timers(far()).await?, &Vec::new(), "once it was applied")
}

async fn repeated(stage: &mut Stage) -> Holds {
    stage.offer(&amber(1, 1, 0), at(1)).await?;
    stage.offer(&amber(2, 1, 0), at(1)).await?;
    same(&stage.timers(far()).await?.len(), &2, "timers of two ambers")?;
    stage.offer(&calm(1, 2, 120), at(121)).await?;
    let (whose, _) = super::only(stage.timers(far()).await?, "timers once one repeat has come")?;
    same(&whose, &pt(2), "whose timer stays")?;
    stage.reopen().await?;
    same(&stage.timers(far()).await?.len(), &1, "timers once the store was opened again")
}

struct WholeSeconds;

#[async_trait]
impl Fault for WholeSeconds {
    async fn due_timers(&self, real: &dyn Store, who: &Access, limit: usize, at: DateTime<Utc>) -> Timers {
        // A timer rounded down is due from its second on.
        real.due_timers(who, limit, at.trunc_subsecs(0) + TimeDelta::milliseconds(999)).await
    }
}

struct AMomentLate;

#[async_trait]
impl Fault for AMomentLate {
    async fn due_timers(&self, real: &dyn Store, who: &Access, limit: usize, at: DateTime<Utc>) -> Timers {
        real.due_timers(who, limit, at - MICROSECOND).await
    }
}

/// Lists whatever it has listed before.
#[derive(Default)]
struct StaysDue(Mutex<Vec<(PatientId, Timer)>>);

#[async_trait]
impl Fault for StaysDue {
    async fn due_timers(&self, real: &dyn Store, who: &Access, limit: usize, at: DateTime<Utc>) -> Timers {
        let due = real.due_timers(who, limit, at).await?;
        let mut listed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        listed.extend(due);
        listed.dedup();
        Ok(listed.iter().filter(|(_, timer)| timer.due_at <= at).cloned().collect())
    }
}

/// Takes a timer away before it is applied.
#[derive(Default)]
struct GoneOnceTried(Mutex<Vec<Timer>>);

#[async_trait]
impl Fault for GoneOnceTried {
    async fn apply(&self, real: &dyn Store, call: Call) -> Answers {
        let due = call.slices.iter().flat_map(|slice| &slice.events).filter_map(|event| {
            let Event::Due(timer) = event else { return None };
            Some(timer.clone())
        });
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(due);
        call.on(real).await
    }

    async fn due_timers(&self, real: &dyn Store, who: &Access, limit: usize, at: DateTime<Utc>) -> Timers {
        let mut timers = real.due_timers(who, limit, at).await?;
        let gone = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        timers.retain(|(_, timer)| !gone.contains(timer));
        Ok(timers)
    }
}
