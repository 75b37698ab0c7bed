//! The levels: pack, footprint, team or home, patient.

use super::*;
use crate::http::county::everywhere;
use chrono::{DateTime, TimeDelta, Utc};
use ingest::store::Care;
use register::Item;
use rules::{Audience, Decisions, Event, PatientState};
use vitals::ErrorCode;

const PEOPLE: [&str; 4] = ["pt-own", "pt-other-team", "pt-other-trust", "pt-resident"];

/// Who has a red, and which parameter its evidence names.
async fn reds(county: &County) -> Vec<(String, String)> {
    let alerts = county.shared.store.alerts(&everywhere(&PEOPLE), 100).await.unwrap();
    let of = |alert: &rules::Alert| {
        let named = alert.evidence[0].findings[0].parameter.clone().unwrap_or_default();
        (alert.patient.as_str().to_owned(), named)
    };
    // Whose readings nobody judges is told to whoever keeps the service, which is another test's matter.
    let mut reds: Vec<_> = alerts.iter().filter(|alert| alert.audience == Audience::Clinical).map(of).collect();
    reds.sort();
    reds
}

/// The same reading of everybody, by everybody's own numbers. What is wrong, if anything is.
fn each_by_their_own(decide: Arc<dyn Decide>) -> Result<(), String> {
    in_county(decide, async |county| {
        is(&at_place(&county, "st-lead", json!("footprint"), 1, &[(PACK, "active")], &[]).await, 201, None);
        let of_team = [parameter("test-bp", "systolic_red", "160")];
        is(&at_place(&county, "st-lead-b", json!({ "team": "tm-b" }), 1, &[], &of_team).await, 201, None);
        let own = [parameter("test-bp", "systolic_red", "150")];
        is(&plan(&county, "pt-own", 1, &["test-bp"], &own).await, 201, None);
        is(&plan(&county, "pt-other-team", 1, &["test-bp"], &[]).await, 201, None);
        is(&plan(&county, "pt-other-trust", 1, &["test-bp"], &[]).await, 201, None);
        let mut wanted: Vec<(String, String)> = Vec::new();
        for (first, value, more) in [
            (1, "149/80", None),
            (10, "152/80", Some(("pt-own", "systolic_red @patient"))),
            (20, "165/80", Some(("pt-other-team", "systolic_red @team"))),
            (30, "182/80", Some(("pt-other-trust", "systolic_red"))),
        ] {
            county.clock.advance(TimeDelta::minutes(2));
            county.send(&PEOPLE, first, value).await;
            wanted.extend(more.map(|(person, parameter)| (person.to_owned(), parameter.to_owned())));
            wanted.sort();
            let found = reds(&county).await;
            if found != wanted {
                return Err(format!("at {value}: {found:?}, not {wanted:?}"));
            }
        }
        Ok(())
    })
}

/// Leaves out what is set for people and places.
struct IgnoresSettings(ByPlan);

impl Decide for IgnoresSettings {
    fn decide(&self, care: &Care, before: &PatientState, events: &[Event], at: DateTime<Utc>) -> Decisions {
        let mut care = care.clone();
        if let Some(plan) = &mut care.plan {
            plan.parameters.clear();
        }
        for place in &mut care.places {
            Arc::make_mut(place).parameters.clear();
        }
        self.0.decide(&care, before, events, at)
    }

    fn unevaluated(&self, before: &PatientState, events: &[Event], reason: ErrorCode, at: DateTime<Utc>) -> Decisions {
        self.0.unevaluated(before, events, reason, at)
    }

    fn may_stand(&self, item: &Item) -> Result<(), ingest::store::PlanRefused> {
        self.0.may_stand(item)
    }
}

#[test]
fn the_same_reading_is_judged_by_the_most_specific_number_and_evidence_names_its_level() {
    each_by_their_own(Arc::new(judging(&[PACK]))).unwrap();
    let planted = each_by_their_own(Arc::new(IgnoresSettings(judging(&[PACK]))));
    assert!(planted.is_err_and(|error| error.starts_with("at 152/80: []")), "who leaves settings out is found");
}

