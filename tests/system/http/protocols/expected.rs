//! Readings that are expected and do not come, through the real interface, store and sweep; and what stands behind a reading that
//! nobody can judge.

use super::*;
use crate::http::county::everywhere;
use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use harness::fault::{Fault, Read, put_before};
use ingest::{
    access::{Access, Purpose},
    events::ServiceEvent,
    rounds::Rounds,
    store::Care,
    sweep::{PassedOver, Sweep},
};
use rules::{Alert, Audience, Condition, Decisions, Event, PatientState};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use tokio::sync::watch;
use vitals::{Admitted, ErrorCode};

const WAITS: &str = r#"
[pack]
id = "test-waits"
title = "Test: readings that did not come"
version = "1.0.0"
engine_min = 2

[[pack.sources]]
ref = "Invented for a test"

[message.c]
en = "Call the person."

[schedule.daily]
times = ["09:00"]
before = "9h"
grace = "12h"

[[rule]]
id = "call"
title = "No blood pressure for 3 days"
harm = "reversible"
onset = "prompt"
when = { missing = "systolic", of = "daily", in_a_row = 3 }
clear = { count = 1, when = { latest = "systolic", above = 0, max_age = "1m" } }
actionable_for = "1d"
raise_again_after = "2d"
clinician_message = "c"
"#;

fn sweep(county: &County) -> Sweep {
    Sweep {
        store: county.shared.store.clone(),
        decide: county.shared.decide.clone(),
        clock: county.clock.clone(),
        events: county.shared.events.clone(),
        wake_notifier: county.shared.wake_notifier.clone(),
    }
}

/// Lets days pass, as the service lets them: it looks at what is due.
async fn days(county: &County, days: i64) {
    let (sweep, mut passed) = (sweep(county), PassedOver::default());
    for _ in 0..days * 24 {
        county.clock.advance(TimeDelta::hours(1));
        sweep.look(&mut passed, false).await.unwrap();
    }
}

