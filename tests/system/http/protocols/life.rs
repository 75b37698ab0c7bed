//! Which protocols judge whom: named by the care plan, in force at a place, on trial, withdrawn.

use super::*;
use crate::http::county::everywhere;
use chrono::TimeDelta;
use ingest::events::{AlertStage, ServiceEvent};
use rules::{Alert, Audience, ClearedBecause, Condition};

const PULSE: &str = r#"
[pack]
id = "test-pressure-too"
title = "Test: another on blood pressure"
version = "1.0.0"
engine_min = 1

[[pack.sources]]
ref = "Invented for a test"

[message.c]
en = "Low diastolic."

[[rule]]
id = "low"
title = "Low"
harm = "minor"
onset = "delayed"
when = { latest = "diastolic", below = 50 }
clear = { count = 1, when = { latest = "diastolic", at_least = 50 } }
actionable_for = "30m"
raise_again_after = "1h"
clinician_message = "c"
"#;

async fn alerts_for(county: &County, audience: Audience) -> Vec<Alert> {
    let alerts = county.shared.store.alerts(&everywhere(&["pt-own", "pt-other-team"]), 100).await.unwrap();
    alerts.into_iter().filter(|alert| alert.audience == audience).collect()
}

async fn alerts(county: &County) -> Vec<Alert> {
    alerts_for(county, Audience::Clinical).await
}

fn on_trial(county: &County) -> usize {
    county.events.count(|event| matches!(event, ServiceEvent::AlertChanged { stage: AlertStage::OnTrial, .. }))
}

#[test]
fn a_protocol_judges_only_whose_plan_names_it_and_where_a_place_has_it_in_force() {
    in_county(Arc::new(judging(&[PACK])), async |county| {
        let send = async |first: u32| {
            county.clock.advance(TimeDelta::minutes(2));
            county.send(&["pt-own", "pt-other-team"], first, "182/80").await;
            let people: Vec<String> = alerts(&county).await.iter().map(|alert| alert.patient.to_string()).collect();
            people
        };
        assert!(send(1).await.is_empty(), "nobody has a plan");
        is(&plan(&county, "pt-own", 1, &["test-bp"], &[]).await, 201, None);
        is(&plan(&county, "pt-other-team", 1, &["test-bp"], &[]).await, 201, None);
        assert!(send(10).await.is_empty(), "it is in force nowhere");
        is(&at_place(&county, "st-lead-b", json!({ "team": "tm-b" }), 1, &[(PACK, "active")], &[]).await, 201, None);
        assert_eq!(send(20).await, ["pt-other-team"], "in force at one team");
        is(&at_place(&county, "st-lead", json!("footprint"), 1, &[(PACK, "active")], &[]).await, 201, None);
        is(&plan(&county, "pt-own", 2, &[], &[]).await, 200, None);
        assert_eq!(send(30).await, ["pt-other-team"], "in force everywhere, and their plan no longer names it");
        is(&plan(&county, "pt-own", 3, &["test-bp"], &[]).await, 200, None);
        assert_eq!(send(40).await.len(), 2);
    });
}

/// Nothing is silent: whose readings nobody judges is told to whoever keeps the service, once, until somebody does.
#[test]
fn where_no_protocol_judges_a_person_somebody_hears_of_it_once() {
    in_county(Arc::new(judging(&[PACK])), async |county| {
        let told = async |first: u32| {
            county.clock.advance(TimeDelta::minutes(2));
            county.send(&["pt-own"], first, "182/80").await;
            alerts_for(&county, Audience::Technical).await
        };
        let first = told(1).await;
        let is_it = |alert: &Alert| alert.made_by.rule == "nobody-watches" && alert.condition == Condition::Active;
        assert!(matches!(first.as_slice(), [alert] if is_it(alert)), "{first:?}");
        assert_eq!(told(2).await[0].evidence, first[0].evidence, "once, whatever comes after it");
        is(&plan(&county, "pt-own", 1, &["test-bp"], &[]).await, 201, None);
        is(&at_place(&county, "st-lead", json!("footprint"), 1, &[(PACK, "shadow")], &[]).await, 201, None);
        assert!(is_it(&told(3).await[0]), "who is on trial watches over nobody");
        is(&at_place(&county, "st-lead", json!("footprint"), 2, &[(PACK, "active")], &[]).await, 200, None);
        assert_eq!(told(4).await[0].condition, Condition::Cleared(ClearedBecause::Judged));
    });
}