#[test]
fn a_number_outside_its_range_is_refused_with_the_range_and_nothing_changes() {
    in_county(Arc::new(judging(&[PACK])), async |county| {
        is(&at_place(&county, "st-lead", json!("footprint"), 1, &[(PACK, "active")], &[]).await, 201, None);
        is(&plan(&county, "pt-own", 1, &["test-bp"], &[]).await, 201, None);
        for (parameters, code, detail) in [
            (
                parameter("test-bp", "systolic_red", "139"),
                "parameter_refused",
                "set a parameter: systolic_red may be 140 to 190 for a patient, not 139",
            ),
            (
                parameter("test-bp", "systolic", "160"),
                "parameter_refused",
                "set a parameter: test-bp has no parameter systolic",
            ),
            (parameter("other", "x", "1"), "protocol_not_here", "this service has no approved protocol other"),
        ] {
            let refused = plan(&county, "pt-own", 2, &["test-bp"], &[parameters]).await;
            is(&refused, 422, Some(code));
            assert_eq!(refused.json()["detail"], json!(detail));
        }
        let mut ends = parameter("test-bp", "systolic_red", "150");
        ends["temporary"] = json!({ "from": at(0), "until": at(60), "then": "200" });
        is(&plan(&county, "pt-own", 2, &["test-bp"], &[ends]).await, 422, Some("parameter_refused"));
        let wide = [parameter("test-bp", "systolic_red", "190")];
        let of_team = at_place(&county, "st-lead-b", json!({ "team": "tm-b" }), 1, &[], &wide).await;
        is(&of_team, 422, Some("parameter_refused"));
        let elsewhere = at_place(&county, "st-lead-b", json!({ "team": "tm-a" }), 1, &[], &[]).await;
        is(&elsewhere, 403, Some("not_allowed"));
        is(&at_place(&county, "st-clin", json!({ "team": "tm-a" }), 1, &[], &[]).await, 403, Some("not_allowed"));
        let kept = county.ask_as("st-clin", "GET", "/v1/register/plan/rc-own", "").await.json();
        assert_eq!((&kept["version"], &kept["item"]["plan"]["parameters"]), (&json!(1), &Value::Null));
        let second = json!({ "id": "rc-second", "patient": "pt-own", "packs": [] });
        let refused = put(&county, "st-clin", "plan", "rc-second", 1, &second).await;
        is(&refused, 422, Some("item_not_in_order"));
    });
}

/// What is temporary ends by itself; what is only to be reviewed does not.
#[test]
fn a_temporary_number_ends_at_its_end_and_a_review_changes_nothing() {
    in_county(Arc::new(judging(&[PACK])), async |county| {
        is(&at_place(&county, "st-lead", json!("footprint"), 1, &[(PACK, "active")], &[]).await, 201, None);
        let mut ends = parameter("test-bp", "systolic_red", "190");
        ends["temporary"] = json!({ "from": at(-10), "until": at(30) });
        is(&plan(&county, "pt-own", 1, &["test-bp"], &[ends]).await, 201, None);
        let mut reviewed = parameter("test-bp", "systolic_red", "190");
        reviewed["review_at"] = json!(at(10));
        is(&plan(&county, "pt-other-team", 1, &["test-bp"], &[reviewed]).await, 201, None);
        county.clock.advance(TimeDelta::minutes(29));
        county.send(&PEOPLE, 1, "175/80").await;
        assert_eq!(reds(&county).await, []);
        county.clock.advance(TimeDelta::minutes(1));
        county.send(&PEOPLE, 10, "176/80").await;
        assert_eq!(reds(&county).await, [("pt-own".to_owned(), "systolic_red".to_owned())]);
    });
}