pub(super) async fn go_round(county: &County) {
    let rounds = Rounds {
        store: county.shared.store.clone(),
        decide: county.shared.decide.clone(),
        clock: county.clock.clone(),
        events: county.shared.events.clone(),
        wake_notifier: county.shared.wake_notifier.clone(),
        wake: county.shared.wake_rounds.clone(),
    };
    let mut stop = watch::channel(false);
    let passes = async {
        loop {
            county.clock.advance(TimeDelta::milliseconds(20));
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        () = rounds.go(&mut stop.1) => {}
        () = passes => {}
    }
}

async fn calls(county: &County) -> Vec<(String, bool)> {
    let alerts = county.shared.store.alerts(&everywhere(&["pt-own", "pt-other-team"]), 100).await.unwrap();
    let clinical = alerts.into_iter().filter(|alert| alert.audience == Audience::Clinical);
    clinical.map(|alert| (alert.patient.to_string(), alert.condition == Condition::Active)).collect()
}

async fn plan_that_asks(county: &County, version: u32) {
    let schedule = json!([{ "kind": "blood_pressure", "at": ["08:00:00"], "every_days": 1 }]);
    let body = json!({ "id": "rc-own", "patient": "pt-own", "packs": ["test-waits"], "schedule": schedule });
    let answer = put(county, "st-clin", "plan", "rc-own", version, &body).await;
    assert!(answer.status < 300, "{answer:?}");
}

/// Every protocol we ship, each by itself: whatever it remembers and waits for, the store keeps.
#[test]
fn what_each_shipped_protocol_decides_is_kept() {
    for text in rules::pack::SHIPPED {
        let signed = text.replace("draft = true", "draft = false");
        in_county(Arc::new(judging(&[&signed])), async |county| {
            let name = Pack::read(&signed).unwrap().id;
            is(&at_place(&county, "st-lead", json!("footprint"), 1, &[(&signed, "active")], &[]).await, 201, None);
            is(&plan(&county, "pt-own", 1, &[&name], &[]).await, 201, None);
            county.send(&["pt-own"], 1, "130/80").await;
            days(&county, 16).await;
            county.clock.advance(TimeDelta::minutes(2));
            county.send(&["pt-own"], 2, "205/80").await;
            let kept = county.shared.store.readings(&everywhere(&["pt-own"]), 10).await.unwrap();
            assert_eq!(kept.len(), 2, "{name}");
            let failed = county.events.count(|event| matches!(event, ServiceEvent::TaskFailed { .. }));
            let waiting = county.shared.store.unevaluated(&Access::system(Purpose::Sweep), 0, 10).await.unwrap();
            assert_eq!((failed, waiting), (0, Vec::new()), "{name}");
        });
    }
}

/// Whose reading came is waited for; who was never asked for one is not.
#[test]
fn three_days_without_a_reading_are_told_in_the_real_store() {
    in_county(Arc::new(judging(&[WAITS])), async |county| {
        is(&at_place(&county, "st-lead", json!("footprint"), 1, &[(WAITS, "active")], &[]).await, 201, None);
        for person in ["pt-own", "pt-other-team"] {
            is(&plan(&county, person, 1, &["test-waits"], &[]).await, 201, None);
        }
        county.send(&["pt-own"], 1, "130/80").await;
        days(&county, 3).await;
        assert!(calls(&county).await.is_empty());
        days(&county, 1).await;
        assert_eq!(calls(&county).await, [("pt-own".to_owned(), true)]);
        county.send(&["pt-own"], 2, "130/80").await;
        assert_eq!(calls(&county).await, [("pt-own".to_owned(), false)]);
    });
}

/// Somebody was given a cuff, and their plan asks for a reading a day: no first reading is waited for.
#[test]
fn somebody_who_never_measured_is_told_of() {
    in_county(Arc::new(judging(&[WAITS])), async |county| {
        is(&at_place(&county, "st-lead", json!("footprint"), 1, &[(WAITS, "active")], &[]).await, 201, None);
        plan_that_asks(&county, 1).await;
        days(&county, 4).await;
        assert_eq!(calls(&county).await, [("pt-own".to_owned(), true)]);
    });
}

/// The protocol is put in force when the plan has long been written: the rounds tell everybody whom it is about.
#[test]
fn a_protocol_put_in_force_later_hears_of_those_who_send_nothing() {
    let is_told_of = |goes_round: bool| {
        in_county(Arc::new(judging(&[WAITS])), async |county| {
            plan_that_asks(&county, 1).await;
            is(&at_place(&county, "st-lead", json!("footprint"), 1, &[(WAITS, "active")], &[]).await, 201, None);
            if goes_round {
                go_round(&county).await;
            }
            days(&county, 4).await;
            !calls(&county).await.is_empty()
        })
    };
    assert!(is_told_of(true));
    assert!(!is_told_of(false), "planted: nobody goes round");
}

/// In hospital nothing is expected; and once somebody is back, three days count from then.
#[test]
fn a_stay_in_hospital_is_held_against_nobody() {
    in_county(Arc::new(judging(&[WAITS])), async |county| {
        is(&at_place(&county, "st-lead", json!("footprint"), 1, &[(WAITS, "active")], &[]).await, 201, None);
        plan_that_asks(&county, 1).await;
        let status = async |version: u32, status: Value| {
            let path = "/v1/register/patient/pt-own";
            let mut known = county.ask_as("st-clin", "GET", path, "").await.json()["item"]["patient"].clone();
            known["status"] = status;
            is(&put(&county, "st-clin", "patient", "pt-own", version, &known).await, 200, None);
        };
        let today = county.clock.read().date_naive();
        status(2, json!({ "admitted": today })).await;
        days(&county, 10).await;
        assert!(calls(&county).await.is_empty());
        county.clock.advance(TimeDelta::hours(1));
        status(3, json!("active")).await;
        days(&county, 3).await;
        assert!(calls(&county).await.is_empty());
        days(&county, 1).await;
        assert_eq!(calls(&county).await.len(), 1);
    });
}

/// Fails on one person's readings for ever, and on the others' once.
struct Stumbles(ByPlan, AtomicBool);

impl Decide for Stumbles {
    fn decide(&self, care: &Care, before: &PatientState, events: &[Event], at: DateTime<Utc>) -> Decisions {
        let is_reading = events.iter().any(|event| matches!(event, Event::Reading(_) | Event::Reconsider(_)));
        let is_theirs = before.patient.as_str() == "pt-own";
        if is_reading && (is_theirs || self.1.load(Relaxed)) {
            return self.unevaluated(before, events, ErrorCode::RulePanicked, at);
        }
        self.0.decide(care, before, events, at)
    }

    fn unevaluated(&self, before: &PatientState, events: &[Event], reason: ErrorCode, at: DateTime<Utc>) -> Decisions {
        self.0.unevaluated(before, events, reason, at)
    }
}

/// Begins with the oldest, whatever was asked for.
struct PassesNothingOver;

#[async_trait]
impl Fault for PassesNothingOver {
    async fn unevaluated(&self, real: &dyn Store, who: &Access, _skip: usize, limit: usize) -> Read<Admitted> {
        real.unevaluated(who, 0, limit).await
    }
}

/// More readings than one look takes can never be judged; one behind them can.
#[test]
fn what_cannot_be_judged_keeps_nothing_behind_it_waiting() {
    let is_judged = |wrap: Wrap<dyn Store>| {
        let decide = Arc::new(Stumbles(judging(&[PACK]), true.into()));
        in_county_of(wrap, decide.clone(), async |county| {
            for first in [1, 101, 201] {
                county.clock.advance(TimeDelta::minutes(2));
                county.send(&["pt-own"; 100], first, "130/80").await;
            }
            county.send(&["pt-other-team"], 1_000, "130/80").await;
            decide.1.store(false, Relaxed);
            sweep(&county).look(&mut PassedOver::default(), true).await.unwrap();
            let told: Vec<Alert> = county.shared.store.alerts(&everywhere(&["pt-other-team"]), 10).await.unwrap();
            told.iter().all(|alert| alert.made_by.rule != "reading-not-judged" || alert.condition != Condition::Active)
        })
    };
    assert!(is_judged(Arc::new(|store| store)));
    assert!(!is_judged(put_before(Arc::new(PassesNothingOver))), "planted");
}