#[test]
fn on_trial_it_judges_and_nobody_is_told_and_once_in_force_everybody_is() {
    in_county(Arc::new(judging(&[PACK])), async |county| {
        is(&plan(&county, "pt-own", 1, &["test-bp"], &[]).await, 201, None);
        is(&at_place(&county, "st-lead", json!("footprint"), 1, &[(PACK, "shadow")], &[]).await, 201, None);
        let receipt = county.send(&["pt-own"], 1, "182/80").await.to_string();
        assert_eq!((alerts(&county).await, on_trial(&county)), (vec![], 1), "kept, counted and told to nobody");
        assert!(!receipt.contains("call 999") && !receipt.contains("\"al-"), "{receipt}");
        is(&at_place(&county, "st-lead", json!("footprint"), 2, &[(PACK, "active")], &[]).await, 200, None);
        county.clock.advance(TimeDelta::minutes(2));
        let receipt = county.send(&["pt-own"], 2, "183/80").await.to_string();
        let told = alerts(&county).await;
        assert_eq!((told.len(), told[0].condition), (1, Condition::Active));
        assert!(receipt.contains("call 999") && receipt.contains("\"al-"), "{receipt}");
        is(&at_place(&county, "st-lead", json!("footprint"), 3, &[(PACK, "retired")], &[]).await, 200, None);
        county.clock.advance(TimeDelta::minutes(2));
        county.send(&["pt-own"], 3, "184/80").await;
        let told = alerts(&county).await;
        assert_eq!(told[0].condition, Condition::Cleared(ClearedBecause::ProtocolEnded));
        assert_eq!((told.len(), told[0].is_waiting(), told[0].made_by.version.as_str()), (1, true, "1.0.0"));
    });
}

/// Two versions of one protocol on the same readings: the newer is on trial, and one alert is told.
#[test]
fn a_new_version_is_tried_beside_the_one_in_force() {
    let newer = PACK.replace("1.0.0", "1.1.0").replace("default = 170", "default = 165");
    in_county(Arc::new(judging(&[PACK, &newer])), async |county| {
        is(&plan(&county, "pt-own", 1, &["test-bp"], &[]).await, 201, None);
        let both = [(PACK, "active"), (newer.as_str(), "shadow")];
        is(&at_place(&county, "st-lead", json!("footprint"), 1, &both, &[]).await, 201, None);
        county.send(&["pt-own"], 1, "167/80").await;
        assert_eq!((alerts(&county).await, on_trial(&county)), (vec![], 1), "by the newer only");
        county.clock.advance(TimeDelta::minutes(2));
        county.send(&["pt-own"], 2, "172/80").await;
        let told = alerts(&county).await;
        assert_eq!((told.len(), told[0].made_by.version.as_str()), (1, "1.0.0"));
        let now = [(PACK, "retired"), (newer.as_str(), "active")];
        is(&at_place(&county, "st-lead", json!("footprint"), 2, &now, &[]).await, 200, None);
        county.clock.advance(TimeDelta::minutes(2));
        county.send(&["pt-own"], 3, "168/80").await;
        let told = alerts(&county).await;
        assert_eq!((told.len(), told[0].made_by.version.as_str()), (1, "1.0.0"), "an alert keeps its version");
        assert_eq!(told[0].evidence.len(), 2, "and the next version goes on with it");
    });
}

#[test]
fn two_on_one_measure_are_refused_by_name_unless_one_says_that_it_may_stand_beside_the_other() {
    let beside = PULSE.replace("engine_min = 1", "engine_min = 1\nbeside = [\"test-bp\"]");
    for (other, refused) in [(PULSE, true), (beside.as_str(), false)] {
        in_county(Arc::new(judging(&[PACK, other])), async |county| {
            let answer = plan(&county, "pt-own", 1, &["test-bp", "test-pressure-too"], &[]).await;
            if !refused {
                return is(&answer, 201, None);
            }
            is(&answer, 422, Some("protocols_contest"));
            let detail = answer.json()["detail"].as_str().unwrap().to_owned();
            assert!(detail.contains("test-pressure-too and test-bp both judge blood_pressure"), "{detail}");
        });
    }
}

#[test]
fn what_is_not_approved_here_is_not_put_in_force() {
    let changed = PACK.replace("Very high", "Too high");
    in_county(Arc::new(judging(&[PACK])), async |county| {
        let refused = at_place(&county, "st-lead", json!("footprint"), 1, &[(&changed, "active")], &[]).await;
        is(&refused, 422, Some("protocol_not_here"));
        let detail = refused.json()["detail"].as_str().unwrap().to_owned();
        assert_eq!(detail, "this service has no approved protocol test-bp of this content");
    });
}
